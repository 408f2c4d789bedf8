"""Calling from the desk: what an operator may wish for, in words where they may not, and one ring for one wish."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from ivr import claims, queue, rings
from ivr.callers import seal, unseal
from ivr.hours import DeskHours, read_hours
from ivr.lines import Lines
from ivr.rings import RingKind, RingOutcome, RingState, Wanted
from webhooks.desk.app import create_desk
from webhooks.desk.guards import case_url

from .conftest import LINE, Desktop

ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
PHONE = "+14155550177"


@pytest.fixture
def desk(desk):
    return replace(desk, lines=Lines((replace(LINE, desk=ALWAYS),)))


@pytest.fixture
def phone(secrets):
    return seal(PHONE, secrets.number_key)


@pytest.fixture
def anna(desk_client, phone):
    return desk_client(phone_sealed=phone)


@pytest.fixture
def claim(database, clock):
    def of(desktop, handoff, *, left=False):
        with database.begin() as connection:
            assert claims.claim(connection, handoff.id, desktop.operator.id, clock.now)
            if left:
                assert queue.leave(connection, handoff.sid, clock.now)
        return handoff

    return of


@pytest.fixture
def rung(database):
    def of(handoff):
        with database.read() as connection:
            return rings.of_handoff(connection, handoff.id)

    return of


def test_an_operator_s_own_telephone_rings_for_a_caller_who_waits(anna, handoff, claim, rung, secrets, desk_app):
    case = claim(anna, handoff())
    page = anna.part(f"/desk/handoffs/{case.id}/calling").text
    assert "Talk to the caller" in page
    assert "Call the caller back" not in page
    answer = anna.post(f"/desk/handoffs/{case.id}/talk")
    with desk_app.test_request_context():
        assert (answer.status_code, answer.location) == (303, case_url(case.id))
    (ring,) = rung(case)
    assert (ring.kind, ring.state, ring.line) == (RingKind.TALK, RingState.DUE, LINE.number)
    assert unseal(ring.number_sealed, secrets.number_key) == PHONE


def test_a_second_press_rings_no_second_time_and_says_so(anna, handoff, claim, rung):
    case = claim(anna, handoff())
    for _ in range(2):
        answer = anna.post_part(f"/desk/handoffs/{case.id}/talk")
        assert answer.status_code == 200
    assert "A call of yours is under way already." in answer.headers["HX-Trigger"]
    assert "The operator&#39;s telephone is about to ring." in answer.text
    assert len(rung(case)) == 1


def test_without_a_number_on_file_nothing_rings_and_the_page_says_why(desk_client, handoff, claim, rung):
    bert = desk_client(name="Bert Hall")
    case = claim(bert, handoff())
    answer = bert.post_part(f"/desk/handoffs/{case.id}/talk")
    assert "Your own telephone number is not on file" in answer.headers["HX-Trigger"]
    assert "Your own telephone number is not on file" in answer.text
    assert rung(case) == []


@pytest.mark.parametrize("path", ["talk", "call-back"])
def test_a_case_that_another_has_is_not_called_about(anna, desk_client, handoff, claim, rung, path, phone):
    case = claim(desk_client(name="Bert Hall", phone_sealed=phone), handoff())
    answer = anna.post_part(f"/desk/handoffs/{case.id}/{path}")
    assert "claim it first" in answer.headers["HX-Trigger"]
    assert rung(case) == []


@pytest.mark.parametrize("path", ["talk", "call-back"])
def test_a_case_that_there_is_none_of_is_not_found(anna, path):
    assert anna.post(f"/desk/handoffs/99/{path}").status_code == 404
    assert anna.get("/desk/handoffs/99/calling").status_code == 404


def test_a_caller_who_has_hung_up_is_called_back_and_one_who_waits_is_not(anna, handoff, claim, rung):
    waits, gone = claim(anna, handoff()), claim(anna, handoff(caller="+14155550124"), left=True)
    assert "still waits" in anna.post_part(f"/desk/handoffs/{waits.id}/call-back").headers["HX-Trigger"]
    assert "does not wait" in anna.post_part(f"/desk/handoffs/{gone.id}/talk").headers["HX-Trigger"]
    assert "Call the caller back" in anna.part(f"/desk/handoffs/{gone.id}/calling").text
    anna.post_part(f"/desk/handoffs/{gone.id}/call-back")
    (ring,) = rung(gone)
    assert (ring.kind, rung(waits)) == (RingKind.CALL_BACK, [])


def test_a_withheld_caller_who_has_hung_up_cannot_be_called_back(anna, handoff, claim, rung):
    case = claim(anna, handoff(caller="anonymous"), left=True)
    assert "No number of this caller is known." in anna.part(f"/desk/handoffs/{case.id}/calling").text
    anna.post_part(f"/desk/handoffs/{case.id}/call-back")
    assert rung(case) == []


@pytest.mark.parametrize(
    ("zone", "may"),
    [
        pytest.param("America/New_York", False, id="07:00"),
        pytest.param("America/Halifax", True, id="08:00"),
        pytest.param("Asia/Bangkok", True, id="19:00"),
        pytest.param("Asia/Singapore", False, id="20:00"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_is_rung_at_night_by_the_clock_of_their_line(desk, handoff, claim, add_operator, rung, zone, may, phone):
    line = replace(LINE, desk=replace(ALWAYS, zone=ZoneInfo(zone)))
    anna = Desktop(create_desk(replace(desk, lines=Lines((line,)))))
    anna.operator = add_operator(phone_sealed=phone)
    anna.log_in("Anna Berg")
    case = claim(anna, handoff(), left=True)
    assert ("Call the caller back" in anna.part(f"/desk/handoffs/{case.id}/calling").text) is may
    answer = anna.post_part(f"/desk/handoffs/{case.id}/call-back")
    assert bool(rung(case)) is may
    assert may or "from 08:00 to 20:00" in answer.headers["HX-Trigger"]


def test_a_caller_is_rung_three_times_at_most(anna, handoff, claim, database, clock, phone):
    case = claim(anna, handoff(), left=True)
    for left in (3, 2, 1):
        with database.begin() as connection:
            assert rings.tries(connection, case.id) == 3 - left
            wanted = Wanted(RingKind.CALLER, case.id, case.case_id, anna.operator.id, case.line, phone)
            ring = rings.read(connection, rings.ask(connection, wanted, clock.now, clock.now))
            rings.move(connection, ring.id, (RingState.DUE,), state=RingState.PLACING, posted_at=clock.now)
            rings.ended(connection, ring, RingOutcome.NO_ANSWER, clock.now, sid=None, error=None)
    page = anna.part(f"/desk/handoffs/{case.id}/calling").text
    assert "This caller was rung 3 times already." in page
    assert page.count("The caller&#39;s telephone was not picked up.") == 3
    assert "rung 3 times" in anna.post_part(f"/desk/handoffs/{case.id}/call-back").headers["HX-Trigger"]
