"""The document of a flow: what starts it, and its steps by name. Each kind of step is a struct; the published JSON
Schema is made of these same structs, so the two cannot differ.

`flow_checks.py` reads documents that people wrote and says everything that is wrong with one.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import limits

NAME: Final = r"^[a-z][a-z0-9_]{0,39}$"
Next = Annotated[str | None, Meta(description="The step that follows; none: the run is finished.")]
Expression = Annotated[str, Meta(min_length=1, description="JMESPath over the variables of the run.")]
Text = Annotated[str, Meta(min_length=1, description="A text in which `{{ expression }}` stands for its value.")]
Name = Annotated[str, Meta(pattern=NAME)]
Seconds = Annotated[int, Meta(ge=1, le=limits.FLOW_WAIT_MAX_S)]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Such as `09:30`.")]
Whose = Annotated[Literal["run", "contact"], Meta(description="Of the run, or of the contact that has its phone.")]
Outcome = Literal["delivered", "undelivered", "failed", "expired", "rejected", "unknown"]


class KeywordTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="keyword"):
    """A phone writes a text that begins with one of these words (capitals do not count)."""

    keywords: Annotated[tuple[str, ...], Meta(min_length=1, max_length=50)]
    numbers: Annotated[tuple[str, ...], Meta(description="To these numbers of the account; none: to any.")] = ()


class TextTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="text"):
    """A phone writes any text that no keyword takes and no run waits for."""

    numbers: Annotated[tuple[str, ...], Meta(description="To these numbers of the account; none: to any.")] = ()


class MessageTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="message"):
    """A message of the account ended in one of these states."""

    outcomes: Annotated[tuple[Outcome, ...], Meta(min_length=1)]
    tag: Annotated[str | None, Meta(description="Only messages that were sent with this tag.")] = None


class VerificationTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="verification"):
    """A verification ended so: it failed when the code was guessed too often."""

    outcomes: Annotated[tuple[Literal["approved", "failed", "expired", "canceled"], ...], Meta(min_length=1)]


LabelNames = tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...]


class ContactAddedTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="contact_added"):
    """A contact was made: by a request, or by an import that was begun with `start_flows`."""


class ContactTaggedTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="contact_tagged"):
    """A contact got one of these tags, or came on one of these lists; none of either: any."""

    tags: Annotated[LabelNames, Meta(max_length=50, description="By name or id.")] = ()
    lists: Annotated[LabelNames, Meta(max_length=50, description="By name or id.")] = ()


class LinkTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="link_clicked"):
    """A person opened a short link of a text of the account, for the first time unless the account wants to hear of
    each click."""

    targets: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=2000)], ...],
        Meta(max_length=50, description="Only links to addresses that begin so; none: to any."),
    ] = ()
    tag: Annotated[str | None, Meta(description="Only in texts that were sent with this tag.")] = None


class HookTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="hook"):
    """A hook brought an event of another system. The hook itself names the flow."""


class ScheduleTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="schedule"):
    """A time has come. The schedule itself (`/v1/schedules`) names the flow and the phones."""


class ApiTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="api"):
    """`POST /v1/flows/{id}/runs`, which starts any flow, and nothing else."""


Trigger = (
    KeywordTrigger
    | TextTrigger
    | MessageTrigger
    | VerificationTrigger
    | ContactAddedTrigger
    | ContactTaggedTrigger
    | LinkTrigger
    | HookTrigger
    | ScheduleTrigger
    | ApiTrigger
)


class Send(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="send"):
    """Send a text, or what a template makes of its variables."""

    text: Text | None = None
    template: Annotated[str | None, Meta(description="Name or id of a template, in place of `text`.")] = None
    language: Annotated[str | None, Meta(description="An expression or a language tag such as `de`.")] = None
    variables: Annotated[dict[str, Expression], Meta(description="Of the template.")] = {}
    to: Annotated[Expression | None, Meta(description="A number; the run's own phone by default.")] = None
    sender: Annotated[str | None, Meta(description="A sender of the account; its number that the phone knows.")] = None
    message_class: Literal["otp", "transactional", "marketing"] = msgspec.field(name="class", default="transactional")
    shorten_links: Annotated[
        bool, Meta(description="Make every address a short link of the recipient's own; else those in `{url=…}`.")
    ] = False
    next: Next = None
    on_refused: Annotated[str | None, Meta(description="The step after a refusal; none: the run fails.")] = None


class WaitForAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="wait_for_answer"):
    """Wait for a text of a phone to the number that was written from last."""

    timeout_s: Seconds
    whose: Expression | None = msgspec.field(name="from", default=None)  # a number; the run's own phone by default
    save_as: Annotated[Name, Meta(description="The variable that keeps `text`, `word` and `at`.")] = "answer"
    next: Next = None
    on_timeout: Annotated[str | None, Meta(description="The step when nobody answers; none: the run ends.")] = None


class Wait(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="wait"):
    """Let time pass: so many seconds, until a moment, or until the next time of day in a zone. Exactly one of these."""

    for_s: Seconds | None = None
    until: Annotated[
        Expression | None, Meta(description="Gives an RFC 3339 time; one that is past waits for nothing.")
    ] = None
    minus_s: Annotated[int, Meta(ge=0, le=limits.FLOW_WAIT_MAX_S, description="So long before `until`.")] = 0
    time_of_day: TimeOfDay | None = None
    zone: Annotated[str, Meta(description="An IANA zone, or `recipient`: where the phone's number is at home.")] = "UTC"
    next: Next = None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to go on when something holds."""

    when: Expression
    next: Next = None


