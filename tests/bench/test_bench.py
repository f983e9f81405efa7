"""The benchmarks in the small. Rates depend on who else works on the machine; CPU an exchange hardly does."""

import asyncio

import pytest

from bench import idle, live, pages, smpp, streams

EXCHANGE_MAX_US = 25.0
STREAM_MAX_US = 150.0
SHARE_MAX = 0.02


@pytest.mark.parametrize("scenario", smpp.SCENARIOS, ids=lambda each: each.name)
def test_an_exchange_costs_less_than_25_microseconds(scenario):
    measured = smpp.measure(scenario, 5_000)
    assert measured.complete
    assert measured.exchange_us < EXCHANGE_MAX_US or scenario.window == 1  # then it is mostly the socket's


@pytest.mark.ci
def test_two_hundred_binds_at_rest_take_less_than_a_fiftieth_of_a_core():
    alone, many = idle.carriers(35)  # each is asked whether it lives at least once
    assert (alone.binds, many.binds) == (1, 201)
    assert many.share - alone.share < SHARE_MAX, (alone, many)


@pytest.mark.ci
def test_a_thousand_customers_bind_at_once_and_again():
    alone, first, held, again = idle.customers(10)
    assert (first.binds, again.binds) == (1000, 1000)
    assert held.rss_mib - alone.rss_mib < 64


def test_a_stream_to_nats_takes_all_events():
    (measured, *_) = asyncio.run(streams.measure(500, with_kafka=False, batches=(1000,)))
    assert measured.complete
    assert measured.our_us < STREAM_MAX_US


@pytest.mark.ci
@pytest.mark.parametrize("more", [[], ["--postgres"]], ids=["sqlite", "postgresql"])
def test_pages_of_many_messages_are_quick(more):
    assert pages.main(["--messages", "20000", *more]) == 0


@pytest.mark.ci
def test_live_pages_keep_up_with_a_thousand_messages_a_second():
    """What they are sent is bounded, is never two seconds old, and is in the end what the database has."""
    assert live.main(["--rate", "1000", "--seconds", "8"]) == 0
