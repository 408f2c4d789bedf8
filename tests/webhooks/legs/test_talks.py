"""A talk: the caller on hold and back, a colleague brought in, and an operator who leaves without leaving a gap."""

import json
from dataclasses import replace

import pytest

from ivr import browser_phones, claims, queue, rings
from ivr.queue import Decision
from ivr.rings import RingKind
from webhooks import ringing
from webhooks.desk import call_words, talking
from webhooks.desk.call_words import CannotCall
from webhooks.outgoing import Later, Rejected

from .conftest import CALLER, OPERATOR, handoff_of, part

BERTS = "+14155550178"


@pytest.fixture
def hold(claimed, database, clock):
    """Ada presses the button."""

    def press(*, on, by=None):
        with database.begin() as connection:
            handoff = queue.read(connection, claimed[1].id)
            return talking.hold(connection, handoff, by or claimed[0], clock.now, on=on)

    return press


@pytest.fixture
def deliver(staffed, dialling):
    """Do what is asked of calls under way: how the rooms were arranged."""

    def once():
        before = len(dialling.arranged)
        while ringing.ring_one(staffed, dialling, "test"):
            pass
        return dialling.arranged[before:]

    return once


@pytest.fixture
def bring_in(claimed, database, clock, operator, dialled):
    """Ada brings a colleague in: Bert, and his leg, picked up."""

    def press(name="Bert", phone=BERTS):
        bert = operator(name, phone)
        with database.begin() as connection:
            handoff = queue.read(connection, claimed[1].id)
            assert talking.bring_in(connection, handoff, claimed[0], bert, clock.now) is None
        (leg,) = dialled()
        return bert, leg.pick_up()

    return press


@pytest.fixture
def three(bring_in, deliver):
    """Ada, the caller and Bert in the room."""
    bert, berts = bring_in()
    berts.key("1")
    deliver()
    berts.go_on()
    assert berts.room is not None
    return bert, berts


def ended_by(arranged, *legs):
    """Whose leaving ends the talk, as the provider was told last."""
    return [dict(arranged.ends).get(leg.sid) for leg in legs]


def test_the_caller_is_put_on_hold_and_taken_back(talk, hold, deliver, rows, staffed):
    leg, stuck = talk
    assert hold(on=True) is None
    (room,) = deliver()
    assert (room.name, room.held) == (f"handoff-{handoff_of(rows)['id']}", ((stuck.sid, True),))
    assert room.music == f"{staffed.wording.public_url}/voice/hold.wav"
    assert room.ends == ((leg.sid, True),)
    assert handoff_of(rows)["on_hold_at"] is not None
    assert hold(on=True) is CannotCall.SO_ALREADY
    assert hold(on=False) is None
    assert [room.held for room in deliver()] == [((stuck.sid, False),)]
    assert handoff_of(rows)["on_hold_at"] is None
    assert [(row["kind"], row["details"]) for row in rows("desk_entries")] == [
        ("held", '{"on_hold": true}'),
        ("held", '{"on_hold": false}'),
    ]


@pytest.mark.usefixtures("claimed")
def test_only_who_talks_to_the_caller_may_hold_them(hold, operator):
    assert hold(on=True) is CannotCall.NOT_TALKING
    assert hold(on=True, by=operator("Bert", BERTS)) is CannotCall.NOT_YOURS


@pytest.mark.usefixtures("talk")
def test_two_presses_before_the_provider_has_the_first_end_as_was_wished_last(hold, deliver, stuck):
    hold(on=True)
    hold(on=False)
    assert [room.held for room in deliver()] == [((stuck.sid, False),)]


@pytest.mark.usefixtures("talk")
def test_what_is_wished_while_a_wish_is_under_way_is_done_after_it(hold, deliver, dialling, stuck, clock):
    usual = dialling.arrange

    def slow(room):
        dialling.arrange = usual
        clock.sleep(0.3)
        hold(on=False)  # while the provider works
        clock.sleep(0.3)
        return usual(room)

    dialling.arrange = slow
    hold(on=True)
    assert [room.held for room in deliver()] == [((stuck.sid, True),), ((stuck.sid, False),)]


@pytest.mark.usefixtures("talk")
def test_a_provider_in_doubt_is_asked_again_and_one_that_refuses_leaves_nobody_shown_on_hold(
    hold, deliver, dialling, rows, clock
):
    hold(on=True)
    dialling.answer = Later("UNREACHABLE", doubtful=True)
    assert len(deliver()) == 1
    clock.sleep(3.0)
    dialling.answer = None
    assert len(deliver()) == 1
    assert handoff_of(rows)["on_hold_at"] is not None
    dialling.answer = Rejected(20404)
    hold(on=False)
    hold(on=True)
    deliver()
    assert handoff_of(rows)["on_hold_at"] is None
    assert [(row["outcome"], row["error"]) for row in rows("rings") if row["kind"] == "room"] == [
        ("done", None),
        ("failed", 20404),
    ]


