"""The keys of rows that wait. Apart, because a message enters and leaves the queue in several verbs."""

from whimbrel.store.script import Row


def lane(candidates: str) -> str:
    """A message waits in the lane of its first candidate."""
    return candidates.partition(" ")[0]


def queue_key(candidates: str, priority: int, rank: int, message_id: str) -> Row:
    """The key of its row: parameters of `queue_delete`, and of `queue_insert` before `expires_at`."""
    return (lane(candidates), priority, rank, message_id)
