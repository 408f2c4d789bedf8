"""Waiting for a person in a call: the place, the ways out of the queue, and what a decision at the desk changes."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr import cases, claims, notices, queue
from ivr.callers import pseudonym
from ivr.hours import DeskHours, read_hours
from ivr.lines import Lines
from ivr.operators import operators
from ivr.queue import Decision, HandoffState
from ivr.signs import Score
from ivr.waiting import MOST_WAITED
from keys import ledger
from webhooks import background

from .conftest import Texts

ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
NEVER = DeskHours(ZoneInfo("UTC"), read_hours("mon-fri 09:00-10:00"), frozenset())


@pytest.fixture
def staffed(texting):
    """The exchange, with a line whose desk is open."""
    return replace(texting, lines=Lines((replace(texting.lines.all[0], desk=ALWAYS),)))


@pytest.fixture
def operator(database, clock):
    """The row id of an operator who is at the desk."""
    with database.begin() as connection:
        return connection.execute(
            operators.insert()
            .values(
                name="ada",
                role="operator",
                password_hash="x",
                on_call=False,
                grant_limit=10,
                presence="available",
                presence_at=clock.now,
                failures=0,
                created_at=clock.now,
            )
            .returning(operators.c.id)
        ).scalar_one()


@pytest.fixture
def stuck(ring, door_of, staffed, groups):
    """A call that waits for a person, with three groups keyed."""

    def call_in(caller="+14155550123"):
        call = ring(caller, at=door_of(staffed))
        for group in groups[:3]:
            call.key(group)
        return call.key("0")

    return call_in


@pytest.fixture
def decide(database, clock, operator):
    """Claim the one waiting case, do something to it, and decide."""

    def at_desk(decision, *, reason=None, first=lambda _connection, _handoff: None):
        with database.begin() as connection:
            (handoff,) = queue.unfinished(connection)
            assert claims.claim(connection, handoff.id, operator, clock.now)
            first(connection, handoff)
            assert claims.decide(connection, handoff.id, operator, decision, reason=reason, now=clock.now)

    return at_desk


@pytest.mark.usefixtures("operator")
def test_a_caller_who_wants_a_person_hears_the_place_and_an_honest_wait(stuck):
    call = stuck()
    assert call.words.startswith(
        "You are number 1 in line for a person. That takes about 4 minutes. All you keyed is kept."
    )
    assert "To be called back at this number, press 1. To go on keying, press 2." in call.words
    second = stuck("+14155550124")
    assert second.words.startswith("You are number 2 in line for a person. That takes about 8 minutes.")


def test_nobody_at_the_desk_is_said_as_it_is(stuck):
    assert stuck().words.startswith("You are number 1 in line, but nobody is at the desk just now.")


def test_outside_the_hours_the_line_takes_a_case_instead(ring, door_of, staffed, groups, rows):
    closed = replace(staffed, lines=Lines((replace(staffed.lines.all[0], desk=NEVER),)))
    call = ring(at=door_of(closed))
    call.key(groups[0])
    call.key("0")
    assert "No operator can join this call just now. Your case number is" in call.words
    assert rows("handoffs") == []


@pytest.mark.usefixtures("operator")
def test_rounds_of_music_go_on_and_the_place_is_said_again_when_it_changes(stuck, database, clock):
    first, second = stuck(), stuck("+14155550124")
    assert second.silence().words == ""
    with database.begin() as connection:
        queue.leave(connection, first.sid, clock.now)
        claims.finish(connection, queue.unfinished(connection)[0].id, "other", clock.now)
    assert second.silence().words.startswith("You are number 1 in line for a person.")


def test_a_call_that_misses_its_rounds_is_over_though_nobody_said_so(stuck, staffed, clock, rows):
    stuck()
    clock.sleep(60)
    background.sweep(staffed)
    assert rows("handoffs")[0]["left_at"] is None
    clock.sleep(61)
    background.sweep(staffed)
    assert rows("handoffs")[0]["left_at"] is not None
    assert rows("calls")[0]["outcome"] == "hung_up"
    assert rows("handoffs")[0]["state"] == "waiting", "the case stays"


def test_a_hang_up_keeps_the_case_in_the_queue_without_its_caller(stuck, rows):
    call = stuck()
    call.status("completed")
    (handoff,) = rows("handoffs")
    assert handoff["state"] == "waiting"
    assert handoff["left_at"] is not None
    assert rows("cases")[0]["groups"].count(",") == 8


def test_a_decision_that_a_caller_hung_up_on_is_its_operators_again(stuck, decide, rows):
    call = stuck()
    decide(Decision.REFUSED, reason="OPERATOR_REFUSED")
    call.status("completed")
    (handoff,) = rows("handoffs")
    assert (handoff["state"], handoff["finished_at"]) == ("claimed", None)


def test_a_caller_may_leave_the_queue_for_a_call_back(stuck, rows):
    call = stuck()
    call.key("1")
    assert call.over
    assert "An operator will call you back at this number within 24 hours." in call.words
    assert len(rows("call_backs")) == 1
    assert rows("handoffs")[0]["left_at"] is not None


def test_a_caller_may_go_on_alone_and_is_out_of_the_queue(stuck, groups, rows):
    call = stuck()
    call.key("2")
    assert call.words == "What you keyed is kept. Key group 4."
    assert rows("handoffs")[0]["disposition"] == "went_on"
    for group in groups[3:]:
        call.key(group)
    assert "Approved." in call.words


def test_a_text_with_the_case_number_keeps_the_place(stuck, staffed, clock, rows):
    call = stuck()
    call.key("3")
    assert call.words == "A text is on its way."
    assert not call.over
    assert rows("handoffs")[0]["finished_at"] is None
    assert rows("cases")[0]["number"] in Texts(staffed, clock).come()[0]
    assert call.silence().words.startswith("You are number 1")


def test_a_waiting_caller_may_hear_the_case_number_and_keeps_the_place(stuck, rows):
    call = stuck()
    assert "To hear your case number, press 4." in call.words
    call.key("4")
    number = " ".join(rows("cases")[0]["number"][:3])
    assert call.words.startswith(f"Your case number is {number}")
    assert rows("handoffs")[0]["left_at"] is None


def test_what_an_operator_corrected_is_gone_on_with_by_the_caller(stuck, decide, groups, clock):
    call = stuck()

    def correct(connection, handoff):
        cases.keep_groups(connection, handoff.case_id, 1, (*groups[:8], ""), clock.now)

    decide(Decision.BACK, first=correct)
    assert call.silence().words == "A person has looked at your case. Go on with group 9."
    call.key(groups[8])
    assert "Approved." in call.words


def test_an_operator_who_keyed_the_whole_id_hands_back_a_call_that_is_read_its_blocks(
    stuck, decide, groups, clock, rows
):
    call = stuck()

    def complete(connection, handoff):
        cases.keep_groups(connection, handoff.case_id, 1, tuple(groups), clock.now)

    decide(Decision.BACK, first=complete)
    assert "Approved. Write down 8 blocks" in call.silence().words
    assert rows("handoffs")[0]["disposition"] == "back"


def test_an_activation_issued_at_the_desk_is_read_by_the_line(stuck, decide, groups, clock, mak, installation, secrets):
    call = stuck()

    def issue(connection, handoff):
        cases.keep_groups(connection, handoff.case_id, 1, tuple(groups), clock.now)
        iid = installation(1, mak.key.serial)
        claim = ledger.Claim(iid, ledger.identify(iid, secrets).generation, "operator", "desk", str(handoff.case_id))
        done = ledger.reserve_and_post(connection, claim, now=clock.now)
        cases.activated(connection, handoff.case_id, done.reservation.id, clock.now, Score(0))

    decide(Decision.ISSUED, first=issue)
    words = call.silence().words
    assert words.startswith("A person has approved this machine. Write down 8 blocks of six digits.")
    assert "H, Hotel." in words


def test_a_refusal_by_an_operator_is_heard_with_its_reason_and_a_way_on(stuck, decide, rows):
    call = stuck()
    decide(Decision.REFUSED, reason="OPERATOR_REFUSED")
    words = call.silence().words
    assert words.startswith("A person has looked at this, and the activation cannot be approved.")
    assert "Your case number is" in words
    assert not call.over
    assert "To go on keying" not in words
    assert rows("handoffs")[0]["state"] == HandoffState.DONE


def test_a_claim_is_told_at_the_next_round(stuck, database, operator, clock):
    call = stuck()
    with database.begin() as connection:
        claims.claim(connection, queue.unfinished(connection)[0].id, operator, clock.now)
    for _ in range(4):
        call.silence()
    assert call.words.startswith("A person has your case in front of them.")


def test_a_phone_that_sends_no_keys_waits_for_a_person_to_talk_to(ring, door_of, staffed, rows):
    call = ring(at=door_of(staffed))
    for _ in range(3):
        call.silence()
    assert call.words.startswith("No keys reach us from your phone. You are number 1 in line")
    assert not call.over
    assert [row["reason"] for row in rows("handoffs")] == ["NO_KEYS"]


def test_nobody_waits_for_ever(stuck, rows):
    call = stuck()
    for _ in range(MOST_WAITED):
        assert not call.over
        call.silence()
    assert call.over
    assert call.words.startswith("Nobody can be with you soon. An operator will call you back")
    assert len(rows("call_backs")) == 1


def test_a_withheld_caller_who_waited_too_long_is_told_the_case_number(stuck, rows):
    call = stuck("anonymous")
    for _ in range(MOST_WAITED):
        call.silence()
    assert call.over
    assert rows("cases")[0]["number"][0] in call.words
    assert rows("call_backs") == []


def test_an_exhausted_key_leads_into_the_queue_at_once(ring, door_of, staffed, issue_key, installation, rows):
    from keys.groups import split
    from keys.installation_id import encode

    one = issue_key(granted=1)
    for nonce in (1, 2):
        call = ring(f"+1415555012{nonce}", at=door_of(staffed))
        for group in split(encode(installation(1, one.key.serial, nonce=nonce))):
            call.key(group)
    assert call.words.startswith("All activations of this product key are used. You are number 1 in line")
    assert [row["reason"] for row in rows("handoffs")] == ["ALLOWANCE_EXHAUSTED"]


def test_a_turn_delivered_twice_while_waiting_enters_the_queue_once(stuck, rows):
    call = stuck()
    path = call.actions[0]
    call.post(path)
    heard = call.heard
    call.post(path)
    assert call.heard == heard
    assert len(rows("handoffs")) == 1


def test_agent_by_text_enters_the_same_queue(staffed, clock, groups, rows):
    texts = Texts(staffed, clock)
    texts.send(" ".join(groups[:4]))
    (answer,) = texts.send("AGENT")
    number = rows("cases")[0]["number"]
    assert answer == (
        f"A person will look at your case and answer here. All you sent is kept. Your case number is {number}."
    )
    (handoff,) = rows("handoffs")
    assert (handoff["channel"], handoff["state"]) == ("text", "waiting")
    texts.send("agent")
    assert len(rows("handoffs")) == 1


def test_what_a_person_made_of_a_texted_case_is_what_the_next_text_goes_on_with(staffed, clock, groups, decide):
    texts = Texts(staffed, clock)
    texts.send(" ".join(groups[:4]))
    texts.send("AGENT")

    def correct(connection, handoff):
        cases.keep_groups(connection, handoff.case_id, 1, (*groups[:8], ""), clock.now)

    decide(Decision.BACK, first=correct)
    (answer,) = texts.send(groups[8])
    assert answer.startswith("Approved.")


def test_the_case_of_a_silent_operator_goes_back_to_its_old_place(stuck, database, operator, clock):
    stuck(), stuck("+14155550124")
    with database.begin() as connection:
        first, _ = queue.unfinished(connection)
        claims.claim(connection, first.id, operator, clock.now)
        clock.sleep(181)
        returned = claims.return_silent(connection, clock.now, timedelta(minutes=3))
        assert [handoff.id for handoff in returned] == [first.id]
        assert queue.place(connection, queue.read(connection, first.id)).number == 1


def test_the_music_is_a_sound_file_that_the_provider_may_keep(door_of, staffed):
    answer = door_of(staffed).knock("/voice/hold.wav", method="GET", signed=False)
    assert (answer.status_code, answer.mimetype) == (200, "audio/wav")
    assert "max-age" in answer.headers["Cache-Control"]


def test_a_notice_is_spoken_first_while_it_is_switched_on(ring, door_of, staffed, database, operator, clock):
    with database.begin() as connection:
        on = notices.switch_on(connection, None, "The north is down & out.", operator, clock.now)
    door = door_of(staffed)
    assert ring(at=door).words.startswith("The north is down & out. Nordstern activation line. Key group 1")
    with database.begin() as connection:
        notices.switch_off(connection, on, operator, clock.now)
    assert ring(at=door).words.startswith("Nordstern activation line. Key group 1")


def test_a_blocked_caller_hears_so_and_is_sent_nothing(ring, door_of, staffed, database, operator, clock, groups, rows):
    name = pseudonym("+14155550123", staffed.secrets.pepper)
    with database.begin() as connection:
        notices.block(connection, name, "sealed", "sells activations", operator, until=None, now=clock.now)
    call = ring(at=door_of(staffed))
    assert call.over
    assert call.words.startswith("This number cannot be served here.")
    assert rows("calls")[0]["outcome"] == "blocked"
    assert Texts(staffed, clock).send(" ".join(groups)) == []
    assert rows("reservations") == []
    assert not ring("+14155550124", at=door_of(staffed)).over