def test_a_caller_who_is_back_at_the_line_is_on_hold_no_more(talk, hold, deliver, rows):
    leg, stuck = talk
    hold(on=True)
    deliver()
    leg.news("completed")
    assert part(stuck).words.startswith("You are still in line")
    assert handoff_of(rows)["on_hold_at"] is None


@pytest.mark.usefixtures("talk")
def test_a_colleague_s_telephone_says_what_it_is_about_and_needs_a_key(bring_in, claimed, rows, deliver):
    _, berts = bring_in()
    ending = " ".join(rows("cases")[0]["number"][-4:])
    assert berts.words.endswith(
        f"A colleague asks you to join a caller, in the case that ends in {ending}. To come in, press 1."
    )
    berts.silence().silence()
    assert berts.over
    assert deliver() == []
    assert handoff_of(rows)["claimed_by"] == claimed[0].id


def test_a_colleague_comes_in_only_when_neither_s_leaving_ends_the_talk(talk, bring_in, deliver, stuck):
    leg, _ = talk
    _, berts = bring_in()
    berts.key("1").go_on()
    assert berts.room is None, "the first would still end the talk by leaving"
    (room,) = deliver()
    assert ended_by(room, leg) == [False]
    berts.go_on()
    assert berts.room == (leg.room[0], "true")
    assert 'endConferenceOnExit="false"' in berts.heard
    assert "Conference" in stuck.heard


def test_an_operator_leaves_and_the_caller_stays_with_the_colleague_without_a_gap(
    talk, three, deliver, rows, stuck, dialling, clock
):
    leg, _ = talk
    bert, berts = three
    before = stuck.heard
    leg.news("completed")
    (room,) = deliver()
    assert ended_by(room, berts) == [True]
    assert handoff_of(rows)["claimed_by"] == bert.id
    clock.sleep(10.0)
    deliver()
    assert dialling.redirected == []
    assert stuck.heard == before
    entry = next(row for row in rows("desk_entries") if row["kind"] == "transferred")
    assert (entry["name"], entry["details"]) == ("Ada", '{"to": "Bert", "by": "telephone"}')
    berts.news("completed")
    assert part(stuck).words.startswith("You are still in line, and your case is with a person.")


def test_a_colleague_who_was_only_asked_leaves_and_the_first_goes_on(talk, three, deliver, rows, claimed):
    leg, _ = talk
    three[1].news("completed")
    (room,) = deliver()
    assert ended_by(room, leg) == [True]
    assert handoff_of(rows)["claimed_by"] == claimed[0].id


def test_the_caller_may_be_on_hold_while_the_two_talk_and_the_second_takes_them_back(
    talk, bring_in, hold, deliver, stuck
):
    leg, _ = talk
    hold(on=True)
    bert, berts = bring_in()
    berts.key("1")
    assert deliver()[-1].held == ((stuck.sid, True),)
    berts.go_on()
    leg.news("completed")
    deliver()
    assert hold(on=False, by=bert) is None
    assert deliver()[-1].held == ((stuck.sid, False),)


def test_an_operator_who_leaves_before_the_colleague_is_in_leaves_the_case_with_them(
    talk, bring_in, deliver, rows, dialling, clock
):
    leg, _ = talk
    bert, berts = bring_in()
    berts.key("1")
    leg.news("completed")
    deliver()
    assert handoff_of(rows)["claimed_by"] == bert.id
    berts.go_on()
    assert 'endConferenceOnExit="true"' in berts.heard
    clock.sleep(10.0)
    deliver()
    assert dialling.redirected == []


def test_a_talk_that_ended_before_the_colleague_came_in_is_brought_about_anew(
    talk, bring_in, deliver, rows, stuck, dialling
):
    leg, _ = talk
    bert, berts = bring_in()
    berts.key("1")
    leg.news("completed")
    part(stuck)  # the room was over before the provider knew of the second
    deliver()
    berts.go_on()
    assert berts.room is None
    assert (handoff_of(rows)["state"], handoff_of(rows)["decision"]) == ("decided", "talk")
    deliver()
    assert len(dialling.redirected) == 1
    assert stuck.silence().words == "A person is with you now."
    berts.go_on()
    assert berts.room is not None
    assert handoff_of(rows)["claimed_by"] == bert.id


