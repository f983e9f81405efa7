"""Fit: may a message go with its sender to the country that it is for, and does its text say what it has to? What
countries say is `domain/sender_rules.py`, what is done about it `domain/sender_fitness.py`: a refusal, or a note that
the message carries. Test traffic reaches no network, so it is told and never refused, unless the sender itself is not
approved.
"""

from collections.abc import Mapping, Sequence

from whimbrel.domain.sender_fitness import Fitness
from whimbrel.domain.senders import SenderBook
from whimbrel.journey.encode import is_part
from whimbrel.journey.plan import Plan


def fit(plans: Sequence[Plan], senders: Mapping[str, SenderBook]) -> None:
    """Note what is to be said of each sender and text, or refuse it."""
    for plan in plans:
        if plan.sender is None or plan.refusal is not None or plan.number is None:
            continue
        for found in said(plan, senders[plan.draft.account_id]):
            if refuses(plan, found):
                plan.refuse(found.code, found.pointer, found.detail)
                break
            plan.sender_flag |= found.flag


def said(plan: Plan, book: SenderBook) -> Sequence[Fitness]:
    """What is to be said of a message that has its sender: of that one first, then of its text, unless that is data or
    one part of a longer one."""
    assert plan.sender is not None
    assert plan.number is not None
    country, marketing = plan.number.country, plan.draft.message_class == "marketing"
    of_sender = book.fit(plan.sender, country, plan.now, marketing=marketing)
    if country not in book.noticing or plan.encoding == "binary" or is_part(plan):
        return () if of_sender is None else (of_sender,)
    of_text = book.unsaid(plan.sender, country, plan.text, plan.now, marketing=marketing)
    return [each for each in (of_sender, of_text) if each is not None]


def refuses(plan: Plan, found: Fitness) -> bool:
    """Whether a message is refused for it, and not sent with a note."""
    return found.refuses and (not plan.draft.test or not found.flag)
