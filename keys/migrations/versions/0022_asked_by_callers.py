"""Requests for a bigger allowance by phone and text: who asked, apart from what was asked; guesses at agreements."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SOMEBODY = "asked_by IS NOT NULL OR token_id IS NOT NULL OR channel IS NOT NULL"


def upgrade() -> None:
    with op.batch_alter_table("grant_requests") as requests:
        requests.add_column(sa.Column("channel", sa.String(length=16), nullable=True))
        requests.drop_constraint(op.f("ck_grant_requests_somebody_asked"), type_="check")
        requests.create_check_constraint(op.f("ck_grant_requests_somebody_asked"), SOMEBODY)
    op.create_table(
        "grant_askers",
        sa.Column("request_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("number_sealed", sa.Text(), nullable=False),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("told_by", sa.String(length=12), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["grant_requests.id"], name=op.f("fk_grant_askers_request_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_grant_askers")),
    )
    op.create_index("ix_grant_askers_asked_at", "grant_askers", ["asked_at"])
    op.create_index("ix_grant_askers_caller", "grant_askers", ["caller"])
    with op.batch_alter_table("guesses") as guesses:
        guesses.alter_column("kind", existing_type=sa.String(length=8), type_=sa.String(length=12))
