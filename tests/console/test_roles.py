"""Who may what: every page of the console, by the scope that it needs, against every role. A page that is added has to
be put into the table."""

import pytest
import pytest_asyncio

from tests.edges.edge_rig import running_edge
from whimbrel.domain.people import ROLES, scopes_of
from whimbrel.edges.console.site import PAGES

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEEDS = {
    "messages:read": (
        "GET /console", "GET /console/messages", "GET /console/messages/live", "GET /console/messages/export",
        "GET /console/messages/{id}", "GET /console/messages/{id}/pdus", "GET /console/phones",
        "GET /console/phones/live",
    ),
    "events:read": ("GET /console/overview/live",),
    "messages:write": (
        "POST /console/messages/{id}/cancel", "POST /console/messages/{id}/redact",
        "POST /console/messages/{id}/delete", "GET /console/compose", "POST /console/compose",
        "POST /console/compose/look", "POST /console/compose/who", "POST /console/compose/tidy",
        "POST /console/compose/file", "POST /console/compose/attach", "POST /console/compose/what",
        "POST /console/compose/step", "POST /console/phones/{digits}/say",
        "POST /console/phones/{digits}/set", "POST /console/phones/{digits}/first",
        "POST /console/messages/{id}/again", "GET /console/messages/{id}/explain", "POST /console/routes/explain",
    ),
    "conversations:read": (
        "GET /console/inbox", "GET /console/inbox/live", "GET /console/inbox/badge", "GET /console/inbox/{id}",
        "GET /console/inbox/canned", "GET /console/inbox/service",
    ),
    "conversations:write": (
        "POST /console/inbox/{id}/answer", "POST /console/inbox/{id}/attach",
        "POST /console/inbox/{id}/desk", "POST /console/inbox/service",
        "POST /console/inbox/{id}/notes/{note_id}/delete", "POST /console/inbox/{id}/read",
        "POST /console/inbox/canned",
        "POST /console/inbox/canned/{id}", "POST /console/inbox/canned/{id}/delete",
    ),
    "carriers:read": (
        "GET /console/carriers", "GET /console/carriers/export", "GET /console/carriers/{id}",
        "GET /console/carriers/{id}/trace",
    ),
    "carriers:write": (
        "GET /console/carriers/new", "POST /console/carriers/new", "GET /console/carriers/{id}/edit",
        "POST /console/carriers/{id}/edit", "POST /console/carriers/{id}/test", "POST /console/carriers/{id}/apply",
        "POST /console/carriers/{id}/pause", "POST /console/carriers/{id}/resume",
        "POST /console/carriers/{id}/remove", "POST /console/carriers/{id}/record",
    ),
    "routes:read": ("GET /console/routes", "GET /console/routes/export",),
    "routes:write": (
        "GET /console/routes/new", "POST /console/routes/new", "GET /console/routes/{id}",
        "POST /console/routes/{id}", "POST /console/routes/{id}/move", "POST /console/routes/{id}/remove",
    ),
    "prices:read": ("GET /console/prices", "GET /console/prices/export",),
    "prices:write": ("POST /console/prices", "POST /console/prices/{id}/remove"),
    "senders:read": (
        "GET /console/senders", "GET /console/senders/export", "GET /console/senders/{id}",
        "GET /console/senders/numbers", "GET /console/senders/numbers/export", "GET /console/senders/numbers/{id}",
        "GET /console/senders/registrations", "GET /console/senders/registrations/export",
        "GET /console/senders/registrations/{id}", "GET /console/senders/papers/{id}", "GET /console/senders/rules",
        "GET /console/senders/rules/export", "GET /console/senders/rules/{rule}",
        "GET /console/pools", "GET /console/pools/export", "GET /console/pools/{id}", "GET /console/pools/{id}/members",
    ),
    "senders:write": (
        "POST /console/senders/{id}", "POST /console/settings/default-sender", "POST /console/senders/numbers/{id}",
        "POST /console/senders/numbers/{id}/papers", "GET /console/senders/registrations/new",
        "POST /console/senders/registrations/new", "POST /console/senders/registrations/{id}",
        "POST /console/senders/registrations/{id}/papers", "POST /console/senders/registrations/{id}/remove",
        "POST /console/senders/papers/{id}/remove",
        "GET /console/pools/new", "POST /console/pools/new", "GET /console/pools/{id}/edit",
        "POST /console/pools/{id}/edit", "POST /console/pools/{id}/members", "POST /console/pools/{id}/members/remove",
        "POST /console/pools/{id}/remove",
    ),
    "senders:assign": (
        "GET /console/senders/numbers/new", "POST /console/senders/numbers/new",
        "POST /console/senders/numbers/{id}/assignment", "POST /console/senders/numbers/{id}/remove",
        "POST /console/senders/registrations/{id}/approve", "POST /console/senders/registrations/{id}/reject",
        "GET /console/senders/rules/new", "POST /console/senders/rules/new", "POST /console/senders/rules/{rule}",
        "POST /console/senders/rules/{rule}/switch", "POST /console/senders/rules/{rule}/remove",
        "GET /console/senders/new", "POST /console/senders/new", "POST /console/senders/{id}/remove",
        "POST /console/senders/{id}/assignment",
    ),
    "opt_outs:read": (
        "GET /console/brands", "GET /console/brands/export", "GET /console/brands/{id}",
        "GET /console/opt-outs", "GET /console/opt-outs/export", "GET /console/suppression-lists",
        "GET /console/suppression-lists/export", "GET /console/consent-words", "GET /console/consent-words/export",
        "GET /console/consent-texts", "GET /console/consent-texts/export",
    ),
    "opt_outs:write": (
        "POST /console/brands", "POST /console/brands/{id}", "POST /console/brands/{id}/remove",
        "POST /console/opt-outs", "POST /console/opt-outs/{id}/remove", "POST /console/suppression-lists",
        "POST /console/suppression-lists/numbers", "POST /console/suppression-lists/{id}/remove",
    ),
    "consents:read": ("GET /console/consents", "GET /console/consents/export"),
    "consents:write": ("POST /console/consents",),
    "policies:read": (
        "GET /console/policies", "GET /console/policies/check", "GET /console/policies/floor",
        "GET /console/policies/rules",
        "GET /console/policies/rules/export", "GET /console/policies/rules/{rule}",
    ),
    "policies:write": (
        "POST /console/consent-words", "POST /console/consent-words/{id}/remove", "POST /console/policies",
        "POST /console/consent-texts", "POST /console/consent-texts/{id}/remove",
        "POST /console/policies/floor",
        "GET /console/policies/rules/new", "POST /console/policies/rules/new", "POST /console/policies/rules/{rule}",
        "POST /console/policies/rules/{rule}/switch", "POST /console/policies/rules/{rule}/remove",
    ),
    "hooks:read": (
        "GET /console/hooks", "GET /console/hooks/export", "GET /console/hooks/{id}",
        "GET /console/hooks/{id}/export",
    ),
    "hooks:write": (
        "GET /console/hooks/new", "POST /console/hooks/new", "GET /console/hooks/{id}/secret",
        "POST /console/hooks/{id}/rotate", "POST /console/hooks/{id}/status", "POST /console/hooks/{id}/remove",
        "GET /console/hooks/{id}/rule", "POST /console/hooks/{id}/rule", "POST /console/hooks/{id}/look",
        "GET /console/hooks/{id}/calls/{call_id}", "POST /console/hooks/{id}/calls/{call_id}/replay",
    ),
    "mailboxes:read": (
        "GET /console/mailboxes", "GET /console/mailboxes/export", "GET /console/mailboxes/{id}",
        "GET /console/mailboxes/{id}/export",
    ),
    "mailboxes:write": (
        "GET /console/mailboxes/new", "POST /console/mailboxes/new", "GET /console/mailboxes/{id}/edit",
        "POST /console/mailboxes/{id}/edit", "POST /console/mailboxes/{id}/status",
        "POST /console/mailboxes/{id}/remove",
    ),
    "webhooks:read": (
        "GET /console/webhooks", "GET /console/webhooks/export", "GET /console/webhooks/{id}",
        "GET /console/webhooks/{id}/export", "GET /console/keywords", "GET /console/keywords/export",
        "GET /console/keywords/{id}",
    ),
    "webhooks:write": (
        "GET /console/webhooks/new", "POST /console/webhooks/new", "GET /console/webhooks/{id}/edit",
        "POST /console/webhooks/{id}/edit", "GET /console/webhooks/{id}/secret",
        "POST /console/webhooks/{id}/rotate", "POST /console/webhooks/{id}/enable",
        "POST /console/webhooks/{id}/disable", "POST /console/webhooks/{id}/remove",
        "POST /console/webhooks/{id}/replay", "GET /console/keywords/new", "POST /console/keywords/new",
        "POST /console/keywords/{id}", "POST /console/keywords/{id}/remove",
    ),
    "templates:read": (
        "GET /console/templates", "GET /console/templates/export", "GET /console/templates/{id}",
        "POST /console/templates/look",
        "GET /console/templates/{id}/versions/{version}",
    ),
    "templates:write": (
        "GET /console/templates/new", "POST /console/templates/new", "POST /console/templates/variables",
        "POST /console/templates/languages", "POST /console/templates/{id}", "POST /console/templates/{id}/languages",
        "POST /console/templates/{id}/archive", "POST /console/templates/{id}/restore",
        "POST /console/templates/{id}/remove",
    ),
    "flows:read": (
        "GET /console/flows", "GET /console/flows/export", "GET /console/flows/{id}", "GET /console/flow-runs",
        "GET /console/flow-runs/export", "GET /console/flow-runs/{id}",
        "GET /console/schedules", "GET /console/schedules/export", "GET /console/schedules/{id}",
        "POST /console/schedules/look",
    ),
    "flows:write": (
        "GET /console/flows/new", "POST /console/flows/new", "POST /console/flows/{id}",
        "POST /console/flows/{id}/activate", "POST /console/flows/{id}/pause", "POST /console/flows/{id}/remove",
        "GET /console/schedules/new", "POST /console/schedules/new", "POST /console/schedules/{id}",
        "POST /console/schedules/attach", "POST /console/schedules/{id}/attach",
        "POST /console/schedules/{id}/pause", "POST /console/schedules/{id}/resume",
        "POST /console/schedules/{id}/skip", "POST /console/schedules/{id}/remove",
    ),
    "flows:run": (
        "POST /console/flows/{id}/runs", "POST /console/flow-runs/{id}/stop", "POST /console/flow-runs/{id}/skip",
        "POST /console/flow-runs/{id}/erase",
    ),
    "verify:read": (
        "GET /console/verify", "GET /console/verify/{id}", "GET /console/verify/{id}/standing/{verification}",
        "GET /console/verify/{id}/verifications/{verification}", "GET /console/verify/{id}/limits",
        "GET /console/verify/export", "GET /console/verify/{id}/export", "GET /console/verify/attempts/export",
        "GET /console/verify/blocks/export", "GET /console/verify/safe/export",
        "GET /console/verify/conversion", "GET /console/verify/attempts", "GET /console/verify/blocks",
        "GET /console/verify/safe", "GET /console/verify/{id}/authenticators",
        "GET /console/verify/{id}/authenticators/{identity}",
        "GET /console/verify/{id}/limits/export", "GET /console/verify/{id}/authenticators/export",
        "GET /console/verify/{id}/authenticators/{identity}/export",
    ),
    "verify:write": (
        "POST /console/verify/{id}/start", "POST /console/verify/{id}/check", "GET /console/verify/{id}/code",
        "POST /console/verify/{id}/verifications/{verification}/cancel",
        "POST /console/verify/{id}/verifications/{verification}/approve", "POST /console/verify/{id}/authenticators",
        "POST /console/verify/{id}/authenticators/{identity}/remove",
        "POST /console/verify/{id}/authenticators/{identity}/factors/{factor}/confirm",
        "POST /console/verify/{id}/authenticators/{identity}/factors/{factor}/check",
        "POST /console/verify/{id}/authenticators/{identity}/factors/{factor}/remove",
    ),
    "verify:manage": (
        "GET /console/verify/new", "POST /console/verify/new", "GET /console/verify/{id}/edit",
        "POST /console/verify/{id}/edit", "POST /console/verify/{id}/remove", "GET /console/verify/{id}/limits/new",
        "POST /console/verify/{id}/limits/new", "GET /console/verify/{id}/limits/{limit}",
        "POST /console/verify/{id}/limits/{limit}", "POST /console/verify/{id}/limits/{limit}/remove",
        "POST /console/verify/{id}/authenticators/{identity}/unlock", "POST /console/verify/blocks/{id}/lift",
        "POST /console/verify/safe", "POST /console/verify/safe/{id}/remove",
    ),
    "lookups:read": ("GET /console/lookup",),
    "campaigns:read": (
        "GET /console/campaigns", "GET /console/campaigns/export", "GET /console/campaigns/{id}",
        "GET /console/campaigns/{id}/progress", "GET /console/campaigns/{id}/estimate",
        "POST /console/campaigns/estimate", "POST /console/campaigns/{id}/estimate",
        "GET /console/campaigns/{id}/plots", "GET /console/campaigns/{id}/recipients",
        "GET /console/campaigns/{id}/recipients/export", "GET /console/campaigns/{id}/results/export",
    ),
    "campaigns:write": (
        "GET /console/campaigns/new", "POST /console/campaigns/new", "POST /console/campaigns/{id}",
        "POST /console/campaigns/{id}/remove", "POST /console/campaigns/attach", "POST /console/campaigns/{id}/attach",
    ),
    "campaigns:send": (
        "POST /console/campaigns/{id}/test", "POST /console/campaigns/{id}/start", "POST /console/campaigns/{id}/pause",
        "POST /console/campaigns/{id}/resume", "POST /console/campaigns/{id}/cancel",
        "POST /console/campaigns/{id}/winner",
    ),
    "campaigns:approve": ("POST /console/campaigns/{id}/approve", "POST /console/campaigns/policy"),
    "media:read": (
        "GET /console/media", "GET /console/media/export", "GET /console/media/{id}", "GET /console/media/{id}/content",
    ),
    "media:write": ("POST /console/media", "POST /console/media/fetch", "POST /console/media/{id}/remove"),
    "links:read": (
        "GET /console/links", "GET /console/links/export", "GET /console/links/{id}", "GET /console/links/{id}/export",
        "GET /console/links/settings",
    ),
    "links:write": (
        "GET /console/links/new", "POST /console/links/new", "POST /console/links/{id}", "POST /console/links/{id}/end",
        "POST /console/links/{id}/remove", "POST /console/links/settings",
    ),
    "contacts:read": (
        "GET /console/contacts", "GET /console/contacts/count", "GET /console/contacts/export",
        "GET /console/contacts/{id}", "GET /console/contacts/segments", "GET /console/contacts/segments/export",
        "GET /console/contacts/segments/new", "POST /console/contacts/segments/preview",
        "GET /console/contacts/segments/{id}", "GET /console/contacts/segments/{id}/members",
        "GET /console/contacts/fields", "GET /console/contacts/fields/export",
        "GET /console/contacts/tags", "GET /console/contacts/tags/export", "GET /console/contacts/tags/{id}/members",
        "GET /console/contacts/lists", "GET /console/contacts/lists/export",
        "GET /console/contacts/lists/{id}/members", "GET /console/contacts/imports",
        "GET /console/contacts/imports/export", "GET /console/contacts/imports/{id}",
        "POST /console/contacts/imports/{id}/preview", "GET /console/contacts/imports/{id}/errors",
    ),
    "contacts:write": (
        "GET /console/contacts/new", "POST /console/contacts/new", "GET /console/contacts/{id}/edit",
        "POST /console/contacts/{id}/edit", "POST /console/contacts/{id}/merge", "POST /console/contacts/{id}/remove",
        "POST /console/contacts/segments/new", "POST /console/contacts/segments/{id}",
        "POST /console/contacts/segments/{id}/remove", "POST /console/contacts/segments/{id}/label",
        "POST /console/contacts/fields",
        "POST /console/contacts/fields/{id}/remove", "POST /console/contacts/tags",
        "POST /console/contacts/tags/{id}/remove", "POST /console/contacts/lists",
        "POST /console/contacts/lists/{id}/remove", "GET /console/contacts/imports/new",
        "POST /console/contacts/imports/new", "POST /console/contacts/imports/{id}/file",
        "POST /console/contacts/imports/{id}/start", "POST /console/contacts/imports/{id}/cancel",
        "POST /console/contacts/imports/{id}/remove",
    ),
    "templates:approve": (
        "POST /console/templates/{id}/versions/{version}/approve",
        "POST /console/templates/{id}/versions/{version}/reject",
    ),
    "keys:read": ("GET /console/keys", "GET /console/keys/export",),
    "keys:write": ("GET /console/keys/new", "POST /console/keys/new", "POST /console/keys/{id}/revoke"),
    "smpp:read": ("GET /console/smpp", "GET /console/smpp/export", "GET /console/smpp/{id}"),
    "smpp:write": (
        "GET /console/smpp/new", "POST /console/smpp/new", "POST /console/smpp/{id}",
        "POST /console/smpp/{id}/suspend", "POST /console/smpp/{id}/activate", "POST /console/smpp/{id}/rotate",
        "POST /console/smpp/{id}/remove",
    ),
    "balance:read": ("GET /console/balance", "GET /console/balance/export",),
    "usage:read": ("GET /console/usage", "GET /console/usage/export"),
    "balance:write": ("POST /console/balance",),
    "users:read": ("GET /console/people", "GET /console/people/export", "GET /console/people/{id}"),
    "users:write": (
        "GET /console/people/new", "POST /console/people/new", "POST /console/people/{id}",
        "POST /console/people/{id}/disable", "POST /console/people/{id}/enable", "POST /console/people/{id}/link",
        "POST /console/people/{id}/remove",
    ),
    "accounts:read": (
        "GET /console/accounts", "GET /console/accounts/export", "GET /console/accounts/{id}",
        "GET /console/settings",
    ),
    "accounts:write": (
        "GET /console/accounts/new", "POST /console/accounts/new", "POST /console/accounts/{id}",
        "POST /console/accounts/{id}/rotate-token", "POST /console/accounts/{id}/suspend",
        "POST /console/accounts/{id}/activate", "POST /console/accounts/{id}/close", "POST /console/settings",
        "GET /console/settings/secret", "POST /console/settings/secret/rotate",
    ),
    "audit:read": ("GET /console/audit", "GET /console/audit/export",),
    "settings:read": ("GET /console/settings/installation",),
}  # fmt: skip
"""Pages by the scope without which they are refused."""
EVERYBODY = frozenset({
    "GET /console/overview/steps", "GET /console/overview/lately", "GET /console/overview/standing",
    "POST /console/tables/{name}/columns", "POST /console/tables/{name}/views",
    "POST /console/tables/{name}/views/{id}/delete", "GET /console/webhooks/debug", "POST /console/webhooks/debug",
    "POST /console/undo", "POST /console/profile/notices",
    "GET /console/profile", "POST /console/profile/password", "GET /console/profile/authenticator",
    "POST /console/profile/authenticator", "POST /console/profile/authenticator/remove",
    "POST /console/profile/recovery", "POST /console/profile/passkeys/options", "POST /console/profile/passkeys",
    "POST /console/profile/passkeys/{id}/remove", "POST /console/profile/sessions/{id}/end",
    "POST /console/profile/sessions/end-others", "POST /console/show", "GET /console/welcome",
    "POST /console/welcome", "GET /console/confirm", "POST /console/confirm",
})  # fmt: skip
"""Pages for whoever has signed in: their own things, and what reads nothing."""
HALF = frozenset({"GET /console/second-factor", "POST /console/second-factor", "POST /console/sign-out"})
ANYBODY = frozenset({
    "GET /console/sign-in", "POST /console/sign-in", "GET /console/link/{code}", "POST /console/link/{code}",
    "POST /console/sign-in/passkey/options", "POST /console/sign-in/passkey",
})  # fmt: skip
NOTHING = "XX01a3185c50007597be14fddc220e0000"
OF_OPERATOR = frozenset({"GET /console/system"})
"""Pages for all of the operator's people."""
BY_OPERATOR = frozenset({
    "GET /console/policies/floor", "POST /console/policies/floor", "GET /console/policies/rules/new",
    "POST /console/policies/rules/new", "POST /console/policies/rules/{rule}",
    "POST /console/policies/rules/{rule}/switch", "POST /console/policies/rules/{rule}/remove",
})  # fmt: skip
"""Pages for those of the operator's people who have the scope: what they change holds for every account."""
TELL = frozenset({
    "GET /console/messages/{id}/explain", "GET /console/inbox/badge", "POST /console/inbox/{id}/read",
    "GET /console/carriers/{id}/trace",
})  # fmt: skip
"""Parts of pages that say nothing, or say the refusal in their own place, and do nothing."""
SCOPES = {page: scope for scope, pages in NEEDS.items() for page in pages}
GRAVE = ("/export", "keys/new", "smpp/new", "/rotate", "rotate-token", "/secret", "people/new", "/link", "/disable",
         "/enable", "/console/profile/p", "/console/profile/a", "/recovery", "accounts/new", "/close")  # fmt: skip


