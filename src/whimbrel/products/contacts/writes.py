"""From what a request says of a contact to what is written: every value checked, each error at its place."""

from collections.abc import Iterable, Mapping
from typing import Any

from whimbrel.base import limits
from whimbrel.domain.contact_values import ValueProblem, stored, text_problem
from whimbrel.domain.contacts import ContactWrite, LabelKind, name_key
from whimbrel.domain.flow_checks import RECIPIENT_ZONE, is_zone
from whimbrel.domain.numbers import normalise
from whimbrel.manage.checks import Checks
from whimbrel.products.contacts.known import Known
from whimbrel.products.contacts.shapes import ContactChange, NewContact


def is_time_zone(text: str) -> bool:
    """Whether it is an IANA zone."""
    return text != RECIPIENT_ZONE and is_zone(text)


def columns(said: NewContact | ContactChange, known: Known, checks: Checks, at: str = "") -> dict[str, Any]:
    """What is said of a contact, by column. An empty text clears."""
    found: dict[str, Any] = {}
    if said.name is not None:
        found |= name_columns(said.name, checks, f"{at}/name")
    if said.language is not None:
        if said.language:
            checks.language(said.language, f"{at}/language")
        found["language"] = said.language or None
    if said.time_zone is not None:
        fits = said.time_zone == "" or is_time_zone(said.time_zone)
        checks.require(fits, f"{at}/time_zone", "must be a zone such as Europe/Berlin")
        found["zone"] = said.time_zone or None
    return found | _field_columns(said.fields, known, checks, f"{at}/fields")


def name_columns(name: str, checks: Checks, pointer: str) -> dict[str, Any]:
    """A name, and what it is found by."""
    problem = text_problem(name.strip())
    checks.require(problem is None, pointer, problem or "")
    return {"name": name.strip(), "name_key": name_key(name.strip())}


def _field_columns(fields: Mapping[str, Any], known: Known, checks: Checks, pointer: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.items():
        field = known.fields.get(name)
        checks.require(field is not None, f"{pointer}/{name}", "is no field: see /v1/contact-fields")
        if field is not None:
            try:
                found[field.column] = stored(field, value)
            except ValueProblem as problem:
                checks.require(False, f"{pointer}/{name}", str(problem))
    return found


def numbers_of(names: Iterable[str], kind: LabelKind, known: Known, checks: Checks, pointer: str) -> tuple[int, ...]:
    """Labels that have to be there, by name or id."""
    by_id = {each.id: each for each in known.labels.values() if each.kind == kind}
    found: list[int] = []
    for place, name in enumerate(names):
        label = known.labels.get((kind, name)) or by_id.get(name)
        checks.require(label is not None, f"{pointer}/{place}", f"is no {kind} of the account")
        if label is not None:
            found.append(label.number)
    return tuple(found)


def write_of(said: NewContact, new_id: str, known: Known, checks: Checks, at: str = "") -> ContactWrite:
    """A contact that is created or changed by its number; its tags exist already."""
    number = normalise(said.number)
    checks.require(number is not None, f"{at}/number", "must be a number in E.164")
    values = columns(said, known, checks, at)
    add = numbers_of(said.tags, "tag", known, checks, f"{at}/tags")
    add += numbers_of(said.lists, "list", known, checks, f"{at}/lists")
    checks.require(
        len(add) <= limits.CONTACT_LABELS_MAX, f"{at}/tags", f"may be {limits.CONTACT_LABELS_MAX} with lists"
    )
    e164, country = ("", "") if number is None else (number.e164, number.country)
    return ContactWrite(new_id, e164, country, values, add)
