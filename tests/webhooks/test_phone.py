"""The rehearsal page's door: who is let in, what is told, how many may call at once."""

import json
import re
import socket
import stat
import threading
import time
from dataclasses import replace
from importlib import resources

import pytest
from werkzeug.serving import make_server

from ivr.lines import Lines
from keys.device.build import ProductBuild
from webhooks import phone_file
from webhooks.app import create_app, open_phone
from webhooks.phone import COOKIE, HEADER, Phone
from webhooks.phone_calls import MOST_AT_ONCE, Far, Switchboard
from webhooks.phone_file import Installable
from webhooks.phone_machines import MOST_KEPT, Machines
from webhooks.phone_texts import MOST_UNDER_WAY, PhoneTexts
from webhooks.rehearsal.carrier import RehearsalCarrier
from webhooks.rehearsal.fetching import Address
from webhooks.rehearsal.texting import TextLine
from webhooks.settings import load

TOKEN = "a-token-that-only-the-tests-know"
PUBLIC_URL = "https://line.example/activation"
ASKED = {HEADER: "1"}
CALL = {"line": "+15550100", "caller": "+14155550123"}
TEXT = {**CALL, "body": "300217 156230"}

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def build(secrets):
    return ProductBuild(1, "Fairway", 1, 2, secrets.products[1].verification[2], 8, line="+15550100")


