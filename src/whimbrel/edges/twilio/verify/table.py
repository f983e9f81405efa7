"""Which path of Verify is which resource. None names an account: it is that of whoever asks."""

from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio.routes import Operation, Product, product
from whimbrel.edges.twilio.verify import missing
from whimbrel.edges.twilio.verify.attempts import Attempts
from whimbrel.edges.twilio.verify.challenges import Challenges
from whimbrel.edges.twilio.verify.entities import Entities, FactorPages
from whimbrel.edges.twilio.verify.limits import Buckets, RateLimits, SafeList
from whimbrel.edges.twilio.verify.services import Templates, VerifyServices
from whimbrel.edges.twilio.verify.verifications import Verifications
from whimbrel.edges.twilio.verify.webhooks import VerifyWebhooks

READ, WRITE, MANAGE = "verify:read", "verify:write", "verify:manage"


def products(services: Services) -> tuple[Product, ...]:
    """All of them; what is asked most stands first."""
    return (
        *_verifications(services),
        *_factors(services),
        *_services(services),
        *_limits(services),
        *_reports(services),
        *_webhooks(services),
        *missing.products(READ),
    )


def _verifications(services: Services) -> tuple[Product, ...]:
    of = Verifications(services)
    return (
        product("/v2/Services/{VA}/Verifications", POST=Operation(WRITE, of.create)),
        product("/v2/Services/{VA}/VerificationCheck", POST=Operation(WRITE, of.check)),
        product("/v2/Services/{VA}/Verifications/{}", GET=Operation(READ, of.fetch), POST=Operation(WRITE, of.update)),
    )


def _factors(services: Services) -> tuple[Product, ...]:
    people, factors, challenges = Entities(services), FactorPages(services), Challenges(services)
    person = "/v2/Services/{VA}/Entities/{}"
    return (
        product(
            f"{person}/Challenges",
            GET=Operation(READ, challenges.find),
            POST=Operation(WRITE, challenges.create),
        ),
        product(
            f"{person}/Challenges/{{YC}}",
            GET=Operation(READ, challenges.fetch),
            POST=Operation(WRITE, challenges.update),
        ),
        product(f"{person}/Factors", GET=Operation(READ, factors.find), POST=Operation(WRITE, factors.create)),
        product(
            f"{person}/Factors/{{YF}}",
            GET=Operation(READ, factors.fetch),
            POST=Operation(WRITE, factors.update),
            DELETE=Operation(WRITE, factors.delete),
        ),
        product("/v2/Services/{VA}/Entities", GET=Operation(READ, people.find), POST=Operation(WRITE, people.create)),
        product(person, GET=Operation(READ, people.fetch), DELETE=Operation(WRITE, people.delete)),
    )


def _services(services: Services) -> tuple[Product, ...]:
    of, templates = VerifyServices(services), Templates()
    return (
        product("/v2/Services", GET=Operation(READ, of.find), POST=Operation(MANAGE, of.create)),
        product(
            "/v2/Services/{VA}",
            GET=Operation(READ, of.fetch),
            POST=Operation(MANAGE, of.update),
            DELETE=Operation(MANAGE, of.delete),
        ),
        product("/v2/Templates", GET=Operation(READ, templates.find)),
    )


def _limits(services: Services) -> tuple[Product, ...]:
    of, buckets, safe = RateLimits(services), Buckets(services), SafeList(services)
    return (
        product("/v2/Services/{VA}/RateLimits", GET=Operation(READ, of.find), POST=Operation(MANAGE, of.create)),
        product(
            "/v2/Services/{VA}/RateLimits/{RK}",
            GET=Operation(READ, of.fetch),
            POST=Operation(MANAGE, of.update),
            DELETE=Operation(MANAGE, of.delete),
        ),
        product(
            "/v2/Services/{VA}/RateLimits/{RK}/Buckets",
            GET=Operation(READ, buckets.find),
            POST=Operation(MANAGE, buckets.create),
        ),
        product(
            "/v2/Services/{VA}/RateLimits/{RK}/Buckets/{BL}",
            GET=Operation(READ, buckets.fetch),
            POST=Operation(MANAGE, buckets.update),
            DELETE=Operation(MANAGE, buckets.delete),
        ),
        product("/v2/SafeList/Numbers", POST=Operation(MANAGE, safe.add)),
        product("/v2/SafeList/Numbers/{}", GET=Operation(READ, safe.fetch), DELETE=Operation(MANAGE, safe.delete)),
    )


def _reports(services: Services) -> tuple[Product, ...]:
    of = Attempts(services)
    return (
        product("/v2/Attempts", GET=Operation(READ, of.find)),
        product("/v2/Attempts/Summary", GET=Operation(READ, of.summarise)),
        product("/v2/Attempts/{VL}", GET=Operation(READ, of.fetch)),
    )


def _webhooks(services: Services) -> tuple[Product, ...]:
    of, place = VerifyWebhooks(services), "/v2/Services/{VA}/Webhooks"
    read, write = "webhooks:read", "webhooks:write"
    return (
        product(place, GET=Operation(read, of.find), POST=Operation(write, of.create)),
        product(
            f"{place}/{{YW}}",
            GET=Operation(read, of.fetch),
            POST=Operation(write, of.update),
            DELETE=Operation(write, of.delete),
        ),
    )
