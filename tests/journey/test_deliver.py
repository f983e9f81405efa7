"""The outbox of one destination: what is put is posted, at whatever moment it is put."""

import asyncio
from typing import Any, cast

from whimbrel.domain.model import Event
from whimbrel.journey.deliver import Job, Outbox
from whimbrel.journey.feed import Item


def job(position: int) -> Job:
    event = Event(position, "AC", 0, "SM", position, "message.sent", "{}", 0, 0)
    return Job(Item(event, None))


async def test_a_job_that_comes_as_the_last_worker_ends_is_posted():
    """The turn of the loop between a worker's end and its callbacks is when a lone event could be left behind."""
    posted: list[int] = []
    second = asyncio.Event()

    async def post(each: Job) -> None:
        position = each.item.event.position
        posted.append(position)
        outbox.settle(each)
        if position == 1:
            asyncio.get_running_loop().call_soon(outbox.put, [job(2)])
        else:
            second.set()

    outbox = Outbox(cast(Any, post), workers=1, room=10)
    outbox.put([job(1)])
    async with asyncio.timeout(30):
        await second.wait()
    assert posted == [1, 2]
    assert outbox.first_outstanding() is None


async def test_a_stopped_outbox_has_no_workers_left():
    release = asyncio.Event()

    async def post(each: Job) -> None:
        await release.wait()
        outbox.settle(each)

    outbox = Outbox(cast(Any, post), workers=2, room=10)
    outbox.put([job(number) for number in range(1, 5)])
    await asyncio.sleep(0)
    stopping = asyncio.create_task(outbox.stop())
    release.set()
    async with asyncio.timeout(30):
        await stopping
    assert outbox.first_outstanding() == 3  # 1 and 2 were under way, the rest is in the log
    assert outbox.lag == 0
