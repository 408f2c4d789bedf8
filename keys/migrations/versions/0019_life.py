"""The life of a key and of an activation: on what ground, how often again, given back; tests, ends, successors."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
BASIS = "CONSTRAINT ck_reservations_basis CHECK (basis IN ('first', 'reactivation', 'free', 'renewal', 'test'))"


def upgrade() -> None:
    never = "0" if op.get_bind().dialect.name == "sqlite" else "false"
    # Plain statements, as in the step before that widened the catalogue.
    op.execute(f"ALTER TABLE reservations ADD COLUMN basis TEXT DEFAULT 'first' NOT NULL {BASIS}")
    op.execute(f"ALTER TABLE product_keys ADD COLUMN test BOOLEAN DEFAULT {never} NOT NULL")
    op.execute("ALTER TABLE product_keys ADD COLUMN expires DATE")
    op.execute("ALTER TABLE product_keys ADD COLUMN successor BIGINT")
    op.create_table(
        "reactivations",
        sa.Column("key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("free", sa.Integer(), nullable=False),
        sa.Column("most_free", sa.Integer(), nullable=False),
        sa.Column("lifted", sa.Integer(), nullable=False),
        sa.Column("renewed_until", sa.Integer(), nullable=False),
        sa.CheckConstraint("counted >= 0 AND counted <= most + lifted", name=op.f("ck_reactivations_counted")),
        sa.CheckConstraint("free >= 0 AND free <= most_free", name=op.f("ck_reactivations_free")),
        sa.PrimaryKeyConstraint("key_id", "fingerprint", name=op.f("pk_reactivations")),
    )
    op.create_table(
        "given_back",
        sa.Column("key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.Column("most_returns", sa.Integer(), nullable=False),
        sa.Column("releases", sa.Integer(), nullable=False),
        sa.Column("most_releases", sa.Integer(), nullable=False),
        sa.CheckConstraint("releases >= 0 AND releases <= most_releases", name=op.f("ck_given_back_releases")),
        sa.CheckConstraint("returns >= 0 AND returns <= most_returns", name=op.f("ck_given_back_returns")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_given_back")),
    )
