"""Guessing: how often an address may be wrong, and what whoever guesses learns."""

import asyncio

import pytest

from tests.console.test_security import CREDENTIALS
from tests.edges.edge_rig import running_edge
from whimbrel.base.limits import FAILED_CREDENTIALS_MAX
from whimbrel.manage import people_passwords
from whimbrel.sections import Console

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("sent", CREDENTIALS)
async def test_what_is_no_passkey_signs_nobody_in(stranger, sent):
    assert (await stranger().post("/console/sign-in/passkey", {"credential": sent})).status == 401


@pytest.mark.parametrize("host", ["[", "sms.example.com", "localhost.example.com", "127.0.0.1.example.com"])
async def test_a_host_that_a_header_names_has_no_passkeys(edge, host):
    headers = {"host": host, "sec-fetch-site": "same-origin"}
    async with edge.http.post(f"{edge.url}/console/sign-in/passkey/options", headers=headers) as answer:
        assert answer.status == 422
    async with edge.http.get(f"{edge.url}/console/sign-in", headers=headers) as answer:
        assert answer.status == 200 and "data-passkey" not in await answer.text()
    async with edge.http.get(f"{edge.url}/console/sign-in") as answer:
        assert "data-passkey" in await answer.text()


async def test_challenges_have_a_rate(tmp_path):
    async with running_edge(tmp_path) as edge:
        headers = {"sec-fetch-site": "same-origin"}
        for _ in range(301):
            async with edge.http.post(f"{edge.url}/console/sign-in/passkey/options", headers=headers) as answer:
                told = answer.status
        assert told == 429


async def test_many_guesses_at_once_are_no_way_around_waiting(stranger, monkeypatch):
    # a fifth of what a guess costs otherwise, and still many times what it takes them all to come
    monkeypatch.setattr(people_passwords, "NOBODY", people_passwords.NOBODY.replace("m=65536,t=3", "m=32768,t=1"))
    guesser = stranger()
    form = {"password": "a guess of many"}
    guesses = [guesser.post("/console/sign-in", {"email": f"{n}@example.org"} | form) for n in range(40)]
    told = [seen.status for seen in await asyncio.gather(*guesses)]
    assert told.count(401) <= FAILED_CREDENTIALS_MAX and set(told) == {401, 429}


async def test_guesses_behind_a_proxy_make_nobody_else_wait(tmp_path, quick_passwords):
    console = Console(proxies=("127.0.0.0/8",))
    async with running_edge(tmp_path, console=console) as edge:

        async def guess(address):
            headers = {"sec-fetch-site": "same-origin", "x-forwarded-for": f"203.0.113.1, {address}"}
            form = {"email": "nobody@example.org", "password": "a guess of many"}
            async with edge.http.post(f"{edge.url}/console/sign-in", data=form, headers=headers) as answer:
                return answer.status

        told = [await guess("198.51.100.1") for _ in range(FAILED_CREDENTIALS_MAX + 1)]
        assert told[-1] == 429 and await guess("198.51.100.2") == 401
