"""A client of a running node, over its public API, for the verbs that ask it. Address and keys come from
WHIMBREL_URL, WHIMBREL_API_KEY and WHIMBREL_OPERATOR_KEY, or from credentials.json of a quickstart folder.
"""

import contextlib
import http.client
import os
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from whimbrel.cli.options import DATA
from whimbrel.cli.say import fail
from whimbrel.config import Settings
from whimbrel.manage import credentials
from whimbrel.manage.credentials import Credentials

_TIMEOUT_S = 30
_BROKEN = (http.client.HTTPException, OSError)


class Refused(Exception):
    """The node answered with an error: its status, its own words as the message, its problem document if it was one."""

    def __init__(self, error: urllib.error.HTTPError) -> None:
        self.status = error.code
        self.document, words = problem(error)
        super().__init__(words)


class Unreachable(Exception):
    """No whole answer came: whether the request was carried out is not known."""


class Client:
    """The address and key of a node; `account_id` names the account that an operator's key acts for."""

    def __init__(self, url: str, key: str, account_id: str = "") -> None:
        self.url = url.rstrip("/")
        self._key = key
        self._account_id = account_id

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> urllib.request.Request:
        """A request with the key; header names are written with underscores. `body`: octets as they are, anything else
        as JSON."""
        data = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        request.add_header("Authorization", f"Bearer {self._key}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if self._account_id:
            request.add_header("X-Account-Id", self._account_id)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        return request

    def ask(self, method: str, path: str, body: Any = None, *, timeout_s: float = _TIMEOUT_S, **headers: str) -> bytes:
        """The answer's body. Refused, Unreachable."""
        try:
            with urllib.request.urlopen(self.request(method, path, body, **headers), timeout=timeout_s) as answer:
                octets: bytes = answer.read()
                return octets
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error) from None
        except _BROKEN as error:
            reason = getattr(error, "reason", error)
            raise Unreachable(f"{self.url} does not answer ({reason}); is the node running?") from error

    def save(self, path: str, file: Path | None) -> None:
        """The answer's body as it comes, into a file or (None) to the terminal; ends the command when it is refused."""
        try:
            with contextlib.ExitStack() as stack:
                answer = stack.enter_context(urllib.request.urlopen(self.request("GET", path), timeout=_TIMEOUT_S))
                out = sys.stdout.buffer if file is None else stack.enter_context(file.open("wb"))
                shutil.copyfileobj(answer, out)
                out.flush()
        except urllib.error.HTTPError as error:
            with error:
                refused = Refused(error)
            fail(str(refused), document=refused.document)
        except _BROKEN as error:
            fail(f"{file or self.url}: {getattr(error, 'reason', error)}")

    def call(self, method: str, path: str, body: Any = None, *, timeout_s: float = _TIMEOUT_S, **headers: str) -> bytes:
        """The same; ends the command with the API's own words when it refuses."""
        try:
            return self.ask(method, path, body, timeout_s=timeout_s, **headers)
        except Refused as error:
            fail(str(error), document=error.document)
        except Unreachable as error:
            fail(f"{error} `whimbrel doctor` looks", name="unreachable")


def problem(error: urllib.error.HTTPError) -> tuple[bytes, str]:
    """A refusal as it came, and in the API's own words, each wrong field on a line of its own. What is no problem
    document comes as nothing and the status."""
    try:
        octets = error.read()
        found = msgspec.json.decode(octets)
        fields = "".join(f"\n  {each['pointer']}: {each['detail']}" for each in found.get("errors") or ())
        return octets, f"{found['code']}: {found['detail']}{fields}"
    except (*_BROKEN, msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return b"", f"HTTP {error.code}"


def stored(data: Path) -> Credentials | None:
    """The credentials of a quickstart folder; ends the command when the file is damaged."""
    try:
        return credentials.read(data)
    except ValueError as error:
        fail(str(error))


def client(data: Path) -> Client:
    """The node that the environment or the folder names, with an account's key."""
    found = stored(data) or Credentials()
    return _client(data, os.environ.get("WHIMBREL_API_KEY") or found.api_key, "WHIMBREL_API_KEY", found)


def operator_client(data: Path, account_id: str | None) -> Client:
    """The same with the operator's key, acting for an account: that of the environment or the folder unless one is
    named."""
    found = stored(data) or Credentials()
    account_id = account_id or os.environ.get("WHIMBREL_ACCOUNT_SID") or found.account_sid
    if not account_id:
        fail("which account? Name it with --account AC…, or in WHIMBREL_ACCOUNT_SID", code=2)
    return operator(found, account_id, data)


def operator(found: Credentials, account_id: str | None, data: Path = DATA) -> Client:
    """A node with the operator's key, for an account or (None) for the operator; what `found` says, and over it the
    environment."""
    key = os.environ.get("WHIMBREL_OPERATOR_KEY") or found.operator_key
    return _client(data, key, "WHIMBREL_OPERATOR_KEY", found, account_id or "")


def listens_at(settings: Settings) -> str:
    """Where the node of these settings is found from this machine."""
    host = settings.server.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"


def _client(data: Path, key: str, variable: str, found: Credentials, account_id: str = "") -> Client:
    url = os.environ.get("WHIMBREL_URL") or found.http_url
    if not url.startswith(("http://", "https://")) or not key:
        fail(f"no node is known: run `whimbrel quickstart`, name its folder with --data (now {data}), "
             f"or set WHIMBREL_URL and {variable}", code=2)  # fmt: skip
    return Client(url, key, account_id)
