"""Both sides of a talk without an account: the rehearsal rings the operator, and the caller who is called back."""

import time
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
from webhooks import ringing
from webhooks.app import create_app
from webhooks.rehearsal.exchange import Phone, RehearsalExchange
from webhooks.rehearsal.fetching import Address
from webhooks.rehearsal.wsgi import InProcess
from webhooks.twilio_calls import TwilioDialler
from webhooks.twilio_rest import Rehearsed

ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
OPERATOR, CALLER = "+14155550177", "+14155550123"
PATIENCE = 20.0


@pytest.fixture
def staffed(texting):
    return replace(texting, lines=Lines((replace(texting.lines.all[0], desk=ALWAYS),)))


@pytest.fixture
def rung(staffed):
    """The rehearsal's exchange before this line, and what places calls with it; a second lasts a hundredth."""
    made = []

    def of(**phones):
        app = create_app(staffed)
        exchange = RehearsalExchange(
            Address("http://127.0.0.1:1", staffed.wording.public_url),
            staffed.auth_tokens[0],
            transport=lambda: InProcess(app),
            phones={{"operator": OPERATOR, "caller": CALLER}[whose]: phone for whose, phone in phones.items()},
            sleep=lambda seconds: time.sleep(seconds / 100),
        )
        made.append(exchange)
        return exchange, TwilioDialler(staffed.account_sid, "SK", "secret", http=lambda: Rehearsed(exchange))

    yield of
    for exchange in made:
        exchange.wait()


@pytest.fixture
def claimed(ring, door_of, staffed, groups, database, clock, secrets):
    """A caller who waits, and the wish of the operator who has claimed the case."""
    call = ring(CALLER, at=door_of(staffed))
    for group in groups[:3]:
        call.key(group)
    call.key("0")
    sealed = seal(OPERATOR, secrets.number_key)
    with database.begin() as connection:
        ada = add(connection, NewOperator("Ada", Role.OPERATOR, "x", phone_sealed=sealed), clock.now)
        set_presence(connection, ada.id, Presence.AVAILABLE, clock.now)
        (handoff,) = queue.unfinished(connection)
        claims.claim(connection, handoff.id, ada.id, clock.now)

    def wish(kind):
        with database.begin() as connection:
            wanted = Wanted(kind, handoff.id, handoff.case_id, ada.id, handoff.line, sealed)
            assert rings.ask(connection, wanted, clock.now, clock.now)

    return call, wish


def until(done, *meanwhile):
    """Wait, doing something meanwhile."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        for deed in meanwhile:
            deed()
        time.sleep(0.02)


def said(telephone):
    return [entry.words for entry in telephone.transcript]


def talk_over(call):
    """The path that is asked for when the caller's conference is over."""
    action = ET.fromstring(call.heard).find("Dial").get("action")
    return action.partition("#")[0].removeprefix("https://line.example")


def test_an_operator_and_a_caller_talk_and_the_caller_is_back_in_line(claimed, rung, staffed):
    call, wish = claimed
    exchange, dialler = rung()
    wish(RingKind.TALK)
    assert ringing.ring_one(staffed, dialler, "test")
    until(lambda: "Conference" in call.heard, call.silence)
    exchange.wait()
    (operator,) = exchange.calls
    heard = said(operator)
    assert heard[0].endswith("To take the call, press 1.")
    assert heard[1] == "1"
    assert heard[-2].startswith("(joined with the room handoff-")
    assert heard[-1] == "(hangs up)"
    call.post(talk_over(call), DialCallStatus="completed")
    assert call.words.startswith("You are still in line, and your case is with a person.")


@pytest.mark.parametrize("phone", [Phone.VOICEMAIL, Phone.BUSY, Phone.NO_ANSWER])
def test_no_machine_and_no_silence_takes_the_caller(claimed, rung, staffed, rows, phone):
    call, wish = claimed
    exchange, dialler = rung(operator=phone)
    wish(RingKind.TALK)
    ringing.ring_one(staffed, dialler, "test")
    exchange.wait()
    call.silence()
    assert "Conference" not in call.heard
    outcomes = {Phone.VOICEMAIL: "no_key", Phone.BUSY: "busy", Phone.NO_ANSWER: "no_answer"}
    assert [row["outcome"] for row in rows("rings")] == [outcomes[phone]]


def test_a_caller_is_called_back_and_goes_on_with_the_line(claimed, rung, staffed, clock, rows):
    call, wish = claimed
    call.status("completed")
    exchange, dialler = rung()
    wish(RingKind.CALL_BACK)
    assert ringing.ring_one(staffed, dialler, "test")

    def place():
        clock.sleep(1.0)
        ringing.ring_one(staffed, dialler, "test")

    until(lambda: len(exchange.calls) == 2, place)
    exchange.wait()
    caller = exchange.calls[1]
    assert caller.side.line_number == CALLER
    assert said(caller)[0].endswith("calling back about your installation. To talk to a person, press 1.")
    assert "A person is with you now." in said(caller)
    assert any(words.startswith("You are still in line") for words in said(caller))
    assert len(rows("calls")) == 2


def test_a_caller_s_voicemail_hears_no_more_than_who_rang(claimed, rung, staffed, clock):
    call, wish = claimed
    call.status("completed")
    exchange, dialler = rung(caller=Phone.VOICEMAIL)
    wish(RingKind.CALL_BACK)
    ringing.ring_one(staffed, dialler, "test")

    def place():
        clock.sleep(1.0)
        ringing.ring_one(staffed, dialler, "test")

    until(lambda: len(exchange.calls) == 2, place)
    exchange.wait()
    operator, caller = exchange.calls
    assert {words for words in said(caller) if words != "(silence)"} == {
        f"This is {staffed.lines.all[0].name}, calling back about your installation. To talk to a person, press 1.",
        "No key was pressed. All you keyed is kept. Goodbye.",
    }
    assert said(operator)[-1] == "The caller could not be reached. The case stays with you. Goodbye."
