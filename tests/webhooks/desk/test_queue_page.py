"""The queue's page: what it tells of each case, the claim and its lost race, filters, and presence."""

import json
import re
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from ivr import call_backs, claims, operators, queue
from ivr.form import Form
from ivr.guesses import GuessKind
from ivr.guesses import note as note_guess
from ivr.lines import Lines
from ivr.operators import Presence, Role
from ivr.states import ConfirmingGroup, ReadingBack, Waiting, WayOn
from keys.groups import split
from keys.installation_id import encode
from keys.repair import Candidate
from tests.webhooks.desk.conftest import LINE, Desktop
from webhooks.desk import board, sheets
from webhooks.desk.app import create_desk

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def cells(page):
    """The words of every row of the queue."""
    page = re.sub(r"<span[^>]* hidden>[^<]*</span>", "", page)
    table = page.partition('<table class="queue stacks">')[2].partition("</table>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", row.partition(">")[2]).split()) for row in table.split("<tr data-row")[1:]]


def test_a_case_tells_how_long_why_where_and_how_far(desk_client, handoff, clock):
    groups = ("111111", "222222", "333333")
    handoff("TRIES", groups, state=Waiting(Form(format=1, groups=groups), "TRIES", 1))
    clock.sleep(95)
    (row,) = cells(desk_client().get("/desk/queue").text)
    for words in (
        "1 min 35 s",
        "three wrong tries",
        "call, English",
        "Nordstern activation line",
        "waiting, hears music",
    ):
        assert words in row
    assert "3 of 9 groups" in row
    assert "Claim" in row


def test_a_case_that_waits_longer_than_the_target_says_so_in_words(desk_client, handoff, clock):
    handoff()
    clock.sleep(120)
    page = desk_client().get("/desk/queue").text
    assert "wait late" not in page
    clock.sleep(1)
    page = desk_client().part("/desk/queue/board").text
    assert "wait late" in page
    assert '<span class="over"> over target</span>' in page


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (WayOn(Form(), "TRIES"), "stuck, hears the ways on"),
        (ReadingBack(Form(), 8), "hears the confirmation ID"),
        (ConfirmingGroup(Form(), Candidate((), (4,))), "confirms what was found for group 4"),
        (None, "keying group 1"),
    ],
)
@sqlite
def test_where_a_call_is_now_is_said_in_plain_words(desk_client, handoff, state, words):
    handoff(state=state)
    assert words in cells(desk_client().get("/desk/queue").text)[0]


@sqlite
def test_who_hung_up_still_stands_in_the_queue_as_such(desk_client, handoff, database, clock):
    waits = handoff()
    with database.begin() as connection:
        queue.leave(connection, waits.sid, clock.now)
    assert "hung up" in cells(desk_client().get("/desk/queue").text)[0]


def test_the_key_of_a_complete_id_is_shown_by_its_last_five_and_its_faults_by_group(
    desk_client, handoff, mak, installation
):
    groups = split(encode(installation(1, mak.key.serial)))
    handoff("ALLOWANCE_EXHAUSTED", groups)
    slipped = (*groups[:3], str((int(groups[3][0]) + 1) % 10) + groups[3][1:], *groups[4:])
    handoff("TRIES", slipped, caller="+14155550199")
    page = desk_client().get("/desk/queue").text
    whole, wrong = cells(page)
    assert f"Fairway, key …{mak.key.last_five}" in whole
    assert "9 of 9 groups" in whole
    assert "check fails: 4" in wrong
    assert "key …" not in wrong
    assert not any(group in page for group in groups)


def test_what_speaks_for_a_second_look_stands_there_with_points_and_reasons(desk_client, handoff, database, clock):
    first = handoff()
    with database.begin() as connection:
        for _ in range(2):
            note_guess(connection, GuessKind.PROOF, caller=first.caller, call_sid="CA1", now=clock.now)
    handoff(), handoff()
    handoff(caller="anonymous")
    rows = cells(desk_client().get("/desk/queue").text)
    assert "points" not in rows[0], "it is scored when it comes"
    assert "20 points 2 wrong proofs by this caller within 24 hours Claim" in rows[1]
    assert "25 points 2 wrong proofs by this caller within 24 hours 3 cases of this caller" in rows[2]
    assert "5 points the number is withheld" in rows[3]
    assert "cases of" not in rows[3]


def test_those_who_wait_longest_stand_first(desk_client, handoff):
    desktop = desk_client()
    for after in (0, 60, 60):
        handoff(after=after)
    rows = cells(desktop.get("/desk/queue").text)
    assert [row.partition("9")[0].strip() for row in rows] == ["2 min", "1 min", "0 s"]


