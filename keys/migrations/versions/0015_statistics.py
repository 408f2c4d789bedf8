"""Statistics without persons, and the indexes by which what is old is found to be forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activation_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("product", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("region", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "product", "channel", "region", "outcome", name=op.f("pk_activation_counts")),
    )
    op.create_index("ix_calls_started_at", "calls", ["started_at"])
    op.create_index("ix_threads_changed_at", "threads", ["changed_at"])
    op.create_index("ix_texts_received_at", "texts", ["received_at"])
    op.create_index("ix_handoffs_case_id", "handoffs", ["case_id"])
