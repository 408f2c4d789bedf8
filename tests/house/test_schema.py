"""The migrations make exactly the tables that the code names, on both databases, ledger and conversation alike."""

import re
from pathlib import Path

import ivr.askers
import ivr.browser_phones
import ivr.call_backs
import ivr.caller_locales
import ivr.calls
import ivr.consents
import ivr.desk_entries
import ivr.dialled
import ivr.grant_requests
import ivr.guesses
import ivr.idempotency
import ivr.logins
import ivr.notices
import ivr.online_reviews
import ivr.operators
import ivr.opt_outs
import ivr.outbox
import ivr.queue
import ivr.rates
import ivr.reviews
import ivr.rings
import ivr.sightings
import ivr.statistics
import ivr.text_limits
import ivr.threads
import ivr.tokens
import keys.alarms
import keys.ledger
import keys.returning
import keys.schema
import keys.seals
from keys.database import metadata
from keys.migrations.running import differences, head
from keys.schema import Standing, found, newest
from webhooks.cli.database import TABLE_MODULES

ROOMS = (
    ivr.askers,
    ivr.browser_phones,
    ivr.call_backs,
    ivr.caller_locales,
    ivr.calls,
    ivr.consents,
    ivr.desk_entries,
    ivr.dialled,
    ivr.grant_requests,
    ivr.guesses,
    ivr.idempotency,
    ivr.logins,
    ivr.notices,
    ivr.online_reviews,
    ivr.operators,
    ivr.opt_outs,
    ivr.outbox,
    ivr.queue,
    ivr.rates,
    ivr.reviews,
    ivr.rings,
    ivr.sightings,
    ivr.statistics,
    ivr.text_limits,
    ivr.threads,
    ivr.tokens,
    keys.alarms,
    keys.ledger,
    keys.returning,
    keys.schema,
    keys.seals,
)
"""Imported for their tables."""


def test_migrations_equal_metadata(database):
    assert all(ROOMS)
    assert differences(database.engine, metadata) == []


def test_every_module_that_defines_a_table_is_known_to_db_check():
    root = Path(__file__).parents[2]
    files = [file for room in ("keys", "ivr") for file in (root / room).rglob("*.py")]
    define = [file for file in files if re.search(r"\bTable\(\s*\"\w+\",\s*metadata,", file.read_text("utf-8"))]
    assert {".".join(file.relative_to(root).with_suffix("").parts) for file in define} == set(TABLE_MODULES)


def test_the_start_finds_the_newest_schema_without_importing_the_migrations(database):
    assert newest() == head()
    assert found(database) == (head(), Standing.CURRENT)
