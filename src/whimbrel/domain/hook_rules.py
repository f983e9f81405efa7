"""What a hook makes of a call: the events in it, the rules that match them, and for each the number, the text and the
time. Pure: data in, drafts or reasons out. All fields are found by JMESPath (`hook_paths`) in the event's own data, to
which `_headers`, `_query` and `_payload` (the whole body) are added. What the root element of an XML body holds is
found without it too, so that paths for JSON suit XML of the same members; `_root` is its name.
"""

import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
import phonenumbers
from msgspec import Meta

from whimbrel.base.limits import FLOW_VARIABLES_MAX, HOOK_EVENTS_MAX, HOOK_RECIPIENTS_MAX
from whimbrel.domain import numbers
from whimbrel.domain.hook_bodies import is_xml
from whimbrel.domain.hook_hours import Window, opening
from whimbrel.domain.hook_paths import PathError, found
from whimbrel.domain.hook_signatures import Auth, moment
from whimbrel.domain.model import MessageClass

Paths: TypeAlias = tuple[str, ...]

_ID_MAX: Final = 200
_VALUE_MAX: Final = 1_000  # characters of one variable
_PLACE: Final = re.compile(r"\{\{(.+?)\}\}", re.DOTALL)
_COUNTRY: Final = re.compile(r"[A-Z]{2}").fullmatch
_YES: Final = frozenset({"true", "yes", "y", "1", "on", "subscribed", "granted", "opted_in", "accepts"})


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where in a call its events are, and what is told about each. Each is a list of JMESPaths, of which the first that
    finds something counts."""

    events: Annotated[Paths, Meta(description="A list of events in the body; empty: the body is one event.")] = ()
    type: Annotated[Paths, Meta(description="What happened.")] = ()
    id: Annotated[Paths, Meta(description="The sender's id of the event; without one, its body is it.")] = ()
    time: Annotated[Paths, Meta(description="When it happened: RFC 3339, or Unix seconds or milliseconds.")] = ()
    subject: Annotated[Paths, Meta(description="What it happened to, such as the order's id.")] = ()
    ping: Annotated[Paths, Meta(description="Finds something in a call that is a test of the address.")] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is sent for which events. Every rule that matches an event sends."""

    name: Annotated[str, Meta(description="Its own within the hook.")]
    enabled: bool = True
    events: Annotated[Paths, Meta(description='Types: whole, with a star at the end ("orders/*"), or "*".')] = ("*",)
    condition: Annotated[str, Meta(description="A JMESPath that must find something true; empty: always.")] = ""
    to: Annotated[
        Paths,
        Meta(
            description="JMESPaths of the number (or of a list of numbers), of which the first that finds a valid one "
            "counts; or numbers themselves, with plus, several with commas. Empty: a flow that finds its phones itself."
        ),
    ]
    country: Annotated[Paths, Meta(description="Of national numbers: JMESPaths, or two capital letters.")] = ()
    language: Annotated[Paths, Meta(description="JMESPaths of the recipient's language, or a language itself.")] = ()
    text: Annotated[str, Meta(description="With `{{JMESPath or variable}}` where something is put in.")] = ""
    texts: Annotated[dict[str, str], Meta(description="The same by language; `text` is for all others.")] = {}
    template: Annotated[str, Meta(description="Name or id of a template, in place of a text.")] = ""
    flow: Annotated[str, Meta(description="Id of a flow that begins with a hook, in place of a text.")] = ""
    variables: Annotated[dict[str, str], Meta(description="JMESPaths by the names that text or template use.")] = {}
    message_class: MessageClass | None = msgspec.field(default=None, name="class")
    consent: Annotated[str, Meta(description="A JMESPath of the recipient's consent; marketing needs one.")] = ""
    sender: str | None = None
    shorten_links: Annotated[
        bool, Meta(description="Make every address a short link of the recipient's own; else those in `{url=…}`.")
    ] = False
    window: Window | None = None
    validity: Annotated[int | None, Meta(description="Seconds.")] = None
    newest_only: Annotated[
        bool, Meta(description="Send nothing for what is older than an event of its subject before.")
    ] = False


class HookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a hook has beside its name and its secret; kept as one JSON column."""

    auth: Auth
    mapping: Mapping = Mapping()
    rules: tuple[Rule, ...] = ()
    default_country: str = ""
    keep_days: int = 7
    reply: Literal["json", "salesforce"] = "json"


class HookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a call. `at` None: the sender does not say when."""

    type: str
    id: str
    at: int | None
    subject: str
    data: Any


