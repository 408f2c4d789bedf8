"""`touchtone twilio`: what it says to a person and to a program, what it ends with, and what it never says."""

import json
import stat

import pytest
import requests
from click.testing import CliRunner

from tests.webhooks.twilio_api.account import (
    INCOMING,
    KEY,
    NEW_KEY,
    NEW_SECRET,
    NUMBER,
    OTHER,
    PUBLIC,
    SECRET,
    SERVICE,
    SID,
    TOKEN,
    PretendAccount,
    new_number,
    new_service,
    number,
    service,
)
from webhooks.cli.main import cli
from webhooks.cli.twilio import FIXES, TROUBLES
from webhooks.settings import SettingError, load
from webhooks.twilio_account import BY_NUMBER, CALL_STATUS, INBOUND, TEXTS, VOICE
from webhooks.twilio_client import Trouble
from webhooks.twilio_findings import Code

LINES = f"""
[[line]]
number = "{NUMBER}"
name = "Nordstern activation line"
country = "US"
text_sender = "{SERVICE}"

[[line]]
number = "{OTHER}"
name = "Second line"
country = "US"
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs `touchtone twilio` against a pretend account; every answer is looked through for secrets."""
    (tmp_path / "lines.toml").write_text(LINES)
    environ = {
        "TOUCHTONE_DATA_DIR": str(tmp_path),
        "TOUCHTONE_PUBLIC_URL": PUBLIC,
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_KEY": KEY,
        "TWILIO_API_SECRET": SECRET,
    }

    def twilio(account, *words, **settings):
        for name, value in (environ | settings).items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        result = CliRunner().invoke(cli, ["twilio", *words], obj=account)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        for secret in (TOKEN, SECRET, NEW_SECRET):
            assert secret not in result.output
        return result

    return twilio


def right():
    return PretendAccount(number(), number(OTHER), services=[service()], pool=[NUMBER])


def new():
    return PretendAccount(new_number(), new_number(OTHER), services=[new_service()])


def test_a_right_account_is_ready(run):
    told = run(right(), "check")
    assert told.exit_code == 0
    assert told.stdout == (
        f"{NUMBER} Nordstern activation line\n  as it should be\n{OTHER} Second line\n  as it should be\n"
        "\nReady: calls and texts reach the line.\n"
    )
    assert json.loads(run(right(), "check", "--json").stdout) == {"outcome": "ready", "findings": []}


def test_each_finding_stands_under_its_line_with_what_is_what_should_be_and_the_fix(run):
    account = PretendAccount(
        number(voice_url="https://old.example/"), number(OTHER), services=[service()], pool=[NUMBER]
    )
    told = run(account, "check")
    assert told.exit_code == 1
    assert told.stdout.splitlines()[:2] == [
        f"{NUMBER} Nordstern activation line",
        f"  wrong   VOICE_URL: is https://old.example/, should be {INCOMING}. `touchtone twilio connect` sets it.",
    ]
    assert "Something is wrong." in told.stdout
    (finding,) = json.loads(run(account, "check", "--json").stdout)["findings"]
    assert finding == {
        "code": "VOICE_URL",
        "line": NUMBER,
        "of": NUMBER,
        "found": "https://old.example/",
        "wanted": INCOMING,
        "gravity": "wrong",
        "mended_by": "connect",
        "fix": "`touchtone twilio connect` sets it.",
    }


def test_a_warning_is_said_and_does_not_fail(run):
    account = PretendAccount(
        number(), number(OTHER), services=[service(smart_encoding=True)], pool=[NUMBER], kind="Trial"
    )
    told = run(account, "check")
    assert told.exit_code == 0
    assert told.stdout.splitlines()[0].startswith(f"warning ACCOUNT_ON_TRIAL of {SID}: is Trial, should be Full.")
    assert f"  warning SMART_ENCODING of {SERVICE}: is on, should be off." in told.stdout


def test_check_changes_nothing(run):
    account = new()
    assert run(account, "check").exit_code == 1
    assert account.changed == []


def test_connect_prints_each_change_and_then_check_is_clean(run):
    account = new()
    told = run(account, "connect")
    assert told.exit_code == 0, told.output
    assert f"{NUMBER} voice_url: https://demo.twilio.com/welcome/voice/ -> {INCOMING}\n" in told.stdout
    assert f"{OTHER} voice_fallback_url: nothing -> {INCOMING}\n" in told.stdout
    assert f"{SERVICE} use_inbound_webhook_on_number: on -> off\n" in told.stdout
    assert f"{SERVICE} phone_number: nothing -> {NUMBER}\n" in told.stdout
    assert told.stdout.endswith("Connected.\n")
    assert run(account, "check").exit_code == 0