@pytest.fixture
def silent_line():
    """An address that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def app(exchange, mak, build, silent_line, tmp_path):
    far = Far(silent_line, PUBLIC_URL, exchange.account_sid, exchange.auth_tokens[0])
    machines = Machines(Installable(build, mak.text))
    line = TextLine(
        Address(silent_line, PUBLIC_URL), exchange.account_sid, tmp_path / "texts.jsonl", exchange.auth_tokens[0]
    )
    texts = PhoneTexts(line, exchange.database)
    return create_app(exchange, Phone(PUBLIC_URL, exchange.lines, Switchboard(far), machines, TOKEN, texts))


@pytest.fixture
def stranger(app):
    return app.test_client()


@pytest.fixture
def visitor(app):
    client = app.test_client()
    client.set_cookie(COOKIE, TOKEN)
    return client


@pytest.fixture
def machine(visitor):
    return visitor.post("/phone/machines", json={}, headers=ASKED).json


def test_there_is_no_page_where_it_is_switched_off(exchange):
    assert create_app(exchange).test_client().get(f"/phone?token={TOKEN}").status_code == 404


@pytest.mark.parametrize("given", ["", "?token=", "?token=wrong", f"?token={TOKEN}x", "?token=%ff%fe\u00e9"])
def test_the_page_stays_shut_without_its_token(stranger, given):
    answer = stranger.get(f"/phone{given}")
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_every_route_of_the_page_stays_shut_without_its_token(app, stranger):
    walked = 0
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/phone"):
            continue
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            path = re.sub(r"<[^>]+>", "1", rule.rule)
            assert stranger.open(path, method=method, json={}, headers=ASKED).status_code == 403, path
            walked += 1
    assert walked > 8


def test_the_token_becomes_a_cookie_that_no_script_and_no_other_site_gets(stranger):
    answer = stranger.get(f"/phone?token={TOKEN}")
    assert answer.status_code == 200
    cookie = answer.headers["Set-Cookie"]
    for part in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/activation/phone"):
        assert part in cookie
    assert TOKEN not in answer.text


def test_over_plain_http_on_this_machine_the_cookie_still_comes_back(app):
    app.extensions["phone"] = replace(app.extensions["phone"], public_url="http://127.0.0.1:8080")
    client = app.test_client()
    assert client.get(f"/phone?token={TOKEN}").status_code == 200
    assert client.get("/phone").status_code == 200
    assert client.get("/phone/lines").json["lines"][0]["locale"] == "en-US"


def test_the_page_is_told_which_line_takes_texts_and_whether_they_come_here(app, visitor):
    told = visitor.get("/phone/lines").json
    assert (told["texts"], told["lines"][0]["texts"]) == (True, False)
    sending = Lines((replace(app.extensions["exchange"].lines.all[0], text_sender="+15550100"),))
    app.extensions["phone"] = replace(app.extensions["phone"], lines=sending, texts=None)
    told = visitor.get("/phone/lines").json
    assert (told["texts"], told["lines"][0]["texts"]) == (False, True)
    assert visitor.get("/phone/texts?caller=%2B14155550123").status_code == 404
    assert visitor.post("/phone/texts", json=TEXT, headers=ASKED).status_code == 404


@pytest.mark.parametrize("path", ["/phone/calls", "/phone/machines", "/phone/texts"])
def test_another_site_s_form_changes_nothing(visitor, path):
    assert visitor.post(path, data={"line": "+15550100"}).status_code == 403
    assert visitor.post(path, json=CALL).status_code == 403


def test_the_page_allows_no_script_but_its_own_and_no_frame(visitor):
    answer = visitor.get("/phone")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_part_the_page_names_is_there_and_nothing_else_is(visitor):
    pages = resources.files("webhooks") / "pages"
    folder, shared = pages / "phone", {file.name for file in pages.iterdir() if file.is_file()}
    text = "".join(file.read_text("utf-8") for file in folder.iterdir())
    named = set(re.findall(r"phone/page/([a-z.]+)", text)) | set(re.findall(r'from "\./([a-z.]+)"', text))
    assert named == {file.name for file in folder.iterdir()} - {"phone.html"} | shared
    for name in named:
        assert visitor.get(f"/phone/page/{name}").status_code == 200
    assert visitor.get("/phone/page/phone.html").status_code == 404
    assert visitor.get("/phone/page/..%2f..%2fphone.py").status_code == 404
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)
    assert not re.search(r"<style|\son\w+=|style=", text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"caller": "0123"},
        {"caller": "+14155550123\n"},
        {"caller": "client:somebody"},
        {"line": "line"},
        {"turn_delay": 0.1},
        {"turn_delay": 9},
        {"drop_after": 0},
        {"link": "sms:+15550100"},
        {"link": "tel:+15550100,,12x"},
        {"public_url": "http://elsewhere.example"},
        {"twice": "yes"},
    ],
    ids=str,
)
def test_a_call_that_cannot_be_is_not_dialled(visitor, wrong):
    assert visitor.post("/phone/calls", json={**CALL, **wrong}, headers=ASKED).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [{"caller": "anonymous"}, {"caller": "0123"}, {"line": "line"}, {"body": ""}, {"body": "1" * 1601}, {"from": "x"}],
    ids=str,
)
def test_a_text_that_cannot_be_is_not_sent(visitor, wrong):
    assert visitor.post("/phone/texts", json={**TEXT, **wrong}, headers=ASKED).status_code == 400


def test_only_so_many_texts_wait_at_once_for_a_line_that_does_not_answer(visitor):
    statuses = [visitor.post("/phone/texts", json=TEXT, headers=ASKED).status_code for _ in range(MOST_UNDER_WAY + 1)]
    assert statuses == [202] * MOST_UNDER_WAY + [409]


def test_the_texts_to_one_number_are_told_from_the_place_the_page_has_seen(visitor, tmp_path):
    carrier = RehearsalCarrier(tmp_path / "texts.jsonl")

    def arrive(number, body):
        form = {"From": "+15550100", "To": number, "Body": body}
        carrier.request("POST", "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json", form)

    def asked(after=""):
        return visitor.get("/phone/texts?caller=%2B14155550123" + after).json

    arrive("+14155550123", "before the page was opened")
    start = asked()
    assert (start["texts"], start["next"]) == ([], 1)
    arrive("+14155550177", "to somebody else")
    arrive("+14155550123", "\u4f60\u597d" * 36)
    told = asked("&after=1")
    assert [(text["body"], text["segments"], text["encoding"]) for text in told["texts"]] == [
        ("\u4f60\u597d" * 36, 2, "UCS-2")
    ]
    assert told["next"] == 3
    assert asked("&after=3")["texts"] == asked("&after=99")["texts"] == []
    assert len(asked("&after=-5")["texts"]) == 2


def fate(visitor, sid):
    """What becomes of a text, once it is no longer on its way."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = visitor.get(f"/phone/texts?caller=%2B14155550123&of={sid}&of=SM1").json["fates"]
        assert "SM1" not in found
        if found[sid]["state"] != "on_its_way":
            return found[sid]
        time.sleep(0.02)
    raise AssertionError(found)


