"""Cases of a caller, and the calls of a caller that ended lately: found by index, however many there were before."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_cases_caller_opened_at", "cases", ["caller", "opened_at"])
    op.create_index("ix_calls_caller_ended_at", "calls", ["caller", "ended_at"])
    op.drop_index("ix_calls_caller", "calls")
