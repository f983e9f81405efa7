"""docs/carriers.md and docs/http-carriers.md name every setting of a carrier of their kind, with its default."""

import msgspec
import pytest

from tests.house.code import ROOT
from whimbrel.domain.dialect import CarrierSettings
from whimbrel.domain.http_dialect import HttpSettings


@pytest.mark.parametrize(("page", "kind"), [("carriers.md", CarrierSettings), ("http-carriers.md", HttpSettings)])
def test_every_setting_has_its_line_with_its_default(page: str, kind: type[msgspec.Struct]) -> None:
    rows = [line.split("|") for line in (ROOT / "docs" / page).read_text("utf-8").splitlines()]
    table = {row[1].strip(" `"): row[2].strip() for row in rows if len(row) == 5 and row[1].startswith(" `")}
    defaults = {
        field.name: "" if field.required else msgspec.json.encode(_default(field)).decode()
        for field in msgspec.structs.fields(kind)
    }
    assert table == defaults


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
