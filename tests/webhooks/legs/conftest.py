"""Calls of our own, as the provider would carry them out: operators' legs, a caller who waits, what is asked of both.

- `claimed`: Ada, and the case she has claimed, whose caller (`stuck`) waits after three groups; `operator(name, phone)`
  is another.
- `wish(kind, operator, handoff)`: a ring is wished for; `dialled()` places what is due and gives the new `Leg`s.
- `dialling`: what the provider was asked: `.placed`, `.redirected`, `.arranged`; `.answer` is what it answers.
- `talked_to`: Ada's leg of a talk, picked up; `talk`: both of them in the room.
"""

import xml.etree.ElementTree as ET
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from ivr import claims, queue, rings
from ivr.callers import seal
from ivr.hours import DeskHours, read_hours
from ivr.lines import Lines
from ivr.operators import NewOperator, Presence, Role, add, set_presence
from ivr.rings import RingKind, Wanted
from tests.webhooks.conftest import Call, new_sid
from webhooks import ringing
from webhooks.outgoing import Accepted

ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
OPERATOR, CALLER = "+14155550177", "+14155550123"


class Dialling:
    """A dialler that keeps what it was asked, and answers as it is told."""

    def __init__(self):
        self.placed, self.sids, self.redirected, self.arranged, self.answer = [], [], [], [], None

    def place(self, call):
        self.placed.append(call)
        self.sids.append(new_sid("CA"))
        return self.answer or Accepted(self.sids[-1])

    def redirect(self, sid, url):
        self.redirected.append((sid, url))
        return self.answer or Accepted(sid)

    def arrange(self, room):
        self.arranged.append(room)
        return self.answer or Accepted("CF" + "1" * 32)


class Leg(Call):
    """A call of ours as the provider carries it out, from the moment it is picked up."""

    def __init__(self, door, clock, placed, sid):
        self.door, self.clock, self.placed, self.sid = door, clock, placed, sid
        self.caller, self.heard = placed.sender, ""

    def form(self, **fields):
        """The fields of a request of a call that the line placed."""
        return super().form(**{"To": self.placed.recipient, "Direction": "outbound-api", **fields})

    def _path(self, url):
        return url.partition("#")[0].removeprefix(self.door.exchange.wording.public_url)

    def pick_up(self):
        return self.post(self._path(self.placed.url))

    def go_on(self):
        """Follow the one redirect, or what comes after a conference."""
        root = ET.fromstring(self.heard)
        again = root.find("Redirect")
        url = again.text if again is not None else root.find("Dial").get("action")
        self.clock.sleep(2.0)
        return self.post(self._path(url))

    def news(self, status):
        return self.door.knock(self._path(self.placed.status_url), self.form(CallStatus=status))

    @property
    def room(self):
        joined = ET.fromstring(self.heard).find("Dial/Conference")
        return None if joined is None else (joined.text, joined.get("startConferenceOnEnter"))


@pytest.fixture
def staffed(texting):
    return replace(texting, lines=Lines((replace(texting.lines.all[0], desk=ALWAYS),)))


@pytest.fixture
def at(door_of, staffed):
    return door_of(staffed)


@pytest.fixture
def operator(database, clock, secrets):
    def named(name="Ada", phone=OPERATOR):
        with database.begin() as connection:
            new = NewOperator(name, Role.OPERATOR, "x", 10, seal(phone, secrets.number_key))
            one = add(connection, new, clock.now)
            set_presence(connection, one.id, Presence.AVAILABLE, clock.now)
            return one

    return named


@pytest.fixture
def stuck(ring, at, groups):
    call = ring(CALLER, at=at)
    for group in groups[:3]:
        call.key(group)
    return call.key("0")


@pytest.fixture
def claimed(stuck, database, operator, clock):
    """Ada, and the case she has claimed."""
    assert not stuck.over
    ada = operator()
    with database.begin() as connection:
        (handoff,) = queue.unfinished(connection)
        assert claims.claim(connection, handoff.id, ada.id, clock.now)
    return ada, handoff


@pytest.fixture
def wish(database, clock, staffed):
    def for_(kind, operator, handoff, number=OPERATOR, *, browser=False):
        sealed = None if number is None else seal(number, staffed.secrets.number_key)
        wanted = Wanted(kind, handoff.id, handoff.case_id, operator.id, handoff.line, sealed, browser)
        with database.begin() as connection:
            return rings.ask(connection, wanted, clock.now, clock.now)

    return for_


@pytest.fixture
def dialling():
    return Dialling()


@pytest.fixture
def dialled(staffed, at, clock, dialling):
    """Place what is due; the legs, not picked up yet."""

    def place():
        before = len(dialling.placed)
        for _ in range(5):
            ringing.ring_one(staffed, dialling, "test")
            clock.sleep(1.0)
        new = zip(dialling.placed[before:], dialling.sids[before:], strict=True)
        return [Leg(at, clock, placed, sid) for placed, sid in new]

    return place


@pytest.fixture
def talked_to(claimed, wish, dialled):
    """The operator's leg of a talk, rung and picked up."""
    wish(RingKind.TALK, *claimed)
    (leg,) = dialled()
    return leg.pick_up()


def handoff_of(rows):
    (handoff,) = rows("handoffs")
    return handoff


def part(call):
    """The caller's conference is over."""
    path = ET.fromstring(call.heard).find("Dial").get("action").partition("#")[0]
    return call.post(path.removeprefix("https://line.example"), DialCallStatus="completed")


def outcomes(rows):
    """Kind, state and outcome of every ring but those that only let a caller hear sooner."""
    return [(row["kind"], row["state"], row["outcome"]) for row in rows("rings") if row["kind"] != "sooner"]


@pytest.fixture
def talk(talked_to, stuck, dialled, dialling):
    """Ada and the caller in the room: her leg, and the call."""
    talked_to.key("1")
    dialled()
    stuck.silence()
    talked_to.go_on()
    assert talked_to.room is not None
    dialling.redirected.clear()
    return talked_to, stuck
