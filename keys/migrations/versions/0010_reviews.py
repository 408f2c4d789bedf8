"""Reviews: activations that a person looks at before anything is spent."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("iid_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signs", sa.Text(), nullable=False),
        sa.Column("held_at", MOMENT, nullable=False),
        sa.Column("let_through_at", MOMENT, nullable=True),
        sa.Column("let_through_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_reviews_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("case_id", "iid_digest", name=op.f("uq_reviews_case_id_iid_digest")),
    )
