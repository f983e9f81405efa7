"""The journey of a message, whole: accepted, submitted over real SMPP, receipted, settled."""

from pathlib import Path

from tests.journey.rig import rig


async def test_a_text_is_delivered_and_charged(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await r.seed()
        (message_id,) = await r.send(r.draft())
        message = await r.settled(message_id, "delivered")
        assert await r.events(message_id) == [
            "message.queued",
            "message.sending",
            "message.sent",
            "message.delivered",
        ]
        assert (message.held_micros, message.charged_micros) == (0, 10_000)
