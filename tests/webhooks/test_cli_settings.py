"""`touchtone settings`: what is set, and where; no secret is shown, and the listed defaults are the true ones."""

import re

import pytest

from webhooks.setting_list import REQUIRED, SETTINGS
from webhooks.settings import SettingError, load

TOKEN = "0123456789abcdef0123456789abcdef"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_each_setting_is_shown_with_its_value_and_its_place_and_no_secret(touchtone, tmp_path, monkeypatch):
    (tmp_path / "data" / "settings.env").write_text("TOUCHTONE_THREADS=3\nTOUCHTONE_WORKERS=2\nTWILIO_API_SECRET=hush")
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setenv("TOUCHTONE_WORKERS", "1")
    monkeypatch.setenv("TOUCHTONE_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    answered = touchtone("settings", "--json")
    told = {row["name"]: (row["value"], row["from"]) for row in answered.told}
    assert list(told) == [setting.name for setting in SETTINGS]
    assert told["TOUCHTONE_THREADS"] == ("3", "settings.env")
    assert told["TOUCHTONE_WORKERS"] == ("1", "the environment")
    assert told["TWILIO_AUTH_TOKEN"] == ("(secret)", "the environment")
    assert told["TWILIO_API_SECRET"] == ("(secret)", "settings.env")
    assert told["DATABASE_URL"] == ("(secret)", "the environment")
    where = "the environment, as TOUCHTONE_METRICS_TOKEN_FILE"
    assert told["TOUCHTONE_METRICS_TOKEN"] == (str(tmp_path / "token"), where)
    assert told["TOUCHTONE_KEEP_DAYS"] == (None, "default")
    for said in (answered.said, touchtone("settings").said):
        assert "hush" not in said
        assert TOKEN not in said
        assert "t" * 32 not in said


def test_what_is_missing_or_malformed_is_shown_as_it_stands(touchtone, monkeypatch):
    monkeypatch.delenv("TWILIO_ACCOUNT_SID")
    monkeypatch.setenv("TOUCHTONE_THREADS", "many")
    rows = {line.split()[0]: line for line in touchtone("settings").said.splitlines()}
    assert re.search(r"\(required\) +missing$", rows["TWILIO_ACCOUNT_SID"])
    assert re.search(r"many +the environment$", rows["TOUCHTONE_THREADS"])


def test_a_default_that_is_listed_is_what_the_line_takes_where_nothing_is_said(touchtone, monkeypatch):
    del touchtone  # it gives the least that a line needs
    as_it_is = load()
    spelt = 0
    for setting in SETTINGS:
        value = setting.default.strip("`")
        if setting.default == REQUIRED or " " in value or value in {"none", "data"}:
            continue
        monkeypatch.setenv(setting.name, value)
        spelt += 1
    assert spelt > 12
    assert load() == as_it_is


def test_every_setting_that_is_listed_as_required_is(touchtone, monkeypatch):
    del touchtone
    for setting in SETTINGS:
        if setting.default == REQUIRED:
            with monkeypatch.context() as without:
                without.delenv(setting.name)
                with pytest.raises(SettingError, match=setting.name):
                    load()
