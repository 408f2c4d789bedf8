"""The primary is lost and its synchronous standby promoted, under many calls and texts: no posted activation is lost.

With Debian's own PostgreSQL: `TOUCHTONE_PG_BIN=/usr/lib/postgresql/15/bin .venv/bin/pytest -n 0` and this file's name.
"""

import asyncio
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg.errors import ReadOnlySqlTransaction

from keys.database import Database
from keys.migrations.running import upgrade
from keys.patient import NoAnswer, Patient
from tests.torture.conftest import SECONDS
from tests.torture.killed_line import Crowd
from tests.torture.standby import Pair
from tests.torture.test_killed import (
    as_twilio,
    assert_nothing_lost,
    deliver_the_rest,
    here,
    line,
    people_with_machines,
    read_texts_into,
)
from tests.webhooks.conftest import door, door_of, ring, rows
from tests.webhooks.test_budget import apologised, patient, wished
from webhooks import background

__all__ = ["door", "door_of", "here", "line", "patient", "ring", "rows"]
CALLERS, TEXTERS = (120, 30) if SECONDS else (18, 6)


@pytest.fixture
def pair():
    # Not in a folder of pytest's, which the servers' own user may not enter.
    pair = Pair(Path(tempfile.mkdtemp(prefix="touchtone-pair-")))
    yield pair
    pair.close()


@pytest.fixture
def store(pair):
    """What the served line of `line` keeps its ledger in."""
    return pair


@pytest.fixture
def database_url(pair):
    """What the line of `ring` keeps its ledger in."""
    database = Database(pair.url)
    upgrade(database.engine)
    database.close()
    return pair.url


def test_a_server_of_the_two_that_falls_silent_is_apologised_for_and_the_call_goes_on(
    pair, ring, patient, groups, exchange, rows
):
    """Where no limit of a server's reaches: one says nothing, or a commit waits for a standby that is gone."""
    for number, silent in enumerate((pair.primary, pair.standby)):
        call, other = ring(at=patient()), ring(at=patient())
        action = call.actions[0]
        with silent.frozen():
            apologised(call, "unreachable", path=action, keys=groups[0])
            apologised(other, "unreachable")
            wished(other)
        assert background.drain(exchange) == 1
        assert [row["call_sid"] for row in rows("call_backs")][number:] == [other.sid]
        call.clock.sleep(10)
        assert "Group 2" in call.post(action, Digits=groups[0]).words


class Failover(threading.Thread):
    """Loses the primary at a random moment under the crowd, and promotes the standby a moment later."""

    def __init__(self, pair, crowd, chance):
        super().__init__()
        self.pair, self.crowd, self.chance, self.error = pair, crowd, chance, None

    def run(self):
        try:
            after = self.chance.randint(CALLERS, 4 * CALLERS)
            while self.crowd.requests < after:
                time.sleep(0.01)
            self.pair.primary.kill()
            time.sleep(self.chance.uniform(0.0, 1.0))
            self.pair.standby.promote()
        except Exception as error:  # noqa: BLE001 - raised again by the test, in its own thread
            self.error = error


def test_the_primary_lost_under_calls_and_its_standby_promoted_no_posted_activation_is_lost(
    pair, line, here, chance, record_property, capsys
):
    found, exchange = here
    granted = CALLERS + TEXTERS
    key = line.told("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", granted + 1)
    people, ids = people_with_machines(exchange, key, 0)
    last, people = people[CALLERS], people[:CALLERS] + people[-TEXTERS:]
    crowd = Crowd(line, *as_twilio(found), chance)
    failover = crowd.killer = Failover(pair, crowd, chance)
    failover.start()
    asyncio.run(asyncio.wait_for(crowd.all_of(people), 300))
    failover.join()
    assert failover.error is None, failover.error
    assert any(person.tries > 1 for person in people), "nobody noticed: the calls were over before"
    before_it_follows(pair, line, crowd, last)
    people.append(last)
    shutil.rmtree(pair.primary.folder)
    pair.follow(pair.primary, pair.standby)
    again = [replace(one, told=[]) for one in people[:3]]
    asyncio.run(crowd.all_of(again))
    assert [one.told for one in again] == [one.told for one in people[:3]], "the same installation, another answer"
    line.kill()
    deliver_the_rest(found, exchange)
    read_texts_into(people, found.data_dir, exchange)
    assert_nothing_lost(line, exchange, people, ids, key)
    told = f"{len(people)} people, a primary lost; {crowd.requests - crowd.unanswered} requests were answered, "
    told += f"{crowd.unanswered} were not"
    record_property("survived", told)
    if SECONDS:
        with capsys.disabled():
            sys.stdout.write(f"\n  survived: {told}\n")


def before_it_follows(pair, line, crowd, last):
    """The old primary comes back as it was, then as docs/operations.md says: neither way it takes a write."""
    pair.primary.start()
    with Patient.connect(f"postgresql://line@127.0.0.1:{pair.primary.port}/postgres") as careless:
        careless.each = 2.0
        careless.execute("CREATE TABLE taken (id integer)")
        with pytest.raises(NoAnswer):
            careless.commit()
    pair.primary.kill()
    (pair.primary.folder / "standby.signal").touch()
    shutil.chown(pair.primary.folder / "standby.signal", pair.primary.folder.owner())
    pair.primary.start()
    with pair.primary.connect() as guarded, pytest.raises(ReadOnlySqlTransaction):
        guarded.execute("CREATE TABLE taken (id integer)")
    # A node that starts now finds the old one first in its DATABASE_URL, and goes by to the new one.
    line.kill()
    line.start()
    line.wait_until_ready()
    asyncio.run(asyncio.wait_for(crowd.all_of([last]), 60))
    pair.primary.kill()
