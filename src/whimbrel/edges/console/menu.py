"""Where one can go, by what people do. An entry is shown to whom its operation would answer."""

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """A page of the menu: its name in the catalogue and its icon, where it is, and the operation by which it is known
    who may see it. `sandbox`: only where there are virtual phones."""

    name: str
    path: str
    operation: str
    sandbox: bool = False


class Group(msgspec.Struct, frozen=True):
    """Entries that belong together; the first group has no heading."""

    name: str
    entries: tuple[Entry, ...]


MENU: tuple[Group, ...] = (
    Group(
        "",
        (
            Entry("overview", "/console", "listMessages"),
            Entry("messages", "/console/messages", "listMessages"),
            Entry("compose", "/console/compose", "sendMessage"),
            Entry("phones", "/console/phones", "listMessages", sandbox=True),
            Entry("inbox", "/console/inbox", "listConversations"),
            Entry("contacts", "/console/contacts", "listContacts"),
            Entry("campaigns", "/console/campaigns", "listCampaigns"),
        ),
    ),
    Group(
        "traffic",
        (
            Entry("carriers", "/console/carriers", "getCarriersHealth"),
            Entry("routes", "/console/routes", "listRoutes"),
            Entry("prices", "/console/prices", "listPrices"),
            Entry("senders", "/console/senders", "listSenders"),
            Entry("pools", "/console/pools", "listPools"),
            Entry("opt_outs", "/console/opt-outs", "listOptOuts"),
            Entry("policies", "/console/policies", "getPolicy"),
        ),
    ),
    Group(
        "build",
        (
            Entry("templates", "/console/templates", "listTemplates"),
            Entry("media", "/console/media", "listMedia"),
            Entry("links", "/console/links", "listLinks"),
            Entry("flows", "/console/flows", "listFlows"),
            Entry("schedules", "/console/schedules", "listSchedules"),
            Entry("verify", "/console/verify", "listVerifyServices"),
            Entry("lookup", "/console/lookup", "lookUp"),
            Entry("hooks", "/console/hooks", "listHooks"),
            Entry("mailboxes", "/console/mailboxes", "listMailboxes"),
            Entry("keywords", "/console/keywords", "listKeywords"),
            Entry("webhooks", "/console/webhooks", "listWebhooks"),
            Entry("keys", "/console/keys", "listKeys"),
            Entry("smpp", "/console/smpp", "listSmppCredentials"),
        ),
    ),
    Group(
        "account",
        (
            Entry("usage", "/console/usage", "listUsage"),
            Entry("balance", "/console/balance", "getBalance"),
            Entry("people", "/console/people", "listUsers"),
            Entry("accounts", "/console/accounts", "listAccounts"),
            Entry("audit", "/console/audit", "listAudit"),
            Entry("settings", "/console/settings", "getAccount"),
            Entry("system", "/console/system", "listNodes"),
        ),
    ),
)  # fmt: skip
