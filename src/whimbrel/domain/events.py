"""The closed list of event types; docs/events.md lists them (a test compares). Bodies of events are built in
`domain/callbacks.py`, at delivery, from the stored row.
"""

from functools import lru_cache

import msgspec

from whimbrel.domain.model import Event
from whimbrel.domain.states import STATES

EVENT_TYPES: dict[str, str] = {
    **{f"message.{state.name}": state.meaning for state in STATES.values()},
    "message.receipt": "A receipt came that changed nothing: an intermediate or contradicting one, or one of several segments. One that repeats is only counted.",
    "message.redacted": "Text and numbers were erased.",
    "sender.created": "An account got a sender: a name or a number.",
    "sender.updated": "A sender was changed; `fields` names what.",
    "sender.approved": "A sender may be used: it was approved.",
    "sender.rejected": "Nothing is sent from a sender any more: it was rejected, or its approval was taken back.",
    "sender.deleted": "A sender was taken away.",
    "registration.created": "A registration of a sender was begun, as a draft.",
    "registration.updated": "A registration was changed; `fields` names what.",
    "registration.submitted": "A registration was handed to the operator.",
    "registration.approved": "A registration was approved: its senders count as registered.",
    "registration.rejected": "A registration was rejected, or its approval was taken back.",
    "registration.expired": "The approval of a registration has ended.",
    "registration.deleted": "A registration was deleted with its documents.",
    "opt_out.created": "A number opted out.",
    "opt_out.deleted": "A number opted in again.",
    "consent.granted": "Somebody agreed to a purpose; the data say to which and where, never who.",
    "consent.revoked": "Somebody took consent back, or opted out.",
    "verification.started": "A code is on its way to a number that has to prove itself.",
    "verification.approved": "The right code was given, or the caller approved it.",
    "verification.fallback": "The next channel brings the code; `reason` says what became of the one before it.",
    "verification.in_doubt": "Nobody knows whether a channel has taken the code; the data name the attempt. That of a text is told by `message.in_doubt`.",
    "verification.failed": "The code was guessed too often, or no channel could bring it; `status` says which.",
    "verification.expired": "Nobody gave the code in time.",
    "verification.canceled": "The caller called it off.",
    "verify.blocked": "Numbers with the same beginning are sent no codes for a while; the data say why.",
    "verify.unblocked": "Such a block was lifted.",
    "factor.created": "A person got a new factor, such as an authenticator.",
    "factor.verified": "A new factor was confirmed by its first code, or was brought along as confirmed.",
    "factor.deleted": "A factor was deleted, by itself, with its person or with its service.",
    "challenge.approved": "The right code of a factor was given.",
    "challenge.denied": "A wrong code of a factor was given, or one that was used before; `reason` says which.",
    "template.created": "A template was made, as a draft.",
    "template.published": "A version of a template was published; without approval by anybody it is used from now on.",
    "template.approved": "A version of a template was approved.",
    "template.rejected": "A version of a template was rejected, or its approval was taken back.",
    "template.archived": "A template was archived: no message is made of it any more.",
    "template.restored": "An archived template was brought back.",
    "template.deleted": "A template was deleted.",
    "contact.created": "A contact was made; those of an import are told of by `contact_import.finished`.",
    "contact.updated": "A contact was changed; `fields` names what, without values.",
    "contact.tagged": "A contact got tags or came on lists; `labels` holds their ids.",
    "contact.untagged": "A contact lost tags or left lists.",
    "contact.deleted": "A contact was erased, or merged into another one.",
    "contact_import.finished": "An import is over; the data say how many contacts it made and changed.",
    "link.clicked": "A person opened a short link of a message for the first time, or again where the account wants to hear of that; the data name the message, the link and the click.",
    "link.converted": "Something that somebody did after a click was told to us; the data name the message, the link and what it was.",
    "campaign.created": "A campaign was made, as a draft.",
    "campaign.approved": "Somebody other than its author approved a campaign.",
    "campaign.scheduled": "A campaign was started: it begins at its time, or at once.",
    "campaign.started": "A campaign sends its first messages.",
    "campaign.paused": "A campaign pauses; `reason` says why where nobody asked for it.",
    "campaign.resumed": "A campaign goes on.",
    "campaign.decided": "The other recipients of a campaign get `variant`.",
    "campaign.finished": "Everybody in a campaign's audience was looked at.",
    "campaign.canceled": "A campaign was canceled, and what waited of it with it.",
    "schedule.ran": "One time of a schedule is over for everybody; `occurrence` says which, and its runs what came of it.",
    "schedule.paused": "A schedule pauses by itself; `reason` says why: a list, tag, segment or field that it names is gone.",
    "conversation.opened": "A conversation began, was opened again by the phone or by somebody, and waits for an answer.",
    "conversation.waiting": "A conversation waits for the phone: somebody answered, or said so.",
    "conversation.closed": "Somebody closed a conversation.",
    "conversation.assigned": "Somebody sees to a conversation from now on; `assignee` is empty when nobody does.",
    "conversation.rated": "A phone answered the question at the end of a conversation; `score` is 1 to 5.",
    "flow.run.started": "A run of a flow began.",
    "flow.run.finished": "A run of a flow came to its end, somebody stopped it, or its flow was deleted.",
    "flow.run.failed": "A run of a flow failed; `reason` says why.",
    "hook.received": "Another system called a hook, and the call was believed; the data name the hook and the call in its log.",
    "webhook.disabled": "An endpoint was switched off: it answered 410, or took nothing for three days.",
    "webhook.exhausted": "An event could not be delivered within three days.",
}


def matches(patterns: tuple[str, ...], event_type: str) -> bool:
    """Whether an endpoint that asked for `patterns` ("*", "message.*" or whole names) wants this event."""
    family = event_type.partition(".")[0] + ".*"
    return "*" in patterns or event_type in patterns or family in patterns


@lru_cache(maxsize=1024)
def types_of(patterns: tuple[str, ...]) -> frozenset[str]:
    """All types that the patterns name."""
    return frozenset(kind for kind in EVENT_TYPES if matches(patterns, kind))


class Interest(msgspec.Struct, frozen=True, gc=False):
    """Which events somebody wants: of one account (None: of all), of live or of test traffic (None: of both)."""

    account_id: str | None
    test: bool | None
    types: frozenset[str]

    def wants(self, event: Event) -> bool:
        """Whether it is one of these."""
        return (
            event.type in self.types
            and (self.account_id is None or event.account_id == self.account_id)
            and (self.test is None or event.test == self.test)
        )
