"""Settings of cells: which database is this node's own, and what is refused."""

import pytest

from whimbrel import config

TWO = """
cell = "eu"
[cells.eu]
database = "postgresql://whimbrel@10.0.0.5/eu"
database_read = "postgresql://whimbrel@10.0.0.6/eu"
leads = true
share = 3
[cells.us]
database = "postgresql://whimbrel@10.1.0.5/us"
"""


def load(tmp_path, text, **environ):
    path = tmp_path / "whimbrel.toml"
    path.write_text(text)
    return config.load(path, environ)


def test_the_database_is_that_of_the_nodes_own_cell(tmp_path):
    settings = load(tmp_path, TWO)
    assert settings.database == "postgresql://whimbrel@10.0.0.5/eu"
    assert settings.database_read == "postgresql://whimbrel@10.0.0.6/eu"
    assert {name: cell.share for name, cell in settings.cells.items()} == {"eu": 3, "us": 1}


def test_the_same_file_serves_the_nodes_of_every_cell(tmp_path):
    settings = load(tmp_path, TWO, WHIMBREL_CELL="us", WHIMBREL_CELLS__US__SHARE="2")
    assert settings.database == "postgresql://whimbrel@10.1.0.5/us"
    assert settings.database_read == ""
    assert settings.cells["us"].share == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TWO.replace('cell = "eu"', ""), "cell: expected the cell of this node (eu, us)"),
        (TWO.replace('cell = "eu"', 'cell = "asia"'), "cell: expected the cell of this node (eu, us)"),
        ('cell = "eu"', "cell: expected the cell of this node (there are no cells)"),
        ('database = "postgresql://a/b"\n' + TWO, "database: means nothing with cells: set cells.eu.database"),
        (TWO.replace("leads = true", ""), "cells: expected `leads = true` in one of them"),
        (TWO + "leads = true", "cells: expected `leads = true` in one of them"),
        (TWO.replace("postgresql://whimbrel@10.1", "sqlite:///10.1"), "cells.us.database: expected a URL such as"),
        (TWO.replace('database = "postgresql://whimbrel@10.1.0.5/us"', "share = 2"), "cells.us.database: must be set"),
        (TWO.replace("10.1.0.5/us", "10.0.0.5/eu"), "cells: expected a database for each, and two have the same one"),
        (TWO + "share = -1", "cells.us.share: expected an integer from 0 to 1000"),
        (TWO + "shares = 1", "cells.us.shares is no setting; did you mean cells.NAME.share?"),
        ("cells = 1", "cells: expected a table for each cell, [cells.NAME]"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, text, words):
    with pytest.raises(config.ConfigError) as refused:
        load(tmp_path, text)
    assert words in str(refused.value)
