"""Flows as they are stored: what an account keeps, its versions, runs and the steps that these took."""

from typing import Final, Literal

import msgspec

FlowStatus = Literal["active", "paused"]
DELETED: Final = "deleted"
"""The status of a flow that is there only until its runs have ended; nobody sees it."""
RunState = Literal["running", "finished", "failed", "stopped"]
WaitsFor = Literal["", "time", "answer", "request"]
TriggerKind = Literal[
    "keyword",
    "text",
    "message",
    "verification",
    "contact_added",
    "contact_tagged",
    "link_clicked",
    "hook",
    "schedule",
    "api",
]
STOPPED_TURN: Final = -1
"""The turn of a run that somebody stopped: whoever is at work on it writes nothing more."""
STARTED_SEQ: Final = 1
ENDED_SEQ: Final = 2
"""Numbers of the two events of a run."""


class Flow(msgspec.Struct, frozen=True, gc=False):
    """A flow of an account. Column order of the `flows` table."""

    id: str
    account_id: str
    name: str
    status: FlowStatus  # or DELETED
    version: int  # that new runs begin with
    kind: TriggerKind
    starter: str  # JSON of that version's trigger
    active_from: int  # what happened before does not start it
    created_at: int
    updated_at: int


class FlowVersion(msgspec.Struct, frozen=True, gc=False):
    """One version of a flow's document. Column order of the `flow_versions` table."""

    flow_id: str
    version: int  # 1-based
    account_id: str
    document: str  # JSON
    created_at: int


class FlowRun(msgspec.Struct, frozen=True, gc=False):
    """A flow under way for one phone. Numbers and variables stand here and nowhere else, as texts and numbers of a
    message stand in its row. Column order of the `flow_runs` table."""

    id: str
    account_id: str
    flow_id: str
    version: int
    test: bool
    state: RunState
    step: str  # that is next, or that waits; empty at the end
    waits_for: WaitsFor
    turn: int  # grows with each commit, which goes by it
    steps: int  # that it took
    due_at: int | None  # when it goes on by itself; None once it has ended
    answer_key: int | None  # keyed hash of account and both numbers, while it waits for a text
    answer_id: str | None  # the inbound message that it goes on with
    last_id: str | None  # the newest message of either side
    phone: str  # empty: none, or erased
    number: str  # ours that was written from or to last; empty: none yet
    phone_hash: int  # keyed
    variables: str  # JSON object
    tags: tuple[str, ...]
    origin: str  # what started it, once for each flow
    depth: int  # of flows that started each other
    skip_waits: bool  # a test run, for which no time passes
    reason: str | None  # a code of the catalogue when it failed
    started_at: int
    updated_at: int
    ended_at: int | None


class FlowStep(msgspec.Struct, frozen=True, gc=False):
    """A step that a run took. Column order of the `flow_steps` table."""

    run_id: str
    seq: int  # 1-based
    account_id: str
    step: str
    kind: str
    outcome: str
    message_id: str | None
    detail: str  # a code, or a few words that hold no number and no text of a person
    at: int
