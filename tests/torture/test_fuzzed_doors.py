"""Forms, bodies, paths and queries that were nearly right once, at every door of the line and the desk.

Whoever has the keys to a door (the provider's signature, a program's token, an operator's login) brings whatever it
likes, and nobody sees a fault of ours: no 5xx, no error in the log, no words of a program, no waiting; calls hear TwiML
as Twilio takes it.
"""

import json
import re
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivr.operators import Role
from keys.groups import grouped, split
from keys.installation_id import encode
from tests.torture.mutants import mutant
from tests.webhooks.api.conftest import ALL
from tests.webhooks.conftest import Door
from webhooks.api.guards import opened
from webhooks.app import create_app
from webhooks.rehearsal.twiml import check_document

SLOWEST = 5.0
"""Seconds of processor time for one request."""
INTO_THE_OPEN = re.compile(rb"Traceback|Error:|sqlalchemy|psycopg|sqlite3|File \"|webhooks/|object at 0x")
HUGE = ("0", "1", "2", "7", "9" * 9, "9" * 18, str(2**63), "9" * 40, "00", "1.0", "-1", "%00", "\u0667")


@pytest.fixture
def alone(monkeypatch):
    """No sleeping on purpose in a test of thousands."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


def sound(answer, logged, took, told):
    """What must be so of every answer."""
    assert answer.status_code < 500, told
    assert not [line for line in logged if line["log_level"] in {"error", "critical"}], (told, logged)
    assert not INTO_THE_OPEN.search(answer.data), (told, answer.data[:500])
    assert took < SLOWEST, (told, took)
    if answer.mimetype == "text/xml" and ET.fromstring(answer.text).find("*") is not None:
        assert check_document(answer.text) == [], told


def knocked(knock, told):
    """One request, held to the rules."""
    begun = time.thread_time()
    with capture_logs() as logged:
        answer = knock()
    sound(answer, logged, time.thread_time() - begun, told)
    return answer


class Provider:
    """Twilio gone mad: it signs all that it sends."""

    def __init__(self, exchange, clock, chance, groups):
        self.door, self.clock, self.chance = Door(exchange), clock, chance
        app = self.door.client.application
        self.rules = [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith(("/voice/", "/sms/"))]
        self.rules.remove("/voice/hold.wav")
        self.values = {
            "CallSid": ["CA" + "1" * 32, "CA" + "2" * 32, "CA" + "3" * 32],
            "MessageSid": ["SM" + "1" * 32],
            "From": ["+14155550123", "anonymous", "+266696687", "client:operator7", "+15550100"],
            "To": ["+15550100", "+14155550123", "client:operator1"],
            "Digits": [*groups, "".join(groups), "0", "1", "9", "*", "#", "912345678", "1234*" + groups[0]],
            "Body": [" ".join(groups), "STATUS", "1", "NEW", "agent", groups[0], "case 912 345 6785"],
            "CallStatus": ["in-progress", "ringing", "completed", "busy"],
            "Direction": ["inbound", "outbound-api"],
            "MessageStatus": ["delivered", "failed"],
            "ErrorCode": ["30007", "0"],
            "OptOutType": ["", "STOP", "START", "HELP"],
            "SpeechResult": ["hello"],
            "msg": ["Gather End"],
        }
        self.actions = []

    def form(self):
        """A form with most of its fields, of which one or two are no longer what they were."""
        chance = self.chance
        form = {name: chance.choice(values) for name, values in self.values.items() if chance.randrange(9)}
        form["AccountSid"] = self.door.exchange.account_sid
        for name in chance.sample(sorted(self.values), chance.randrange(3)):
            form[name] = mutant(chance, self.values[name])[:4000]
        return form

    def path(self):
        """The action of a document heard, or any path and query."""
        chance = self.chance
        if self.actions and chance.randrange(3):
            return chance.choice(self.actions)
        path = re.sub(r"<[^>]+>", lambda _: chance.choice(HUGE), chance.choice(self.rules))
        return path + chance.choice(("", "", "?at=3", "?at=" + chance.choice(HUGE), "?text=" + chance.choice(HUGE)))

    def send(self):
        form, path = self.form(), self.path()
        self.clock.sleep(self.chance.choice((0.0, 1.0, 10.0, 10.0, 400.0)))
        answer = knocked(lambda: self.door.knock(path, form), (path, form))
        public = self.door.exchange.wording.public_url
        heard = [url.partition("#")[0].removeprefix(public) for url in re.findall(r'action="([^"]+)"', answer.text)]
        self.actions = [*self.actions[-5:], *(url.replace("&amp;", "&") for url in heard)]


def test_whatever_the_provider_signs_is_answered(texting, clock, chance, groups, term, record_property):
    provider, done = Provider(texting, clock, chance, groups), 0
    while term.goes_on(done, 1_500):
        provider.send()
        done += 1
    record_property("inputs", done)


def test_a_body_that_is_no_form_is_turned_away(exchange, chance, term):
    door, done = Door(exchange), 0
    kinds = (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json",
        "",
        "a/b; \x7f",
    )
    body = "From=%2B14155550123&Digits=123456&CallSid=CA1&AccountSid=" + exchange.account_sid
    while term.goes_on(done, 400):
        given = mutant(chance, [body, "--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--", "{}", "%"])
        kind, signed = chance.choice(kinds), bool(chance.randrange(2))
        raw = given.encode()
        answer = knocked(
            lambda raw=raw, kind=kind, signed=signed: door.knock(
                "/voice/incoming", signed=signed, data=raw, content_type=kind
            ),
            (kind, given[:200]),
        )
        assert answer.status_code in {400, 403, 413, 415}
        done += 1


@pytest.mark.usefixtures("alone")
def test_whatever_a_program_sends_is_answered_with_a_problem_or_what_it_asked_for(
    exchange, database, clock, mak, installation, chance, term, issue_program
):
    app = create_app(exchange, api=opened(10**6, 8))
    program, done = issue_program(app, database, clock, ALL), 0
    iid = encode(installation(1, mak.key.serial))
    bodies = [
        {"installation_id": grouped(iid)},
        {"lines": [{"installation_id": iid, "reference": "helm"}, {"installation_id": iid[:-1]}]},
        {"key": {"product": 1, "serial": mak.key.serial}, "amount": 5, "reason": "more ships"},
        {"key": "1-1", "amount": 5, "reason": "more ships"},
    ]
    corpus = [json.dumps(body) for body in bodies]
    paths = [rule.rule.removeprefix("/api/v1") for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1")]
    while term.goes_on(done, 600):
        path = re.sub(r"<[^>]+>", lambda _: chance.choice(HUGE).replace("%00", "x"), chance.choice(paths))
        path += chance.choice(("", "", "?limit=" + chance.choice(HUGE), "?after=" + chance.choice(HUGE)))
        body = mutant(chance, corpus)
        headers = {"Idempotency-Key": mutant(chance, ["order-1", "7"])[:300]} if chance.randrange(4) == 0 else {}
        headers = {name: value for name, value in headers.items() if value.isprintable() and value.isascii()}
        method = chance.choice(("POST", "POST", "GET"))
        answer = knocked(
            lambda path=path, body=body, headers=headers, method=method: program.open(
                method, path, data=body.encode(), headers=headers, content_type="application/json"
            ),
            (method, path, body[:300]),
        )
        assert answer.mimetype in {"application/json", "application/problem+json", "application/x-ndjson"}
        done += 1


DESK = Path(__file__).parents[2] / "webhooks" / "desk"
FIELDS = sorted(
    {
        name
        for path in DESK.glob("*.py")
        for name in re.findall(r'(?:form|args)(?:\.get|\.getlist|\.get_all)?[\(\[]"(\w+)"', path.read_text("utf-8"))
    }
)
"""Every field that a view of the desk reads."""
GOOD = [
    "1",
    "note",
    "hold",
    "2026-11-25",
    "2026-W48",
    "+14155550123",
    "Anna Berg",
    "US",
    "12",
    "operator",
    "week",
    "on",
]


@pytest.mark.usefixtures("alone")
def test_whatever_an_operator_s_browser_sends_is_answered(desk_app, desk_client, handoff, groups, chance, term):
    for name in ("One", "Two"):
        desk_client(name=name)  # whom and whose logins 1 and 2 in a path mean
    administrator, done = desk_client(Role.ADMINISTRATOR), 0
    desk_app.testing = False
    for reason in ("ASKED", "TRIES"):
        handoff(reason, groups=split("".join(groups))[:3])
    left_out = {"static", "htmx", "logging_in.log_out", "logging_in.log_in"}
    rules = [rule for rule in desk_app.url_map.iter_rules() if rule.endpoint not in left_out]
    while term.goes_on(done, 400):
        rule = chance.choice(rules)
        path = re.sub(r"<[^>]+>", lambda _: chance.choice(("1", "1", "2", *HUGE)), rule.rule)
        given = {
            name: mutant(chance, [*GOOD, *groups])[:3000] if chance.randrange(2) else chance.choice(GOOD)
            for name in chance.sample(FIELDS, min(len(FIELDS), 8))
        }
        if "POST" in rule.methods:
            knocked(lambda p=path, g=given: administrator.post(p, **g), (path, given))
        else:
            knocked(lambda p=path, g=given: administrator.client.get(p, query_string=g), (path, given))
        done += 1
    assert administrator.get("/desk/queue").status_code == 200, "the login was lost on the way"
