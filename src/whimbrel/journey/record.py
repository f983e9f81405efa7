"""What accept records of its plans: for each request the messages' rows, the claims of those that go straight through,
the verdicts, and its idempotency key. It decides nothing and stores nothing.
"""

from collections.abc import Callable, Sequence

import msgspec

from whimbrel.base import ids
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.ids import Ids
from whimbrel.base.metrics import Metrics
from whimbrel.base.vault import Vault
from whimbrel.domain.links import Link
from whimbrel.domain.media import MediaUse
from whimbrel.domain.model import PLAIN, PRIORITY, Draft, Message
from whimbrel.domain.pacing import FairRank
from whimbrel.domain.sender_fitness import warnings_of
from whimbrel.domain.states import QUEUED, SCHEDULED
from whimbrel.domain.turns import lane_of
from whimbrel.journey.plan import Plan, flags_of
from whimbrel.journey.pools import kept
from whimbrel.journey.restraint import data_of
from whimbrel.journey.sealing import seal_text
from whimbrel.journey.shorten import Shorten
from whimbrel.journey.straight import Passage
from whimbrel.journey.tables import Tables
from whimbrel.store.interface import Claim, Counted, Idempotency, Kept, Submission, Verdict, Write

_PLAIN_JSON = "{}"
_AS_MMS = '{"media":"mms"}'


class IdempotencyKey(msgspec.Struct, frozen=True, gc=False):
    """A request's key and the fingerprint of its canonical body. Scope: account, door, key."""

    account_id: str
    door: str
    key: str
    fingerprint: bytes


class Request(msgspec.Struct, gc=False):
    """Drafts that are stored together: one request, or one chunk of a large one. `still` raises what the door answers
    when who asks may do so no more, and `version` is that of the configuration by which it was let in. They are stored
    only where each row of `only` changes one."""

    drafts: Sequence[Draft]
    key: IdempotencyKey | None
    also: tuple[Write, ...]
    still: Callable[[], object] | None = None
    version: int | None = None
    chunk: int = 0
    chunks: int = 1
    only: tuple[Write, ...] = ()


class Record:
    """Makes the rows of plans."""

    def __init__(
        self, *, tables: Tables, ids: Ids, vault: Vault, fair: FairRank, metrics: Metrics, shorten: Shorten
    ) -> None:
        self._tables = tables
        self._ids = ids
        self._vault = vault
        self._fair = fair
        self._metrics = metrics
        self._shorten = shorten
        self._sender_hashes: dict[str, int] = {}

    def submission(self, request: Request, plans: Sequence[Plan], passage: Passage) -> tuple[Submission, list[Verdict]]:
        """What is to be stored of a request, and its verdicts if it is."""
        messages: list[Message] = []
        claims: list[Claim] = []
        verdicts: list[Verdict] = []
        counted: list[Counted] = []
        told: dict[str, str] = {}
        links: list[Link] = []
        media: list[MediaUse] = []
        for plan in plans:
            if plan.refusal is not None:
                verdicts.append(Verdict(code=plan.refusal, detail=plan.detail, pointer=plan.pointer))
                self._metrics.refused.labels(plan.refusal).inc()
                continue
            message = self._message(plan)
            if plan.counted is not None:
                counted.append(msgspec.structs.replace(plan.counted, message_id=message.id))
            if plan.wait is not None:
                told[message.id] = data_of(plan.wait)
            messages.append(message)
            verdicts.append(_verdict(message, plan))
            if plan.links:
                links += self._shorten.rows(plan, message, self._ids)
                media += self._shorten.uses(plan, message)
                if plan.draft.options.media:
                    told.setdefault(message.id, _way_of_media(plan))
            claim = passage.claim(message)
            if claim is not None:
                claims.append(claim)
        key = request.key
        idempotency = None
        if key is not None and (messages or request.chunks > 1):  # a lone refusal is not remembered
            idempotency = Idempotency(
                account_id=key.account_id,
                door=key.door,
                key=key.key,
                fingerprint=key.fingerprint,
                chunk=request.chunk,
                chunks=request.chunks,
                created_at=plans[0].now,
                verdicts=_without_texts(verdicts) if links or any(plan.form for plan in plans) else tuple(verdicts),
            )
        also = request.also
        chosen = [plan.choice for plan in plans if plan.choice is not None and plan.refusal is None]
        if chosen:
            also = (*also, *kept(plans))
            for choice in chosen:
                self._metrics.pool_choices.labels(choice.reason).inc()
        submission = Submission(
            tuple(messages), idempotency, also, tuple(claims), request.only, (*counted,), told, (*links,), (*media,)
        )
        return submission, verdicts

    def _message(self, plan: Plan) -> Message:
        draft, number = plan.draft, plan.number
        assert number is not None
        scheduled = plan.due_at > plan.now
        priority = PRIORITY[draft.message_class]
        options = draft.options
        if plan.replaced:
            options = msgspec.structs.replace(options, replaced=plan.replaced)
        if plan.zone is not None:
            options = msgspec.structs.replace(options, zone=plan.zone)
        id_, text = draft.id or self._ids.new(ids.MESSAGE), plan.text
        if draft.shown is not None:
            options = msgspec.structs.replace(options, sealed=seal_text(self._vault, id_, text))
            text = draft.shown
        return Message(
            id_,
            draft.account_id,
            draft.test,
            "out",  # direction
            draft.door,
            draft.message_class,
            SCHEDULED if scheduled else QUEUED,  # state
            number.e164,  # recipient
            plan.sender_value,  # sender
            text,
            plan.encoding,
            plan.segments,
            plan.price_micros,
            0 if draft.test else plan.price_micros,  # held_micros
            0,  # charged_micros
            plan.currency or self._tables.accounts[draft.account_id].currency,
            None,  # carrier_id
            plan.route_id,
            " ".join(plan.carriers) if not plan.turn else _in_turn(plan),  # candidates
            priority,
            0
            if scheduled or plan.turn
            else self._fair.rank(plan.carriers[0], priority, draft.account_id, plan.segments),  # rank
            plan.now,  # created_at
            plan.due_at,
            plan.expires_at,
            plan.now,  # updated_at
            None,  # sent_at
            None,  # final_at
            plan.wait.reason if plan.wait is not None else None,  # reason
            flags_of(plan, options),
            1,  # seq
            plan.recipient_hash,
            self._sender_hash(plan.sender_value),
            _PLAIN_JSON if options is PLAIN else msgspec.json.encode(options).decode(),  # options
        )

    def _sender_hash(self, sender: str) -> int:
        """Senders are few and come again and again."""
        known = self._sender_hashes.get(sender)
        if known is None:
            known = self._sender_hashes[sender] = self._vault.number_hash(sender)
        return known


