"""Whether a campaign can be kept: names become ids, numbers E.164, and all that is wrong is told at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.campaigns import RECIPIENT_ZONE, CampaignSpec, Group, Pace, Trial, Variant, Window
from whimbrel.domain.flow_checks import is_zone
from whimbrel.domain.numbers import normalise
from whimbrel.domain.pools import Pool
from whimbrel.domain.recurrence import start_problem
from whimbrel.manage import own_senders
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context
from whimbrel.products.campaigns.audience import filters_of
from whimbrel.products.campaigns.drafting import wordings_of
from whimbrel.products.campaigns.shapes import (
    AudienceBody,
    NewCampaign,
    ScheduleBody,
    TrialBody,
    VariantBody,
)
from whimbrel.products.contacts.known import Known, known
from whimbrel.products.media.named import check_media

Numbers = tuple[str, ...]


class Checked(msgspec.Struct, frozen=True):
    """What is kept of a request. Numbers None: those that are there stay."""

    name: str
    spec: CampaignSpec
    numbers: Numbers | None
    excluded: Numbers | None


async def checked(ctx: Context, request: NewCampaign, *, account_id: str, test: bool) -> Checked:
    """A new one. WhimbrelError: invalid_request, invalid_filter, not_found, and what is said of templates, a sender."""
    about = await known(ctx, account_id, test)
    checks = Checks()
    name = request.name.strip()
    checks.text(name, "/name")
    audience, numbers = group_of(request.audience, about, "/audience", checks)
    exclude, excluded = group_of(request.exclude, about, "/exclude", checks)
    variants = variants_of(request.text, request.template, request.variants, checks)
    templates = any(each.template for each in variants)
    spec = CampaignSpec(
        audience=audience,
        exclude=exclude,
        variants=variants,
        trial=trial_of(request.winner),
        sender=request.sender,
        pool=request.pool,
        message_class=request.message_class or ("" if templates else "marketing"),
        validity_s=request.validity,
        tags=request.tags,
        short_links=request.short_links,
        media=request.media,
        **when(request.schedule, checks),
    )
    check_whole(spec, checks)
    checks.done()
    await check_references(ctx, spec, account_id=account_id, test=test)
    return Checked(name, spec, numbers, excluded)


def check_whole(spec: CampaignSpec, checks: Checks) -> None:
    """What concerns several fields."""
    checks.require(spec.audience != Group(), "/audience", "must name somebody")
    names = [each.name for each in spec.variants]
    checks.require(len(set(names)) == len(names), "/variants", "must have names of their own")
    checks.require(spec.trial is None or len(names) > 1, "/winner", "needs two variants or more")
    for place, tag in enumerate(spec.tags):
        checks.text(tag, f"/tags/{place}", longest=64)


async def check_references(ctx: Context, spec: CampaignSpec, *, account_id: str, test: bool) -> None:
    """Segments, filters, templates, media and the sender are there. WhimbrelError."""
    about, now = await known(ctx, account_id, test), ctx.clock.now_us()
    for group, pointer in ((spec.audience, "/audience/filter"), (spec.exclude, "/exclude/filter")):
        for text in await filters_of(ctx, group, account_id=account_id, test=test):
            about.term(text, now, pointer)
    await wordings_of(ctx.store, account_id, spec)
    await check_media(ctx, spec.media, account_id=account_id, test=test)
    await own_senders.check(ctx, {"/sender": await _named(ctx, spec, account_id)}, account_id=account_id)


async def _named(ctx: Context, spec: CampaignSpec, account_id: str) -> str | None:
    """The sender that it names; a pool's own name stands for the pool, which chooses one."""
    if spec.sender is None or spec.pool is None:
        return spec.sender
    pools = await ctx.store.fetch(Pool, "pool_by_id", spec.pool, account_id)
    return None if pools and pools[0].name == spec.sender else spec.sender


def group_of(body: AudienceBody, about: Known, pointer: str, checks: Checks) -> tuple[Group, Numbers]:
    """People, with the numbers among them in E.164, each once."""
    lists = _labels(body.lists, "list", about, f"{pointer}/lists", checks)
    tags = _labels(body.tags, "tag", about, f"{pointer}/tags", checks)
    found = [normalise(each) for each in body.numbers]
    for place, number in enumerate(found):
        checks.require(number is not None, f"{pointer}/numbers/{place}", "must be a number in E.164")
    numbers = tuple(dict.fromkeys(number.e164 for number in found if number is not None))
    filter_ = (body.filter or "").strip() or None
    return Group(body.everybody, lists, tags, body.segments, filter_, len(numbers)), numbers


def _labels(names: Sequence[str], kind: Any, about: Known, pointer: str, checks: Checks) -> tuple[str, ...]:
    ids: list[str] = []
    for place, name in enumerate(names):
        try:
            ids.append(about.label(kind, name).id)
        except WhimbrelError:
            checks.require(False, f"{pointer}/{place}", f"is no {kind}")
    return tuple(dict.fromkeys(ids))


def variants_of(
    text: str | None, template: str | None, bodies: Sequence[VariantBody], checks: Checks
) -> tuple[Variant, ...]:
    """The wordings, of which there is at least one."""
    ways = [text is not None, template is not None, bool(bodies)]
    checks.require(sum(ways) == 1, "/text", "one of `text`, `template` and `variants` must be there")
    given = bodies or (VariantBody(text=text, template=template),)
    for place, each in enumerate(given):
        pointer = f"/variants/{place}" if bodies else ""
        checks.text(each.name, f"{pointer}/name", longest=40)
        one = (each.text is None) != (each.template is None)
        checks.require(one or not bodies, f"{pointer}/text", "one of `text` and `template` must be there")
        checks.require(each.text != "", f"{pointer}/text", "must not be empty")
        long = each.text is not None and len(each.text) > limits.TEMPLATE_TEXT_MAX
        checks.require(not long, f"{pointer}/text", f"must have at most {limits.TEMPLATE_TEXT_MAX} characters")
    return tuple(Variant(**msgspec.structs.asdict(each)) for each in given)


def trial_of(body: TrialBody | None) -> Trial | None:
    """How a winner is found."""
    return None if body is None else Trial(**msgspec.structs.asdict(body))


def when(body: ScheduleBody, checks: Checks) -> Mapping[str, Any]:
    """The fields of a spec that say when."""
    problem = None if body.at is None else start_problem(body.at)
    checks.require(problem is None, "/schedule/at", problem or "")
    checks.require(is_zone(body.zone), "/schedule/zone", f"must be `{RECIPIENT_ZONE}` or a zone such as Europe/Berlin")
    for place, window in enumerate(body.windows):
        checks.require(window.begin < window.end, f"/schedule/windows/{place}/end", "must be later than its begin")
    return {
        "starts_at": None if body.at is None or problem else datetime.fromisoformat(body.at).isoformat(),
        "zone": body.zone,
        "windows": tuple(Window(each.begin, each.end, tuple(each.days)) for each in body.windows),
        "pace": None if body.pace is None else Pace(body.pace.count, body.pace.per),
    }
