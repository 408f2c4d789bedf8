"""What a supervisor tells every caller, and whom the line does not serve, from the desk's side."""

import json
from datetime import timedelta

import pytest

from ivr import notices
from ivr.callers import pseudonym
from ivr.operators import Role

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LINE = "+15550100"
NUMBER = "+14155550123"


@pytest.fixture
def supervisor(desk_client):
    return desk_client(Role.SUPERVISOR, name="Sofia Lind")


@pytest.fixture
def heard(database):
    def first(line=LINE):
        with database.read() as connection:
            return notices.current(connection, line)

    return first


@pytest.fixture
def is_blocked(database, secrets, clock):
    def asked(number=NUMBER):
        with database.read() as connection:
            return notices.is_blocked(connection, (pseudonym(number, secrets.pepper),), clock.now)

    return asked


def details(entry):
    return json.loads(entry.details)


def test_a_notice_is_heard_from_when_it_is_switched_on_till_it_is_switched_off(supervisor, heard, entries):
    assert supervisor.post("/desk/notices", words="  We are\r\nslow today. ").location == "/desk/notices"
    assert heard() == "We are slow today."
    page = supervisor.get("/desk/notices").text
    assert "We are slow today." in page
    assert "All lines, switched on by" in page
    assert "Callers hear it from the next call on." in page
    assert supervisor.post("/desk/notices/1/off").status_code == 303
    assert heard() is None
    assert "Notices that were on" in supervisor.get("/desk/notices").text
    on, off = (details(entry) for entry in entries("notice"))
    assert on == {"switched": "on", "line": "all", "words": "We are slow today."}
    assert off["switched"] == "off"
    assert {entry.name for entry in entries("notice")} == {"Sofia Lind"}


def test_switching_off_what_is_off_says_so_and_is_no_entry(supervisor, entries):
    supervisor.post("/desk/notices", words="Slow.")
    supervisor.post("/desk/notices/1/off")
    supervisor.post("/desk/notices/1/off")
    assert "This notice is off already." in supervisor.get("/desk/notices").text
    assert len(entries("notice")) == 2
    supervisor.post("/desk/notices/99/off")
    assert "This notice is off already." in supervisor.get("/desk/notices").text


def test_a_notice_for_one_line_names_a_line_there_is(supervisor, heard):
    assert supervisor.post("/desk/notices", words="Slow.", line="+19999").status_code == 400
    assert supervisor.post("/desk/notices", words="Slow.", line=LINE).status_code == 303
    assert heard() == "Slow."
    assert heard("+15550199") is None


@pytest.mark.parametrize(
    ("words", "said"),
    [("", "Write what callers are to hear."), ("x" * 301, "300 signs at most"), ("a\x01", "cannot be spoken")],
)
def test_words_that_cannot_be_spoken_come_back_in_the_form_with_the_reason(supervisor, heard, entries, words, said):
    answer = supervisor.post("/desk/notices", words=words)
    assert answer.status_code == 400
    assert said in answer.text
    assert words[:1] in answer.text
    assert heard() is None
    assert not entries("notice")


def test_what_is_typed_into_a_notice_is_no_markup(supervisor):
    supervisor.post("/desk/notices", words="<script>alert(1)</script>")
    assert "<script>alert" not in supervisor.get("/desk/notices").text


def test_a_caller_is_blocked_by_number_for_a_time_and_served_again_after_it(supervisor, is_blocked, entries, clock):
    answer = supervisor.post("/desk/blocked", number="(415) 555-0123", reason="Guesses keys", days="1")
    assert answer.location == "/desk/blocked"
    assert is_blocked()
    assert not is_blocked("+14155550199")
    page = supervisor.get("/desk/blocked").text
    assert "Guesses keys" in page
    assert "5550123" not in page
    (entry,) = entries("caller_blocked")
    assert entry.reason == "Guesses keys"
    assert "5550123" not in entry.details
    clock.sleep(timedelta(days=1).total_seconds())
    assert not is_blocked()


def test_a_caller_is_blocked_from_a_case_and_the_answer_leads_back_to_it(supervisor, handoff, is_blocked, database):
    waiting = handoff(caller=NUMBER)
    with database.read() as connection:
        number = connection.exec_driver_sql(f"SELECT number FROM cases WHERE id = {waiting.case_id}").scalar_one()
    back = f"/desk/cases/{waiting.id}"
    answer = supervisor.post("/desk/blocked", case=number, reason="Rude", days="", next=back)
    assert answer.location == back
    assert is_blocked()
    elsewhere = supervisor.post("/desk/blocked", case=number, reason="Rude", days="", next="//evil.example/desk/")
    assert elsewhere.location == "/desk/queue"


def test_a_withheld_number_cannot_be_blocked_and_an_unknown_case_neither(supervisor, handoff, database, entries):
    waiting = handoff(caller="anonymous")
    with database.read() as connection:
        number = connection.exec_driver_sql(f"SELECT number FROM cases WHERE id = {waiting.case_id}").scalar_one()
    answer = supervisor.post("/desk/blocked", case=number, reason="Rude", days="")
    assert answer.status_code == 400
    assert "withheld the number" in answer.text
    assert supervisor.post("/desk/blocked", case="9999999999", reason="Rude", days="").status_code == 404
    assert not entries("caller_blocked")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"number": "anonymous", "reason": "Rude", "days": "7"}, "That is no telephone number."),
        ({"number": NUMBER, "reason": " ", "days": "7"}, "Write why"),
        ({"number": NUMBER, "reason": "x" * 501, "days": "7"}, "Write why"),
        ({"number": NUMBER, "reason": "rang from +14155550177", "days": "7"}, "Leave IDs and telephone numbers out"),
        ({"number": NUMBER, "reason": "Rude", "days": "999"}, "Choose how long."),
    ],
)
def test_a_block_that_lacks_something_says_what(supervisor, is_blocked, entries, fields, said):
    answer = supervisor.post("/desk/blocked", **fields)
    assert answer.status_code == 400
    assert said in answer.text
    assert not is_blocked()
    assert not entries("caller_blocked")


def test_a_block_is_lifted_once(supervisor, is_blocked, entries, secrets):
    supervisor.post("/desk/blocked", number=NUMBER, reason="Rude", days="")
    path = f"/desk/blocked/{pseudonym(NUMBER, secrets.pepper)}/lift"
    supervisor.post(path)
    assert not is_blocked()
    supervisor.post(path)
    assert "This caller is not blocked." in supervisor.get("/desk/blocked").text
    assert len(entries("caller_unblocked")) == 1


def test_the_number_is_shown_on_demand_only_and_showing_it_is_an_entry(supervisor, entries, secrets):
    supervisor.post("/desk/blocked", number=NUMBER, reason="Rude", days="")
    path = f"/desk/blocked/{pseudonym(NUMBER, secrets.pepper)}/number"
    answer = supervisor.post(path)
    assert NUMBER in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    (entry,) = entries("shown")
    assert NUMBER not in entry.details
    assert NUMBER not in supervisor.get("/desk/blocked").text
    assert supervisor.post(f"/desk/blocked/{'0' * 32}/number").status_code == 404
    assert supervisor.post("/desk/blocked/x%00/lift").status_code == 404
    assert len(entries("shown")) == 1
