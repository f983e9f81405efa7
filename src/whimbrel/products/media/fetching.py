"""A file is fetched from where its URL says. Every address on the way is vetted, that of each redirect too, as those of
webhooks are (`net/addresses.py`, `net/http.py`); no more is read than one medium may have, in no more time than one
fetch may take, and no more at once than a process may fetch. No account has more than half of those places: the slow
servers of one do not make what the others send wait until it is refused.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit
from weakref import WeakValueDictionary

from whimbrel.base.errors import WhimbrelError
from whimbrel.base.limits import MEDIA_REDIRECTS_MAX
from whimbrel.net.addresses import Reach
from whimbrel.net.http import Failure, HttpClient, Response

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200
_HEADERS: Final = {"Accept": "image/*, video/*, audio/*, application/pdf, text/vcard, text/calendar"}
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_REFUSED: Final = frozenset({"bad_url", "address_refused"})


class Fetcher:
    """Fetches for one process."""

    def __init__(self, client: HttpClient, *, bytes_max: int, timeout_s: int, at_once: int) -> None:
        self._client = client
        self._bytes_max = bytes_max
        self._timeout_s = timeout_s
        self._places = asyncio.Semaphore(at_once)
        self._share = max(1, at_once // 2)
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()  # by account, while it fetches

    async def fetch(
        self, url: str, reach: Reach, account_id: str = "", *, headers: Mapping[str, str] = _NO_HEADERS
    ) -> bytes:
        """The octets. WhimbrelError invalid_media_url, media_not_fetched, media_too_large. `headers`: more of them, for
        the server of this URL and no other that it redirects to."""
        problem = reach.url_problem(url)
        if problem is not None:
            raise WhimbrelError("invalid_media_url", f"{_upper(problem.detail)}.")
        own = self._own.setdefault(account_id, asyncio.Semaphore(self._share))
        try:
            async with asyncio.timeout(self._timeout_s), own, self._places:
                return await self._follow(url, headers)
        except TimeoutError:
            raise WhimbrelError("media_not_fetched", f"It took longer than {self._timeout_s} seconds.") from None

    async def _follow(self, url: str, headers: Mapping[str, str]) -> bytes:
        first = origin_of(url)
        for _ in range(MEDIA_REDIRECTS_MAX + 1):
            sent = {**_HEADERS, **headers} if origin_of(url) == first else _HEADERS
            answer = await self._client.get(url, sent, timeout_s=self._timeout_s, body_max=self._bytes_max + 1)
            if isinstance(answer, Failure):
                code = "invalid_media_url" if answer.reason in _REFUSED else "media_not_fetched"
                raise WhimbrelError(code, f"{_upper(answer.detail or answer.reason)}.")
            if answer.status not in _REDIRECTS or not answer.location:
                return self._body(answer)
            try:
                url = urljoin(url, answer.location)
            except ValueError:
                raise WhimbrelError("invalid_media_url", "It redirects to what is no URL.") from None
        raise WhimbrelError("media_not_fetched", f"It redirects more than {MEDIA_REDIRECTS_MAX} times.")

    def _body(self, answer: Response) -> bytes:
        if answer.status != _OK:
            raise WhimbrelError("media_not_fetched", f"Its server answers {answer.status}.")
        if len(answer.body) > self._bytes_max:
            raise WhimbrelError("media_too_large", f"A medium has at most {self._bytes_max:,} octets.")
        return answer.body


def origin_of(url: str) -> tuple[str, str]:
    """Scheme, and host with its port: who is called."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def name_in(url: str) -> str:
    """What the URL calls the file."""
    return unquote(urlsplit(url).path.rpartition("/")[2], errors="replace")


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]
