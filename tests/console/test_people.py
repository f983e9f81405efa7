"""People and roles by their pages: invited, changed, disabled, removed; the verdict comes from who signs in."""

import re

import pytest

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("quick_passwords")]


async def invited(browser, email, role="support", query=""):
    """The link of somebody new."""
    seen = await browser.post(f"/console/people/new{query}", {"email": email, "name": "", "role": role})
    assert seen.status == 200, seen.words
    (link,) = set(seen.all(r'data-copy="[^"]*(/console/link/[0-9a-f]{48})"'))
    (user_id,) = set(seen.all(r'href="/console/people/(US[0-9a-f]{32})'))
    return link, user_id


async def test_an_invitation_lets_somebody_in_who_chooses_a_password(browser, stranger):
    link, user_id = await invited(browser, "bob@example.com")
    bob = stranger()
    seen = await bob.get(link)
    assert "signs you in once" in seen.words
    assert (await bob.post(link)).to == "/console"
    assert (await bob.get("/console")).to == "/console/welcome"
    await bob.get("/console/welcome")
    short = await bob.post("/console/welcome", {"password": "short"})
    assert short.status == 422 and "at least 10 characters" in short.words
    assert (await bob.post("/console/welcome", {"password": "long enough it is"})).to == "/console?done=password.set"
    again = stranger()
    wrong = await again.post("/console/sign-in", {"email": "bob@example.com", "password": "long enough"})
    assert wrong.status == 401 and "wrong" in wrong.words
    right = {"email": "bob@example.com", "password": "long enough it is", "to": "/console/profile"}
    assert (await again.post("/console/sign-in", right)).to == "/console/profile"
    assert "bob@example.com" in (await again.get("/console/profile")).words
    used = await stranger().post(link)
    assert used.status == 401 and "used before" in used.words
    assert f"/console/people/{user_id}" in (await browser.get("/console/people")).text


@pytest.mark.parametrize(
    "to", ["https://example.com/", "//example.com", "/console/../v1", "/consolex", "/\\example.com"]
)
async def test_signing_in_leads_to_no_other_site(browser, stranger, to):
    link, _ = await invited(browser, f"{abs(hash(to))}@example.com")
    bob = stranger()
    await bob.post(link)
    await bob.get("/console/welcome")
    await bob.post("/console/welcome", {"password": "long enough it is"})
    form = {"email": f"{abs(hash(to))}@example.com", "password": "long enough it is", "to": to}
    assert (await stranger().post("/console/sign-in", form)).to.startswith("/console")
    assert not re.search("example", (await stranger().post("/console/sign-in", form)).to)


async def test_wrong_input_is_told_by_the_field(browser):
    for fields, words in (
        ({"email": "bob", "role": "support"}, "must be an address"),
        ({"email": "x@example.com", "role": "king"}, "role"),
        ({"email": "x@example.com", "role": "support", "name": "a\tb"}, "control characters"),
    ):
        seen = await browser.post("/console/people/new", fields)
        assert seen.status == 422 and words in seen.words, seen.words
    assert "x@example.com" not in (await browser.get("/console/people")).words


async def test_a_role_is_changed_and_somebody_disabled_at_once(browser, stranger):
    link, user_id = await invited(browser, "carol@example.com", "read_only")
    carol = stranger()
    await carol.post(link)
    assert "People" in (await carol.get("/console/profile")).inner("menu")
    assert (await carol.get("/console/people/new")).status == 403
    refused = await carol.post("/console/people/new", {"email": "dora@example.com", "role": "read_only"})
    assert refused.status == 403 and "dora@example.com" not in (await browser.get("/console/people")).words
    seen = await browser.post(f"/console/people/{user_id}", {"name": "Carol", "role": "billing"})
    assert seen.to == f"/console/people/{user_id}?done=person.changed"
    assert "People" not in (await carol.get("/console/profile")).inner("menu")
    await browser.post(f"/console/people/{user_id}/disable")
    assert (await carol.get("/console/profile")).to.startswith("/console/sign-in")
    await browser.post(f"/console/people/{user_id}/remove")
    assert "carol@example.com" not in (await browser.get("/console/people")).words


async def test_what_is_written_down_names_who_did_it(browser):
    _, user_id = await invited(browser, "dave@example.com")
    seen = await browser.get("/console/audit")
    row = next(row for row in seen.all(r"<tr[^>]*>(.*?)</tr>") if user_id in row and "user.invited" in row)
    assert re.search(r'data-copy="US[0-9a-f]{32}".*user\.invited', row, re.DOTALL)


async def test_accounts_see_their_own_people_only(edge, sign_in):
    browser = await sign_in()
    _, user_id = await invited(browser, "erin@example.com")
    other = await edge.new_customer()
    neighbour = await sign_in(account_id=other.id)
    for path in ("", "/link", "/disable", "/remove"):
        ask = neighbour.post if path else neighbour.get
        assert (await ask(f"/console/people/{user_id}{path}")).status == 404
    assert "erin@example.com" not in (await neighbour.get("/console/people")).words
    operator = await sign_in(account_id=None)
    await operator.act_for(edge.customer.id)
    assert "erin@example.com" in (await operator.get("/console/people")).words
    assert "erin@example.com" not in (await operator.get("/console/people?whose=staff")).words


async def test_a_link_that_an_owner_made_is_told_to_whom_it_is_for(edge, sign_in):
    account = await edge.new_customer("Told")
    owner, other = await sign_in(account_id=account.id), await sign_in(account_id=account.id)
    email = re.search(r"owner-[0-9a-f]{8}@example\.com", (await other.get("/console/profile")).words)[0]
    people = (await edge.get("/v1/users", key=account.live)).json["data"]
    user_id = next(each["id"] for each in people if each["email"] == email)
    await owner.get(f"/console/people/{user_id}")
    await owner.post(f"/console/people/{user_id}/link")
    words = "made a link that signs in as you"
    assert words in (await other.get("/console/keys")).words and words not in (await owner.get("/console/keys")).words
    seen = await other.post("/console/profile/notices")
    assert seen.to == "/console/profile?done=notices.seen"
    assert words not in (await other.get("/console/keys")).words
    assert words in (await other.get("/console/profile")).words, "that it was known may have been said by another"
