"""Calls by caller: a caller who was cut off is gone on with."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_calls_caller"), "calls", ["caller"], unique=False)
