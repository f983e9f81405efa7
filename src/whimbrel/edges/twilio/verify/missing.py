"""What Twilio's Verify has and this one has not: each path answers what it is and what to take in its place, in
Twilio's form, rather than that it is not there.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from whimbrel.base.errors import FieldError, WhimbrelError
from whimbrel.edges.twilio.routes import Operation, Product, Reply, Request, product

_PUSH: Final = "There are no push factors here, so there is nothing to sign in for: enrol FactorType=totp."
_SENDERS: Final = "Senders are chosen by country in the account: see docs/messages.md and the service's `sender`."
_PASSKEYS: Final = "There are no passkeys here: enrol FactorType=totp."
_NOTHING_SENT: Final = "Authenticators show their code by themselves: there is nobody to notify."
_FORMS: Final = "There are no forms of push factors here."
_PLACES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("/v2/Services/{VA}/AccessTokens", _PUSH, ("POST",)),
    ("/v2/Services/{VA}/AccessTokens/{}", _PUSH, ("GET",)),
    ("/v2/Services/{VA}/MessagingConfigurations", _SENDERS, ("GET", "POST")),
    ("/v2/Services/{VA}/MessagingConfigurations/{}", _SENDERS, ("GET", "POST", "DELETE")),
    ("/v2/Services/{VA}/Entities/{}/Challenges/{YC}/Notifications", _NOTHING_SENT, ("POST",)),
    ("/v2/Services/{VA}/Passkeys/Factors", _PASSKEYS, ("POST",)),
    ("/v2/Services/{VA}/Passkeys/VerifyFactor", _PASSKEYS, ("POST",)),
    ("/v2/Services/{VA}/Passkeys/Challenges", _PASSKEYS, ("POST",)),
    ("/v2/Services/{VA}/Passkeys/ApproveChallenge", _PASSKEYS, ("POST",)),
    ("/v2/Forms/{}", _FORMS, ("GET",)),
)


def products(scope: str) -> tuple[Product, ...]:
    """The paths, each for whoever may read Verify."""
    return tuple(
        product(path, **{method: Operation(scope, _refusing(detail)) for method in methods})
        for path, detail, methods in _PLACES
    )


def _refusing(detail: str) -> Callable[[Request], Awaitable[Reply]]:
    async def refuse(request: Request) -> Reply:
        raise WhimbrelError("not_supported", detail, errors=[FieldError("", detail)])

    return refuse
