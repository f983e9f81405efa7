"""A turn of a run: the steps that it takes until it has to wait, or something has to happen outside. Pure: what is to
be sent, asked or handed over is told, and who calls does it and stores the turn in one commit with it.

A turn holds at most one effect. Steps that follow a text are taken as if it had been accepted; where it is refused, the
same turn is taken once more with the refusal.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from whimbrel.base import limits, moments
from whimbrel.domain import flow_expressions as expressions
from whimbrel.domain.flow_documents import (
    Branch,
    Conversation,
    Document,
    Request,
    Send,
    Set,
    Step,
    Stop,
    Tag,
    Wait,
    WaitForAnswer,
)
from whimbrel.domain.flow_effects import ContactWish, HandOver, Inputs, Outbound, Outgoing, Turn
from whimbrel.domain.flow_expressions import ExpressionError
from whimbrel.domain.flows import FlowRun, FlowStep
from whimbrel.domain.links import wished
from whimbrel.domain.local_times import next_time_of_day, zone_of
from whimbrel.domain.schedule import parse_time

SECOND_US: Final = 1_000_000
REQUEST_MARGIN_S: Final = 15
"""So long after its time-out a request of which nothing came is made again: its process is gone."""


class _Failed(Exception):
    """The run fails, for a reason of the catalogue."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def turn(run: FlowRun, document: Document, inputs: Inputs) -> Turn:
    """Take the next turn of a run that is due."""
    return _Machine(run, document, inputs).take()


def context_of(run: FlowRun, variables: Mapping[str, Any], contact: Mapping[str, Any] | None) -> dict[str, Any]:
    """What expressions see. A variable of the run that is named `contact` goes before the contact."""
    about = {"id": run.id, "flow_id": run.flow_id, "started_at": moments.to_text(run.started_at)}
    return {"trigger": {}, "contact": contact, **variables, "phone": run.phone, "number": run.number, "run": about}


def word_of(text: str) -> str:
    """The first word of a text in capitals, without what stands around it: what people answer with."""
    words = text.split()
    return words[0].strip(".,;:!?\"'()[]*-").upper() if words else ""


