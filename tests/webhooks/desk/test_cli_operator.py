"""`touchtone operator` and `touchtone desk`: the first administrator, passwords, and who may come no more."""

import json
import urllib.parse

import pyotp
import pytest
from click.testing import CliRunner

from webhooks.cli.main import cli
from webhooks.desk import passwords

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PASSWORD = "correct horse battery"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\nanother line\n")
    return path


def test_an_operator_who_was_added_may_log_in_and_is_listed(touchtone, file, rows):
    added = touchtone("operator", "add", "Anna  Berg", "--role", "administrator", "--password-file", file, "--json")
    assert (added.status, added.told["outcome"], added.told["name"]) == (0, "added", "Anna Berg")
    (row,) = rows("operators")
    assert passwords.matches(row["password_hash"], PASSWORD)
    (listed,) = touchtone("operator", "list", "--json").told
    assert (listed["role"], listed["state"], listed["logins"]) == ("administrator", "active", 0)
    assert [each["kind"] for each in rows("desk_entries")] == ["operator_changed"]
    assert PASSWORD not in str(rows("desk_entries"))


def test_a_name_is_never_given_twice(touchtone, file):
    touchtone("operator", "add", "Anna", "--password-file", file)
    again = touchtone("operator", "add", "Anna", "--password-file", file, "--json")
    assert (again.status, again.told["outcome"]) == (1, "OPERATOR_EXISTS")
    touchtone("operator", "disable", "Anna")
    assert touchtone("operator", "add", "Anna", "--password-file", file).status == 1


def test_a_telephone_number_and_the_secret_of_an_app_are_kept_sealed(touchtone, file, rows):
    added = touchtone(
        "operator",
        "add",
        "Otto",
        "--phone",
        "+1 415 555 0123",
        "--on-call",
        "--totp",
        "--password-file",
        file,
        "--json",
    )
    address = urllib.parse.urlsplit(added.told["otpauth"])
    secret = urllib.parse.parse_qs(address.query)["secret"][0]
    assert address.scheme == "otpauth"
    assert len(pyotp.TOTP(secret).now()) == 6
    assert "4155550123" not in str(rows("operators"))
    assert secret not in str(rows("operators"))


def test_the_app_can_scan_what_is_printed(touchtone, file):
    printed = touchtone("operator", "add", "Otto", "--totp", "--password-file", file).said
    assert "otpauth://totp/" in printed
    assert printed.count("█") > 100


def test_a_disabled_operator_is_listed_as_such_and_stays(touchtone, file, rows):
    touchtone("operator", "add", "Anna", "--password-file", file)
    assert touchtone("operator", "disable", "Anna").status == 0
    assert touchtone("operator", "list", "--json").told[0]["state"] == "disabled"
    assert touchtone("operator", "disable", "Anna", "--json").told["outcome"] == "DISABLED_ALREADY"
    assert len(rows("desk_entries")) == 2


def test_another_password_can_be_given(touchtone, file, rows, tmp_path):
    touchtone("operator", "add", "Anna", "--password-file", file)
    other = tmp_path / "other"
    other.write_text("another long password")
    assert touchtone("operator", "password", "Anna", "--password-file", other).status == 0
    assert passwords.matches(rows("operators")[0]["password_hash"], "another long password")


@pytest.mark.usefixtures("touchtone")
def test_a_password_is_asked_for_twice_where_no_file_is_named(rows):
    answer = CliRunner().invoke(cli, ["operator", "add", "Anna"], input=f"{PASSWORD}\n{PASSWORD}\n")
    assert answer.exit_code == 0
    assert PASSWORD not in answer.output
    assert passwords.matches(rows("operators")[0]["password_hash"], PASSWORD)


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("add", "", "--password-file", "FILE"), "NAME_MALFORMED"),
        (("add", "x" * 65, "--password-file", "FILE"), "NAME_MALFORMED"),
        (("add", "Anna", "--password-file", "FILE", "--phone", "12"), "PHONE_MALFORMED"),
        (("add", "Anna", "--password-file", "FILE", "--on-call"), "PHONE_MISSING"),
        (("add", "Anna", "--password-file", "/nowhere"), "PASSWORD_FILE_UNREADABLE"),
        (("password", "Anna", "--password-file", "FILE"), "OPERATOR_UNKNOWN"),
        (("disable", "Anna"), "OPERATOR_UNKNOWN"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence_and_changes_nothing(touchtone, file, rows, words, outcome):
    given = [str(file) if word == "FILE" else word for word in words]
    refused = touchtone("operator", *given, "--json")
    assert (refused.status, refused.told["outcome"]) == (1, outcome)
    said = touchtone("operator", *given).sighed.strip()
    assert said.count("\n") == 0
    assert said.endswith((".", "+14155550100."))
    assert rows("operators") == []


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_a_password_too_short_or_too_long_is_refused_with_its_length(touchtone, tmp_path, password):
    path = tmp_path / "password"
    path.write_text(password)
    refused = touchtone("operator", "add", "Anna", "--password-file", path, "--json")
    assert (refused.status, refused.told["outcome"]) == (1, "PASSWORD_LENGTH")
    assert str(len(password)) in refused.told["reason"]


def test_an_empty_list_says_how_to_begin(touchtone):
    assert "touchtone operator add" in touchtone("operator", "list").said
    assert json.loads(touchtone("operator", "list", "--json").said) == []


def test_the_desk_has_a_page_of_help_and_does_not_start_on_an_address_that_is_taken(touchtone, monkeypatch):
    assert "operators' desk" in touchtone("desk", "--help").said
    monkeypatch.setenv("TOUCHTONE_DESK_URL", "http://127.0.0.1:8090/elsewhere")
    with pytest.raises(ValueError, match="TOUCHTONE_DESK_URL must be an http"):
        touchtone("desk")
    monkeypatch.setenv("TOUCHTONE_DESK_URL", "https://desk.example")
    monkeypatch.setenv("TOUCHTONE_DESK_LISTEN", "nowhere")
    with pytest.raises(ValueError, match="TOUCHTONE_DESK_LISTEN must be an address and a port"):
        touchtone("desk")
