"""The telephone in a browser: who gets a token and what it allows, what the page may load, and when it is rung."""

import time
from dataclasses import replace

import jwt
import pytest

from ivr import browser_phones, claims, rings
from ivr.callers import seal
from ivr.operators import Presence, set_presence
from ivr.rings import RingKind, RingState
from webhooks.desk import guards, talking
from webhooks.desk.app import create_desk
from webhooks.desk.voice import Voice

from .conftest import Desktop

VOICE = Voice("AC" + "0" * 32, "SK" + "1" * 32, "the-secret-of-the-key-is-32-bytes", b"window.Twilio = {};")
OPERATOR = "+14155550177"
sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def set_up(desk, add_operator):
    """A desk with browser telephones, and somebody at it."""

    def of(name="Anna Berg", **facts):
        desktop = Desktop(create_desk(replace(desk, voice=VOICE)))
        desktop.operator = add_operator(name, **facts)
        assert desktop.log_in(name).status_code == 303
        return desktop

    return of


@pytest.fixture
def is_there(database, clock):
    def asked(operator):
        with database.read() as connection:
            return browser_phones.is_there(connection, operator.id, clock.now)

    return asked


def bare(desktop, path):
    """A POST as the page's script sends it."""
    return desktop.client.post(path, headers={"X-Desk-Token": desktop.token})


@sqlite
def test_without_a_key_or_the_library_there_is_no_such_page_and_no_link_to_it(desk_client):
    desktop = desk_client()
    assert desktop.get("/desk/phone").status_code == 404
    assert desktop.get("/desk/phone/sdk.js").status_code == 404
    assert bare(desktop, "/desk/phone/token").status_code == 404
    assert "Telephone" not in desktop.get("/desk/queue").text


@sqlite
def test_a_token_lets_this_operator_s_browser_take_calls_for_ten_minutes_and_place_none(set_up):
    desktop = set_up()
    answer = bare(desktop, "/desk/phone/token")
    assert answer.headers["Cache-Control"] == "no-store"
    token = jwt.decode(answer.json["token"], VOICE.api_secret, algorithms=["HS256"])
    assert (token["iss"], token["sub"]) == (VOICE.api_key, VOICE.account_sid)
    assert token["grants"] == {"identity": f"operator-{desktop.operator.id}", "voice": {"incoming": {"allow": True}}}
    assert answer.json["seconds"] == 600
    assert 590 < token["exp"] - time.time() <= 600
    assert "Anna" not in str(token)
    assert jwt.get_unverified_header(answer.json["token"])["cty"] == "twilio-fpa;v=1"


@sqlite
def test_a_token_needs_a_login_and_the_token_of_a_page(set_up):
    desktop = set_up()
    assert desktop.client.post("/desk/phone/token").status_code == 403
    desktop.post("/desk/logout")
    assert bare(desktop, "/desk/phone/token").status_code in {401, 403}


@sqlite
def test_the_provider_s_hosts_are_for_the_telephone_s_page_alone_and_no_script_is_theirs(set_up):
    desktop = set_up()
    policy = desktop.get("/desk/phone").headers["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["script-src"] == "'self'"
    assert parts["connect-src"].split() == [
        "'self'",
        "https://eventgw.twilio.com",
        "wss://voice-js.roaming.twilio.com",
        "https://media.twiliocdn.com",
        "https://sdk.twilio.com",
    ]
    assert parts["default-src"] == "'none'"
    assert desktop.get("/desk/queue").headers["Content-Security-Policy"] == guards.POLICY
    assert desktop.get("/desk/phone/sdk.js").data == VOICE.script


def test_a_page_that_says_it_is_there_is_rung_and_one_that_fell_silent_is_not(set_up, is_there, clock):
    desktop = set_up()
    assert not is_there(desktop.operator)
    for _ in range(3):
        assert bare(desktop, "/desk/phone/here").status_code == 204
        clock.sleep(60)
        assert is_there(desktop.operator)
    clock.sleep(20)
    assert not is_there(desktop.operator)
    bare(desktop, "/desk/phone/here")
    assert bare(desktop, "/desk/phone/gone").status_code == 204
    assert not is_there(desktop.operator)


def test_an_operator_without_a_telephone_talks_in_the_browser(set_up, handoff, database, clock):
    desktop = set_up()
    case = handoff()
    with database.begin() as connection:
        assert claims.claim(connection, case.id, desktop.operator.id, clock.now)
    assert "number is not on file" in desktop.part(f"/desk/handoffs/{case.id}/calling").text
    bare(desktop, "/desk/phone/here")
    page = desktop.part(f"/desk/handoffs/{case.id}/calling").text
    assert "It rings on your <em>Telephone</em> page." in page
    desktop.post_part(f"/desk/handoffs/{case.id}/talk")
    with database.read() as connection:
        (ring,) = rings.of_handoff(connection, case.id)
    assert (ring.kind, ring.state, ring.number_sealed) == (RingKind.TALK, RingState.DUE, None)


@sqlite
def test_a_colleague_with_a_page_alone_can_be_brought_in(set_up, add_operator, database, clock, secrets):
    anna = set_up(phone_sealed=seal(OPERATOR, secrets.number_key))
    sofia = add_operator("Sofia Lind")
    with database.begin() as connection:
        set_presence(connection, sofia.id, Presence.AVAILABLE, clock.now)
        assert talking.colleagues(connection, anna.operator, clock.now) == []
        browser_phones.heard(connection, sofia.id, clock.now)
        assert [each.name for each in talking.colleagues(connection, anna.operator, clock.now)] == ["Sofia Lind"]
