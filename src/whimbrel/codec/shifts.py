"""The national language shift tables of GSM-7 (3GPP TS 23.038 clause 6.2.1.2 and Annex A).

Apart from `gsm7` because a text in the default alphabet, as nearly all are, must pay nothing for them.
"""

from typing import Final

import msgspec


class Shift(msgspec.Struct, frozen=True, gc=False):
    """The national languages whose tables a text is written in, by identifier (TS 23.038 clause 6.2.1.2.4).

    `locking` stands in for the default alphabet, `single` for its extension table; 0 is the default for either.
    """

    locking: int = 0
    single: int = 0


NO_SHIFT: Final = Shift()
"""The default alphabet and its extension table."""
