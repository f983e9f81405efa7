"""What people did after a click, as the account's own systems tell it."""

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.base.ids import LINK_CLICK, is_id
from whimbrel.domain.links import Click, Conversion
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page
from whimbrel.products.links import keeping
from whimbrel.products.links.shapes import ConversionView, NewConversion, conversion_view

_SHOWN = 1000


async def convert(ctx: Context, request: NewConversion, *, account_id: str, test: bool) -> ConversionView:
    """Note a conversion; one that was told before changes nothing. WhimbrelError: not_found, invalid_request."""
    checks = Checks()
    checks.require((request.click_id is None) != (request.link_id is None), "/click_id", "or `link_id` must be given")
    checks.text(request.name, "/name")
    checks.text(request.reference, "/reference", empty=True)
    micros = None if request.value is None else checks.amount(request.value, "/value")
    if request.currency or micros is not None:
        checks.currency(request.currency, "/currency")
    checks.done()
    link_id = request.link_id or await _link_of(ctx, request.click_id or "", account_id)
    link = await keeping.existing(ctx, link_id, account_id=account_id, test=test)
    click_id = request.click_id or ""
    wanted = Conversion(
        link.id,
        request.name,
        request.reference or click_id,
        account_id,
        test,
        click_id,
        micros,
        request.currency,
        ctx.clock.now_us(),
    )
    (is_new,) = await ctx.store.links.converted([wanted])
    return conversion_view(wanted, is_new)


async def conversions(ctx: Context, link_id: str, *, account_id: str, test: bool) -> Page[ConversionView]:
    """Those of a link, the newest first."""
    await keeping.existing(ctx, link_id, account_id=account_id, test=test)
    rows = await ctx.store.fetch(Conversion, "link_conversions_of", account_id, link_id, _SHOWN)
    return Page(tuple(conversion_view(row) for row in rows))


async def _link_of(ctx: Context, click_id: str, account_id: str) -> str:
    rows = await ctx.store.fetch(Click, "link_click_by_id", click_id) if is_id(click_id, LINK_CLICK) else []
    if not rows or rows[0].account_id != account_id:
        raise WhimbrelError("not_found", errors=[FieldError("/click_id", "is no click that is kept")])
    return rows[0].link_id
