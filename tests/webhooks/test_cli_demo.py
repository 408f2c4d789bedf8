"""`touchtone demo`: from an empty folder to three activated machines, twice, without touching another line's files."""

import json
import os
import re
import subprocess
import sys

import pytest

from keys import secrets_file


def run_demo(folder, **environ):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOUCHTONE_", "TWILIO_"))}
    return subprocess.run(
        [sys.executable, "-m", "webhooks.cli", "demo", "--no-serve", "--port", "0", "--folder", str(folder)],
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """Two demos in one folder, where the environment speaks of another line."""
    folder = tmp_path_factory.mktemp("demo") / "the folder"
    other = tmp_path_factory.mktemp("other")
    secrets_file.create(other / "secrets.toml")
    (other / "token").write_text("0" * 32)
    environ = {
        "TOUCHTONE_SECRETS_FILE": str(other / "secrets.toml"),
        "TOUCHTONE_LINES_FILE": str(other / "lines.toml"),
        "TOUCHTONE_WORKERS": "4",
        "DATABASE_URL_FILE": str(other / "url"),
        "TWILIO_AUTH_TOKEN_FILE": str(other / "token"),
    }
    before = (other / "secrets.toml").read_bytes()
    runs = [run_demo(folder, **environ), run_demo(folder)]
    assert (other / "secrets.toml").read_bytes() == before
    assert sorted(file.name for file in other.iterdir()) == ["secrets.toml", "token"]
    return folder, runs


def test_it_comes_out_right_both_times(twice):
    for done in twice[1]:
        assert done.returncode == 0, done.stdout + done.stderr
        assert "The demo stops" not in done.stdout + done.stderr


def test_what_a_command_says_to_a_person_is_what_is_shown_of_it(twice):
    first = twice[1][0].stdout
    assert "new product  1\n3 changes\n" in first
    assert "{" not in first


def test_99_are_left_after_three_calls_98_after_the_texts_and_97_after_a_person_helped(twice):
    for done in twice[1]:
        assert len(re.findall(r"^state +activated$", done.stdout, re.MULTILINE)) == 6
        assert re.findall(r"^available +(\d+)$", done.stdout, re.MULTILINE) == ["100", "99", "99", "99", "98", "97"]


def test_the_calls_can_be_read_as_they_happen(twice):
    for done in twice[1]:
        assert done.stdout.count("$ touchtone call --iid") == 3
        assert "--wrong-group 4" in done.stdout
        assert "Key group 4 again" in done.stdout
        assert done.stdout.count("That was the last block") >= 4


def test_a_second_machine_is_activated_by_text_after_one_wrong_group(twice):
    for done in twice[1]:
        first, answer, reply = re.search(
            r"\$ touchtone text '([\d ]+)'\n.*\n.*line: (Group 4 .*)\n[\s\S]*\$ touchtone text (\d+)\n", done.stdout
        ).groups()
        assert len(first.split()) == 9
        assert reply == "1" if "should be" in answer else len(reply) == 6
        assert re.search(r"line: Approved\.[^\n]*\n(?: +[A-H] \d{6}\n){8} +\(1 segment, GSM-7\)", done.stdout)


def test_a_third_machine_is_activated_by_a_caller_who_gets_stuck_and_an_operator_who_helps(twice):
    for done in twice[1]:
        helped = done.stdout.partition("is put through to the desk")[2]
        assert helped.count("Key group 4 again") + helped.count("Group 4 again") >= 1, helped
        assert "in line for a person" in helped
        assert "group 4 missing" in helped
        assert re.search(r"hands the call back to the line[\s\S]*Write down 8 blocks", helped)


def test_the_password_of_the_desk_is_printed_only_with_the_desk_s_address(twice):
    folder, runs = twice
    password = (folder / "desk-password").read_text().strip()
    assert (folder / "desk-password").stat().st_mode & 0o077 == 0
    assert not [done for done in runs if password in done.stdout + done.stderr]


def test_two_people_can_be_at_the_desk_and_one_decides_what_the_other_may_not(twice):
    folder, _ = twice
    listed = subprocess.run(
        [sys.executable, "-m", "webhooks.cli", "operator", "list", "--json"],
        env={**os.environ, "TOUCHTONE_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    people = {each["name"]: (each["role"], each["grant_limit"]) for each in json.loads(listed.stdout)}
    assert people == {"demo": ("administrator", 20), "colleague": ("supervisor", 500)}


def test_a_folder_of_a_version_without_texts_or_desk_gets_a_line_that_has_them(tmp_path):
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "lines.toml").write_text('[[line]]\nnumber = "+15005550006"\nname = "Old"\ncountry = "US"\n')
    done = run_demo(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^available +(\d+)$", done.stdout, re.MULTILINE)[-1] == "97"


def test_the_key_is_printed_whole_once_at_its_issue(twice):
    for done in twice[1]:
        keys = set(re.findall(r"\b(?:[0-9A-Z]{5}-){4}[0-9A-Z]{5}\b", done.stdout))
        assert len(keys) == 1
        assert done.stdout.count(keys.pop()) == 1


def test_nothing_goes_on_serving_afterwards(twice):
    assert "Traceback" not in "".join(done.stderr for done in twice[1])
    assert not [done for done in twice[1] if "goes on serving" in done.stdout]


def test_the_folder_is_a_line_that_can_be_looked_at(twice):
    folder, _ = twice
    done = subprocess.run(
        [sys.executable, "-m", "webhooks.cli", "ledger", "verify", "--json"],
        env={**os.environ, "TOUCHTONE_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)
