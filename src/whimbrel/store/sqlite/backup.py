"""A copy of a database that a node may be using: one read transaction, so it is the state of one moment."""

import os

import apsw

from whimbrel.store.errors import StoreError
from whimbrel.store.sqlite.connect import make_private, open_reader


def backup(path: str, target: str) -> None:
    """Write the database at `path` to the new file `target`, compact and without a log beside it; only its owner may
    read it. StoreError; nothing is left behind then."""
    if os.path.exists(target):
        raise StoreError(f"{target} exists already: name a new file.")
    connection = open_reader(path)
    make_private(target)
    try:
        connection.execute("VACUUM INTO ?1", (target,))
    except apsw.Error as error:
        os.unlink(target)
        raise StoreError(f"{path} could not be copied to {target}: {error}") from error
    finally:
        connection.close()
