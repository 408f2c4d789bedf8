"""The register of a licence host: the clients it has seen, in an SQLite file of its own.

Rule: an identity is one client, however many machines show it. The register may lose its last seconds with the power,
never its shape: a client that is forgotten asks again.

Moments are whole seconds since 1970. One process writes, any may read.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from keys.kms.messages import CLOCK_LEEWAY, SEEN_WITHIN, Request
from webhooks.kms_host.events import Event, short

_TABLES = """
CREATE TABLE IF NOT EXISTS clients (
    identity TEXT PRIMARY KEY, product INTEGER NOT NULL, name TEXT NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    ends INTEGER, refusal TEXT, machines INTEGER NOT NULL
) WITHOUT ROWID;
DROP INDEX IF EXISTS clients_last_seen;
CREATE TABLE IF NOT EXISTS machines (
    identity TEXT NOT NULL, fingerprint TEXT NOT NULL, last_seen INTEGER NOT NULL, PRIMARY KEY (identity, fingerprint)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, event TEXT NOT NULL, identity TEXT, details TEXT NOT NULL
);
"""
_ARRIVED = "INSERT INTO nonces (nonce, at) VALUES {} ON CONFLICT DO NOTHING RETURNING nonce"
_BEFORE = """
WITH asked (identity, fingerprint) AS (VALUES {})
SELECT clients.last_seen, clients.ends, coalesce(clients.machines, 0), (
    SELECT count(*) FROM machines AS m
    WHERE m.identity = asked.identity AND m.fingerprint <> asked.fingerprint AND m.last_seen > ?
), asked.identity
FROM asked LEFT JOIN clients ON clients.identity = asked.identity
"""
_SHOWN = """
INSERT INTO machines (identity, fingerprint, last_seen) VALUES {}
ON CONFLICT (identity, fingerprint) DO UPDATE SET last_seen = excluded.last_seen
"""
_KEPT = """
INSERT INTO clients (identity, product, name, first_seen, last_seen, ends, refusal, machines) VALUES {}
ON CONFLICT (identity) DO UPDATE
SET product = excluded.product, name = excluded.name, last_seen = excluded.last_seen,
    ends = coalesce(excluded.ends, ends), refusal = excluded.refusal, machines = excluded.machines
"""
MOST_EVENTS = 10_000
"""Events that are kept; the oldest go first."""
_FORGOTTEN = timedelta(days=400)
_SEEN_SECONDS = int(SEEN_WITHIN.total_seconds())
_NONCE_SECONDS = 2 * int(CLOCK_LEEWAY.total_seconds())


class ClientState(StrEnum):
    """How a client stands with this host."""

    LEASED = "leased"  #: its lease holds
    WAITING = "waiting"  #: it asked within 30 days and has no lease that holds
    GONE = "gone"  #: it has not asked for 30 days, and no lease of it holds


@dataclass(frozen=True, slots=True)
class Known:
    """One client of the register; `machines` is how many hardwares showed its identity within 30 days."""

    identity: str
    product: int
    name: str
    first_seen: datetime
    last_seen: datetime
    ends: datetime | None
    refusal: str | None
    machines: int

    def state(self, now: datetime) -> ClientState:
        """How it stands now."""
        if self.ends is not None and now < self.ends:
            return ClientState.LEASED
        return ClientState.WAITING if now - self.last_seen < SEEN_WITHIN else ClientState.GONE


@dataclass(frozen=True, slots=True)
class Before:
    """How a client stood before it asked: new, counted, until when it had a lease, and on how many machines.

    `others` are the machines, but for the one that asks, that showed its identity within 30 days.
    """

    new: bool
    counted: bool
    ends: int | None
    machines: int
    others: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A request and what came of it: until when it was leased, or why not, and how many machines show its identity."""

    request: Request
    ends: int | None
    refusal: str | None
    machines: int

    def row(self, now: int) -> tuple[object, ...]:
        """Its row among the clients."""
        asked = self.request
        return asked.client, asked.product, asked.name, now, now, self.ends, self.refusal, self.machines


@dataclass(frozen=True, slots=True)
class Noted:
    """An event to be kept: its moment, its word, the client's identity if it has one, and details in JSON's values."""

    at: int
    event: Event
    identity: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


