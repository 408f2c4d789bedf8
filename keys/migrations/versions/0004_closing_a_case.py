"""Closing a case: a call-back that was made is told from one that is owed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call_backs", sa.Column("done_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("call_backs", sa.Column("done_by", sa.String(length=64), nullable=True))
