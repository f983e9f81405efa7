"""Sealed texts are erased in the commit that makes their message final: nothing is sent of it any more."""

from collections.abc import Sequence

from whimbrel.store.script import Many, Script


def unseal(message_ids: Sequence[str]) -> Script[None]:
    """Erase the sealed texts of these messages, whose rows show masked ones."""
    if message_ids:
        yield Many("message_unseal", [(message_id,) for message_id in message_ids])
