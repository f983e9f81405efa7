"""Which cell a request is for."""

import base64
import hashlib
from types import SimpleNamespace

import pytest

from whimbrel.base.clock import ManualClock, SeededChance
from whimbrel.base.errors import WhimbrelError
from whimbrel.base.vault import Vault
from whimbrel.edges.shared.auth import Authenticator
from whimbrel.edges.shared.cells import Locator, may_be_elsewhere
from whimbrel.edges.shared.failures import Failures

EU, US, GOING, THERE = ("AC" + digit * 32 for digit in "0123")


class TwoCells:
    """`eu` is the node's own, `us` leads."""

    home, leading = "eu", "us"

    def __init__(self, *, us_known: bool = True) -> None:
        self._us_known = us_known
        operator = key("wk_op", None)
        self.eu = directory({EU: "active", GOING: "moving", THERE: "moved"}, key("wk_eu", EU), operator)
        self.us = directory({US: "active", GOING: "arriving", THERE: "active"}, key("wk_us", US), operator)

    def directories(self):
        return {"eu": self.eu, "us": self.us} if self._us_known else {"eu": self.eu}

    def unknown(self):
        return frozenset() if self._us_known else frozenset({"us"})


def key(secret, account_id):
    return hashlib.sha256(secret.encode()).digest(), SimpleNamespace(account_id=account_id)


def directory(statuses, *keys):
    accounts = {account_id: SimpleNamespace(status=status) for account_id, status in statuses.items()}
    return SimpleNamespace(accounts=accounts, keys=dict(keys))


def bearer(secret, **more):
    named = {name.replace("_", "-").encode(): value.encode() for name, value in more.items()}
    return {b"authorization": b"Bearer " + secret.encode()} | named


def basic(user, password):
    return {b"authorization": b"Basic " + base64.b64encode(f"{user}:{password}".encode())}


def at_home(secret=None, *, status="active", age_s=0.1):
    """What is known of a cell that has this account and its key."""
    keys = [key(secret, EU)] if secret else []
    return SimpleNamespace(**vars(directory({EU: status} if secret else {}, *keys)), age_s=lambda: age_s)


@pytest.mark.parametrize(
    ("eu", "us", "unsure"),
    [
        (at_home(), at_home(), False),  # nobody knows it: it is wrong
        (at_home(), at_home(age_s=6.0), True),  # us may have got it meanwhile: cut off, or the node was frozen
        (at_home(age_s=6.0), at_home(), False),  # the cell that was asked has just been looked at
        (at_home(), at_home("wk_eu"), True),  # it was looked for in the old cell, which has cleared it
        (at_home("wk_else", status="moved"), at_home("wk_eu"), True),
        (at_home(), at_home("wk_eu", status="arriving"), False),
        (at_home(), at_home("wk_other"), False),
    ],
)
def test_a_credential_that_a_cell_does_not_know_may_be_anothers(eu, us, unsure):
    (credential,) = bearer("wk_eu").values()
    assert may_be_elsewhere({"eu": eu, "us": us}, "eu", credential) is unsure


@pytest.mark.parametrize(("here", "unsure"), [("active", False), ("moved", True)])
def test_a_wrong_token_is_wrong_where_the_account_is_served(here, unsure):
    (credential,) = basic(EU, "token").values()
    known = {"eu": at_home("wk_eu", status=here), "us": at_home("wk_eu")}
    assert may_be_elsewhere(known, "eu", credential) is unsure


def test_who_may_be_another_cells_is_told_to_ask_again_and_counted_all_the_same():
    failures = Failures(ManualClock())
    known, unsure = at_home(), [True]
    door = Authenticator(
        directory=known, vault=Vault(bytes(32), SeededChance(1)), clock=ManualClock(), failures=failures,
        unsure=lambda _: unsure[0],
    )  # fmt: skip
    (credential,) = bearer("wk_eu").values()
    codes = []
    for unsure[0] in (True, False, *[True] * 1000):
        with pytest.raises(WhimbrelError) as refused:
            door.principal(credential)
        codes.append(refused.value.code)
    assert (codes[:2], codes[-1]) == (["cell_unavailable", "unauthorized"], "rate_limited")


