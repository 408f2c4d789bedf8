"""A product may be handed to a trustee, which the ledger writes down; how many machines a retail key activates."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

BEFORE = "'block', 'unblock', 'replace')"
AFTER = "'block', 'unblock', 'replace', 'escrow')"


def upgrade() -> None:
    never = "0" if op.get_bind().dialect.name == "sqlite" else "false"
    op.execute("ALTER TABLE products ADD COLUMN retail_machines INTEGER DEFAULT '1' NOT NULL")
    op.execute(f"ALTER TABLE products ADD COLUMN escrow_ahead BOOLEAN DEFAULT {never} NOT NULL")
    if op.get_bind().dialect.name == "sqlite":
        widen_on_sqlite()
        return
    op.execute("ALTER TABLE entries DROP CONSTRAINT ck_entries_kind")
    kinds = f"'grant', 'reserve', 'post', 'void', 'expire', 'return', {AFTER}"
    op.execute(f"ALTER TABLE entries ADD CONSTRAINT ck_entries_kind CHECK (kind IN ({kinds})")


def widen_on_sqlite() -> None:
    """Copy the entries into a table like theirs whose CHECK has one word more: SQLite changes none in place.

    Dropping a table asks no trigger. The highest id ever given goes along, so that an entry that was cut off is missed
    still.
    """
    run = op.get_bind().exec_driver_sql
    made = dict(run("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'entries' AND sql IS NOT NULL").fetchall())
    whole = made.pop("entries")
    assert whole.startswith("CREATE TABLE entries ("), whole
    assert BEFORE in whole
    run(whole.replace("CREATE TABLE entries (", "CREATE TABLE entries_wider (", 1).replace(BEFORE, AFTER))
    highest = run("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").scalar()
    run("INSERT INTO entries_wider SELECT * FROM entries")
    run("DROP TABLE entries")
    run("ALTER TABLE entries_wider RENAME TO entries")
    for statement in made.values():
        run(statement)
    if highest is not None:
        run("DELETE FROM sqlite_sequence WHERE name = 'entries'")
        run("INSERT INTO sqlite_sequence (name, seq) VALUES ('entries', ?)", (highest,))
