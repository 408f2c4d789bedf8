"""Calls of our own, at the door: an operator talks to a caller who waits, and a caller is called back."""

import threading
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from ivr import call_backs, cases, claims, queue
from ivr.callers import unseal
from ivr.lines import Lines
from ivr.queue import Decision
from ivr.rings import RingKind
from webhooks import ringing
from webhooks.outgoing import Later, Rejected

from .conftest import CALLER, OPERATOR, Dialling, Leg, handoff_of, outcomes, part


def test_an_operator_s_telephone_says_what_the_call_is_and_asks_for_a_key(talked_to, dialling, rows):
    ending = " ".join(rows("cases")[0]["number"][-4:])
    name = talked_to.door.exchange.lines.all[0].name
    assert talked_to.words == (
        f"{name}. A caller waits for you, in the case that ends in {ending}. To take the call, press 1."
    )
    (placed,) = dialling.placed
    assert (placed.sender, placed.recipient) == ("+15550100", OPERATOR)
    assert rows("handoffs")[0]["state"] == "claimed"


def test_an_operator_who_presses_1_is_joined_with_the_caller_who_goes_on_with_the_line_afterwards(
    talked_to, stuck, rows, claimed, database, clock
):
    talked_to.key("1")
    assert talked_to.words == "One moment, the caller is with you soon."
    talked_to.go_on()
    assert talked_to.room is None
    stuck.silence()
    assert stuck.words == "A person is with you now."
    room = f"handoff-{claimed[1].id}"
    assert f">{room}</Conference>" in stuck.heard
    talked_to.go_on()
    assert talked_to.room == (room, "true")
    with database.begin() as connection:
        assert claims.decide(connection, claimed[1].id, claimed[0].id, Decision.BACK, now=clock.now)
    talked_to.go_on()
    assert talked_to.over
    talked_to.news("completed")
    part(stuck)
    assert stuck.words == "A person has looked at your case. Go on with group 4."
    assert outcomes(rows)[0] == ("talk", "ended", "talked")
    (entry,) = rows("desk_entries")
    assert (entry["kind"], entry["name"]) == ("talked", "Ada")


@pytest.mark.parametrize("presses", [["5", "5"], ["", ""]])
def test_a_voicemail_or_a_wrong_key_takes_no_caller(talked_to, stuck, rows, presses, claimed):
    for keys in presses:
        assert talked_to.words.endswith("To take the call, press 1.")
        talked_to.key(keys) if keys else talked_to.silence()
    assert talked_to.over
    assert talked_to.words == "No key was pressed, and the case stays as it is. Goodbye."
    assert outcomes(rows) == [("talk", "ended", "no_key")]
    assert handoff_of(rows)["claimed_by"] == claimed[0].id
    stuck.silence()
    assert "Conference" not in stuck.heard


@pytest.mark.parametrize(
    ("status", "outcome"), [("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed"), ("canceled", "failed")]
)
def test_a_telephone_that_nobody_picks_up_is_told_and_can_be_rung_again(claimed, wish, dialled, rows, status, outcome):
    wish(RingKind.TALK, *claimed)
    (leg,) = dialled()
    assert wish(RingKind.TALK, *claimed) is None
    assert leg.news("initiated").status_code == 204
    assert leg.news(status).status_code == 204
    assert outcomes(rows) == [("talk", "ended", outcome)]
    assert [row["kind"] for row in rows("desk_entries")] == ["talked"]
    assert leg.news(status).status_code == 204
    assert len(rows("desk_entries")) == 1
    assert wish(RingKind.TALK, *claimed) is not None


def test_a_caller_who_hangs_up_while_the_telephone_rings_is_not_waited_for(claimed, wish, dialled, stuck, rows):
    wish(RingKind.TALK, *claimed)
    (leg,) = dialled()
    stuck.status("completed")
    leg.pick_up()
    assert leg.over
    assert leg.words == "The caller does not wait any more. The case stays with you. Goodbye."
    assert outcomes(rows) == [("talk", "ended", "gone")]


def test_a_caller_who_hangs_up_after_the_key_is_told_to_the_operator(talked_to, stuck, rows):
    talked_to.key("1")
    stuck.status("completed")
    talked_to.go_on()
    assert talked_to.over
    assert talked_to.words.startswith("The caller does not wait any more.")
    assert (handoff_of(rows)["state"], handoff_of(rows)["decision"]) == ("claimed", "talk")


