"""Decisions on a row with a version: of two that were made on the same one the second is not written, whichever
database, and also when both transactions are open at once. Texts that are sealed are erased with their message's end.
"""

from typing import Any

import msgspec
from after_submit import answered, reported
from node import Node, waiting
from store_samples import ACCOUNT, CARRIER, CREDIT, NOW, PRICE, SECOND, balance, claim, load, message

from whimbrel.domain.model import Flag, Message
from whimbrel.domain.verify import NumberState, SendAttempt
from whimbrel.store.interface import Ending, Submission, Write
from whimbrel.store.store import SqlStore
from whimbrel.store.verbs.accept import accept
from whimbrel.store.verbs.turn import turn

NUMBER = 4711
TAIL = 99


def at_version(version: int, failures: str = "[]") -> Write:
    return Write("verify_number_turn", ((ACCOUNT, 0, NUMBER, version, failures, "[]", NOW),))


def counted(sent: int) -> Write:
    return Write("verify_count", ((ACCOUNT, 0, 1, "44740012", "VA1", "GB", 1, sent, 0),))


async def standing(store: SqlStore) -> NumberState:
    (state,) = await store.fetch(NumberState, "verify_number", ACCOUNT, 0, NUMBER)
    return state


async def sends(store: SqlStore) -> int:
    rows = await store.fetch(lambda *columns: columns, "verify_summary", ACCOUNT, 0, 0, 9)
    return int(sum(row[4] for row in rows))


async def test_of_two_decisions_on_one_version_the_first_is_written(store: SqlStore) -> None:
    assert await store.turn(at_version(1, "[5]"), [counted(1)])
    assert not await store.turn(at_version(1, "[6]"), [counted(1)])
    assert await store.turn(at_version(2, "[5,7]"), [counted(1)])
    assert await standing(store) == NumberState(2, (5, 7))
    assert await sends(store) == 2


async def test_further_conditions_hold_too_or_nothing_else_is_written(store: SqlStore) -> None:
    room = Write("verify_bucket_take", (("BL1", 7, ACCOUNT, NOW, NOW + SECOND, 1),))
    assert await store.turn(at_version(1), [counted(1)], [room])
    assert not await store.turn(at_version(2), [counted(1)], [room])  # the bucket is full
    assert await sends(store) == 1
    assert (await standing(store)).version == 2  # what stands before the condition that failed is not taken back


async def test_an_attempt_changes_only_where_its_version_stands(store: SqlStore) -> None:
    first = ("VL1", ACCOUNT, 0, "VA1", "VE1", "voice", None, "GB", "44740012", NOW, None)
    await store.write([Write("verify_attempt_insert", ((*first, "queued", "", "", "", 0, 0, NOW),))])

    def claimed(state: str) -> Write:
        return Write("verify_attempt_set", (("VL1", 1, state, "", "", "", 1, NOW + SECOND),))

    assert await store.turn(claimed("sending"), ())
    assert not await store.turn(claimed("sent"), [counted(1)])
    (row,) = await store.fetch(SendAttempt, "verify_attempts_due", NOW + SECOND, 10)
    assert (row.state, row.seq, row.tries) == ("sending", 1, 1)
    assert await store.fetch(SendAttempt, "verify_attempts_due", NOW, 10) == []


async def test_a_submission_is_stored_only_where_its_conditions_hold(store: SqlStore) -> None:
    first, second, other = message(), message(), message()
    submissions = [
        Submission((each,), also=(counted(1),), only=(at_version(1),) if each is not other else ())
        for each in (first, second, other)
    ]
    found = await store.accept(submissions)
    assert [each.overtaken for each in found] == [False, True, False]
    assert {each.id for each in await store.messages([first.id, second.id, other.id])} == {first.id, other.id}
    assert await balance(store) == (CREDIT - 2 * PRICE, 2 * PRICE, 0)
    assert await sends(store) == 2


async def test_a_second_guess_waits_for_the_first_and_is_not_counted(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await third.turn(at_version(1), ())
    assert await one.run(turn(at_version(2, "[1]"), [counted(1)]))
    other = await waiting(two, two.whole(turn(at_version(2, "[2]"), [counted(1)])), one)
    await one.commit()
    assert await other is False
    assert await standing(third) == NumberState(2, (1,))
    assert await sends(third) == 1


async def test_the_first_two_guesses_for_a_number_are_not_both_counted(
    third: SqlStore, nodes: tuple[Node, Node]
) -> None:
    one, two = nodes
    assert await one.run(turn(at_version(1, "[1]"), ()))
    other = await waiting(two, two.whole(turn(at_version(1, "[2]"), ())), one)
    await one.commit()
    assert await other is False
    assert await standing(third) == NumberState(1, (1,))


async def test_who_rolls_back_leaves_the_turn_to_the_other(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    await third.turn(at_version(1), ())
    assert await one.run(turn(at_version(2, "[1]"), ()))
    other = await waiting(two, two.whole(turn(at_version(2, "[2]"), ())), one)
    await one.roll_back()
    assert await other is True
    assert await standing(third) == NumberState(2, (2,))


async def test_of_two_texts_that_are_accepted_at_once_one_is_stored(third: SqlStore, nodes: tuple[Node, Node]) -> None:
    one, two = nodes
    first, second = message(), message()
    (stored,) = await one.run(accept([Submission((first,), only=(at_version(1),))]))
    other = await waiting(two, two.whole(accept([Submission((second,), only=(at_version(1),))])), one)
    await one.commit()
    ((overtaken),) = await other
    assert (stored.overtaken, overtaken.overtaken) == (False, True)
    assert [each.id for each in await third.messages([first.id, second.id])] == [first.id]
    assert await balance(third) == (CREDIT - PRICE, PRICE, 0)


def sealed(**changes: Any) -> Message:
    options = msgspec.json.encode({"tags": ["a"], "sealed": "00ff"}).decode()
    return message(flags=Flag.SEALED, options=options, **changes)


async def test_the_sealed_text_is_erased_when_a_receipt_ends_the_message(store: SqlStore) -> None:
    for state in ("delivered", "undelivered"):
        sent = sealed()
        await store.accept([Submission((sent,))])
        ((number,),) = await claim(store, sent)
        about: dict[str, Any] = {"at": NOW + SECOND, "carrier_id": CARRIER}
        await store.record_answers([answered(sent.id, number, "accepted", key=state, tail_hash=TAIL, parts=1, **about)])
        assert "00ff" in (await load(store, sent)).options
        await store.record_receipts([reported(state, state=state, tails=(TAIL,), **about)])
        ended = await load(store, sent)
        assert (ended.state, msgspec.json.decode(ended.options)) == (state, {"tags": ["a"]})


async def test_the_sealed_text_is_erased_when_the_message_is_canceled(store: SqlStore) -> None:
    sent, plain = sealed(), message(options='{"tags":["a"]}')
    await store.accept([Submission((sent, plain))])
    await store.finish([Ending(each.id, ("queued",), "canceled", "canceled", NOW) for each in (sent, plain)])
    for each in (sent, plain):
        assert msgspec.json.decode((await load(store, each)).options) == {"tags": ["a"]}
