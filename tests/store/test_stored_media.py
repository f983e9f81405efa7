"""Media in the store: how many messages have each, and that what is written with a deletion is written with it or not
at all.
"""

from typing import Any

import msgspec
import pytest
from store_samples import ACCOUNT, IDS, NOW, message

from whimbrel.domain.links import Link
from whimbrel.domain.media import MediaUse, Medium, Source
from whimbrel.store.interface import Submission, Write
from whimbrel.store.store import SqlStore

ROOM = 1 << 30


class Uses(msgspec.Struct, frozen=True):
    """A row of `media_uses`."""

    id: str
    messages: int


async def kept(store: SqlStore, octets: bytes = b"a", source: Source = "upload") -> Medium:
    sha256 = octets.hex().rjust(64, "0")
    made = Medium(IDS.new("ME"), ACCOUNT, False, "a.png", "image/png", len(octets), sha256, source, NOW, NOW + 9)
    assert await store.media.keep(made, octets, bytes_max=ROOM, count_max=9) == made
    return made


async def sent(store: SqlStore, *media: Medium, **changes: Any) -> str:
    message_id = IDS.new("SM")
    uses = tuple(MediaUse(message_id, place, each.id, ACCOUNT, NOW) for place, each in enumerate(media))
    link = Link(
        IDS.new("LK"), message_id[-8:], ACCOUNT, False, message_id, "media:", "https://l.example", "", "", "", NOW,
        NOW + 5,
    )  # fmt: skip
    (stored,) = await store.accept([Submission((message(id=message_id, **changes),), links=(link,), media=uses)])
    assert not stored.lost_media
    return message_id


async def is_there(store: SqlStore, medium: Medium) -> bool:
    return bool(await store.fetch(Medium, "media_by_ids", ACCOUNT, 0, [medium.id]))


def an_entry(**changes: Any) -> Write:
    row = {"id": IDS.new("AU"), "account": ACCOUNT, "who": "t", "what": "t", "subject": "t", "detail": "{}", "at": NOW}
    return Write("audit_insert", (tuple((row | changes).values()),))


async def entries(store: SqlStore) -> int:
    found: list[Any] = await store.fetch(lambda *row: row, "audit_page", ACCOUNT, "~", 9)
    return len(found)


async def test_messages_of_a_medium_are_counted_up_to_a_most(store: SqlStore):
    often, once, never = await kept(store), await kept(store, b"b"), await kept(store, b"c")
    await sent(store, often, once)
    for _ in range(4):
        await sent(store, often)
    asked = [each.id for each in (often, once, never)]
    for most, told in ((9, 5), (3, 3)):
        found = {each.id: each.messages for each in await store.fetch(Uses, "media_uses", asked, most)}
        assert found == dict(zip(asked, (told, 1, 0), strict=True))


async def test_what_came_with_messages_goes_when_their_time_is_over(store: SqlStore):
    came, shared, brought = (
        await kept(store, b"a", "message"),
        await kept(store, b"b", "message"),
        await kept(store, b"c"),
    )
    await sent(store, came, shared, brought, state="rejected")
    await sent(store, shared, state="rejected")
    assert await store.purge({"messages": NOW + 3_600_000_000}, 1) == 1
    assert [await is_there(store, each) for each in (came, shared, brought)] == [False, True, True]
    assert await store.purge({"messages": NOW + 3_600_000_000}, 9) == 1
    assert [await is_there(store, each) for each in (shared, brought)] == [False, True]


async def test_a_deletion_and_what_is_written_with_it_are_one_commit(store: SqlStore):
    medium = await kept(store)
    message_id = await sent(store, medium)
    taken = an_entry()
    await store.write([taken])
    with pytest.raises(Exception, match=r"(?i)unique|constraint"):
        await store.media.forget([medium.id], also=[taken])
    with pytest.raises(Exception, match=r"(?i)unique|constraint"):
        await store.media.take_away(message_id, medium.id, also=[taken])
    assert await is_there(store, medium)
    before = await entries(store)
    assert await store.media.forget([medium.id], also=[an_entry()]) == 1
    assert await entries(store) == before + 1
    assert await store.media.forget([medium.id], also=[an_entry()]) == 0  # somebody else was quicker, and wrote it
    assert await store.media.take_away(message_id, medium.id, also=[an_entry()]) == 0
    assert await entries(store) == before + 1