def test_connecting_twice_changes_nothing_the_second_time(run):
    account = new()
    first = json.loads(run(account, "connect", "--json").stdout)
    assert (first["outcome"], first["left"]) == ("connected", [])
    assert {
        "kind": "number",
        "of": NUMBER,
        "field": "status_callback",
        "from": None,
        "to": f"{PUBLIC}/voice/status",
    } in first["changes"]
    account.asked.clear()
    assert json.loads(run(account, "connect", "--json").stdout) == {"outcome": "unchanged", "changes": [], "left": []}
    assert "Nothing to change.\n" in run(account, "connect").stdout
    assert account.changed == []


def test_a_dry_run_says_the_same_changes_and_makes_none(run):
    account = new()
    dry = json.loads(run(account, "connect", "--dry-run", "--json").stdout)
    assert (dry["outcome"], dry["left"], account.changed) == ("would change", [], [])
    assert "Nothing was changed: this was a dry run." in run(account, "connect", "--dry-run").stdout
    assert account.changed == []
    assert json.loads(run(account, "connect", "--json").stdout)["changes"] == dry["changes"]


def test_what_only_a_person_can_mend_is_left_and_said(run):
    account = PretendAccount(number(), services=[service()], pool=[NUMBER])
    told = run(account, "connect")
    assert told.exit_code == 1
    assert f"Left for you:\n  wrong   NUMBER_NOT_OWNED: is not there, should be {OTHER}." in told.stdout
    assert "Connected" not in told.stdout
    assert json.loads(run(account, "connect", "--json").stdout)["outcome"] == "incomplete"
    assert json.loads(run(account, "connect", "--dry-run", "--json").stdout)["outcome"] == "incomplete"


def test_what_twilio_did_not_keep_is_said_afterwards(run):
    class Forgetful(PretendAccount):
        def answer(self, method, uri, given):
            return super().answer(method, uri, {} if method == "POST" else given)

    account = Forgetful(number(voice_method="GET"), number(OTHER), services=[service()], pool=[NUMBER])
    told = run(account, "connect")
    assert told.exit_code == 1
    assert f"{NUMBER} voice_method: GET -> POST\n" in told.stdout
    assert "Left for you:\n  wrong   VOICE_METHOD: is GET, should be POST." in told.stdout


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:8080", "https://192.168.0.2"])
def test_connect_refuses_an_address_twilio_cannot_reach_before_it_asks_anything(run, url):
    account = new()
    told = run(account, "connect", "--json", TOUCHTONE_PUBLIC_URL=url)
    assert (told.exit_code, json.loads(told.stdout)["outcome"]) == (1, "PUBLIC_URL_UNREACHABLE")
    assert account.asked == []
    assert "PUBLIC_URL_UNREACHABLE" in run(account, "check", TOUCHTONE_PUBLIC_URL=url).stdout


def test_http_is_connected_with_a_warning(run):
    account = new()
    told = run(account, "connect", TOUCHTONE_PUBLIC_URL="http://line.example")
    assert told.exit_code == 0
    assert "warning PUBLIC_URL_NOT_HTTPS" in told.stdout
    assert account.numbers[number()["sid"]]["voice_url"] == INCOMING.replace("https", "http")


def test_without_an_api_key_the_auth_token_signs_in_and_the_rehearsal_is_named(run):
    account = right()
    account.lets_in = {(SID, TOKEN)}
    told = run(account, "check", TWILIO_API_KEY="", TWILIO_API_SECRET="")
    assert told.exit_code == 0
    assert "warning TEXTS_REHEARSED of TWILIO_API_KEY" in told.stdout


def test_a_wrong_auth_token_is_found_although_the_api_key_is_right(run):
    account = right()
    account.lets_in = {(KEY, SECRET)}
    told = run(account, "check")
    assert told.exit_code == 1
    assert f"wrong   AUTH_TOKEN_REFUSED of {SID}: is refused, should be accepted." in told.stdout


def test_a_wrong_key_is_one_sentence(run):
    account = right()
    account.lets_in = {(SID, TOKEN)}
    told = run(account, "check")
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.startswith("Twilio refuses the credentials: TWILIO_API_KEY must belong to TWILIO_ACCOUNT_SID")
    assert told.stderr.count("\n") == 1
    account.lets_in = set()
    assert (
        "credentials: TWILIO_AUTH_TOKEN must" in run(account, "check", TWILIO_API_KEY="", TWILIO_API_SECRET="").stderr
    )


def test_a_suspended_account_is_one_sentence(run):
    told = run(PretendAccount(number(), status="suspended"), "check")
    assert (told.exit_code, told.stderr) == (1, "The account at Twilio is not active; see its Console.\n")


