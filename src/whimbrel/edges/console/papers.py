"""Papers of registrations and numbers: a file that the browser reads is one request with its octets, and a script sends
it; downloads are files and never pages.
"""

import base64
from typing import Final

from starlette.responses import Response

from whimbrel.base import limits
from whimbrel.base.errors import WhimbrelError
from whimbrel.edges.console.request import Request

_OCTETS: Final = "application/octet-stream"
MOST: Final = limits.DOCUMENT_MAX
_ENDS: Final = {".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
                ".txt": "text/plain"}  # fmt: skip


async def bring(request: Request, subject: str, operation: str) -> Response:
    """Keep the file whose octets the body is: its name and purpose stand in the address. `subject`: the operation that
    reads what it is for."""
    if not request.api.may(operation):
        raise WhimbrelError("forbidden", request.words("registrations.not_for_you"))
    await request.api(subject, path={"id": request.path["id"]})
    if request.http.headers.get("content-type") != _OCTETS:
        raise WhimbrelError("unsupported_media_type", f"Send the file as {_OCTETS}.")
    octets = bytearray()
    async for part in request.http.stream():
        octets += part
        if len(octets) > MOST:
            raise WhimbrelError("body_too_large")
    name = request.query.text("name")
    ends = "." + name.rpartition(".")[2].lower()
    body = {
        "name": name,
        "content_type": _ENDS.get(ends, _OCTETS),
        "data": base64.b64encode(octets).decode(),
        "purpose": request.query.text("purpose"),
    }
    made = await request.api(operation, path={"id": request.path["id"]}, body=body)
    return Response(made.id, media_type="text/plain")


async def content(request: Request) -> Response:
    """The file, as a download."""
    path = {"id": request.path["id"]}
    row = await request.api("getDocument", path=path)
    data = await request.api("getDocumentContent", path=path)
    headers = {
        "content-disposition": f'attachment; filename="{row.id}.{row.content_type.rpartition("/")[2]}"',
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    return Response(data, media_type=_OCTETS, headers=headers)
