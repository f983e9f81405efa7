"""Encode: how the text is cut into segments, as every carrier of its route can take it. Screen has counted them for a
carrier without wishes; here is what a route's carriers, or the sender's own header, change about that.
"""

from collections.abc import Callable, Sequence

from whimbrel.base.limits import PARTS_MAX
from whimbrel.codec import alphabets, segments, udh
from whimbrel.codec.errors import CodecError
from whimbrel.codec.shifts import ALL_LANGUAGES, NO_SHIFT
from whimbrel.domain.dialect import PLAIN_RULES, UNSHIFTED_RULES, TextRules
from whimbrel.journey.plan import Plan

_NO_LANGUAGES: frozenset[int] = frozenset()
RulesOf = Callable[[tuple[str, ...]], TextRules]


def encode(plans: Sequence[Plan], rules_of: RulesOf) -> None:
    """Count the segments of each plan anew where its carriers or its header ask for it."""
    for plan in plans:
        if plan.refusal is None:
            rules = rules_of(plan.carriers)
            wire = plan.draft.options.wire
            is_counted = rules is PLAIN_RULES or (rules is UNSHIFTED_RULES and plan.shift == NO_SHIFT)
            if wire is not None or not is_counted:
                _fit(plan, rules, len(wire.header) // 2 if wire else 0)


def check_parts(plan: Plan) -> None:
    """Refuse a plan with more segments than are allowed: before anything is charged, and never cut short (trap T63)."""
    allowed = min(plan.draft.options.max_parts or PARTS_MAX, PARTS_MAX)
    if plan.segments > allowed:
        pointer = "/text" if plan.draft.data is None else "/data"
        plan.refuse("too_many_parts", pointer, f"It needs {plan.segments} segments; {allowed} are allowed.")


def _fit(plan: Plan, rules: TextRules, header_octets: int) -> None:
    plan.wide = rules.wide
    try:
        if plan.draft.data is not None:
            cut = segments.cut_octets(plan.draft.data, rules.wide, header_octets)
        else:
            _choose(plan, rules)
            encoding: segments.Encoding = "gsm7" if plan.encoding == "gsm7" else "ucs2"
            cut = segments.cut(
                plan.text,
                encoding=encoding,
                wide=rules.wide,
                shift=plan.shift,
                extra_header_octets=header_octets,
            )
    except CodecError as error:
        plan.refuse("too_many_parts", "/text", str(error))
        return
    plan.segments = len(cut)
    if plan.segments > 1 and header_octets and is_part(plan):
        plan.refuse("too_many_parts", "/text", "A part of a long message that its sender cut must fit one segment.")
        return
    check_parts(plan)


def is_part(plan: Plan) -> bool:
    """Whether the sender's own header says that this is one part of a long message."""
    wire = plan.draft.options.wire
    header = bytes.fromhex(wire.header) if wire else b""
    return udh.concat(udh.parse(bytes((len(header),)) + header).elements) is not None


def _choose(plan: Plan, rules: TextRules) -> None:
    """The encoding: what the carriers' own alphabets cannot carry goes as UCS-2."""
    measure = segments.measure(
        plan.text, wide=rules.wide, languages=ALL_LANGUAGES if rules.national_languages else _NO_LANGUAGES
    )
    plan.encoding, plan.shift = measure.encoding, measure.shift
    if measure.encoding == "gsm7" and not all(alphabets.fits(plan.text, alphabet) for alphabet in rules.alphabets):
        plan.encoding, plan.shift = "ucs2", NO_SHIFT
