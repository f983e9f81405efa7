"""Texts that hold a secret (a code): the message's row shows them masked, and has the whole text encrypted among its
options until it is final. Only a lane opens it, to build the parts; segments and price are those of the whole text.
"""

import msgspec

from whimbrel.base.vault import Seal, Vault
from whimbrel.domain.model import Options

_decode_options = msgspec.json.Decoder(Options).decode


def seal_text(vault: Vault, message_id: str, text: str) -> str:
    """The text as it stands in `Options.sealed`."""
    return vault.seal(text, Seal.of(Seal.MESSAGE_TEXT, message_id)).hex()


def opened_text(vault: Vault, message_id: str, options: str) -> str:
    """The text to send; ValueError when it was erased."""
    sealed = _decode_options(options).sealed
    if sealed is None:
        raise ValueError("the text was erased when the message became final")
    return vault.open(bytes.fromhex(sealed), Seal.of(Seal.MESSAGE_TEXT, message_id))
