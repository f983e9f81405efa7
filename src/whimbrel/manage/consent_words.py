"""Words and texts of consent: the product's rows, and what the operator and accounts add to them or switch off. STOP
itself can be switched off by nobody, and what the FCC names as a revocation not by an account.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from whimbrel.base import ids, moments
from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.codec import segments
from whimbrel.domain.consent import Level, confirmation, plain_form, understood
from whimbrel.domain.consent_books import EVERY_BRAND, ConsentText, ConsentWord, TextBook
from whimbrel.domain.consent_words import REVOCATIONS, ROWS, Keyword
from whimbrel.domain.consents import WORDING_MAX, is_purpose
from whimbrel.domain.permission import MARKETING, Brand
from whimbrel.manage import accounts, audit
from whimbrel.manage.checks import Checks, is_language
from whimbrel.manage.context import Context, Page, check_leads, commit
from whimbrel.store.interface import Write
from whimbrel.store.rows import to_columns

KIND: Final = "consent"
WORDS_MAX: Final = 500
TEXTS_MAX: Final = 500
_WORD_MAX: Final = 60
_TEXT_MAX: Final = 300
_STOP: Final = "stop"
_ANY_LANGUAGE: Final = "*"
_NAME: Final = "{name}"

Answered = Literal["stop", "start", "help"]
ANSWERED: Final[tuple[Answered, ...]] = ("stop", "start", "help")


class NewConsentWord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A word or phrase. Case, accents, punctuation, emoji and spacing never count."""

    kind: Keyword
    word: Annotated[str, Meta(max_length=_WORD_MAX)]
    language: Annotated[str, Meta(description="Of the confirmation that follows, such as `de`.")] = "en"
    level: Annotated[
        Level,
        Meta(description="`whole`: all of the text; `first`: also with a few words behind it; `phrase`: anywhere."),
    ] = "whole"
    enabled: Annotated[bool, Meta(description="false: the product's word of this form means nothing.")] = True
    purpose: Annotated[str, Meta(description="What a word of kind `join` agrees to.")] = MARKETING
    wording: Annotated[
        str, Meta(max_length=WORDING_MAX, description="What is promised where a word of kind `join` is read.")
    ] = ""


class ConsentWordView(msgspec.Struct, frozen=True, kw_only=True):
    """A word. `origin`: `product` (without an id), `operator` or `account`."""

    id: str | None
    origin: Literal["product", "operator", "account"]
    kind: Keyword
    language: str
    level: Level
    word: str
    enabled: bool
    purpose: str
    wording: str
    source: str
    confidence: str
    as_of: str


class NewConsentText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text in place of the product's. `{name}` stands for the name of the brand or account."""

    kind: Answered
    text: Annotated[str, Meta(max_length=_TEXT_MAX, description="One segment, and no marketing in one for `stop`.")]
    language: Annotated[str, Meta(description="Such as `de`; `*`: every language that has none of its own.")] = "*"
    brand: Annotated[str | None, Meta(description="Id of a brand; without it of every brand that has none.")] = None


class ConsentTextView(msgspec.Struct, frozen=True, kw_only=True):
    """A text."""

    id: str
    origin: Literal["operator", "account"]
    kind: Answered
    language: str
    brand: str | None
    text: str
    updated_at: str


class ConsentAnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent now. `id`: of the text that it is made of; null: the product's. Without an account `{name}` stands
    as it is written."""

    kind: Answered
    origin: Literal["product", "operator", "account"]
    id: str | None
    text: str
    segments: int
    encoding: str


# ---------------------------------------------------------------- words


async def find_words(ctx: Context, *, account_id: str | None) -> Page[ConsentWordView]:
    """What holds for an account, or (None) what the operator has made of the product's words."""
    rows = await _words(ctx)
    own = [row for row in rows if row.account_id in (None, account_id)]
    off = {row.plain for row in own if not row.enabled}
    return Page((*map(_view, own), *_shipped(off)))


