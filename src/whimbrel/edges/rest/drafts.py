"""From what was sent in to what accept takes: a batch's defaults, money and moments as integers, and the few checks
that are about this door's fields and not about texting.
"""

import datetime
from collections.abc import Mapping
from typing import Any

import msgspec

from whimbrel.base import limits, money
from whimbrel.domain.links import EVERY, MARKED, marks
from whimbrel.domain.model import PLAIN, Door, Draft, OnDoubt, Options
from whimbrel.domain.templates.use import TemplateUse
from whimbrel.domain.wire_form import BadWire, Wishes, octets, read
from whimbrel.edges.rest.shapes import MessageDefaults, NewMessage
from whimbrel.edges.shared.media import naming
from whimbrel.net.addresses import Reach
from whimbrel.store.interface import Verdict

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_NOTHING = MessageDefaults()
_BRACKETS = (dict, list)
_AT_MOST_ONCE = frozenset({"transactional", "marketing"})


def draft(
    new: NewMessage,
    account_id: str,
    test: bool,
    door: Door,
    *,
    reach: Reach,
    tlv_names: Mapping[str, str],
    defaults: MessageDefaults | None = None,
) -> Draft | Verdict:
    """The draft, or the verdict on a field that cannot be used. `reach`: where callbacks may lead; `tlv_names`: names
    that carriers gave their optional parameters."""
    common = defaults or _NOTHING
    send_at = new.send_at or common.send_at
    use: TemplateUse | None = None
    if not (new.template is None and new.variables is None and new.language is None and common.template is None):
        found = _template(new, common)
        if isinstance(found, Verdict):
            return found
        use = found
    options = _options(new, common, reach)
    if isinstance(options, Verdict):
        return options
    given_class = new.message_class or common.message_class
    text = "" if use else (common.text or "") if new.text is None else new.text
    shorten = common.shorten_links if new.shorten_links is None else new.shorten_links
    made = Draft(
        account_id,
        test,
        door,
        new.to or "",
        text,
        common.sender if new.sender is None else new.sender,
        given_class or ("" if use else "transactional"),  # type: ignore[arg-type]  # accept refuses others
        None if send_at is None else (send_at - _EPOCH) // _MICROSECOND,
        common.validity if new.validity is None else new.validity,
        options,
        template=use,
        links=EVERY if shorten else MARKED if shorten is None and marks(text) else None,
    )
    media = common.media if new.media is None else new.media
    if media:
        if new.data is not None or (common.data is not None and new.text is None):
            return _refused("media", "goes with `text`, and not with `data`")
        made = naming(made, media)
    if _is_plain(new) and (common is _NOTHING or _is_plain(common)):
        return made
    try:
        return _beyond(made, new, common, tlv_names)
    except BadWire as error:
        name = error.pointer[1:].partition("/")[0]
        return Verdict(code="invalid_request", detail=f"{name}: {error}.", pointer=error.pointer)


def _template(new: NewMessage, common: MessageDefaults) -> TemplateUse | Verdict | None:
    """What the text is to be made of: a message's own text or template goes before the defaults'."""
    is_own = new.template is not None
    ref = new.template if is_own else common.template
    has_text = new.text is not None or new.data is not None
    if ref is None or (has_text and not is_own):
        for name, given in (("variables", new.variables), ("language", new.language)):
            if given is not None:
                return _refused(name, "goes with `template`")
        return None
    if has_text:
        return _refused("template", "goes in place of `text` and `data`")
    if not is_own and (common.text is not None or common.data is not None):
        return _refused("template", "stands in the defaults beside a text: give one of them")
    variables = (new.variables or {}) if is_own else {**(common.variables or {}), **(new.variables or {})}
    return TemplateUse(ref, variables, new.language or common.language)


def _refused(name: str, detail: str) -> Verdict:
    return Verdict(code="invalid_request", detail=f"{name}: {detail}.", pointer=f"/{name}")


def _is_plain(new: NewMessage | MessageDefaults) -> bool:
    """Nothing but a text is asked for."""
    return new.data is None and not (new.tlvs or new.flash or new.udh) and new.data_coding is None


def _beyond(made: Draft, new: NewMessage, common: MessageDefaults, tlv_names: Mapping[str, str]) -> Draft:
    """The draft with what the message carries beyond its text, or with octets in place of it; `BadWire`."""
    if new.data is not None and new.text is not None:
        raise BadWire("/data", "goes in place of `text`")
    given = new.data if new.data is not None or new.text is not None else common.data
    data = None if given is None else octets("/data", given)
    wishes = Wishes(
        flash=common.flash if new.flash is None else new.flash,
        udh=common.udh if new.udh is None else new.udh,
        tlvs=common.tlvs if new.tlvs is None else new.tlvs,
        data_coding=common.data_coding if new.data_coding is None else new.data_coding,
    )
    wire = read(wishes, tlv_names, is_data=data is not None)
    options = made.options if wire is None else msgspec.structs.replace(made.options, wire=wire)
    return msgspec.structs.replace(made, options=options, data=data, text=made.text if data is None else "")


