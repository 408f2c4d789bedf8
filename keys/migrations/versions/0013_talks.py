"""Talks: a caller on hold, and one ring of a kind for a handoff where no telephone rings."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
OF_TELEPHONES = sa.text(
    "kind IN ('talk', 'call_back', 'join', 'caller') AND state IN ('due', 'placing', 'ringing', 'answered', 'accepted')"
)
OF_HANDOFFS = sa.text("kind IN ('return', 'sooner', 'room') AND state IN ('due', 'placing')")


def upgrade() -> None:
    op.add_column("handoffs", sa.Column("on_hold_at", MOMENT, nullable=True))
    op.drop_index("ix_rings_live", "rings")
    # Until now one operator might have had several of these under way for a handoff; they harm nobody.
    op.execute("UPDATE rings SET state = 'ended', outcome = 'unknown' WHERE kind = 'return' AND state <> 'ended'")
    op.create_index(
        "ix_rings_live",
        "rings",
        ["operator_id", "kind"],
        unique=True,
        sqlite_where=OF_TELEPHONES,
        postgresql_where=OF_TELEPHONES,
    )
    op.create_index(
        "ix_rings_under_way",
        "rings",
        ["handoff_id", "kind"],
        unique=True,
        sqlite_where=OF_HANDOFFS,
        postgresql_where=OF_HANDOFFS,
    )
