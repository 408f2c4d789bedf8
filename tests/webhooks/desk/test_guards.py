"""The desk's door: nobody gets past it without a login, without the role, or without the token of a page."""

import re

import pytest

from ivr.operators import Role
from webhooks.desk import guards
from webhooks.desk.guards import local

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OPEN = {
    *{"logging_in.page", "logging_in.log_in", "language_choice.keep", "static", "words", "htmx"},
    *{"probing.alive", "probing.ready"},
}
SUPERVISORS_ROOMS = {
    *{"blocking", "case_list", "guessing", "mix_page", "notices_page", "office", "signs_page"},
    *{"statistics_page", "trail"},
}
SUPERVISORS = {"deeds.decide", "deeds.grants", "deeds.lift", "deeds.unblock", "staff.page"}
ADMINISTRATORS = {"staff.change", "staff.disable", "staff.enable", "staff.log_out", "staff.one"}
"""Who may what, once more and apart from the doors' own marks: a mark that is forgotten is missed here."""


def doors(app):
    """Every endpoint with a path that fits it and each of its methods."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<int:[^>]+>", "1", re.sub(r"<(?!int:)[^>]+>", "x", rule.rule))
        for method in sorted(rule.methods - {"OPTIONS", "HEAD"}):
            yield rule.endpoint, path, method


def test_every_route_refuses_whoever_is_not_logged_in(desk_app):
    client, walked = desk_app.test_client(), 0
    for endpoint, path, method in doors(desk_app):
        if endpoint in OPEN:
            continue
        page = client.open(path, method=method)
        part = client.open(path, method=method, headers={"HX-Request": "true"})
        assert page.status_code == (302 if method == "GET" else 401), path
        assert part.status_code == 401, path
        if method == "GET":
            assert page.location.startswith("/desk/login?next=")
        walked += 1
    assert walked > 5


def test_only_the_login_and_what_every_page_is_drawn_with_are_open(desk_app):
    with desk_app.test_request_context():
        assert {endpoint for endpoint, _, _ in doors(desk_app) if guards.least_role(endpoint) is None} == OPEN


def test_every_route_refuses_a_role_that_is_too_low(desk_app, desk_client):
    operator = desk_client(Role.OPERATOR)
    supervisor = desk_client(Role.SUPERVISOR, name="Sofia Lind")
    for endpoint, path, method in doors(desk_app):
        with desk_app.test_request_context():
            needed = guards.least_role(endpoint)
        for desktop in (operator, supervisor):
            if needed is not None and not desktop.operator.role.covers(needed):
                answer = desktop.client.open(path, method=method, data={"csrf": desktop.token})
                assert answer.status_code == 403, path


def test_every_door_asks_for_the_role_that_it_should(desk_app):
    with desk_app.test_request_context():
        for endpoint, _, _ in doors(desk_app):
            room = endpoint.partition(".")[0]
            if endpoint in ADMINISTRATORS:
                should = Role.ADMINISTRATOR
            else:
                should = Role.SUPERVISOR if room in SUPERVISORS_ROOMS or endpoint in SUPERVISORS else Role.OPERATOR
            assert guards.least_role(endpoint) == (None if endpoint in OPEN else should), endpoint


def test_every_post_refuses_to_change_anything_without_the_token_of_a_page(desk_app, desk_client):
    chief, other = desk_client(Role.ADMINISTRATOR), desk_client(Role.ADMINISTRATOR, name="Sofia Lind")
    for _, path, method in doors(desk_app):
        if method == "POST":
            for given in ({}, {"csrf": ""}, {"csrf": other.token}, {"csrf": "é"}):
                assert chief.client.post(path, data=given).status_code == 403, path
            headers = {"HX-Request": "true", "X-Desk-Token": other.token}
            assert chief.client.post(path, headers=headers).status_code == 403, path
    assert chief.get("/desk/queue").status_code == 200  # in spite of all that


def test_every_answer_forbids_scripts_frames_and_keeping(desk_client):
    desktop = desk_client()
    for path in ("/desk/queue", "/desk/nowhere", "/desk/logins"):
        answer = desktop.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_no_page_asks_for_what_its_policy_forbids(desk_app, desk_client):
    desktop = desk_client(Role.ADMINISTRATOR)
    for endpoint, path, method in doors(desk_app):
        if method == "GET" and "<" not in path and endpoint not in OPEN:
            page = desktop.get(path).text
            assert not re.search(r"\son[a-z]+=|style=|<style|hx-on|javascript:|js:", page), path
            assert not re.search(r"<script(?![^>]*\ssrc=)", page), path
            assert not re.search(r'(src|href)="(https?:)?//', page), path


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/desk/",
        "//evil.example/desk/",
        "/elsewhere",
        "\\\\evil",
        "/desk\\..\\x",
        None,
        "",
        "/desk/../x",
    ],
)
def test_a_link_to_the_login_never_leads_out_of_the_desk(desk_app, where):
    with desk_app.test_request_context():
        assert local(where) == "/desk/queue"


def test_a_link_to_the_login_leads_on_to_the_page_that_was_wanted(desk_app):
    with desk_app.test_request_context():
        assert local("/desk/logins?x=1") == "/desk/logins?x=1"


def test_the_page_of_a_problem_has_its_status_and_says_what_it_is(desk_client):
    answer = desk_client().get("/desk/nowhere")
    assert answer.status_code == 404
    assert "There is no such page or case." in answer.text


def test_a_page_before_the_login_takes_nobody_anywhere_else(desk_app):
    answer = desk_app.test_client().get("/desk/logins?a=b")
    assert answer.location == "/desk/login?next=/desk/logins?a%3Db"
