"""Hooks are made, changed and removed. Rules are checked when they are kept, so that no call is surprised."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from whimbrel.base import ids, limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.vault import Seal
from whimbrel.domain import hook_hours, hook_paths, hook_rules, hook_signatures
from whimbrel.domain.flow_documents import RESERVED
from whimbrel.domain.hook_paths import PathError
from whimbrel.domain.hook_presets import PRESETS
from whimbrel.domain.hook_rules import HookSettings, Rule
from whimbrel.domain.hooks import Hook
from whimbrel.manage import accounts, audit, own_senders, secrets
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, Page, commit, one
from whimbrel.products.hooks.shapes import (
    HookChange,
    HookCreated,
    HookRotation,
    HookSecret,
    HookView,
    NewHook,
    preset_view,
    settings_of,
    view,
)
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

OVERLAP_US = 24 * 3600 * 1_000_000  # both secrets hold for a day after a rotation
_ID_OCTETS = 16  # random, and not of the time: who does not know the address cannot call it


async def create(
    ctx: Context, actor: str, request: NewHook, *, account_id: str, test: bool, public_url: str
) -> HookCreated:
    """A new active hook. WhimbrelError: invalid_request, too_many_hooks, sender_not_allowed, invalid_sender."""
    preset = PRESETS[request.preset]
    settings = HookSettings(
        auth=request.auth or preset.auths[0],
        mapping=request.mapping or preset.mapping,
        rules=_begun(request.preset) if request.rules is None else request.rules,
        default_country=request.default_country,
        keep_days=request.keep_days,
        reply=preset.reply,
    )
    secret = secrets.signing_secret(ctx.chance) if request.secret is None else request.secret.strip()
    kept = _checked(settings, request.name)
    _check_secret(settings, secret)
    await accounts.existing(ctx, account_id)
    await _check_senders(ctx, settings.rules, account_id)
    async with ctx.lock:
        rows = await ctx.store.fetch(Hook, "hooks_of_account", account_id, int(test))
        if len(rows) >= limits.HOOKS_PER_ACCOUNT:
            raise WhimbrelError("too_many_hooks", f"An account may have {limits.HOOKS_PER_ACCOUNT} hooks.")
        now, hook_id = ctx.clock.now_us(), ids.HOOK + ctx.chance.octets(_ID_OCTETS).hex()
        hook = Hook(
            id=hook_id,
            account_id=account_id,
            test=test,
            name=request.name,
            preset=request.preset,
            status="active",
            secret=ctx.vault.seal(secret, seal(hook_id)),
            old_secret=None,
            old_secret_until=None,
            settings=kept,
            created_at=now,
            updated_at=now,
        )
        entry = audit.entry(ctx, actor, "hook.created", hook_id, account_id, preset=hook.preset)
        await commit(ctx, [Write("hook_insert", (to_columns(hook),)), entry])
    return HookCreated(secret=secret, **msgspec.structs.asdict(view(hook, public_url)))


async def find(ctx: Context, *, account_id: str, test: bool, public_url: str) -> Page[HookView]:
    """All of an account's in its mode, the newest first."""
    rows = await ctx.store.fetch(Hook, "hooks_of_account", account_id, int(test))
    return Page(tuple(view(row, public_url) for row in rows))


async def get(ctx: Context, hook_id: str, *, account_id: str, test: bool, public_url: str) -> HookView:
    """One of them; not_found."""
    return view(await existing(ctx, hook_id, account_id, test), public_url)


async def secret_of(ctx: Context, hook_id: str, *, account_id: str, test: bool) -> HookSecret:
    """The secret that holds now, for who has to enter it at the sender."""
    hook = await existing(ctx, hook_id, account_id, test)
    return HookSecret(id=hook_id, secret=ctx.vault.open(hook.secret, seal(hook_id)))


async def update(
    ctx: Context, actor: str, hook_id: str, change: HookChange, *, account_id: str, test: bool, public_url: str
) -> HookView:
    """Change name, status, signing, mapping or rules; calls that come after the answer go by it. WhimbrelError as
    create."""
    async with ctx.lock:
        hook = await existing(ctx, hook_id, account_id, test)
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
        inner = {name: value for name, value in given.items() if name not in ("name", "status")}
        settings = msgspec.structs.replace(settings_of(hook.settings), **inner)
        name, status = given.get("name", hook.name), given.get("status", hook.status)
        now = ctx.clock.now_us()
        kept = _checked(settings, name)
        _check_secret(settings, ctx.vault.open(hook.secret, seal(hook_id)))
        if "rules" in given:
            await _check_senders(ctx, settings.rules, account_id)
        changed = msgspec.structs.replace(hook, name=name, status=status, settings=kept, updated_at=now)
        entry = audit.entry(ctx, actor, "hook.updated", hook_id, account_id, fields=sorted(given))
        await commit(ctx, [Write("hook_update", ((hook_id, name, status, kept, now),)), entry])
    return view(changed, public_url)


async def rotate(
    ctx: Context, actor: str, hook_id: str, request: HookRotation, *, account_id: str, test: bool, public_url: str
) -> HookCreated:
    """Another secret; for 24 hours the one before it holds too."""
    async with ctx.lock:
        hook = await existing(ctx, hook_id, account_id, test)
        text = secrets.signing_secret(ctx.chance) if request.secret is None else request.secret.strip()
        _check_secret(settings_of(hook.settings), text)
        now, sealed = ctx.clock.now_us(), ctx.vault.seal(text, seal(hook_id))
        until = now + OVERLAP_US
        entry = audit.entry(ctx, actor, "hook.secret_rotated", hook_id, account_id)
        await commit(ctx, [Write("hook_rotate", ((hook_id, sealed, hook.secret, until, now),)), entry])
        changed = msgspec.structs.replace(
            hook, secret=sealed, old_secret=hook.secret, old_secret_until=until, updated_at=now
        )
    return HookCreated(secret=text, **msgspec.structs.asdict(view(changed, public_url)))