def _options(new: NewMessage, common: MessageDefaults, reach: Reach) -> Options | Verdict:
    url = new.callback_url or common.callback_url
    metadata = common.metadata if new.metadata is None else new.metadata
    tags = common.tags if new.tags is None else new.tags
    ceiling = new.max_price or common.max_price
    max_parts = new.max_parts or common.max_parts
    smart = common.smart if new.smart is None else new.smart
    on_doubt = new.on_doubt or common.on_doubt
    quiet_hours = new.quiet_hours or common.quiet_hours
    pool_id = common.pool if new.pool is None else new.pool
    if not (url or metadata or tags or ceiling or max_parts or smart or on_doubt or pool_id or quiet_hours):
        return PLAIN
    refusal = (
        _url_problem(url, reach)
        or _metadata_problem(metadata)
        or _tags_problem(tags)
        or _doubt_problem(on_doubt, new.message_class or common.message_class or _class_unsaid(new, common))
    )
    if refusal is not None:
        return refusal
    micros = None
    if ceiling is not None:
        try:
            micros = money.from_text(ceiling)
        except ValueError as error:
            return Verdict(code="invalid_request", detail=f"max_price: {error}.", pointer="/max_price")
        if micros < 0:
            return Verdict(code="invalid_request", detail="max_price: below zero.", pointer="/max_price")
    return Options(
        callback_url=url,
        on_doubt=on_doubt or "report",
        quiet_hours=quiet_hours,
        metadata=metadata,
        tags=tags or (),
        max_parts=max_parts,
        max_price_micros=micros,
        smart=bool(smart),
        pool_id=pool_id,
    )


def _class_unsaid(new: NewMessage, common: MessageDefaults) -> str:
    """Of a template it is known to accept alone, which looks at the rest then."""
    return "" if new.template is not None or common.template is not None else "transactional"


def _url_problem(url: str | None, reach: Reach) -> Verdict | None:
    """Form and literal addresses only: a name is resolved, and its addresses vetted, at each call."""
    if not url:
        return None
    found = reach.url_problem(url)
    if found is None and len(url) <= limits.URL_MAX:
        return None
    detail = found.detail if found else f"A URL has at most {limits.URL_MAX:,} characters."
    return Verdict(code="invalid_callback_url", detail=detail, pointer="/callback_url")


def _metadata_problem(metadata: dict[str, Any] | None) -> Verdict | None:
    if not metadata:
        return None
    if _depth(metadata) > limits.METADATA_DEPTH_MAX:
        detail = f"The metadata is nested deeper than {limits.METADATA_DEPTH_MAX} levels."
        return Verdict(code="metadata_too_large", detail=detail, pointer="/metadata")
    octets = len(msgspec.json.encode(metadata))
    if octets > limits.METADATA_MAX:
        detail = f"The metadata has {octets:,} octets; the most is {limits.METADATA_MAX:,}."
        return Verdict(code="metadata_too_large", detail=detail, pointer="/metadata")
    return None


def _depth(value: Any) -> int:
    """Levels of nesting, found level by level: a recursive walk is what a nesting bomb is made for."""
    level, depth = [value], 0
    while level:
        level = [inner for item in level for inner in _inside(item) if isinstance(inner, _BRACKETS)]
        depth += 1
    return depth


def _inside(item: Any) -> Any:
    return item.values() if isinstance(item, dict) else item


def _tags_problem(tags: tuple[str, ...] | None) -> Verdict | None:
    if not tags:
        return None
    if len(tags) > limits.TAGS_MAX:
        detail = f"There are {len(tags)} tags; the most is {limits.TAGS_MAX}."
        return Verdict(code="metadata_too_large", detail=detail, pointer="/tags")
    for place, tag in enumerate(tags):
        if not 0 < len(tag) <= limits.TAG_MAX or not tag.isprintable():
            detail = f"A tag has 1 to {limits.TAG_MAX} printable characters."
            code = "metadata_too_large" if len(tag) > limits.TAG_MAX else "invalid_request"
            return Verdict(code=code, detail=detail, pointer=f"/tags/{place}")
    return None


def _doubt_problem(on_doubt: OnDoubt | None, message_class: str) -> Verdict | None:
    """Other classes are at most once, so the wish would be ignored; an unknown class is accept's to refuse."""
    if on_doubt != "retry_once" or message_class not in _AT_MOST_ONCE:
        return None
    detail = f"retry_once is for the class otp: {message_class} is never sent again by itself."
    return Verdict(code="invalid_request", detail=detail, pointer="/on_doubt")
