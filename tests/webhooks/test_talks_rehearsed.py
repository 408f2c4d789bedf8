"""A decision heard at once, hold, and a colleague brought in, all of it played: the caller's and both other phones."""

import threading
import time
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from ivr import browser_phones, claims, queue, rings
from ivr.callers import seal
from ivr.hours import DeskHours, read_hours
from ivr.lines import Lines
from ivr.operators import NewOperator, Presence, Role, add, set_presence
from ivr.queue import Decision
from ivr.rings import RingKind
from webhooks import ringing
from webhooks.app import create_app
from webhooks.desk import call_words, talking
from webhooks.rehearsal.caller import SILENCE, hanging_up, keying
from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.dialling import Terms, dial
from webhooks.rehearsal.exchange import Phone, RehearsalExchange
from webhooks.rehearsal.fetching import Address
from webhooks.rehearsal.wire import Wire
from webhooks.rehearsal.wsgi import InProcess
from webhooks.twilio_calls import TwilioDialler
from webhooks.twilio_rest import Rehearsed

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
PATIENCE = 30.0
STILL = "You are still in line, and your case is with a person."


def brisk(seconds):
    """Fifty seconds of a call in one."""
    time.sleep(seconds / 50)


class AsksForAPerson:
    """A caller who presses 0 once, and then waits until they are `gone`."""

    def __init__(self):
        self.asked = self.gone = False

    def react(self, stretch):
        if self.gone:
            return hanging_up(stretch)
        if self.asked or not stretch.listening:
            return SILENCE
        self.asked = True
        return keying("0#", stretch, Pace())

    def heard(self, words):
        pass


class Stage:
    """A line whose desk is open, the telephones before it, and a caller."""

    def __init__(self, exchange, clock):
        self.exchange, self.clock, self.become = exchange, clock, {}
        self.wire, self.app = Wire(), create_app(exchange)
        public = exchange.wording.public_url
        address = Address("http://127.0.0.1:1", public)
        self.phones = RehearsalExchange(
            address, exchange.auth_tokens[0], transport=lambda: InProcess(self.app), sleep=brisk, talk_seconds=120.0,
            wire=self.wire, phones=self.become,
        )  # fmt: skip
        self.dialler = TwilioDialler(exchange.account_sid, "SK", "secret", http=lambda: Rehearsed(self.phones))
        self.words, self.over, self.caller = [], threading.Event(), AsksForAPerson()

    def call(self):
        """Let the caller dial, in a thread."""
        terms = Terms(transport=InProcess(self.app), sleep=brisk, wire=self.wire, account_sid=self.exchange.account_sid)

        def run():
            dial(
                "http://127.0.0.1:1", auth_token=self.exchange.auth_tokens[0],
                public_url=self.exchange.wording.public_url, caller_number="+14155550123", line_number="+15550100",
                caller=self.caller, terms=terms, on_line=lambda entry: self.words.append(entry.words),
            )  # fmt: skip
            self.over.set()

        threading.Thread(target=run, name="caller", daemon=True).start()

    def until(self, true):
        """Let the line do its work until something has come about."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, (self.words, [said(each) for each in self.phones.calls])
            self.clock.sleep(0.2)
            ringing.ring_one(self.exchange, self.dialler, "test")
            time.sleep(0.005)

    def operator(self, name, phone):
        """Somebody at the desk."""
        sealed = seal(phone, self.exchange.secrets.number_key)
        with self.exchange.database.begin() as connection:
            one = add(connection, NewOperator(name, Role.OPERATOR, "x", phone_sealed=sealed), self.clock.now)
            set_presence(connection, one.id, Presence.AVAILABLE, self.clock.now)
        return one

    def handoff(self):
        with self.exchange.database.read() as connection:
            (found,) = queue.unfinished(connection)
        return found

    def claimed(self, operator):
        """The operator claims the caller's case, once it is there."""
        self.until(lambda: any("in line" in words for words in self.words))
        handoff = self.handoff()
        with self.exchange.database.begin() as connection:
            assert claims.claim(connection, handoff.id, operator.id, self.clock.now)
        return handoff

    def press(self, deed, *words, **named):
        """What an operator's button does, about the case as it stands."""
        with self.exchange.database.begin() as connection:
            handoff = queue.read(connection, self.handoff().id)
            assert deed(connection, handoff, *words, self.clock.now, **named) is None


def said(telephone):
    return [entry.words for entry in telephone.transcript]


