"""Volume licensing in the catalogue: families, classes, retirement, KMS, the life of an activation, suites."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LICENSING = "CONSTRAINT ck_products_licensing CHECK (licensing IN ('volume', 'retail', 'preinstalled'))"
RETIRED = "CONSTRAINT ck_products_after_retirement CHECK (after_retirement IN ('refuse', 'approve', 'escrow'))"
PRODUCTS = (
    "family TEXT DEFAULT '' NOT NULL",
    "edition TEXT",
    "release TEXT",
    f"licensing TEXT DEFAULT 'volume' NOT NULL {LICENSING}",
    "retires DATE",
    f"after_retirement TEXT DEFAULT 'refuse' NOT NULL {RETIRED}",
    "kms_threshold INTEGER DEFAULT '5' NOT NULL",
    "kms_hosts INTEGER DEFAULT '6' NOT NULL",
    "kms_reactivations INTEGER DEFAULT '9' NOT NULL",
    "free_reactivations INTEGER DEFAULT '0' NOT NULL",
    "most_reactivations INTEGER",
    "returns INTEGER DEFAULT '0' NOT NULL",
    "releases INTEGER DEFAULT '5' NOT NULL",
    "period_days INTEGER DEFAULT '365' NOT NULL",
)


def upgrade() -> None:
    # Plain statements: SQLite adds a column with its CHECK this way only, and PostgreSQL reads them alike.
    for column in PRODUCTS:
        op.execute(f"ALTER TABLE products ADD COLUMN {column}")
    op.execute("UPDATE products SET family = name")
    op.execute("ALTER TABLE agreements ADD COLUMN licensing TEXT DEFAULT 'volume' NOT NULL")
    op.create_table(
        "suite_members",
        sa.Column("suite", sa.Integer(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.CheckConstraint("suite <> member", name=op.f("ck_suite_members_other")),
        sa.ForeignKeyConstraint(["member"], ["products.number"], name=op.f("fk_suite_members_member")),
        sa.ForeignKeyConstraint(["suite"], ["products.number"], name=op.f("fk_suite_members_suite")),
        sa.PrimaryKeyConstraint("suite", "member", name=op.f("pk_suite_members")),
    )
