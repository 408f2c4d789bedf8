"""`touchtone call` against a line on loopback, as a person in a terminal runs it."""

import json

import pytest
from click.testing import CliRunner

from webhooks.cli.call import call

from .conftest import BLOCKS, IID


@pytest.fixture
def touchtone(serve, activation):
    line = activation.app()
    address = serve(line)

    def run(*options: str, typed: str = ""):
        return CliRunner().invoke(call, ["--url", address, "--auth-token", "12345", *options], input=typed)

    run.line = line
    return run


def test_a_scripted_call_prints_the_transcript_and_succeeds(touchtone):
    result = touchtone("--iid", "-".join(IID))
    assert result.exit_code == 0
    assert result.stdout.startswith("00:00  line: Welcome.")
    assert f"you:  {IID[1]}" in result.stdout
    assert " ".join(BLOCKS) in result.stdout


def test_json_is_one_object_with_the_seconds_and_the_outcome(touchtone):
    result = touchtone("--iid", " ".join(IID), "--json", "--wrong-group", "2")
    told = json.loads(result.stdout)
    assert told["outcome"] == "activated"
    assert told["confirmation_id"] == " ".join(BLOCKS)
    assert told["seconds"] == pytest.approx(told["heard"] + told["keyed"] + told["waited"], abs=0.2)
    assert "transcript" not in told


def test_the_transcript_comes_with_json_where_asked_for(touchtone):
    told = json.loads(touchtone("--iid", "".join(IID), "--json", "--transcript").stdout)
    assert told["transcript"][0]["who"] == "line"


def test_a_call_that_is_not_activated_exits_with_one(touchtone):
    result = touchtone("--iid", "".join(IID), "--hang-up-at", "readback", "--json")
    assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (1, "hung_up")


def test_the_keyboard_drives_a_whole_call(touchtone):
    typed = "\n".join([IID[0], "", IID[1], "what?", IID[2], *[""] * 9]) + "\n"
    result = touchtone(typed=typed)
    assert result.exit_code == 0
    assert "(silence)" in result.stdout
    assert " ".join(BLOCKS) in result.stdout


def test_h_at_the_keyboard_hangs_up(touchtone):
    result = touchtone("--json", typed="h\n")
    assert json.loads(result.stdout)["outcome"] == "hung_up"
    assert touchtone.line.paths()[-1] == "/voice/status"


def test_the_end_of_the_input_hangs_up(touchtone):
    assert json.loads(touchtone("--json").stdout)["ended_by"] == "caller"


def test_no_line_there_is_no_answer():
    result = CliRunner().invoke(call, ["--url", "http://127.0.0.1:9", "--auth-token", "x", "--iid", "123456", "--json"])
    assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (1, "no_answer")


@pytest.mark.parametrize(
    "options", [["--iid", "12345"], ["--iid", "123456", "--hang-up-at", "12"], ["--wrong-group", "0"]]
)
def test_a_misused_option_exits_with_two(touchtone, options):
    assert touchtone(*options).exit_code == 2