class _Machine:
    """The state of one turn."""

    def __init__(self, run: FlowRun, document: Document, inputs: Inputs) -> None:
        self._run = run
        self._document = document
        self._inputs = inputs
        self._variables: dict[str, Any] = msgspec.json.decode(run.variables)
        self._tags = list(run.tags)
        self._number = run.number
        self._last_id = run.last_id
        self._at: str | None = run.step
        self._resumes = run.waits_for
        self._steps: list[FlowStep] = []
        self._send: Outgoing | None = None
        self._request: Outbound | None = None
        self._hand_over: HandOver | None = None
        self._contact: ContactWish | None = None
        self._answer_from = ""
        self._waits_for: Any = ""
        self._due_at: int | None = None
        self._outcome: str | None = None
        self._reason: str | None = None

    def take(self) -> Turn:
        try:
            while self._outcome is None and self._due_at is None:
                self._one()
        except _Failed as failed:
            if self._has_effect():
                self._due_at = self._inputs.now  # what is done is done; the next turn fails
            else:
                self._fail(failed)
        return Turn(
            self._after(msgspec.json.encode(self._variables).decode()),
            tuple(self._steps),
            self._send,
            self._request,
            self._hand_over,
            self._answer_from,
            self._contact,
        )

    def _has_effect(self) -> bool:
        return any(each is not None for each in (self._send, self._hand_over, self._contact))

    def _after(self, variables: str) -> FlowRun:
        ended = self._outcome is not None
        return msgspec.structs.replace(
            self._run,
            state=self._outcome or "running",
            step="" if ended or self._at is None else self._at,
            waits_for=self._waits_for,
            turn=self._run.turn + (1 if self._send is None else 2),  # see products/flows/rows.py
            steps=self._run.steps + len(self._steps),
            due_at=self._due_at,
            answer_key=None,
            answer_id=None,
            last_id=self._last_id,
            number=self._number,
            variables=variables,
            tags=tuple(self._tags),
            reason=self._reason,
            updated_at=self._inputs.now,
            ended_at=self._inputs.now if ended else None,
        )

    def _fail(self, failed: _Failed) -> None:
        step = self._document.steps.get(self._at or "")
        self._outcome, self._reason = "failed", failed.code
        if step is not None:
            self._note(step, "failed", detail=failed.detail or failed.code)

    def _one(self) -> None:
        if self._at is None:
            self._outcome = "finished"
            return
        if self._run.steps + len(self._steps) >= limits.FLOW_RUN_STEPS_MAX:
            raise _Failed("flow_too_many_steps")
        if len(self._steps) >= limits.FLOW_TURN_STEPS_MAX:
            self._due_at = self._inputs.now
            return
        step = self._document.steps[self._at]
        resumes, self._resumes = self._resumes, ""
        if isinstance(step, Stop):
            self._go(step, step.outcome, None)
            self._outcome = step.outcome
            self._reason = "flow_stopped" if step.outcome == "failed" else None
        else:
            self._act(step, resumes)

    def _act(self, step: Step, resumes: str) -> None:
        match step:
            case Send():
                self._text(step)
            case WaitForAnswer():
                self._ask(step, resumes=resumes == "answer")
            case Wait():
                self._wait(step, resumes=resumes == "time")
            case Branch():
                self._branch(step)
            case Set() if step.on == "contact":
                self._change(step, values={name: self._value(value) for name, value in step.values.items()})
            case Set():
                self._set(step)
            case Tag() if step.on == "contact":
                self._change(
                    step,
                    add_tags=step.add,
                    remove_tags=step.remove,
                    add_lists=step.add_lists,
                    remove_lists=step.remove_lists,
                )
            case Tag():
                self._tag(step)
            case Request():
                self._make(step, resumes=resumes == "request")
            case Conversation():
                self._give(step)
            case _:
                raise _Failed("flow_error")

    def _go(self, step: Step, outcome: str, following: str | None, **more: Any) -> None:
        self._note(step, outcome, **more)
        self._at = following

    def _note(self, step: Step, outcome: str, *, message_id: str | None = None, detail: str = "") -> None:
        run, seq = self._run, self._run.steps + len(self._steps) + 1
        kind = type(step).__struct_config__.tag
        at = self._inputs.now
        self._steps.append(
            FlowStep(run.id, seq, run.account_id, self._at or "", str(kind), outcome, message_id, detail[:200], at)
        )

    def _assign(self, values: Mapping[str, Any]) -> None:
        variables = {**self._variables, **values}
        if len(msgspec.json.encode(variables)) > limits.FLOW_VARIABLES_MAX:
            raise _Failed("flow_variables_too_large")
        self._variables = variables

    def _data(self) -> dict[str, Any]:
        data = context_of(self._run, self._variables, self._inputs.contact)
        data["number"] = self._number
        return data

    def _value(self, expression: str) -> Any:
        try:
            return expressions.evaluate(expression, self._data())
        except ExpressionError as error:
            raise _Failed("flow_expression_failed", str(error)) from None

    def _rendered(self, text: str) -> str:
        try:
            return expressions.render(text, self._data())
        except ExpressionError as error:
            raise _Failed("flow_expression_failed", str(error)) from None

    def _phone(self, expression: str | None) -> str:
        found = self._run.phone if expression is None else self._value(expression)
        if not isinstance(found, str) or not found:
            raise _Failed("flow_no_phone")
        return found

    # ---------------------------------------------------------------- kinds of steps

    def _text(self, step: Send) -> None:
        if self._has_effect():
            self._due_at = self._inputs.now  # one effect a turn
            return
        refused = self._inputs.refused
        if refused is not None:
            if step.on_refused is None:
                raise _Failed(refused)
            self._go(step, "refused", step.on_refused, detail=refused)
            self._inputs = msgspec.structs.replace(self._inputs, refused=None)
            self._due_at = self._inputs.now
            return
        to = self._phone(step.to)
        known = self._number if to == self._run.phone and step.sender is None else None
        sender = self._inputs.chosen(step.sender or known or None, to)
        self._send = Outgoing(
            self._inputs.message_id,
            to,
            sender,
            None if step.text is None else self._rendered(step.text),
            step.template,
            self._language(step.language),
            {name: self._value(value) for name, value in step.variables.items()},
            step.message_class,
            wished(step.text, every=step.shorten_links),
        )
        self._number = sender or self._number
        if to == self._run.phone:
            self._last_id = self._inputs.message_id
        self._go(step, "sent", step.next, message_id=self._inputs.message_id)

    def _language(self, given: str | None) -> str | None:
        """A tag such as `de` or `pt-BR`, or an expression that gives one."""
        if given is None or len(given) == 2 or "-" in given:
            return given
        found = self._value(given)
        return found if isinstance(found, str) else None

    def _ask(self, step: WaitForAnswer, *, resumes: bool) -> None:
        if resumes:
            self._answered(step)
            return
        self._answer_from = self._phone(step.whose)
        self._waits_for = "answer"
        self._due_at = self._inputs.now + step.timeout_s * SECOND_US

    def _answered(self, step: WaitForAnswer) -> None:
        text = self._inputs.answer
        if self._inputs.answer_id is not None and (step.whose is None or self._phone(step.whose) == self._run.phone):
            self._last_id = self._inputs.answer_id
        if text is None:
            self._assign({step.save_as: None})
            self._go(step, "timed_out", step.on_timeout)
            return
        about = {"text": text, "word": word_of(text), "at": moments.to_text(self._inputs.now)}
        self._assign({step.save_as: about})
        self._go(step, "answered", step.next, message_id=self._inputs.answer_id)

    def _wait(self, step: Wait, *, resumes: bool) -> None:
        if resumes:
            self._go(step, "waited", step.next)
            return
        now = self._inputs.now
        if step.for_s is not None:
            due = now + step.for_s * SECOND_US
        elif step.time_of_day is not None:
            zone = zone_of(self._run.phone) if step.zone == "recipient" else step.zone
            due = next_time_of_day(now, step.time_of_day, zone)
        else:
            due = self._moment(step)
        if due - now > limits.FLOW_WAIT_MAX_S * SECOND_US:
            raise _Failed("flow_expression_failed", "is more than a year ahead")
        if due <= now or self._run.skip_waits:
            self._go(step, "waited", step.next)
            return
        self._waits_for, self._due_at = "time", due

    def _moment(self, step: Wait) -> int:
        assert step.until is not None
        found = self._value(step.until)
        try:
            return parse_time(found) - step.minus_s * SECOND_US
        except (TypeError, ValueError):
            raise _Failed("flow_expression_failed", "gives no RFC 3339 time") from None

    def _branch(self, step: Branch) -> None:
        for place, case in enumerate(step.cases, start=1):
            try:
                holds = expressions.holds(case.when, self._data())
            except ExpressionError as error:
                raise _Failed("flow_expression_failed", str(error)) from None
            if holds:
                self._go(step, f"case_{place}", case.next)
                return
        self._go(step, "otherwise", step.otherwise)

    def _tag(self, step: Tag) -> None:
        kept = [tag for tag in self._tags if tag not in step.remove and tag not in step.add]
        self._tags = [*kept, *dict.fromkeys(step.add)][-limits.TAGS_MAX :]
        self._go(step, "done", step.next)

    def _set(self, step: Set) -> None:
        """All from what was before."""
        self._assign({name: self._value(value) for name, value in step.values.items()})
        self._go(step, "done", step.next)

    def _change(self, step: Set | Tag, **wish: Any) -> None:
        """Of the contact: in the commit of the turn, as a text is."""
        if self._has_effect():
            self._due_at = self._inputs.now
            return
        refused, why = self._inputs.refused, self._inputs.refused_why
        if refused is not None:
            if step.on_error is None:
                raise _Failed(refused, why)
            self._go(step, "failed", step.on_error, detail=why or refused)
            self._inputs = msgspec.structs.replace(self._inputs, refused=None)
            self._due_at = self._inputs.now
            return
        self._contact = ContactWish(self._phone(None), **wish)
        self._go(step, "done", step.next)
        if self._inputs.names_contact and step.next is not None:
            self._due_at = self._inputs.now  # what follows sees it as it is then

    def _give(self, step: Conversation) -> None:
        """To people. It may share its turn with a text before it."""
        if self._contact is not None or self._hand_over is not None:
            self._due_at = self._inputs.now
            return
        problem = ""
        if self._last_id is None or not self._number or not self._run.phone:
            problem = "flow_no_conversation"
        elif step.assign and step.assign not in self._inputs.people:
            problem = "flow_assignee_gone"
        if problem:
            if step.on_error is None:
                raise _Failed(problem)
            self._go(step, "failed", step.on_error, detail=problem)
            return
        note = "" if step.note is None else self._rendered(step.note).replace("\0", "").strip()
        self._hand_over = HandOver(step.assign or "", step.add_tags, note[: limits.NOTE_MAX])
        self._go(step, "handed_over", step.next)

    def _make(self, step: Request, *, resumes: bool) -> None:
        if resumes and self._inputs.response is not None:
            self._asked(step, self._inputs.response)
            return
        if self._has_effect():
            self._due_at = self._inputs.now
            return
        self._request = self._outbound(step)
        self._waits_for = "request"
        self._due_at = self._inputs.now + (step.timeout_s + REQUEST_MARGIN_S) * SECOND_US

    def _outbound(self, step: Request) -> Outbound:
        body = None if step.body is None else {name: self._value(value) for name, value in step.body.items()}
        headers = {name: self._rendered(value) for name, value in step.headers.items()}
        key = f"{self._run.id}-{self._run.steps + len(self._steps) + 1}"
        return Outbound(step.method, self._rendered(step.url), headers, body, step.timeout_s, key)

    def _asked(self, step: Request, response: Mapping[str, Any]) -> None:
        if step.save_as is not None:
            self._assign({step.save_as: dict(response)})
        status = response.get("status")
        if isinstance(status, int) and 200 <= status < 300:
            self._go(step, "done", step.next, detail=f"HTTP {status}")
            return
        detail = f"HTTP {status}" if status else str(response.get("error", ""))
        if step.on_error is None:
            raise _Failed("flow_request_failed", detail)
        self._go(step, "failed", step.on_error, detail=detail)
