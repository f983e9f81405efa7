"""What a message costs. Pure: a price list compiled from rows, asked once for each message.

The rule: an account's own list is asked first, by the longest prefix of the number; only when it has no row for the
number is the general list asked, again by the longest prefix. A contract with a customer ("44 costs 0.03") thus
holds for every number under 44, even where the general list has a longer, dearer prefix.
"""

from collections import defaultdict
from collections.abc import Iterable

from whimbrel.domain.model import Price
from whimbrel.domain.prefixes import PrefixMap


class PriceList:
    """All prices of an installation."""

    __slots__ = ("_general", "_own")

    def __init__(self, prices: Iterable[Price]) -> None:
        lists: defaultdict[str | None, list[tuple[str, Price]]] = defaultdict(list)
        for price in sorted(prices, key=lambda price: price.id):  # of two rows for one prefix the newer holds
            lists[price.account_id].append((price.prefix, price))
        self._general = PrefixMap(lists.pop(None, []))
        self._own = {account_id: PrefixMap(rows) for account_id, rows in lists.items() if account_id is not None}

    def price(self, account_id: str, digits: str, segments: int, *, mms: bool = False) -> tuple[int, str, Price] | None:
        """The price in micros of `segments` segments to the number `digits` (without plus), or, with `mms`, of one
        message with media, where the row has a price for that; its currency, and the row that decided. None: no row,
        so no sale."""
        own = self._own.get(account_id)
        row = own.longest(digits) if own is not None else None
        if row is None:
            row = self._general.longest(digits)
        if row is None:
            return None
        if mms and row.mms_price_micros is not None:
            return row.mms_price_micros, row.currency, row
        return row.price_micros * segments, row.currency, row