async def add_word(ctx: Context, actor: str, request: NewConsentWord, *, account_id: str | None) -> ConsentWordView:
    """Add a word, or switch one of the product's off."""
    plain = plain_form(request.word)
    await _check_owner(ctx, account_id)
    _check_word(request, plain, account_id)
    async with ctx.lock:
        own = [row for row in await _words(ctx) if row.account_id == account_id]
        if len(own) >= WORDS_MAX:
            raise WhimbrelError("conflict", f"There are at most {WORDS_MAX} words.")
        if any((row.level, row.plain) == (request.level, plain) for row in own):
            raise WhimbrelError("conflict", "There is a row for this word: delete it first.")
        row = ConsentWord(
            id=ctx.ids.new(ids.CONSENT_WORD),
            account_id=account_id,
            kind=request.kind,
            language=request.language,
            level=request.level,
            word=" ".join(request.word.split()),
            plain=plain,
            enabled=request.enabled,
            purpose=request.purpose if request.kind == "join" else "",
            wording=request.wording,
            created_at=ctx.clock.now_us(),
        )
        entry = audit.entry(ctx, actor, "consent_word.added", row.id, account_id, kind=row.kind)
        await commit(ctx, [Write("consent_word_put", (to_columns(row),)), entry], KIND)
    return _view(row)


async def delete_word(ctx: Context, actor: str, word_id: str, *, account_id: str | None) -> None:
    """Take an own word away; the product's of that form means again what it did."""
    await _check_owner(ctx, account_id)
    async with ctx.lock:
        if not any(row.id == word_id and row.account_id == account_id for row in await _words(ctx)):
            raise WhimbrelError("not_found")
        entry = audit.entry(ctx, actor, "consent_word.deleted", word_id, account_id)
        await commit(ctx, [Write("consent_word_delete", ((word_id,),)), entry], KIND)


# ---------------------------------------------------------------- texts


async def find_texts(ctx: Context, *, account_id: str | None) -> Page[ConsentTextView]:
    """The texts of an account and the operator's."""
    rows = await _texts(ctx)
    return Page(tuple(_text_view(row) for row in rows if row.account_id in (None, account_id)))


async def put_text(ctx: Context, actor: str, request: NewConsentText, *, account_id: str | None) -> ConsentTextView:
    """Set the text of a kind, brand and language."""
    await _check_owner(ctx, account_id)
    await _check_text(ctx, request, account_id)
    brand_id = request.brand or EVERY_BRAND
    key = (account_id, brand_id, request.kind, request.language)
    async with ctx.lock:
        rows = await _texts(ctx)
        known = next((r for r in rows if (r.account_id, r.brand_id, r.kind, r.language) == key), None)
        if known is None and sum(row.account_id == account_id for row in rows) >= TEXTS_MAX:
            raise WhimbrelError("conflict", f"There are at most {TEXTS_MAX} texts.")
        id_ = ctx.ids.new(ids.CONSENT_TEXT) if known is None else known.id
        row = ConsentText(id_, *key, request.text, ctx.clock.now_us())
        entry = audit.entry(ctx, actor, "consent_text.set", id_, account_id, kind=request.kind)
        await commit(ctx, [Write("consent_text_put", (to_columns(row),)), entry], KIND)
    return _text_view(row)


async def delete_text(ctx: Context, actor: str, text_id: str, *, account_id: str | None) -> None:
    """Take a text away: the next one that fits is sent."""
    await _check_owner(ctx, account_id)
    async with ctx.lock:
        if not any(row.id == text_id and row.account_id == account_id for row in await _texts(ctx)):
            raise WhimbrelError("not_found")
        entry = audit.entry(ctx, actor, "consent_text.deleted", text_id, account_id)
        await commit(ctx, [Write("consent_text_delete", ((text_id,),)), entry], KIND)


async def preview(
    ctx: Context, *, language: str, brand_id: str | None, account_id: str | None
) -> Page[ConsentAnswerView]:
    """What STOP, START and HELP are answered in a language, in the name of a brand or of the account."""
    if not is_language(language):
        raise WhimbrelError("invalid_parameter", errors=[FieldError("language", "must be such as `de`")])
    name = _NAME if account_id is None else (await accounts.existing(ctx, account_id)).name
    if brand_id is not None:
        brands = await ctx.store.fetch(Brand, "brands_of", account_id or "")
        named = {each.id: each.name for each in brands}
        if brand_id not in named:
            raise WhimbrelError("not_found")
        name = named[brand_id]
    book = TextBook(await _texts(ctx))
    return Page(
        tuple(_answer(book.row(account_id, brand_id, kind, language), kind, name, language) for kind in ANSWERED)
    )


