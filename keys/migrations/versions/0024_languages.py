"""Languages: the one that a caller has chosen, and the one a case is spoken in."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "caller_locales",
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", name=op.f("pk_caller_locales")),
    )
    op.create_index("ix_caller_locales_used_at", "caller_locales", ["used_at"])
    op.add_column("cases", sa.Column("locale", sa.String(length=16), nullable=True))
