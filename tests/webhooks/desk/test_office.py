"""The supervisor's office: figures, hours, operators and the audit trail, as pages."""

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from ivr import claims, logins, queue
from ivr.hours import DeskHours, read_hours
from ivr.operators import Presence, Role
from webhooks.desk.figures import Hour
from webhooks.desk.office import CHART_HEIGHT, bars, week_of

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def supervisor(desk_client):
    return desk_client(Role.SUPERVISOR, name="Sofia Lind")


@pytest.fixture
def chief(desk_client):
    return desk_client(Role.ADMINISTRATOR, name="Ines Roth")


def form(role=Role.OPERATOR, grant_limit=0, **more):
    return {"role": role, "grant_limit": grant_limit, **more}


@one_database
def test_every_page_of_the_office_leads_to_the_others_and_has_its_title(chief):
    paths = ("office", "cases", "notices", "blocked", "office/hours", "operators", "entries")
    for path in paths:
        page = chief.get(f"/desk/{path}").text
        assert page.count('aria-current="page"') >= 1, path
        for other in paths:
            assert f'href="/desk/{other}"' in page
        assert page.count("<h1>") == 1
        main = page.partition("<main")[2].partition("</main>")[0]
        assert main.count("<table") == main.count("<caption")


@one_database
def test_the_figures_follow_what_happens_without_a_new_page(supervisor, handoff, clock):
    assert "nobody waits" in supervisor.part("/desk/office/figures").text
    handoff()
    clock.sleep(130)
    part = supervisor.part("/desk/office/figures").text
    assert "2 min 10 s" in part
    assert "over target" in part
    assert "0 in time, one late, 0 left before an answer" in part
    assert "<html" not in part
    assert 'hx-trigger="desk-changed from:body' in part


@one_database
def test_the_chart_is_drawn_by_the_server_and_stands_beside_a_table(supervisor):
    page = supervisor.get("/desk/office").text
    assert page.count("<rect") == 24
    assert "The same as a table" in page
    assert 'aria-hidden="true"' in page


def test_the_tallest_bar_fills_the_chart_and_nothing_leaves_it():
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    drawn = bars(tuple(Hour(at, many) for many in (0, 3, 12)))
    assert [bar.height for bar in drawn] == [0, 36, 144]
    assert all(bar.y >= 0 and bar.y + bar.height == CHART_HEIGHT for bar in drawn)
    assert [bar.height for bar in bars((Hour(at, 0),))] == [0]


def test_the_week_is_written_out_and_the_end_of_a_day_is_24_00():
    desk = DeskHours(ZoneInfo("UTC"), read_hours("sat 22:00-24:00, sat 09:00-12:00"), frozenset({date(2026, 12, 25)}))
    week = dict(week_of(desk))
    assert week["Saturday"] == "09:00 to 12:00, 22:00 to 24:00"
    assert week["Sunday"] == "closed"


@one_database
def test_the_hours_page_says_where_a_person_always_means_a_call_back(supervisor):
    assert "a person always means a call-back within 24 hours" in supervisor.get("/desk/office/hours").text


@one_database
def test_a_supervisor_sees_the_operators_and_changes_none(supervisor, add_operator, entries):
    anna = add_operator()
    page = supervisor.get("/desk/operators").text
    assert "Anna Berg" in page
    assert f"/desk/operators/{anna.id}" not in page
    assert supervisor.post(f"/desk/operators/{anna.id}", **form(Role.SUPERVISOR)).status_code == 403
    assert supervisor.post(f"/desk/operators/{anna.id}/disable").status_code == 403
    assert not entries("operator_changed")


@one_database
def test_an_administrator_changes_role_limit_and_phone_and_the_entry_says_from_what_to_what(
    chief, add_operator, entries
):
    anna = add_operator()
    path = f"/desk/operators/{anna.id}"
    chief.post(path, **form(Role.SUPERVISOR, 50, phone="(415) 555-0123", on_call="1"))
    assert "Anna Berg is changed." in chief.get(path).text
    (entry,) = entries("operator_changed")
    assert json.loads(entry.details) == {
        "operator": "Anna Berg",
        "role": "operator to supervisor",
        "grant_limit": "0 to 50",
        "on_call": True,
        "phone": "set",
    }
    page = chief.get(path).text
    assert "5550123" not in page
    assert "One is known." in page
    chief.post(path, **form(Role.SUPERVISOR, 50, on_call="1"))
    assert "That is how it was already." in chief.get(path).text
    chief.post(path, **form(Role.SUPERVISOR, 50, forget_phone="1"))
    assert "None is known." in chief.get(path).text
    assert len(entries("operator_changed")) == 2


@one_database
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (form(grant_limit=-1), "The limit goes from 0"),
        (form(grant_limit=1_000_001), "The limit goes from 0"),
        (form(grant_limit="many"), "as a whole number"),
        (form(role="king"), "Choose a role"),
        (form(on_call="1"), "needs a telephone number"),
        (form(phone="anonymous"), "That is no telephone number."),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_is_changed(chief, add_operator, entries, fields, said):
    anna = add_operator()
    chief.post(f"/desk/operators/{anna.id}", **fields)
    assert said in chief.get(f"/desk/operators/{anna.id}").text
    assert not entries("operator_changed")


