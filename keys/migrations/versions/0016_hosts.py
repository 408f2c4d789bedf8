"""Licence hosts: how many a KMS host key has activated, and how often each."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# What was activated with a host key before is counted as it stands, whatever the limit.
EARLIER_HOSTS = """
INSERT INTO hosts (key_id, fingerprint, activations, most_activations)
SELECT r.key_id, r.fingerprint, count(*), CASE WHEN count(*) > 10 THEN count(*) ELSE 10 END
FROM reservations r JOIN product_keys k ON k.id = r.key_id
WHERE k.type = 2 AND r.state IN ('pending', 'posted') GROUP BY r.key_id, r.fingerprint
"""
EARLIER_KEYS = """
INSERT INTO host_keys (key_id, most_hosts, most_activations, hosts)
SELECT k.id, CASE WHEN count(h.key_id) > 6 THEN count(h.key_id) ELSE 6 END, coalesce(max(h.most_activations), 10),
count(h.key_id)
FROM product_keys k LEFT JOIN hosts h ON h.key_id = k.id WHERE k.type = 2 GROUP BY k.id
"""
ALIKE = """
UPDATE hosts SET most_activations = (SELECT most_activations FROM host_keys k WHERE k.key_id = hosts.key_id)
"""


def upgrade() -> None:
    op.create_table(
        "host_keys",
        sa.Column("key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("most_hosts", sa.Integer(), nullable=False),
        sa.Column("most_activations", sa.Integer(), nullable=False),
        sa.Column("hosts", sa.Integer(), nullable=False),
        sa.CheckConstraint("hosts >= 0", name=op.f("ck_host_keys_hosts")),
        sa.CheckConstraint("hosts <= most_hosts", name=op.f("ck_host_keys_room")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_host_keys")),
    )
    op.create_table(
        "hosts",
        sa.Column("key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("activations", sa.Integer(), nullable=False),
        sa.Column("most_activations", sa.Integer(), nullable=False),
        sa.CheckConstraint("activations >= 0", name=op.f("ck_hosts_activations")),
        sa.CheckConstraint("activations <= most_activations", name=op.f("ck_hosts_room")),
        sa.PrimaryKeyConstraint("key_id", "fingerprint", name=op.f("pk_hosts")),
    )
    for statement in (EARLIER_HOSTS, EARLIER_KEYS, ALIKE):
        op.execute(statement)
