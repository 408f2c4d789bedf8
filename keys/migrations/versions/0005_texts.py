"""The text channel: threads and the texts that came in, the outbox, its limits, opt-outs, and consents to be texted."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "threads",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("number_sealed", sa.Text(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_threads_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threads")),
        sa.UniqueConstraint("line", "caller", name=op.f("uq_threads_line_caller")),
    )
    op.create_index(op.f("ix_threads_case_id"), "threads", ["case_id"], unique=False)
    op.create_table(
        "texts",
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("thread_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_texts_thread_id")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_texts")),
    )
    op.create_index(op.f("ix_texts_thread_id"), "texts", ["thread_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("number_sealed", sa.Text(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("answers", sa.String(length=64), nullable=True),
        sa.Column("call_sid", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=True),
        sa.Column("error", sa.Integer(), nullable=True),
        sa.Column("sid", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("claimed_by", sa.String(length=64), nullable=True),
        sa.Column("claimed_until", MOMENT, nullable=True),
        sa.Column("posted_at", MOMENT, nullable=True),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outbox_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("answers", name=op.f("uq_outbox_answers")),
        sa.UniqueConstraint("sid", name=op.f("uq_outbox_sid")),
    )
    op.create_index("ix_outbox_state_due_at", "outbox", ["state", "due_at"], unique=False)
    op.create_index("ix_outbox_caller_id", "outbox", ["caller", "id"], unique=False)
    op.create_index(op.f("ix_outbox_case_id"), "outbox", ["case_id"], unique=False)
    op.create_index(op.f("ix_outbox_call_sid"), "outbox", ["call_sid"], unique=False)
    op.create_table(
        "text_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "scope", "name", name=op.f("pk_text_counts")),
    )
    op.create_table(
        "opt_outs",
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("number_sealed", sa.Text(), nullable=False),
        sa.Column("stopped_at", MOMENT, nullable=False),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("line", "caller", name=op.f("pk_opt_outs")),
    )
    op.create_table(
        "text_consents",
        sa.Column("case_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("call_sid", sa.String(length=64), nullable=False),
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("number_sealed", sa.Text(), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_text_consents_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_text_consents")),
    )