def test_an_operator_who_hangs_up_before_the_caller_comes_is_not_joined_with_anybody(talked_to, stuck, rows):
    talked_to.key("1")
    talked_to.news("completed")
    stuck.silence()
    assert "Conference" not in stuck.heard
    assert handoff_of(rows)["state"] == "claimed"
    assert outcomes(rows)[0] == ("talk", "ended", "gone")


def test_a_caller_left_alone_in_the_room_is_brought_back_to_the_line(talked_to, stuck, clock, staffed, dialling, rows):
    talked_to.key("1")
    stuck.silence()
    talked_to.news("completed")
    assert ringing.ring_one(staffed, dialling, "test")
    assert not ringing.ring_one(staffed, dialling, "test")
    clock.sleep(6.0)
    assert ringing.ring_one(staffed, dialling, "test")
    ((sid, url),) = dialling.redirected
    assert sid == stuck.sid
    stuck.post(url.partition("#")[0].removeprefix("https://line.example"))
    assert stuck.words.startswith("You are still in line, and your case is with a person.")
    assert outcomes(rows)[1][:2] == ("return", "ended")


def test_a_caller_who_came_back_by_themselves_is_left_in_peace(talked_to, stuck, clock, staffed, dialling):
    talked_to.key("1")
    stuck.silence()
    talked_to.go_on()
    talked_to.news("completed")
    part(stuck)
    clock.sleep(6.0)
    assert ringing.ring_one(staffed, dialling, "test")
    assert dialling.redirected == []


def test_a_case_that_was_released_while_the_telephone_rang_is_not_taken(talked_to, claimed, database, clock, rows):
    with database.begin() as connection:
        assert claims.release(connection, claimed[1].id, claimed[0].id, clock.now)
    talked_to.key("1")
    assert talked_to.over
    assert talked_to.words == "This case is not with you any more. Goodbye."
    assert handoff_of(rows)["state"] == "waiting"


def test_a_case_that_was_transferred_is_talked_to_by_its_new_operator(
    talked_to, claimed, operator, database, clock, wish, dialled, stuck
):
    bert = operator("Bert", "+14155550178")
    talked_to.key("1")
    stuck.silence()
    talked_to.go_on()
    with database.begin() as connection:
        assert claims.transfer(connection, claimed[1].id, claimed[0].id, bert.id, clock.now)
    wish(RingKind.TALK, bert, claimed[1], "+14155550178")
    (leg,) = dialled()
    leg.pick_up().key("1")
    assert leg.words == "One moment, the caller is with you soon."


def test_a_key_that_is_brought_twice_counts_once(talked_to, rows):
    (path,) = talked_to.actions
    talked_to.key("1")
    talked_to.post(path, Digits="1")
    assert not talked_to.over
    assert outcomes(rows) == [("talk", "accepted", None)]


def test_another_call_than_the_ring_s_own_is_ended(talked_to, at, clock, rows):
    stranger = Leg(at, clock, talked_to.placed, "CA" + "7" * 32).pick_up()
    assert (stranger.over, stranger.words) == (True, "This call is not needed any more. Goodbye.")
    assert stranger.post(talked_to.actions[0], Digits="1").over
    assert outcomes(rows) == [("talk", "answered", None)]


@pytest.mark.parametrize("path", ["/voice/desk/leg/99", "/voice/desk/leg/99/key/1", "/voice/desk/leg/99/hold/1"])
def test_a_ring_that_there_is_none_of_is_ended_with_a_sentence(ring, at, path):
    call = ring(CALLER, at=at).post(path, Digits="1")
    assert (call.over, call.words) == (True, "This call is not needed any more. Goodbye.")


def test_what_is_no_form_of_twilio_s_finds_no_leg(at):
    form = {"AccountSid": at.exchange.account_sid, "CallSid": "../etc"}
    assert at.knock("/voice/desk/leg/1", form).status_code == 400
    assert at.knock("/voice/desk/leg/1", {**form, "CallSid": "CA1"}, signed="another token").status_code == 403
    assert at.knock(f"/voice/desk/leg/{2**70}", {**form, "CallSid": "CA1"}).status_code == 404


