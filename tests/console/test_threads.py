"""How texts are shown on a phone's screen."""

import pytest

from whimbrel.edges.console.threads import is_emoji_alone, peer_name


@pytest.mark.parametrize(
    "text, alone",
    [
        ("🎉", True),
        ("👩‍👩‍👧", True),
        ("👍🏽 👍🏽", True),
        ("❤️", True),
        ("🎉🎉🎉🎉", False),
        ("ok 👍", False),
        ("", False),
    ],
)
def test_a_few_emoji_alone_are_shown_large(text, alone):
    assert is_emoji_alone(text) is alone


def test_senders_are_shown_as_people_write_them():
    assert [peer_name(each) for each in ("12025550100", "Whimbrel", "72345")] == ["+12025550100", "Whimbrel", "72345"]
