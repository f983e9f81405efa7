"""The templates that messages are made of, as far as they are used: read from the store when the first message names
one, kept until one of them changes.

Not a snapshot of all, as the other tables are: of thousands of accounts each may have hundreds of templates in many
languages and versions, of which few are ever sent. What is kept is bounded, and dropped whole when the version of the
kind `templates` changes; the commit of what was planned with it compares that version as it does all others.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from whimbrel.base.limits import TEMPLATES_CACHED_MAX
from whimbrel.domain.templates.document import Content
from whimbrel.domain.templates.rendering import Form
from whimbrel.domain.templates.use import fixed, parted
from whimbrel.store.interface import Store

Wanted: TypeAlias = tuple[str, str]
"""Account and reference."""

_READS_MAX: Final = 20  # of one list, while templates change with every one of them
_decode = msgspec.json.Decoder(Content).decode


class Loaded(msgspec.Struct, frozen=True, gc=False):
    """A version that messages can be made of."""

    id: str
    name: str
    version: int
    form: Form


class Unusable(msgspec.Struct, frozen=True, gc=False):
    """Why there is none: a code of the catalogue, and words."""

    code: str
    detail: str


Found: TypeAlias = Loaded | Unusable
Templates: TypeAlias = Mapping[Wanted, Found]


class _Row(msgspec.Struct, frozen=True, gc=False):
    id: str
    account_id: str
    name: str
    status: str
    number: int | None
    approval: str | None
    content: str | None


class Shelf:
    """One process's templates at hand."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[Wanted, Found] = OrderedDict()
        self._generation = 0

    def clear(self) -> None:
        """One of them has changed, and that is committed."""
        self._generation += 1
        self._kept.clear()

    async def take(self, wanted: Iterable[Wanted]) -> Templates:
        """What stands under these references now; asks the store, once for all, for those that are not at hand."""
        asked = dict.fromkeys(wanted)
        for _ in range(_READS_MAX):
            missing = [one for one in asked if one not in self._kept]
            generation = self._generation
            read = await self._read(missing) if missing else {}
            if generation == self._generation:
                break
        found = {one: read[one] if one in read else self._kept[one] for one in asked}
        if generation == self._generation:
            self._keep(found)
        return found

    def _keep(self, found: Templates) -> None:
        for one, template in found.items():
            if isinstance(template, Loaded):  # names of nothing are nobody's to fill this with
                self._kept[one] = template
                self._kept.move_to_end(one)
        while len(self._kept) > TEMPLATES_CACHED_MAX:
            self._kept.popitem(last=False)

    async def _read(self, missing: Iterable[Wanted]) -> dict[Wanted, Found]:
        refs = {one: parted(one[1]) for one in missing}
        accounts = [*dict.fromkeys(account_id for account_id, _ in refs)]
        names = [*dict.fromkeys(name for name, _ in refs.values())]
        numbers = [*dict.fromkeys(number for _, version in refs.values() if (number := fixed(version)))]
        rows = await self._store.fetch(_Row, "templates_wanted", accounts, names, numbers)
        return {one: _chosen(one[0], *parts, rows) for one, parts in refs.items()}


def _chosen(account_id: str, name: str, version: str, rows: Iterable[_Row]) -> Found:
    """The version that a reference means: the fixed one, or the newest that is approved."""
    own = [row for row in rows if row.account_id == account_id and name in (row.name, row.id)]
    if not own:
        return Unusable("template_not_found", "The account has no template of this name or id.")
    if own[0].status != "active":
        return Unusable("template_not_found", "The template was archived.")
    number = fixed(version)
    if version and not any(row.number == number for row in own if number):
        return Unusable("template_not_found", "The template has no version of this number.")
    approved = [row for row in own if row.approval == "approved" and number in (None, row.number)]
    if not approved:
        detail = "This version is not approved." if version else "No version of the template is published and approved."
        return Unusable("template_not_approved", detail)
    newest = max(approved, key=lambda row: row.number or 0)
    assert newest.number is not None
    assert newest.content is not None
    return Loaded(newest.id, newest.name, newest.number, Form(_decode(newest.content)))
