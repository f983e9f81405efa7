"""Which cell a request is for: found by who asks, before any door looks at it.

An account's credential says it: the keys and accounts of all cells are in memory. The operator's keys are known in
every cell, so there the account that the request names says it; what belongs to the installation (carriers, routes,
prices, rules, the operator's policy, lists, words and keys) is changed in the cell that leads, and copied from there;
for anything else `X-Cell` may name a cell, and without it the node's own answers.

During a move an account is known in two cells. The one that serves it is the one where it is neither gone nor still on
its way; while there is none, the one that it leaves answers that it is being moved.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Final, Protocol

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.active import AWAY
from whimbrel.edges.shared.auth import ACCOUNT_HEADER, Directory
from whimbrel.edges.shared.services import Services

CELL_HEADER: Final = b"x-cell"
RETRY_S: Final = 5
STALE_S: Final = 5.0
"""A node knows within two seconds what is configured in a cell: what it heard longer ago may have changed."""
_BEARER: Final = b"bearer "
_BASIC: Final = b"basic "
_KEY: Final = b"wk_"
_READS: Final = frozenset({"GET", "HEAD"})
_ACCOUNT: Final = re.compile(r"/(AC[0-9a-f]{32})(?:[/.]|$)")
_OF_THE_INSTALLATION: Final = (
    "/v1/carriers",
    "/v1/routes",
    "/v1/prices",
    "/v1/sender-rules",
    "/v1/policies/quiet-hours",
)
_OF_EITHER: Final = (
    "/v1/keys",
    "/v1/policies",
    "/v1/suppression-lists",
    "/v1/consent-words",
    "/v1/consent-texts",
    "/v1/erasures",
)
"""Of the account that is named, else of the installation."""
_OF_A_NODE: Final = ("/test", "/trace")  # what a node does with a carrier, by the hand of whoever asks it


class Known(Directory, Protocol):
    """Keys and accounts of a cell, and how old that knowledge is."""

    def age_s(self) -> float: ...


class Cells(Protocol):
    """The cells as a node sees them."""

    @property
    def home(self) -> str:
        """The node's own."""
        ...

    @property
    def leading(self) -> str:
        """Where the installation's things are changed."""
        ...

    def directories(self) -> Mapping[str, Directory]:
        """Keys and accounts by cell, the node's own first; those of a cell that was never reached are missing."""
        ...

    def unknown(self) -> frozenset[str]:
        """Cells that were never reached."""
        ...


class Served(Cells, Protocol):
    """And what serves them."""

    def services(self, cell: str) -> Services | None:
        """What the doors of a cell are given; None while it cannot be reached."""
        ...


class Locator:
    """Finds the cell of a request."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells

    def cell_of(self, method: str, path: str, request: Mapping[bytes, bytes]) -> str:
        """Its name. WhimbrelError cell_unavailable when it could be one that was never reached, account_moving while
        its keys have not come to it yet, invalid_parameter when `X-Cell` names none."""
        credential = request.get(b"authorization")
        if credential is None:
            return self._cells.home
        digest, user = _shown(credential)
        if digest is None:
            return self._found(self.cell_of_account(user))
        owner = self._owner(digest)
        if owner:
            return self._arrived(self._found(self.cell_of_account(owner)), digest)
        return self._found(None if owner is None else self._for_operator(method, path, request))

    def _arrived(self, cell: str, digest: bytes) -> str:
        """An account may be known in its new cell a moment before its keys are: they are on their way, not wrong."""
        directory = self._cells.directories().get(cell)
        if directory is not None and digest not in directory.keys:
            raise WhimbrelError("account_moving", retry_after_s=RETRY_S)
        return cell

    def _found(self, cell: str | None) -> str:
        """A credential that nobody knows is refused by the node's own cell, unless it may be another's."""
        if cell is not None:
            return cell
        if self._cells.unknown():
            raise WhimbrelError("cell_unavailable", retry_after_s=RETRY_S)
        return self._cells.home

    def _owner(self, digest: bytes) -> str | None:
        """The account of a key; empty: it is the operator's; None: nobody knows it."""
        for directory in self._cells.directories().values():
            key = directory.keys.get(digest)
            if key is not None:
                return key.account_id or ""
        return None

    def cell_of_account(self, account_id: str) -> str | None:
        """The cell that serves an account; None where nobody knows it."""
        left = None
        for name, directory in self._cells.directories().items():
            account = directory.accounts.get(account_id)
            if account is None:
                continue
            if account.status not in AWAY:
                return name
            left = name if account.status == "moved" or left is None else left
        return left

    def _for_operator(self, method: str, path: str, request: Mapping[bytes, bytes]) -> str | None:
        wanted = request.get(ACCOUNT_HEADER)
        if is_of_the_installation(method, path, wanted):
            return self._cells.leading
        named = _ACCOUNT.search(path)
        if wanted is not None or named is not None:
            account_id = wanted.decode("latin-1") if wanted is not None else named[1] if named is not None else ""
            return self.cell_of_account(account_id)
        cell = request.get(CELL_HEADER)
        return self._cells.home if cell is None else self._named(cell.decode("latin-1"))

    def _named(self, cell: str) -> str:
        known = {*self._cells.directories(), *self._cells.unknown()}
        if cell not in known:
            detail = f"There is no cell of this name: {', '.join(sorted(known))}."
            raise WhimbrelError("invalid_parameter", detail, errors=[FieldError("X-Cell", detail)])
        return cell


def is_of_the_installation(method: str, path: str, account: bytes | None = None) -> bool:
    """Whether a request changes what belongs to the installation: the cell that leads carries it out."""
    if method in _READS or path.endswith(_OF_A_NODE):
        return False
    return path.startswith(_OF_THE_INSTALLATION) or (account is None and path.startswith(_OF_EITHER))


def may_be_elsewhere(directories: Mapping[str, Known], cell: str, authorization: bytes) -> bool:
    """Whether a credential that a cell does not know may be of an account that another one serves by now. A node that
    was frozen or cut off while an account moved may look into the cell that has cleared everything of it, before it has
    heard of the new one: there the request is to be made again, and is not unauthorized."""
    digest, user = _shown(authorization)
    here = directories[cell].accounts.get(user) if cell in directories else None
    for name, directory in directories.items():
        if name == cell:
            continue
        key = None if digest is None else directory.keys.get(digest)
        account = directory.accounts.get((key.account_id or "") if key is not None else user)
        serves = account is not None and account.status not in AWAY
        if directory.age_s() > STALE_S or (serves and (here is None or here.status in AWAY)):
            return True
    return False


def _shown(authorization: bytes) -> tuple[bytes | None, str]:
    """The digest of a key, or None and the user name of a pair."""
    if authorization[:7].lower() == _BEARER:
        return hashlib.sha256(authorization[7:].strip()).digest(), ""
    if authorization[:6].lower() != _BASIC:
        return None, ""
    try:
        user, _, password = base64.b64decode(authorization[6:].strip(), validate=True).partition(b":")
    except binascii.Error:
        return None, ""
    return (hashlib.sha256(password).digest(), "") if password.startswith(_KEY) else (None, user.decode("latin-1"))
