"""Signs: what is asked for with which key, from which country, and how it was scored; alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
POINTED = sa.text("points > 0")
UNSEEN = sa.text("seen_at IS NULL")
POSTED = sa.text("state = 'posted'")


def upgrade() -> None:
    op.add_column("calls", sa.Column("country", sa.String(length=2), nullable=True))
    op.add_column("cases", sa.Column("country", sa.String(length=2), nullable=True))
    op.add_column("cases", sa.Column("points", sa.Integer(), nullable=True))
    op.add_column("cases", sa.Column("signs", sa.Text(), nullable=True))
    # What was held before there were points says none; the look it waits for is still owed.
    op.add_column("reviews", sa.Column("points", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("reviews") as reviews:
        reviews.alter_column("points", server_default=None)
    op.create_table(
        "sightings",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("product", sa.Integer(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.String(length=32), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("signs", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sightings")),
    )
    op.create_index("ix_sightings_at", "sightings", ["at"])
    op.create_index("ix_sightings_product_serial_at", "sightings", ["product", "serial", "at"])
    op.create_index("ix_sightings_pointed_at", "sightings", ["at"], sqlite_where=POINTED, postgresql_where=POINTED)
    op.create_table(
        "alarms",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product", sa.Integer(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("paged_at", MOMENT, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.Column("seen_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index(
        "uq_alarms_unseen", "alarms", ["kind", "product"], unique=True, sqlite_where=UNSEEN, postgresql_where=UNSEEN
    )
    op.create_index("ix_guesses_product_serial_at", "guesses", ["product", "serial", "at"])
    op.drop_index("ix_guesses_product_serial", "guesses")
    op.drop_index("ix_reservations_installed", "reservations")
    op.create_index(
        "ix_reservations_installed",
        "reservations",
        ["key_id", "fingerprint", "posted_at"],
        sqlite_where=POSTED,
        postgresql_where=POSTED,
    )
