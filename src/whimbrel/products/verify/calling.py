"""Codes by a carrier of the operator's that speaks HTTP: one that calls people up, or a chat. It is posted what is to
be said, signed as webhooks are; an answer of 2xx means that it has taken it.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from whimbrel.base.clock import SECOND_US
from whimbrel.codec import signatures
from whimbrel.net.http import Failure, HttpClient, Response
from whimbrel.products.verify import texts
from whimbrel.products.verify.ways import Outcome, Parcel

_REFERENCE_MAX: Final = 128
_NOT_SENT: Final = frozenset(
    {"bad_url", "address_refused", "name_not_found", "connect_failed", "connect_timeout", "tls_failed"}
)
_LATER: Final = frozenset({429, 503})
_UNKNOWN: Final = frozenset({408, 500, 502, 504})
"""The answer of a server that may have done it, or of one before it that does not know."""
_encode = msgspec.json.Encoder().encode


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What is posted. `report_to`: where the carrier may tell what became of it. `spoken_text` has the code with its
    signs apart, so that a voice reads them one by one."""

    id: str
    verification_id: str
    account_id: str
    service_id: str
    channel: str
    to: str
    language: str
    text: str
    spoken_text: str
    code: str
    expires_in_s: int
    report_to: str


class _Taken(msgspec.Struct):
    id: str = ""


class HttpWay:
    """A carrier at `url`. `secret` is `whsec_…`."""

    takes_addresses = False

    def __init__(
        self, client: Callable[[], HttpClient], *, url: str, secret: str, timeout_s: float, public_url: str = ""
    ) -> None:
        self._make_client = client
        self._client: HttpClient | None = None
        self._url = url
        self._secret = self.report_secret = secret
        self._public_url = public_url.rstrip("/")
        self.timeout_s = timeout_s

    async def start(self) -> None:
        self._client = self._make_client()
        await self._client.start()

    async def stop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.stop()

    async def carry(self, parcel: Parcel) -> Outcome:
        assert self._client is not None, "the way is not started"
        body, seconds = _encode(said(parcel, self._public_url)), parcel.at_us // SECOND_US
        headers = {
            "content-type": "application/json",
            "webhook-id": parcel.attempt_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signatures.standard_webhook((self._secret,), parcel.attempt_id, seconds, body),
        }
        return outcome_of(await self._client.post(self._url, body, headers, timeout_s=self.timeout_s))


def said(parcel: Parcel, public_url: str = "") -> Said:
    """The body. `public_url`: where the carrier reaches us, if that is known."""

    def text(code: str) -> str:
        return texts.sentence(code, service=parcel.service, language=parcel.language, warns=parcel.warns)

    return Said(
        id=parcel.attempt_id,
        verification_id=parcel.verification_id,
        account_id=parcel.account_id,
        service_id=parcel.service_id,
        channel=parcel.channel,
        to=parcel.to,
        language=parcel.language,
        text=text(parcel.code),
        spoken_text=text(", ".join(parcel.code)),
        code=parcel.code,
        expires_in_s=parcel.expires_in_s,
        report_to=f"{public_url}/v1/verify/attempts/{parcel.attempt_id}/report",
    )


def outcome_of(answer: Response | Failure) -> Outcome:
    """What an answer, or none, means: 2xx is taken, and what cannot have been taken is refused."""
    if isinstance(answer, Failure):
        is_refused = answer.reason in _NOT_SENT
        return Outcome("refused" if is_refused else "in_doubt", answer.reason, is_temporary=is_refused)
    status = answer.status
    if 200 <= status < 300:
        return Outcome("sent", reference=_reference(answer.body))
    if status in _UNKNOWN:
        return Outcome("in_doubt", f"http_{status}")
    return Outcome("refused", f"http_{status}", is_temporary=status in _LATER)


def _reference(body: bytes) -> str:
    """What the carrier calls it, where it says so."""
    try:
        told = msgspec.json.decode(body, type=_Taken).id
    except msgspec.MsgspecError:
        return ""
    return told if len(told) <= _REFERENCE_MAX and told.isprintable() else ""