@pytest.fixture
def stage(texting, clock):
    staffed = replace(texting, lines=Lines((replace(texting.lines.all[0], desk=ALWAYS),)))
    found = Stage(staffed, clock)
    found.call()
    yield found
    for telephone in found.phones.calls:
        telephone.hang_up()
    found.caller.gone = True
    found.over.wait(PATIENCE)
    found.phones.wait()


def test_a_decision_is_heard_in_the_middle_of_the_music_and_once(stage):
    ada = stage.operator("Ada", "+14155550177")
    handoff = stage.claimed(ada)
    with stage.exchange.database.begin() as connection:
        assert claims.decide(connection, handoff.id, ada.id, Decision.BACK, now=stage.clock.now)
    looked = "A person has looked at your case."
    stage.until(lambda: any(words.startswith(looked) for words in stage.words))
    time.sleep(0.5)  # a round of music and more
    heard = [words for words in stage.words if words.startswith(looked)]
    assert heard == ["A person has looked at your case. Key group 1 of the installation ID, all six digits."]


def test_the_caller_is_held_a_colleague_comes_in_and_the_caller_is_never_alone(stage):
    ada, bert = stage.operator("Ada", "+14155550177"), stage.operator("Bert", "+14155550178")
    handoff = stage.claimed(ada)
    with stage.exchange.database.begin() as connection:
        talking.ring(connection, RingKind.TALK, queue.read(connection, handoff.id), ada, stage.clock.now)
    room = f"handoff-{handoff.id}"
    stage.until(lambda: len(stage.wire.people(room)) == 2)
    stage.press(talking.hold, ada, on=True)
    stage.until(lambda: "(on hold, with music)" in stage.words)
    stage.press(talking.bring_in, ada, bert)
    stage.until(lambda: len(stage.wire.people(room)) == 3)
    stage.press(talking.hold, ada, on=False)
    stage.until(lambda: "(taken back from hold)" in stage.words)
    adas, berts = stage.phones.calls
    assert stage.wire.people(room) == {handoff.sid: True, adas.side.call_sid: False, berts.side.call_sid: False}
    alone = []
    adas.hang_up()

    def bound():
        people = stage.wire.people(room)
        alone.append(set(people) <= {handoff.sid})
        return people == {handoff.sid: True, berts.side.call_sid: True}

    stage.until(bound)
    assert not any(alone)
    assert stage.handoff().claimed_by == bert.id
    assert STILL not in stage.words
    berts.hang_up()
    stage.until(lambda: any(words.startswith(STILL) for words in stage.words))
    assert said(berts)[0].endswith("To come in, press 1.")


def test_a_browser_that_nobody_is_at_is_followed_by_the_telephone_and_the_talk_comes_about(stage):
    ada = stage.operator("Ada", "+14155550177")
    stage.become[browser_phones.address_of(ada.id)] = Phone.NO_ANSWER
    handoff = stage.claimed(ada)
    with stage.exchange.database.begin() as connection:
        browser_phones.heard(connection, ada.id, stage.clock.now)
        talking.ring(connection, RingKind.TALK, queue.read(connection, handoff.id), ada, stage.clock.now)
    room = f"handoff-{handoff.id}"
    stage.until(lambda: len(stage.wire.people(room)) == 2)
    (telephone,) = stage.phones.calls
    assert telephone.side.line_number == "+14155550177"
    assert said(telephone)[0].endswith("To take the call, press 1.")
    with stage.exchange.database.read() as connection:
        placed = reversed(rings.of_handoff(connection, handoff.id))
        told = [call_words.told(ring) for ring in placed if ring.kind is RingKind.TALK]
    assert told == ["The operator's browser was not picked up.", "The operator's telephone is on the call."]


def test_a_browser_takes_its_call_by_a_button_and_nobody_presses_a_key(stage):
    ada = stage.operator("Ada", "+14155550177")
    handoff = stage.claimed(ada)
    with stage.exchange.database.begin() as connection:
        browser_phones.heard(connection, ada.id, stage.clock.now)
        talking.ring(connection, RingKind.TALK, queue.read(connection, handoff.id), ada, stage.clock.now)
    stage.until(lambda: len(stage.wire.people(f"handoff-{handoff.id}")) == 2)
    (browser,) = stage.phones.calls
    assert browser.side.line_number == browser_phones.address_of(ada.id)
    assert browser.gathered == []
