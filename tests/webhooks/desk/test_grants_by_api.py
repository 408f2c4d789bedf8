"""A program asks for a bigger allowance, a person at the desk decides, and the program reads the answer."""

import pytest

from ivr.desk_entries import Kind
from ivr.operators import Role
from keys import ledger
from tests.webhooks.api.conftest import OTHER, app, foreign_key, program
from tests.webhooks.api.test_activations import problem

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
__all__ = ["app", "foreign_key", "program"]


@pytest.fixture
def chief(desk_client):
    return desk_client(Role.SUPERVISOR, name="Mira Holt", grant_limit=50)


def wish(mak, amount=20, reason="thirty new machines in hall 3"):
    return {"key": f"1-{mak.key.serial}", "amount": amount, "reason": reason}


def test_what_was_asked_is_seen_approved_and_read(program, chief, mak, database, entries):
    knock = program()
    asked = knock.post("/allowance-requests", wish(mak))
    assert asked.status_code == 202
    told = asked.get_json()
    assert asked.headers["Location"] == f"https://line.example/api/v1/allowance-requests/{told['id']}"
    assert (told["state"], told["answer"], told["decided_at"]) == ("asked", None, None)
    page = chief.get("/desk/grants").text
    assert "Nordstern Shipping: fleet console" in page
    assert "thirty new machines in hall 3" in page
    chief.post(f"/desk/grants/{told['id']}/decide", decision="approve", reason="as agreed with Ms Lund")
    after = knock.get(f"/allowance-requests/{told['id']}").get_json()
    assert after == told | {
        "state": "approved",
        "answer": "as agreed with Ms Lund",
        "decided_at": after["decided_at"],
    }
    assert after["decided_at"] is not None
    assert knock.get(f"/keys/1-{mak.key.serial}").get_json()["granted"] == 30
    with database.read() as connection:
        assert ledger.recount(connection) == ()
    kinds = [(entry.kind, entry.name) for entry in entries() if entry.kind in {Kind.GRANT_ASKED, Kind.GRANT_DECIDED}]
    assert kinds == [(Kind.GRANT_ASKED, "fleet console"), (Kind.GRANT_DECIDED, "Mira Holt")]


def test_a_no_is_read_as_well_and_then_it_may_be_asked_again(program, chief, mak):
    knock = program()
    first = knock.post("/allowance-requests", wish(mak)).get_json()
    problem(knock.post("/allowance-requests", wish(mak, 5)), 409, "ASKED_ALREADY")
    chief.post(f"/desk/grants/{first['id']}/decide", decision="decline", reason="")
    after = knock.get(f"/allowance-requests/{first['id']}").get_json()
    assert (after["state"], after["answer"]) == ("declined", None)
    assert knock.get(f"/keys/1-{mak.key.serial}").get_json()["granted"] == 10
    assert knock.post("/allowance-requests", wish(mak, 5)).status_code == 202


def test_the_giver_s_limit_holds_for_what_programs_ask(program, chief, mak):
    knock = program()
    told = knock.post("/allowance-requests", wish(mak, 51)).get_json()
    assert "You may give 50 to this agreement just now" in chief.get("/desk/grants").text
    chief.post(f"/desk/grants/{told['id']}/decide", decision="approve", reason="")
    assert knock.get(f"/allowance-requests/{told['id']}").get_json()["state"] == "asked"


def test_the_page_of_a_case_shows_what_a_program_asked_for(program, desk_client, handoff, mak, installation):
    from keys.groups import split
    from keys.installation_id import encode

    program().post("/allowance-requests", wish(mak))
    desktop = desk_client()
    found = handoff("ALLOWANCE_EXHAUSTED", split(encode(installation(1, mak.key.serial))), layout=1)
    assert "20 more, asked by Nordstern Shipping: fleet console" in desktop.get(f"/desk/cases/{found.id}").text


def test_under_one_idempotency_key_it_is_one_request(program, mak):
    knock = program()
    answers = [knock.post("/allowance-requests", wish(mak), Idempotency_Key="a-1") for _ in range(3)]
    assert {(answer.status_code, answer.get_json()["id"]) for answer in answers} == {(202, answers[0].get_json()["id"])}
    problem(knock.post("/allowance-requests", wish(mak, 7), Idempotency_Key="a-1"), 422, "IDEMPOTENCY_KEY_USED")


def test_another_organisation_neither_asks_for_a_key_nor_reads_what_was_asked(program, foreign_key, mak, chief):
    theirs = foreign_key()
    knock, other = program(), program(organisation=OTHER, name="theirs")
    problem(knock.post("/allowance-requests", wish(theirs)), 404, "NOT_FOUND")
    told = knock.post("/allowance-requests", wish(mak)).get_json()
    unknown = problem(other.get("/allowance-requests/999"), 404, "NOT_FOUND")
    assert problem(other.get(f"/allowance-requests/{told['id']}"), 404, "NOT_FOUND") == unknown
    assert program(name="second").get(f"/allowance-requests/{told['id']}").get_json() == told, "their own others do"
    for number in ("0", "x", "9999999999", "99999999999", "\u0661"):
        problem(knock.get(f"/allowance-requests/{number}"), 404, "NOT_FOUND")
    assert "theirs" not in chief.get("/desk/grants").text


def test_what_was_asked_at_the_desk_is_not_shown_to_programs(program, desk_client, handoff, mak, installation):
    from keys.groups import split
    from keys.installation_id import encode

    desktop = desk_client(grant_limit=8)
    found = handoff("ALLOWANCE_EXHAUSTED", split(encode(installation(1, mak.key.serial))), layout=1)
    desktop.post(f"/desk/cases/{found.id}/claim")
    desktop.post(f"/desk/cases/{found.id}/grant", amount="20", reason="between us")
    problem(program().get("/allowance-requests/1"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": 1_000_001},
        {"amount": "5"},
        {"amount": 2.5},
        {"reason": ""},
        {"reason": " \n"},
        {"key": "x"},
    ],
)
def test_a_wish_that_is_none_is_refused(program, mak, change):
    problem(program().post("/allowance-requests", wish(mak) | change), 422, "BODY_INVALID")


def test_a_reason_may_hold_what_a_database_does_not_take(program, mak, chief):
    told = program().post("/allowance-requests", wish(mak, reason="a\x00<b>")).get_json()
    assert told["reason"] == "a<b>"
    assert "a&lt;b&gt;" in chief.get("/desk/grants").text
