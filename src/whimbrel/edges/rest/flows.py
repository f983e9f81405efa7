"""/v1/flows and /v1/flow-runs: when this happens, do that."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.base import limits
from whimbrel.base.ids import REQUEST
from whimbrel.domain.flow_documents import Document
from whimbrel.domain.flows import FlowStatus, RunState
from whimbrel.edges.rest.paging import Cursor, HistoryQuery, Limit, PageQuery
from whimbrel.edges.shared.idempotency import HEADER, idempotency_key
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage.context import Page, Paging
from whimbrel.products.flows import keeping, ready_made, running
from whimbrel.products.flows.keeping import (
    FlowChange,
    FlowSummary,
    FlowVerdict,
    FlowVersionView,
    FlowView,
    NewFlow,
)
from whimbrel.products.flows.ready_made import Install, ReadyMade
from whimbrel.products.flows.requests import DEPTH_HEADER, depth_of
from whimbrel.products.flows.running import NewRun, RunView, StepView

_TAG = "flows"
_OF_SENDERS = ("sender_not_allowed", "invalid_sender")
_EXAMPLE = {
    "name": "Confirm an appointment",
    "document": {
        "trigger": {"type": "keyword", "keywords": ["APPOINTMENT"]},
        "start": "ask",
        "steps": {
            "ask": {"type": "send", "text": "Tomorrow at ten? Answer YES or NO.", "next": "answer"},
            "answer": {"type": "wait_for_answer", "timeout_s": 3600, "next": "which"},
            "which": {
                "type": "branch",
                "cases": [{"when": "answer.word == 'YES'", "next": "thanks"}],
                "otherwise": "pity",
            },
            "thanks": {"type": "send", "text": "See you tomorrow."},
            "pity": {"type": "send", "text": "We will call you for another time."},
        },
    },
}


class FlowsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which flows."""

    status: Annotated[FlowStatus | None, Meta(description="Only these.")] = None
    cursor: Cursor = None
    limit: Limit = limits.PAGE_DEFAULT


class RunsQuery(HistoryQuery, frozen=True, forbid_unknown_fields=True, gc=False, kw_only=True):
    """Which runs; every condition narrows."""

    flow_id: Annotated[str | None, Meta(description="Of one flow.")] = None
    state: Annotated[RunState | None, Meta(description="Only these.")] = None


class FlowDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document that is to be looked at."""

    document: dict[str, Any]


class _Started(msgspec.Struct, frozen=True):
    """What an Idempotency-Key of a run stands for."""

    flow_id: str
    run: NewRun


async def create(services: Services, call: Call[NoQuery, NewFlow]) -> Answer:
    made = await keeping.create(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/flows/{made.id}")


async def find(services: Services, call: Call[FlowsQuery, None]) -> Answer:
    query = call.query
    paging = Paging(query.cursor, query.limit)
    return Answer(await keeping.find(services.manage, account_id=call.account_id, status=query.status, paging=paging))


async def get(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await keeping.get(services.manage, call.path["id"], account_id=call.account_id))


async def update(services: Services, call: Call[NoQuery, FlowChange]) -> Answer:
    about = {"account_id": call.account_id}
    return Answer(await keeping.update(services.manage, call.actor, call.path["id"], call.body, **about))


async def delete(services: Services, call: Call[NoQuery, None]) -> Answer:
    await keeping.delete(services.manage, call.actor, call.path["id"], account_id=call.account_id)
    return Answer()


async def versions(services: Services, call: Call[PageQuery, None]) -> Answer:
    paging = call.query.paging()
    return Answer(await keeping.versions(services.manage, call.path["id"], account_id=call.account_id, paging=paging))


async def check(services: Services, call: Call[NoQuery, FlowDocument]) -> Answer:
    return Answer(await keeping.check(services.manage, call.body.document, account_id=call.account_id))


async def schema(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(msgspec.json.schema(Document), content_type=b"application/schema+json")


async def ready(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(Page(ready_made.every()))


async def install(services: Services, call: Call[NoQuery, Install]) -> Answer:
    made = await ready_made.install(services.manage, call.actor, call.body, account_id=call.account_id)
    return Answer(made, location=f"/v1/flows/{made.id}")


async def start(services: Services, call: Call[NoQuery, NewRun]) -> Answer:
    """One Idempotency-Key, one run."""
    flow_id = call.path["id"]
    key = idempotency_key(
        call.headers.get(HEADER),
        account_id=call.account_id,
        door="flows",
        test=call.test,
        request=_Started(flow_id, call.body),
    )
    origin = services.ids.new(REQUEST) if key is None else f"{key.door}:{key.key}"
    run = await running.start(
        services.manage,
        services.flows,
        flow_id,
        call.body,
        account_id=call.account_id,
        test=call.test,
        origin=origin,
        fingerprint="" if key is None else key.fingerprint.hex(),
        depth=depth_of(call.headers.get(DEPTH_HEADER.encode())),
    )
    return Answer(run, location=f"/v1/flow-runs/{run.id}")


async def find_runs(services: Services, call: Call[RunsQuery, None]) -> Answer:
    query = call.query
    found = await running.find(
        services.manage,
        account_id=call.account_id,
        test=call.test,
        flow_id=query.flow_id,
        state=query.state,
        paging=query.paging(),
    )
    return Answer(found)


async def get_run(services: Services, call: Call[NoQuery, None]) -> Answer:
    return Answer(await running.get(services.manage, call.path["id"], account_id=call.account_id, test=call.test))


async def steps(services: Services, call: Call[PageQuery, None]) -> Answer:
    paging = call.query.paging()
    return Answer(
        await running.steps(services.manage, call.path["id"], account_id=call.account_id, test=call.test, paging=paging)
    )


async def stop(services: Services, call: Call[NoQuery, None]) -> Answer:
    run_id = call.path["id"]
    stopped = await running.stop(services.manage, call.actor, run_id, account_id=call.account_id, test=call.test)
    return Answer(stopped)


async def skip(services: Services, call: Call[NoQuery, None]) -> Answer:
    run = await running.skip(services.manage, call.path["id"], account_id=call.account_id)
    services.flows.told()
    return Answer(run)


async def erase(services: Services, call: Call[NoQuery, None]) -> Answer:
    run_id = call.path["id"]
    await running.erase(services.manage, call.actor, run_id, account_id=call.account_id, test=call.test)
    return Answer()


OPERATIONS = (
    Operation(
        method="POST", path="/v1/flows", name="createFlow", tag=_TAG, summary="Keep a flow",
        description="The document is checked whole: an answer of 422 points to everything that is wrong with it.",
        scope="flows:write", live_only=True, handle=create, body=NewFlow, answer=FlowView, status=201,
        body_max=2 * limits.FLOW_DOCUMENT_MAX, errors=("too_many_flows", *_OF_SENDERS), example=_EXAMPLE,
    ),
    Operation(
        method="GET", path="/v1/flows", name="listFlows", tag=_TAG, summary="List flows, newest first",
        scope="flows:read", handle=find, query=FlowsQuery, answer=Page[FlowSummary],
    ),
    Operation(
        method="GET", path="/v1/flows/schema", name="getFlowSchema", tag=_TAG,
        summary="Read the JSON Schema of a flow's document",
        scope="flows:read", handle=schema, answer=dict[str, Any],
    ),
    Operation(
        method="GET", path="/v1/flows/ready-made", name="listReadyMadeFlows", tag=_TAG,
        summary="List the flows that come with Whimbrel",
        scope="flows:read", handle=ready, answer=Page[ReadyMade],
    ),
    Operation(
        method="POST", path="/v1/flows/ready-made", name="installFlow", tag=_TAG, summary="Keep a ready-made flow",
        description="It is paused at first, and a copy of your own from then on.",
        scope="flows:write", live_only=True, handle=install, body=Install, answer=FlowView, status=201,
        errors=("too_many_flows",), example={"ready_made": "appointment_reminder"},
    ),
    Operation(
        method="POST", path="/v1/flows/check", name="checkFlow", tag=_TAG, summary="Check a document",
        description="Everything that is wrong with it, and where. Nothing is stored.",
        scope="flows:read", handle=check, body=FlowDocument, answer=FlowVerdict,
        body_max=2 * limits.FLOW_DOCUMENT_MAX, example={"document": _EXAMPLE["document"]},
    ),
    Operation(
        method="GET", path="/v1/flows/{id}", name="getFlow", tag=_TAG, summary="Read a flow with its document",
        scope="flows:read", handle=get, answer=FlowView,
    ),
    Operation(
        method="PATCH", path="/v1/flows/{id}", name="updateFlow", tag=_TAG, summary="Change a flow",
        description="A document makes a new version; runs that are under way finish on theirs.",
        scope="flows:write", live_only=True, handle=update, body=FlowChange, answer=FlowView,
        body_max=2 * limits.FLOW_DOCUMENT_MAX, errors=_OF_SENDERS, example={"status": "paused"},
    ),
    Operation(
        method="DELETE", path="/v1/flows/{id}", name="deleteFlow", tag=_TAG, summary="Delete a flow",
        description="Its runs end. What they did can be read until retention takes it.",
        scope="flows:write", live_only=True, handle=delete, status=204,
    ),
    Operation(
        method="GET", path="/v1/flows/{id}/versions", name="listFlowVersions", tag=_TAG,
        summary="List a flow's versions, newest first",
        scope="flows:read", handle=versions, query=PageQuery, answer=Page[FlowVersionView],
    ),
    Operation(
        method="POST", path="/v1/flows/{id}/runs", name="startFlow", tag=_TAG, summary="Begin a run",
        description="For one phone. With a test key it sends to virtual phones only. One `Idempotency-Key` begins one "
        "run, however often it is sent.",
        scope="flows:run", handle=start, body=NewRun, answer=RunView, status=202, idempotent=True,
        errors=("conflict", "flow_refused"), example={"phone": "+14155550123", "variables": {"name": "Ada"}},
    ),
    Operation(
        method="GET", path="/v1/flow-runs", name="listFlowRuns", tag=_TAG, summary="List runs, newest first",
        scope="flows:read", handle=find_runs, query=RunsQuery, answer=Page[RunView],
    ),
    Operation(
        method="GET", path="/v1/flow-runs/{id}", name="getFlowRun", tag=_TAG, summary="Read a run",
        scope="flows:read", handle=get_run, answer=RunView,
    ),
    Operation(
        method="GET", path="/v1/flow-runs/{id}/steps", name="listFlowSteps", tag=_TAG,
        summary="List what a run did, in order",
        scope="flows:read", handle=steps, query=PageQuery, answer=Page[StepView],
    ),
    Operation(
        method="POST", path="/v1/flow-runs/{id}/stop", name="stopFlowRun", tag=_TAG, summary="Stop a run",
        scope="flows:run", handle=stop, answer=RunView, errors=("conflict",),
    ),
    Operation(
        method="POST", path="/v1/flow-runs/{id}/skip", name="skipFlowWait", tag=_TAG,
        summary="Let a test run's wait be over",
        description="As if its time had come, or nobody had answered in time. Test keys only.",
        scope="flows:run", handle=skip, answer=RunView, errors=("conflict",),
    ),
    Operation(
        method="DELETE", path="/v1/flow-runs/{id}", name="eraseFlowRun", tag=_TAG,
        summary="Erase whom a run was about",
        description="Number, variables and tags of a run that has ended; its steps stay.",
        scope="flows:run", handle=erase, status=204, errors=("conflict",),
    ),
)  # fmt: skip
