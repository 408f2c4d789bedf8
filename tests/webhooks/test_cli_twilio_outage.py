"""The document for a total outage, and the call-backs it promised, collected from Twilio's own records."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from sqlalchemy import select

from ivr.call_backs import call_backs
from ivr.callers import unseal
from keys import secrets_file
from keys.database import Database
from tests.conftest import CATALOGUES
from tests.webhooks.test_cli_twilio import run  # noqa: F401 - the fixture
from tests.webhooks.twilio_api.account import INCOMING, NUMBER, PretendAccount, new_number, number
from webhooks.lines_file import read_outage_words
from webhooks.rehearsal.twiml import check_document
from webhooks.settings import SettingError

DOCUMENT = "https://handler.twilio.com/twiml/EH0123"
CALLER = "+14155550101"


@pytest.fixture
def folder(tmp_path, sqlite_template):
    """A line with a document for an outage, and its ledger."""
    shutil.copy(sqlite_template, tmp_path / "touchtone.db")
    secrets_file.create_root(tmp_path / "issuing-root")
    secrets_file.create(tmp_path / "secrets.toml")
    return tmp_path


@pytest.fixture
def twilio(run, folder):  # noqa: F811 - the fixture above
    (folder / "lines.toml").write_text(
        f'[[line]]\nnumber = "{NUMBER}"\nname = "Line"\ncountry = "US"\noutage_url = "{DOCUMENT}"\n'
    )
    return run


def call(sid, minutes_ago, caller=CALLER, direction="inbound", lasted=1):
    began = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {
        "sid": "CA" + sid.zfill(32),
        "from": caller,
        "to": NUMBER,
        "direction": direction,
        "status": "completed",
        "start_time": format_datetime(began),
        "end_time": format_datetime(began + timedelta(minutes=lasted)),
    }


def account(*calls, answered=()):
    made = PretendAccount(number(voice_fallback_url=DOCUMENT, voice_fallback_method="GET"))
    made.calls = list(calls)
    made.asked_for_calls = {
        each["sid"]: [INCOMING, f"{DOCUMENT}?CallSid={each['sid']}&ErrorCode=11205" if place in answered else INCOMING]
        for place, each in enumerate(calls)
    }
    return made


def noted(folder):
    database = Database(f"sqlite:///{folder / 'touchtone.db'}")
    with database.read() as connection:
        rows = connection.execute(select(call_backs)).all()
    database.close()
    return rows


def test_the_document_is_twiml_that_names_no_address_of_ours_and_asks_nothing(twilio, folder):
    said = twilio(account(), "outage-document").stdout
    assert check_document(said.encode()) == []
    assert "called back within 24 hours" in said
    assert not [word for word in ("http", "Gather", "Record", "Redirect") if word in said]
    out = folder / "outage.xml"
    assert json.loads(twilio(account(), "outage-document", "--out", str(out), "--json").stdout)["locale"] == "en-US"
    assert out.read_text().strip() == said.strip()


def test_every_language_of_the_line_is_heard_and_every_released_one_has_the_words(twilio, folder):
    words = read_outage_words()
    assert set(CATALOGUES) <= set(words)
    assert set(words) == {"en-US", "en-GB", "es", "fr", "de", "pt-BR", "ja", "zh-Hans", "hi", "ar"}
    for locale, catalogue in words.items():
        assert set(catalogue.prompts) == {"apology", "promise"}
        for hours in (1, 2, 3, 24, 168):
            said = "".join(map(str, catalogue.speech("promise", {"hours": hours})))
            assert str(hours) in said or (locale == "ar" and hours < 3)
            assert "{" not in said
    file = folder / "lines.toml"
    file.write_text(file.read_text() + f"locales = {json.dumps(sorted(CATALOGUES))}\n")
    said = twilio(account(), "outage-document").stdout
    assert said.count("<Say") == 2 * len(CATALOGUES)
    assert len(said) < 4000 * max(1, len(CATALOGUES) // 2)


def test_a_language_without_words_for_an_outage_is_named_and_nothing_is_written(twilio, folder, monkeypatch):
    words = read_outage_words()
    monkeypatch.setattr("webhooks.lines_file.read_outage_words", lambda: {"en-US": words["en-US"]})
    file, out = folder / "lines.toml", folder / "outage.xml"
    file.write_text(file.read_text() + 'locales = ["en-US", "de", "fr"]\n')
    done = twilio(account(), "outage-document", "--out", str(out), "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["outcome"]) == (1, "WORDS_MISSING")
    assert "prompts/outage/de.po, prompts/outage/fr.po" in told["reason"]
    assert not out.exists()


def test_connect_makes_the_document_the_fallback_and_check_then_finds_nothing(twilio):
    fresh = PretendAccount(new_number())
    assert twilio(fresh, "connect").exit_code == 0
    (numbered,) = fresh.numbers.values()
    assert (numbered["voice_fallback_url"], numbered["voice_fallback_method"]) == (DOCUMENT, "GET")
    assert (numbered["voice_url"], numbered["voice_method"]) == (INCOMING, "POST")
    assert "Nothing to change." in twilio(fresh, "connect").stdout


def test_an_address_that_is_none_stops_with_its_name(twilio, folder):
    file = folder / "lines.toml"
    file.write_text(file.read_text().replace(DOCUMENT, "bucket/outage.xml"))
    with pytest.raises(SettingError, match="outage_url must be"):
        twilio(account(), "check")


def test_the_callers_that_heard_the_document_are_called_back_once_and_no_others(twilio, folder):
    calls = [
        call("1", 300),
        call("2", 290),  # the same caller once more
        call("3", 280, "+14155550102"),  # the line itself answered
        call("4", 270, "anonymous"),
        call("5", 260, "+14155550103", direction="outbound-api"),
        call("6", 10, "+14155550104"),  # of which Twilio does not tell yet
        call("7", 60 * 24 * 9, "+14155550105"),  # long before
    ]
    made = account(*calls, answered={0, 1, 3, 4, 5, 6})
    told = json.loads(twilio(made, "collect-wishes", "--json").stdout)
    assert told == {
        "outcome": "done", "calls": 5, "answered_by_the_document": 3, "callers_noted": 1, "callers_already_noted": 0,
        "callers_who_came_through": 0, "withheld": 1, "too_early": 1,
    }  # fmt: skip
    (wish,) = noted(folder)
    assert wish.call_sid == calls[0]["sid"]
    assert unseal(wish.number_sealed, secrets_file.load(folder / "secrets.toml").number_key) == CALLER
    again = json.loads(twilio(made, "collect-wishes", "--json").stdout)
    assert (again["callers_noted"], again["callers_already_noted"]) == (0, 1)
    assert len(noted(folder)) == 1
    said = twilio(made, "collect-wishes").output
    assert "run it again" in said
    assert CALLER not in said


def test_since_reaches_further_back(twilio, folder):
    made = account(call("7", 60 * 24 * 9), answered={0})
    began = (datetime.now(UTC) - timedelta(days=10)).strftime("%Y-%m-%d")
    assert json.loads(twilio(made, "collect-wishes", "--since", began, "--json").stdout)["callers_noted"] == 1
    assert len(noted(folder)) == 1


def test_a_trouble_on_the_way_notes_nothing_and_is_said(twilio, folder):
    made = account(call("1", 300), call("2", 290, "+14155550102"), answered={0, 1})
    made.fail, made.failing_at = (429, 20429), "/Events"
    told = json.loads(twilio(made, "collect-wishes", "--json").stdout)
    assert told["outcome"] == "TOO_MANY_REQUESTS"
    assert noted(folder) == []


@pytest.mark.usefixtures("folder")
def test_a_line_without_a_document_has_nothing_to_collect(run):  # noqa: F811 - the fixture above
    told = json.loads(run(account(), "collect-wishes", "--json").stdout)
    assert told["outcome"] == "NO_OUTAGE_DOCUMENT"
