"""What segments may ask of texts, clicks and opt-outs: it follows the log, and a STOP holds in its own commit."""

from pathlib import Path
from typing import Any

from tests.journey.rig import ACTOR, Rig, rig, until
from whimbrel.domain.links import Click, Link
from whimbrel.manage import opt_outs
from whimbrel.products.contacts import keeping, segments
from whimbrel.products.contacts.segments import SegmentDraft
from whimbrel.products.contacts.shapes import NewContact
from whimbrel.store.interface import Write
from whimbrel.store.links import ClickRow
from whimbrel.store.rows import to_columns

ANN, BOB, CEM = "+447911123456", "+447911123457", "+447911123458"


async def holds(r: Rig, text: str) -> set[str]:
    """The numbers that a filter holds for; empty as well while its count, which is read by itself, is another one."""
    draft = SegmentDraft(filter=text)
    found = await segments.preview(r.app.manage, draft, account_id=r.account_id, test=False)
    return {contact.number for contact in found.contacts} if found.count == len(found.contacts) else set()


async def becomes(r: Rig, text: str, *numbers: str) -> None:
    async def same() -> bool:
        return await holds(r, text) == set(numbers)

    await until(same)


async def clicked(r: Rig, message_id: str) -> None:
    """A person opened a link of this text."""
    link = Link(
        "LKa", "LKa", r.account_id, False, message_id, "https://a.example", "https://l.example", "", "", "", 1, None
    )
    await r.app.store.write([Write("link_insert", (to_columns(link),))])
    click = Click("LC1", "LKa", r.account_id, False, "person", "", "", "", "", False, r.clock.now_us())
    await r.app.store.links.clicked([ClickRow(click)])


async def test_texts_answers_clicks_and_stops_are_known_of_contacts(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        await r.bound()
        whose: dict[str, Any] = {"account_id": r.account_id, "test": False}
        for number in (ANN, BOB):
            await keeping.put(r.app.manage, NewContact(number=number), **whose)
        assert await holds(r, "last_sent_at is empty and last_received_at is empty and opted_out = false") == {ANN, BOB}
        (first, second) = await r.send(r.draft(ANN), r.draft(CEM))
        await r.all_settled([first, second], "delivered")  # what is told of Cem has passed before there is a contact
        await becomes(r, "last_sent_at > now-1h", ANN)
        r.say(BOB, "hello")
        await becomes(r, "last_received_at is not empty", BOB)
        await clicked(r, first)
        await becomes(r, "last_clicked_at > now-1h and last_received_at is empty", ANN)
        r.clock.advance(3 * 86_400)
        assert await holds(r, "last_sent_at > now-2d or last_clicked_at > now-2d or last_received_at > now-2d") == set()
        assert await holds(r, "last_sent_at < now-2d") == {ANN}
        r.say(ANN, "STOP")
        await becomes(r, "opted_out = true", ANN)
        await becomes(r, "last_received_at > now-1d", ANN)
        late, _ = await keeping.put(r.app.manage, NewContact(number=CEM), **whose)
        assert late.opted_out_at is None
        made = await opt_outs.create(r.app.manage, ACTOR, opt_outs.NewOptOut(number=CEM), account_id=r.account_id)
        assert await holds(r, "opted_out = true") == {ANN, CEM}
        await opt_outs.delete(r.app.manage, ACTOR, made.id, account_id=r.account_id)
        r.say(ANN, "START")
        await becomes(r, "opted_out = true")
        read = await keeping.get(r.app.manage, late.id, **whose)
        assert (read.last_sent_at, read.opted_out_at) == (None, None)