@pytest.mark.parametrize(
    ("fail", "outcome", "said"),
    [
        ((401, 20003), "CREDENTIALS_REFUSED", "refuses the credentials"),
        ((403, 70051), "NOT_PERMITTED", "does not permit"),
        ((429, 20429), "TOO_MANY_REQUESTS", "in a minute"),
        ((400, 21712), "REQUEST_REFUSED", "errors/21712"),
        ((500, 20500), "TWILIO_FAILED", "(HTTP 500)"),
        (requests.ConnectionError("secret in the address"), "UNREACHABLE", "cannot be reached"),
        (requests.ReadTimeout("secret in the address"), "UNREACHABLE", "cannot be reached"),
    ],
)
@pytest.mark.parametrize("command", ["check", "connect"])
def test_a_failure_is_one_clear_sentence_without_a_traceback(run, command, fail, outcome, said):
    account = new()
    account.fail = fail
    told = run(account, command)
    assert (told.exit_code, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert said in told.stderr
    assert "in the address" not in told.stderr
    assert json.loads(run(account, command, "--json").stdout)["outcome"] == outcome


def test_what_was_changed_before_a_failure_is_said_and_a_second_run_goes_on(run):
    account = new()
    run(account, "check")
    looks = len(account.asked)
    account.asked.clear()
    account.fail, account.failing_from = (429, 20429), looks + 1
    told = run(account, "connect", "--json")
    said = json.loads(told.stdout)
    assert (told.exit_code, said["outcome"]) == (1, "TOO_MANY_REQUESTS")
    assert {change["of"] for change in said["changes"]} == {NUMBER}
    account.asked.clear()
    told = run(account, "connect")
    assert f"{OTHER} voice_url: " in told.stdout
    assert "ask" in told.stderr
    account.fail = None
    assert run(account, "connect").exit_code == 0


def test_a_password_or_a_query_in_an_address_found_is_not_shown(run):
    hidden = "https://me:pass-word@old.example/voice?key=hidden"
    account = PretendAccount(
        number(voice_url=hidden), number(OTHER), services=[service(status_callback=hidden)], pool=[NUMBER]
    )
    for words in (["check"], ["check", "--json"], ["connect", "--dry-run"], ["connect", "--json"]):
        told = run(account, *words).stdout
        assert "https://...@old.example/voice?..." in told
        assert "pass-word" not in told
        assert "hidden" not in told


@pytest.mark.parametrize("command", ["check", "connect"])
def test_a_missing_file_of_lines_stops_before_anything_is_asked(run, command, tmp_path):
    (tmp_path / "lines.toml").unlink()
    account = new()
    with pytest.raises(SettingError):
        run(account, command)
    assert account.asked == []


def test_every_code_has_a_fix_and_every_trouble_a_sentence():
    by_connect = {name.upper() for name in (*VOICE, *CALL_STATUS, *TEXTS, *INBOUND, BY_NUMBER)} | {"NOT_IN_SENDER_POOL"}
    by_connect |= {"TEXTS_REHEARSED", "CALLS_REHEARSED"}
    assert set(FIXES) == {str(code) for code in Code} - by_connect
    assert set(TROUBLES) == {str(trouble) for trouble in Trouble}


NO_KEY = {"TWILIO_API_KEY": None, "TWILIO_API_SECRET": None}


def test_where_there_is_no_key_one_is_made_kept_where_only_its_owner_reads_it_and_used_at_once(run, tmp_path):
    account = right()
    run(account, "connect", "--dry-run", **NO_KEY)
    assert (account.keys, (tmp_path / "settings.env").exists()) == ([], False)
    told = run(account, "connect", **NO_KEY)
    assert told.exit_code == 0
    assert "TWILIO_API_KEY sid: nothing -> a new key, its secret in the settings" in told.stdout
    found = load()
    assert (found.api_key, found.api_secret) == (NEW_KEY, NEW_SECRET)
    assert stat.S_IMODE((tmp_path / "settings.env").stat().st_mode) == 0o600
    again = run(account, "connect", **NO_KEY)
    assert "Nothing to change." in again.stdout
    assert account.keys == [NEW_KEY]
    assert "Ready" in run(account, "check", **NO_KEY).stdout


def test_a_line_with_a_desk_alone_needs_a_key_for_its_calls(run, tmp_path):
    (tmp_path / "lines.toml").write_text(
        f'[[line]]\nnumber = "{NUMBER}"\nname = "Desk"\ncountry = "US"\ndesk_hours = "mon-sun 00:00-24:00"\n'
    )
    said = run(PretendAccount(number()), "check", **NO_KEY)
    assert said.exit_code == 0
    assert "warning CALLS_REHEARSED of TWILIO_API_KEY" in said.stdout


def test_no_key_is_made_where_others_could_read_its_secret(run, tmp_path):
    (tmp_path / "settings.env").write_text("# mine\n")
    (tmp_path / "settings.env").chmod(0o644)
    account = right()
    with pytest.raises(SettingError, match=r"Others can read .*run `chmod 600"):
        run(account, "connect", **NO_KEY)
    assert account.keys == []


def test_a_key_whose_secret_cannot_be_written_is_taken_away_again(run, monkeypatch):
    account = right()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("webhooks.twilio_key.os.fsync", full)
    with pytest.raises(SettingError, match="No space left on device"):
        run(account, "connect", **NO_KEY)
    assert account.keys == []
