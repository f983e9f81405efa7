"""Messages of templates through the whole journey: what carriers in India are told, and what a node has at hand."""

import pytest

from tests.journey.rig import ACTOR, rig
from whimbrel.base.errors import WhimbrelError
from whimbrel.domain.callbacks import message_options
from whimbrel.domain.model import Draft, Options
from whimbrel.domain.templates.document import Dlt, DltTemplate
from whimbrel.domain.templates.use import TemplateUse
from whimbrel.domain.wire import Wire
from whimbrel.products.templates import keeping, versions
from whimbrel.products.templates.render import render
from whimbrel.products.templates.shapes import NewTemplate, TemplateChange

INDIA, ELSEWHERE = "+919876543210", "+14155550123"
ENTITY, TEMPLATE = "1101234567890123456", "1107161234567890123"
REGISTERED = Dlt(entity_id=ENTITY, templates={"en": DltTemplate(TEMPLATE, "Hi {#var#}, it has left.")})


async def made(r, **fields):
    request = NewTemplate(**{"name": "left", "texts": {"en": "Hi {{name}}, it has left.", "hi": "{{name}}"}} | fields)
    row = await keeping.create(r.app.manage, ACTOR, request, account_id=r.account_id)
    await versions.publish(r.app.manage, ACTOR, row.id, account_id=r.account_id)
    return row


def draft(r, to, name="Ana", language=None, options=None):
    use = TemplateUse("left", {"name": name}, language)
    options = {} if options is None else {"options": options}
    return Draft(r.account_id, False, "rest", to, "", message_class="", template=use, **options)


async def test_carriers_in_india_are_told_which_registered_text_it_is(tmp_path):
    async with rig(tmp_path) as r:
        await r.seed()
        await made(r, dlt=REGISTERED)
        own = Options(wire=Wire(tlvs=((0x1401, b"42".hex()),)))
        drafts = [draft(r, INDIA), draft(r, ELSEWHERE), draft(r, INDIA, options=own), draft(r, INDIA, "x" * 31),
                  draft(r, INDIA, language="hi")]  # fmt: skip
        verdicts = (await r.app.accept.submit(drafts)).verdicts
        assert [verdict.code for verdict in verdicts] == [None] * 3 + ["template_not_registered"] * 2
        assert [verdict.pointer for verdict in verdicts[3:]] == ["/variables", "/language"]
        both = {(0x1400, ENTITY.encode().hex()), (0x1401, TEMPLATE.encode().hex())}
        for verdict, expected in zip(
            verdicts, (both, set(), {(0x1400, ENTITY.encode().hex()), (0x1401, "3432")}), strict=False
        ):
            message = await r.message(verdict.id)
            assert message.text == "Hi Ana, it has left."
            options = message_options(message)
            assert set(options.wire.tlvs if options.wire else ()) == expected


async def test_a_change_holds_for_the_next_message_and_an_unknown_name_is_asked_for_each_time(tmp_path, monkeypatch):
    async with rig(tmp_path) as r:
        await r.seed()
        row = await made(r)
        asked = []
        fetch = r.app.store.fetch

        async def counted(kind, statement, *params):
            asked.append(statement)
            return await fetch(kind, statement, *params)

        monkeypatch.setattr(r.app.store, "fetch", counted, raising=False)
        for _ in range(3):
            verdicts = (await r.app.accept.submit([draft(r, ELSEWHERE)] * 20)).verdicts
            assert {verdict.text for verdict in verdicts} == {"Hi Ana, it has left."}
        assert asked.count("templates_wanted") == 1
        change = TemplateChange(texts={"en": "{{name}}: gone."})
        await keeping.update(r.app.manage, ACTOR, row.id, change, account_id=r.account_id)
        assert (await r.app.accept.submit([draft(r, ELSEWHERE)])).verdicts[0].text == "Hi Ana, it has left."
        await versions.publish(r.app.manage, ACTOR, row.id, account_id=r.account_id)
        assert (await r.app.accept.submit([draft(r, ELSEWHERE)])).verdicts[0].text == "Ana: gone."
        asked.clear()
        await r.app.accept.submit([Draft(r.account_id, False, "rest", ELSEWHERE, "Plain")])
        assert "templates_wanted" not in asked


async def test_other_products_render_by_the_same_rules(tmp_path):
    async with rig(tmp_path) as r:
        await r.seed()
        await made(r)
        tables, about = r.app.tables, {"language": "hi-IN", "variables": {"name": "Ana"}}
        found = await render(tables, r.account_id, "left", **about)
        assert (found.text, found.template.version, found.template.language) == ("Ana", 1, "hi")
        for ref, variables, code in (("left", {}, "invalid_variable"), ("gone", {"name": "x"}, "template_not_found")):
            with pytest.raises(WhimbrelError) as refused:
                await render(tables, r.account_id, ref, language=None, variables=variables)
            assert refused.value.code == code
