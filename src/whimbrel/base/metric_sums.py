"""The metrics of several processes as those of one: counters and histograms are added up, and what each gauge means
decides about it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

Rule = Literal["sum", "max", "each"]

GAUGES: Final[Mapping[str, Rule]] = {
    "whimbrel_queue_messages": "sum",
    "whimbrel_queue_age_seconds": "max",
    "whimbrel_window_used": "sum",
    "whimbrel_window_stalled_seconds": "max",
    "whimbrel_ignored_requests": "sum",
    "whimbrel_binds": "sum",
    "whimbrel_smpp_binds": "sum",
    "whimbrel_throttled": "sum",
    "whimbrel_set_aside": "sum",
    "whimbrel_smpp_owed": "sum",
    "whimbrel_webhook_lag_events": "sum",
    "whimbrel_stream_lag_seconds": "max",
    "whimbrel_stream_up": "max",
    "whimbrel_nodes": "max",
    "whimbrel_pool_work_seconds": "max",
    "whimbrel_pool_numbers_sick": "max",
    "whimbrel_leases": "sum",
    "whimbrel_lease_renewal_age_seconds": "max",
    "whimbrel_configuration_age_seconds": "max",
    "whimbrel_log_held_back_seconds": "max",
    "whimbrel_cell_up": "each",
    "whimbrel_loop_lag_seconds": "each",
    "whimbrel_process_up": "max",
}
"""What several processes' values of a gauge make together: their sum, the largest, or each by itself with the label
`process`. A gauge that is not here is added up."""
_OF_A_PROCESS: Final = "process_"
"""The usual metrics of a process (CPU, memory, files), as prometheus_client names them."""
_CREATED: Final = "_created"

Labels = tuple[tuple[str, str], ...]


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One value."""

    name: str
    labels: dict[str, str]
    value: float


class Family(msgspec.Struct, frozen=True, array_like=True):
    """One metric of one process, with its values."""

    name: str
    kind: str
    documentation: str
    samples: list[Sample]


def families(registry: CollectorRegistry) -> list[Family]:
    """What a process's registry holds now."""
    return [
        Family(
            metric.name,
            metric.type,
            metric.documentation,
            [Sample(sample.name, dict(sample.labels), sample.value) for sample in metric.samples],
        )
        for metric in registry.collect()
    ]


def lasting(told: Sequence[Family]) -> list[Family]:
    """What stays true of a process that is gone: what it counted."""
    return [family for family in told if family.kind != "gauge" and rule_of(family) == "sum"]


def added(one: Sequence[Family], other: Sequence[Family]) -> list[Family]:
    """Two lists as one."""
    return _sums((("", one), ("", other)))


def render(processes: Sequence[tuple[str, Sequence[Family]]]) -> bytes:
    """The Prometheus text of several processes' metrics, each with its name."""
    registry = CollectorRegistry()
    registry.register(_Sums(_sums(processes)))
    return generate_latest(registry)


class _Sums(Collector):
    """What a registry is given to render."""

    def __init__(self, told: Sequence[Family]) -> None:
        self._told = told

    def collect(self) -> Iterable[Metric]:
        for family in self._told:
            metric = Metric(family.name, family.documentation, family.kind)
            for sample in family.samples:
                metric.add_sample(sample.name, sample.labels, sample.value)
            yield metric


def _sums(processes: Sequence[tuple[str, Sequence[Family]]]) -> list[Family]:
    first: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, Labels], float]] = {}
    for process, told in processes:
        for family in told:
            first.setdefault(family.name, family)
            _add(values.setdefault(family.name, {}), family, rule_of(family), process)
    return [
        Family(
            name,
            family.kind,
            family.documentation,
            [Sample(sample, dict(labels), value) for (sample, labels), value in values[name].items()],
        )
        for name, family in first.items()
    ]


def rule_of(family: Family) -> Rule:
    """How a metric's values are put together."""
    if family.name.startswith(_OF_A_PROCESS):
        return "each"
    return GAUGES.get(family.name, "sum") if family.kind == "gauge" else "sum"


def _add(into: dict[tuple[str, Labels], float], family: Family, rule: Rule, process: str) -> None:
    for sample in family.samples:
        labels = {**sample.labels, "process": process} if rule == "each" else sample.labels
        key = sample.name, tuple(labels.items())
        if key not in into:
            into[key] = sample.value
        elif sample.name.endswith(_CREATED):
            into[key] = min(into[key], sample.value)
        elif rule == "max":
            into[key] = max(into[key], sample.value)
        else:
            into[key] += sample.value
