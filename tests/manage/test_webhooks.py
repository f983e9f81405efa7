"""Webhooks: made, changed, rotated, switched off and removed; what they may point at."""

import pytest

from whimbrel.base.clock import HOUR_US
from whimbrel.domain.model import Webhook
from whimbrel.manage import accounts, audit, opt_outs, webhooks
from whimbrel.manage.accounts import NewAccount
from whimbrel.manage.opt_outs import NewOptOut
from whimbrel.manage.webhooks import NewWebhook, WebhookChange

from .helpers import actions, refused

URL = "https://example.com/hook"


async def add(ctx, account, test=False, **more):
    return await webhooks.create(ctx, "KE1", NewWebhook(**({"url": URL} | more)), account_id=account.id, test=test)


def row(tables, account):
    (found,) = tables.webhooks[account.id]
    return found


async def test_a_new_endpoint_gets_events_from_now_on(ctx, account, tables):
    await opt_outs.create(ctx, "KE1", NewOptOut(number="+447400123456"), account_id=account.id)
    made = await add(ctx, account)
    assert made.status == "active"
    assert row(tables, account).cursor == await ctx.store.last_position() == 1
    assert tables.webhook_secrets(row(tables, account), ctx.clock.now_us()) == (made.secret,)
    assert made.secret.encode() not in row(tables, account).secret
    shown = await webhooks.secret(ctx, made.id, account_id=account.id, test=False)
    assert shown.secret == made.secret


async def test_both_secrets_sign_for_a_day_after_a_rotation(ctx, account, tables, clock):
    made = await add(ctx, account)
    rotated = await webhooks.rotate(ctx, "KE1", made.id, account_id=account.id, test=False)
    hook, now = row(tables, account), clock.now_us()
    assert rotated.secret != made.secret
    assert rotated.old_secret_until is not None
    assert tables.webhook_secrets(hook, now) == (rotated.secret, made.secret)
    assert tables.webhook_secrets(hook, now + 24 * HOUR_US - 1) == (rotated.secret, made.secret)
    assert tables.webhook_secrets(hook, now + 24 * HOUR_US) == (rotated.secret,)


async def test_a_change_keeps_what_it_does_not_name(ctx, account, tables):
    made = await add(ctx, account, events=("message.*",), description="orders")
    change = WebhookChange(events=("message.delivered", "opt_out.*"))
    changed = await webhooks.update(ctx, "KE1", made.id, change, account_id=account.id, test=False)
    assert (changed.url, changed.description) == (URL, "orders")
    assert row(tables, account).events == ("message.delivered", "opt_out.*")
    assert await webhooks.get(ctx, made.id, account_id=account.id, test=False) == changed


async def test_disabled_and_enabled(ctx, account, tables):
    made = await add(ctx, account)
    off = await webhooks.disable(ctx, "KE1", made.id, account_id=account.id, test=False)
    assert (off.status, off.disabled_reason) == ("disabled", "by_request")
    assert row(tables, account).status == "disabled"
    on = await webhooks.enable(ctx, "KE1", made.id, account_id=account.id, test=False)
    assert (on.status, on.disabled_reason) == ("active", None)
    assert await webhooks.enable(ctx, "KE1", made.id, account_id=account.id, test=False) == on
    assert (await actions(ctx))[-2:] == ["webhook.disabled", "webhook.enabled"]


async def test_a_deleted_endpoint_is_gone_at_once(ctx, account, tables):
    made = await add(ctx, account)
    await webhooks.delete(ctx, "KE1", made.id, account_id=account.id, test=False)
    assert tables.webhooks == {}
    await refused(webhooks.get(ctx, made.id, account_id=account.id, test=False), "not_found")


@pytest.mark.parametrize(
    ("more", "code", "pointers"),
    [
        ({"events": ()}, "invalid_request", ("/events",)),
        ({"events": ("message.sung",)}, "invalid_request", ("/events/0",)),
        ({"events": ("*", "song.*")}, "invalid_request", ("/events/1",)),
        ({"description": "x" * 257}, "invalid_request", ("/description",)),
        ({"url": "http://example.com/"}, "webhook_url_refused", ("/url",)),
        ({"url": "https://127.0.0.1/"}, "webhook_url_refused", ("/url",)),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "webhook_url_refused", ("/url",)),
        ({"url": "https://user:secret@example.com/"}, "webhook_url_refused", ("/url",)),
        ({"url": "https://example.com/" + "x" * 2048}, "webhook_url_refused", ("/url",)),
    ],
)
async def test_bad_requests_are_refused(ctx, account, more, code, pointers):
    await refused(add(ctx, account, **more), code, *pointers)
    made = await add(ctx, account)
    verb = webhooks.update(ctx, "KE1", made.id, WebhookChange(**more), account_id=account.id, test=False)
    await refused(verb, code, *pointers)
    assert (await actions(ctx)) == ["account.created", "webhook.created"]


async def test_the_trail_shows_a_url_s_host_only(ctx, account):
    await add(ctx, account, url="https://example.com:8443/hook?token=hush")
    assert (await audit.find(ctx, account.id)).data[0].detail == {"host": "example.com:8443"}


async def test_networks_that_the_operator_lists_may_be_reached(ctx, account):
    assert (await add(ctx, account, url="https://10.1.2.3/hook")).url == "https://10.1.2.3/hook"


async def test_an_account_has_so_many_endpoints_and_no_more(ctx, account):
    for _ in range(3):
        await add(ctx, account)
    await refused(add(ctx, account), "too_many_webhooks")


async def test_live_and_test_endpoints_are_apart(ctx, account):
    live, test = await add(ctx, account), await add(ctx, account, test=True)
    assert [hook.id for hook in (await webhooks.find(ctx, account_id=account.id, test=False)).data] == [live.id]
    assert [hook.id for hook in (await webhooks.find(ctx, account_id=account.id, test=True)).data] == [test.id]
    await refused(webhooks.get(ctx, test.id, account_id=account.id, test=False), "not_found")


async def test_endpoints_of_others_are_not_found(ctx, account):
    other = await accounts.create(ctx, "cli", NewAccount(name="Other"))
    made = await add(ctx, account)
    whose = {"account_id": other.id, "test": False}
    for verb in (
        webhooks.get(ctx, made.id, **whose),
        webhooks.secret(ctx, made.id, **whose),
        webhooks.update(ctx, "KE", made.id, WebhookChange(url=URL), **whose),
        webhooks.rotate(ctx, "KE", made.id, **whose),
        webhooks.disable(ctx, "KE", made.id, **whose),
        webhooks.delete(ctx, "KE", made.id, **whose),
    ):
        await refused(verb, "not_found")
    assert len(await ctx.store.fetch(Webhook, "webhooks_all")) == 1
