"""The simulator's settings, what of them may change while it runs, and a reader of command lines made from them.

Apart so that a test, the product's command line and `python -m whimbrel_sandbox` share one list. `usage.py` and
docs/sandbox.md describe each setting; tests compare them.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

Ids = Literal["sequential", "random", "hex", "decimal", "uuid"]
COUNTS = "counts"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that can be chosen at the start. Ports: 0 takes a free one; without `http_port` there is no control,
    without `provider_port` no provider over HTTP."""

    host: str = "127.0.0.1"
    smpp_port: int = 2776
    http_port: int | None = 8086
    provider_port: int | None = None
    log: str | None = None
    seed: int | None = None
    ids: Ids = "sequential"
    system_id: str | None = None
    password: str | None = None
    scenario: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_client_ca: str | None = None
    tls_port: int = 3550
    response_latency_ms: float = 0
    receipt_delay_ms: float = 0
    receipt_jitter_ms: float = 0
    receipt_share: float = 1
    rate_limit: int = 0
    window_limit: int = 0
    time_scale: float = 1
    deliver_window: int = 500
    deliver_timeout_ms: int = 30_000
    deliver_retry_ms: int = 1_000
    enquire_link_ms: int = 30_000
    validity_ms: int = 86_400_000
    phones: int = 5_000
    inbox: int = 100


class Behaviour(Struct, kw_only=True):
    """What may change while the simulator runs; the one mutable copy belongs to the SMSC."""

    response_latency_ms: float
    receipt_delay_ms: float
    receipt_jitter_ms: float
    receipt_share: float
    rate_limit: int
    window_limit: int
    silent: bool = False
    refuse_binds: int = 0


class Change(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """New values for parts of a `Behaviour`; `drop` and `unbind` act once on every link that is up."""

    response_latency_ms: float | UnsetType = UNSET
    receipt_delay_ms: float | UnsetType = UNSET
    receipt_jitter_ms: float | UnsetType = UNSET
    receipt_share: float | UnsetType = UNSET
    rate_limit: int | UnsetType = UNSET
    window_limit: int | UnsetType = UNSET
    silent: bool | UnsetType = UNSET
    refuse_binds: int | UnsetType = UNSET
    drop: bool = False
    unbind: bool = False


def behaviour(settings: Settings) -> Behaviour:
    """The behaviour that the settings start with."""
    shared = {name: getattr(settings, name) for name in Behaviour.__struct_fields__ if hasattr(settings, name)}
    return Behaviour(**shared)


def apply(change: Change, to: Behaviour) -> None:
    """Write the values that the change names into the behaviour."""
    for name in Behaviour.__struct_fields__:
        value = getattr(change, name)
        if value is not UNSET:
            setattr(to, name, value)


def from_arguments(arguments: list[str]) -> Settings:
    """Settings from `--smpp-port 2776 --seed 7 …`. Raises ValueError with words for whoever typed it."""
    if len(arguments) % 2:
        raise ValueError(f"{arguments[-1]} has no value; each option is --name value")
    values: dict[str, str] = {}
    for option, value in zip(arguments[::2], arguments[1::2], strict=True):
        name = option.removeprefix("--").replace("-", "_")
        if not option.startswith("--") or name not in Settings.__struct_fields__:
            raise ValueError(f"{option} is not an option; there are {', '.join(option_names())}")
        values[name] = value
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def option_names() -> list[str]:
    """Every option as it is typed."""
    return ["--" + name.replace("_", "-") for name in Settings.__struct_fields__]
