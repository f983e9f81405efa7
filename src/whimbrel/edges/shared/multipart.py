"""A form with one file (multipart/form-data, RFC 7578), read from a body that is whole and within its cap. Only what an
upload needs: the first part that names a file, and its name. The name and type that it says of itself are not believed.
"""

import re
from typing import Final

from whimbrel.base.errors import WhimbrelError

TYPE: Final = b"multipart/form-data"
_BOUNDARY = re.compile(rb'boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_FILE = re.compile(rb'filename="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)
_DISPOSITION: Final = b"content-disposition:"
_PARTS_MAX: Final = 20


def is_multipart(content_type: bytes) -> bool:
    """Whether a body is declared as such a form."""
    return content_type.partition(b";")[0].strip().lower() == TYPE


def file_in(body: bytes, content_type: bytes) -> tuple[bytes, str]:
    """The octets of the form's file, and what it calls itself. WhimbrelError invalid_multipart."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise WhimbrelError("invalid_multipart", "The content type names no boundary.")
    border = b"\r\n--" + (found[1] or found[2])
    _, *parts = (b"\r\n" + body).split(border, _PARTS_MAX)  # what stands before the first border is nothing (RFC 2046)
    for part in parts:
        if part.startswith(b"--"):
            break
        head, ends, octets = part.partition(b"\r\n\r\n")
        if not ends:
            raise WhimbrelError("invalid_multipart", "A part has no end of its head.")
        for line in head.split(b"\r\n"):
            named = _FILE.search(line) if line.lower().startswith(_DISPOSITION) else None
            if named is not None:
                return octets, named[1].decode("utf-8", "replace")
    raise WhimbrelError("invalid_multipart", "There is no file in it.")
