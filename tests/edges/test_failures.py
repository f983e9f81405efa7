"""Failed credentials: so many a minute of one address, at every door; whoever has a key is let through all the same."""

import asyncio
import base64

import pytest

from whimbrel.base import limits
from whimbrel.base.clock import ManualClock
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.shared import failures
from whimbrel.edges.shared.failures import Failures

from .edge_rig import running_edge


@pytest.fixture
async def edge(tmp_path):
    """Its clock stands: failures are those of one minute, however long they take."""
    async with running_edge(tmp_path, clock=ManualClock()) as running:
        yield running


def basic(user, token):
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


async def fail(edge, count, path="/v1/balance", method="GET"):
    """Answers to so many wrong keys."""
    return [await edge.ask(method, path, key=f"wk_live_wrong{number}") for number in range(count)]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_after_so_many_failures_an_address_is_told_to_wait(edge, method):
    path = "/v1/balance" if method == "GET" else "/v1/messages"
    answers = await fail(edge, limits.FAILED_CREDENTIALS_MAX, path, method)
    assert {(answer.status, answer.code) for answer in answers} == {(401, "unauthorized")}
    (refused,) = await fail(edge, 1, path, method)
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert 0 < int(refused.headers["Retry-After"]) <= limits.FAILED_CREDENTIALS_WINDOW_S


async def test_who_has_a_key_is_let_through_and_tokens_are_guessed_no_more(edge):
    token = edge.customer.auth_token
    known = {"Authorization": basic(edge.customer.id, token)}
    assert (await edge.get("/v1/balance", headers=known)).status == 200
    stranger = await edge.new_customer("Stranger")
    await fail(edge, limits.FAILED_CREDENTIALS_MAX)
    assert (await edge.send()).status == 202
    assert (await edge.get("/v1/balance", headers=known)).status == 200
    right = {"Authorization": basic(stranger.id, stranger.auth_token)}
    assert (await edge.get("/v1/balance", headers=right)).code == "rate_limited"
    assert (await edge.get("/v1/balance", key="")).code == "unauthorized"  # nobody's key failed


async def test_the_twilio_door_counts_with_the_others(edge):
    path = f"/2010-04-01/Accounts/{edge.customer.id}/Messages.json"
    await fail(edge, limits.FAILED_CREDENTIALS_MAX - 1)
    wrong = {"Authorization": basic(edge.customer.id, "wrong")}
    statuses = [(await edge.get(path, headers=wrong)).status for _ in range(3)]
    assert statuses == [401, 429, 429]
    refused = await edge.get(path, headers=wrong)
    assert (refused.json["code"], refused.json["details"]["code"]) == (20429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0


# ---- the counting, without a server


def over(counted, client):
    """Whether credentials from this address would not be looked at."""
    counted.come_from((client, 1))
    try:
        counted.check()
    except WhimbrelError as error:
        assert error.code == "rate_limited"
        return error.retry_after_s
    return None


def note(counted, client, count=limits.FAILED_CREDENTIALS_MAX):
    counted.come_from((client, 1))
    for _ in range(count):
        counted.note()


def test_a_minute_ends():
    clock = ManualClock()
    counted = Failures(clock)
    note(counted, "192.0.2.1", limits.FAILED_CREDENTIALS_MAX - 1)
    assert over(counted, "192.0.2.1") is None
    clock.advance(20)
    note(counted, "192.0.2.1", 1)
    assert over(counted, "192.0.2.1") == 40
    assert over(counted, "192.0.2.2") is None
    clock.advance(39.5)
    assert over(counted, "192.0.2.1") == 1
    clock.advance(0.5)
    assert over(counted, "192.0.2.1") is None
    note(counted, "192.0.2.1", 1)
    assert over(counted, "192.0.2.1") is None


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_addresses_of_one_site(one, other, are_same):
    counted = Failures(ManualClock())
    note(counted, one)
    assert (over(counted, other) is not None) is are_same


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(failures, "FAILED_CREDENTIALS_TRACKED_MAX", 3)
    counted = Failures(ManualClock())
    for number in range(10):
        note(counted, f"192.0.2.{number}")
    assert len(counted._windows._of) == 3
    assert over(counted, "192.0.2.9")


def forged(counted, client, hook, count):
    counted.come_from((client, 1))
    for _ in range(count):
        counted.note_hook(hook)


def is_shut(counted, client, hook):
    counted.come_from((client, 1))
    try:
        counted.check_hook(hook)
    except WhimbrelError as error:
        return error.code == "rate_limited"
    return False


def test_forged_calls_shut_their_own_hook_and_only_many_of_all_hooks_shut_an_address():
    """Shops call from the addresses of their platform: one with a wrong secret must not shut out the others."""
    clock = ManualClock()
    counted = Failures(clock)
    forged(counted, "192.0.2.1", "HK1", limits.HOOK_FORGED_MAX)
    assert is_shut(counted, "192.0.2.1", "HK1")
    assert not is_shut(counted, "192.0.2.1", "HK2") and not is_shut(counted, "192.0.2.2", "HK1")
    assert over(counted, "192.0.2.1") is None  # nor are keys looked at less
    note(counted, "192.0.2.3")
    assert not is_shut(counted, "192.0.2.3", "HK1")
    for hook in range(2, 2 + limits.HOOK_FORGED_OF_ADDRESS_MAX // 10):
        forged(counted, "192.0.2.1", f"HK{hook}", 10)
    assert is_shut(counted, "192.0.2.1", "HK9999") and not is_shut(counted, "192.0.2.2", "HK1")
    clock.advance(limits.FAILED_CREDENTIALS_WINDOW_S)
    assert not is_shut(counted, "192.0.2.1", "HK1") and not is_shut(counted, "192.0.2.1", "HK9999")


async def test_each_request_knows_its_own_address():
    counted = Failures(ManualClock())

    async def request(client, count):
        counted.come_from((client, 1))
        for _ in range(count):
            await asyncio.sleep(0)
            counted.note()

    await asyncio.gather(*(asyncio.create_task(request(f"192.0.2.{n}", n)) for n in range(1, 25)))
    assert [n for n in range(1, 25) if over(counted, f"192.0.2.{n}")] == [20, 21, 22, 23, 24]
