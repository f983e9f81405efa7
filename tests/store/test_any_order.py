"""Answers and receipts in any order, repeated, late, contradicting, in lists of any size, on a real SQLite: what must
hold after every commit. The carriers of this test tell the truth about what they took; everything else is chance."""

import os
from collections import defaultdict

import msgspec
from after_submit import CARRIER, OTHER, OTP_RETRY, SECOND, START, Rig, answered, reported
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from whimbrel.domain import states
from whimbrel.domain.model import Flag
from whimbrel.domain.outcomes import share
from whimbrel.store.interface import Ending
from whimbrel.store.verbs.finish import finish

PRICE = 10_001
TAKEN = ("accepted", "in_doubt")
NOT_TAKEN = ("refused", "refused_now", "withdrawn", "in_doubt")
WORDS = ("delivered", "delivered", "undelivered", "expired", "enroute", "unknown")
CARRIERS = {"one": CARRIER, "two": f"{CARRIER} {OTHER}"}


class Attempt(msgspec.Struct):
    """What this test knows of an attempt: `taken` is the carrier's own truth."""

    number: int
    message_id: str
    carrier_id: str
    tail: int
    taken: bool
    kinds: list[str] = []
    words: list[str] = []

    def answer(self, kind, at):
        key = f"k{self.number}" if kind == "accepted" else None
        more = {
            "carrier_id": self.carrier_id,
            "tail_hash": self.tail,
            "reason": "link_lost" if kind == "in_doubt" else None,
        }
        self.kinds.append(kind)
        return answered(self.message_id, self.number, kind, key=key, at=at, **more)

    def receipt(self, word, at):
        self.words.append(word)
        return reported(f"k{self.number}", state=word, tails=(self.tail, 1), at=at, carrier_id=self.carrier_id)


