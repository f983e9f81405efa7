"""The morning on which a carrier that takes no more today is asked again."""

import datetime

import pytest

from whimbrel.domain.daily_caps import next_morning

NEW_YORK, CHICAGO, LOS_ANGELES = "+12125550123", "+13125550123", "+13105550123"
HONOLULU, TOLL_FREE = "+18085550123", "+18005550123"
DETROIT_OR_CHICAGO = "+19065550123"  # Michigan's Upper Peninsula has both
LONDON = "+447911123456"


def us(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("recipient", "zone", "now", "expected"),
    [
        (NEW_YORK, None, "2027-03-02T16:00-05:00", "2027-03-03T08:00-05:00"),
        (LOS_ANGELES, None, "2027-03-02T16:00-08:00", "2027-03-03T08:00-08:00"),
        (HONOLULU, None, "2027-03-02T16:00-10:00", "2027-03-03T08:00-10:00"),
        # caps begin anew at midnight in Los Angeles: a morning before the next time meets the same one
        (NEW_YORK, None, "2027-03-03T02:59-05:00", "2027-03-03T08:00-05:00"),
        (NEW_YORK, None, "2027-03-03T03:00-05:00", "2027-03-04T08:00-05:00"),
        (NEW_YORK, None, "2027-03-03T07:59-05:00", "2027-03-04T08:00-05:00"),
        (NEW_YORK, None, "2027-03-03T08:01-05:00", "2027-03-04T08:00-05:00"),
        (LOS_ANGELES, None, "2027-03-02T23:59-08:00", "2027-03-03T08:00-08:00"),
        (LOS_ANGELES, None, "2027-03-03T00:30-08:00", "2027-03-04T08:00-08:00"),
        (CHICAGO, None, "2027-03-03T01:59-06:00", "2027-03-03T08:00-06:00"),
        (CHICAGO, None, "2027-03-03T02:30-06:00", "2027-03-04T08:00-06:00"),
        (HONOLULU, None, "2027-03-02T21:59-10:00", "2027-03-03T08:00-10:00"),
        (HONOLULU, None, "2027-03-02T22:30-10:00", "2027-03-04T08:00-10:00"),
        # over the change of the clocks
        (NEW_YORK, None, "2027-03-13T20:00-05:00", "2027-03-14T08:00-04:00"),
        (NEW_YORK, None, "2027-11-06T20:00-04:00", "2027-11-07T08:00-05:00"),
        # several zones: the latest of their mornings
        (DETROIT_OR_CHICAGO, None, "2027-03-02T16:00-05:00", "2027-03-03T08:00-06:00"),
        (DETROIT_OR_CHICAGO, "America/Detroit", "2027-03-02T16:00-05:00", "2027-03-03T08:00-05:00"),
        (TOLL_FREE, None, "2027-03-02T20:00-05:00", "2027-03-03T08:00-10:00"),
        (LONDON, None, "2027-03-02T16:00+00:00", "2027-03-03T08:00+00:00"),  # which is when the caps begin anew
        ("12345", None, "2027-03-02T16:00+00:00", "2027-03-03T08:00+00:00"),
    ],
)
def test_the_next_morning(recipient, zone, now, expected):
    assert next_morning(recipient, us(now), zone) == us(expected)
