"""`touchtone twilio probe`: what is measured is what the other side does, and its routes are there only meanwhile."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.lines import Line, Lines
from tests.webhooks.conftest import Door
from tests.webhooks.test_cli_twilio import run  # noqa: F401 - the fixture
from tests.webhooks.twilio_api.account import NUMBER, OTHER, PUBLIC, SID, TOKEN, new_number, number
from tests.webhooks.twilio_api.two_legs import TwoLegs, Ways
from webhooks import probe_file
from webhooks.probe_steps import KEYS, LAST, OPENING, Turn, figures, lost_keys
from webhooks.twiml import Wording


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    """A probe touches no database: one kind is enough."""
    shutil.copy(sqlite_template, tmp_path / "touchtone.db")
    return f"sqlite:///{tmp_path / 'touchtone.db'}"


@pytest.fixture
def door(exchange, tmp_path):
    """The line, served from the folder of the command."""
    (tmp_path / "lines.toml").write_text(f'[[line]]\nnumber = "{NUMBER}"\nname = "Line"\ncountry = "US"\n')
    line = Line(NUMBER, "Line", "US", "en-US", 24)
    wording = Wording(PUBLIC, exchange.wording.catalogues)
    ours = {"account_sid": SID, "auth_tokens": (TOKEN,), "probe_file": tmp_path / "probe.json"}
    return Door(replace(exchange, lines=Lines((line,)), wording=wording, **ours))


@pytest.fixture
def measured(run, door, clock, tmp_path, monkeypatch):  # noqa: F811 - the fixture above
    """Measures a Twilio of these ways: the JSON that the command answers, and the account."""
    (tmp_path / "lines.toml").write_text(f'[[line]]\nnumber = "{NUMBER}"\nname = "Line"\ncountry = "US"\n')
    monkeypatch.setattr("webhooks.twilio_probe.time.sleep", lambda _seconds: None)

    def measure(*words, **ways):
        account = TwoLegs((number(), new_number(OTHER)), door.client, clock, Ways(**ways))
        done = run(account, "probe", "--calling", OTHER, "--json", *(words or ("--yes",)))
        return json.loads(done.stdout), account

    return measure


def test_a_twilio_as_it_is_believed_to_be_is_measured_so_and_the_findings_are_kept(measured, tmp_path):
    told, account = measured()
    assert told["outcome"] == "measured"
    assert told["turn_delay"] == pytest.approx(0.8, abs=0.1)
    assert told["keys_lost_at_answer"] >= 1
    assert min(told["keys_lost_between_gathers"]) >= 1
    assert told["commas_needed"] == 1
    assert (told["finished_on_key_alone"], told["finished_on_key_behind_digits"]) == ("#", "#")
    assert told["finished_on_key_in_silence"] == ""
    assert told["finish_key_alone_asks_at_once"] is True
    assert told["pause_delays_the_timer"] is True
    assert told["key_in_a_pause_counts"] is True
    kept = json.loads(Path(told["file"]).read_text())
    assert {name: told[name] for name in kept} == kept
    assert account.placed["SendDigits"] == OPENING
    assert len(OPENING) <= 32
    assert account.placed["TimeLimit"] == 180
    assert not list(tmp_path.glob("probe.json*"))


@pytest.mark.parametrize(
    ("ways", "measures"),
    [
        ({"keeps_keys": True}, {"keys_lost_at_answer": 0, "keys_lost_between_gathers": [0, 0, 0]}),
        ({"finished_on_key": False}, {"finished_on_key_alone": None, "finished_on_key_in_silence": None}),
        ({"lone_finish_asks": False}, {"finish_key_alone_asks_at_once": False, "finished_on_key_behind_digits": "#"}),
        ({"pause_first": False}, {"pause_delays_the_timer": False}),
        ({"deaf_in_pause": True}, {"key_in_a_pause_counts": False, "pause_delays_the_timer": True}),
    ],
)
def test_a_twilio_that_does_otherwise_gives_another_figure(measured, ways, measures):
    told, _ = measured(**ways)
    assert {name: told[name] for name in measures} == measures


def test_a_slower_twilio_loses_more_keys_and_its_delay_is_told(measured):
    quick, _ = measured(turn=0.3)
    slow, _ = measured(turn=2.4)
    assert (quick["turn_delay"], slow["turn_delay"]) == (pytest.approx(0.3, abs=0.1), pytest.approx(2.4, abs=0.1))
    assert max(quick["keys_lost_between_gathers"]) < min(slow["keys_lost_between_gathers"])
    assert quick["keys_lost_at_answer"] < slow["keys_lost_at_answer"]


def test_nothing_is_called_before_a_yes_and_the_price_is_said(measured):
    told, account = measured("--line", NUMBER)
    assert told["outcome"] == "NOT_CONFIRMED"
    assert "0.0215 USD a minute" in told["reason"]
    assert not hasattr(account, "placed")


def test_a_call_that_is_not_answered_is_said_and_the_routes_are_gone(measured, tmp_path):
    told, _ = measured(answers=False)
    assert told["outcome"] == "NOTHING_ARRIVED"
    assert "no-answer" in told["reason"]
    assert not list(tmp_path.glob("probe*"))


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("--calling", NUMBER), "CALLING_IS_A_LINE"),
        (("--calling", "+15550111"), "NUMBER_NOT_OWNED"),
        (("--calling", OTHER, "--line", "+15550111"), "UNKNOWN_LINE"),
    ],
)
@pytest.mark.usefixtures("measured")
def test_a_number_that_cannot_be_probed_is_refused(run, door, clock, words, outcome):  # noqa: F811 - the fixture above
    account = TwoLegs((number(), new_number(OTHER)), door.client, clock)
    assert json.loads(run(account, "probe", *words, "--yes", "--json").stdout)["outcome"] == outcome


@pytest.mark.usefixtures("measured")
def test_a_line_that_is_not_connected_is_not_called(run, door, clock):  # noqa: F811 - the fixture above
    account = TwoLegs((new_number(), new_number(OTHER)), door.client, clock)
    told = json.loads(run(account, "probe", "--calling", OTHER, "--yes", "--json").stdout)
    assert told["outcome"] == "NOT_CONNECTED"


@pytest.mark.usefixtures("measured")
def test_a_person_reads_a_table_with_what_each_figure_means(run, door, clock):  # noqa: F811 - the fixture above
    account = TwoLegs((number(), new_number(OTHER)), door.client, clock)
    said = run(account, "probe", "--calling", OTHER, "--yes").stdout
    assert said.startswith(f"One call from {OTHER} to {NUMBER}: charged as a call out and a call in")
    assert "turn delay" in said
    assert "the line counts on it" in said
    assert "None" not in said
    assert re.search(r"^commas needed +1 ", said, re.MULTILINE)
    assert re.search(r"^key in a pause counts +yes ", said, re.MULTILINE)


def form(**more):
    return {"CallSid": "CA" + "b" * 32, "AccountSid": SID, "From": OTHER, "To": NUMBER, "Direction": "inbound", **more}


def test_without_a_probe_its_routes_are_not_there_and_a_call_of_that_number_is_a_call(door):
    for path in ("/voice/probe/word/turn/1", "/voice/probe/word/keys"):
        assert door.knock(path, form()).status_code == 404
        assert door.knock(path, form(), signed=False).status_code == 403
    assert "installation ID" in door.knock("/voice/incoming", form()).text


def test_while_a_probe_runs_other_callers_hear_the_line_and_a_wrong_word_opens_nothing(door):
    running = probe_file.start(door.exchange.probe_file, OTHER, NUMBER)
    assert "installation ID" in door.knock("/voice/incoming", form(From="+14155550101")).text
    assert running.word in door.knock("/voice/incoming", form()).text
    assert door.knock("/voice/probe/word/turn/1", form()).status_code == 404
    assert door.knock(f"/voice/probe/{running.word}/turn/1", form()).status_code == 200
    assert door.knock(f"/voice/probe/{running.word}/turn/1", form(), signed=False).status_code == 403
    with pytest.raises(FileExistsError):
        probe_file.start(door.exchange.probe_file, OTHER, NUMBER)
    later = running.until + 1
    assert probe_file.running(door.exchange.probe_file, now=later) is None
    assert probe_file.start(door.exchange.probe_file, OTHER, NUMBER, now=later).word != running.word


@pytest.mark.parametrize("wrong", ["another's", "half"])
def test_a_file_of_a_probe_that_the_line_cannot_read_costs_no_caller_their_call(door, wrong):
    """Somebody probed as root, say: the line runs as another, and is not let in to the file."""
    file = door.exchange.probe_file
    if wrong == "half":
        file.write_text('{"word": "a')
    else:
        file.mkdir()  # root, as whom this test may run, can read any file
    assert "installation ID" in door.knock("/voice/incoming", form()).text
    assert door.knock("/voice/probe/word/keys", form()).status_code == 404


@given(st.lists(st.integers(1, 3), min_size=4, max_size=4))
def test_whatever_was_lost_before_each_gather_is_counted(lost):
    turns, at = [Turn(0, 0.0)], 0
    for place, gone in enumerate(lost, 1):
        at += gone
        keys = KEYS[at : at + 1] if place < 4 else KEYS[at:]
        turns.append(Turn(place, float(place), keys))
        at += len(keys)
    heard = [gone for gone, turn in zip(lost, turns[1:], strict=True) if turn.keys]
    assert lost_keys(turns)[: len(heard)] == heard


def test_a_record_that_breaks_off_has_no_figure_that_it_does_not_say():
    assert set(figures([]).told().values()) == {None, ()}
    half = figures([Turn(0, 0.0), Turn(1, 1.0, "2")])
    assert (half.keys_lost_at_answer, half.turn_delay, half.key_in_a_pause_counts) == (1, None, None)
    assert LAST == 11
