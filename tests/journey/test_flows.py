"""Flows over the real application and the simulator: a phone writes, is asked, answers, and hears what follows."""

from pathlib import Path
from typing import Any

from whimbrel.domain.flows import FlowRun, FlowStep
from whimbrel.products.flows import keeping
from whimbrel.products.flows.keeping import NewFlow

from .rig import ACTOR, SENDER, Rig, rig, until

PHONE = "+447911123456"
CONFIRM: dict[str, Any] = {
    "trigger": {"type": "keyword", "keywords": ["join"]},
    "start": "ask",
    "steps": {
        "ask": {"type": "send", "text": "Hello {{ trigger.word }}: YES or NO?", "next": "answer"},
        "answer": {"type": "wait_for_answer", "timeout_s": 600, "next": "which", "on_timeout": "late"},
        "which": {"type": "branch", "cases": [{"when": "answer.word == 'OK'", "next": "good"}], "otherwise": "bad"},
        "good": {"type": "send", "text": "Good: {{ answer.text }}"},
        "bad": {"type": "send", "text": "Pity"},
        "late": {"type": "send", "text": "Too late"},
    },
}


async def keep(made: Rig, document: dict[str, Any], name: str = "flow") -> str:
    flow = await keeping.create(
        made.app.manage, ACTOR, NewFlow(name=name, document=document), account_id=made.account_id
    )
    return flow.id


async def runs(made: Rig, flow_id: str, *states: str) -> list[FlowRun]:
    wanted = list(states or ("running", "finished", "failed", "stopped"))
    return await made.app.store.fetch(FlowRun, "flow_runs_of_flow", flow_id, made.account_id, 0, wanted, "~", 1000)


async def texts(made: Rig, phone: str, count: int) -> list[str]:
    async def there() -> list[str] | None:
        got = [text.text for text in made.phone(phone)]
        return got if len(got) >= count else None

    return await until(there)


async def test_a_keyword_is_asked_answers_and_hears_what_follows(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        await made.seed()
        flow_id = await keep(made, CONFIRM)
        made.say(PHONE, "Join")
        assert await texts(made, PHONE, 1) == ["Hello JOIN: YES or NO?"]
        made.say(PHONE, "ok, I do")
        assert (await texts(made, PHONE, 2))[1] == "Good: ok, I do"
        (run,) = await until(lambda: runs(made, flow_id, "finished"))
        assert (run.phone, run.number, run.steps) == (PHONE, SENDER, 4)
        steps = await made.app.store.fetch(FlowStep, "flow_steps_page", made.account_id, run.id, 0, 100)
        assert [(s.seq, s.step, s.outcome) for s in steps] == [
            (1, "ask", "sent"),
            (2, "answer", "answered"),
            (3, "which", "case_1"),
            (4, "good", "sent"),
        ]
