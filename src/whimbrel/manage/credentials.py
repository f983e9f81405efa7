"""credentials.json: what quickstart tells whoever starts with Whimbrel. It holds secrets in the clear, so it is
readable by its owner only, and is replaced as a whole or not at all.
"""

import os
from pathlib import Path

import msgspec

FILE = "credentials.json"


class Credentials(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file's fields; what this installation does not have is left out."""

    http_url: str = ""
    account_sid: str = ""
    auth_token: str = ""
    api_key: str = ""
    test_key: str = ""
    operator_key: str = ""
    console_url: str = ""
    console_user: str = ""
    console_password: str = ""
    smpp_host: str = ""
    smpp_port: int = 0
    smpp_system_id: str = ""
    smpp_password: str = ""
    simulator_smpp_port: int = 0
    simulator_http_url: str = ""


def read(folder: Path) -> Credentials | None:
    """The credentials in `folder`; None when there are none. ValueError when the file is damaged."""
    path = folder / FILE
    try:
        octets = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(octets, type=Credentials)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is damaged ({error}); remove it, and quickstart makes new keys") from None


def write(folder: Path, credentials: Credentials) -> Path:
    """Replace the file (mode 0600); where it stands."""
    path, draft = folder / FILE, folder / f".{FILE}.new"
    text = msgspec.json.format(msgspec.json.encode(credentials), indent=2)
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return path
