"""Everybody of a segment comes on a list or gets a tag, or loses it. That is worked on like an import (`importing.py`)
and is followed, called off and told of like one: people are its rows.

Whom it is for is asked again when it goes on after a crash: who has the label already is not among them any more, so
nobody is changed or counted twice. Nobody is told of each of them: flows and events hear of the whole.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.domain.audience_terms import All, No, Term
from whimbrel.domain.contacts import ContactImport, ImportSpec, Label, LabelKind
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import OLDEST, Context
from whimbrel.products.contacts import imports, segments
from whimbrel.products.contacts.imports import ImportView
from whimbrel.products.contacts.known import known
from whimbrel.products.contacts.labels import ensure_tags, has
from whimbrel.store.contacts import ContactScope, Labelling
from whimbrel.store.interface import Write

_COMMIT: Final = limits.COMMIT_CHUNK
_COMMITS: Final = 40  # of one turn; then other imports have theirs


class LabelRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What everybody of a segment gets, or loses: a tag or a list."""

    tag: Annotated[str | None, Meta(description="A tag; made where nobody had it.")] = None
    list: Annotated[str | None, Meta(description="A list, by name or id.")] = None
    action: Annotated[Literal["add", "remove"], Meta(description="Whether they get it or lose it.")] = "add"


async def label(
    ctx: Context, actor: str, segment_id: str, request: LabelRequest, *, account_id: str, test: bool
) -> ImportView:
    """Begin. WhimbrelError: not_found, invalid_request, invalid_filter, contact_limit."""
    segment = await segments.get(ctx, segment_id, account_id=account_id, test=test)
    checks = Checks()
    checks.require((request.tag is None) != (request.list is None), "/list", "must be given, or `tag`, and not both")
    checks.done()
    about = await known(ctx, account_id, test)
    about.term(segment.filter, ctx.clock.now_us())
    takes_off = request.action == "remove"
    if request.tag is not None and not takes_off:
        about = await ensure_tags(ctx, about, [request.tag])
    kind: LabelKind = "list" if request.tag is None else "tag"
    found = [each for each in about.labels.values() if each.kind == kind and _is(each, request)]
    checks.require(bool(found), f"/{kind}", f"is no {kind} of the account")
    checks.done()
    spec = ImportSpec(filter=segment.filter, labels=(found[0].number,), takes_off=takes_off)
    name = f"{segment.name} {'-' if takes_off else '+'} {found[0].name}"[: limits.NAME_MAX]
    return await imports.begin(ctx, actor, name, spec, account_id=account_id, test=test)


def _is(label: Label, request: LabelRequest) -> bool:
    return label.name == request.tag if request.tag is not None else request.list in (label.name, label.id)


class Labeller:
    """Works on those that are under way, some commits at a time."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._places: dict[str, str] = {}  # the last contact that was looked at

    async def turn(self, row: ContactImport, spec: ImportSpec) -> bool:
        """Whether it is done. WhimbrelError invalid_filter: what it names is not there any more."""
        store, now = self._ctx.store, self._ctx.clock.now_us()
        about = await known(self._ctx, row.account_id, row.test)
        (number,) = spec.labels
        term = _left(about.term(spec.filter, now), number, takes_off=spec.takes_off)
        if row.id not in self._places:
            left = await store.contacts.count(row.account_id, row.test, term)
            await store.write([Write("contact_import_run", ((row.id, row.position + left),))])
            self._places[row.id] = OLDEST
        scope = ContactScope(row.account_id, row.test, now, import_no=row.number)
        what, position = Labelling(row.id, number, spec.takes_off), row.position
        for _ in range(_COMMITS):
            place = self._places[row.id]
            page = await store.contacts.page(row.account_id, row.test, term, place, _COMMIT, oldest=True)
            people = [contact.id for contact in page]
            if not people or not await store.contacts.label(scope, what, position, people):
                self.forget(row.id)
                return not people
            position += len(people)
            self._places[row.id] = people[-1]
        return False

    def forget(self, import_id: str) -> None:
        """It is over, or another node works on it."""
        self._places.pop(import_id, None)

    def keep(self, import_ids: set[str]) -> None:
        """Only these are under way."""
        for gone in self._places.keys() - import_ids:
            self.forget(gone)


def _left(term: Term, number: int, *, takes_off: bool) -> Term:
    return All((term, has(number) if takes_off else No(has(number))))
