"""What stands between the console and other sites (OWASP ASVS 3, 4 and 14): headers, the cookie, and the proof that a
form was ours. Pages hold no inline script and no inline style, so the policy allows none.
"""

import hashlib
import hmac
from typing import Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

PROOF_FIELD: Final = "csrf"
PROOF_HEADER: Final = "x-csrf-token"
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_OVER_TLS: Final = "max-age=31536000"
_UNDO_PATH: Final = "/console"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


class Cookie:
    """The session's cookie: `__Host-` and Secure where the console is reached over TLS; on a loopback without TLS one
    that is told apart by the port, because a browser sends cookies to all ports of a host."""

    def __init__(self, *, over_tls: bool) -> None:
        self.over_tls = over_tls

    def read(self, request: HttpRequest) -> str:
        """The secret that a browser sends; empty when it sends none."""
        return request.cookies.get(self._name(request), "")

    def put(self, request: HttpRequest, response: Response, secret: str) -> None:
        """Give the browser a secret."""
        name = self._name(request)
        response.set_cookie(name, secret, path="/", secure=self.over_tls, httponly=True, samesite="lax")

    def drop(self, request: HttpRequest, response: Response) -> None:
        """Take it away."""
        name = self._name(request)
        response.delete_cookie(name, path="/", secure=self.over_tls, httponly=True, samesite="lax")

    def put_undo(self, request: HttpRequest, response: Response, value: str, lasts_s: int) -> None:
        """Give the browser what takes back what was done; an empty one takes that away."""
        name = _undo_name(request)
        if value:
            response.set_cookie(
                name, value, max_age=lasts_s, path=_UNDO_PATH, secure=self.over_tls, httponly=True, samesite="lax"
            )
        else:
            response.delete_cookie(name, path=_UNDO_PATH, secure=self.over_tls, httponly=True, samesite="lax")

    def _name(self, request: HttpRequest) -> str:
        return "__Host-whimbrel" if self.over_tls else f"whimbrel_{request.url.port or 80}"


def undo_cookie(request: HttpRequest) -> str:
    """What takes back what was done last, as the browser holds it; empty where it holds nothing."""
    return request.cookies.get(_undo_name(request), "")


def _undo_name(request: HttpRequest) -> str:
    return f"whimbrel_undo_{request.url.port or 80}"


def token(secret: str) -> str:
    """What a form of this session carries."""
    return hashlib.sha256(b"csrf " + secret.encode()).hexdigest()


def is_safe(request: HttpRequest) -> bool:
    """Whether the request changes nothing."""
    return request.method in _SAFE_METHODS


def is_by_itself(request: HttpRequest) -> bool:
    """Whether a page may have asked for this without anybody touching it: parts and streams. They keep no session."""
    is_stream = "text/event-stream" in request.headers.get("accept", "")
    return is_safe(request) and (is_stream or "hx-request" in request.headers)


def comes_from_us(request: HttpRequest) -> bool:
    """Whether a page of ours sent this: browsers say so in Sec-Fetch-Site (Fetch Metadata), older ones in Origin."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    return origin.partition("://")[2] == request.headers.get("host", "")


def has_token(sent: str, secret: str) -> bool:
    """Whether a form's token is that of the session."""
    return hmac.compare_digest(sent.encode(), token(secret).encode())


def guard(response: Response, *, over_tls: bool, is_kept: bool = False) -> None:
    """Headers of every answer, but for those that it has of its own (a file that people brought is stricter); pages are
    kept by nobody."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if over_tls:
        response.headers["strict-transport-security"] = _OVER_TLS
    if not is_kept:
        response.headers["cache-control"] = "no-store"
