"""A carrier's form: every setting is a field with a name of its own; those that few carriers differ in stand in groups.
What is typed reaches the API as what it is, so that the API says what is wrong with it.

Each kind of carrier has a sheet of its own; that of carriers over HTTP is in `http_carrier_form`.

Lists have an entry a line, tables a line `name = value` for each entry. A value of `tlvs` is a number where it is
written as one, exact octets after `hex:`, and otherwise a text; one in quotes is a text whatever it looks like. Fields
of a request are written in JSON.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, get_args

import msgspec

from whimbrel.codec.alphabets import Alphabet
from whimbrel.domain import dialect
from whimbrel.domain.carrier_kinds import AnySettings
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.edges.console.forms import Form, Problem
from whimbrel.edges.console.whole import whole_or_text

Kind = Literal[
    "text", "whole", "decimal", "flag", "choice", "lines", "wholes", "pair", "table", "shares", "tlvs", "json"
]
_HEX: Final = "hex:"


class Field(msgspec.Struct, frozen=True):
    """A setting as it is asked for. `choices`: what it may be, where that is a closed list."""

    setting: str
    kind: Kind
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """That of the form's field."""
        return f"settings.{self.setting}"


class Group(msgspec.Struct, frozen=True):
    """Fields that belong together, shown when somebody asks for them."""

    name: str
    fields: tuple[Field, ...]

    def is_wrong(self, problem: Problem | None) -> bool:
        """Whether one of them was refused."""
        return problem is not None and any(field.name in problem.fields for field in self.fields)


_FIRST: Final = (
    Field("profile", "text"), Field("host", "text"), Field("port", "whole"), Field("system_id", "text"),
    Field("system_type", "text"), Field("bind_mode", "choice", get_args(dialect.BindMode)), Field("binds", "whole"),
    Field("window", "whole"), Field("throughput_per_s", "whole"), Field("tls", "flag"), Field("tls_verify", "flag"),
)  # fmt: skip
_GROUPS: Final = (
    Group("link", (
        Field("interface_version", "choice", get_args(dialect.Version)), Field("hosts", "lines"),
        Field("address_range", "text"), Field("enquire_link_s", "whole"), Field("response_timeout_s", "decimal"),
        Field("bind_timeout_s", "decimal"), Field("reconnect_min_s", "decimal"), Field("reconnect_max_s", "decimal"),
        Field("outbind", "flag"),
    )),
    Group("tls", (
        Field("tls_server_name", "text"), Field("tls_ca_file", "text"), Field("tls_cert_file", "text"),
        Field("tls_key_file", "text"),
    )),
    Group("receipts", (
        Field("message_id", "choice", get_args(dialect.IdBase)),
        Field("receipts_on", "choice", get_args(dialect.ReceiptsOn)), Field("receipt_states", "table"),
        Field("receipt_errors", "table"), Field("receipts_by_text", "flag"), Field("query_sm", "flag"),
    )),
    Group("answers", (
        Field("temporary_statuses", "wholes"), Field("statuses", "table"), Field("charge_unknown", "flag"),
    )),
    Group("texts", (
        Field("long_messages", "choice", get_args(dialect.LongMessages)),
        Field("alphabet", "choice", get_args(Alphabet)), Field("alphabet_in", "choice", ("", *get_args(Alphabet))),
        Field("gsm7_coding", "whole"), Field("ucs2_coding", "whole"),
        Field("flash_coding", "choice", get_args(dialect.FlashCoding)), Field("national_languages", "flag"),
    )),
    Group("addresses", (
        Field("source_international", "pair"), Field("source_alphanumeric", "pair"), Field("source_short", "pair"),
        Field("destination", "pair"), Field("keep_plus", "flag"),
    )),
    Group("submits", (
        Field("service_type", "text"), Field("validity", "choice", get_args(dialect.Validity)),
        Field("tlvs", "tlvs"), Field("tlv_names", "table"),
    )),
    Group("cells", (Field("cells", "shares"),)),
)  # fmt: skip


