"""Fit: may a message go with its sender to the country that it is for? What countries say is `domain/sender_rules.py`,
what is done about it `domain/sender_fitness.py`: a refusal, or a note that the message carries. Test traffic reaches no
network, so it is told and never refused, unless the sender itself is not approved.
"""

from collections.abc import Mapping, Sequence

from whimbrel.domain.senders import SenderBook
from whimbrel.journey.plan import Plan


def fit(plans: Sequence[Plan], senders: Mapping[str, SenderBook]) -> None:
    """Note what is to be said of each sender, or refuse it."""
    for plan in plans:
        sender = plan.sender
        if sender is None or plan.refusal is not None or plan.number is None:
            continue
        book, country = senders[plan.draft.account_id], plan.number.country
        found = book.fit(sender, country, plan.now, marketing=plan.draft.message_class == "marketing")
        if found is None:
            continue
        if found.refuses and (not plan.draft.test or not found.flag):
            plan.refuse(found.code, "/sender", found.detail)
        else:
            plan.sender_flag = found.flag
