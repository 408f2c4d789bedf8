"""`touchtone init`: a folder ready to serve, what stands there left alone, and one sentence for what cannot be."""

import json
import os
import stat
import subprocess
import sys

import pytest
from click.testing import CliRunner

from keys import secrets_file
from webhooks.cli.init import init
from webhooks.lines_file import read_catalogues, read_lines
from webhooks.serving import newest_schema, schema_of
from webhooks.settings import SettingError, load


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("TOUCHTONE_", "TWILIO_", "DATABASE_URL"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TOUCHTONE_DATA_DIR", str(tmp_path / "line"))
    return tmp_path / "line"


def run(*arguments):
    return CliRunner().invoke(init, arguments)


def refused(*arguments):
    """The one sentence, as `main` would print it."""
    result = run(*arguments)
    assert isinstance(result.exception, SettingError), result.output
    said = str(result.exception)
    assert said.endswith((".", "?"))
    assert "\n" not in said
    return said


@pytest.mark.usefixtures("folder")
def test_an_empty_folder_becomes_one_that_can_serve():
    result = run("--json", "--number", "+493012345", "--country", "DE", "--name", 'Müller & "Sohn"')
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["settings"], told["lines"], told["secrets"]) == ("made", "made", "made")
    found = load()
    (line,) = read_lines(found.lines_file, read_catalogues()).all
    assert (line.number, line.country, line.name) == ("+493012345", "DE", 'Müller & "Sohn"')
    assert secrets_file.load(found.secrets_file).products == {}
    from webhooks.app import open_database

    database = open_database(found)
    assert schema_of(database) == newest_schema()
    database.close()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("sender", ["+15005550006", "+491701234567", "MG" + "0a" * 16])
def test_a_line_takes_texts_if_it_is_told_what_they_come_from(sender):
    assert run("--text-sender", sender).exit_code == 0
    (line,) = read_lines(load().lines_file, read_catalogues()).all
    assert line.text_sender == sender


def test_a_line_that_takes_no_texts_says_in_its_file_how_it_would(folder):
    assert run("--number", "+493012345", "--country", "DE").exit_code == 0
    file = folder / "lines.toml"
    assert read_lines(file, read_catalogues()).all[0].text_sender is None
    file.write_text(file.read_text().replace("# text_sender", "text_sender"))
    assert read_lines(file, read_catalogues()).all[0].text_sender == "+493012345"


@pytest.mark.usefixtures("folder")
def test_a_line_has_a_desk_if_it_is_told_when_somebody_is_there():
    assert run("--desk-hours", "mon-fri 09:00-17:00").exit_code == 0
    (line,) = read_lines(load().lines_file, read_catalogues()).all
    assert sorted(line.desk.week) == [0, 1, 2, 3, 4]


def test_a_line_without_a_desk_says_in_its_file_how_it_would_have_one(folder):
    assert run().exit_code == 0
    file = folder / "lines.toml"
    assert read_lines(file, read_catalogues()).all[0].desk is None
    for name in ("desk_hours", "time_zone", "days_off"):
        file.write_text(file.read_text().replace(f"# {name}", name))
    desk = read_lines(file, read_catalogues()).all[0].desk
    assert (desk.zone.key, len(desk.days_off), sorted(desk.week)) == ("Europe/Berlin", 1, [0, 1, 2, 3, 4])


def test_nobody_else_can_read_what_it_makes(folder):
    run()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("settings.env", "secrets.toml", "issuing-root", "lines.toml"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


@pytest.mark.usefixtures("folder")
def test_no_two_lines_share_a_secret(monkeypatch, tmp_path):
    run()
    first = load()
    monkeypatch.setenv("TOUCHTONE_DATA_DIR", str(tmp_path / "other"))
    run()
    second = load()
    assert first.auth_tokens != second.auth_tokens
    assert first.account_sid != second.account_sid
    assert secrets_file.load(first.secrets_file) != secrets_file.load(second.secrets_file)


def test_a_second_run_leaves_all_as_it_is(folder):
    run("--name", "First")
    before = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.startswith("touchtone.db")}
    result = run("--name", "Second", "--public-url", "https://other.example", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["settings"], told["lines"], told["secrets"]) == ("was there",) * 3
    after = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.startswith("touchtone.db")}
    assert after == before


def test_no_secret_is_printed(folder):
    said = run().output + run("--json").output
    for token in load().auth_tokens:
        assert token not in said
    for line in (folder / "secrets.toml").read_text().splitlines():
        assert line.partition('"')[2].strip('"') not in said or '"' not in line


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--public-url", "line.example"), "TOUCHTONE_PUBLIC_URL"),
        (("--account-sid", "AC1"), "TWILIO_ACCOUNT_SID"),
        (("--auth-token", "short"), "TWILIO_AUTH_TOKEN"),
        (("--number", "12345"), "number"),
        (("--country", "Germany"), "country"),
        (("--country", 'U"S'), "lines.toml"),
        (("--name", ""), "name"),
        (("--text-sender", "somebody"), "text_sender"),
        (("--text-sender", "MG1"), "text_sender"),
        (("--desk-hours", "always"), "desk_hours"),
    ],
)
def test_a_wrong_choice_is_named_and_the_right_one_works_afterwards(arguments, named):
    assert named in refused(*arguments)
    result = run()
    assert result.exit_code == 0, result.output
    assert load().public_url == "http://127.0.0.1:8080"


def test_an_issuing_root_that_stands_there_is_kept_when_the_secrets_are_new(folder):
    run()
    root = (folder / "issuing-root").read_bytes()
    (folder / "secrets.toml").unlink()
    assert run().exit_code == 0
    assert (folder / "issuing-root").read_bytes() == root
    assert (folder / "secrets.toml").exists()


def test_an_issuing_root_in_the_safe_is_not_made_anew(folder):
    run()
    (folder / "issuing-root").unlink()
    assert run().exit_code == 0
    assert not (folder / "issuing-root").exists()


@pytest.mark.usefixtures("folder")
def test_a_folder_that_cannot_be_made_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TOUCHTONE_DATA_DIR", str(tmp_path / "file" / "line"))
    assert str(tmp_path / "file" / "line") in refused()


@pytest.mark.usefixtures("folder")
def test_a_database_that_does_not_answer_is_said(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://line:correct-horse@127.0.0.1:1/ledger")
    said = refused()
    assert said == "The database does not answer (unreachable); is DATABASE_URL right?"
    monkeypatch.delenv("DATABASE_URL")
    assert run().exit_code == 0


@pytest.mark.usefixtures("folder")
def test_the_command_itself_ends_with_status_1_and_one_sentence():
    done = subprocess.run(
        [sys.executable, "-m", "webhooks.cli", "init", "--public-url", "nowhere"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "TOUCHTONE_PUBLIC_URL must be an http(s) address with a host and no query or user.\n"
