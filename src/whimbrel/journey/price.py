"""Price: what the account pays for each message, by its prefix, for all segments. Test traffic is free."""

from collections.abc import Mapping, Sequence

from whimbrel.domain.model import Account
from whimbrel.domain.pricing import PriceList
from whimbrel.journey.plan import Plan


def price(plans: Sequence[Plan], prices: PriceList, accounts: Mapping[str, Account]) -> None:
    """Fill in price and currency; refuse what has no price or costs more than the sender allows. A price in another
    currency than the account's is none: its balance could not pay it."""
    for plan in plans:
        if plan.refusal is not None or plan.number is None or plan.draft.test:
            continue
        found = prices.price(plan.draft.account_id, plan.number.digits, plan.segments, mms=plan.is_mms)
        if found is None or found[1] != accounts[plan.draft.account_id].currency:
            plan.refuse("no_price", "/to")
            continue
        plan.price_micros, plan.currency, _ = found
        ceiling = plan.draft.options.max_price_micros
        if ceiling is not None and plan.price_micros > ceiling:
            plan.refuse("price_over_max", "/max_price")
