"""The database is gone for a minute under calls and texts: everybody is answered in time, and what they want is kept.

PostgreSQL is killed and not started again for a minute, in `make test` for some seconds.
"""

import asyncio
import threading
import time
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from ivr.call_backs import call_backs
from tests.torture.conftest import SECONDS
from tests.torture.killed_line import Crowd, heard
from tests.torture.test_killed import (
    as_twilio,
    assert_nothing_lost,
    deliver_the_rest,
    here,
    line,
    people_with_machines,
    read_texts_into,
    store,
)
from tests.webhooks.test_budget import WITHIN
from tests.webhooks.test_faults import OFFER
from webhooks import background

__all__ = ["here", "line", "store"]
GONE_SECONDS = 60.0 if SECONDS else 4.0
CALLERS, TEXTERS = (24, 12) if SECONDS else (8, 4)


@dataclass
class Witnesses(Crowd):
    """A crowd that times every answer; one in three of those who are offered to be called back wants to."""

    slowest: float = 0.0
    apologies: int = 0
    promised: set = field(default_factory=set)

    async def ask(self, path, form):
        begun = time.monotonic()
        answer = await super().ask(path, form)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        if OFFER in heard(answer):
            self.apologies += 1
            if self.chance.random() < 0.3:
                said = heard(await super().ask("/voice/call-back", form | {"Digits": "1"}))
                assert "An operator will call you back" in said
                self.promised.add(form["CallSid"])
        return answer


class Gone(threading.Thread):
    """Takes the database away in the middle of the calls, and brings it back a minute later."""

    def __init__(self, store, crowd):
        super().__init__()
        self.store, self.crowd, self.back, self.error = store, crowd, threading.Event(), None

    def run(self):
        try:
            while self.crowd.requests < 2 * CALLERS:
                time.sleep(0.01)
            self.store.kill()
            time.sleep(GONE_SECONDS)
            self.store.start()
        except Exception as error:  # noqa: BLE001 - raised again by the test, in its own thread
            self.error = error
        self.back.set()


async def texts_meanwhile(crowd, people, gone):
    """Texts that are sent once nothing can be read or written."""
    while crowd.apologies == 0 and not gone.back.is_set():
        await asyncio.sleep(0.05)
    await crowd.all_of(people)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_database_that_is_gone_for_a_minute_costs_nobody_more_than_a_call_again(
    store, line, here, chance, record_property
):
    found, exchange = here
    key = line.told("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", CALLERS + TEXTERS)
    people, ids = people_with_machines(exchange, key, 0)
    callers, texters = people[:CALLERS], people[-TEXTERS:]
    crowd = Witnesses(line, *as_twilio(found), chance)
    gone = crowd.killer = Gone(store, crowd)
    gone.start()

    async def everybody():
        await asyncio.gather(crowd.all_of(callers), texts_meanwhile(crowd, texters, gone))

    asyncio.run(asyncio.wait_for(everybody(), 300))
    gone.join()
    assert gone.error is None, gone.error
    told = f"{crowd.apologies} apologies in {GONE_SECONDS:.0f} s, the slowest answer after {crowd.slowest:.2f} s"
    record_property("survived", told)
    assert crowd.apologies > CALLERS, told
    assert crowd.unanswered == 0, told
    assert crowd.slowest < WITHIN, told
    line.wait_until_ready()
    background.drain(exchange)
    with exchange.database.read() as connection:
        assert set(connection.execute(select(call_backs.c.call_sid)).scalars()) == crowd.promised
    line.stop()  # what delivers the rest has a clock that is ahead, and would take what the line has in its hands
    deliver_the_rest(found, exchange)
    people = [*callers, *texters]
    read_texts_into(people, found.data_dir, exchange)
    assert_nothing_lost(line, exchange, people, ids, key)
