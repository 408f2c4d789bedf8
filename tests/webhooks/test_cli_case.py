"""`touchtone case list`: who waits, since when it was promised, and no number unless it is asked for."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from ivr.outbox import TextState
from ivr.sending import News, accepted, claim, note_status
from keys import secrets_file
from webhooks.cli.case import case

NUMBER = "+14155550123"


@pytest.fixture
def list_cases(database_url, secrets, tmp_path, monkeypatch):
    """Runs the command over the test's own database, with its own secrets."""
    for name, value in {
        "TOUCHTONE_DATA_DIR": str(tmp_path),
        "DATABASE_URL": database_url,
        "TOUCHTONE_PUBLIC_URL": "https://line.example",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "0" * 32,
    }.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "secrets.toml"
    secrets_file.create(file)
    made = secrets_file.load(file)
    text = file.read_text()
    for name in ("number_key", "pepper"):
        text = text.replace(getattr(made, name).hex(), getattr(secrets, name).hex())
    file.write_text(text)

    def run(*arguments):
        result = CliRunner().invoke(case, ["list", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_nobody_waits_on_a_new_line(list_cases):
    assert list_cases() == "Nobody waits.\n"
    assert json.loads(list_cases("--json")) == []


def test_a_case_that_waits_is_shown_and_its_number_only_when_asked_for(list_cases, ring, groups, rows):
    ring(NUMBER).key(groups[0]).key(groups[1]).key("0").key("1").status("completed")
    (row,) = rows("cases")
    (shown,) = json.loads(list_cases("--json"))
    assert shown["case_number"] == row["number"]
    assert (shown["reason"], shown["groups_keyed"], shown["line"]) == ("ASKED", 2, "+15550100")
    assert shown["call_back"] == "wanted"
    assert shown["due_at"].startswith("2026-11-25 12:0")
    assert NUMBER.strip("+") not in list_cases() + list_cases("--json")
    (opened,) = json.loads(list_cases("--json", "--show-numbers"))
    assert opened["call_back"] == NUMBER
    assert NUMBER in list_cases("--show-numbers")


def test_the_groups_themselves_are_not_shown(list_cases, ring, groups):
    ring(NUMBER).key(groups[0]).key("0").key("1")
    said = list_cases() + list_cases("--show-numbers")
    assert groups[0] not in said


def test_a_case_without_a_call_back_is_shown_after_those_with_a_promise(list_cases, ring, groups, clock):
    ring(NUMBER).key(groups[0]).key("0").status("completed")
    clock.sleep(60)
    ring("+14155550124").key(groups[0]).key("0").key("1").status("completed")
    first, second = json.loads(list_cases("--json"))
    assert (first["call_back"], second["call_back"]) == ("wanted", None)


def test_a_wish_noted_after_a_fault_is_shown_without_a_case(list_cases, ring):
    ring(NUMBER).post("/voice/call-back", Digits="1")
    (shown,) = json.loads(list_cases("--json", "--show-numbers"))
    assert (shown["case_number"], shown["call_back"]) == (None, NUMBER)


def test_a_number_that_was_keyed_is_the_one_to_call(list_cases, ring):
    call = ring("anonymous").key("0").key("1").key("4155550188").key("1")
    assert "will call the number you keyed" in call.words
    (shown,) = json.loads(list_cases("--json", "--show-numbers"))
    assert shown["call_back"] == "+14155550188"


def test_what_is_promised_to_a_caller_who_was_activated_is_shown_as_well(list_cases, ring, groups):
    call = ring(NUMBER).key("".join(groups)).key("0").key("1")
    assert "will call you" in call.words
    (shown,) = json.loads(list_cases("--json", "--show-numbers"))
    assert shown["call_back"] == NUMBER


def test_a_number_sealed_with_another_key_is_said_so(list_cases, ring, tmp_path, secrets):
    ring(NUMBER).key("0").key("1")
    file = tmp_path / "secrets.toml"
    file.write_text(file.read_text().replace(secrets.number_key.hex(), (b"x" * 32).hex()))
    (shown,) = json.loads(list_cases("--json", "--show-numbers"))
    assert shown["call_back"] == "sealed with another key"


def close(*arguments):
    return CliRunner().invoke(case, ["close", *arguments])


def test_a_call_back_that_was_made_is_closed_and_no_longer_owed(list_cases, ring):
    ring(NUMBER).key("0").key("1")
    (shown,) = json.loads(list_cases("--json"))
    spaced = f"{shown['case_number'][:3]} {shown['case_number'][3:]}"
    assert close(spaced, "--actor", "Ada", "--json").exit_code == 0
    assert json.loads(list_cases("--json")) == []
    refused = close(spaced)
    assert refused.exit_code == 1
    assert "Nothing is owed" in refused.output


def test_a_wish_without_a_case_is_closed_by_the_name_of_its_call(list_cases, ring):
    ring(NUMBER).post("/voice/call-back", Digits="1")
    (shown,) = json.loads(list_cases("--json"))
    assert close(shown["call"]).exit_code == 0
    assert json.loads(list_cases("--json")) == []


def test_a_text_that_could_not_be_sent_is_shown_with_its_case(list_cases, ring, door_of, texting, groups, rows):
    call = ring(NUMBER, at=door_of(texting)).key(groups[0]).key("0")
    call.key("3")
    (shown,) = json.loads(list_cases("--json"))
    assert shown["last_text"] == "queued"
    (text,) = rows("outbox")
    with texting.database.begin() as connection:
        claimed = claim(connection, "test", texting.now(), timedelta(minutes=1))
        accepted(connection, claimed, "SM1", texting.now())
        note_status(connection, News(text["id"], "SM1", None, TextState.UNDELIVERED, 30003), texting.now())
    (shown,) = json.loads(list_cases("--json"))
    assert shown["last_text"] == "undelivered 30003"
