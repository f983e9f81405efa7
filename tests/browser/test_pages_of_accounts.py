"""Pages about who may do what: keys, people, the profile with its three ways to sign in, accounts, audit."""

import pyotp
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor, sign_in
from tests.cli.product import Node, ask

PASSWORD = "a whimbrel flies far"


def _choose_password(visitor: Visitor) -> None:
    visitor.fill({"password": PASSWORD})
    visitor.press("Save")
    visitor.is_at("/console")


def _sign_in(visitor: Visitor, email: str) -> None:
    visitor.open("/console/sign-in")
    visitor.fill({"email": email, "password": PASSWORD})
    visitor.press("Sign in")


def test_a_key_sends_until_it_is_revoked(owner: Visitor, node: Node) -> None:
    owner.open("/console/keys")
    owner.press("New key")
    owner.fill({"name": "Shop"})
    owner.page.locator('[name="scopes"][value="messages:write"]').check()
    owner.press("Make the key")
    key = owner.page.locator("main .copy code").inner_text()
    text = {"to": "+15005550001", "text": "From the shop"}
    assert ask("POST", f"{node.url}/v1/messages", text, key=key).status == 202

    owner.press("I have copied it")
    row = owner.page.get_by_role("row", name="Shop")
    row.get_by_role("button", name="Revoke").click()
    dialog = owner.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    owner.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    row.get_by_role("button", name="Revoke").click()
    dialog.get_by_role("button", name="Revoke").click()
    owner.is_told("The key is revoked.")
    assert ask("POST", f"{node.url}/v1/messages", text, key=key).status == 401


def test_somebody_is_invited_and_chooses_a_password(owner: Visitor, visit: Visit) -> None:
    owner.open("/console/people")
    owner.press("Invite somebody")
    owner.fill({"email": "ines@example.com", "name": "Ines"})
    owner.page.get_by_label("Support").check()
    owner.press("Make the link")
    link = owner.page.locator("main .copy code").inner_text()

    ines = visit()
    ines.page.goto(link)
    ines.is_at("/console/welcome")
    _choose_password(ines)
    ines.open("/console/profile")
    ines.sees("Support")
    expect(ines.page.locator("#menu")).not_to_contain_text("Keys")
    again = visit()
    _sign_in(again, "ines@example.com")
    again.is_at("/console")

    owner.press("I have copied it")
    owner.press("Disable")
    owner.is_told("They are disabled")
    again.page.goto(again.url + "/console")
    again.is_at("/console/sign-in")


def test_an_authenticator_is_asked_for_and_a_recovery_code_stands_in(newcomer: Visit, visit: Visit) -> None:
    careful = newcomer("careful@example.com")
    _choose_password(careful)
    careful.open("/console/profile")
    careful.press("Set up an authenticator")
    secret = careful.page.locator("main .copy code").inner_text()
    careful.fill({"code": pyotp.TOTP(secret).now()})
    careful.press("Ask for its codes")
    codes = careful.page.locator(".codes code").all_inner_texts()
    assert len(codes) >= 8

    wrong = visit()
    wrong.refusals |= {"401"}
    _sign_in(wrong, "careful@example.com")
    wrong.is_at("/console/second-factor")
    wrong.page.goto(wrong.url + "/console/messages")
    expect(wrong.page.locator("#menu")).to_have_count(0)
    _sign_in(wrong, "careful@example.com")
    wrong.fill({"code": "000000"})
    wrong.press("Sign in")
    expect(wrong.page.locator('[name="code"]')).to_have_attribute("aria-invalid", "true")
    wrong.fill({"code": codes[0]})
    wrong.press("Sign in")
    wrong.is_at("/console")


def test_a_passkey_signs_in_without_a_password(newcomer: Visit) -> None:
    quick = newcomer("quick@example.com")
    _choose_password(quick)
    devices = quick.context.new_cdp_session(quick.page)
    devices.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    quick.open("/console/profile")
    quick.page.locator('form[data-passkey] [name="name"]').fill("My laptop")
    quick.press("Add a passkey")
    quick.is_told("The passkey is added.")
    quick.sees("My laptop")

    quick.page.evaluate("localStorage.setItem('draft:US1 CV1', 'typed'); localStorage.setItem('theme', 'dark')")
    quick.page.get_by_role("button", name="Sign out").click()
    quick.is_at("/console/sign-in")
    assert quick.page.evaluate("Object.keys(localStorage)") == ["theme"], "what was typed is for nobody else"
    quick.press("Use a passkey")
    quick.is_at("/console")
    expect(quick.page.locator("#menu")).to_contain_text("Newcomer")


