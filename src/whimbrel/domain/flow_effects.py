"""What a turn of a run goes by, and what comes of it: a text, a request or a change of a contact, to be done by who
calls.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from whimbrel.domain.flows import FlowRun, FlowStep
from whimbrel.domain.links import LinkUse

Chosen = Callable[[str | None, str], str | None]
"""The sender for a phone: the one wanted, or the account's for that country; None where there is none."""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A text to be sent, or a template with its variables. `id`: the message's."""

    id: str
    to: str
    sender: str | None
    text: str | None
    template: str | None
    language: str | None
    variables: dict[str, Any]
    message_class: Any
    links: LinkUse | None = None


class Outbound(msgspec.Struct, frozen=True, gc=False):
    """An HTTP request to be made. `key`: the same at each try."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any
    timeout_s: int
    key: str


class ContactWish(msgspec.Struct, frozen=True, gc=False):
    """What is to be known of the contact that has a phone. `values`: by name, None clears."""

    phone: str
    values: dict[str, Any] = {}
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    add_lists: tuple[str, ...] = ()
    remove_lists: tuple[str, ...] = ()


class HandOver(msgspec.Struct, frozen=True, gc=False):
    """What people get with a conversation. Empty: nothing of it."""

    assignee: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""


class Inputs(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a turn goes by. `message_id`: of a text that it may send; `answer`: the text that the run waited for;
    `response`: what its request brought (None where it is to be made again); `refused`: the code of the refusal of the
    text or of the contact's change, `refused_why` in words; `contact`: the one of the run's phone as it is now, where
    the document `names_contact`; `people`: those whom the document gives conversations to, and who may answer now."""

    now: int
    message_id: str
    chosen: Chosen
    answer: str | None = None
    answer_id: str | None = None
    response: Mapping[str, Any] | None = None
    refused: str | None = None
    refused_why: str = ""
    names_contact: bool = False
    contact: Mapping[str, Any] | None = None
    people: frozenset[str] = frozenset()


class Turn(msgspec.Struct, frozen=True, gc=False):
    """What came of it. `answer_from`: whose text the run waits for."""

    run: FlowRun
    steps: tuple[FlowStep, ...]
    send: Outgoing | None = None
    request: Outbound | None = None
    hand_over: HandOver | None = None
    answer_from: str = ""
    contact: ContactWish | None = None
