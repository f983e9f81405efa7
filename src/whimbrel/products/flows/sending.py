"""What accept is given of a turn that sends a text."""

from whimbrel.domain.flow_effects import Turn
from whimbrel.domain.flows import FlowRun
from whimbrel.domain.model import Draft, Options
from whimbrel.domain.templates.use import TemplateUse
from whimbrel.journey.record import IdempotencyKey


def draft_of(run: FlowRun, taken: Turn) -> Draft:
    """The text of the turn that a run takes."""
    message = taken.send
    assert message is not None
    use = None
    if message.template is not None:
        use = TemplateUse(message.template, message.variables, message.language)
    return Draft(
        account_id=run.account_id,
        test=run.test,
        door="flow",
        recipient=message.to,
        text=message.text or "",
        sender=message.sender,
        message_class=message.message_class,
        options=Options(metadata={"flow_run": run.id}, tags=taken.run.tags, reply_to=run.answer_id),
        id=message.id,
        template=use,
        links=message.links,
    )


def key_of(run: FlowRun) -> IdempotencyKey:
    """One text for each turn."""
    name = f"{run.id}:{run.turn}"
    return IdempotencyKey(run.account_id, "flow", name, name.encode())