class Branch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="branch"):
    """Go on at the first case that holds."""

    cases: Annotated[tuple[Case, ...], Meta(min_length=1, max_length=50)]
    otherwise: Next = None


OnContactError = Annotated[
    str | None, Meta(description="The step when the contact cannot be changed so; none: the run fails.")
]


class Set(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="set"):
    """Set variables of the run, or `name`, `language`, `time_zone` and declared fields of its contact, which is made
    where the phone has none. An empty text or null clears what a contact has."""

    on: Whose = "run"
    values: Annotated[dict[str, Expression], Meta(min_length=1, max_length=50)]
    next: Next = None
    on_error: OnContactError = None


class Tag(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="tag"):
    """Put tags on the run, or take them away; or the same with tags and lists of its contact, which is made where the
    phone has none and something is put on. A tag of contacts is made by its first use; a list has to be there."""

    on: Whose = "run"
    add: tuple[Annotated[str, Meta(min_length=1, max_length=limits.TAG_MAX)], ...] = ()
    remove: tuple[str, ...] = ()
    add_lists: Annotated[LabelNames, Meta(max_length=50, description="Of the contact, by name or id.")] = ()
    remove_lists: Annotated[LabelNames, Meta(max_length=50, description="Of the contact, by name or id.")] = ()
    next: Next = None
    on_error: OnContactError = None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="request"):
    """Ask another system over HTTP: at least once, with an `Idempotency-Key` that is the same at each try."""

    url: Text
    method: Literal["GET", "POST"] = "POST"
    headers: dict[str, Text] = {}
    body: Annotated[dict[str, Expression] | None, Meta(description="Members of the JSON body.")] = None
    timeout_s: Annotated[int, Meta(ge=1, le=30)] = 10
    save_as: Annotated[Name | None, Meta(description="The variable that keeps `status` and `body`.")] = None
    next: Next = None
    on_error: Annotated[
        str | None, Meta(description="The step after an answer other than 2xx; none: the run fails.")
    ] = None


class Conversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="conversation"):
    """Hand the phone over to people: its conversation stands open and unread in the inbox."""

    assign: Annotated[str | None, Meta(description="Who is to see to it: the id of a user of the account.")] = None
    add_tags: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=limits.TAG_MAX)], ...],
        Meta(max_length=limits.CONVERSATION_TAGS_MAX, description="Of the conversation, beside those that it has."),
    ] = ()
    note: Annotated[Text | None, Meta(description="For the people of the account; no phone sees it.")] = None
    next: Next = None
    on_error: Annotated[
        str | None,
        Meta(
            description="The step where no text went to the phone or came from it, or whom it is for is gone; none: "
            "the run fails."
        ),
    ] = None


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="stop"):
    """End the run."""

    outcome: Literal["finished", "failed"] = "finished"


Step = Send | WaitForAnswer | Wait | Branch | Set | Tag | Request | Conversation | Stop


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a flow does."""

    trigger: Trigger
    start: Annotated[str, Meta(description="The first step.")]
    steps: Annotated[dict[Name, Step], Meta(min_length=1, max_length=limits.FLOW_STEPS_MAX)]
    variables: Annotated[dict[str, Any], Meta(description="What they are at first.")] = {}
    description: Annotated[str, Meta(max_length=1000)] = ""


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "keyword": KeywordTrigger,
    "text": TextTrigger,
    "message": MessageTrigger,
    "verification": VerificationTrigger,
    "contact_added": ContactAddedTrigger,
    "contact_tagged": ContactTaggedTrigger,
    "link_clicked": LinkTrigger,
    "hook": HookTrigger,
    "schedule": ScheduleTrigger,
    "api": ApiTrigger,
}
STEPS: Final[dict[str, type[Step]]] = {
    "send": Send,
    "wait_for_answer": WaitForAnswer,
    "wait": Wait,
    "branch": Branch,
    "set": Set,
    "tag": Tag,
    "request": Request,
    "conversation": Conversation,
    "stop": Stop,
}
RESERVED: Final = frozenset({"phone", "number", "run", "trigger"})
"""Variables that the run sets itself."""
