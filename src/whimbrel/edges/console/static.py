"""Scripts, styles and pictures: each under an address that has the hash of its octets, so that browsers keep it for
good and never show an old one."""

import hashlib
import mimetypes
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

PREFIX: Final = "/console/static/"
_DIGITS: Final = 12


class Static:
    """All files of `static/`, read once."""

    def __init__(self) -> None:
        self._by_place: dict[str, tuple[bytes, str]] = {}
        self._places: dict[str, str] = {}
        for name, file in _walk(files("whimbrel.edges.console") / "static", ""):
            octets = file.read_bytes()
            place = f"{hashlib.sha256(octets).hexdigest()[:_DIGITS]}/{name}"
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            self._by_place[place] = (octets, kind)
            self._places[name] = PREFIX + place

    def url(self, name: str) -> str:
        """The address of a file. KeyError when there is none."""
        return self._places[name]

    async def serve(self, request: HttpRequest) -> Response:
        """The file at the address that is asked for."""
        found = self._by_place.get(request.path_params["place"])
        if found is None:
            return Response(status_code=404)
        octets, kind = found
        return Response(octets, media_type=kind, headers={"cache-control": "public, max-age=31536000, immutable"})


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, entry))
    return found
