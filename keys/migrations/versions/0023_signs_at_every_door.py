"""Signs at every door: cases of programs that a person looks at, and sightings of people found apart from programs'."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

OF_PEOPLE = sa.text("channel NOT IN ('api', 'proxy')")


def upgrade() -> None:
    op.create_table(
        "online_cases",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("product", sa.Integer(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_online_cases_case_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_online_cases_organisation_id")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_online_cases")),
        sa.UniqueConstraint(
            "organisation_id", "product", "serial", name=op.f("uq_online_cases_organisation_id_product_serial")
        ),
    )
    op.drop_index("ix_sightings_product_serial_at", "sightings")
    op.create_index(
        "ix_sightings_of_people",
        "sightings",
        ["product", "serial", "at"],
        sqlite_where=OF_PEOPLE,
        postgresql_where=OF_PEOPLE,
    )
