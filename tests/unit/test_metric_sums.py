"""The metrics of several processes as those of one."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from whimbrel.base.metric_sums import GAUGES, added, families, lasting, render
from whimbrel.base.metrics import Metrics


def process(accepted: int, queue: float, age: float, lag: float, times: tuple[float, ...] = ()) -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("whimbrel_messages_accepted", "Messages", ["door"], registry=registry).labels("rest").inc(accepted)
    Gauge("whimbrel_queue_messages", "Waiting", ["carrier"], registry=registry).labels("one").set(queue)
    Gauge("whimbrel_queue_age_seconds", "Age", ["carrier"], registry=registry).labels("one").set(age)
    Gauge("whimbrel_loop_lag_seconds", "Lag", registry=registry).set(lag)
    step = Histogram("whimbrel_step_seconds", "Step", ["step"], buckets=(0.1, 1), registry=registry)
    for seconds in times:
        step.labels("accept").observe(seconds)
    return registry


def samples(*processes: tuple[str, CollectorRegistry]) -> dict[str, float]:
    text = render([(name, families(registry)) for name, registry in processes]).decode()
    rows = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows if "_created" not in name}


def test_each_kind_is_put_together_by_what_it_means():
    found = samples(("1", process(3, 5, 60, 0.1, (0.0625, 0.5))), ("2", process(4, 2, 90, 0.2, (0.0625,))))
    assert found == {
        'whimbrel_messages_accepted_total{door="rest"}': 7,
        'whimbrel_queue_messages{carrier="one"}': 7,
        'whimbrel_queue_age_seconds{carrier="one"}': 90,
        'whimbrel_loop_lag_seconds{process="1"}': 0.1,
        'whimbrel_loop_lag_seconds{process="2"}': 0.2,
        'whimbrel_step_seconds_bucket{le="0.1",step="accept"}': 2,
        'whimbrel_step_seconds_bucket{le="1.0",step="accept"}': 3,
        'whimbrel_step_seconds_bucket{le="+Inf",step="accept"}': 3,
        'whimbrel_step_seconds_count{step="accept"}': 3,
        'whimbrel_step_seconds_sum{step="accept"}': 0.625,
    }


def test_what_a_process_counted_outlives_it_and_what_it_showed_does_not():
    dead = added([], lasting(families(process(3, 5, 60, 0.1, (0.05,)))))
    dead = added(dead, lasting(families(process(2, 5, 60, 0.1))))
    text = render([("1", families(process(1, 2, 3, 0.4))), ("", dead)]).decode()
    assert 'whimbrel_messages_accepted_total{door="rest"} 6.0' in text
    assert 'whimbrel_step_seconds_count{step="accept"} 1.0' in text
    assert 'whimbrel_queue_messages{carrier="one"} 2.0' in text
    assert 'whimbrel_queue_age_seconds{carrier="one"} 3.0' in text


def test_every_gauge_says_how_it_is_put_together():
    gauges = {metric.describe()[0].name for metric in vars(Metrics()).values() if isinstance(metric, Gauge)}
    assert gauges == set(GAUGES)


def test_one_process_renders_as_its_own_registry_does():
    metrics = Metrics()
    metrics.accepted.labels("rest").inc(3)
    metrics.queue.labels("one", "otp").set(2)
    alone = {line for line in metrics.render().decode().splitlines() if line.startswith("whimbrel_")}
    summed = render([("1", families(metrics.registry))]).decode().replace('{process="1"}', "")
    assert alone == {line for line in summed.splitlines() if line.startswith("whimbrel_")}
