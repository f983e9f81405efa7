"""Redaction and removal. Texts and numbers live in the message's row only, so redaction touches one row; hashes stay,
and with them STOP and look-ups. The ledger stays whatever happens.
"""

from collections.abc import Sequence

from whimbrel.domain.model import Flag
from whimbrel.domain.positions import floor_of_messages
from whimbrel.domain.states import FINAL
from whimbrel.store.script import Many, One, Query, Rows, Script
from whimbrel.store.verbs import media
from whimbrel.store.verbs.events import Subject, row


def redact(message_ids: Sequence[str], at: int, everything: bool = False) -> Script[None]:
    """Erase text, recipient, sender and options, with the media that came with these messages and no other has;
    `everything`: with those that the account brought by itself too. One that is redacted already is left alone."""
    rows: Rows = yield Query("messages_to_erase", (list(message_ids),))
    subjects = [Subject(*columns[:5]) for columns in rows if not columns[4] & Flag.REDACTED]
    if subjects:
        yield from media.forget_of_messages([subject.id for subject in subjects], everything=everything)
        yield Many("message_redact", [(subject.id, Flag.REDACTED, at) for subject in subjects])
        yield Many("event_insert", [row(subject, "message.redacted", at) for subject in subjects])


def delete_messages(message_ids: Sequence[str]) -> Script[None]:
    """Remove final messages; one that is not final is left alone, since it still owes a move and money."""
    rows: Rows = yield Query("messages_to_erase", (list(message_ids),))
    yield from remove([(columns[0], columns[6], columns[7]) for columns in rows if columns[5] in FINAL])


def remove_links(message_ids: Sequence[str]) -> Script[None]:
    """Remove the short links of messages with what happened to them."""
    yield One("link_clicks_of_messages_delete", (list(message_ids),))
    yield One("link_conversions_of_messages_delete", (list(message_ids),))
    yield One("links_of_messages_delete", (list(message_ids),))


def remove(rows: Rows, *, attempts: bool = True, events: bool = True) -> Script[None]:
    """Remove messages, given as id, recipient_hash, sender_hash, with their look-ups, the media that came with them and
    no other has, and their attempts and events, unless these go by themselves."""
    if not rows:
        return
    gone = [columns[0] for columns in rows]
    yield from remove_links(gone)
    yield from media.forget_of_messages(gone)
    look_ups = [(number_hash, message_id) for message_id, *hashes in rows for number_hash in hashes]
    yield Many("message_number_delete", look_ups)
    if attempts:
        yield One("attempts_delete", (gone, floor_of_messages(gone)))
    if events:
        yield One("events_delete", (gone,))
    yield One("messages_delete", (gone,))
