"""docs/security.md: each test it names is there, each secret has its row, and each command of a bad day is run."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from keys.secrets_file import ProductSecrets, Secrets
from tests.webhooks.test_serving import CATALOGUE
from webhooks.settings import SETTINGS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
LEAKS = PAGE.partition("## If a secret leaks")[2]
COMMANDS = [command for command in re.findall(r"`touchtone ([^`]+)`", LEAKS) if not command.startswith("init")]


def test_every_test_that_the_page_names_is_there():
    named = re.findall(r"`((?:[a-z_]+/)+[a-z0-9_-]+\.(?:py|txt))`", PAGE)
    assert len(named) > 25
    assert not [name for name in named if not (ROOT / "tests" / name).exists()]


def test_every_secret_of_settings_and_secrets_file_has_its_row():
    secret = {setting.name for setting in SETTINGS if setting.secret} - {"TWILIO_AUTH_TOKEN_NEXT"}
    held = {field.name for field in fields(Secrets)} - {"products", "peppers_before"}
    in_words = {"issuing_key": "issuing key", "verification": "verification secret"}
    held |= {in_words[field.name] for field in fields(ProductSecrets)}
    first_cells = " ".join(line.split("|")[1] for line in LEAKS.splitlines() if line.startswith("| "))
    assert not [name for name in secret | held if name not in first_cells]
    assert "issuing root" in first_cells


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_command_of_a_bad_day_does_what_it_says(touchtone, tmp_path):
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    assert touchtone("catalog", "load", tmp_path / "catalogue.toml").status == 0
    issue = ("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", "5", "--json")
    (tmp_path / "password").write_text("correct horse battery staple")
    added = touchtone("operator", "add", "Anna Berg", "--password-file", tmp_path / "password", "--json")
    assert added.status == 0, added
    assert touchtone("token", "issue", "fleet", "--organisation", "Nordstern", "--scope", "read").status == 0
    assert len(COMMANDS) >= 9
    for command in COMMANDS:
        words = shlex.split(command)
        key = touchtone(*issue).told["product_key"]
        name = "Anna Berg" if words[0] == "operator" else "fleet"
        words = [{"KEY": key, "NAME": name, "PRODUCT": "Fairway"}.get(word, word) for word in words]
        if words[:2] == ["catalog", "build"]:
            words += ["Fairway", "--out", tmp_path / "build.json"]
        if words[:2] == ["key", "issue"]:
            words = list(issue)
        done = touchtone(*words)
        assert done.status == 0, (command, done)
