"""Logging in: one answer for every fault, a growing delay, codes that are good once, and logins that end."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest

from ivr import logins, operators
from ivr.callers import seal
from ivr.operators import Presence, Role
from tests.webhooks.desk.conftest import PASSWORD, Desktop, token_in
from webhooks.desk import passwords
from webhooks.desk.app import create_desk

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WRONG = "no such password here"
HEAVY = passwords.hashed(PASSWORD)


def said(answer):
    return answer.text.partition('id="said">')[2].partition("</p>")[0]


@pytest.fixture
def password_hash():
    """As heavy as the desk's own, in place of the light one of all other tests."""
    return HEAVY


@pytest.fixture
def desktop(desk_app):
    return Desktop(desk_app)


def test_who_knows_the_password_comes_to_the_queue_and_is_available(desktop, add_operator, database, entries):
    anna = add_operator("Anna Berg")
    answer = desktop.log_in("Anna Berg")
    assert (answer.status_code, answer.location) == (303, "/desk/queue")
    with database.read() as connection:
        assert operators.find(connection, "Anna Berg").presence == Presence.AVAILABLE
    assert [(row.kind, row.name, row.operator_id) for row in entries()] == [("logged_in", "Anna Berg", anna.id)]


def test_a_login_leads_on_to_the_page_that_was_wanted(desktop, add_operator):
    add_operator("Anna Berg")
    page = desktop.get("/desk/login?next=/desk/logins")
    desktop.token = token_in(page.text)
    answer = desktop.post("/desk/login", name="Anna Berg", password=PASSWORD, next="/desk/logins")
    assert answer.location == "/desk/logins"


def test_every_fault_of_a_login_says_the_same(desk_app, add_operator, database, clock):
    add_operator("Anna Berg")
    add_operator("With App", totp_sealed=seal(SECRET, b"n" * 32))
    gone = add_operator("Gone Long")
    with database.begin() as connection:
        operators.disable(connection, gone.id, clock.now)
    tries = [("Anna Berg", WRONG), ("Nobody", WRONG), ("Gone Long", PASSWORD), ("With App", PASSWORD), ("", "")]
    answers = [Desktop(desk_app).log_in(*each) for each in tries]
    assert {answer.status_code for answer in answers} == {401}
    assert len({said(answer) for answer in answers}) == 1
    assert "too many tries" in said(answers[0])


def test_an_unknown_name_costs_a_verification_as_a_known_one_does(desktop, add_operator, monkeypatch):
    tried = []
    real = passwords._verified
    monkeypatch.setattr(passwords, "_verified", lambda of, password: tried.append(of) or real(of, password))
    add_operator("Anna Berg")
    desktop.log_in("Anna Berg", WRONG)
    desktop.log_in("Nobody", WRONG)
    assert len(tried) == 2
    assert all(of.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for of in tried)


def test_each_wrong_try_after_the_fifth_makes_the_next_wait_longer_even_with_the_password(
    desk_app, add_operator, clock
):
    add_operator("Anna Berg")
    for place in range(6):  # from another address each, so that only the name is slowed
        answer = Desktop(desk_app).log_in("Anna Berg", WRONG, **{"X-Forwarded-For": f"192.0.2.{place}"})
        assert answer.status_code == 401
    assert Desktop(desk_app).log_in("Anna Berg").status_code == 401
    clock.sleep(2)
    assert Desktop(desk_app).log_in("Anna Berg").status_code == 303
    assert Desktop(desk_app).log_in("Anna Berg", WRONG).status_code == 401
    assert Desktop(desk_app).log_in("Anna Berg").status_code == 303  # forgotten with the login


