"""What `whimbrel doctor` says of streams to brokers: whether each broker takes us and has what we publish to, and,
where a node runs, whether it is followed, lags behind or lost something.
"""

import asyncio
from collections.abc import Iterator

import msgspec

from whimbrel import brokers, config
from whimbrel.cli.client import Client, Refused, Unreachable
from whimbrel.cli.finding import Finding
from whimbrel.manage.streams import StreamList, StreamView
from whimbrel.net.brokers import BrokerError, Missing
from whimbrel.sections import Stream

_LAG_S = 60
_ADVICE = "check servers, credentials and certificates of [streams.{}] (docs/streams.md)"


def look(settings: config.Settings, *, node: Client | None) -> Iterator[Finding]:
    """Each stream of the settings; `node` None: none runs."""
    known = _known(node) if settings.streams and node is not None else {}
    for name, section in settings.streams.items():
        subject = f"stream {name}"
        refused = asyncio.run(_refused(section))
        if isinstance(refused, Missing) and section.create:
            yield Finding(subject, "ok", f"{brokers.destinations(settings)[name]} takes us, and is made at start")
        elif refused is not None:
            yield Finding(subject, "error", str(refused), _ADVICE.format(name))
        else:
            yield Finding(subject, "ok", f"{brokers.destinations(settings)[name]} takes us")
        yield from _told(subject, known.get(name))


def _told(subject: str, view: StreamView | None) -> Iterator[Finding]:
    """What its node knows."""
    if view is None:
        return
    if view.node is None:
        yield Finding(subject, "warning", "no node follows it", "a worker must have it among its settings")
    if view.gaps:
        detail = f"events were purged before the broker had them, {view.gaps} times"
        yield Finding(subject, "warning", detail, "what is lost there may still be read from a backup")
    if view.lag_s > _LAG_S:
        detail = f"is {view.lag_s:.0f} s behind" + (f": {view.error}" if view.error else "")
        yield Finding(subject, "warning", detail, "events go out when the broker takes them, as long as they are kept")


def _known(node: Client) -> dict[str, StreamView]:
    try:
        found = msgspec.json.decode(node.ask("GET", "/v1/streams"), type=StreamList)
    except (Refused, Unreachable, msgspec.DecodeError):
        return {}
    return {view.name: view for view in found.data}


async def _refused(section: Stream) -> BrokerError | None:
    """Why the broker does not take us; None when it does. What is missing there is not made."""
    publisher = brokers.publisher(msgspec.structs.replace(section, create=False))
    try:
        await publisher.connect()
    except BrokerError as error:
        return error
    finally:
        await publisher.close()
    return None
