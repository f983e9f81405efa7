"""Reads a flow's document, and says everything that is wrong with it: each error with a JSON pointer (RFC 6901) to
where it stands. What passes here runs; a run fails only by what its data are.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from whimbrel.base import limits
from whimbrel.base.errors import FieldError
from whimbrel.domain import flow_expressions as expressions
from whimbrel.domain.flow_documents import (
    NAME,
    RESERVED,
    STEPS,
    TRIGGERS,
    Branch,
    Conversation,
    Document,
    KeywordTrigger,
    Request,
    Send,
    Set,
    Step,
    Tag,
    Wait,
    WaitForAnswer,
)
from whimbrel.domain.numbers import normalise

RECIPIENT_ZONE: Final = "recipient"
_NAME = re.compile(NAME).fullmatch
_PATH = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|\[\.\.\.\]")
_WORD = re.compile(r"[^\s]{1,40}").fullmatch
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}").fullmatch
_GOTO: Final = ("next", "on_refused", "on_timeout", "on_error", "otherwise")
_MEMBERS: Final = frozenset({"trigger", "start", "steps", "variables", "description"})


class DocumentError(Exception):
    """What is wrong with a document: everything, in its order."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(errors[0].detail)
        self.errors = errors


def read(given: Mapping[str, Any]) -> Document:
    """The document; DocumentError with all that is wrong."""
    errors = list(_shape(given))
    if errors:
        raise DocumentError(errors)
    document = msgspec.convert(given, Document)
    errors = list(_meaning(document))
    if errors:
        raise DocumentError(errors)
    return document


