"""Screen: is this a text that we may send? Number, text, sender, times (consent is `permit.py`). The first finding that
refuses a message is its verdict; nothing is stored for it.
"""

from collections.abc import Mapping, Sequence

from whimbrel.base.limits import DATA_MAX
from whimbrel.base.vault import Vault
from whimbrel.codec import segments
from whimbrel.codec.errors import CodecError
from whimbrel.codec.shifts import ALL_LANGUAGES
from whimbrel.codec.smart import smart
from whimbrel.domain import numbers, schedule, screening
from whimbrel.domain.senders import SenderBook
from whimbrel.journey.encode import check_parts
from whimbrel.journey.plan import Plan

_NO_SENDERS = SenderBook(())
_CLASSES = frozenset({"otp", "transactional", "marketing"})


def screen(
    plans: Sequence[Plan],
    *,
    senders: Mapping[str, SenderBook],
    vault: Vault,
) -> None:
    """Fill in number, segments, sender and times of each plan, or refuse it."""
    for plan in plans:
        if plan.refusal is None:
            _recipient(plan, vault)
        if plan.refusal is None:
            _text(plan)
        if plan.refusal is None:
            _sender(plan, senders.get(plan.draft.account_id, _NO_SENDERS))
        if plan.refusal is None:
            _times(plan)


def _recipient(plan: Plan, vault: Vault) -> None:
    draft = plan.draft
    if not draft.recipient:
        plan.refuse("recipient_missing", "/to")
        return
    number = numbers.normalise(draft.recipient)
    if number is None:
        plan.refuse("invalid_number", "/to")
        return
    plan.number = number
    plan.recipient_hash = vault.number_hash(number.e164)


def _text(plan: Plan) -> None:
    draft = plan.draft
    if draft.data is not None:
        _data(plan, draft.data)
        return
    problem = screening.text_problems(draft.text)
    if problem is not None:
        plan.refuse(problem.code, "/text", problem.detail)
        return
    text = draft.text
    if draft.options.smart:
        replaced = smart(text)
        text = replaced.text
        plan.replaced = tuple((r.position, r.original, r.replacement) for r in replaced.replacements)
    try:
        measure = segments.measure(text, languages=ALL_LANGUAGES)
    except CodecError as error:
        plan.refuse("invalid_text", "/text", str(error))
        return
    plan.text, plan.encoding, plan.segments, plan.shift = text, measure.encoding, measure.segments, measure.shift
    check_parts(plan)


def _data(plan: Plan, data: bytes) -> None:
    if not data or len(data) > DATA_MAX:
        detail = f"There are {len(data):,} octets; 1 to {DATA_MAX:,} are allowed."
        plan.refuse("text_too_long" if data else "text_missing", "/data", detail)
        return
    plan.text, plan.encoding, plan.segments = data.hex(), "binary", len(segments.cut_octets(data))
    check_parts(plan)


def _sender(plan: Plan, book: SenderBook) -> None:
    assert plan.number is not None
    if plan.pool is not None:
        return  # which chooses when the times are known
    chosen = book.choose(plan.draft.sender, plan.number.country)
    if isinstance(chosen, str):
        plan.refuse(chosen, "/sender")
        return
    plan.sender, plan.sender_value = chosen, chosen.value


def _times(plan: Plan) -> None:
    draft = plan.draft
    if draft.message_class not in _CLASSES:
        plan.refuse("invalid_class", "/class")
        return
    problem = schedule.problem(draft.send_at_us, draft.validity_s, plan.now)
    if problem is not None:
        plan.refuse(problem, "/send_at" if problem == "invalid_schedule" else "/validity")
        return
    plan.due_at, plan.expires_at = schedule.window(draft.message_class, draft.send_at_us, draft.validity_s, plan.now)
