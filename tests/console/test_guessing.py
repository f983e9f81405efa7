"""Guessing: how often an address may be wrong, and what whoever guesses learns."""

import asyncio

import pytest

from tests.console.test_security import CREDENTIALS
from whimbrel.base.limits import FAILED_CREDENTIALS_MAX

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("sent", CREDENTIALS)
async def test_what_is_no_passkey_signs_nobody_in(stranger, sent):
    assert (await stranger().post("/console/sign-in/passkey", {"credential": sent})).status == 401


async def test_many_guesses_at_once_are_no_way_around_waiting(stranger):
    guesser = stranger()
    form = {"password": "a guess of many"}
    guesses = [guesser.post("/console/sign-in", {"email": f"{n}@example.org"} | form) for n in range(40)]
    told = [seen.status for seen in await asyncio.gather(*guesses)]
    assert told.count(401) <= FAILED_CREDENTIALS_MAX and set(told) == {401, 429}
