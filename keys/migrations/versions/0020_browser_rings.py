"""Rings of browsers: whether a ring is for an operator's page at the desk, or for a telephone."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rings", sa.Column("browser", sa.Boolean(), server_default=sa.false(), nullable=False))