def _answer(row: ConsentText | None, kind: Answered, name: str, language: str) -> ConsentAnswerView:
    text = confirmation(kind, name, language, row.text if row else "")
    measured = segments.measure(text)
    return ConsentAnswerView(
        kind=kind,
        origin="product" if row is None else "operator" if row.account_id is None else "account",
        id=row.id if row else None,
        text=text,
        segments=measured.segments,
        encoding=measured.encoding,
    )


# ---------------------------------------------------------------- parts of them


async def _words(ctx: Context) -> list[ConsentWord]:
    return await ctx.store.fetch(ConsentWord, "consent_words_all")


async def _texts(ctx: Context) -> list[ConsentText]:
    return await ctx.store.fetch(ConsentText, "consent_texts_all")


async def _check_owner(ctx: Context, account_id: str | None) -> None:
    if account_id is None:
        check_leads(ctx)
    else:
        await accounts.existing(ctx, account_id)


def _check_word(request: NewConsentWord, plain: str, account_id: str | None) -> None:
    checks = Checks()
    checks.require(bool(plain), "/word", "must have letters or digits")
    checks.language(request.language, "/language")
    if not request.enabled:
        checks.require(plain != _STOP, "/enabled", "cannot be false for STOP")
        is_law = account_id is not None and plain in REVOCATIONS
        checks.require(not is_law, "/enabled", "cannot be false for a word that the FCC names; the operator may")
    else:
        means_stop = plain in REVOCATIONS and request.kind != "stop"
        checks.require(not means_stop, "/word", "means STOP")
    if request.kind == "join":
        checks.require(request.level != "phrase", "/level", "cannot be `phrase`: nobody agrees by a guess")
        checks.require(bool(is_purpose(request.purpose)), "/purpose", "must be small letters, digits, _ . -")
    checks.done()


async def _check_text(ctx: Context, request: NewConsentText, account_id: str | None) -> None:
    checks = Checks()
    checks.text(request.text, "/text", longest=_TEXT_MAX)
    if request.language != _ANY_LANGUAGE:
        checks.language(request.language, "/language")
    others = request.text.replace(_NAME, "")
    checks.require(not {"{", "}"} & set(others), "/text", f"may have no braces but those of {_NAME}")
    shown = request.text.replace(_NAME, "N" * 20)
    checks.require(segments.measure(shown).segments == 1, "/text", "must fit one segment, with a name of 20 characters")
    said = understood(others)
    means_itself = said is not None and not said.is_guess
    checks.require(not means_itself, "/text", "is a keyword: a machine that gets it would answer it")
    if request.brand is not None:
        known = await ctx.store.fetch(Brand, "brands_of", account_id or "")
        checks.require(any(each.id == request.brand for each in known), "/brand", "is no brand of the account")
    checks.done()


def _view(row: ConsentWord) -> ConsentWordView:
    return ConsentWordView(
        id=row.id,
        origin="operator" if row.account_id is None else "account",
        kind=row.kind,
        language=row.language,
        level=row.level,
        word=row.word,
        enabled=row.enabled,
        purpose=row.purpose,
        wording=row.wording,
        source="",
        confidence="",
        as_of=moments.to_text(row.created_at)[:10],
    )


def _shipped(off: set[str]) -> Sequence[ConsentWordView]:
    levels: tuple[tuple[str, Level], ...] = (("whole", "whole"), ("first", "first"), ("phrases", "phrase"))
    return [
        ConsentWordView(
            id=None,
            origin="product",
            kind=row.meaning,
            language=row.language,
            level=level,
            word=word,
            enabled=plain_form(word) not in off,
            purpose="",
            wording="",
            source=row.source,
            confidence=row.confidence,
            as_of=row.as_of,
        )
        for row in ROWS
        for column, level in levels
        for word in getattr(row, column)
    ]


def _text_view(row: ConsentText) -> ConsentTextView:
    return ConsentTextView(
        id=row.id,
        origin="operator" if row.account_id is None else "account",
        kind="start" if row.kind == "join" else row.kind,
        language=row.language,
        brand=row.brand_id or None,
        text=row.text,
        updated_at=moments.to_text(row.updated_at),
    )
