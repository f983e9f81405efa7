"""Callbacks at a node that takes them over: everything since the cursor, while new events come."""

from types import SimpleNamespace
from typing import Any

import pytest

from whimbrel.domain.model import Event
from whimbrel.journey import endpoints
from whimbrel.journey.endpoints import Callbacks
from whimbrel.journey.feed import Item

ACCOUNT = "AC" + "a" * 32


def event(position: int) -> Event:
    return Event(position, ACCOUNT, False, f"OO{position:032x}", 1, "message.sent", "{}", True, 0)


class Log:
    """Events up to some position; while each of the first reads is under way the feed brings one more."""

    def __init__(self, count: int, more: int) -> None:
        self.events = [event(position) for position in range(1, count + 1)]
        self.tail = SimpleNamespace(position=count)
        self._more = more
        self.callbacks: Any = None

    async def events_after(self, position: int, limit: int, *, callbacks_only: bool) -> list[Event]:
        found = [each for each in self.events if each.position > position][:limit]
        if self._more:
            self._more -= 1
            new = event(len(self.events) + 1)
            self.events.append(new)
            self.tail.position = new.position
            self.callbacks.offer([Item(new, None)], new.position)
        return found


class Taken(Callbacks):
    """Writes down what would be posted."""

    def __init__(self, posts: Any, position: int) -> None:
        super().__init__(posts, position)
        self.taken: list[int] = []

    def _offer(self, item: Item) -> None:
        self.taken.append(item.event.position)


@pytest.mark.parametrize("more", [0, 1, 4])
@pytest.mark.parametrize("page", [3, 7, 500])
async def test_what_came_before_is_not_passed_over_for_what_comes_meanwhile(
    monkeypatch: pytest.MonkeyPatch, page: int, more: int
) -> None:
    monkeypatch.setattr(endpoints, "_READ", page)
    log = Log(10, more)
    posts: Any = SimpleNamespace(store=log, feed=SimpleNamespace(callbacks=log.tail))
    log.callbacks = made = Taken(posts, 2)
    await made.catch_up()
    assert made.taken == [*range(3, 11 + more)]
    made.offer([Item(event(11 + more), None)], 11 + more)
    assert made.taken[-1] == made.cursor() == 11 + more
