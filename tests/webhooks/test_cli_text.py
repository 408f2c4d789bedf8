"""`touchtone text` against a line that serves on loopback and delivers its texts, as a person in a terminal runs it."""

import json
import threading

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from webhooks import delivery
from webhooks.app import create_app
from webhooks.cli.text import text
from webhooks.rehearsal.carrier import RehearsalCarrier, read_texts
from webhooks.settings import load
from webhooks.twilio_rest import Rehearsed, TwilioCarrier

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LINE = "+15550100"


class Keeper:
    """Texts the line from a terminal; `typed` is what is written at the keyboard."""

    def __init__(self, options):
        self.options = options

    def run(self, *words, typed=None):
        return CliRunner().invoke(text, [*self.options, *words], input=typed)

    def tell(self, *words):
        """The exit status, and the JSON."""
        result = self.run("--json", *words)
        # The line runs in this very process, and logs to the same output; in a terminal it has its own.
        return result.exit_code, json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def keeper(touchtone, texting):
    assert touchtone("text", "--help").status == 0  # the fixture has made a data folder and its settings
    arrivals = load().rehearsed_texts
    server = make_server("127.0.0.1", 0, create_app(texting), threaded=True)
    serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    stop = threading.Event()
    kept = RehearsalCarrier(arrivals)
    carrier = TwilioCarrier(texting.account_sid, "rehearsal", "rehearsal", http=lambda: Rehearsed(kept))
    delivering = threading.Thread(target=delivery.run, args=(texting, carrier, stop), daemon=True)
    serving.start()
    delivering.start()
    token = texting.auth_tokens[0]
    address = f"http://127.0.0.1:{server.server_port}"
    yield Keeper(["--line", LINE, "--url", address, "--public-url", texting.wording.public_url, "--auth-token", token])
    stop.set()
    texting.texts_due.set()
    delivering.join()
    server.shutdown()
    serving.join()
    server.server_close()


def test_a_whole_id_brings_the_blocks_and_exit_status_0(keeper, groups):
    status, told = keeper.tell(" ".join(groups))
    assert status == 0
    assert told["outcome"] == "activated"
    assert told["confirmation_id"] == " ".join(told["blocks"][letter] for letter in "ABCDEFGH")
    assert [(one["segments"], one["encoding"]) for one in told["received"]] == [(1, "GSM-7")]
    assert [one["body"] for one in told["sent"]] == [" ".join(groups)]


def test_several_texts_are_sent_one_after_another_and_what_comes_back_is_printed_after_each(keeper, groups):
    result = keeper.run(" ".join(groups[:4]), " ".join(groups[4:]))
    assert result.exit_code == 0
    said = [line for line in result.stdout.splitlines() if " you: " in line or " line:" in line]
    assert [line[10:15] for line in said] == ["you: ", "line:", "you: ", "line:"]
    assert "Groups 1-4 are in." in said[1]
    assert "(1 segment, GSM-7)" in said[1]
    assert "\n                A " in result.stdout


def test_half_an_id_is_answered_and_is_no_activation(keeper, groups):
    status, told = keeper.tell(" ".join(groups[:4]))
    assert (status, told["outcome"], told["confirmation_id"]) == (1, "answered", None)


def test_a_person_who_is_asked_for_comes_with_a_case_number(keeper):
    status, told = keeper.tell("agent")
    assert (status, told["outcome"]) == (1, "answered")
    assert len(told["case_number"]) == 10
    assert told["case_number"] in told["received"][0]["body"]


def test_what_the_line_does_not_answer_is_silent_after_the_wait(keeper):
    status, told = keeper.tell("--wait", "0.3", "hello", "hello again", "and again")
    assert (status, told["outcome"], len(told["received"])) == (1, "answered", 1)
    status, told = keeper.tell("--wait", "0.3", "and again")
    assert (status, told["outcome"], told["received"]) == (1, "silent", [])
    assert "(nothing came back)" in keeper.run("--wait", "0.3", "and again").stdout


def test_a_text_that_is_brought_twice_is_answered_once(keeper, groups):
    status, told = keeper.tell("--deliver-twice", " ".join(groups))
    assert (status, told["outcome"], len(told["received"])) == (0, "activated", 1)


def test_only_what_comes_after_the_start_and_to_this_number_is_read(keeper, groups):
    keeper.tell(" ".join(groups))
    status, told = keeper.tell("--from", "+14155550177", "--wait", "0.5", "?")
    assert (status, told["outcome"]) == (1, "answered")
    assert "Approved" not in told["received"][0]["body"]


def test_at_the_keyboard_enter_sends_a_backslash_goes_on_and_an_empty_line_looks_for_news(keeper, groups):
    typed = f"{' '.join(groups[:5])}\\\n{' '.join(groups[5:])}\n\n"
    result = keeper.run(typed=typed)
    assert result.exit_code == 0
    assert result.stdout.count(" you: ") == 1
    assert "Approved." in result.stdout
    assert "(nothing new)" in result.stdout
    assert "confirmation id" in result.stdout


def test_at_the_keyboard_a_text_that_ends_with_the_input_is_sent_too(keeper):
    result = keeper.run(typed="?")
    assert result.exit_code == 1
    assert "Text the installation ID" in result.stdout


def test_a_line_that_does_not_take_the_text_is_said(keeper):
    status, told = keeper.tell("--auth-token", "a-token-that-is-not-the-lines", "?")
    assert (status, told["outcome"]) == (1, "silent")
    assert told["troubles"][0].startswith("11200 ")
    assert "did not take it" in keeper.run("--auth-token", "a-token-that-is-not-the-lines", "?").stdout


def test_on_a_line_with_real_credentials_it_says_where_an_answer_would_go(keeper, monkeypatch):
    monkeypatch.setenv("TWILIO_API_KEY", "SK" + "0" * 32)
    monkeypatch.setenv("TWILIO_API_SECRET", "s" * 32)
    result = keeper.run("?")
    assert result.exit_code == 2
    assert "real telephone" in result.stderr
    assert read_texts(load().rehearsed_texts) == []


def test_a_line_that_takes_no_texts_is_said_before_anything_is_sent(touchtone, monkeypatch):
    monkeypatch.setenv("TOUCHTONE_LISTEN", "127.0.0.1:9")  # where nobody listens
    lines = load().lines_file
    lines.write_text('[[line]]\nnumber = "+15550100"\nname = "No texts"\ncountry = "US"\n')
    answer = touchtone("text", "--line", LINE, "?")
    assert answer.status == 2
    assert f"The line {LINE} takes no texts" in answer.sighed
    lines.write_text(lines.read_text() + f'text_sender = "{LINE}"\n')
    answer = touchtone("text", "--line", LINE, "?")
    assert answer.status == 1
    assert "did not take it: 11205" in answer.said


def test_without_a_number_the_first_line_that_takes_texts_is_texted(touchtone, monkeypatch):
    monkeypatch.setenv("TOUCHTONE_LISTEN", "127.0.0.1:9")  # where nobody listens
    lines = [f'[[line]]\nnumber = "+1555010{n}"\nname = "A line"\ncountry = "US"\n' for n in range(2)]
    load().lines_file.write_text("".join(lines))
    assert "The line +15550100 takes no texts" in touchtone("text", "?").sighed
    load().lines_file.write_text("".join(lines) + 'text_sender = "+15550101"\n')
    assert "did not take it: 11205" in touchtone("text", "?").said