@pytest.mark.parametrize("after", ["pick up", "key"])
def test_a_colleague_is_told_where_the_talk_is_over(talk, bring_in, stuck, rows, after):
    leg, _ = talk
    _, berts = bring_in()
    stuck.status("completed")
    leg.news("completed")
    (berts.pick_up if after == "pick up" else lambda: berts.key("1"))()
    assert (berts.over, berts.words) == (True, "This call is not needed any more. Goodbye.")
    assert [row["outcome"] for row in rows("rings") if row["kind"] == "join"] == ["gone"]


def test_a_caller_who_hangs_up_ends_the_talk_for_both(talk, three, stuck, deliver, rows):
    leg, _ = talk
    stuck.status("completed")
    assert deliver() == []
    assert leg.go_on().over
    assert three[1].go_on().over
    assert handoff_of(rows)["left_at"] is not None


def test_a_decision_made_in_the_talk_is_taken_up_when_the_last_has_left(
    talk, three, claimed, database, clock, stuck, rows, deliver
):
    leg, _ = talk
    with database.begin() as connection:
        assert claims.decide(connection, claimed[1].id, claimed[0].id, Decision.BACK, now=clock.now)
    leg.news("completed")
    deliver()
    assert (handoff_of(rows)["state"], handoff_of(rows)["claimed_by"]) == ("decided", claimed[0].id)
    three[1].news("completed")
    assert part(stuck).words == "A person has looked at your case. Go on with group 4."


@pytest.mark.parametrize(("phone", "why"), [(None, CannotCall.COLLEAGUE_NO_PHONE), (BERTS, CannotCall.COLLEAGUE_BUSY)])
@pytest.mark.usefixtures("talk")
def test_a_colleague_must_have_a_telephone_that_is_free(claimed, database, clock, operator, wish, phone, why):
    bert = operator("Bert", phone or BERTS)
    if phone is None:
        bert = replace(bert, phone_sealed=None)
    else:
        wish(RingKind.TALK, bert, claimed[1], phone)
    with database.begin() as connection:
        handoff = queue.read(connection, claimed[1].id)
        assert talking.bring_in(connection, handoff, claimed[0], bert, clock.now) is why
        assert talking.bring_in(connection, handoff, claimed[0], claimed[0], clock.now) is CannotCall.RINGING


def test_nobody_is_brought_into_a_talk_that_there_is_none_of(claimed, database, clock, operator):
    bert = operator("Bert", BERTS)
    with database.begin() as connection:
        handoff = queue.read(connection, claimed[1].id)
        assert talking.bring_in(connection, handoff, claimed[0], bert, clock.now) is CannotCall.NOT_TALKING
        assert rings.of_handoff(connection, handoff.id) == []


def test_the_page_of_the_case_hears_of_it_when_both_are_in_the_room(talked_to, claimed, stuck, dialled, database, rows):
    def in_talk():
        with database.begin() as connection:
            return talking.why_not(connection, queue.read(connection, claimed[1].id), claimed[0]) is None

    talked_to.key("1")
    dialled()
    stuck.silence()
    before = len(rows("desk_events"))
    assert not in_talk()
    talked_to.go_on()
    assert in_talk()
    assert [row["case_id"] for row in rows("desk_events")[before:]] == [claimed[1].case_id]


# In the browser.


@pytest.fixture
def talk_wished(claimed, database, clock):
    """Ada has pressed the button; her page says that it is there, or fell silent."""

    def press(*, silent_for=0.0):
        with database.begin() as connection:
            browser_phones.heard(connection, claimed[0].id, clock.now)
        clock.sleep(silent_for)
        with database.begin() as connection:
            handoff = queue.read(connection, claimed[1].id)
            assert talking.ring(connection, RingKind.TALK, handoff, claimed[0], clock.now) is None

    return press


@pytest.fixture
def in_browser(talk_wished, dialled):
    """Ada's leg of a talk, in her browser."""
    talk_wished()
    (leg,) = dialled()
    return leg


def test_an_operator_s_browser_is_rung_and_its_button_is_the_key(in_browser, claimed, stuck, dialled):
    assert in_browser.placed.recipient == f"client:operator-{claimed[0].id}"
    in_browser.pick_up()
    assert in_browser.words == "One moment, the caller is with you soon."
    dialled()
    assert stuck.silence().words == "A person is with you now."
    in_browser.go_on()
    assert in_browser.room == (f"handoff-{claimed[1].id}", "true")


