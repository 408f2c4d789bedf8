"""The list of cases as a supervisor uses it, and the file of it."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr import cases
from ivr.operators import Role
from keys.groups import split
from keys.installation_id import encode
from webhooks.desk import case_list, exporting
from webhooks.desk.exporting import cell

NUMBER = "+14155550123"
BEGINNINGS = {*"=+-@\t\r\n", "\uff1d", "\uff0b"}
"""Signs that make a formula of a cell, full-width ones too."""
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def supervisor(desk_client):
    return desk_client(Role.SUPERVISOR, name="Sofia Lind")


def number_of(database, handoff):
    with database.read() as connection:
        return cases.read(connection, handoff.case_id).number


def rows(answer):
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


@one_database
def test_an_empty_list_says_so_and_one_narrowed_to_nothing_says_what_to_do(supervisor):
    assert "There is no case yet." in supervisor.get("/desk/cases").text
    assert "No case is like that." in supervisor.get("/desk/cases?reason=TRIES").text


def test_a_search_for_a_number_never_puts_it_into_the_address_or_the_page(supervisor, handoff, database):
    mine, other = handoff(caller=NUMBER), handoff(caller="+14155550199")
    answer = supervisor.post("/desk/cases", caller_number="415 555 0123")
    assert answer.status_code == 303
    assert "5550123" not in answer.location
    page = supervisor.get(answer.location).text
    assert number_of(database, mine) in page
    assert number_of(database, other) not in page
    assert "5550123" not in page
    assert "555 0123" not in page
    again = supervisor.post("/desk/cases", caller=answer.location.partition("caller=")[2], reason="TRIES")
    assert "caller=" in again.location
    assert "reason=TRIES" in again.location


@one_database
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("number", "12x", "A case number has ten digits."),
        ("last_five", "ABC", "Give the last five signs of the key."),
        ("last_five", "ABCDU", "Give the last five signs of the key."),
        ("state", "lost", "There is no such state."),
        ("since", "0001-01-01", "Write the day as"),
        ("until", "yesterday", "Write the day as"),
        ("caller_number", "anonymous", "That is no telephone number."),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field_and_nothing_is_listed(
    supervisor, handoff, database, field, value, said
):
    waiting = handoff()
    for answer in (supervisor.post("/desk/cases", **{field: value}), supervisor.get(f"/desk/cases?{field}={value}")):
        if field == "caller_number" and answer.request.method == "GET":
            continue  # an address knows no such field
        assert answer.status_code == 400
        assert said in answer.text
        assert f'id="fault-{field}"' in answer.text
        assert number_of(database, waiting) not in answer.text


def test_the_list_takes_a_key_and_a_case_number_as_people_write_them(supervisor, handoff, database, mak, installation):
    waiting = handoff(groups=split(encode(installation(1, mak.key.serial))))
    number = number_of(database, waiting)
    for typed in (number, f"{number[:5]} {number[5:]}", f"{number[:3]}-{number[3:]}"):
        assert number in supervisor.get(supervisor.post("/desk/cases", number=typed).location).text
    typed = mak.key.last_five.lower().replace("0", "o")
    page = supervisor.get(supervisor.post("/desk/cases", last_five=typed).location).text
    assert number in page
    assert f"…{mak.key.last_five}" in page
    assert "Fairway" in page


def test_whatever_stands_in_the_address_is_answered(supervisor, handoff):
    handoff()
    for asked in (
        "before=-1",
        "before=99999999999999999999999",
        "before=x",
        "line=%00",
        "agreement=%00%FF",
        "reason=%27%3B",
        "caller=x",
        "since=9999-12-31",
        "until=9999-12-31",
        "number=%E4%B8%80",
    ):
        assert supervisor.get(f"/desk/cases?{asked}").status_code in {200, 400}, asked


@one_database
def test_older_pages_keep_what_was_searched_for(supervisor, handoff, monkeypatch):
    for _ in range(3):
        handoff("TRIES")
    monkeypatch.setattr(case_list.find, "__kwdefaults__", {"before": None, "limit": 2})
    first = supervisor.get("/desk/cases?reason=TRIES").text
    assert "reason=TRIES" in first.partition('rel="next"')[0].rpartition("<a ")[2]
    assert "Newest" not in first
    assert "Newest" in supervisor.get("/desk/cases?reason=TRIES&before=2").text


@one_database
def test_a_file_of_the_list_has_its_rows_and_is_an_entry_that_names_no_caller(
    supervisor, handoff, database, entries, mak, installation
):
    waiting = handoff("TRIES", split(encode(installation(1, mak.key.serial))), NUMBER)
    handoff("ASKED")
    location = supervisor.post("/desk/cases", reason="TRIES", caller_number=NUMBER).location
    caller = location.partition("caller=")[2].partition("&")[0]
    answer = supervisor.post("/desk/cases/export", reason="TRIES", caller=caller)
    (row,) = rows(answer)
    assert row["case_number"] == number_of(database, waiting)
    assert (row["reason"], row["state"], row["groups_in"]) == ("TRIES", "waiting", "9")
    assert (row["key_last_five"], row["product"], row["agreement"]) == (mak.key.last_five, "Fairway", "NS-1")
    assert row["line"] == "Nordstern activation line"
    assert row["opened_at"] == "2026-11-24T12:00:00+00:00"
    assert "5550123" not in answer.text
    assert encode(installation(1, mak.key.serial))[:12] not in answer.text.replace(",", "")
    (entry,) = entries("exported")
    assert json.loads(entry.details) == {"rows": 1, "reason": "TRIES", "of_one_caller": True}
    assert (entry.name, caller in entry.details) == ("Sofia Lind", False)


@one_database
def test_a_file_holds_every_page_and_too_many_cases_are_refused_without_an_entry(
    supervisor, handoff, entries, monkeypatch
):
    for _ in range(7):
        handoff()
    monkeypatch.setattr(case_list, "_AT_A_TIME", 3)
    assert len(rows(supervisor.post("/desk/cases/export"))) == 7
    monkeypatch.setattr(exporting, "MOST_ROWS", 6)
    answer = supervisor.post("/desk/cases/export")
    assert answer.status_code == 303
    assert "These are more than 6 cases." in supervisor.get("/desk/cases").text
    assert len(entries("exported")) == 1


@one_database
def test_an_operator_has_no_list_and_no_file(desk_client, entries):
    anna = desk_client(Role.OPERATOR)
    assert anna.get("/desk/cases").status_code == 403
    assert anna.post("/desk/cases/export").status_code == 403
    assert not entries("exported")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from([*sorted(BEGINNINGS), *" '\"ab1"]), max_size=8))
def test_no_cell_begins_as_a_formula_does_and_none_loses_a_sign(text):
    kept = cell(text)
    assert kept.lstrip(" ")[:1] not in BEGINNINGS
    assert kept in {text, f"'{text}"}