@pytest.mark.parametrize(
    ("method", "path", "request_", "cell"),
    [
        ("POST", "/v1/messages", bearer("wk_eu"), "eu"),
        ("POST", "/v1/messages", bearer("wk_us"), "us"),
        ("POST", "/v1/messages", basic(US, "token"), "us"),
        ("POST", f"/2010-04-01/Accounts/{US}/Messages.json", basic("anything", "wk_us"), "us"),
        ("GET", "/v1/messages", bearer("wk_us", x_account_id=EU), "us"),  # where it is refused
        ("GET", "/v1/messages", basic(GOING, "token"), "eu"),  # which says that it is being moved
        ("GET", "/v1/messages", basic(THERE, "token"), "us"),
        ("GET", "/v1/messages", {}, "eu"),
        ("GET", "/v1/messages", bearer("wk_nobody"), "eu"),
        ("GET", "/v1/messages", basic("somebody", "token"), "eu"),
        ("GET", "/v1/messages", {b"authorization": b"Basic ?"}, "eu"),
        ("GET", "/v1/messages", bearer("wk_op", x_account_id=US), "us"),
        ("GET", f"/v1/accounts/{US}", bearer("wk_op"), "us"),
        ("POST", f"/v1/accounts/{US}/suspend", bearer("wk_op", x_cell="eu"), "us"),
        ("GET", "/v1/accounts", bearer("wk_op"), "eu"),
        ("POST", "/v1/accounts", bearer("wk_op", x_cell="us"), "us"),
        ("GET", "/v1/carriers", bearer("wk_op"), "eu"),
        ("POST", "/v1/carriers", bearer("wk_op"), "us"),
        ("PATCH", "/v1/carriers/CR1", bearer("wk_op", x_cell="eu"), "us"),
        ("POST", "/v1/carriers/CR1/test", bearer("wk_op"), "eu"),
        ("POST", "/v1/routes", bearer("wk_op", x_account_id=EU), "us"),
        ("POST", "/v1/keys", bearer("wk_op"), "us"),
        ("POST", "/v1/keys", bearer("wk_op", x_account_id=EU), "eu"),
        ("PUT", "/v1/sender-rules/FR", bearer("wk_op"), "us"),
        ("PUT", "/v1/policies", bearer("wk_op", x_cell="eu"), "us"),
        ("PUT", "/v1/policies", bearer("wk_op", x_account_id=EU), "eu"),
        ("PUT", "/v1/policies", bearer("wk_eu"), "eu"),
        ("GET", "/v1/policies", bearer("wk_op"), "eu"),
        ("DELETE", "/v1/policies/quiet-hours/FR", bearer("wk_op", x_account_id=EU), "us"),
        ("POST", "/v1/suppression-lists/SL1/import", bearer("wk_op"), "us"),
        ("POST", "/v1/suppression-lists", bearer("wk_op", x_account_id=EU), "eu"),
        ("PUT", "/v1/consent-texts", bearer("wk_op"), "us"),
        ("DELETE", "/v1/consent-words/CW1", bearer("wk_op"), "us"),
        ("POST", "/v1/erasures", bearer("wk_op", x_cell="eu"), "us"),
        ("POST", "/v1/erasures", bearer("wk_op", x_account_id=EU), "eu"),
    ],
)
def test_the_cell_of_a_request(method, path, request_, cell):
    assert Locator(TwoCells()).cell_of(method, path, request_) == cell


def test_who_may_be_of_a_cell_that_was_never_reached_is_not_refused_for_good():
    locator = Locator(TwoCells(us_known=False))
    assert locator.cell_of("POST", "/v1/messages", bearer("wk_eu")) == "eu"
    for unknown in (bearer("wk_us"), basic(US, "token"), bearer("wk_op", x_account_id=US)):
        with pytest.raises(WhimbrelError) as refused:
            locator.cell_of("POST", "/v1/messages", unknown)
        assert refused.value.code == "cell_unavailable"


def test_a_cell_that_there_is_not():
    with pytest.raises(WhimbrelError) as refused:
        Locator(TwoCells()).cell_of("GET", "/v1/accounts", bearer("wk_op", x_cell="asia"))
    assert refused.value.code == "invalid_parameter"


def test_a_key_that_has_not_come_yet_with_its_account_is_not_wrong():
    cells = TwoCells()
    digest, row = key("wk_there", THERE)
    cells.eu.keys[digest] = row
    with pytest.raises(WhimbrelError) as raised:
        Locator(cells).cell_of("POST", "/v1/messages", bearer("wk_there"))
    assert (raised.value.code, raised.value.retry_after_s) == ("account_moving", 5)
    cells.us.keys[digest] = row
    assert Locator(cells).cell_of("POST", "/v1/messages", bearer("wk_there")) == "us"