async def delete(ctx: Context, actor: str, hook_id: str, *, account_id: str, test: bool) -> None:
    """Remove a hook with its log; what it sent stays."""
    async with ctx.lock:
        await existing(ctx, hook_id, account_id, test)
        writes = [
            Write("hook_outcomes_delete", ((hook_id,),)),
            Write("hook_calls_delete", ((hook_id,),)),
            Write("hook_latest_delete", ((hook_id,),)),
            Write("hook_delete", ((hook_id,),)),
            audit.entry(ctx, actor, "hook.deleted", hook_id, account_id),
        ]
        await commit(ctx, writes)


async def existing(ctx: Context, hook_id: str, account_id: str, test: bool) -> Hook:
    """The hook's row; `not_found`."""
    return await one(ctx, Hook, "hook_by_id", hook_id, account_id, int(test))


def seal(hook_id: str) -> str:
    """The context of a hook's secrets."""
    return Seal.of(Seal.HOOK_SECRET, hook_id)


# ---------------------------------------------------------------- checks


def check_settings(settings: HookSettings) -> None:
    """invalid_request with everything that is wrong with signing, mapping and rules."""
    checks = Checks()
    wrong = hook_signatures.check(settings.auth)
    if wrong:
        checks.require(False, f"/auth/{wrong[0]}", wrong[1])
    for name, paths in msgspec.structs.asdict(settings.mapping).items():
        for place, path in enumerate(paths):
            _path(checks, path, f"/mapping/{name}/{place}")
    if settings.default_country:
        checks.country(settings.default_country, "/default_country")
    checks.require(
        len(settings.rules) <= limits.HOOK_RULES_MAX, "/rules", f"must be at most {limits.HOOK_RULES_MAX} rules"
    )
    names = [rule.name for rule in settings.rules]
    for place, rule in enumerate(settings.rules):
        checks.require(names.index(rule.name) == place, f"/rules/{place}/name", "is the name of another rule")
        _rule(checks, rule, f"/rules/{place}")
    checks.done()


def _begun(preset: str) -> tuple[Rule, ...]:
    """The sender's rules, without those whose events have no number: somebody has to say whom they text."""
    return tuple(rule for rule in preset_view(preset).rules if rule.to)


def _checked(settings: HookSettings, name: str) -> str:
    """The settings as they are kept."""
    check_settings(settings)
    checks = Checks()
    checks.text(name, "/name")
    kept = msgspec.json.encode(settings).decode()
    checks.require(len(kept) <= limits.HOOK_SETTINGS_MAX, "/rules", "are too long in all")
    checks.done()
    return kept


async def _check_senders(ctx: Context, rules: Sequence[Rule], account_id: str) -> None:
    wanted = {f"/rules/{place}/sender": rule.sender or None for place, rule in enumerate(rules)}
    await own_senders.check(ctx, wanted, account_id=account_id)


def _check_secret(settings: HookSettings, secret: str) -> None:
    checks = Checks()
    wrong = hook_signatures.check_secret(settings.auth, secret)
    checks.require(wrong is None, "/secret", wrong or "")
    checks.done()


def _rule(checks: Checks, rule: Rule, at: str) -> None:
    checks.text(rule.name, f"{at}/name", longest=64)
    checks.require(bool(rule.events), f"{at}/events", "must name a type, or be a star")
    checks.require(bool(rule.to or rule.flow), f"{at}/to", "must say where the number is")
    for name in ("to", "country", "language"):
        for place, entry in enumerate(getattr(rule, name)):
            if hook_rules.is_path(entry):
                _path(checks, entry, f"{at}/{name}/{place}")
    for name, entry in (("condition", rule.condition), ("consent", rule.consent)):
        if entry:
            _path(checks, entry, f"{at}/{name}")
    for name, path in rule.variables.items():
        _path(checks, path, f"{at}/variables/{name}")
        checks.require(not rule.flow or name not in RESERVED, f"{at}/variables/{name}", "is set by the run itself")
    ways = [bool(rule.text or rule.texts), bool(rule.template), bool(rule.flow)]
    checks.require(sum(ways) == 1, f"{at}/text", "must be a text, or a template or a flow in its place")
    checks.require(not (rule.flow and rule.shorten_links), f"{at}/shorten_links", "belongs to a text or a template")
    checks.require(bool(rule.text) or not rule.texts, f"{at}/text", "must be there for all other languages")
    for text in (rule.text, *rule.texts.values()):
        checks.require(len(text) <= 4 * limits.TEXT_MAX, f"{at}/text", "is too long")
        for put in hook_rules.places_of(text):
            _path(checks, rule.variables.get(put, put), f"{at}/text")
    is_asked = rule.message_class != "marketing" or bool(rule.consent)
    checks.require(is_asked, f"{at}/consent", "must say where marketing's consent is")
    if rule.window:
        wrong = hook_hours.problem(rule.window)
        if wrong:
            checks.require(False, f"{at}/window/{wrong[0]}", wrong[1])
    if rule.validity is not None:
        fits = limits.VALIDITY_MIN_S <= rule.validity <= limits.VALIDITY_MAX_S
        checks.require(fits, f"{at}/validity", f"must be {limits.VALIDITY_MIN_S} to {limits.VALIDITY_MAX_S} seconds")


def _path(checks: Checks, path: str, at: str) -> None:
    try:
        hook_paths.compiled(path)
    except PathError as error:
        checks.require(False, at, str(error))
