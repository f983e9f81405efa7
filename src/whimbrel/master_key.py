"""The master key of an installation (32 octets), of which all other keys are made. It is no setting: it stands in a
file of its own, among the credentials that a service manager hands over, or in `WHIMBREL_MASTER_KEY`.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from whimbrel.base.clock import Chance
from whimbrel.base.vault import MASTER_KEY_OCTETS
from whimbrel.config import ConfigError

ENV = "WHIMBREL_MASTER_KEY"
FILE = "secret.key"
CREDENTIALS_ENV = "CREDENTIALS_DIRECTORY"  # as systemd sets it


def load(data: Path, environ: Mapping[str, str]) -> bytes:
    """The installation's master key (32 octets), as 64 hex digits: from `WHIMBREL_MASTER_KEY`, from `secret.key` among
    the credentials that a service manager hands over, or from `secret.key` in the data folder. ConfigError when there
    is none, when it is malformed, or when others may read the file."""
    if ENV in environ:
        return _parse_key(environ[ENV], ENV)
    handed = _handed_over(environ)
    path = handed or data / FILE
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise ConfigError(
            f"{path}: the master key cannot be read: {error.strerror}; "
            f"restore it from your backup or set {ENV} (`whimbrel quickstart` makes a new installation)"
        ) from None
    if mode & 0o077 and handed is None:  # systemd grants access by ACL, which shows as a group's
        raise ConfigError(f"{path}: others may read the master key (mode {mode:04o}); run: chmod 600 {path}")
    return _parse_key(text, str(path))


def exists(data: Path, environ: Mapping[str, str]) -> bool:
    """Whether there is one, be it good or bad."""
    return ENV in environ or (_handed_over(environ) or data / FILE).exists()


def _handed_over(environ: Mapping[str, str]) -> Path | None:
    """The master key among the credentials of a service; None where there is none."""
    handed = Path(environ.get(CREDENTIALS_ENV, ""), FILE)
    return handed if CREDENTIALS_ENV in environ and handed.exists() else None


def create(data: Path, chance: Chance) -> None:
    """Write a new `secret.key` with mode 0600; FileExistsError when there is one already."""
    key = chance.octets(MASTER_KEY_OCTETS).hex()
    opened = os.open(data / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())


def _parse_key(text: str, place: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text.strip()):
        raise ConfigError(f"{place}: expected a master key of {2 * MASTER_KEY_OCTETS} hex digits")
    return bytes.fromhex(text.strip())
