"""What a cell may use of a carrier. A carrier grants an installation so many binds and segments a second, however many
cells there are; no cell knows what the others do at the moment, so each has a fixed share of the whole.

A share of nothing would read as "no limit", and a bind cannot be halved: cells that come out with less than one bind or
one segment a second get none of that carrier, and the others get theirs. The window over SMPP is of one bind, and so
needs no sharing out; over HTTP it stands in the place of the binds.
"""

from collections.abc import Mapping

import msgspec

from whimbrel.domain.carrier_kinds import AnySettings, settings_of
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.model import Carrier


def carrier_of_cell(carrier: Carrier, cell: str, weights: Mapping[str, int]) -> Carrier:
    """The carrier as it is in a cell; paused where the cell may not use it."""
    whole = settings_of(carrier)
    own = of_cell(whole, cell, weights)
    if own is None:
        return msgspec.structs.replace(carrier, status="paused")
    if own == whole:
        return carrier
    return msgspec.structs.replace(carrier, settings=msgspec.json.encode(own).decode())


def of_cell(settings: AnySettings, cell: str, weights: Mapping[str, int]) -> AnySettings | None:
    """The settings as they hold in a cell; None when it may not use the carrier. `weights` are those of the
    installation by cell; a carrier that has its own (`settings.cells`) is shared out by them."""
    wanted = settings.cells or weights
    places = settings.binds if isinstance(settings, CarrierSettings) else settings.window
    members = _members(wanted, places, settings.throughput_per_s)
    if cell not in members:
        return None
    throughput = allot(settings.throughput_per_s, members)[cell] if settings.throughput_per_s else 0
    own = allot(places, members)[cell]
    if isinstance(settings, CarrierSettings):
        return msgspec.structs.replace(settings, binds=own, throughput_per_s=throughput)
    return msgspec.structs.replace(settings, window=own, throughput_per_s=throughput)


def allot(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Whole numbers by weight that add up to the total, at least 1 each; the total must not be under their number."""
    spare, sum_of_weights = total - len(weights), sum(weights.values())
    parts = {name: divmod(spare * weight, sum_of_weights) for name, weight in weights.items()}
    left = spare - sum(whole for whole, _ in parts.values())
    by_rest = sorted(parts, key=lambda name: (-parts[name][1], name))
    return {name: 1 + whole + (name in by_rest[:left]) for name, (whole, _) in parts.items()}


def _members(weights: Mapping[str, int], places: int, throughput_per_s: int) -> dict[str, int]:
    """The cells that can have a whole bind (or place of the window) and a whole segment a second: those with the
    greatest weights."""
    most = min(places, throughput_per_s or places)
    by_weight = sorted(
        (name for name, weight in weights.items() if weight > 0), key=lambda name: (-weights[name], name)
    )
    return {name: weights[name] for name in by_weight[:most]}
