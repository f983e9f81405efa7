"""Codes, made when they are needed and stored nowhere: of the verification's id, its generation and the master key. A
caller's own code is kept sealed in the verification's row until that ends.
"""

import hmac

from whimbrel.base.vault import Seal, Vault
from whimbrel.domain.verify import Verification, code_of, tidied
from whimbrel.products.verify.views import details_of


def code(vault: Vault, row: Verification) -> str:
    """The code of a verification that has not ended."""
    if row.custom is not None:
        return vault.open(row.custom, Seal.of(Seal.VERIFY_CODE, row.id))
    details = details_of(row)
    return code_of(vault.code_octets(f"{row.id}:{row.generation}"), details.code_length, details.alphabet)


def is_right(vault: Vault, row: Verification, given: str) -> bool:
    """Compared as keyed hashes, in constant time: neither length nor beginning of the code shows."""
    return hmac.compare_digest(_hashed(vault, code(vault, row)), _hashed(vault, given))


def _hashed(vault: Vault, given: str) -> bytes:
    return vault.code_octets("=" + tidied(given))