class Sheet:
    """The form of one kind of carriers."""

    def __init__(self, first: Sequence[Field], groups: Sequence[Group], plain: AnySettings, **usual: Any) -> None:
        """`first`: what most carriers differ in; `groups`: all else. `plain` has the defaults, `usual` what a new one
        shows in place of some."""
        self.first = tuple(first)
        self.groups = tuple(groups)
        self.fields = (*first, *(field for group in groups for field in group.fields))
        self.choices = {field.setting: field.choices for field in self.fields if field.choices}
        self._defaults = _values(plain)
        self._usual = usual

    def filled(self, name: str, settings: AnySettings, *, sandbox: bool) -> Form:
        """The form of a carrier that is there."""
        return Form.of(self._written(_values(settings)) | {"name": name} | ({"sandbox": "1"} if sandbox else {}))

    def empty(self) -> Form:
        """The form of a new one: what most carriers have."""
        return Form.of(self._written(self._defaults | self._usual))

    def unusual(self, settings: AnySettings) -> list[tuple[str, str]]:
        """Settings of the groups that are not what they are by default, as they are written in the form."""
        values = _values(settings)
        fields = (field for group in self.groups for field in group.fields)
        return [
            (each.setting, _text(each, values[each.setting]))
            for each in fields
            if values[each.setting] != self._defaults[each.setting]
        ]

    def settings_of(self, form: Form, before: AnySettings | None = None) -> dict[str, Any]:
        """The settings as the API takes them: those that differ from what the carrier has (a new one: from what is
        usual), so that what a profile writes is not overwritten by what the form showed anyway. All of them where its
        profile is taken away: what that wrote would go back to the defaults, whatever the form shows."""
        sent = [field for field in self.fields if field.kind == "flag" or form.sent(field.name)]
        found = {field.setting: _read(field, form) for field in sent}
        usual = self._defaults if before is None else _values(before)
        if before is not None and before.profile and found.get("profile") == "":
            return found
        return {name: value for name, value in found.items() if value != usual[name]}

    def by_field(self, fields: Mapping[str, str]) -> dict[str, str]:
        """What is wrong, by the fields of the form: an entry of a list or a table has none of its own."""
        known = {field.name for field in self.fields}
        folded: dict[str, str] = {}
        for name, words in fields.items():
            owner = ".".join(name.split(".")[:2])
            if name in known or owner not in known:
                folded.setdefault(name, words)
            else:
                folded.setdefault(owner, f"{name.removeprefix(owner)[1:]}: {words}")
        return folded

    def _written(self, values: Mapping[str, Any]) -> dict[str, str]:
        shown = {field.name: _text(field, values[field.setting]) for field in self.fields if field.kind != "flag"}
        return shown | {field.name: "1" for field in self.fields if field.kind == "flag" and values[field.setting]}


# ---------------------------------------------------------------- values as they are typed


def _values(settings: AnySettings) -> dict[str, Any]:
    """As JSON has them."""
    values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(settings))
    return values


def _text(field: Field, value: Any) -> str:
    if field.kind == "json":
        return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() if value else ""
    if isinstance(value, Mapping):
        return "\n".join(f"{key} = {_entry(field, entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return (", " if field.kind == "pair" else "\n").join(str(each) for each in value)
    return str(value)


def _entry(field: Field, value: Any) -> str:
    if isinstance(value, Mapping):
        return _HEX + str(value["hex"])
    text = str(value)
    is_plain = field.kind != "tlvs" or isinstance(value, int) or (_tlv(text) == text and text == text.strip())
    return text if is_plain else f'"{text}"'


def _read(field: Field, form: Form) -> Any:
    if field.kind == "flag":
        return form.flag(field.name)
    return _READERS[field.kind](form.text(field.name))


def _decimal(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _pair(text: str) -> list[int | str]:
    return [whole_or_text(each) for each in text.replace(",", " ").split()]


def _status(text: str) -> int | str:
    """A command_status, which the field writes in hexadecimal as often as not."""
    try:
        return int(text, 16) if text.lower().startswith("0x") and len(text) <= 10 else whole_or_text(text)
    except ValueError:
        return text


def _table(value: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    def read(text: str) -> dict[str, Any]:
        found = {}
        for line in _lines(text):
            name, _, rest = line.partition("=")
            found[name.strip()] = value(rest.strip())
        return found

    return read


def _tlv(text: str) -> Any:
    if text.startswith(_HEX):
        return {"hex": text.removeprefix(_HEX).strip()}
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return whole_or_text(text)


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return text


_READERS: Final[Mapping[Kind, Callable[[str], Any]]] = {
    "text": str,
    "choice": str,
    "whole": whole_or_text,
    "decimal": _decimal,
    "lines": _lines,
    "wholes": lambda text: [_status(line) for line in _lines(text)],
    "pair": _pair,
    "table": _table(str),
    "shares": _table(whole_or_text),
    "tlvs": _table(_tlv),
    "json": _json,
}

SMPP: Final = Sheet(_FIRST, _GROUPS, CarrierSettings(host="", port=0), port=2775)