def test_a_text_that_the_line_does_not_take_is_lost(app, visitor, exchange, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    line = TextLine(Address(nobody, PUBLIC_URL), exchange.account_sid, tmp_path / "texts.jsonl", "t" * 32)
    app.extensions["phone"] = replace(app.extensions["phone"], texts=PhoneTexts(line, exchange.database))
    sent = visitor.post("/phone/texts", json=TEXT, headers=ASKED).json
    assert (sent["body"], sent["segments"], sent["encoding"]) == ("300217 156230", 1, "GSM-7")
    assert fate(visitor, sent["id"]) == {"state": "lost", "reason": None}


@pytest.mark.parametrize(("caller", "reason"), [("+14155550123", None), ("+442079460958", "COUNTRY_NOT_ALLOWED")])
def test_a_text_that_the_line_takes_but_may_not_answer_says_why(visitor, app, exchange, tmp_path, caller, reason):
    sending = replace(exchange, lines=Lines((replace(exchange.lines.all[0], text_sender="+15550100"),)))
    server = make_server("127.0.0.1", 0, create_app(sending), threaded=True)
    serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    address = Address(f"http://127.0.0.1:{server.server_port}", exchange.wording.public_url)
    line = TextLine(address, exchange.account_sid, tmp_path / "texts.jsonl", exchange.auth_tokens[0])
    app.extensions["phone"] = replace(app.extensions["phone"], texts=PhoneTexts(line, exchange.database))
    sent = visitor.post("/phone/texts", json={**TEXT, "caller": caller, "twice": True}, headers=ASKED).json
    assert fate(visitor, sent["id"]) == {"state": "taken", "reason": reason}
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"keys": ""}', b'{"keys": "12a"}', b'{"keys": 12}'])
def test_what_are_no_keys_are_not_pressed(visitor, body):
    call = visitor.post("/phone/calls", json=CALL, headers=ASKED).json["id"]
    assert visitor.post(f"/phone/calls/{call}/keys", data=body, headers=ASKED).status_code == 400


def test_a_fifth_call_at_once_finds_all_telephones_in_use(visitor):
    statuses = [visitor.post("/phone/calls", json=CALL, headers=ASKED).status_code for _ in range(MOST_AT_ONCE + 1)]
    assert statuses == [201] * MOST_AT_ONCE + [409]


def test_a_line_that_does_not_answer_ends_the_call_with_the_provider_s_apology(exchange):
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    far = Far(nobody, PUBLIC_URL, exchange.account_sid, exchange.auth_tokens[0])
    client = create_app(exchange, Phone(PUBLIC_URL, exchange.lines, Switchboard(far), None, TOKEN)).test_client()
    client.set_cookie(COOKIE, TOKEN)
    call = client.post("/phone/calls", json={**CALL, "turn_delay": 0.3}, headers=ASKED).json["id"]
    end = time.monotonic() + 20
    while (news := client.get(f"/phone/calls/{call}").json)["over"] is None and time.monotonic() < end:
        time.sleep(0.05)
    assert news["over"]["outcome"] == "no_answer"
    assert "sorry" in news["entries"][-1]["words"]
    assert client.get(f"/phone/calls/{call}?after={len(news['entries'])}").json["entries"] == []


def test_what_is_not_there_is_not_found(visitor, machine):
    for path in ("/phone/calls/x", "/phone/machines/x", f"/phone/machines/{machine['id']}/other.svg"):
        assert visitor.get(path).status_code == 404
    assert visitor.post("/phone/calls/x/hang-up", json={}, headers=ASKED).status_code == 404


def test_without_a_product_the_page_says_so_and_still_telephones(app, visitor):
    app.extensions["phone"] = replace(app.extensions["phone"], machines=None)
    assert visitor.post("/phone/machines", json={}, headers=ASKED).status_code == 409
    assert visitor.get("/phone/machines/x").status_code == 404
    assert visitor.post("/phone/calls", json=CALL, headers=ASKED).status_code == 201


def test_two_visitors_have_two_machines(visitor, machine):
    other = visitor.post("/phone/machines", json={}, headers=ASKED).json
    assert other["installation_id"] != machine["installation_id"]
    assert visitor.get(f"/phone/machines/{machine['id']}").json == machine


