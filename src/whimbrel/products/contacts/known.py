"""What an account's contacts are described with: declared fields, tags, lists and segments, read for a request. Filters
are given their columns here, and contacts their names.
"""

from collections.abc import Iterable, Mapping, Sequence

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.audience_binding import Vocabulary, bind
from whimbrel.domain.audience_language import FilterError
from whimbrel.domain.audience_terms import Term
from whimbrel.domain.contacts import Contact, ContactField, Label, LabelKind, Policy, Segment, label_numbers
from whimbrel.manage.context import Context
from whimbrel.store.contacts import ContactScope

_OUTSIDE = {"zone": "time_zone", "also": "other_numbers"}


class Known:
    """Fields, labels and segments of one account and mode. What is being removed is not among them."""

    def __init__(
        self,
        account_id: str,
        test: bool,
        *,
        fields: Sequence[ContactField],
        labels: Sequence[Label],
        segments: Sequence[Segment] = (),
    ) -> None:
        self.account_id = account_id
        self.test = test
        self.every_field = fields
        self.every_label = labels
        self.fields: Mapping[str, ContactField] = {each.name: each for each in fields if each.removed_at is None}
        self.labels: Mapping[tuple[LabelKind, str], Label] = {
            (each.kind, each.name): each for each in labels if each.removed_at is None
        }
        self.segments: Mapping[str, str] = {each.name: each.filter for each in segments}
        self._by_number = {each.number: each for each in self.labels.values()}

    def term(self, filter: str, now: int, pointer: str = "/filter", own: tuple[str, ...] = ()) -> Term:
        """What a filter means. `own`: names of the segment that it is the filter of. `invalid_filter`."""
        numbers = {name: label.number for name, label in self.labels.items()}
        try:
            return bind(filter, Vocabulary(self.fields, numbers, self.segments), now, own)
        except FilterError as error:
            detail = f"The filter {error.problem} (character {error.place + 1})."
            raise WhimbrelError("invalid_filter", detail, errors=[FieldError(pointer, error.problem)]) from None

    def names(self, contact: Contact, kind: LabelKind) -> tuple[str, ...]:
        """A contact's tags or lists, in order."""
        found = (self._by_number.get(number) for number in label_numbers(contact.labels))
        return tuple(sorted(label.name for label in found if label is not None and label.kind == kind))

    def label(self, kind: LabelKind, name: str) -> Label:
        """A tag or a list by name or id; `not_found`."""
        found = self.labels.get((kind, name))
        if found is None:
            found = next((each for each in self.labels.values() if each.id == name and each.kind == kind), None)
        if found is None:
            raise WhimbrelError("not_found", f"There is no {kind} `{name}`.")
        return found

    def scope(self, now: int, policy: Policy = "update") -> ContactScope:
        """For what is written, and told of it."""
        fields = {each.column: each.name for each in self.fields.values()}
        labels = {each.number: each.id for each in self.labels.values()}
        return ContactScope(self.account_id, self.test, now, policy=policy, fields=_OUTSIDE | fields, labels=labels)


async def known(ctx: Context, account_id: str, test: bool) -> Known:
    """What is declared as of now."""
    fields = await ctx.store.fetch(ContactField, "contact_fields_of", account_id, int(test))
    labels = await ctx.store.fetch(Label, "contact_labels_of", account_id, int(test))
    segments = await ctx.store.fetch(Segment, "contact_segments_of", account_id, int(test))
    return Known(account_id, test, fields=fields, labels=labels, segments=segments)


def free_number(used: Iterable[int]) -> int:
    """The smallest number from 1 that nobody has."""
    taken = set(used)
    return next(number for number in range(1, len(taken) + 2) if number not in taken)