class Miss(msgspec.Struct, frozen=True):
    """Why nothing is sent: a verdict, and what it is about (a variable, a path), never anybody's data."""

    verdict: str
    detail: str = ""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text that is ready, or the template that it is to be made of."""

    recipient: str
    text: str
    language: str
    send_at: int | None
    variables: dict[str, Any] = {}


VERDICTS: dict[str, str] = {
    "sent": "A text was accepted; its message says what became of it.",
    "flow_started": "A run of a flow began.",
    "flow_missing": "There is no such flow, it is not on, or it does not begin with a hook.",
    "duplicate": "The same event was sent for before.",
    "outdated": "A newer event of the same subject came before.",
    "no_rule": "No rule is for this event.",
    "no_number": "No path of the rule found a number.",
    "invalid_number": "What the paths found is no valid phone number.",
    "no_consent": "The consent that the rule asks for is not there.",
    "opted_out": "The recipient has opted out.",
    "variable_missing": "The text needs a value that the event does not have.",
    "template_missing": "There is no such template, or none that may be used.",
    "expression_failed": "A JMESPath could not be used on this event.",
    "too_many": "The call has more events, or the rule more recipients, than are taken.",
    "refused": "The message was refused; the reason is a code of docs/errors.md.",
    "paused": "The hook is paused.",
    "ping": "A test of the address, which sends nothing.",
    "empty": "The call has no event.",
    "bad_signature": "The call is not signed as this hook expects.",
    "bad_body": "The body could not be read.",
}
"""What the log says of a call and of each of its events."""


# ---------------------------------------------------------------- events


def is_ping(mapping: Mapping, root: Any) -> bool:
    """Whether the call only tests the address."""
    return _first(mapping.ping, root) not in (None, "", False)


def root_of(payload: Any, headers: MappingOf[str, str], query: MappingOf[str, str]) -> dict[str, Any]:
    """What paths are looked up in, for the call as a whole."""
    return _context(payload, payload, headers, query)


def events_of(mapping: Mapping, root: MappingOf[str, Any], fallback_id: str) -> list[HookEvent] | Miss:
    """The events of a call. `fallback_id`: of the body, where the sender gives its events none."""
    payload, headers, query = root["_payload"], root["_headers"], root["_query"]
    items = [payload]
    if mapping.events:
        listed = _first(mapping.events, root)
        items = listed if isinstance(listed, list) else [] if listed is None else [listed]
    if len(items) > HOOK_EVENTS_MAX:
        return Miss("too_many", f"{len(items)} events, of which {HOOK_EVENTS_MAX} are taken")
    events = []
    for place, item in enumerate(items):
        data = _context(item, payload, headers, query)
        own = _scalar(_first(mapping.id, data))
        at = _scalar(_first(mapping.time, data))
        events.append(
            HookEvent(
                type=_scalar(_first(mapping.type, data))[:_ID_MAX],
                id=own[:_ID_MAX] or f"{fallback_id}:{place}",
                at=moment(at) if at else None,
                subject=_scalar(_first(mapping.subject, data))[:_ID_MAX],
                data=data,
            )
        )
    return events


def _context(item: Any, payload: Any, headers: MappingOf[str, str], query: MappingOf[str, str]) -> dict[str, Any]:
    own = item if isinstance(item, dict) else {"value": item}
    if item is payload and isinstance(payload, dict) and is_xml(headers.get("content-type", "")):
        ((name, within),) = payload.items()
        own = {**(within if isinstance(within, dict) else {}), **own, "_root": name}
    return {**own, "_headers": headers, "_query": query, "_payload": payload}


# ---------------------------------------------------------------- rules


def matches(rule: Rule, event: HookEvent) -> bool:
    """Whether a rule is for an event. PathError."""
    if not rule.enabled or not any(_fits(pattern, event.type) for pattern in rule.events):
        return False
    return not rule.condition or _is_true(found(rule.condition, event.data))


def composed(rule: Rule, event: HookEvent, default_country: str, now_us: int) -> list[Text | Miss]:
    """What a rule sends for an event: a text for each recipient, or why not."""
    try:
        if rule.consent and not _is_yes(found(rule.consent, event.data)):
            return [Miss("no_consent", rule.consent)]
        recipients = _recipients(rule, event.data, default_country)
        if isinstance(recipients, Miss):
            return [recipients]
        language = _language(rule, event.data)
        made = _made(rule, event.data, language)
        if isinstance(made, Miss):
            return [made]
    except PathError as error:
        return [Miss("expression_failed", str(error))]
    text, variables = ("", made) if isinstance(made, dict) else (made, {})
    return [
        Text(
            recipient=number,
            text=text,
            language=language,
            send_at=opening(rule.window, number, now_us) if rule.window and number else None,
            variables=variables,
        )
        for number in recipients
    ]


def places_of(text: str) -> list[str]:
    """What a text puts in, in order."""
    return [place.strip() for place in _PLACE.findall(text)]


def is_path(entry: str) -> bool:
    """Whether an entry of `to` or `country` is a path, and not the thing itself."""
    return not entry.startswith("+") and not _COUNTRY(entry)


def _fits(pattern: str, kind: str) -> bool:
    return kind.startswith(pattern[:-1]) if pattern.endswith("*") else kind == pattern


def _recipients(rule: Rule, data: Any, default_country: str) -> list[str] | Miss:
    if rule.flow and not rule.to:
        return [""]  # the flow finds its phones itself
    country = _country(rule, data, default_country)
    seen = False
    for entry in rule.to:
        texts = entry.split(",") if entry.startswith("+") else _texts(found(entry, data))
        seen = seen or bool(texts)
        valid = list(dict.fromkeys(number for number in (_number(text, country) for text in texts) if number))
        if len(valid) > HOOK_RECIPIENTS_MAX:
            return Miss("too_many", f"{len(valid)} recipients, of which {HOOK_RECIPIENTS_MAX} are taken")
        if valid:
            return valid
    return Miss("invalid_number" if seen else "no_number", ", ".join(each for each in rule.to if is_path(each)))


def _number(text: str, country: str) -> str | None:
    known = numbers.normalise(text)
    if known is not None:
        return known.e164
    if not country or text.lstrip().startswith("+"):
        return None
    try:
        parsed = phonenumbers.parse(text[: numbers.MAX_INPUT], country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _country(rule: Rule, data: Any, default_country: str) -> str:
    for entry in rule.country:
        value = entry if not is_path(entry) else _scalar(found(entry, data)).strip().upper()
        if _COUNTRY(value):
            return value
    return default_country


def _language(rule: Rule, data: Any) -> str:
    """Lower case with a dash: "de-at"; empty when nobody says. An entry with a text of its own is a language itself."""
    for entry in rule.language:
        literal = entry if entry in rule.texts or (len(entry) == 2 and entry.isalpha()) else None
        value = literal or _scalar(found(entry, data))
        if value:
            return value.strip().replace("_", "-").lower()[:16]
    return ""


def text_for(rule: Rule, language: str) -> str:
    """The text in a language: its own, that of the language without the country, or the one for all others."""
    own = {name.replace("_", "-").lower(): text for name, text in rule.texts.items()}
    return own.get(language) or own.get(language.partition("-")[0]) or rule.text


def _rendered(rule: Rule, data: Any, language: str) -> str | Miss:
    template = text_for(rule, language)
    missing: list[str] = []

    def put(match: re.Match[str]) -> str:
        place = match[1].strip()
        value = _text(found(rule.variables.get(place, place), data))
        if not value:
            missing.append(place)
        return value

    text = _PLACE.sub(put, template)
    return Miss("variable_missing", missing[0]) if missing else text


def _made(rule: Rule, data: Any, language: str) -> str | dict[str, Any] | Miss:
    """The text, or what a template or flow makes one of."""
    if rule.flow:
        return _values(rule, data)
    return _variables(rule, data) if rule.template else _rendered(rule, data, language)


def _values(rule: Rule, data: Any) -> dict[str, Any] | Miss:
    """For a flow, whose expressions know lists, numbers and objects; what is not there leaves the flow's own."""
    values = {name: found(path, data) for name, path in rule.variables.items()}
    kept = {name: value for name, value in values.items() if value not in (None, "")}
    if len(msgspec.json.encode(kept)) > FLOW_VARIABLES_MAX:
        return Miss("expression_failed", f"the variables have more than {FLOW_VARIABLES_MAX:,} octets")
    return kept


def _variables(rule: Rule, data: Any) -> dict[str, str]:
    values = {name: _text(found(path, data)) for name, path in rule.variables.items()}
    return {name: value for name, value in values.items() if value}


# ---------------------------------------------------------------- values


def _first(paths: Sequence[str], data: Any) -> Any:
    for path in paths:
        value = found(path, data)
        if value not in (None, "", [], {}):
            return value
    return None


def _scalar(value: Any) -> str:
    """A value as text; empty for lists, objects and nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else ""


def _text(value: Any) -> str:
    """The same for a text, where a list of scalars is read out."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_scalar, value)))[:_VALUE_MAX]
    return _scalar(value).strip()[:_VALUE_MAX]


def _texts(value: Any) -> list[str]:
    """Numbers that were found: one, or a list of them."""
    values = value if isinstance(value, list) else [value]
    return [text for text in (_scalar(each).strip() for each in values) if text]


def _is_true(value: Any) -> bool:
    """As JMESPath has it: not null, false, nor empty."""
    return value is not None and value is not False and value not in ("", [], {})


def _is_yes(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _YES
    return value is True or value == 1
