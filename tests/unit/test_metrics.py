"""Tallies are exact whenever the metrics are read."""

from whimbrel.base.metrics import Metrics


def test_a_tally_is_in_every_reading():
    metrics = Metrics()
    tally = metrics.tally(metrics.requests.labels("rest", "202"))
    labels = {"door": "rest", "status": "202"}
    for count in (1, 2):
        tally.count += 1
        assert metrics.registry.get_sample_value("whimbrel_http_requests_total", labels) == count
    tally.count += 3
    assert b'whimbrel_http_requests_total{door="rest",status="202"} 5.0' in metrics.render()
    assert b'whimbrel_http_requests_total{door="rest",status="202"} 5.0' in metrics.render()
