"""/v1/streams: how the streams of events to brokers are doing, and setting one back."""

from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import streams
from whimbrel.manage.streams import Rewind, StreamList, StreamView

_TAG = "streams"


async def find(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await streams.find(services.manage))


async def rewind(services: Services, call: Call[NoQuery, Rewind]) -> Answer:
    return Answer(await streams.rewind(services.manage, call.actor, call.path["name"], call.body))


OPERATIONS = (
    Operation(
        method="GET", path="/v1/streams", name="listStreams", tag=_TAG, summary="How streams to brokers are doing",
        description="Those that the settings of the node name that is asked.",
        access="operator", account_header="refused", scope="streams:read", handle=find, answer=StreamList,
    ),
    Operation(
        method="POST", path="/v1/streams/{name}/rewind", name="rewindStream", tag=_TAG,
        summary="Publish events again from a moment on",
        description="Consumers that know events by their ids see nothing twice.",
        access="operator", account_header="refused", scope="streams:write", handle=rewind, body=Rewind,
        answer=StreamView, example={"to": "2027-01-15T08:00:00Z"},
    ),
)  # fmt: skip
