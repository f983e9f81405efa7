"""Verify's entities, factors and challenges by the `twilio` package of PyPI, unmodified; the codes are those of an
authenticator of the tests' own.
"""

import datetime

import pytest
import pytest_asyncio
from twilio.base.exceptions import TwilioException

from tests.edges.authenticator import code as code_of
from tests.edges.authenticator import scanned
from tests.edges.edge_rig import running_edge
from tests.journey.rig import ShiftedClock

from .test_verify import later, refused, service_of
from .twilio_rig import aside, sdk

pytestmark = pytest.mark.asyncio(loop_scope="module")

IDENTITY = "ff483d1ff591898a9942916050d2ca3f"
SECRET = "JBSWY3DPEHPK3PXP"
WRONG = "000000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory):
    async with running_edge(tmp_path_factory.mktemp("factors"), clock=ShiftedClock()) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def edge(installation):
    installation.customer = await installation.new_customer()
    return installation


@pytest.fixture
def v2(edge):
    client = sdk(edge)
    client.verify.base_url = edge.url
    yield client.verify.v2
    client.http_client.session.close()


def now_s(edge, away=0):
    return edge.app.manage.clock.now_us() / 1_000_000 + 30 * away


async def person_of(v2, **settings):
    service = await service_of(v2, **settings)
    return v2.services(service.sid).entities(IDENTITY)


async def enrolled(edge, person):
    """A factor that is confirmed, and its secret."""
    made = await aside(person.new_factors.create, friendly_name="Ada's phone", factor_type="totp")
    confirmed = await aside(person.factors(made.sid).update, auth_payload=code_of(made.binding["secret"], now_s(edge)))
    assert confirmed.status == "verified"
    later(edge, 31)
    return made


async def test_enrol_and_confirm(edge, v2):
    person = await person_of(v2, totp_issuer="Acme Bank", totp_code_length=8)
    made = await aside(
        person.new_factors.create, friendly_name="Ada's phone", factor_type="totp", metadata={"os": "Android"}
    )
    assert (made.sid[:2], made.entity_sid[:2], made.identity) == ("YF", "YE", IDENTITY)
    assert (made.status, made.factor_type, made.metadata) == ("unverified", "totp", {"os": "Android"})
    assert made.config == {"alg": "sha1", "skew": 1, "code_length": 8, "time_step": 30}
    assert isinstance(made.date_created, datetime.datetime)
    label, shown = scanned(made.binding["uri"], now_s(edge))
    assert (label, len(shown)) == ("Acme Bank:Ada's phone", 8)
    wrong = await aside(person.factors(made.sid).update, auth_payload="00000000")
    assert (wrong.sid, wrong.status) == (made.sid, "unverified")
    right = await aside(person.factors(made.sid).update, auth_payload=shown)
    assert (right.status, right.friendly_name) == ("verified", "Ada's phone")
    renamed = await aside(person.factors(made.sid).update, friendly_name="Old phone")
    fetched = await aside(person.factors(made.sid).fetch)
    assert (renamed.friendly_name, fetched.friendly_name, fetched.status) == ("Old phone", "Old phone", "verified")
    assert not hasattr(fetched, "binding")
    (listed,) = await aside(person.factors.list)
    assert (listed.sid, listed.url) == (made.sid, f"{edge.url}/v2/Services/{made.service_sid}/Entities/{IDENTITY}"
                                        f"/Factors/{made.sid}")  # fmt: skip
    assert await aside(person.factors(made.sid).delete)
    assert await refused(person.factors(made.sid).fetch) == (404, 20404)


async def test_a_code_is_right_wrong_and_not_twice(edge, v2):
    person = await person_of(v2)
    made = await enrolled(edge, person)
    given = code_of(made.binding["secret"], now_s(edge))
    right = await aside(person.challenges.create, factor_sid=made.sid, auth_payload=given)
    assert (right.sid[:2], right.status, right.factor_sid, right.factor_type) == ("YC", "approved", made.sid, "totp")
    assert right.date_responded is not None
    replayed = await aside(person.challenges.create, factor_sid=made.sid, auth_payload=given)
    wrong = await aside(person.challenges.create, factor_sid=made.sid, auth_payload=WRONG)
    assert (replayed.status, wrong.status, wrong.date_responded) == ("pending", "pending", None)
    later(edge, 31)
    given = code_of(made.binding["secret"], now_s(edge))
    answered = await aside(person.challenges(wrong.sid).update, auth_payload=given)
    assert (answered.sid, answered.status) == (wrong.sid, "approved")
    assert await refused(person.challenges(wrong.sid).update, auth_payload=given) == (403, 60323)
    later(edge, 301)
    assert (await aside(person.challenges(replayed.sid).fetch)).status == "expired"
    newest = [each.sid for each in await aside(person.challenges.list)]
    assert newest == [wrong.sid, replayed.sid, right.sid]
    oldest = await aside(person.challenges.list, order="asc", factor_sid=made.sid, page_size=2)
    assert [each.sid for each in oldest] == newest[::-1]
    approved = await aside(person.challenges.list, status="approved")
    assert [each.sid for each in approved] == [wrong.sid, right.sid]


