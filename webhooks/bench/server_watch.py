"""What a PostgreSQL server waits for, and what it did beside its work, while a measurement runs.

Rule: one connection, opened before, that only reads the server's own statistics; what it needs itself is counted as the
database's, some thousandths of a core.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from webhooks.bench.stores import Store
from webhooks.bench.watching import Looking

_EVERY = 0.1
_WAITS = """
    SELECT CASE WHEN backend_type = 'client backend' THEN '' ELSE backend_type || ': ' END
        || coalesce(wait_event_type || ' ' || wait_event, 'at work'), count(*)
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND wait_event_type IS DISTINCT FROM 'Activity'
        AND (datname IS NULL OR datname = current_database() AND state <> 'idle')
    GROUP BY 1
"""
_CHECKPOINTS = {
    False: "SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter",
    True: "SELECT num_timed + num_requested FROM pg_stat_checkpointer",
}
"""By whether it is 17 or newer."""
_COUNTED = {
    "deadlocks": "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    "rollbacks": "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()",
    "vacuums": "SELECT coalesce(sum(autovacuum_count), 0) FROM pg_stat_user_tables",
    "analyses": "SELECT coalesce(sum(autoanalyze_count), 0) FROM pg_stat_user_tables",
    "MB of WAL": "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn) / 1000000",
}

Waits = dict[str, int]
"""How many of the server's processes were at a thing: "at work", or the type and name of what they waited for."""


@contextmanager
def waits(store: Store) -> Iterator[Looking[Waits] | None]:
    """What the line's connections and the server's own processes wait for, ten times a second; None for SQLite.

    A connection that waits for the line in the middle of a transaction is there as "Client ClientRead".
    """
    if store.name == "sqlite":
        yield None
        return
    import psycopg

    with (
        psycopg.connect(store.line_url, autocommit=True) as connection,
        Looking[Waits](lambda: dict(connection.execute(_WAITS).fetchall()), _EVERY) as looking,
    ):
        yield looking


def counted(store: Store) -> dict[str, int]:
    """What the server has counted so far, by name; nothing for SQLite."""
    if store.name == "sqlite":
        return {}
    import psycopg

    with psycopg.connect(store.line_url, autocommit=True) as connection:
        asked = {"checkpoints": _CHECKPOINTS[connection.info.server_version >= 170000], **_COUNTED}
        found = {name: connection.execute(said).fetchone() for name, said in asked.items()}
    return {name: int(row[0]) for name, row in found.items() if row is not None}
