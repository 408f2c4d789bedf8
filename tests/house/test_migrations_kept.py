"""What a migration may do: leave the version before it working, and hold up no turn.

Every migration from 0026 on is made on SQLite and looked at: what it took away, narrowed or renamed. Taking away is for
the release after the one that stopped using it, and says so by raising the floor (`keys.migrations.steps`).
"""

import re
import shutil
from pathlib import Path

import pytest

from keys import migrations
from keys.database import Database
from keys.migrations.running import upgrade
from tests.keys.test_migrations import described

VERSIONS = Path(migrations.__file__).parent / "versions"
BEFORE_THE_RULE = "0025"
KEPT = sorted(path for path in VERSIONS.glob("*.py") if path.name.partition("_")[0] > BEFORE_THE_RULE)
WORD = re.compile(r"'[^']*'")


def taken_away(before, after):
    """What the version before would miss, or stumble over, in tables that it knows."""
    for table, was in before.items():
        now = after.get(table)
        if now is None:
            yield f"{table} is gone"
            continue
        columns, known = ({column[0]: column[1:] for column in each["columns"]} for each in (now, was))
        yield from (f"{table}.{name} is gone" for name in known if name not in columns)
        yield from (f"{table}.{name} is another" for name in known if columns.get(name, known[name]) != known[name])
        yield from narrowed(table, was, now)


def narrowed(table, was, now):
    """What may refuse a row that was allowed before."""
    checks = dict(was["checks"])
    for name, rule in now["checks"]:
        # A list of words that has grown refuses nothing that it took before.
        listed = set(WORD.findall(checks.get(name, "")))
        if checks.get(name) != rule and not (listed and listed <= set(WORD.findall(rule))):
            yield f"{table} has a new check {name}"
    for kind in ("unique", "foreign"):
        yield from (f"{table} has a new {kind} {name}" for name, what in now[kind] if (name, what) not in was[kind])
    known = {index[0] for index in was["indexes"]}
    yield from (f"{table} has a new unique {i[0]}" for i in now["indexes"] if i[2] and i[0] not in known)


def must_be_given(before, after, connection):
    """New columns of old tables that the version before, which never names them, would leave empty."""
    for table in before.keys() & after.keys():
        known = {column[0] for column in before[table]["columns"]}
        for _, name, _, needed, default, _ in connection.exec_driver_sql(f"PRAGMA table_info('{table}')"):
            if name not in known and needed and default is None:
                yield f"{table}.{name} must be given"


def holds_up(source):
    """Steps that hold a table which lines write for as long as it is long."""
    made = set(re.findall(r'create_table\(\s*"(\w+)"', source))
    for step in ("create_index", "create_check_constraint", "create_foreign_key", "create_unique_constraint"):
        for name, table in re.findall(step + r'\(\s*"(\w+)",\s*"(\w+)"', source):
            if table not in made:
                yield f"{name} on {table}: index it by keys.migrations.steps.add_index, in a migration of its own"


ANEW = "DROP TABLE schema_floor; CREATE TABLE schema_floor (id INTEGER NOT NULL PRIMARY KEY, revision "


@pytest.fixture
def at_the_rule(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'kept.db'}")
    upgrade(database.engine, BEFORE_THE_RULE)
    yield database
    database.close()


def test_every_migration_leaves_the_version_before_it_working(at_the_rule):
    wrong = []
    for path in KEPT:
        revision, source = path.name.partition("_")[0], path.read_text("utf-8")
        before = described(at_the_rule, None)
        upgrade(at_the_rule.engine, revision)
        after = described(at_the_rule, None)
        with at_the_rule.read() as connection:
            wrong += [f"{path.name}: {each}" for each in must_be_given(before, after, connection)]
        if "raise_floor(" not in source:
            wrong += [f"{path.name}: {each}" for each in taken_away(before, after)]
        wrong += [f"{path.name}: {each}" for each in holds_up(source)]
    assert wrong == []


def test_the_floor_is_raised_to_a_release_that_is_out_and_never_to_the_new_one():
    for path in KEPT:
        for floor in re.findall(r'raise_floor\("(\d+)"\)', path.read_text("utf-8")):
            assert floor < path.name.partition("_")[0], f"{path.name} would stop the nodes that still serve"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("ALTER TABLE organisations ADD COLUMN note TEXT", []),
        ("ALTER TABLE organisations ADD COLUMN note TEXT NOT NULL DEFAULT ''", []),
        ("CREATE TABLE note (id INTEGER NOT NULL, CHECK (id > 0))", []),
        ("CREATE INDEX ix_note ON organisations (name)", []),
        ("ALTER TABLE schema_floor DROP COLUMN revision", ["schema_floor.revision is gone"]),
        (
            "ALTER TABLE schema_floor RENAME COLUMN revision TO release",
            ["schema_floor.revision is gone", "schema_floor.release must be given"],
        ),
        ("ALTER TABLE schema_floor RENAME TO floor", ["schema_floor is gone"]),
        ("CREATE UNIQUE INDEX ix_note ON schema_floor (revision)", ["schema_floor has a new unique ix_note"]),
        (ANEW + "INTEGER NOT NULL)", ["schema_floor.revision is another"]),
        (ANEW + "TEXT NOT NULL, CONSTRAINT ck_new CHECK (id = 1))", ["schema_floor has a new check ck_new"]),
        (ANEW + "TEXT NOT NULL, note TEXT NOT NULL)", ["schema_floor.note must be given"]),
    ],
)
def test_what_the_version_before_would_stumble_over_is_found(sqlite_template, tmp_path, change, found):
    shutil.copy(sqlite_template, tmp_path / "changed.db")
    database = Database(f"sqlite:///{tmp_path / 'changed.db'}")
    before = described(database, None)
    with database.begin() as connection:
        for statement in change.split("; "):
            connection.exec_driver_sql(statement)
    after = described(database, None)
    with database.read() as connection:
        assert [*taken_away(before, after), *must_be_given(before, after, connection)] == found
    database.close()


def test_a_check_whose_list_has_grown_refuses_nothing_and_one_that_has_shrunk_does():
    def with_check(rule):
        return {"columns": [], "checks": [("ck_kind", rule)], "unique": [], "foreign": [], "indexes": []}

    few, more = with_check("kind IN ('a', 'b')"), with_check("kind IN ('a', 'b', 'c')")
    assert list(narrowed("t", few, more)) == []
    assert list(narrowed("t", more, few)) == ["t has a new check ck_kind"]


@pytest.mark.parametrize(
    ("source", "many"),
    [
        ('op.create_index("ix_a", "calls", ["a"])', 1),
        ('op.create_table("new", x)\nop.create_index("ix_a", "new", ["a"])', 0),
        ('add_index("ix_a", "calls", ["a"])', 0),
        ('op.create_foreign_key("fk_a", "calls", "cases", ["a"], ["id"])', 1),
    ],
)
def test_what_would_hold_up_the_turns_is_found(source, many):
    assert len(list(holds_up(source))) == many
