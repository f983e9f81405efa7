"""What Compose tells beside the form while somebody writes: how the text goes on the air, what it costs for everybody,
what would become of it, and the same request as code. All of it is what the API says of the very same message.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from whimbrel.base import money
from whimbrel.base.errors import CATALOGUE, WhimbrelError
from whimbrel.codec import segments
from whimbrel.codec.errors import CodecError
from whimbrel.edges.console import codes, drafting
from whimbrel.edges.console.forms import Form, problem
from whimbrel.edges.console.recipients import Recipients
from whimbrel.edges.console.request import Request
from whimbrel.edges.console.whole import whole
from whimbrel.edges.console.words import Words
from whimbrel.journey.explain import Explanation, RouteCandidate

GROUPS_MAX: Final = 12
_BETWEEN: Final = "*"


class Who(msgspec.Struct, frozen=True):
    """The recipients as the form carries them along: how many, the first few, and one of each group with its size."""

    count: int = 0
    first: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Recipients) -> "Who":
        """Those of a list."""
        groups = found.groups(GROUPS_MAX)
        return cls(
            len(found.numbers),
            found.numbers[: codes.SHOWN_MAX],
            tuple(f"{group.sample}{_BETWEEN}{group.count}" for group in groups),
        )

    @classmethod
    def carried(cls, form: Form) -> "Who":
        """Those that a form carries along."""
        return cls(whole(form.text("count")) or 0, form.many("first"), form.many("sample"))


class Step(msgspec.Struct, frozen=True):
    """One step of the way: whether it went well, in words of the catalogue, with its evidence and why it is so, where
    that is to be told."""

    name: str
    is_good: bool
    chips: tuple[str, ...] = ()
    why: str = ""


class Cost(msgspec.Struct, frozen=True):
    """What it costs for everybody, as a decimal string; `is_about` where groups were taken together."""

    amount: str
    currency: str
    is_about: bool


class Offer(msgspec.Struct, frozen=True):
    """Look-alikes that could take the place of what makes the text dear."""

    replaced: tuple[tuple[str, str], ...]
    segments: int
    saved: int


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `pieces`: the text, each with whether it does not fit GSM-7; `room`: characters that the last segment
    still takes, None where that is not known."""

    text: str
    shown: str
    sender: str
    flash: bool
    is_template: bool = False
    encoding: str = ""
    segments: int = 0
    characters: int = 0
    room: int | None = None
    pieces: tuple[tuple[str, bool], ...] = ()
    foreign: tuple[tuple[str, str], ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    offer: Offer | None = None
    cost: Cost | None = None
    who: Who
    is_accepted: bool = False
    refusal: str = ""
    advice: str = ""
    steps: tuple[Step, ...] = ()
    codes: Mapping[str, str] = {}
    more: int = 0


async def look(request: Request, form: Form, who: Who, key: str) -> Look:
    """What can be told now. What is being typed as one of the media is none yet."""
    form = form.plus({"add_media": ""})
    text = drafting.text(form)
    is_template = bool(form.text("template"))
    text = "" if is_template else text
    told = Look(
        text=text,
        shown=text,
        sender=form.text("sender"),
        flash=form.flag("flash"),
        is_template=is_template,
        who=who,
    )
    try:
        body = drafting.one(form, who.first[0] if who.first else drafting.EXAMPLE)
        explained: Explanation = await request.api("explainMessage", body=body)
    except WhimbrelError as error:
        said = problem(error)
        detail = next(iter(said.fields.values()), said.detail)
        return msgspec.structs.replace(told, refusal=detail, advice=said.advice)
    refusal = explained.refusal
    if (is_template or body.get("media")) and explained.encoding is not None:  # media add their link to the text
        text = explained.encoding.text
        told = msgspec.structs.replace(told, text=text)
    return msgspec.structs.replace(
        told,
        **_encoded(explained, text),
        sender=explained.sender or told.sender,
        offer=await _offer(request, explained, body),
        cost=await _cost(request, form, who),
        is_accepted=refusal is None,
        refusal=(refusal.detail or CATALOGUE[refusal.code].title) if refusal else "",
        advice=CATALOGUE[refusal.code].advice if refusal else "",
        steps=steps(explained, request.words),
        codes=_codes(request, form, who, key),
        more=max(0, who.count - codes.SHOWN_MAX),
    )


def _encoded(explained: Explanation, text: str) -> dict[str, Any]:
    step = explained.encoding
    if step is None or not text:
        return {"characters": len(text)}
    foreign = dict.fromkeys((each.character, each.code_point) for each in step.foreign)
    return {
        "characters": len(text),
        "shown": step.text,
        "encoding": step.encoding,
        "segments": step.segments,
        "room": _room(step.text, step.segments),
        "pieces": marked(step.text, [each.position for each in step.foreign]),
        "foreign": tuple(foreign),
        "replaced": tuple(dict.fromkeys((original, taken) for _, original, taken in step.replaced)),
    }


def marked(text: str, positions: Sequence[int]) -> tuple[tuple[str, bool], ...]:
    """The text in pieces, those at these positions marked; neighbours are one piece."""
    pieces: list[tuple[str, bool]] = []
    wanted = frozenset(positions)
    for place, character in enumerate(text):
        is_marked = place in wanted
        if pieces and pieces[-1][1] == is_marked:
            pieces[-1] = (pieces[-1][0] + character, is_marked)
        else:
            pieces.append((character, is_marked))
    return tuple(pieces)


def _room(text: str, counted: int) -> int | None:
    try:
        measure = segments.measure(text)
    except CodecError:
        return None
    return measure.remaining if measure.segments == counted else None


async def _offer(request: Request, explained: Explanation, body: Mapping[str, Any]) -> Offer | None:
    now = explained.encoding
    if now is None or not now.foreign or body.get("smart"):
        return None
    better: Explanation = await request.api("explainMessage", body={**body, "smart": True})
    then = better.encoding
    if then is None or not then.replaced:
        return None
    pairs = tuple(dict.fromkeys((original, taken) for _, original, taken in then.replaced))
    return Offer(pairs, then.segments, now.segments - then.segments)


async def _cost(request: Request, form: Form, who: Who) -> Cost | None:
    """The price for one of each group, times how many there are."""
    micros, currency, is_about = 0, "", len(who.samples) == GROUPS_MAX
    for each in who.samples[:GROUPS_MAX]:
        number, _, count = each.partition(_BETWEEN)
        explained: Explanation = await request.api("explainMessage", body=drafting.one(form, number))
        many = whole(count)
        if explained.price is None or many is None:
            is_about = True
            continue
        micros += money.from_text(explained.price.price) * many
        currency = explained.price.currency
    return Cost(money.to_text(micros), currency, is_about) if currency else None


def _codes(request: Request, form: Form, who: Who, key: str) -> Mapping[str, str]:
    url = request.services.public_url or str(request.http.base_url).rstrip("/")
    if who.count > 1:
        return codes.codes(url, "/v1/messages/batch", drafting.batch(form, who.first), key)
    to = who.first[0] if who.first else drafting.EXAMPLE
    return codes.codes(url, "/v1/messages", drafting.one(form, to), key)


def steps(explained: Explanation, words: Words) -> tuple[Step, ...]:
    """The way of the message, step by step, up to where it ends."""
    found = [Step("number", explained.to is not None, _given(explained.to, explained.country))]
    if explained.sender:
        found.append(Step("sender", True, (explained.sender,)))
    if explained.encoding is not None:
        encoding = explained.encoding
        named = words.get(f"compose.encodings.{encoding.encoding}", encoding.encoding)
        count = words("compose.n_segments", count=encoding.segments)
        found.append(Step("text", True, (named, count, *encoding.languages)))
    if explained.routing is not None:
        considered = tuple(_candidate(each) for each in explained.routing.considered if each.carrier)
        found.append(Step("route", bool(explained.routing.carriers), considered))
    if explained.media is not None:
        way, why = explained.media.way, explained.media.why
        reason = words.get(f"message.why_{why}", why) if why else ""
        found.append(Step("media", True, (words(f"message.media_{way}"),), reason))
    if explained.price is not None:
        price = explained.price
        each = words("compose.one_mms") if price.mms else words("compose.a_segment", price=price.per_segment)
        found.append(Step("price", True, (f"{price.price} {price.currency}", each)))
    if explained.balance is not None:
        balance = explained.balance
        found.append(Step("balance", balance.covered, (f"{balance.available} {balance.currency}",)))
    if explained.refusal is not None:
        found.append(Step("refused", False, (explained.refusal.code,)))
    return tuple(found)


def _candidate(each: RouteCandidate) -> str:
    return f"{each.carrier}: {each.reason or each.verdict}"


def _given(*values: str | None) -> tuple[str, ...]:
    return tuple(value for value in values if value)