def _in_turn(plan: Plan) -> str:
    """The lanes of the number at its carriers: one account's alone, so they are served in the order of ids."""
    return " ".join(lane_of(carrier_id, plan.turn) for carrier_id in plan.carriers)


def replay(kept: Sequence[Kept], key: IdempotencyKey) -> list[Verdict]:
    """Verdicts of the leading chunks that are stored; WhimbrelError idempotency_key_reused for another body."""
    verdicts: list[Verdict] = []
    for expected, chunk in enumerate(sorted(kept, key=lambda chunk: chunk.chunk), start=kept[0].chunk if kept else 0):
        if chunk.fingerprint != key.fingerprint:
            raise WhimbrelError("idempotency_key_reused")
        if chunk.chunk != expected:
            break
        verdicts += msgspec.json.decode(chunk.verdicts, type=list[Verdict])
    return verdicts


def _way_of_media(plan: Plan) -> str:
    """What the first event says of them."""
    return f'{{"media":"link","media_why":"{plan.media_by_link}"}}' if plan.media_by_link else _AS_MMS


def _without_texts(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """What is kept of verdicts on messages whose text was made here."""
    return tuple(msgspec.structs.replace(verdict, text=None) for verdict in verdicts)


def _verdict(message: Message, plan: Plan) -> Verdict:
    told = _plain_verdict(message, plan)
    if plan.form is not None:
        template = plan.draft.options.template
        shown = plan.draft.text if plan.draft.shown is None else plan.draft.shown
        return msgspec.structs.replace(
            told,
            message_class=message.message_class,
            template=template,
            text=shown,
            media=plan.draft.options.media,
        )
    if not plan.links:
        return told
    return msgspec.structs.replace(told, text=plan.draft.text, media=plan.draft.options.media)


def _plain_verdict(message: Message, plan: Plan) -> Verdict:
    return Verdict(
        message.id,
        None,  # code
        "",  # detail
        "",  # pointer
        message.state,
        message.route_id,
        message.sender,
        message.encoding,
        message.segments,
        message.price_micros,
        message.currency,
        message.created_at,
        message.due_at,
        message.expires_at,
        plan.replaced,
        warnings=warnings_of(plan.sender_flag),
    )
