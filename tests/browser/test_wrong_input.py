"""What a form refuses is marked at its field, told to readers of screens, and where the writing goes on."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor

# (page, what is written, the field that is wrong)
FORMS = (
    ("keys/new", {"name": "Old", "expires_at": "2001-01-01"}, "expires_at"),
    ("people/new", {"email": "a" * 65 + "@example.com"}, "email"),
    ("contacts/new", {"number": "12", "name": "Ann"}, "number"),
    ("contacts/segments/new", {"name": "S", "filter": "tag ="}, "filter"),
    ("contacts/fields", {"name": "Two words"}, "name"),
    ("contacts/lists", {"name": " "}, "name"),
    ("carriers/new", {"name": "C", "settings.host": "127.0.0.1", "settings.port": "many"}, "settings.port"),
    ("routes/new", {"prefix": "abc"}, "prefix"),
    ("prices", {"prefix": "44", "price": "cheap"}, "price"),
    ("senders/new", {"value": "no sender!"}, "value"),
    ("opt-outs", {"numbers": "nobody"}, "numbers"),
    ("webhooks/new", {"url": "ftp://example.com/"}, "url"),
    ("smpp/new", {"name": "S", "settings": "{"}, "settings"),
    ("balance", {"amount": "lots"}, "amount"),
    ("accounts/new", {"name": "A", "currency": "12"}, "currency"),
    ("compose", {"recipients": "nobody", "text": "Hello"}, "recipients"),
    ("profile", {"password": "short"}, "password"),
    ("profile/authenticator", {"code": "1"}, "code"),
)


@pytest.mark.parametrize(("path", "fields", "wrong"), FORMS, ids=[path for path, *_ in FORMS])
def test_a_wrong_field_is_marked_told_and_focused(
    owner: Visitor, path: str, fields: dict[str, str], wrong: str
) -> None:
    owner.open(f"/console/{path}")
    form = owner.page.locator('main form[method="post"]', has=owner.page.locator(f'[name="{wrong}"]:visible'))
    field = form.locator(f'[name="{wrong}"]')
    for name, value in fields.items():
        form.locator(f'[name="{name}"]').fill(value)
    form.locator("button:not([type])").last.click()

    expect(field).to_have_attribute("aria-invalid", "true")
    told = (field.get_attribute("aria-describedby") or "").split()[0]
    expect(owner.page.locator(f'[id="{told}"]')).not_to_be_empty()
    expect(field).to_be_focused()
    if path != "profile/authenticator":  # one field alone says it
        expect(owner.page.get_by_role("alert").first).to_be_visible()
    if wrong not in ("password", "code"):
        expect(field).to_have_value(fields[wrong])


def test_a_wrong_password_says_no_more_than_that(visit: Visit, url: str) -> None:
    stranger = visit()
    stranger.refusals |= {"401"}
    stranger.open("/console/sign-in")
    stranger.fill({"email": "nobody@example.com", "password": "whatever it is"})
    stranger.press("Sign in")
    expect(stranger.page.get_by_role("alert")).to_be_visible()
    expect(stranger.page.locator('[name="email"]')).to_have_value("nobody@example.com")
    expect(stranger.page.locator('[name="password"]')).to_have_value("")
