"""The page that a link in a text with media leads to, and what is on it. It shows the media and nothing else: not the
text, not who sent it, nothing of another host, no script. What browsers do not show by themselves is a download.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape
from typing import Final

from whimbrel.domain.media import Medium, kind_of
from whimbrel.edges.shared.asgi import Headers

_STYLE: Final = (
    ":root{color-scheme:light dark}body{margin:0;padding:16px;font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:960px;margin:0 auto}figure{margin:0 0 24px;text-align:center}"
    "img,video{max-width:100%;max-height:90vh;height:auto;border-radius:8px}audio{width:100%}"
    "a{display:inline-block;padding:12px 20px;border:1px solid currentColor;border-radius:8px;color:inherit}"
)
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS: Final[Headers] = [
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        f"default-src 'none'; img-src 'self'; media-src 'self'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'".encode(),
    ),
]
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PARTIAL: Final = 206
_UNSATISFIED: Final = 416


def page(code: str, media: Sequence[Medium]) -> bytes:
    """The page; its media are at the number of their place below it."""
    shown = "".join(f"<figure>{_shown(f'{code}/{place}', each)}</figure>" for place, each in enumerate(media, 1))
    title = escape(media[0].name if len(media) == 1 else f"{len(media)} files")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>{shown}</main></body></html>"
    ).encode()


def _shown(place: str, medium: Medium) -> str:
    name = escape(medium.name)
    match kind_of(medium.content_type).shown:
        case "image":
            return f'<img src="{place}" alt="{name}">'
        case "video":
            return f'<video src="{place}" controls playsinline preload="metadata" aria-label="{name}"></video>'
        case "audio":
            return f'<audio src="{place}" controls preload="metadata" aria-label="{name}"></audio>'
        case _:
            return f'<a href="{place}" download="{name}">{name} ({max(1, medium.size // 1024):,} KiB)</a>'


def content(medium: Medium, octets: bytes, wanted: str) -> tuple[int, Headers, bytes]:
    """A medium, or the part of it that the header `Range` wants (phones play films by parts): status, headers, octets
    (RFC 9110 14.2; what is no single range is as if it were not there)."""
    shown = "inline" if kind_of(medium.content_type).shown else "attachment"
    headers: Headers = [
        (b"content-type", medium.content_type.encode()),
        (b"content-disposition", f'{shown}; filename="{medium.name}"'.encode()),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"accept-ranges", b"bytes"),
    ]
    found = _RANGE.fullmatch(wanted)
    if found is None or not (found[1] or found[2]):
        return 200, headers, octets
    size = len(octets)
    start = int(found[1]) if found[1] else max(0, size - int(found[2]))
    end = min(size - 1, int(found[2])) if found[1] and found[2] else size - 1
    if start > end:
        return _UNSATISFIED, [(b"content-range", f"bytes */{size}".encode())], b""
    headers.append((b"content-range", f"bytes {start}-{end}/{size}".encode()))
    return _PARTIAL, headers, octets[start : end + 1]
