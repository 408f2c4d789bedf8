"""The operators' desk: operators, logins, the queue, entries of what was done, grant requests, notices."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    operators()
    queue()
    records()


def operators() -> None:
    op.create_table(
        "operators",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("totp_sealed", sa.Text(), nullable=True),
        sa.Column("totp_used", sa.BigInteger(), nullable=True),
        sa.Column("phone_sealed", sa.Text(), nullable=True),
        sa.Column("on_call", sa.Boolean(), nullable=False),
        sa.Column("grant_limit", sa.Integer(), nullable=False),
        sa.Column("presence", sa.String(length=12), nullable=False),
        sa.Column("presence_at", MOMENT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("name", name=op.f("uq_operators_name")),
        sa.CheckConstraint("grant_limit >= 0", name=op.f("ck_operators_grant_limit")),
    )
    op.create_table(
        "logins",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_logins_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logins")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_logins_token_digest")),
    )
    op.create_index(op.f("ix_logins_operator_id"), "logins", ["operator_id"], unique=False)


def queue() -> None:
    op.create_table(
        "handoffs",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("caller", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("entered_at", MOMENT, nullable=False),
        sa.Column("left_at", MOMENT, nullable=True),
        sa.Column("claimed_by", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", MOMENT, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.Column("decision", sa.String(length=12), nullable=True),
        sa.Column("decided_reason", sa.String(length=32), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("disposition", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_handoffs_case_id")),
        sa.ForeignKeyConstraint(["claimed_by"], ["operators.id"], name=op.f("fk_handoffs_claimed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoffs")),
    )
    open_ones = sa.text("finished_at IS NULL")
    op.create_index(
        "ix_handoffs_open_case",
        "handoffs",
        ["case_id"],
        unique=True,
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )
    op.create_index(op.f("ix_handoffs_sid"), "handoffs", ["sid"], unique=False)
    op.create_index("ix_handoffs_state_entered_at", "handoffs", ["state", "entered_at"], unique=False)
    op.create_index(op.f("ix_handoffs_finished_at"), "handoffs", ["finished_at"], unique=False)
    op.create_table(
        "desk_events",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("handoff_id", sa.BigInteger(), nullable=True),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_events")),
    )


def records() -> None:
    op.create_table(
        "desk_entries",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("handoff_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_entries")),
    )
    op.create_index("ix_desk_entries_case_id_id", "desk_entries", ["case_id", "id"], unique=False)
    op.create_index("ix_desk_entries_operator_id_at", "desk_entries", ["operator_id", "at"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER desk_entries_no_{verb.lower()} BEFORE {verb} ON desk_entries "
                "BEGIN SELECT RAISE(ABORT, 'desk_entries is append-only'); END"
            )
    else:  # the function is there since the first revision
        op.execute(
            "CREATE TRIGGER desk_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON desk_entries "
            "FOR EACH STATEMENT EXECUTE FUNCTION touchtone_append_only()"
        )
    op.create_table(
        "grant_requests",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("agreement", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["operators.id"], name=op.f("fk_grant_requests_asked_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["operators.id"], name=op.f("fk_grant_requests_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_requests")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_grant_requests_amount")),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> asked_by", name=op.f("ck_grant_requests_second_person")
        ),
    )
    op.create_index("ix_grant_requests_state", "grant_requests", ["state"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("line", sa.String(length=32), nullable=True),
        sa.Column("words", sa.String(length=300), nullable=False),
        sa.Column("switched_on_at", MOMENT, nullable=False),
        sa.Column("switched_on_by", sa.BigInteger(), nullable=False),
        sa.Column("switched_off_at", MOMENT, nullable=True),
        sa.Column("switched_off_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_table(
        "blocked_callers",
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("number_sealed", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("blocked_at", MOMENT, nullable=False),
        sa.Column("blocked_by", sa.BigInteger(), nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("caller", name=op.f("pk_blocked_callers")),
    )
