"""The command itself: every command answers `--help`, a refusal is one sentence, an exit status means what it says."""

import importlib
import json
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from webhooks.cli.main import COMMANDS, cli
from webhooks.cli.output import refuse, show


def touchtone(*arguments, **environ):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOUCHTONE_", "TWILIO_"))}
    return subprocess.run(
        [sys.executable, "-m", "webhooks.cli", *arguments],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def commands(group, path=()):
    """Every command and group under a group, with its path."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands(cli))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help_that_says_what_it_does(path):
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert ALL[path].help
    assert "Usage:" in result.output
    for option in ALL[path].params:
        if isinstance(option, click.Option) and path[0] != "bench":  # a bench is for those who read it
            assert option.help, f"{' '.join(path)} {option.name}"


def test_help_lists_every_command_without_loading_one():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "webhooks.cli", "--help"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    for name, (_, _, meaning) in COMMANDS.items():
        assert name in done.stdout
        assert meaning.rstrip(".").split(":")[0] in " ".join(done.stdout.split())
    for heavy in ("sqlalchemy", "flask", "twilio.rest", "phonenumbers"):
        assert f"{heavy}\n" not in done.stderr


def test_every_command_is_in_the_list_under_its_own_name():
    for name, (module, attribute, _) in COMMANDS.items():
        assert getattr(importlib.import_module(module), attribute).name == name


def test_the_version_is_told():
    assert "touchtone" in CliRunner().invoke(cli, ["--version"], prog_name="touchtone").output


@pytest.mark.parametrize("arguments", [["nothing"], ["case", "nothing"], ["serve", "--nothing"], ["key", "issue"]])
def test_misuse_ends_with_status_2(arguments):
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [("case", "list"), ("ledger", "entries"), ("serve",), ("db", "check"), ("call",)])
def test_without_settings_every_command_says_what_to_run_and_ends_with_status_1(tmp_path, arguments):
    done = touchtone(*arguments, TOUCHTONE_DATA_DIR=str(tmp_path / "none"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == ("TOUCHTONE_PUBLIC_URL is missing; run `touchtone init`, or set it to https://your.host.\n")
    assert not (tmp_path / "none").exists()


# How answers look.


def test_a_refusal_is_a_sentence_for_people_and_a_word_for_programs(capsys):
    with pytest.raises(SystemExit) as end:
        refuse("KEY_UNKNOWN", "There is no such key.")
    assert end.value.code == 1
    assert capsys.readouterr() == ("", "There is no such key.\n")
    with pytest.raises(SystemExit):
        refuse("KEY_UNKNOWN", "There is no such key.", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"outcome": "KEY_UNKNOWN", "reason": "There is no such key."}


def test_rows_are_aligned_for_people_and_json_for_programs(capsys):
    show([{"last_five": "ZD8FG", "of": None, "test": True}, {"last_five": "Zoë", "of": 0, "test": False}])
    first, second = capsys.readouterr().out.split("\n\n")
    assert first == "last five  ZD8FG\nof         -\ntest       yes"
    assert second == "last five  Zoë\nof         0\ntest       no\n"
    show([{"last_five": "Zoë"}], as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"last_five": "Zoë"}]
    show([], as_json=True)
    assert json.loads(capsys.readouterr().out) == []