async def test_too_many_wrong_codes_and_what_does_not_help(edge, v2):
    person = await person_of(v2)
    made = await enrolled(edge, person)
    for _ in range(5):
        assert (await aside(person.challenges.create, factor_sid=made.sid, auth_payload=WRONG)).status == "pending"
    right = {"factor_sid": made.sid, "auth_payload": code_of(made.binding["secret"], now_s(edge))}
    assert await refused(person.challenges.create, **right) == (429, 60202)
    new = await aside(person.new_factors.create, friendly_name="New", factor_type="totp")
    first = code_of(new.binding["secret"], now_s(edge))
    assert await refused(person.factors(new.sid).update, auth_payload=first) == (429, 60202)
    later(edge, 31)
    given = code_of(made.binding["secret"], now_s(edge))
    assert (await aside(person.challenges.create, factor_sid=made.sid, auth_payload=given)).status == "approved"


async def test_a_secret_of_ones_own(edge, v2):
    person = await person_of(v2)
    made = await aside(
        person.new_factors.create, friendly_name="a", factor_type="totp", binding_secret=SECRET, config_alg="sha256",
        config_time_step=60, config_code_length=7, config_skew=0,
    )  # fmt: skip
    assert made.binding["secret"] == SECRET
    assert made.config == {"alg": "sha256", "skew": 0, "code_length": 7, "time_step": 60}
    later(edge, 61 - now_s(edge) % 60)  # without a skew a code holds as long as its step, which begins now
    given = code_of(SECRET, now_s(edge), digits=7, step_s=60, algorithm="sha256")
    assert (await aside(person.factors(made.sid).update, auth_payload=given)).status == "verified"


async def test_a_challenge_with_details_that_waits(edge, v2):
    person = await person_of(v2)
    made = await enrolled(edge, person)
    until = datetime.datetime.fromtimestamp(now_s(edge) + 600, datetime.UTC)
    waiting = await aside(
        person.challenges.create, factor_sid=made.sid, expiration_date=until, details_message="Sign in?",
        details_fields=[{"label": "Where", "value": "Berlin"}], hidden_details={"ip": "192.0.2.7"},
    )  # fmt: skip
    assert waiting.status == "pending"
    assert abs((waiting.expiration_date - until).total_seconds()) <= 1
    assert waiting.details == {"message": "Sign in?", "fields": [{"label": "Where", "value": "Berlin"}]}
    assert waiting.hidden_details == {"ip": "192.0.2.7"}


async def test_people(edge, v2):
    service = await service_of(v2)
    entities = v2.services(service.sid).entities
    made = await aside(entities.create, identity="user@example.com")
    assert (made.sid[:2], made.identity, made.service_sid) == ("YE", "user@example.com", service.sid)
    assert set(made.links) == {"factors", "new_factors", "challenges"}
    assert await refused(entities.create, identity="user@example.com") == (409, 20409)
    others = [(await aside(entities.create, identity=f"user-{n}")).sid for n in range(3)]
    listed = await aside(entities.list, page_size=2)
    assert [each.sid for each in listed] == [*others[::-1], made.sid]
    assert (await aside(entities("user%40example.com").fetch)).sid == made.sid
    assert await aside(entities("user@example.com").delete)
    assert await refused(entities("user@example.com").fetch) == (404, 20404)


async def test_refusals(edge, v2):
    person = await person_of(v2)
    new = {"friendly_name": "a", "factor_type": "totp"}
    assert await refused(person.new_factors.create, friendly_name="a", factor_type="push") == (400, 60204)
    assert await refused(person.new_factors.create, **new, binding_secret="no") == (400, 60200)
    assert await refused(person.new_factors.create, **new, config_code_length=3) == (400, 60200)
    assert await refused(person.new_factors.create, **new, config_alg="md5") == (400, 60200)
    made = await aside(person.new_factors.create, **new)
    given = code_of(made.binding["secret"], now_s(edge))
    assert await refused(person.challenges.create, factor_sid=made.sid, auth_payload=given) == (403, 60318)
    assert await refused(person.challenges.create, factor_sid="YF" + "0" * 32, auth_payload=given) == (404, 20404)
    assert await refused(person.factors(made.sid).update, config_skew=2) == (400, 60204)
    far = datetime.datetime.fromtimestamp(now_s(edge) + 7200, datetime.UTC)
    assert await refused(person.challenges.create, factor_sid=made.sid, expiration_date=far) == (400, 60200)
    with pytest.raises(TwilioException, match="60200"):
        await aside(person.challenges.list, status="new")
    other = await edge.new_customer("Other")
    stranger = sdk(edge, user=other.id, token=other.auth_token)
    stranger.verify.base_url = edge.url
    foreign = stranger.verify.v2.services(made.service_sid).entities(IDENTITY)
    assert await refused(foreign.factors(made.sid).fetch) == (404, 20404)
    assert await refused(foreign.new_factors.create, **new) == (404, 20404)
    stranger.http_client.session.close()
