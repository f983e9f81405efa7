"""POST /v1/carriers/{id}/test: a bind of its own (over HTTP: a request), a text where one is given, and what that says
about the settings."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from whimbrel.carriers.probe import Exchange, ProbeReport
from whimbrel.carriers.smpp_dial import version_name
from whimbrel.edges.rest.traces import TraceEntry, entry_view
from whimbrel.edges.shared.routes import Answer, Call, NoQuery, Operation
from whimbrel.edges.shared.services import Services
from whimbrel.manage import carrier_tests
from whimbrel.manage.carrier_tests import CarrierTest

_STEPS = "dns, tcp, tls, bind …, enquire_link, submit_sm, receipt, running binds; connect, request, answer over HTTP."


class CarrierTestStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried."""

    name: Annotated[str, Meta(description=_STEPS)]
    state: Annotated[str, Meta(description="`ok`, `warning`, `failed`, `skipped`.")]
    said: str
    took_ms: float | None


class CarrierTestProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A setting, and the value that the carrier's answers speak for."""

    setting: str
    value: Any
    why: str


class CarrierTestExchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request over HTTP and its answer, masked: no password, no token, no text, no whole number."""

    method: str
    url: str
    headers: tuple[str, ...]
    body: str
    status: Annotated[int | None, Meta(description="null when no answer came.")]
    content_type: str
    answer: Annotated[str, Meta(description="The beginning of its body.")]


class CarrierTested(msgspec.Struct, frozen=True, kw_only=True):
    """What a test found. `message_id` is the carrier's."""

    carrier_id: str
    passed: Annotated[bool, Meta(description="Whether no step failed.")]
    peer_version: str | None
    message_id: str | None
    steps: tuple[CarrierTestStep, ...]
    proposals: tuple[CarrierTestProposal, ...]
    pdus: Annotated[tuple[TraceEntry, ...], Meta(description="All that crossed the wire, masked.")]
    exchange: Annotated[CarrierTestExchange | None, Meta(description="Over HTTP, with a text.")]


async def test(services: Services, call: Call[NoQuery, CarrierTest]) -> Answer:
    carrier, text = await carrier_tests.begin(services.manage, call.actor, call.path["id"], call.body)
    return Answer(_view(carrier.id, await services.probing.test(carrier, text)))


def _view(carrier_id: str, report: ProbeReport) -> CarrierTested:
    return CarrierTested(
        carrier_id=carrier_id,
        passed=all(step.state != "failed" for step in report.steps),
        peer_version=version_name(report.peer_version),
        message_id=report.message_id,
        steps=tuple(
            [CarrierTestStep(name=s.name, state=s.state, said=s.said, took_ms=s.took_ms) for s in report.steps]
        ),
        proposals=tuple([CarrierTestProposal(setting=p.setting, value=p.value, why=p.why) for p in report.proposals]),
        pdus=tuple([entry_view(entry) for entry in report.entries]),
        exchange=_exchange(report.exchange),
    )


def _exchange(exchange: Exchange | None) -> CarrierTestExchange | None:
    return None if exchange is None else CarrierTestExchange(**msgspec.structs.asdict(exchange))


OPERATIONS = (
    Operation(
        method="POST", path="/v1/carriers/{id}/test", name="testCarrier", tag="carriers", summary="Test a carrier",
        description="Opens a bind beside those that run; over HTTP, a connection. With `to` it sends one segment, "
        "which is not charged and is no message, and waits up to `wait_s` seconds for its receipt.",
        access="operator", account_header="refused", scope="carriers:write", handle=test,
        body=CarrierTest, answer=CarrierTested, errors=("conflict",),
        example={"to": "+14155550123", "text": "Hello", "sender": "Whimbrel"},
    ),
)  # fmt: skip