@sqlite
def test_nobody_stands_before_who_came_first_since_the_clock_of_their_node_is_behind(desk_client, handoff):
    came = [handoff().id, handoff(after=-60).id]
    assert [int(row) for row in re.findall(r'data-row="(\d+)"', desk_client().get("/desk/queue").text)] == came


def test_a_claim_leads_to_the_case_and_is_an_entry(desk_client, handoff, database, entries):
    waits, anna = handoff(), desk_client()
    assert anna.post("/desk/claim", handoff=waits.id).status_code == 303
    with database.read() as connection:
        assert queue.read(connection, waits.id).claimed_by == anna.operator.id
    assert [(row.name, row.case_id, row.handoff_id) for row in entries("claimed")] == [
        ("Anna Berg", waits.case_id, waits.id)
    ]
    assert "Anna Berg" in cells(anna.get("/desk/queue").text)[0]


def test_whoever_was_late_hears_who_has_the_case(desk_client, handoff, entries):
    waits, anna, sofia = handoff(), desk_client(), desk_client(name="Sofia Lind")
    anna.post("/desk/claim", handoff=waits.id)
    late = sofia.post("/desk/claim", handoff=waits.id)
    assert late.location == "/desk/queue"
    assert "Anna Berg was quicker and has this case." in sofia.get("/desk/queue").text
    part = sofia.post_part("/desk/claim", handoff=waits.id)
    assert (part.status_code, part.headers["HX-Redirect"]) == (204, "/desk/queue")
    assert "Anna Berg was quicker" in sofia.get("/desk/queue").text
    assert len(entries("claimed")) == 1


