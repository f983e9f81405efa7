"""One running quickstart for the tests that only ask it something, and signals as a terminal gives them."""

import signal

import pytest

from .product import quickstart


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    with quickstart(tmp_path_factory.mktemp("quickstart")) as running:
        running.bound()
        yield running


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard():
    """Also when a shell started the tests in the background, with SIGINT ignored, which every child inherits."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