def test_a_caller_left_alone_is_brought_back_though_the_first_attempts_were_lost(
    talked_to, stuck, clock, staffed, dialling, rows
):
    talked_to.key("1")
    stuck.silence()
    talked_to.news("completed")
    clock.sleep(6.0)
    dialling.answer = Later("UNREACHABLE", doubtful=True)
    for _ in range(300):
        clock.sleep(1.0)
        ringing.ring_one(staffed, dialling, "test")
        ringing.sweep(staffed)
    assert 3 < len(dialling.redirected) < 30
    dialling.answer = None
    clock.sleep(60.0)
    assert ringing.ring_one(staffed, dialling, "test")
    assert {sid for sid, _ in dialling.redirected} == {stuck.sid}
    assert outcomes(rows)[1] == ("return", "ended", "done")


def test_a_talk_that_was_cut_off_for_its_length_is_over(talked_to, stuck, clock, rows):
    talked_to.key("1")
    stuck.silence()
    talked_to.go_on()
    assert 'timeLimit="3600"' in talked_to.heard
    clock.sleep(3600.0)
    talked_to.go_on()
    assert talked_to.over
    assert handoff_of(rows)["decision"] is None


def test_a_colleague_who_stays_is_joined_with_the_caller_anew(talked_to, stuck, rows):
    talked_to.key("1")
    stuck.silence()
    talked_to.go_on().go_on()
    assert talked_to.words == "One moment, the caller is with you soon."
    part(stuck)
    assert stuck.words == "A person is with you now."
    assert talked_to.go_on().room is not None
    assert handoff_of(rows)["state"] == "claimed"


# A call-back: the operator first, then the caller.


@pytest.fixture
def gone(stuck, claimed):
    """Ada's case, whose caller has hung up."""
    stuck.status("completed")
    return claimed


@pytest.fixture
def called_back(gone, wish, dialled):
    """The legs of a call-back: the operator's, who has taken it, and the caller's, who has picked up."""
    wish(RingKind.CALL_BACK, *gone)
    (operators_leg,) = dialled()
    operators_leg.pick_up().key("1")
    (callers_leg,) = dialled()
    return operators_leg, callers_leg


def test_the_caller_is_rung_when_the_operator_is_there_and_hears_who_it_is(called_back, dialling):
    operators_leg, callers_leg = called_back
    assert operators_leg.words == "One moment, the caller's telephone rings."
    assert dialling.placed[1].recipient == CALLER
    callers_leg.pick_up()
    name = callers_leg.door.exchange.lines.all[0].name
    assert callers_leg.words == (f"This is {name}, calling back about your installation. To talk to a person, press 1.")


def test_a_caller_who_presses_1_is_joined_and_goes_on_with_the_line_on_their_case(
    called_back, gone, database, clock, groups
):
    operators_leg, callers_leg = called_back
    callers_leg.pick_up().key("1")
    assert callers_leg.words == "A person is with you now."
    assert callers_leg.room == (f"handoff-{gone[1].id}", "false")
    operators_leg.go_on()
    assert operators_leg.room == (f"handoff-{gone[1].id}", "true")
    with database.begin() as connection:
        assert claims.decide(connection, gone[1].id, gone[0].id, Decision.BACK, now=clock.now)
    operators_leg.news("completed")
    callers_leg.go_on()
    assert callers_leg.words == "A person has looked at your case. Go on with group 4."
    for group in groups[3:]:
        callers_leg.key(group)
    assert "Approved. Write down 8 blocks" in callers_leg.words


def test_a_caller_is_called_back_in_the_language_of_the_case(called_back, gone, database):
    with database.begin() as connection:
        cases.speak(connection, gone[1].case_id, "de")
    operators_leg, callers_leg = called_back
    german = callers_leg.door.exchange.wording.catalogues["de"]
    callers_leg.pick_up()
    assert german.text("desk.caller.ask", None).partition("}")[2] in callers_leg.words
    callers_leg.key("1")
    assert callers_leg.words == german.text("waiting.joined", None)
    assert operators_leg.go_on().words == ""
    assert "de-DE" not in operators_leg.heard


@pytest.fixture
def owed(gone, rows, clock, database):
    """The call-backs promised about Ada's case, as they stand: who made each."""
    with database.begin() as connection:
        (call,) = rows("calls")
        wish = call_backs.Wish(call["sid"], gone[1].case_id, gone[1].line, call["number_sealed"], clock.now, 24)
        call_backs.note(connection, wish)
    return lambda: [row["done_by"] for row in rows("call_backs")]