def test_an_address_is_slowed_whichever_names_it_tries(desk_app, add_operator, clock):
    add_operator("Anna Berg")
    bad, good = {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    for place in range(6):
        assert Desktop(desk_app).log_in(f"name {place}", WRONG, **bad).status_code == 401
    assert Desktop(desk_app).log_in("Anna Berg", **bad).status_code == 401
    assert Desktop(desk_app).log_in("Anna Berg", **good).status_code == 303
    clock.sleep(2)
    assert Desktop(desk_app).log_in("Anna Berg", **bad).status_code == 303


def test_a_wrong_try_is_an_entry_that_keeps_no_name_nobody_has(desktop, add_operator, entries):
    add_operator("Anna Berg")
    desktop.log_in("Anna Berg", WRONG)
    desktop.log_in("my password instead", WRONG)
    assert [(row.name, row.operator_id) for row in entries("login_failed")] == [
        ("Anna Berg", None),
        ("(unknown)", None),
    ]
    assert "my password instead" not in str(entries())


def test_a_code_from_the_app_is_good_once_and_for_about_a_minute(desk_app, add_operator, clock):
    add_operator("With App", totp_sealed=seal(SECRET, b"n" * 32))
    code = pyotp.TOTP(SECRET).at(clock.now)
    assert Desktop(desk_app).log_in("With App", code="000000").status_code == 401
    assert Desktop(desk_app).log_in("With App", code=f"{code[:3]} {code[3:]}").status_code == 303
    assert Desktop(desk_app).log_in("With App", code=code).status_code == 401
    later = pyotp.TOTP(SECRET).at(clock.now + timedelta(seconds=30))
    clock.sleep(120)
    assert Desktop(desk_app).log_in("With App", code=later).status_code == 401
    now = pyotp.TOTP(SECRET).at(clock.now)
    assert Desktop(desk_app).log_in("With App", code=now).status_code == 303


def test_a_login_is_over_after_half_an_hour_of_silence(desk_client, clock):
    anna = desk_client()
    for _ in range(3):
        clock.sleep(29 * 60)
        assert anna.get("/desk/queue").status_code == 200
    clock.sleep(31 * 60)
    assert anna.get("/desk/queue").status_code == 302


def test_a_login_is_over_after_twelve_hours_whatever_it_does(desk_client, clock):
    anna = desk_client()
    for _ in range(12 * 4 - 1):
        clock.sleep(15 * 60)
        assert anna.part("/desk/queue/count").status_code == 200
    clock.sleep(15 * 60)
    assert anna.part("/desk/queue/count").status_code == 401


def test_who_logs_out_is_logged_out_and_off_with_the_last_login(desk_client, database, entries):
    first, second = desk_client(), desk_client()
    assert first.post("/desk/logout").location == "/desk/login"
    assert first.get("/desk/queue").status_code == 302
    with database.read() as connection:
        assert operators.find(connection, "Anna Berg").presence == Presence.AVAILABLE
    second.post("/desk/logout")
    with database.read() as connection:
        assert operators.find(connection, "Anna Berg").presence == Presence.OFF
    assert len(entries("logged_out")) == 2


def login_ids(database, clock, operator):
    with database.read() as connection:
        return [each.id for each in logins.live(connection, clock.now, operator.id)]


def test_one_sees_and_ends_one_s_own_logins_only(desk_client, database, clock, entries):
    here, there = desk_client(), desk_client()
    other = desk_client(name="Sofia Lind")
    mine, hers = login_ids(database, clock, here.operator), login_ids(database, clock, other.operator)
    page = here.get("/desk/logins").text
    assert "Sofia Lind" not in page
    assert page.count("/revoke") == 1
    assert here.post(f"/desk/logins/{hers[0]}/revoke").status_code == 404
    assert here.post("/desk/logins/99/revoke").status_code == 404
    assert other.get("/desk/queue").status_code == 200
    assert here.post(f"/desk/logins/{mine[0]}/revoke").status_code == 303
    assert there.get("/desk/queue").status_code == 302
    assert [row.name for row in entries("login_revoked")] == ["Anna Berg"]


def test_an_administrator_sees_and_ends_everybody_s(desk_client, database, clock):
    anna, chief = desk_client(), desk_client(Role.ADMINISTRATOR, name="Kim Dahl")
    assert "Anna Berg" in chief.get("/desk/logins").text
    chief.post(f"/desk/logins/{login_ids(database, clock, anna.operator)[0]}/revoke")
    assert anna.get("/desk/queue").status_code == 302


def test_whoever_is_disabled_is_out_at_once(desk_client, database, clock):
    anna = desk_client()
    with database.begin() as connection:
        operators.disable(connection, anna.operator.id, clock.now)
    assert anna.get("/desk/queue").status_code == 302


def test_a_login_form_from_another_site_lets_nobody_in(desk_app, add_operator):
    add_operator("Anna Berg")
    bare = desk_app.test_client()
    form = {"name": "Anna Berg", "password": PASSWORD}
    assert bare.post("/desk/login", data=form).status_code == 403
    other = token_in(desk_app.test_client().get("/desk/login").text)
    bare.get("/desk/login")
    assert bare.post("/desk/login", data={**form, "csrf": other}).status_code == 403


def test_a_login_never_goes_on_under_the_token_from_before_it(desk_app, add_operator):
    add_operator("Anna Berg")
    desktop = Desktop(desk_app)
    desktop.get("/desk/login")
    before = desktop.client.get_cookie("touchtone_desk", "localhost", "/desk").value
    desktop.log_in("Anna Berg")
    assert desktop.client.get_cookie("touchtone_desk", "localhost", "/desk").value != before


def test_the_cookie_is_for_the_server_alone_and_never_sent_from_other_sites(desk, add_operator):
    add_operator("Anna Berg")
    plain = Desktop(create_desk(desk)).log_in("Anna Berg").headers["Set-Cookie"]
    assert plain.startswith("touchtone_desk=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/desk"} <= set(plain.split("; "))
    encrypted = create_desk(replace(desk, public_url="https://desk.example")).test_client()
    given = encrypted.get("/desk/login", base_url="https://desk.example").headers["Set-Cookie"]
    assert given.startswith("__Host-touchtone_desk=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/", "Secure"} <= set(given.split("; "))


def test_the_token_itself_is_not_in_the_database(desk_client, rows):
    anna = desk_client()
    token = anna.client.get_cookie("touchtone_desk", "localhost", "/desk").value
    kept = rows("logins")
    assert kept
    assert token not in str(kept)
    assert PASSWORD not in str(rows("operators"))


def test_a_flood_of_logins_is_turned_away_before_it_takes_every_thread(desk_app, add_operator, monkeypatch):
    add_operator("Anna Berg")
    going_on = threading.Event()
    monkeypatch.setattr(passwords, "_verified", lambda *_: going_on.wait(10) and False)
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(Desktop(desk_app).log_in("Anna Berg", WRONG).status_code))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    turned_away = len(threads) - passwords.AT_ONCE - passwords.MAY_WAIT
    for _ in range(500):
        if len(statuses) >= turned_away:
            break
        time.sleep(0.01)
    assert statuses.count(503) == turned_away
    going_on.set()
    for thread in threads:
        thread.join()
    assert sorted(set(statuses)) == [401, 503]
