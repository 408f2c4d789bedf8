"""What is written about what is kept is what the tables really hold: every column of every table, and no other."""

import re
from pathlib import Path

from ivr import personal
from keys.database import metadata
from tests.house.test_schema import ROOMS

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
ROW = re.compile(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \| (.+) \| (.+) \|$", re.MULTILINE)


def described():
    """The columns that the page names, by table, each with how long it is kept."""
    found = {}
    for table, columns, _, kept in ROW.findall(PAGE.read_text("utf-8")):
        for column in re.findall(r"`(\w+)`", columns):
            assert column not in found.setdefault(table, {}), f"{table}.{column} is named twice"
            found[table][column] = kept
    return found


def test_every_column_of_every_table_is_named_and_no_other():
    assert ROOMS
    held = {table.name: {column.name for column in table.columns} for table in metadata.tables.values()}
    assert {table: set(columns) for table, columns in described().items()} == held


def test_whatever_has_a_pseudonym_or_a_sealed_number_of_a_caller_is_not_kept_for_ever():
    for table, columns in described().items():
        for column, kept in columns.items():
            if column == "caller" or column in {"number_sealed", "held_sealed"}:
                assert "TOUCHTONE_KEEP_DAYS" in kept or kept in {"with its case", "the same"}, (table, column)
                assert not kept.startswith("always"), (table, column)


def test_whatever_names_a_caller_is_exported_and_erased():
    named = {table.name for table in metadata.tables.values() if "caller" in table.columns}
    assert named == {table.name for table in personal.NAMED}
    assert {
        table.name for table in metadata.tables.values() if any("number_sealed" in c.name for c in table.columns)
    } <= {table.name for table in personal._of("x")}