def test_a_promise_is_kept_by_itself_once_the_caller_was_talked_to(owed, called_back):
    operators_leg, callers_leg = called_back
    callers_leg.pick_up().key("1")
    operators_leg.go_on()
    assert owed() == [None]
    callers_leg.news("completed")
    assert owed() == ["Ada"]


def test_a_caller_who_was_not_reached_is_still_owed_a_call(owed, called_back):
    called_back[1].news("no-answer")
    assert owed() == [None]


def test_a_promise_is_kept_by_itself_once_the_caller_has_the_activation(owed, ring, at, groups):
    call = ring(CALLER, at=at)
    assert "To go on where you stopped, key group 4." in call.words
    for group in groups[3:]:
        call.key(group)
    assert "Approved. Write down 8 blocks" in call.words
    assert owed() == ["the line"]


def test_a_call_back_that_is_hung_up_on_leaves_the_case_with_its_operator(called_back, rows):
    operators_leg, callers_leg = called_back
    callers_leg.pick_up().key("1")
    operators_leg.go_on()
    callers_leg.news("completed")
    operators_leg.go_on()
    assert operators_leg.over
    assert operators_leg.words.startswith("The caller does not wait any more.")
    assert handoff_of(rows)["left_at"] is not None
    assert [row["kind"] for row in rows("desk_entries")] == ["called_back"]
    assert outcomes(rows)[1] == ("caller", "ended", "talked")


@pytest.mark.parametrize("keys", ["", "7"])
def test_a_caller_s_voicemail_hears_nothing_but_who_rang(called_back, rows, keys):
    operators_leg, callers_leg = called_back
    callers_leg.pick_up()
    for _ in range(2):
        callers_leg.key(keys) if keys else callers_leg.silence()
    assert callers_leg.over
    assert callers_leg.words == "No key was pressed. All you keyed is kept. Goodbye."
    operators_leg.go_on()
    assert operators_leg.over
    assert operators_leg.words == "The caller could not be reached. The case stays with you. Goodbye."
    caller = rows("desk_entries")[0]
    assert caller["details"] == '{"whose": "caller", "outcome": "no_key", "try": 1}'


def test_a_caller_who_is_busy_is_told_to_the_operator(called_back):
    operators_leg, callers_leg = called_back
    operators_leg.go_on()
    assert not operators_leg.over
    callers_leg.news("busy")
    operators_leg.go_on()
    assert operators_leg.words.startswith("The caller could not be reached.")


def test_a_caller_who_picks_up_when_the_operator_has_gone_is_told_so(called_back, rows):
    operators_leg, callers_leg = called_back
    operators_leg.news("completed")
    callers_leg.pick_up()
    assert callers_leg.over
    assert callers_leg.words.startswith("We are sorry, nobody can be with you just now.")
    assert outcomes(rows)[1] == ("caller", "ended", "gone")


def test_the_caller_s_key_brought_twice_begins_one_call(called_back, rows):
    callers_leg = called_back[1].pick_up()
    (path,) = callers_leg.actions
    callers_leg.key("1")
    heard = callers_leg.heard
    callers_leg.post(path, Digits="1")
    assert callers_leg.heard == heard
    assert len(rows("calls")) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_call_back_comes_from_the_case_s_own_line_and_goes_on_there(
    ring, door_of, staffed, groups, clock, operator, wish, rows
):
    other = replace(staffed.lines.all[0], number="+15550222", name="The other line")
    both = replace(staffed, lines=Lines((*staffed.lines.all, other)))
    door, dialling = door_of(both), Dialling()
    call = ring(CALLER, at=door)
    call.post("/voice/incoming")
    ada = operator()
    with staffed.database.begin() as connection:
        case = cases.open_case(
            connection, line=other.number, caller=None, layout=1, groups=tuple(groups[:2]) + ("",) * 7, now=clock.now,
            below=lambda below: below // 2,
        )  # fmt: skip
        handoff = queue.enter(
            connection, case.id, channel="phone", sid=call.sid, line=other.number, caller=None, reason="ASKED",
            now=clock.now,
        )  # fmt: skip
        claims.claim(connection, handoff.id, ada.id, clock.now)
        queue.leave(connection, call.sid, clock.now)
    wish(RingKind.CALL_BACK, ada, handoff)
    legs = []
    for _ in range(2):
        ringing.ring_one(both, dialling, "test")
        clock.sleep(1.0)
        legs.append(Leg(door, clock, dialling.placed[-1], dialling.sids[-1]).pick_up())
        assert legs[-1].words.startswith(("The other line", "This is The other line"))
        legs[-1].key("1")
    assert {placed.sender for placed in dialling.placed} == {other.number}
    with staffed.database.begin() as connection:
        claims.decide(connection, handoff.id, ada.id, Decision.BACK, now=clock.now)
    assert legs[1].go_on().words == "A person has looked at your case. Go on with group 3."
    assert [row["line"] for row in rows("calls")] == ["+15550100", other.number]
    legs[1].post("/voice/call-back", Digits="1")
    (wished,) = rows("call_backs")
    assert unseal(wished["number_sealed"], staffed.secrets.number_key) == CALLER