def test_of_many_who_race_for_one_case_one_has_it_and_the_others_hear_who(desk_client, handoff, database, entries):
    waits = handoff()
    racers = [desk_client(name=f"Racer {number}") for number in range(5)]
    start = threading.Barrier(len(racers))

    def race(desktop):
        start.wait()
        desktop.post("/desk/claim", handoff=waits.id)

    threads = [threading.Thread(target=race, args=(desktop,)) for desktop in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        winner = operators.names(connection)[queue.read(connection, waits.id).claimed_by]
    assert [row.name for row in entries("claimed")] == [winner]
    told = [f"{winner} was quicker" in desktop.get("/desk/queue").text for desktop in racers]
    assert told.count(True) == len(racers) - 1


@sqlite
def test_a_case_that_has_ended_is_said_to_be_gone_and_one_that_never_was_is_404(desk_client, handoff, database, clock):
    waits, anna = handoff(), desk_client()
    with database.begin() as connection:
        claims.finish(connection, waits.id, "helped", clock.now)
    anna.post("/desk/claim", handoff=waits.id)
    assert "This case is no longer in the queue." in anna.get("/desk/queue").text
    assert anna.post("/desk/claim", handoff=99).status_code == 404
    assert anna.post("/desk/claim", handoff="x").status_code == 400
    assert anna.post("/desk/claim").status_code == 400


@sqlite
def test_the_queue_can_be_narrowed_to_a_channel_and_a_line(desk, add_operator, handoff):
    other = replace(LINE, number="+15550200", name="Other line")
    add_operator()
    anna = Desktop(create_desk(replace(desk, lines=Lines((LINE, other)))))
    anna.log_in("Anna Berg")
    handoff(), handoff(channel="text", caller="+14155550199")
    assert len(cells(anna.get("/desk/queue").text)) == 2
    (texted,) = cells(anna.part("/desk/queue/board?channel=text&line=").text)
    assert "text, English" in texted
    assert len(cells(anna.part("/desk/queue/board?line=Nordstern+activation+line").text)) == 2
    none = anna.get("/desk/queue?line=Other+line").text
    assert "Nobody waits here. 2 cases are in the queue on other channels or lines." in none
    assert "<option selected>Other line</option>" in none
    assert len(cells(anna.get("/desk/queue?channel=pigeon&line=nowhere").text)) == 2


@sqlite
def test_of_a_long_queue_the_first_are_shown_with_all_that_somebody_has_and_how_many_wait(
    desk_client, handoff, database, clock, monkeypatch
):
    monkeypatch.setattr(board, "SHOWN", 2)
    desktop = desk_client()
    came = [handoff().id for _ in range(4)]

    def shown():
        return [int(row) for row in re.findall(r'data-row="(\d+)"', desktop.part("/desk/queue/board").text)]

    def claim(handoff_id):
        with database.begin() as connection:
            claims.claim(connection, handoff_id, desktop.operator.id, clock.now)

    claim(came[3])
    assert shown() == [came[0], came[1], came[3]]
    assert "3</span> waiting, 3 shown" in desktop.get("/desk/queue").text
    claim(came[0])
    assert shown() == came


@sqlite
def test_an_empty_queue_says_that_nobody_waits(desk_client):
    assert "Nobody waits. A new case appears here by itself." in desk_client().get("/desk/queue").text


@sqlite
def test_promised_call_backs_stand_below_with_their_due_time(desk_client, handoff, database, clock):
    waits = handoff()
    wish = call_backs.Wish(waits.sid, waits.case_id, LINE.number, "sealed", clock.now, 24)
    with database.begin() as connection:
        call_backs.note(connection, wish)
        call_backs.note(connection, replace(wish, call_sid="CAother", case_id=None, hours=1))
    clock.now += timedelta(hours=2)
    page = desk_client().get("/desk/queue").text.partition("Call-backs promised")[2]
    assert "Nov 24, 2026, 1:00\u202fPM UTC" in page
    assert page.count("overdue") == 1
    assert "no case" in page
    assert page.index("Nov 24, 2026") < page.index("Nov 25, 2026")


def test_the_number_that_waits_leaves_out_what_somebody_has(desk_client, handoff):
    anna = desk_client()
    first = handoff()
    handoff()
    assert 'data-waiting="2"' in anna.part("/desk/queue/count").text
    anna.post("/desk/claim", handoff=first.id)
    assert 'data-waiting="1"' in anna.part("/desk/queue/count").text


@sqlite
def test_presence_is_set_by_one_post_and_everybody_sees_it(desk_client, database):
    anna, sofia = desk_client(), desk_client(name="Sofia Lind")
    part = anna.post_part("/desk/presence", presence="wrapping_up")
    assert '<option value="wrapping_up" selected>' in part.text
    assert json.loads(part.headers["HX-Trigger"])["desk-said"][0]["words"] == "You are now: Wrapping up."
    assert "Anna Berg" in sofia.get("/desk/queue").text
    assert "Wrapping up" in sofia.part("/desk/queue/board").text
    assert anna.post("/desk/presence", presence="away").status_code == 303
    assert anna.post("/desk/presence", presence="asleep").status_code == 400
    with database.read() as connection:
        assert operators.find(connection, "Anna Berg").presence == Presence.AWAY


def test_an_open_page_keeps_its_operator_s_cases_and_nobody_else_s(desk_client, handoff, database, clock):
    mine, hers = handoff(), handoff()
    anna, sofia = desk_client(), desk_client(name="Sofia Lind")
    anna.post("/desk/claim", handoff=mine.id)
    sofia.post("/desk/claim", handoff=hers.id)
    before = clock.now
    clock.sleep(100)
    assert anna.post_part("/desk/seen").status_code == 204
    with database.read() as connection:
        assert queue.read(connection, mine.id).seen_at == clock.now
        assert queue.read(connection, hers.id).seen_at == before


def test_everybody_who_looks_at_one_moment_shares_one_look(desk_client, handoff, monkeypatch, clock):
    looks = []
    real = sheets.look
    monkeypatch.setattr(sheets, "look", lambda *given: looks.append(1) or real(*given))
    anna, sofia = desk_client(), desk_client(name="Sofia Lind")
    waits = handoff()
    looks.clear()
    for _ in range(5):
        assert len(cells(anna.part("/desk/queue/board").text)) == len(cells(sofia.part("/desk/queue/board").text)) == 1
    assert len(looks) == 1
    anna.post("/desk/claim", handoff=waits.id)
    assert "Anna Berg" in cells(sofia.part("/desk/queue/board").text)[0]
    assert len(looks) == 2
    clock.sleep(1)
    sofia.part("/desk/queue/board")
    assert len(looks) == 3


@sqlite
def test_what_comes_from_outside_stands_on_the_page_as_text(desk_client, handoff):
    handoff("<script>alert(1)</script>")
    anna = desk_client(name="<b>Anna</b>")
    anna.post("/desk/claim", handoff=1)
    page = anna.get("/desk/queue").text
    assert "<script>alert" not in page
    assert "<b>Anna" not in page
    assert "&lt;b&gt;Anna" in page


def test_a_name_or_number_that_no_row_can_have_names_no_case(desk_client):
    """Found by fuzzing: the database refused to look, and the page was a 500."""
    anna = desk_client(Role.SUPERVISOR)
    assert anna.get("/desk/cases/by-number/%00").status_code == 404
    assert anna.post("/desk/cases/by-number/1%002/take-up").status_code == 404
    for number in (2**63, 10**30, -1):
        assert anna.post("/desk/claim", handoff=number).status_code in {400, 404}
        assert anna.post(f"/desk/cases/{number}/note", note="here").status_code == 404
        assert anna.get(f"/desk/cases/{number}").status_code == 404
        assert anna.get(f"/desk/cases?before={number}").status_code == 200
