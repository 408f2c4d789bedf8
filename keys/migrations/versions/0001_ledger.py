"""The ledger: catalogue, product keys, allowances, reservations, entries and their seals."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "allowances",
        sa.Column("key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("posted", sa.Integer(), nullable=False),
        sa.CheckConstraint("granted >= 0", name=op.f("ck_allowances_granted")),
        sa.CheckConstraint("pending + posted <= granted", name=op.f("ck_allowances_room")),
        sa.CheckConstraint("pending >= 0", name=op.f("ck_allowances_pending")),
        sa.CheckConstraint("posted >= 0", name=op.f("ck_allowances_posted")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_allowances")),
    )
    op.create_table(
        "entries",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("reservation_id", sa.BigInteger(), nullable=True),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("posted", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('grant', 'reserve', 'post', 'void', 'expire', 'return', 'block', 'unblock', 'replace')",
            name=op.f("ck_entries_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_entries_key_id"), "entries", ["key_id"], unique=False)
    op.create_table(
        "organisations",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("name", name=op.f("uq_organisations_name")),
    )
    op.create_table(
        "products",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("blocks", sa.Integer(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("dockable", sa.Boolean(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=True),
        sa.Column("next_serial", sa.Integer(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'retired')", name=op.f("ck_products_status")),
        sa.CheckConstraint("term_months >= 0", name=op.f("ck_products_term_months")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_products")),
        sa.UniqueConstraint("name", name=op.f("uq_products_name")),
    )
    op.create_table(
        "reservations",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("iid_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("product", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Integer(), nullable=False),
        sa.Column("valid_until", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("blocks", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("posted_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state <> 'pending' OR expires_at IS NOT NULL", name=op.f("ck_reservations_pending_expires")
        ),
        sa.CheckConstraint("state <> 'posted' OR posted_at IS NOT NULL", name=op.f("ck_reservations_posted_when")),
        sa.CheckConstraint(
            "state IN ('pending', 'posted', 'voided', 'expired', 'returned')", name=op.f("ck_reservations_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_reservations_due",
        "reservations",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_reservations_held",
        "reservations",
        ["holder"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_reservations_installed",
        "reservations",
        ["key_id", "fingerprint"],
        unique=False,
        sqlite_where=sa.text("state = 'posted'"),
        postgresql_where=sa.text("state = 'posted'"),
    )
    op.create_index(
        "uq_reservations_standing",
        "reservations",
        ["iid_digest"],
        unique=True,
        sqlite_where=sa.text("state IN ('pending', 'posted', 'returned')"),
        postgresql_where=sa.text("state IN ('pending', 'posted', 'returned')"),
    )
    op.create_table(
        "sealing",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("passes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealing")),
    )
    op.create_table(
        "seals",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_seals")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_seals_entry_id")),
    )
    op.create_table(
        "agreements",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("organisation_id", ROW_NUMBER, nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended', 'ended')", name=op.f("ck_agreements_status")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_agreements_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
        sa.UniqueConstraint("number", name=op.f("uq_agreements_number")),
    )
    op.create_table(
        "product_keys",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("product", sa.Integer(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("agreement_id", ROW_NUMBER, nullable=False),
        sa.Column("last_five", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("status IN ('active', 'blocked', 'expired')", name=op.f("ck_product_keys_status")),
        sa.CheckConstraint("type BETWEEN 1 AND 4", name=op.f("ck_product_keys_type")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_product_keys_agreement_id")),
        sa.ForeignKeyConstraint(["product"], ["products.number"], name=op.f("fk_product_keys_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_keys")),
        sa.UniqueConstraint("product", "serial", name=op.f("uq_product_keys_product_serial")),
        sqlite_autoincrement=True,
    )
    # The one row that whoever seals claims.
    op.execute("INSERT INTO sealing (id, passes) VALUES (1, 0)")
    for table in ("entries", "seals"):
        forbid_changes(table)


def forbid_changes(table: str) -> None:
    """What `keys.append_only` asks for, as it was at this revision."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute("""
CREATE OR REPLACE FUNCTION touchtone_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
""")
    every = f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT"
    op.execute(f"CREATE TRIGGER {table}_append_only {every} EXECUTE FUNCTION touchtone_append_only()")
