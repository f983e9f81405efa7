"""The file of an import, from its pieces in the database into a temporary file of this node, which nobody else sees."""

from asyncio import to_thread
from typing import IO

from whimbrel.domain.contacts import ContactImport
from whimbrel.store.interface import Store


async def spool(store: Store, row: ContactImport, file: IO[bytes]) -> None:
    """Write all pieces, in order."""
    for part in range(row.parts):
        for piece in await store.fetch(bytes, "contact_import_part", row.id, part):
            await to_thread(file.write, piece)
    await to_thread(file.flush)