def test_a_wrong_block_is_named_and_the_machine_is_not_activated(visitor, machine):
    path = f"/phone/machines/{machine['id']}"
    alone = visitor.post(f"{path}/block", json={"number": 2, "digits": "12345"}, headers=ASKED)
    assert alone.json["faults"] == [{"block": "B", "why": "Block B has 5 digits, not 6."}]
    answer = visitor.post(f"{path}/confirm", json={"blocks": ["", "12a456", *["000000"] * 6]}, headers=ASKED)
    assert answer.status_code == 422
    assert {fault["block"] for fault in answer.json["faults"]} >= {"A", "B"}
    short = visitor.post(f"{path}/confirm", json={"blocks": []}, headers=ASKED)
    assert short.status_code == 422
    assert visitor.get(path).json["state"] == "awaiting_confirmation"


def test_machines_are_forgotten_oldest_first(build, mak):
    machines = Machines(Installable(build, mak.text))
    first, second = machines.make(), machines.make()
    for _ in range(MOST_KEPT - 2):
        machines.make()
    assert machines.find(first.id) is not None
    machines.make()
    assert machines.find(first.id) is not None, "what was looked at last is kept"
    assert machines.find(second.id) is None


def test_no_secret_reaches_the_page(app, visitor, machine, exchange, build, mak):
    path = f"/phone/machines/{machine['id']}"
    answers = [
        visitor.get("/phone"),
        visitor.get("/phone/lines"),
        visitor.get(path),
        visitor.get(f"{path}/call.svg"),
        visitor.post(f"{path}/confirm", json={"blocks": ["000000"] * 8}, headers=ASKED),
        visitor.post("/phone/texts", json=TEXT, headers=ASKED),
        visitor.get("/phone/texts?caller=%2B14155550123&after=0"),
        visitor.get("/phone/calls/" + visitor.post("/phone/calls", json=CALL, headers=ASKED).json["id"]),
    ]
    told = json.dumps(machine) + "".join(answer.text for answer in answers)
    state = app.extensions["phone"].machines.find(machine["id"]).state
    hidden = [mak.text, build.verification_secret.hex(), state.key_secret.hex(), exchange.auth_tokens[0], TOKEN]
    assert not [secret for secret in hidden if secret in told]
    assert mak.text not in repr(app.extensions["phone"])


def test_the_file_is_its_owner_s_and_its_token_stays(tmp_path, build, mak):
    path = tmp_path / "phone.json"
    first = phone_file.opened(path)
    kept = phone_file.keep(path, Installable(build, mak.text))
    assert kept.token == first.token
    assert phone_file.opened(path) == kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_command_prints_the_address_and_never_the_key(touchtone, tmp_path, build, mak):
    (tmp_path / "build.json").write_text(json.dumps(build.to_facts()))
    answer = touchtone("phone", "--build", tmp_path / "build.json", mak.text, "--json")
    assert answer.status == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:8080/phone\?token=[\w-]{32}", answer.told["address"])
    assert answer.told["installs"] == "Fairway"
    assert "off" in answer.told["switched"]
    assert mak.text not in answer.said
    assert touchtone("phone", "--json").told == answer.told


def test_the_command_refuses_half_an_order_and_a_key_that_is_none(touchtone, tmp_path, build):
    (tmp_path / "build.json").write_text(json.dumps(build.to_facts()))
    assert touchtone("phone", "ABCDE").status == 2
    refused = touchtone("phone", "--build", tmp_path / "build.json", "ABCDE", "--json")
    assert (refused.status, refused.told["outcome"]) == (1, "PRODUCT_KEY_LENGTH")


def test_it_is_off_unless_it_is_switched_on(tmp_path, exchange):
    here = {
        "TOUCHTONE_DATA_DIR": str(tmp_path),
        "TOUCHTONE_PUBLIC_URL": "http://127.0.0.1:8080",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "t" * 32,
    }
    assert open_phone(load(here), exchange) is None
    assert open_phone(load({**here, "TOUCHTONE_PHONE": "off"}), exchange) is None
    opened = open_phone(load({**here, "TOUCHTONE_PHONE": "on"}), exchange)
    assert opened is not None
    assert opened.machines is None
    assert opened.texts is not None
    with_key = {"TWILIO_API_KEY": "SK" + "0" * 32, "TWILIO_API_SECRET": "s" * 32}
    real = open_phone(load({**here, **with_key, "TOUCHTONE_PHONE": "on"}), exchange)
    assert real is not None
    assert real.texts is None, "with an API key, texts go to real telephones"
    assert opened.token == phone_file.opened(tmp_path / "phone.json").token
