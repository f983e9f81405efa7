"""Passwords of people: what a guess costs."""

from whimbrel.manage.people_passwords import NOBODY, PeoplePasswords

PASSWORD = "correct horse battery"
COST = "$argon2id$v=19$m=65536,t=3,p=4$"


async def test_what_is_kept_costs_what_rfc_9106_recommends_and_so_does_what_nobody_has(ctx):
    of_people = PeoplePasswords(ctx.chance)
    kept = await of_people.kept(PASSWORD)
    assert kept.startswith(COST) and NOBODY.startswith(COST) and len(kept) == len(NOBODY)
    assert await of_people.matches(PASSWORD, kept)
    assert not await of_people.matches("wrong", kept)
    assert not await of_people.matches(PASSWORD, "")
