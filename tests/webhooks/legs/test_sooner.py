"""A decision is heard at once: the round of music is cut short, and whatever comes of that, it is taken up once."""

import xml.etree.ElementTree as ET

import pytest

from ivr import claims, dialled, rings
from ivr.queue import Decision
from ivr.rings import RingKind
from webhooks import ringing
from webhooks.outgoing import Later, Rejected

from .conftest import handoff_of


@pytest.fixture
def decided(claimed, database, clock):
    """Ada decides about the case of the caller who waits."""

    def decide(decision, reason=None):
        with database.begin() as connection:
            assert claims.decide(connection, claimed[1].id, claimed[0].id, decision, reason=reason, now=clock.now)

    return decide


@pytest.fixture
def deliver(staffed, dialling):
    """Do what is due; the paths that a live call was sent on to."""

    def once():
        before = len(dialling.redirected)
        while ringing.ring_one(staffed, dialling, "test"):
            pass
        return [
            (sid, url.partition("#")[0].removeprefix("https://line.example"))
            for sid, url in dialling.redirected[before:]
        ]

    return once


def sooner(rows):
    return [(row["state"], row["outcome"]) for row in rows("rings") if row["kind"] == "sooner"]


def round_of(call):
    """What the provider asks for when the round of music is over."""
    action = ET.fromstring(call.heard).find("Gather").get("action")
    return action.partition("#")[0].removeprefix("https://line.example")


@pytest.mark.parametrize(
    ("decision", "reason", "words"),
    [
        (Decision.BACK, None, "A person has looked at your case. Go on with group 4."),
        (Decision.REFUSED, "OPERATOR_REFUSED", "A person has looked at this, and the activation cannot be approved."),
        (Decision.TALK, None, "A person is with you now."),
    ],
)
def test_a_decision_cuts_the_music_short(stuck, decided, deliver, rows, decision, reason, words):
    decided(decision, reason)
    ((sid, path),) = deliver()
    assert (sid, path) == (stuck.sid, round_of(stuck))
    assert stuck.post(path).words.startswith(words)
    assert sooner(rows) == [("ended", "done")]


@pytest.mark.parametrize("first", ["update", "round"])
def test_of_the_update_and_the_end_of_the_round_one_takes_the_turn_and_both_are_answered_alike(
    stuck, decided, deliver, rows, first
):
    over = round_of(stuck)
    decided(Decision.BACK)
    ((_, path),) = deliver()  # the provider has it, and the round ends at the same moment
    for way in (path, over) if first == "update" else (over, path):
        stuck.post(way)
        assert stuck.words == "A person has looked at your case. Go on with group 4."
    turns = rows("calls")[0]["turn"]
    stuck.post(over)
    assert rows("calls")[0]["turn"] == turns
    assert [row["kind"] for row in rows("desk_events")].count("finished") == 1


def test_a_decision_that_the_round_took_up_first_is_not_heard_again(stuck, decided, deliver, rows):
    decided(Decision.BACK)
    assert stuck.silence().words.startswith("A person has looked at your case.")
    assert deliver() == []
    assert sooner(rows) == [("ended", "done")]


@pytest.mark.parametrize("answer", [Rejected(20404), Later("UNREACHABLE"), Later("TWILIO_FAILED", doubtful=True)])
def test_an_update_that_fails_changes_nothing_and_is_not_tried_again(
    stuck, decided, deliver, dialling, rows, answer, clock, staffed
):
    before = stuck.heard
    decided(Decision.BACK)
    dialling.answer = answer
    deliver()
    clock.sleep(50.0)
    ringing.sweep(staffed)
    assert deliver() == []
    assert len(dialling.redirected) == 1
    assert sooner(rows) == [("ended", "failed")]
    assert (handoff_of(rows)["state"], handoff_of(rows)["decision"]) == ("decided", "back")
    assert stuck.heard == before
    assert stuck.silence().words == "A person has looked at your case. Go on with group 4."


def test_a_process_that_dies_with_the_update_loses_nothing(stuck, decided, deliver, staffed, clock, rows, database):
    decided(Decision.BACK)
    with database.begin() as connection:
        assert dialled.take(connection, "one that is killed", clock.now, ringing.LEASE) is not None
    clock.sleep(41.0)
    assert ringing.sweep(staffed) == 1
    assert deliver() == []
    assert sooner(rows) == [("ended", "unknown")]
    assert stuck.silence().words == "A person has looked at your case. Go on with group 4."


def test_a_caller_who_talks_is_not_cut_off_by_a_decision(talk, claimed, database, clock, deliver):
    _, stuck = talk
    with database.begin() as connection:
        assert claims.decide(connection, claimed[1].id, claimed[0].id, Decision.BACK, now=clock.now)
    assert deliver() == []
    assert "Conference" in stuck.heard


def test_nobody_is_sent_on_where_the_caller_has_hung_up_or_the_case_came_by_text(
    claimed, stuck, decided, deliver, database, clock
):
    decided(Decision.BACK)
    stuck.status("completed")
    assert deliver() == []
    with database.begin() as connection:
        assert claims.decide(connection, claimed[1].id, claimed[0].id, Decision.BACK, now=clock.now)
        assert not [ring for ring in rings.of_handoff(connection, claimed[1].id) if ring.state != "ended"]


@pytest.mark.usefixtures("stuck")
def test_a_decision_waits_for_no_telephone_s_pace(decided, deliver, wish, claimed, dialling):
    wish(RingKind.TALK, *claimed)
    decided(Decision.BACK)
    assert len(deliver()) == 1
    assert len(dialling.placed) == 1
