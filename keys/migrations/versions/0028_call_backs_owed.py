"""Call-backs that are owed are found by an index of them alone: those that were made stay for months."""

from sqlalchemy import text

from keys.migrations.steps import add_index

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    owed = text("done_at IS NULL")
    add_index("ix_call_backs_owed", "call_backs", ["due_at"], sqlite_where=owed, postgresql_where=owed)
