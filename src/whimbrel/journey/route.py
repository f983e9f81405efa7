"""Route: which carriers may take each message, the preferred one first. Test traffic goes to the sandbox only."""

from collections.abc import Sequence

from whimbrel.domain.routing import Router
from whimbrel.journey.plan import Plan


def route(plans: Sequence[Plan], router: Router) -> None:
    """Fill in route and carriers; refuse what no carrier takes."""
    for plan in plans:
        if plan.refusal is not None or plan.number is None:
            continue
        plan.route_id, plan.carriers = router.pick(plan.number, plan.draft.account_id, plan.draft.test, plan.holder)
        if not plan.carriers:
            plan.refuse("no_route", "/to")
