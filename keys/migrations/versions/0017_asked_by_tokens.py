"""Requests for a bigger allowance that a program sends: whose token asked, and what was said to it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("grant_requests") as requests:
        requests.alter_column("asked_by", existing_type=sa.BigInteger(), nullable=True)
        requests.add_column(sa.Column("token_id", sa.BigInteger(), nullable=True))
        requests.add_column(sa.Column("answer", sa.Text(), nullable=True))
        requests.create_foreign_key(op.f("fk_grant_requests_token_id"), "tokens", ["token_id"], ["id"])
        requests.create_check_constraint(
            op.f("ck_grant_requests_somebody_asked"), "asked_by IS NOT NULL OR token_id IS NOT NULL"
        )
