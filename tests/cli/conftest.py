"""One running quickstart for the tests that only ask it something."""

import pytest

from .product import quickstart


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    with quickstart(tmp_path_factory.mktemp("quickstart")) as running:
        yield running