def _shape(given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Each part for itself, so that one error does not hide another."""
    if len(msgspec.json.encode(given)) > limits.FLOW_DOCUMENT_MAX:
        yield FieldError("", f"has more than {limits.FLOW_DOCUMENT_MAX:,} octets as JSON")
    for name in given.keys() - _MEMBERS:
        yield FieldError(_pointer(name), "is no member of a flow")
    yield from _one_of(given.get("trigger"), "/trigger", TRIGGERS, "trigger")
    if not isinstance(given.get("start"), str):
        yield FieldError("/start", "must name the first step")
    if not isinstance(given.get("variables", {}), Mapping):
        yield FieldError("/variables", "must be an object")
    yield from _converted(given.get("description", ""), str, "/description")
    steps = given.get("steps")
    if not isinstance(steps, Mapping) or not steps:
        yield FieldError("/steps", "must be an object with at least one step")
        return
    if len(steps) > limits.FLOW_STEPS_MAX:
        yield FieldError("/steps", f"must have at most {limits.FLOW_STEPS_MAX} steps")
    for name, step in steps.items():
        if not _NAME(name):
            yield FieldError(_pointer("steps", name), "must be named in small letters, digits and _")
        yield from _one_of(step, _pointer("steps", name), STEPS, "step")


def _one_of(value: Any, pointer: str, kinds: Mapping[str, type[Any]], what: str) -> Iterator[FieldError]:
    if not isinstance(value, Mapping):
        yield FieldError(pointer, "must be an object")
        return
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        yield FieldError(pointer + "/type", f"must be a kind of {what}: {', '.join(kinds)}")
    else:
        for name in value.keys() - {"type", *kinds[kind].__struct_encode_fields__}:
            yield FieldError(f"{pointer}{_pointer(name)}", f"is no member of a {kind} {what}")
        yield from _members(value, kinds[kind], pointer)


def _members(value: Mapping[str, Any], kind: type[Any], pointer: str) -> Iterator[FieldError]:
    """Member by member."""
    for field in msgspec.structs.fields(kind):
        if field.encode_name in value:
            yield from _converted(value[field.encode_name], field.type, f"{pointer}{_pointer(field.encode_name)}")
        elif field.required:
            yield FieldError(f"{pointer}{_pointer(field.encode_name)}", "is missing")


def _converted(value: Any, kind: Any, pointer: str) -> Iterator[FieldError]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$")
        parts = [name or place for name, place in _PATH.findall(path)]
        yield FieldError(pointer + _pointer(*filter(None, parts)), _in_words(said))


def _in_words(said: str) -> str:
    """msgspec's words without Python's names of types."""
    return said.replace("Expected `", "must be `").replace("`str`", "a string").replace("`int`", "a whole number")


def _pointer(*parts: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _meaning(document: Document) -> Iterator[FieldError]:
    trigger = document.trigger
    if isinstance(trigger, KeywordTrigger):
        for place, word in enumerate(trigger.keywords):
            if not _WORD(word):
                yield FieldError(f"/trigger/keywords/{place}", "must be one word of at most 40 characters")
    for place, number in enumerate(getattr(trigger, "numbers", ())):
        if normalise(number) is None and not (number.isascii() and number.isdigit()):
            yield FieldError(f"/trigger/numbers/{place}", "must be a number in E.164 or a short code")
    if document.start not in document.steps:
        yield FieldError("/start", f"names no step: {document.start}")
    for name in document.variables:
        yield from _variable(name, _pointer("variables", name))
    for name, step in document.steps.items():
        yield from _step(step, _pointer("steps", name), document.steps)


def _variable(name: str, pointer: str) -> Iterator[FieldError]:
    if not _NAME(name):
        yield FieldError(pointer, "must be named in small letters, digits and _")
    elif name in RESERVED:
        yield FieldError(pointer, f"{name} is set by the run itself")


def _step(step: Step, pointer: str, steps: Mapping[str, Step]) -> Iterator[FieldError]:
    for member in _GOTO:
        target = getattr(step, member, None)
        if target is not None and target not in steps:
            yield FieldError(f"{pointer}/{member}", f"names no step: {target}")
    saved = getattr(step, "save_as", None)
    if saved is not None:
        yield from _variable(saved, f"{pointer}/save_as")
    yield from _of_kind(step, pointer, steps)


def _of_kind(step: Step, pointer: str, steps: Mapping[str, Step]) -> Iterator[FieldError]:
    match step:
        case Send():
            yield from _send(step, pointer)
        case Wait():
            yield from _wait(step, pointer)
        case WaitForAnswer():
            yield from _expression(step.whose, f"{pointer}/from")
        case Branch():
            yield from _branch(step, pointer, steps)
        case Set():
            yield from _set(step, pointer)
        case Tag():
            yield from _of_contact(step, pointer, ("add_lists", "remove_lists", "on_error"))
        case Request():
            yield from _request(step, pointer)
        case Conversation():
            yield from _conversation(step, pointer)
        case _:
            pass


def _set(step: Set, pointer: str) -> Iterator[FieldError]:
    yield from _of_contact(step, pointer, ("on_error",))
    for name, value in step.values.items():
        if step.on == "run" or not _NAME(name):
            yield from _variable(name, f"{pointer}/values{_pointer(name)}")
        yield from _expression(value, f"{pointer}/values{_pointer(name)}")


def _of_contact(step: Set | Tag, pointer: str, members: tuple[str, ...]) -> Iterator[FieldError]:
    for member in members:
        if step.on == "run" and getattr(step, member):
            yield FieldError(f"{pointer}/{member}", "belongs to `on`: `contact`")


def _send(step: Send, pointer: str) -> Iterator[FieldError]:
    if (step.text is None) == (step.template is None):
        yield FieldError(f"{pointer}/text", "either `text` or `template` must be there")
    if step.template is None and (step.variables or step.language):
        yield FieldError(f"{pointer}/variables", "belong to a `template`")
    yield from _text(step.text, f"{pointer}/text")
    yield from _expression(step.to, f"{pointer}/to")
    for name, value in step.variables.items():
        yield from _expression(value, f"{pointer}/variables{_pointer(name)}")


def _wait(step: Wait, pointer: str) -> Iterator[FieldError]:
    if [step.for_s, step.until, step.time_of_day].count(None) != 2:
        yield FieldError(pointer, "exactly one of `for_s`, `until` and `time_of_day` must be there")
    if step.minus_s and step.until is None:
        yield FieldError(f"{pointer}/minus_s", "belongs to `until`")
    yield from _expression(step.until, f"{pointer}/until")
    if not is_zone(step.zone):
        yield FieldError(f"{pointer}/zone", "must be `recipient` or a zone such as Europe/Berlin")


def is_zone(name: str) -> bool:
    """Whether it is `recipient` or a zone of the IANA time zone database."""
    if name == RECIPIENT_ZONE:
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _branch(step: Branch, pointer: str, steps: Mapping[str, Step]) -> Iterator[FieldError]:
    for place, case in enumerate(step.cases):
        yield from _expression(case.when, f"{pointer}/cases/{place}/when")
        if case.next is not None and case.next not in steps:
            yield FieldError(f"{pointer}/cases/{place}/next", f"names no step: {case.next}")


def _request(step: Request, pointer: str) -> Iterator[FieldError]:
    yield from _text(step.url, f"{pointer}/url")
    if not step.url.startswith(("https://", "http://")) or "{{" in step.url.split("/", 3)[2]:
        yield FieldError(f"{pointer}/url", "must begin with a scheme and a host that are not variable")
    if step.body is not None and step.method == "GET":
        yield FieldError(f"{pointer}/body", "belongs to a POST")
    for name, value in step.headers.items():
        if not _HEADER(name):
            yield FieldError(f"{pointer}/headers{_pointer(name)}", "must be named in letters, digits and -")
        yield from _text(value, f"{pointer}/headers{_pointer(name)}")
    for name, value in (step.body or {}).items():
        yield from _expression(value, f"{pointer}/body{_pointer(name)}")


def _conversation(step: Conversation, pointer: str) -> Iterator[FieldError]:
    yield from _text(step.note, f"{pointer}/note")
    for place, tag in enumerate(step.add_tags):
        if tag != tag.strip() or not tag.isprintable():
            yield FieldError(f"{pointer}/add_tags/{place}", "must be one line without blanks around it")


def _expression(value: str | None, pointer: str) -> Iterator[FieldError]:
    found = None if value is None else expressions.problem(value)
    if found is not None:
        yield FieldError(pointer, found)


def _text(value: str | None, pointer: str) -> Iterator[FieldError]:
    found = None if value is None else expressions.text_problem(value)
    if found is not None:
        yield FieldError(pointer, found)
