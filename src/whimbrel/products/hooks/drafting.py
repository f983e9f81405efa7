"""Drafts of what rules send, and accept's verdicts in the words of the log."""

from typing import cast

from whimbrel.domain.hook_rules import Rule, Text, text_for
from whimbrel.domain.hooks import Hook
from whimbrel.domain.links import wished
from whimbrel.domain.model import Draft, MessageClass
from whimbrel.domain.templates.use import TemplateUse
from whimbrel.journey.tables import Tables
from whimbrel.journey.templates import Loaded
from whimbrel.store.interface import Verdict

_OF_TEMPLATE = cast("MessageClass", "")  # which accept fills in
_VERDICTS = {
    "opted_out": "opted_out",
    "suppressed": "opted_out",
    "no_consent": "opted_out",
    "invalid_number": "invalid_number",
    "invalid_variable": "variable_missing",
    "template_not_found": "template_missing",
    "template_not_approved": "template_missing",
}


def draft_of(hook: Hook, rule: Rule, text: Text, message_id: str = "") -> Draft:
    """What accept is given."""
    return Draft(
        account_id=hook.account_id,
        test=hook.test,
        door="hook",
        recipient=text.recipient,
        text=text.text,
        sender=rule.sender or None,
        message_class=rule.message_class or (_OF_TEMPLATE if rule.template else "transactional"),
        send_at_us=text.send_at,
        validity_s=rule.validity,
        id=message_id,
        template=TemplateUse(rule.template, dict(text.variables), text.language or None) if rule.template else None,
        links=wished(None if rule.template else text_for(rule, text.language), every=rule.shorten_links),
    )


async def marketing_without_consent(tables: Tables, account_id: str, rule: Rule) -> bool:
    """Whether the rule's template is marketing although the rule does not ask for consent."""
    if not rule.template or rule.consent:
        return False
    found = (await tables.templates.take([(account_id, rule.template)]))[account_id, rule.template]
    return isinstance(found, Loaded) and found.form.content.message_class == "marketing"


def verdict_of(verdict: Verdict) -> tuple[str, str]:
    """The log's verdict, and the code of the catalogue."""
    code = verdict.code or ""
    return _VERDICTS.get(code, "refused"), code