class Register:
    """An open register. One thread at a time may use it."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=2.0)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("busy_timeout=2000", "journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=4000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def written(self) -> Iterator[None]:
        """One change of the register: all of it, or none, also where it is the commit that fails."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise

    def arrived(self, nonces: Collection[str], now: int) -> set[str]:
        """Note the nonces of requests; those of them that never came before."""
        rows = self._connection.execute(
            _for_each(_ARRIVED, len(nonces), 2), [value for nonce in nonces for value in (nonce, now)]
        )
        return {row[0] for row in rows}

    def before(self, requests: Sequence[Request], now: int) -> Mapping[str, Before]:
        """How the clients stand that ask now, by their identities, of which each stands here once."""
        asked = [value for request in requests for value in (request.client, _shown(request))]
        rows = self._connection.execute(_for_each(_BEFORE, len(requests), 2), [*asked, now - _SEEN_SECONDS])
        return {
            identity: Before(
                new=last_seen is None,
                counted=last_seen is not None and now - last_seen < _SEEN_SECONDS,
                ends=ends,
                machines=machines,
                others=others,
            )
            for last_seen, ends, machines, others, identity in rows
        }

    def keep(self, kept: Sequence[Kept], now: int) -> None:
        """Note that clients asked, each once, and what they were given; a lease that one has stays."""
        run = self._connection.execute
        shown = [value for one in kept for value in (one.request.client, _shown(one.request), now)]
        run(_for_each(_SHOWN, len(kept), 3), shown)
        run(_for_each(_KEPT, len(kept), 8), [value for one in kept for value in one.row(now)])

    def count(self, now: int) -> int:
        """How many distinct clients were seen within 30 days."""
        found = self._connection.execute("SELECT count(*) FROM clients WHERE last_seen > ?", (now - _SEEN_SECONDS,))
        return int(found.fetchone()[0])

    def latest(self) -> int:
        """The moment of the last client seen; 0 before the first."""
        return int(self._connection.execute("SELECT coalesce(max(last_seen), 0) FROM clients").fetchone()[0])

    def tidy(self, now: int) -> None:
        """Forget what is of no more use: old nonces, old events, clients that were gone for more than a year."""
        long_ago = now - int(_FORGOTTEN.total_seconds())
        run = self._connection.execute
        run("DELETE FROM nonces WHERE at < ?", (now - _NONCE_SECONDS,))
        run("DELETE FROM machines WHERE last_seen < ?", (long_ago,))
        run("DELETE FROM clients WHERE last_seen < ? AND coalesce(ends, 0) < ?", (long_ago, now))
        run("DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (MOST_EVENTS,))

    def clock_is_right(self, now: int) -> None:
        """Take what was noted by a clock that ran ahead for noted now: the host had leased nothing since."""
        with self.written():
            for table, column in (("clients", "last_seen"), ("machines", "last_seen"), ("nonces", "at")):
                self._connection.execute(f"UPDATE {table} SET {column} = ?1 WHERE {column} > ?1", (now,))  # noqa: S608 - names from above

    def note(self, *noted: Noted) -> None:
        """Keep events."""
        self._connection.executemany(
            "INSERT INTO events (at, event, identity, details) VALUES (?, ?, ?, ?)",
            [(one.at, one.event.value, one.identity, json.dumps(one.details)) for one in noted],
        )

    def clients(self) -> list[Known]:
        """Every client, the one seen last first."""
        rows = self._connection.execute("SELECT * FROM clients ORDER BY last_seen DESC, identity")
        return [
            Known(
                row["identity"],
                row["product"],
                row["name"],
                _moment(row["first_seen"]),
                _moment(row["last_seen"]),
                None if row["ends"] is None else _moment(row["ends"]),
                row["refusal"],
                row["machines"],
            )
            for row in rows
        ]

    def events(self, most: int, *, trouble: bool = False) -> list[dict[str, Any]]:
        """The newest events, oldest first, or the troubles among them."""
        words = [event.value for event in Event if event.is_trouble or not trouble]
        marks = ", ".join("?" * len(words))
        query = f"SELECT * FROM events WHERE event IN ({marks}) ORDER BY id DESC LIMIT ?"  # noqa: S608 - marks alone
        rows = self._connection.execute(query, (*words, most)).fetchall()
        return [
            {
                "at": _moment(row["at"]).isoformat(),
                "event": row["event"],
                **({} if row["identity"] is None else {"client": short(row["identity"])}),
                **json.loads(row["details"]),
            }
            for row in reversed(rows)
        ]


@cache
def _for_each(statement: str, rows: int, columns: int) -> str:
    """A statement with the marks of so many rows in it: one statement for a group costs little more than for one."""
    return statement.format(", ".join([f"({', '.join('?' * columns)})"] * rows))


def _shown(request: Request) -> str:
    return bytes(request.fingerprint).hex()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
