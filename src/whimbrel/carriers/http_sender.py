"""The requests of a carrier over HTTP: what its `outbox` lets go, and how it stands with the provider.

Theory of operation. There is no session that is up or down; what is known of a provider is how its last requests ended.
- It could not be reached (no octet of a request left): it is *down*. What waits goes back to the queue, and after a
  while, longer each time, a connection is opened to see whether it is there again; no message is used for that.
- It answered several requests in a row with nothing that says whether it took the message (a 5xx, or no answer): it
  *rests*, so that a fault of its own does not put a whole queue in doubt. After a while, longer each time, one request
  tries.
- It refused several in a row for what is ours, a key that was changed or an address that is wrong, and for nothing of
  theirs: it *rests* and is down meanwhile. What waits goes back to the queue, as at a carrier over SMPP that refuses
  our name. After a while, longer each time, one request tries; a message that is refused so goes back too.
- It asked for patience (Retry-After): it rests so long.

A request is made at most once: `once`, net/http.py. Runs in the event loop's thread.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from whimbrel.base.clock import Chance, Clock
from whimbrel.carriers.http_parts import values_of
from whimbrel.carriers.interface import BindHealth, Part, Reply
from whimbrel.carriers.outbox import kept_of
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.domain.http_requests import Template, Unrenderable
from whimbrel.net.http import Failure, HttpClient, Response

_log = logging.getLogger("whimbrel.carrier")
DOUBTS_MAX: Final = 5
"""After so many in a row, or so many refusals for what is ours, it rests."""
REST_MAX_S: Final = 300.0
"""However long it asks us to stay away."""
_DOUBLINGS_MAX: Final = 20
_TURNS: Final = 20  # of the loop, which aborted connections need to say so
_FOR_ANOTHER: Final = "carrier_unavailable"  # the reason of what this carrier cannot take and another may

Ended = tuple[Part, Response | Failure]


class HttpSender:
    """See the head of this file; a Sender for `outbox`. `ended` is told what came back, a list for each turn of the
    loop; `changed` that there may be room again."""

    def __init__(
        self,
        name: str,
        settings: HttpSettings,
        password: str,
        *,
        client: HttpClient,
        callback: Callable[[], str],
        clock: Clock,
        chance: Chance,
        ended: Callable[[Sequence[Ended]], None],
        changed: Callable[[], None],
    ) -> None:
        self.name = name
        self.is_up = True
        self.last_error: str | None = None
        self._settings = settings
        self._template = Template(settings, password)
        self._client = client
        self._callback = callback
        self._clock = clock
        self._chance = chance
        self._ended = ended
        self._changed = changed
        self._kept = kept_of(settings.window)
        self._flight: dict[int, Part] = {}  # by attempt
        self._came: list[Ended] = []
        self._failures = 0  # in a row: could not be reached, or let a message in doubt
        self._doubts = 0
        self._refusals = 0  # in a row, for what is ours
        self._is_trying = False
        self._is_refused = False  # rests for such
        self._rest: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._since = clock.now_us()

    @property
    def room(self) -> int:
        """Requests that may be begun now."""
        if not self.is_up or self._rest is not None:
            return 0
        return max(0, (1 if self._is_trying else self._settings.window) - len(self._flight))

    @property
    def kept(self) -> int:
        """Places that are kept free of marketing: none while one request tries, whatever it brings."""
        return 0 if self._is_trying else self._kept

    @property
    def in_flight(self) -> int:
        """Requests whose end is not told yet."""
        return len(self._flight)

    @property
    def is_well(self) -> bool:
        """Whether it is there, and says of each message what became of it."""
        return self.is_up and not self._is_trying and self._doubts < DOUBTS_MAX

    def health(self) -> BindHealth:
        """As one connection."""
        return BindHealth(
            name=self.name,
            role="http",
            host=self._template.host,
            state="up" if self.is_well else "connecting" if self.is_up else "waiting",
            last_error=self.last_error,
            since=self._since,
            peer_version=None,
            in_flight=self.in_flight,
        )

    def write(self, parts: Sequence[Part], now_us: int) -> list[Reply]:
        """Begin the requests of these; answers to those of which none can be made."""
        unwritten: list[Reply] = []
        callback = self._callback()
        for part in parts:
            try:
                request = self._template.request(values_of(part, now_us, callback))
            except Unrenderable as error:
                _log.warning("a message cannot be written", extra={"bind": self.name, "error": str(error)})
                kind = "refused_now" if error.reason == _FOR_ANOTHER else "refused"
                unwritten.append(Reply(part, kind, self.name, reason=error.reason))
                continue
            self._flight[part.attempt] = part
            self._client.begin(
                request.url,
                request.body,
                request.headers,
                timeout_s=self._settings.response_timeout_s,
                done=partial(self._done, part),
                once=True,
            )
        return unwritten

    # How it stands with the provider.

    def went_well(self) -> None:
        """It said what became of a message."""
        self._doubts = self._refusals = self._failures = 0
        if self._is_trying:
            self._is_trying = False
            self._since = self._clock.now_us()
            _log.info("answers again", extra={"bind": self.name})

    def complains(self, error: str | None) -> None:
        """What it says against us and not against a message; None when it took one."""
        self.last_error = error

    def in_doubt(self, error: str) -> None:
        """A message is in doubt. Several in a row: it rests."""
        self.last_error = error
        self._doubts += 1
        if (self._doubts >= DOUBTS_MAX or self._is_trying) and self._rest is None and not self._is_stopped:
            self._since = self._clock.now_us()
            self._is_trying = True
            wait_s = self._longer()
            _log.warning("does not say what it took; resting", extra={"bind": self.name, "seconds": round(wait_s, 1)})
            self._rest_for(wait_s)

    def refused(self, error: str) -> bool:
        """It refused a message for what is ours. Whether the message waits: several in a row, or the one that tries."""
        self.last_error = error
        self._doubts = 0
        self._refusals += 1
        waits = self._refusals >= DOUBTS_MAX or self._is_trying
        if waits and self.is_up and self._rest is None and not self._is_stopped:
            self._since = self._clock.now_us()
            self._is_trying = self._is_refused = True
            self.is_up = False
            wait_s = self._longer()
            told = {"bind": self.name, "error": error, "seconds": round(wait_s, 1)}
            _log.warning("refuses what is ours; resting", extra=told)
            self._rest_for(wait_s)
        return waits

    def unreachable(self, error: str) -> None:
        """Nothing could be sent."""
        self.last_error = error
        if self.is_up and not self._is_stopped:
            self.is_up = False
            self._since = self._clock.now_us()
            _log.warning("cannot be reached", extra={"bind": self.name, "error": error})
            self._looking = asyncio.get_running_loop().create_task(self._look())

    def told_to_wait(self, seconds: float | None) -> None:
        """Too much for it now; it may have said for how long."""
        if seconds and self._rest is None and not self._is_stopped:
            self._rest_for(min(seconds, REST_MAX_S))

    def _longer(self) -> float:
        """How long to stay away: doubled each time, with jitter, so that not everybody comes back at once."""
        wait_s = min(
            self._settings.reconnect_min_s * 2.0 ** min(self._failures, _DOUBLINGS_MAX), self._settings.reconnect_max_s
        )
        self._failures += 1
        return wait_s * self._chance.uniform(0.5, 1.0)

    def _rest_for(self, seconds: float) -> None:
        self._rest = asyncio.get_running_loop().call_later(seconds, self._rested)

    def _rested(self) -> None:
        self._rest = None
        if self._is_refused:
            self._is_refused = False
            self.is_up = True
        self._changed()

    async def _look(self) -> None:
        """Until it is there."""
        while True:
            await asyncio.sleep(self._longer())
            try:
                trouble = await self._client.look(self._template.place, timeout_s=self._settings.response_timeout_s)
            except Exception:  # whatever it is: who looks no more would never come back
                _log.exception("could not look for it", extra={"bind": self.name})
                continue
            if trouble is None:
                break
            self.last_error = why(trouble)
        self._failures = 0
        self.is_up = True
        self.last_error = None
        self._since = self._clock.now_us()
        _log.info("can be reached again", extra={"bind": self.name})
        self._changed()

    # What comes back.

    def _done(self, part: Part, end: Response | Failure) -> None:
        self._came.append((part, end))
        if len(self._came) == 1:
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        """All that came back in a turn is one list."""
        came, self._came = self._came, []
        fresh = [(part, end) for part, end in came if self._flight.pop(part.attempt, None) is not None]
        if fresh:
            self._ended(fresh)

    async def stop(self) -> Sequence[Part]:
        """End every request; the parts whose end has not come even so."""
        self._is_stopped = True
        if self._rest is not None:
            self._rest.cancel()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._client.stop()
        for _ in range(_TURNS):
            if not self._flight:
                break
            await asyncio.sleep(0)
        left = [*self._flight.values()]
        self._flight.clear()
        return left


def why(failure: Failure) -> str:
    """For an operator."""
    return f"{failure.reason}: {failure.detail}" if failure.detail else failure.reason
