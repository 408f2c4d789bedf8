"""Steps that a migration takes while lines go on writing.

The rule it keeps: nothing here holds up a turn. What else a migration does must take its lock and be done at once:
adding a column with a default, or a table, is; copying or checking every row is not.
"""

from typing import Any

from alembic import op
from sqlalchemy import text

LOCK_MILLISECONDS = 500
"""So long a migration waits for a table, with every turn that wants it in line behind; then it stands back."""


def add_index(name: str, table: str, columns: list[Any], **options: Any) -> None:
    """Build an index on a table that lines write to; alone in its migration, for what came before it is committed."""
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(name, table, columns, **options)
        return
    with op.get_context().autocommit_block():
        # It waits for all who write now, and holds up nobody meanwhile.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # of a build that was cut off, half an index stays
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)
        op.execute(f"SET lock_timeout = {LOCK_MILLISECONDS}")


def raise_floor(revision: str) -> None:
    """Say that programs which know no revision as high as this one can work with the database no longer."""
    op.get_bind().execute(text("UPDATE schema_floor SET revision = :revision"), {"revision": revision})