def name(page):
    return f"{page.method} {page.path}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    """With virtual phones, so that their pages are there."""
    async with running_edge(tmp_path_factory.mktemp("roles"), phones=True) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(edge):
    """Ids of things of the customer, by where their pages are."""
    made = {"messages": await edge.send(), "keys": await edge.get("/v1/keys?limit=1")}
    made["webhooks"] = await edge.post("/v1/webhooks", {"url": "https://example.com/", "events": ["*"]})
    made["hooks"] = await edge.post("/v1/hooks", {"name": "shop", "preset": "shopify"})
    made["mailboxes"] = await edge.post("/v1/mailboxes", {"name": "shop", "senders": ["@shop.example"]})
    made["pools"] = await edge.post("/v1/pools", {"name": "x"})
    made["keywords"] = await edge.post("/v1/keywords", {"name": "x", "words": ["x"], "answers": {"en": "x"}})
    made["smpp"] = await edge.post("/v1/smpp-credentials", {"name": "till"})
    made["people"] = await edge.post("/v1/users", {"email": "x@example.com", "role": "support"})
    made["brands"] = await edge.post("/v1/brands", {"name": "x"})
    made["canned"] = await edge.post("/v1/canned-answers", {"name": "x", "text": "x"})
    made["opt-outs"] = await edge.post("/v1/opt-outs", {"number": "+14155550199"})
    made["templates"] = await edge.post("/v1/templates", {"name": "x", "texts": {"en": "x"}, "publish": True})
    flow = {"trigger": {"type": "api"}, "start": "a", "steps": {"a": {"type": "wait", "for_s": 600}}}
    made["flows"] = await edge.post("/v1/flows", {"name": "x", "document": flow})
    made["flow-runs"] = await edge.post(f"/v1/flows/{made['flows'].json['id']}/runs", {"phone": "+14155550198"})
    plan = {"name": "x", "starts_at": "2199-01-07T09:00", "recipients": ["+14155550198"], "text": "x"}
    made["schedules"] = await edge.post("/v1/schedules", plan)
    sale = {"name": "x", "audience": {"everybody": True}, "text": "x"}
    made["campaigns"] = await edge.post("/v1/campaigns", sale)
    made["contacts"] = await edge.post("/v1/contacts", {"number": "+447400123456"})
    made["segments"] = await edge.post("/v1/segments", {"name": "x", "filter": 'country = "GB"'})
    made["fields"] = await edge.post("/v1/contact-fields", {"name": "x", "kind": "text"})
    made["tags"] = await edge.post("/v1/tags", {"name": "x"})
    made["lists"] = await edge.post("/v1/lists", {"name": "x"})
    made["imports"] = await edge.post("/v1/contact-imports", {"name": "x.csv"})
    made["verify"] = await edge.post("/v1/verify/services", {"name": "x"})
    verify = made["verify"].json["id"]
    phone = {"to": "+447400123456"}
    made["{verification}"] = await edge.post(f"/v1/verify/services/{verify}/verifications", phone)
    made["{limit}"] = await edge.post("/v1/verify/rate-limits", {"service_id": verify, "name": "x"})
    factors = f"/v1/verify/services/{verify}/entities/user-1/factors"
    made["{factor}"] = await edge.post(factors, {"name": "x"})
    made["safe"] = await edge.post("/v1/verify/safe-list", {"number": "+447400123456"})
    made["senders"] = made["numbers"] = await edge.get("/v1/senders?limit=1")
    made["registrations"] = await edge.post("/v1/registrations", {"regime": "gb_sender_id", "name": "x"})
    paper = {"name": "x.txt", "content_type": "text/plain", "data": "eA=="}
    registration = made["registrations"].json["id"]
    made["papers"] = await edge.post(f"/v1/registrations/{registration}/documents", paper)
    for kind in ("carriers", "routes", "prices"):
        made[kind] = await edge.get(f"/v1/{kind}", key=edge.operator)
    ids = {kind: (answer.json.get("data") or [answer.json])[0]["id"] for kind, answer in made.items()}
    return ids | {"accounts": edge.customer.id, "{identity}": "user-1"}


def place(page, ids):
    """Its address, of something of `ids` or of something that is not there."""
    kind = next((kind for kind in reversed(page.path.split("/")) if kind in ids), "")
    if kind.startswith("{"):
        kind = "verify"
    path = page.path.replace("{id}", ids.get(kind, NOTHING))
    for name in ("{verification}", "{limit}", "{identity}", "{factor}"):
        path = path.replace(name, ids.get(name, NOTHING))
    path = path.replace("{digits}", "15005550009").replace("{version}", "1").replace("{call_id}", NOTHING)
    return path.replace("{name}", "messages").replace("{rule}", "sandbox")


async def status(browser, page, ids):
    """What a page answers; of a stream how it begins."""
    where = place(page, ids)
    if page.path.endswith("/live"):
        async with browser.open(where) as answer:
            return answer.status
    return (await (browser.get if page.method == "GET" else browser.post)(where)).status


async def test_every_page_is_in_the_table():
    known = [*SCOPES, *EVERYBODY, *OF_OPERATOR, *HALF, *ANYBODY]
    assert sorted(known) == sorted(name(page) for page in PAGES)
    assert {name(page) for page in PAGES if page.who == "anyone"} == ANYBODY
    assert {name(page) for page in PAGES if page.who == "half"} == HALF


@pytest.mark.parametrize("of_operator", [False, True], ids=["account", "operator"])
@pytest.mark.parametrize("role", list(ROLES))
async def test_a_page_is_refused_to_whom_its_scope_is_not_given(edge, sign_in, real, role, of_operator):
    browser = await sign_in(role, None if of_operator else edge.customer.id)
    if of_operator:
        await browser.act_for(edge.customer.id)
    held = scopes_of(role, of_operator=of_operator)
    wrong = {}
    for page in PAGES:
        scope = SCOPES.get(name(page))
        if scope is None:
            continue
        may = (scope in held or "operator" in held) and (of_operator or name(page) not in BY_OPERATOR)
        found = await status(browser, page, {} if may else real)
        is_right = found != 403 if may else found in {403, 422} or name(page) in TELL
        if not is_right:
            wrong[name(page)] = found
    assert not wrong


async def test_things_of_another_account_are_not_there(edge, sign_in, real):
    """Whoever knows the ids of a neighbour, and may do everything in their own account."""
    browser = await sign_in(account_id=(await edge.new_customer("Neighbour")).id)
    held, wrong = scopes_of("owner", of_operator=False), {}
    for page in PAGES:
        if "{id}" not in page.path or SCOPES.get(name(page)) not in held:
            continue
        found = await status(browser, page, real)
        if found not in {404, 422} and name(page) not in TELL:
            wrong[name(page)] = found
    assert not wrong
    for kind in ("webhooks", "users", "smpp-credentials", "keys", "opt-outs", "messages", "canned-answers"):
        assert (await edge.get(f"/v1/{kind}")).json["data"], kind
    assert (await browser.post("/console/show", {"account_id": edge.customer.id})).status == 404
    assert edge.customer.id not in (await browser.get("/console/accounts")).text


async def test_nobody_sees_a_page_without_signing_in(stranger):
    browser = stranger()
    for page in PAGES:
        if page.who != "anyone":
            found = await (browser.get if page.method == "GET" else browser.post)(place(page, {}))
            assert found.status == 303 and found.to.startswith("/console/sign-in"), name(page)