@pytest.mark.parametrize("news", ["no-answer", "failed", "canceled"])
def test_a_browser_that_is_not_picked_up_is_followed_by_the_telephone_which_asks_for_a_key(
    in_browser, claimed, stuck, dialled, rows, news
):
    for _ in range(2):  # the provider may tell it twice
        in_browser.news(news)
    (telephone,) = dialled()
    assert telephone.placed.recipient == OPERATOR
    stuck.silence()
    assert "Conference" not in stuck.heard
    assert telephone.pick_up().words.endswith("To take the call, press 1.")
    assert in_browser.pick_up().over  # too late
    telephone.key("1")
    dialled()
    assert stuck.silence().words == "A person is with you now."
    telephone.go_on()
    assert telephone.room == (f"handoff-{claimed[1].id}", "true")
    told = [json.loads(row["details"]) for row in rows("desk_entries") if row["kind"] == "talked"]
    assert [each["whose"] for each in told] == ["operator's browser"]
    assert [(row["browser"], row["outcome"]) for row in rows("rings") if row["kind"] == "talk"] == [
        (True, told[0]["outcome"]),
        (False, "talked"),
    ]


def test_a_browser_that_the_provider_does_not_know_is_followed_by_the_telephone(
    talk_wished, staffed, dialled, dialling
):
    talk_wished()
    dialling.answer = Rejected(21211)
    assert ringing.ring_one(staffed, dialling, "test")
    dialling.answer = None
    (telephone,) = dialled()
    assert telephone.placed.recipient == OPERATOR


def test_a_voicemail_after_the_browser_takes_no_caller_and_is_the_end(in_browser, stuck, dialled, rows):
    in_browser.news("no-answer")
    (telephone,) = dialled()
    telephone.pick_up().silence().silence()
    assert telephone.over
    telephone.news("completed")
    stuck.silence()
    assert "Conference" not in stuck.heard
    assert [row["outcome"] for row in rows("rings")] == ["no_answer", "no_key"]
    assert dialled() == []


def test_whoever_is_at_the_page_and_says_not_now_is_not_rung_elsewhere(in_browser, dialled, rows):
    in_browser.news("busy")
    assert [row["outcome"] for row in rows("rings")] == ["busy"]
    assert dialled() == []


@pytest.mark.parametrize("meanwhile", ["hung up", "given back"])
def test_no_telephone_rings_after_the_browser_where_there_is_no_reason_to_any_more(
    in_browser, claimed, stuck, dialled, database, clock, meanwhile
):
    if meanwhile == "hung up":
        stuck.status("completed")
    else:
        with database.begin() as connection:
            assert claims.release(connection, claimed[1].id, claimed[0].id, clock.now)
    in_browser.news("no-answer")
    assert dialled() == []


def test_an_operator_without_a_telephone_is_told_that_the_browser_was_not_picked_up(claimed, wish, dialled, database):
    wish(RingKind.TALK, *claimed, number=None, browser=True)
    (leg,) = dialled()
    leg.news("no-answer")
    assert dialled() == []
    with database.read() as connection:
        (ring,) = rings.of_handoff(connection, claimed[1].id)
    assert call_words.told(ring) == "The operator's browser was not picked up."


def test_the_caller_of_a_call_back_is_rung_once_the_telephone_was_taken_instead_of_the_browser(
    claimed, stuck, wish, dialled
):
    stuck.status("completed")
    wish(RingKind.CALL_BACK, *claimed, browser=True)
    (browser,) = dialled()
    browser.news("no-answer")
    (telephone,) = dialled()
    telephone.pick_up().key("1")
    (caller,) = dialled()
    assert caller.placed.recipient == CALLER


@pytest.mark.usefixtures("talk")
def test_a_colleague_s_telephone_rings_where_their_browser_is_not_picked_up(
    claimed, database, clock, operator, dialled
):
    bert = operator("Bert", BERTS)
    with database.begin() as connection:
        browser_phones.heard(connection, bert.id, clock.now)
        handoff = queue.read(connection, claimed[1].id)
        assert talking.bring_in(connection, handoff, claimed[0], bert, clock.now) is None
    (browser,) = dialled()
    assert browser.placed.recipient == f"client:operator-{bert.id}"
    browser.news("no-answer")
    (telephone,) = dialled()
    assert telephone.placed.recipient == BERTS
    assert telephone.pick_up().words.endswith("To come in, press 1.")


def test_a_browser_that_picks_up_when_the_caller_has_gone_is_told_so(in_browser, stuck):
    stuck.status("completed")
    in_browser.pick_up()
    assert (in_browser.over, in_browser.words[:34]) == (True, "The caller does not wait any more.")


def test_a_page_that_fell_silent_is_not_rung_but_the_telephone_that_asks_for_a_key(talk_wished, dialled):
    talk_wished(silent_for=80.0)
    (leg,) = dialled()
    assert leg.placed.recipient == OPERATOR
    assert leg.pick_up().words.endswith("To take the call, press 1.")
