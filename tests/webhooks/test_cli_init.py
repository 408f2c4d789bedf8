"""`touchtone init`: a folder ready to serve, what stands there left alone, and one sentence for what cannot be."""

import json
import os
import pty
import select
import stat
import subprocess
import sys

import pytest
from click.testing import CliRunner

from keys import schema, secrets_file
from webhooks.cli.init import init
from webhooks.lines_file import read_catalogues, read_lines
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
    assert schema.found(database) == (schema.newest(), schema.Standing.CURRENT)
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


ACCOUNT = ("--account-sid", "AC" + "0a" * 16, "--auth-token", "t" * 32)
LINE = ("--public-url", "https://line.example.com", "--number", "+493012345", "--name", "Harbour activation")


def test_a_line_with_an_account_is_made_from_flags_alone_and_its_country_is_its_number_s(folder):
    assert run(*ACCOUNT, *LINE).exit_code == 0
    found = load()
    assert (found.account_sid, found.auth_tokens) == ("AC" + "0a" * 16, ("t" * 32,))
    (line,) = read_lines(folder / "lines.toml", read_catalogues()).all
    assert (line.number, line.country, line.name) == ("+493012345", "DE", "Harbour activation")


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ((*ACCOUNT, *LINE[:2]), "--number and --name"),
        ((*LINE, *ACCOUNT[:2]), "--auth-token"),
        (LINE, "--account-sid and --auth-token"),
        (ACCOUNT[2:], "--account-sid and --public-url and --number and --name"),
    ],
)
def test_where_nobody_can_be_asked_the_missing_flags_are_named_in_one_sentence_and_nothing_is_made(
    folder, given, lacking
):
    done = run(*given)
    assert done.exit_code == 1
    assert done.stderr == f"There is no terminal to ask at, so give {lacking} as well.\n"
    assert json.loads(run(*given, "--json").stdout)["outcome"] == "FLAGS_MISSING"
    assert not folder.exists()


def test_a_rehearsal_lacks_nothing(folder):
    assert run("--rehearsal", "--public-url", "https://line.example.com").exit_code == 0
    assert load().public_url == "https://line.example.com"
    assert (folder / "lines.toml").exists()


def test_a_later_run_adds_the_setting_and_the_line_that_are_missing_and_touches_nothing_else(folder):
    run(*ACCOUNT, *LINE)
    file = folder / "settings.env"
    kept = [line for line in file.read_text().splitlines() if not line.startswith("TWILIO_AUTH_TOKEN")]
    file.write_text("\n".join([*kept, "TOUCHTONE_KEEP_DAYS=60"]))  # with no line break at its end
    told = json.loads(run("--auth-token", "n" * 32, "--number", "+15550199", "--name", "Second", "--json").stdout)
    assert (told["settings"], told["lines"], told["secrets"]) == ("added to", "added to", "was there")
    found = load()
    assert (found.auth_tokens, found.kept.days, found.account_sid) == (("n" * 32,), 60, "AC" + "0a" * 16)
    lines = read_lines(folder / "lines.toml", read_catalogues()).all
    assert [(line.number, line.name) for line in lines] == [
        ("+493012345", "Harbour activation"),
        ("+15550199", "Second"),
    ]


def test_a_line_that_cannot_be_added_leaves_the_file_as_it_was(folder):
    run(*ACCOUNT, *LINE)
    before = (folder / "lines.toml").read_bytes()
    assert "desk_hours" in refused("--number", "+15550199", "--desk-hours", "always")
    assert (folder / "lines.toml").read_bytes() == before


def test_it_ends_with_the_commands_that_follow(folder):
    real = json.loads(run(*ACCOUNT, *LINE, "--desk-hours", "mon-fri 09:00-17:00", "--json").stdout)["next"]
    assert real[0] == f"export TOUCHTONE_DATA_DIR={folder}"
    assert [words.partition(" ")[2].split()[0] for words in real[1:]] == [
        "catalog", "twilio", "twilio", "serve", "operator", "desk"
    ]  # fmt: skip
    said = run().output
    assert said.rstrip().splitlines()[-len(real) :] == [f"  {words}" for words in real]
    for name in ("settings.env", "lines.toml", "secrets.toml", "issuing-root", "database"):
        assert name in said


def typed(folder, *answers):
    """What somebody at a real terminal sees who answers so."""
    controller, terminal = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TOUCHTONE_", "TWILIO_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "webhooks.cli", "init"],
        env={**environ, "TOUCHTONE_DATA_DIR": str(folder)},
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    waiting, seen = list(answers), ""
    while select.select([controller], [], [], 30)[0]:
        try:
            seen += os.read(controller, 4096).decode()
        except OSError:  # the other end is closed
            break
        if waiting and seen.endswith(": "):
            os.write(controller, f"{waiting.pop(0)}\n".encode())
    os.close(controller)
    return process.wait(30), seen


def test_at_a_terminal_it_asks_explains_and_asks_again_what_cannot_be(folder):
    status, seen = typed(
        folder, "y", "AC1", "AC" + "0a" * 16, "t" * 32, "line.example.com", "https://line.example.com", "030 12345",
        "+493012345", "Harbour activation", "", "mon-fri 09:00-17:00", "Berlin", "Europe/Berlin",
    )  # fmt: skip
    assert status == 0, seen
    for said in ("TWILIO_ACCOUNT_SID must be", "TOUCHTONE_PUBLIC_URL must be", "A number is +", "A time zone is"):
        assert said in seen
    found = load()
    assert (found.public_url, found.auth_tokens) == ("https://line.example.com", ("t" * 32,))
    (line,) = read_lines(found.lines_file, read_catalogues()).all
    assert (line.number, line.text_sender, line.desk.zone.key) == ("+493012345", None, "Europe/Berlin")