@one_database
def test_nobody_takes_their_own_role_or_place(chief, entries):
    path = f"/desk/operators/{chief.operator.id}"
    chief.post(path, **form(Role.OPERATOR))
    assert "another administrator must take" in chief.get(path).text
    chief.post(f"{path}/disable")
    assert "another administrator must take" in chief.get(path).text
    assert not entries("operator_changed")
    chief.post(path, **form(Role.ADMINISTRATOR, 10))
    assert len(entries("operator_changed")) == 1


def test_whoever_is_disabled_is_out_at_once_and_their_cases_wait_again(
    chief, desk_client, handoff, database, clock, entries
):
    anna = desk_client(Role.OPERATOR)
    waiting = handoff()
    with database.begin() as connection:
        assert claims.claim(connection, waiting.id, anna.operator.id, clock.now)
    chief.post(f"/desk/operators/{anna.operator.id}/disable")
    assert anna.get("/desk/queue").status_code == 302
    assert anna.log_in("Anna Berg").status_code == 401
    with database.read() as connection:
        assert queue.read(connection, waiting.id).state is queue.HandoffState.WAITING
    (entry,) = entries("operator_changed")
    assert json.loads(entry.details)["cases_returned"] == 1
    (returned,) = entries("returned")
    assert (returned.handoff_id, returned.reason) == (waiting.id, "Anna Berg was disabled")
    chief.post(f"/desk/operators/{anna.operator.id}/enable")
    assert anna.log_in("Anna Berg").status_code == 303


@one_database
def test_a_demoted_supervisor_is_out_of_the_office_at_once(chief, supervisor):
    assert supervisor.get("/desk/office").status_code == 200
    chief.post(f"/desk/operators/{supervisor.operator.id}", **form(Role.OPERATOR))
    assert supervisor.get("/desk/office").status_code == 403


@one_database
def test_logging_somebody_out_everywhere_ends_every_login_of_theirs_alone(chief, desk_client, database, clock, entries):
    first, second = desk_client(), desk_client()
    chief.post(f"/desk/operators/{first.operator.id}/logout")
    assert first.get("/desk/queue").status_code == second.get("/desk/queue").status_code == 302
    assert chief.get("/desk/queue").status_code == 200
    with database.read() as connection:
        assert logins.live(connection, clock.now, first.operator.id) == []
    assert json.loads(entries("login_revoked")[0].details) == {"of": "Anna Berg", "logins": 2}


@one_database
def test_an_operator_there_is_not_is_no_page(chief):
    for path in ("", "/disable", "/enable", "/logout"):
        assert chief.post(f"/desk/operators/999{path}", **form()).status_code == 404
    assert chief.get("/desk/operators/999").status_code == 404


def test_the_trail_is_narrowed_by_operator_kind_case_and_day(chief, supervisor, handoff, database, clock):
    waiting = handoff()
    supervisor.post("/desk/claim", handoff=waiting.id)
    with database.read() as connection:
        number = connection.exec_driver_sql(f"SELECT number FROM cases WHERE id = {waiting.case_id}").scalar_one()
    whole = chief.get("/desk/entries").text
    assert "took the case" in whole
    assert "logged in" in whole
    today = clock.now.date().isoformat()
    for asked, there in (
        (f"operator={supervisor.operator.id}", True),
        (f"operator={chief.operator.id}", False),
        ("kind=claimed", True),
        ("kind=exported", False),
        (f"case={number}", True),
        ("case=9000000000", False),
        (f"since={today}&until={today}", True),
        ("until=2026-11-23", False),
    ):
        page = chief.get(f"/desk/entries?{asked}").text
        assert ("<td>took the case</td>" in page) is there, asked
    assert "No entry is like that." in chief.get("/desk/entries?kind=exported").text


@one_database
def test_the_trail_shows_details_in_words_and_no_json(chief, add_operator):
    anna = add_operator()
    chief.post(f"/desk/operators/{anna.id}", **form(Role.OPERATOR, 20))
    page = chief.get("/desk/entries").text
    assert "operator: Anna Berg, grant limit: 0 to 20" in page
    assert "{" not in page.partition("<tbody>")[2].partition("</tbody>")[0]


@one_database
def test_what_cannot_be_read_in_the_address_of_the_trail_is_said(chief):
    for asked in (
        "operator=x",
        "operator=99999999999999999999",
        "kind=sung",
        "case=1x",
        "since=soon",
        "until=0001-01-01",
    ):
        assert chief.get(f"/desk/entries?{asked}").status_code == 400, asked
    for asked in ("before=-5", "before=99999999999999999999999", "before=x", "operator=5"):
        assert chief.get(f"/desk/entries?{asked}").status_code == 200, asked


@one_database
def test_older_entries_follow_without_gap_or_repeat(chief, monkeypatch):
    for name in ("a", "b", "c", "d", "e"):
        chief.post("/desk/notices", words=name)
    monkeypatch.setattr("webhooks.desk.trail.PAGE", 2)
    seen, path = [], "/desk/entries?kind=notice"
    while path:
        page = chief.get(path).text
        seen += [piece[0] for piece in page.split("words: ")[1:]]
        link = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
        path = link.replace("&amp;", "&") if 'rel="next"' in page else ""
        assert len(seen) < 9
    assert seen == ["e", "d", "c", "b", "a"]


@one_database
def test_who_is_at_the_desk_is_shown_with_their_presence(supervisor, desk_client):
    desk_client(Role.OPERATOR)
    part = supervisor.part("/desk/office/figures").text
    assert "Anna Berg" in part
    assert Presence.AVAILABLE.value.capitalize() in part
