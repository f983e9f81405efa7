"""XML as plain values: elements become objects, repeated ones lists, text strings. For bodies of other systems' calls.

A document type declaration is refused, and with it every entity: nothing is expanded, nothing is fetched. Prefixes of
namespaces are left away, for senders choose them freely. An attribute is the member `@name`, the text of an element
that also has members is `#text`.
"""

from typing import Any, Final
from xml.parsers import expat

from whimbrel.codec.errors import CodecError

DEPTH_MAX: Final = 32
ELEMENTS_MAX: Final = 20_000

Value = str | dict[str, Any] | None


class XmlError(CodecError):
    """Not XML that is taken here."""


class _Element:
    __slots__ = ("members", "name", "text")

    def __init__(self, name: str, members: dict[str, Any]) -> None:
        self.name = name
        self.members = members
        self.text: list[str] = []

    def value(self) -> Value:
        text = "".join(self.text).strip()
        if not self.members:
            return text or None
        return self.members | {"#text": text} if text else self.members

    def add(self, name: str, value: Value) -> None:
        """A name that comes again makes a list of its values."""
        known = self.members.get(name)
        if name not in self.members:
            self.members[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            self.members[name] = [known, value]


class _Reader:
    def __init__(self) -> None:
        self._open = [_Element("", {})]
        self._count = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) > DEPTH_MAX or self._count > ELEMENTS_MAX:
            raise XmlError(f"more than {DEPTH_MAX} levels or {ELEMENTS_MAX:,} elements")
        named = {f"@{_local(key)}": value for key, value in attributes.items() if not key.startswith("xmlns")}
        self._open.append(_Element(_local(name), dict(named)))

    def text(self, text: str) -> None:
        self._open[-1].text.append(text)

    def end(self, name: str) -> None:
        element = self._open.pop()
        self._open[-1].add(element.name, element.value())

    def refuse(self, *_: object) -> None:
        raise XmlError("a document type declaration is not taken")

    @property
    def root(self) -> dict[str, Any]:
        return self._open[0].members


def values(document: bytes) -> dict[str, Any]:
    """The document as an object with its root element as the one member. XmlError."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise XmlError(str(error)) from None
    return reader.root


def _local(name: str) -> str:
    return name.rpartition(":")[2]
