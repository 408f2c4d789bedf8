"""Wrong tries counted by prefix too, and pardoned by a person: whose number is next to whose, and from when on."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("guesses", sa.Column("prefix", sa.String(length=32), nullable=True))
    op.add_column("calls", sa.Column("prefix", sa.String(length=32), nullable=True))
    op.create_table(
        "pardons",
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("pardoned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_pardons")),
    )
