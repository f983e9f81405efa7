"""Retell: the verdicts of a request that was stored before. The texts of messages that were made here are not kept with
them: those of a template are made again by the same version, and those with short links are read from the message.
"""

from collections.abc import Sequence

import msgspec

from whimbrel.domain.links import marks
from whimbrel.domain.model import Draft
from whimbrel.journey.fill import retold
from whimbrel.journey.templates import Shelf
from whimbrel.store.interface import Store, Verdict


async def told_again(
    store: Store, templates: Shelf, drafts: Sequence[Draft], verdicts: list[Verdict], kept: int
) -> list[Verdict]:
    """The verdicts, of which so many are kept, with all texts; empty where one is not there any more."""
    texts: dict[int, str] = {}
    made = {place: each.template for place, each in enumerate(verdicts[:kept]) if each.template is not None}
    if made:
        refs = {place: (drafts[place].account_id, f"{one.id}@{one.version}") for place, one in made.items()}
        found = await templates.take(refs.values())
        texts = {place: retold(drafts[place], found[ref]) for place, ref in refs.items()}
    linked = {
        place: each.id
        for place, each in enumerate(verdicts[:kept])
        if each.id and (drafts[place].links is not None or marks(texts.get(place, "")))
    }
    if linked:
        stored = {message.id: message.text for message in await store.messages(sorted(linked.values()))}
        texts |= {place: stored.get(id_, "") for place, id_ in linked.items()}
    return [
        msgspec.structs.replace(each, text=texts[place]) if place in texts else each
        for place, each in enumerate(verdicts)
    ]
