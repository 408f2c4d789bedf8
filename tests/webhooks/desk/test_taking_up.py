"""A case that is not in the queue: opened by its number, taken up or put in for others; and its caller blocked."""

import re

import pytest

from ivr import calls, cases, claims, notices, queue
from ivr.callers import recognise
from ivr.calls import Call
from ivr.form import Form
from ivr.operators import Role
from ivr.queue import HandoffState
from ivr.states import AskingGroup
from tests.webhooks.desk.conftest import LINE


@pytest.fixture
def dropped(database, secrets, clock):
    """A case whose caller hung up after a group, and never asked for a person."""
    caller = recognise("+14155550123", "US", pepper=secrets.pepper, number_key=secrets.number_key)
    with database.begin() as connection:
        case = cases.open_case(
            connection,
            line=LINE.number,
            caller=caller.pseudonym,
            layout=1,
            groups=("111111",),
            now=clock.now,
            below=lambda _: 7,
        )
        at = AskingGroup(Form(format=1, groups=("111111",)), 2)
        calls.begin(connection, Call("CA1", LINE.number, caller, 1, at, "", clock.now, case.id, None, None))
    return case


def stays(database, case):
    with database.read() as connection:
        return queue.of_case(connection, case.id)


def test_a_case_is_found_by_its_number_in_any_spelling_and_taken_up(desk_client, dropped, database, entries):
    anna, number = desk_client(), dropped.number
    opened = anna.get(f"/desk/cases/by-number?number={number[:4]}+{number[4:]}")
    assert opened.location == f"/desk/cases/by-number/{number}"
    page = anna.get(opened.location).text
    assert "not in the queue" in page
    answer = anna.post(f"/desk/cases/by-number/{number}/take-up", how="mine", reason="they wrote to us")
    stay = stays(database, dropped)
    assert answer.location == f"/desk/cases/{stay.id}"
    assert (stay.state, stay.claimed_by) == (HandoffState.CLAIMED, anna.operator.id)
    assert stay.left_at is not None, "nobody waits in a call for what is decided"
    page = anna.get(answer.location).text
    assert "taken up by an operator" in page
    assert "form-groups" in page
    assert "form-back" not in page
    assert [(row.case_id, row.reason) for row in entries("taken_up")] == [(dropped.id, "they wrote to us")]


def test_a_case_can_be_put_into_the_queue_for_others(desk_client, dropped, database):
    desk_client().post(f"/desk/cases/by-number/{dropped.number}/take-up", how="for_all")
    assert stays(database, dropped).state is HandoffState.WAITING
    assert dropped.number in desk_client(name="Sofia Lind").get("/desk/queue").text


def test_a_case_that_somebody_has_stays_theirs(desk_client, dropped, database, clock):
    anna, sofia = desk_client(), desk_client(name="Sofia Lind")
    anna.post(f"/desk/cases/by-number/{dropped.number}/take-up", how="mine")
    answer = sofia.post(f"/desk/cases/by-number/{dropped.number}/take-up", how="mine")
    assert stays(database, dropped).claimed_by == anna.operator.id
    assert "somebody has it" in sofia.get(answer.location).text
    with database.begin() as connection:
        claims.finish(connection, stays(database, dropped).id, "other", clock.now)
    assert "form-take-up" in sofia.get(answer.location).text, "a case comes back as often as it must"


def test_taking_up_is_no_answer_in_time_to_anybody_who_waited(desk_client, dropped):
    desk_client().post(f"/desk/cases/by-number/{dropped.number}/take-up", how="mine")
    office = desk_client(Role.SUPERVISOR, name="Cleo Marsh").get("/desk/office").text
    assert "nobody yet" in office


def test_a_number_of_no_case_is_said_to_be_one(desk_client):
    anna = desk_client()
    for asked in ("", "12", "9000000000", "nine", "%00"):
        assert anna.get(f"/desk/cases/by-number?number={asked}").location == "/desk/queue"
        assert "There is no case of that number." in anna.get("/desk/queue").text
    assert anna.post("/desk/cases/by-number/9000000000/take-up", how="mine").status_code == 404
    assert anna.post("/desk/cases/by-number/9000000000/take-up", how="otherwise").status_code == 400


def test_a_reason_that_may_not_be_kept_takes_nothing_up(desk_client, dropped, database):
    anna = desk_client()
    path = f"/desk/cases/by-number/{dropped.number}/take-up"
    assert anna.post_part(path, how="mine", reason="rang from +14155550123").status_code == 409
    assert anna.post(path, how="mine", reason="rang from +14155550123").location.endswith(dropped.number)
    assert stays(database, dropped) is None


def test_a_supervisor_blocks_the_caller_from_the_page_of_the_case(desk_client, dropped, database, clock, entries):
    cleo, path = desk_client(Role.SUPERVISOR, name="Cleo Marsh"), f"/desk/cases/by-number/{dropped.number}"
    assert "form-block" in cleo.get(path).text
    assert "form-block" not in desk_client().get(path).text
    sent = {"case": dropped.number, "next": path, "days": "7"}
    assert cleo.post_part("/desk/blocked", **sent, reason=" ").status_code == 409
    assert cleo.post("/desk/blocked", **sent, reason="shouts at us").location == path
    with database.read() as connection:
        (blocked,) = notices.blocked(connection, clock.now)
    assert blocked.reason == "shouts at us"
    assert [row.case_id for row in entries("caller_blocked")] == [dropped.id]
    page = cleo.get(path).text
    assert "form-block" not in page
    assert re.search(r"blocked</span>", page)
