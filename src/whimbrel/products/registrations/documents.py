"""Files of registrations and numbers: small, of a few kinds, kept in the database as they came. They are given out as
downloads only, so what stands in them is never run.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from whimbrel.base import ids, limits
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.domain.registrations import Document
from whimbrel.manage import audit
from whimbrel.manage.checks import Checks
from whimbrel.manage.context import Context, commit, one
from whimbrel.products.registrations.shapes import DocumentView, NewDocument, document_view
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

_KINDS: Final = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "text/plain": b"",
}
"""Media types that are taken, and how such a file begins."""


async def add(ctx: Context, actor: str, subject_id: str, request: NewDocument, *, account_id: str) -> DocumentView:
    """Keep a file. WhimbrelError: invalid_request, document_limit. Whether the subject is there was looked at."""
    _check(request)
    row = Document(
        id=ctx.ids.new(ids.DOCUMENT),
        account_id=account_id,
        subject_id=subject_id,
        purpose=request.purpose,
        name=request.name,
        content_type=request.content_type,
        size=len(request.data),
        sha256=hashlib.sha256(request.data).hexdigest(),
        created_at=ctx.clock.now_us(),
    )
    async with ctx.lock:
        if len(await of_subject(ctx, subject_id, account_id=account_id)) >= limits.DOCUMENTS_PER_SUBJECT:
            raise WhimbrelError("document_limit")
        entry = audit.entry(ctx, actor, "document.created", row.id, account_id, subject=subject_id)
        await commit(ctx, [Write("document_insert", ((*to_columns(row), request.data),)), entry])
    return document_view(row)


async def of_subject(ctx: Context, subject_id: str, *, account_id: str) -> tuple[Document, ...]:
    """All of a registration or a number, in the order in which they came."""
    return tuple(await ctx.store.fetch(Document, "documents_of", subject_id, account_id))


async def by_subject(ctx: Context, subjects: Sequence[str]) -> Mapping[str, tuple[Document, ...]]:
    """The same of many, each of which was looked at."""
    rows = await ctx.store.fetch(Document, "documents_of_all", list(subjects))
    return {each: tuple(row for row in rows if row.subject_id == each) for each in subjects}


async def get(ctx: Context, document_id: str, *, account_id: str) -> DocumentView:
    """One of them; `not_found`."""
    return document_view(await existing(ctx, document_id, account_id))


async def content(ctx: Context, document_id: str, *, account_id: str) -> tuple[Document, bytes]:
    """The file itself."""
    row = await existing(ctx, document_id, account_id)
    return row, await one(ctx, bytes, "document_data", document_id, account_id)


async def delete(ctx: Context, actor: str, document_id: str, *, account_id: str) -> None:
    """Forget a file. Whether its subject may still be changed was looked at."""
    row = await existing(ctx, document_id, account_id)
    entry = audit.entry(ctx, actor, "document.deleted", document_id, account_id, subject=row.subject_id)
    await commit(ctx, [Write("document_delete", ((document_id,),)), entry])


async def existing(ctx: Context, document_id: str, account_id: str) -> Document:
    """The row; `not_found`."""
    return await one(ctx, Document, "document_by_id", document_id, account_id)


def _check(request: NewDocument) -> None:
    checks = Checks()
    checks.text(request.name, "/name")
    checks.require("/" not in request.name and "\\" not in request.name, "/name", "must be a name and no path")
    begins = _KINDS.get(request.content_type)
    checks.require(begins is not None, "/content_type", f"must be one of {', '.join(_KINDS)}")
    checks.require(len(request.data) > 0, "/data", "is empty")
    if begins is not None:
        checks.require(request.data.startswith(begins), "/data", f"is no {request.content_type}")
    checks.done()
    if len(request.data) > limits.DOCUMENT_MAX:
        most = f"{limits.DOCUMENT_MAX // 1024 // 1024} MiB"
        raise WhimbrelError(
            "body_too_large", f"A document has at most {most}.", errors=[FieldError("/data", "is too large")]
        )
