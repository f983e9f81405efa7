"""Price: what the account pays for each message, by its prefix, for all segments. Test traffic is free."""

from collections.abc import Sequence

from whimbrel.domain.pricing import PriceList
from whimbrel.journey.plan import Plan


def price(plans: Sequence[Plan], prices: PriceList) -> None:
    """Fill in price and currency; refuse what has no price or costs more than the sender allows."""
    for plan in plans:
        if plan.refusal is not None or plan.number is None or plan.draft.test:
            continue
        found = prices.price(plan.draft.account_id, plan.number.digits, plan.segments)
        if found is None:
            plan.refuse("no_price", "/to")
            continue
        plan.price_micros, plan.currency, _ = found
        ceiling = plan.draft.options.max_price_micros
        if ceiling is not None and plan.price_micros > ceiling:
            plan.refuse("price_over_max", "/max_price")
