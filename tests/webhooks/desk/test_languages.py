"""The desk in the language of whoever sits at it: chosen or asked for, on every page, in what is said and pushed."""

import json
import re
from collections import Counter
from typing import get_args

import pytest

from ivr import cases, queue, states
from ivr.operators import Role
from webhooks.desk import place_words, sheets
from webhooks.desk.sheets import Sheets
from webhooks.page_texts import language

from .conftest import token_in

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def root(page):
    return re.search(r"<html[^>]*>", page)[0]


@one_database
def test_whoever_chose_none_reads_what_their_browser_asks_for(desk_client):
    desktop = desk_client()
    german = desktop.get("/desk/queue", **{"Accept-Language": "de-CH,de;q=0.9"}).text
    assert root(german) == '<html lang="de" dir="ltr">'
    assert "Niemand wartet." in german
    assert language().locale == "en-US", "what comes after the answer is for nobody in particular"
    assert root(desktop.get("/desk/queue", **{"Accept-Language": "nl"}).text) == '<html lang="en-US" dir="ltr">'


@one_database
def test_a_choice_holds_from_the_login_on_for_every_page_until_another_is_made(desk_app, add_operator):
    add_operator()
    visitor = desk_app.test_client()
    token = token_in(visitor.get("/desk/login").text)
    kept = visitor.post("/desk/language", data={"csrf": token, "language": "ar", "next": "/desk/login"})
    assert (kept.status_code, kept.location) == (303, "/desk/login")
    page = visitor.get("/desk/login", headers={"Accept-Language": "de"}).text
    assert root(page) == '<html lang="ar" dir="rtl">'
    assert 'value="ar" lang="ar" dir="rtl" selected' in page
    refused = visitor.post("/desk/login", data={"csrf": token_in(page), "name": "Anna Berg", "password": "wrong"})
    assert refused.status_code == 401
    assert "لم يُسمح لك بالدخول" in refused.text


@one_database
def test_a_language_that_there_is_not_is_refused_and_nothing_is_kept(desk_client):
    desktop = desk_client()
    answer = desktop.post("/desk/language", language="tlh")
    assert answer.status_code == 400
    assert root(desktop.get("/desk/queue").text) == '<html lang="en-US" dir="ltr">'


@one_database
def test_what_is_said_after_a_deed_is_in_the_language_of_the_page_that_asked(desk_client, handoff):
    anna, bo = desk_client(), desk_client(name="Bo Lind")
    entered = handoff()
    bo.post("/desk/claim", handoff=entered.id)
    headers = {"HX-Request": "true", "X-Desk-Token": anna.token, "X-Desk-Language": "de"}
    told = anna.client.post(f"/desk/cases/{entered.id}/note", data={"note": ""}, headers=headers)
    assert [each["words"] for each in json.loads(told.headers["HX-Trigger"])["desk-said"]] == [
        "Schreiben Sie, warum, in höchstens 500 Zeichen."
    ]
    headers["X-Desk-Language"] = "ar"
    told = anna.client.post(f"/desk/cases/{entered.id}/release", data={}, headers=headers)
    assert "هذا الملف عند \u2068Bo Lind\u2069." in told.headers["HX-Trigger"].encode().decode("unicode_escape")


@one_database
def test_a_page_that_is_not_there_says_so_in_the_language(desk_client):
    answer = desk_client().get("/desk/cases/4711", **{"Accept-Language": "de"})
    assert answer.status_code == 404
    assert "Diese Seite oder diesen Vorgang gibt es nicht." in answer.text


@one_database
def test_what_is_written_down_is_the_same_whoever_wrote_it_and_is_read_in_words(desk_client, entries):
    sofia = desk_client(Role.SUPERVISOR, name="Sofia Lind")
    headers = {"Accept-Language": "de"}
    sofia.post("/desk/blocked", headers=headers, number="+14155550177", reason="shouts", days="7")
    (entry,) = entries("caller_blocked")
    assert json.loads(entry.details)["until"] == "7 days"
    assert "bis: 7 Tage" in sofia.get("/desk/entries", **headers).text
    assert "until: 7 days" in sofia.get("/desk/entries").text


@one_database
def test_the_queue_is_drawn_once_a_language_however_many_read_it(desk, desk_app, handoff, monkeypatch):
    first, drawn, all_alike = handoff("TRIES", ("111111",)), Counter(), sheets.render_template
    monkeypatch.setattr(
        sheets, "render_template", lambda name, **facts: (drawn.update([name]), all_alike(name, **facts))[1]
    )
    drawing, choices = Sheets(), {("", "", "de"), ("phone", "", "de"), ("", "", "ar")}
    with desk_app.test_request_context(), desk.database.read() as connection:
        board = drawing.board(connection, desk.lines, desk.now())
        drawing.push(board, choices)
        assert drawn["_board_row.html"] == 2
        drawing.push(board, choices)
    assert drawn["_board_row.html"] == 2
    rows = {
        locale: json.loads(drawing.lacking(("", "", locale), "")[1])["rows"][str(first.id)] for locale in ("de", "ar")
    }
    assert "drei falsche Versuche bei einer Gruppe" in rows["de"]
    assert "ثلاث محاولات خاطئة في مجموعة" in rows["ar"]


@one_database
def test_the_language_that_a_case_is_spoken_in_is_named_as_the_operator_calls_it(desk, desk_client, handoff):
    entered, anna = handoff(), desk_client()
    called = {"en-US": "English", "en-GB": "English", "de": "Englisch", "ar": "الإنجليزية"}
    for locale, name in called.items():
        assert name in anna.get("/desk/queue", **{"Accept-Language": locale}).text
    with desk.database.begin() as connection:
        cases.speak(connection, entered.case_id, "fr")
        queue.note(connection, "entered", desk.now())
    for page in ("/desk/queue", f"/desk/cases/{entered.id}"):
        assert "Anruf, Französisch" in anna.get(page, **{"Accept-Language": "de"}).text


def test_every_place_in_a_call_has_words():
    for state in get_args(states.State):
        assert state.__name__ in place_words.PLACES or state in {states.AskingGroup, states.ConfirmingGroup}