class Journey(RuleBasedStateMachine):
    """Messages under way, and what chance does to them."""

    def __init__(self):
        super().__init__()
        self.rig = Rig()
        self.attempts: list[Attempt] = []
        self.tails: dict[str, int] = {}
        self.given_up: set[str] = set()
        self.seen: dict[str, tuple[str, int]] = {}
        self.at = START

    def now(self):
        self.at += SECOND
        return self.at

    def claim(self, message_id, carrier, parts, truths):
        tail = self.tails[message_id]
        for number, taken in zip(self.rig.claimed(message_id, carrier, parts, tail, self.now()), truths, strict=False):
            self.attempts.append(Attempt(number, message_id, carrier, tail, taken))

    @rule(
        parts=st.sampled_from([1, 1, 1, 2, 3]),
        carriers=st.sampled_from(sorted(CARRIERS)),
        is_code=st.booleans(),
        tail=st.sampled_from([7, 8]),
        truths=st.lists(st.booleans(), min_size=3, max_size=3),
    )
    def send(self, parts, carriers, is_code, tail, truths):
        more = {"message_class": "otp", "options": OTP_RETRY, "priority": 0} if is_code else {}
        message_id = self.rig.accepted(segments=parts, price_micros=PRICE, candidates=CARRIERS[carriers], **more)
        self.tails[message_id] = tail
        self.claim(message_id, CARRIER, parts, truths)

    @precondition(lambda self: self.rig.queue())
    @rule(truths=st.lists(st.booleans(), min_size=3, max_size=3))
    def claim_what_waits(self, truths):
        for lane, _, _, message_id, _ in self.rig.queue():
            self.claim(message_id, lane, self.rig.message(message_id, "segments"), truths)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), count=st.integers(1, 5))
    def answers(self, data, count):
        batch = []
        for attempt in data.draw(st.lists(st.sampled_from(self.attempts), min_size=1, max_size=count)):
            kind = data.draw(st.sampled_from(TAKEN if attempt.taken else NOT_TAKEN))
            batch.append(attempt.answer(kind, self.now()))
        self.rig.answer(*batch)

    @precondition(lambda self: any(attempt.taken for attempt in self.attempts))
    @rule(data=st.data(), count=st.integers(1, 5))
    def receipts(self, data, count):
        taken = [attempt for attempt in self.attempts if attempt.taken]
        chosen = data.draw(st.lists(st.sampled_from(taken), min_size=1, max_size=count))
        self.rig.receipt(*(attempt.receipt(data.draw(st.sampled_from(WORDS)), self.now()) for attempt in chosen))

    @precondition(lambda self: self.tails)
    @rule(data=st.data(), charge=st.booleans())
    def give_up(self, data, charge):
        message_id = data.draw(st.sampled_from(sorted(self.tails)))
        ending = Ending(message_id, ("sent", "in_doubt"), "unknown", "no_receipt", self.now(), charge)
        if self.rig.run(finish([ending])) == [True]:
            self.given_up.add(message_id)

    # what must hold

    @invariant()
    def money_is_conserved_and_paid_once(self):
        self.rig.balance()  # the balances are the sums of the ledger, and nothing is lost
        for message_id, state, held, charged, parts in self.rig.all(
            "SELECT id, state, held_micros, charged_micros, segments FROM messages"
        ):
            assert held >= 0 and 0 <= charged <= PRICE and held + charged <= PRICE
            assert not held or state not in states.FINAL
            rows = self.rig.all(
                "SELECT DISTINCT part FROM attempts WHERE message_id = ? AND state IN ('accepted', 'resolved')",
                message_id,
            )
            owed = sum(share(PRICE, part, parts) for part in rows)
            if message_id not in self.given_up:
                assert charged <= owed
                assert charged == owed or state in states.FINAL

    @invariant()
    def moves_are_allowed_and_end_once(self):
        moves = defaultdict(list)
        for subject, kind, data in self.rig.all("SELECT subject_id, type, data FROM events ORDER BY position"):
            if kind != "message.receipt":
                moves[subject].append((kind.removeprefix("message."), msgspec.json.decode(data)))
        for message_id, told in moves.items():
            old, ends = "", 0
            for new, data in told:
                if old in states.FINAL:
                    assert data.get("corrected") and (old, new) in states.CORRECTIONS
                else:
                    assert states.may_move(old, new), (old, new)
                    ends += new in states.FINAL
                old = new
            assert ends <= 1
            assert self.rig.message(message_id, "state") == old
            self.rig.events(message_id)  # their numbers have no gaps

    @invariant()
    def what_waits_is_what_is_queued(self):
        queued = set(self.rig.all("SELECT id FROM messages WHERE state = 'queued'"))
        assert {row[3] for row in self.rig.queue()} == queued
        open_ = set(self.rig.all("SELECT id FROM messages WHERE state IN ('in_doubt', 'sent')"))
        doubtful = set(self.rig.all("SELECT id FROM messages WHERE state = 'in_doubt'"))
        assert doubtful <= {row[0] for row in self.rig.deadlines()} <= open_

    @invariant()
    def nothing_is_sent_twice_but_a_code_whose_sender_asked(self):
        for message_id, flags in self.rig.all("SELECT id, flags FROM messages"):
            tries = self.rig.all(
                "SELECT part, COUNT(*) FROM attempts WHERE message_id = ? AND state != 'refused' GROUP BY part",
                message_id,
            )
            allowed = 2 if flags & Flag.DOUBT_RETRIED else 1
            assert all(count <= allowed for _, count in tries)

    @invariant()
    def a_message_is_delivered_only_when_its_phone_said_so(self):
        for message_id in self.rig.all("SELECT id FROM messages WHERE state = 'delivered'"):
            said = [word for a in self.attempts if a.message_id == message_id for word in a.words]
            tails = [word for a in self.attempts if a.tail == self.tails[message_id] for word in a.words]
            assert "delivered" in said or "delivered" in tails

    def teardown(self):
        """Every attempt gets its answer in the end; then nothing is on its way any more."""
        open_ = set(self.rig.all("SELECT position FROM attempts WHERE state = 'committed'"))
        late = [a.answer("accepted" if a.taken else "refused", self.now()) for a in self.attempts if a.number in open_]
        if late:
            self.rig.answer(*late)
        assert self.rig.all("SELECT id FROM messages WHERE state = 'sending'") == []
        self.money_is_conserved_and_paid_once()
        self.rig.db.close()


TestJourney = Journey.TestCase
TestJourney.settings = settings(
    max_examples=int(os.environ.get("WHIMBREL_EXAMPLES", "60")), stateful_step_count=30, deadline=None
)