def test_two_sessions_at_once_and_one_ends_the_other(newcomer: Visit, visit: Visit) -> None:
    first = newcomer("twice@example.com")
    _choose_password(first)
    second = visit()
    _sign_in(second, "twice@example.com")
    second.is_at("/console")
    first.open("/console")

    first.open("/console/profile")
    first.sees("This session")
    first.press("End")
    first.is_told("The session has ended.")
    second.page.goto(second.url + "/console/messages")
    second.is_at("/console/sign-in")
    first.open("/console/messages")


def test_two_accounts_never_see_each_other(newcomer: Visit, owner: Visitor, node: Node) -> None:
    sent = node.ask("POST", "/v1/messages", {"to": "+15005550001", "text": "Only ours", "tags": ["secret"]}).json
    owner.open(f"/console/messages/{sent['id']}")
    owner.sees("Only ours")

    other = newcomer("other@example.com")
    _choose_password(other)
    other.refusals |= {"404"}
    for path in (f"/console/messages/{sent['id']}", "/console/accounts/" + node.given["account_sid"]):
        answer = other.page.goto(other.url + path)
        assert answer is not None and answer.status == 404
        other.sees("That did not work")
    for path in ("messages", "messages?q=secret", f"messages?q={sent['id']}", "keys", "webhooks", "people", "audit"):
        other.open(f"/console/{path}")
        expect(other.page.locator("main")).not_to_contain_text("Only ours")
        assert node.given["account_sid"] not in other.page.content()
        assert node.given["console_user"] not in other.page.content()
    expect(other.page.locator("#menu")).not_to_contain_text("Carriers")


def test_an_account_is_made_and_shown(node: Node, chromium: Browser, url: str, visit: Visit) -> None:
    # Whose things are shown belongs to a session: this one is nobody else's.
    state = sign_in(chromium, url, node.given["console_user"], node.given["console_password"])
    owner = visit(storage_state=state)
    owner.open("/console/accounts")
    owner.press("New account")
    owner.fill({"name": "Second shop", "currency": "EUR"})
    owner.press("Make the account")
    expect(owner.page.locator("main .copy code")).to_have_count(2)
    owner.press("I have copied it")
    owner.press("Show its data")
    owner.is_at("/console")
    owner.open("/console/messages")
    owner.sees("No messages yet")
    owner.open("/console/balance")
    owner.sees("EUR")

    owner.open("/console/accounts")
    row = owner.page.locator(f"#{node.given['account_sid']}")
    row.get_by_role("button", name="Show its data").click()
    owner.is_at("/console")
    owner.open("/console/balance")
    owner.sees("USD")


def test_the_audit_log_says_who_did_what(owner: Visitor) -> None:
    owner.open("/console/keys/new")
    owner.fill({"name": "Written down"})
    owner.page.locator('[name="scopes"]').first.check()
    owner.press("Make the key")
    expect(owner.page.locator("main .copy code")).to_be_visible()
    owner.open("/console/audit")
    expect(owner.page.locator("tbody tr").first).to_contain_text("key")
    expect(owner.page.locator("tbody tr").first).to_contain_text("Written down")


def test_a_password_is_changed_in_the_profile(newcomer: Visit, visit: Visit) -> None:
    somebody = newcomer("changes@example.com")
    _choose_password(somebody)
    somebody.open("/console/profile")
    somebody.fill({"password": PASSWORD + " indeed"})
    somebody.page.locator('form[action="/console/profile/password"] button').click()
    somebody.is_told("The password is set.")
    old = visit()
    old.refusals |= {"401"}
    _sign_in(old, "changes@example.com")
    expect(old.page.get_by_role("alert")).to_be_visible()
    old.fill({"password": PASSWORD + " indeed"})
    old.press("Sign in")
    old.is_at("/console")
