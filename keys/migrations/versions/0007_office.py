"""What a supervisor looks at: notices that are on, and activations by when they were posted, each by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    still_on = sa.text("switched_off_at IS NULL")
    op.create_index("ix_notices_on", "notices", ["line"], sqlite_where=still_on, postgresql_where=still_on)
    posted = sa.text("state = 'posted'")
    op.create_index(
        "ix_reservations_posted_at", "reservations", ["posted_at"], sqlite_where=posted, postgresql_where=posted
    )