# Dialling.


def test_no_answer_from_the_provider_means_no_second_call(claimed, wish, dialling, staffed, clock, rows):
    wish(RingKind.TALK, *claimed)
    dialling.answer = Later("UNREACHABLE", doubtful=True)
    assert ringing.ring_one(staffed, dialling, "test")
    for _ in range(60):
        clock.sleep(1.0)
        ringing.ring_one(staffed, dialling, "test")
        ringing.sweep(staffed)
    assert len(dialling.placed) == 1
    assert outcomes(rows) == [("talk", "ended", "unknown")]


def test_a_call_whose_placing_was_never_answered_is_known_by_its_own_news(
    claimed, wish, dialling, staffed, clock, at, rows
):
    wish(RingKind.TALK, *claimed)
    dialling.answer = Later("UNREACHABLE", doubtful=True)
    ringing.ring_one(staffed, dialling, "test")
    leg = Leg(at, clock, dialling.placed[0], dialling.sids[0])
    leg.news("initiated")
    assert rows("rings")[0]["sid"] == leg.sid
    leg.pick_up().key("1")
    assert outcomes(rows) == [("talk", "accepted", None)]


def test_a_provider_that_surely_has_nothing_is_asked_again_for_a_minute(claimed, wish, dialling, staffed, clock, rows):
    wish(RingKind.TALK, *claimed)
    dialling.answer = Later("TOO_MANY_REQUESTS")
    for _ in range(120):
        ringing.ring_one(staffed, dialling, "test")
        clock.sleep(1.0)
    assert 3 <= len(dialling.placed) <= 10
    assert outcomes(rows) == [("talk", "ended", "failed")]
    dialling.answer = None
    wish(RingKind.TALK, *claimed)
    ringing.ring_one(staffed, dialling, "test")
    assert outcomes(rows)[1][:2] == ("talk", "ringing")


def test_a_refused_call_is_told_with_the_provider_s_number(claimed, wish, dialling, staffed, rows):
    wish(RingKind.TALK, *claimed)
    dialling.answer = Rejected(21211)
    ringing.ring_one(staffed, dialling, "test")
    assert [(row["state"], row["outcome"], row["error"]) for row in rows("rings")] == [("ended", "failed", 21211)]


def test_a_telephone_whose_end_is_never_told_is_given_up_in_time(talked_to, staffed, clock, rows):
    assert not talked_to.over
    assert ringing.sweep(staffed) == 0
    clock.sleep(181)
    assert ringing.sweep(staffed) == 1
    assert outcomes(rows) == [("talk", "ended", "unknown")]


def test_two_rings_wished_at_the_same_moment_are_one(claimed, wish):
    together = threading.Barrier(2)
    found = []

    def press():
        together.wait(10)
        found.append(wish(RingKind.TALK, *claimed))

    both = [threading.Thread(target=press) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(20)
    assert sorted(one is None for one in found) == [False, True]


def test_calls_are_placed_a_second_apart_whoever_places_them(claimed, operator, wish, dialling, staffed, clock):
    for number in range(4):
        wish(RingKind.TALK, operator(f"Op {number}", f"+1415555018{number}"), claimed[1])
    times = []
    for _ in range(60):
        placed = [ringing.ring_one(staffed, dialling, by) for by in ("one", "two", "three")]
        times += [clock.now] * sum(placed)
        clock.sleep(0.1)
    assert len(times) == len(dialling.placed) == 4
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(times))
