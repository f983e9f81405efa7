"""What a mail says, as a text: without signature and quotes, and from HTML where there is nothing plain."""

import re
from html import unescape
from typing import Final

_SIGNATURE: Final = "--"  # "-- " (RFC 3676 4.3), with its space or without
_RULE: Final = re.compile(r"_{10,}|-{3,} ?[^-]{3,60} ?-{3,}")  # what Outlook writes before what it quotes
_HEADING: Final = re.compile(r"\*?\w[\w -]{0,24}:\*? .+")
_HEADINGS: Final = 3
_TRAIL: Final = re.compile(r"\n{3,}")
_SPACES: Final = re.compile(r"[ \t\u00a0\u2007\u202f]+")
_UNSEEN: Final = re.compile("[\u00ad\u034f\u200b\u200c\u2060\ufeff\ufffc]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_BREAKS: Final = frozenset({"div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "table", "tr", "ul"})
_SILENT: Final = frozenset({"blockquote", "head", "script", "style", "template", "title"})
_RAW: Final = frozenset({"script", "style"})
_TAG: Final = re.compile(r"(?P<slash>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,15})(?![A-Za-z0-9])")
_RAW_END: Final = re.compile(r"</(?:script|style)", re.IGNORECASE)
_MARKS_MAX: Final = 500
_DEPTH_MAX: Final = 100
_VOID: Final = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_QUOTES: Final = ("gmail_quote", "moz-cite-prefix", "yahoo_quoted", "divRplyFwdMsg", "appendonsend")


def composed(subject: str, body: str, *, with_subject: bool) -> str:
    """The text to send."""
    parts = (tidy(subject), said(body)) if with_subject else (said(body),)
    return "\n".join(part for part in parts if part)


def said(body: str) -> str:
    """What the writer of a mail has written now."""
    lines = [line.rstrip() for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return tidy("\n".join(_unquoted(_up_to_the_end(lines))))


def tidy(text: str) -> str:
    """Without what nobody sees, and without empty space."""
    lines = (_SPACES.sub(" ", line).strip() for line in _UNSEEN.sub("", text.replace("\t", " ")).split("\n"))
    return _TRAIL.sub("\n\n", "\n".join(lines)).strip()


def unflowed(body: str, *, del_sp: bool) -> str:
    """Lines of format=flowed joined again (RFC 3676 4.2, 4.4)."""
    made: list[str] = []
    is_open = False
    for line in body.replace("\r\n", "\n").split("\n"):
        bare = line[1:] if line.startswith(" ") else line  # 4.4: space-stuffed
        if is_open and not bare.startswith(">"):
            made[-1] += bare
        else:
            made.append(bare)
        is_open = bare.endswith(" ") and bare != "-- " and not bare.startswith(">")
        if is_open and del_sp:
            made[-1] = made[-1][:-1]
    return "\n".join(made)


def from_html(markup: str) -> str:
    """What a page says; quoted parts, which mail programs mark, are left out."""
    reader, place, end = _Reader(), 0, len(markup)
    while place < end:
        opened = markup.find("<", place)
        begins = end if opened < 0 else opened
        reader.take(unescape(markup[place:begins]))
        place = _tag(reader, markup, begins) if begins < end else end
    return reader.text()


def _tag(reader: "_Reader", markup: str, opened: int) -> int:
    """What begins with an angle bracket, and where it ends. Each place is looked at once: the parser of the standard
    library takes a minute for sixty thousand octets of tags that nobody closes."""
    if markup.startswith("<!--", opened):
        closed = markup.find("-->", opened)
        return len(markup) if closed < 0 else closed + 3
    closed = markup.find(">", opened)
    if closed < 0:
        return len(markup)
    found = _TAG.match(markup, opened + 1, closed)
    if found is not None:
        return _named(reader, markup, found, closed)
    if markup[opened + 1] in "!?/":
        return closed + 1
    reader.take("<")
    return opened + 1


def _named(reader: "_Reader", markup: str, found: re.Match[str], closed: int) -> int:
    name = found["name"].lower()
    if found["slash"]:
        reader.end(name)
    elif name in _RAW:
        ends = _RAW_END.search(markup, closed)
        return len(markup) if ends is None else ends.start()
    else:
        reader.begin(name, markup[found.end() : min(closed, found.end() + _MARKS_MAX)])
    return closed + 1


def _up_to_the_end(lines: list[str]) -> list[str]:
    """Up to the signature, or to the mark under which another mail is repeated."""
    for place, line in enumerate(lines):
        if line == _SIGNATURE or _RULE.fullmatch(line) or _begins_headings(lines, place):
            return lines[:place]
    return lines


def _begins_headings(lines: list[str], place: int) -> bool:
    """Headers of another mail, in whatever language: several in a row, the first with an address."""
    block = lines[place : place + _HEADINGS]
    return len(block) == _HEADINGS and "@" in block[0] and all(_HEADING.fullmatch(line) for line in block)


def _unquoted(lines: list[str]) -> list[str]:
    """Without quoted lines and the line that says who wrote them."""
    kept: list[str] = []
    is_quoted = False
    for line in lines:
        if line.startswith(">"):
            if not is_quoted:
                _drop_attribution(kept)
            is_quoted = True
            continue
        is_quoted = is_quoted and not line
        if not is_quoted:
            kept.append(line)
    return kept


def _drop_attribution(kept: list[str]) -> None:
    """It ends with a colon, in any language, and may go over two lines; it names a date or an address."""
    while kept and not kept[-1]:
        kept.pop()
    is_broken = bool(kept) and kept[-1].count("<") > kept[-1].count(">")  # the line was broken before its ">:"
    if not kept or not (kept[-1].endswith(":") or is_broken):
        return
    last = kept.pop()
    if not any(character.isdigit() or character == "@" for character in last) and kept and kept[-1]:
        kept.pop()


class _Reader:
    """Takes tags and text in order."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._silenced: list[str] = []

    def begin(self, tag: str, marks: str) -> None:
        """A tag that opens; `marks` are its attributes."""
        if self._silenced:
            if tag not in _VOID and len(self._silenced) < _DEPTH_MAX:
                self._silenced.append(tag)
            return
        if (tag in _SILENT or any(mark in marks for mark in _QUOTES)) and tag not in _VOID:
            self._silenced.append(tag)
        elif tag == "br":
            self._parts.append("\n")
        elif tag in _BREAKS:
            self._break()
        elif tag in ("td", "th"):
            self._parts.append(" ")

    def end(self, tag: str) -> None:
        """A tag that closes."""
        if self._silenced:
            if tag in self._silenced:  # what was left open within it ends with it
                del self._silenced[len(self._silenced) - 1 - self._silenced[::-1].index(tag) :]
        elif tag in _BREAKS:
            self._break()

    def take(self, data: str) -> None:
        """Text."""
        if not self._silenced and (self._is_within_line() or data.strip()):
            self._parts.append(data.replace("\n", " "))

    def _is_within_line(self) -> bool:
        return bool(self._parts) and not self._parts[-1].endswith("\n")

    def _break(self) -> None:
        if self._is_within_line():
            self._parts.append("\n")

    def text(self) -> str:
        lines = (_SPACES.sub(" ", line).strip() for line in "".join(self._parts).split("\n"))
        return _TRAIL.sub("\n\n", "\n".join(lines)).strip()
