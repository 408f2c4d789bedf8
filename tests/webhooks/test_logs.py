"""Logs: of a whole call, nothing that would tell a number, a group, a key or a token; the call's id stays."""

import contextlib
import io
import json
import logging
import re

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from webhooks import logs, setting_values
from webhooks.logs import STRUCK_OUT, redacted

SID = "CA0123456789abcdef0123456789abcdef"


@pytest.fixture
def stream():
    """What the log is written to in place of standard error."""
    return io.StringIO()


@pytest.fixture
def logged(stream):
    """The log as the line writes it: every line as JSON, and the whole as text."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with contextlib.redirect_stderr(stream):
        logs.configure(logging.DEBUG)

    def read():
        text = stream.getvalue()
        return [json.loads(line) for line in text.splitlines()], text

    yield read
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_a_whole_call_leaves_no_number_no_group_no_key_and_no_token(
    ring, knock, groups, mak, exchange, door_of, logged
):
    call = ring("+14155550123")
    for group in groups[:3]:
        call.key(group)
    knock(call.actions[0], call.form(Digits=groups[3]), signed=False)
    knock(call.actions[0], call.form(Digits=groups[3], AccountSid="AC" + "9" * 32))
    call.key(groups[3])

    def breaks(*_):
        raise RuntimeError("+14155550123", groups[4], mak.text, call.form(Digits=groups[4]))

    sound, call.door = call.door, door_of(exchange, now=breaks)
    action = call.actions[0]
    call.key(groups[4])
    call.key("1")
    call.door = sound
    call.post(action, Digits="".join(groups[4:]))
    assert "Approved" in call.words
    call.status("completed")
    lines, text = logged()
    assert {line["event"] for line in lines} >= {"signature_missing", "account_refused", "turn_failed", "turn_taken"}
    assert all({"event", "level", "timestamp"} <= set(line) for line in lines)
    turns = [line for line in lines if line["event"] == "turn_taken"]
    assert len(turns) == 6  # those that broke are not among them
    assert {line["call_sid"] for line in turns} == {call.sid}
    assert [line["call_sid"] for line in lines if line["event"] == "turn_failed"] == [call.sid] * 2
    assert "4155550123" not in text
    assert not [group for group in groups if group in text]
    assert mak.text not in text
    assert mak.text.rpartition("-")[0] not in text
    assert not [token for token in exchange.auth_tokens if token in text]
    assert not re.search(r"[0-9]{6} [0-9]{6}", text)


def test_a_stranger_who_knocks_writes_nothing_of_his_own_into_the_log(knock, exchange, logged):
    form = {
        "AccountSid": exchange.account_sid,
        "+14155550123": "x",
        "123456 234567": "y",
        "a\nb": "z",
        "n" * 30_000: "",
    }
    made_up = {"X-Twilio-Signature": "A" * 27 + "="}
    assert knock("/voice/incoming", form, signed=False, headers=made_up).status_code == 403
    lines, text = logged()
    assert [line["event"] for line in lines] == ["signature_refused"]
    assert "4155550123" not in text
    assert "234567" not in text
    assert "AccountSid" in lines[0]["parameters"]
    assert len(text) < 5_000


def test_other_programs_lines_are_redacted_as_well(logged):
    logging.getLogger("granian").warning("from %s: %s", "+14155550123", ["123456", "234567"])
    try:
        int("x4155550123")
    except ValueError:
        logging.getLogger("sqlalchemy").exception("failed on call %s", SID)
    lines, text = logged()
    assert [line["level"] for line in lines] == ["warning", "error"]
    assert "4155550123" not in text
    assert "123456" not in text.replace(SID, "")
    assert SID in lines[1]["event"]
    assert "ValueError" in text


def test_nothing_hides_in_a_list_a_mapping_or_a_name(logged):
    structlog.get_logger("x").error(
        "odd",
        seen=["+14155550123", {"digits": "123456", "k": ("234567",)}],
        count=4155550123,
        size=1234,
        **{"123457": "x"},
    )
    lines, text = logged()
    for secret in ("4155550123", "123456", "234567", "123457"):
        assert secret not in text
    assert lines[0]["size"] == 1234


@pytest.mark.usefixtures("logged")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_log_that_cannot_be_written_costs_no_call(ring, groups, exchange, door_of, stream):
    call = ring()
    stream.close()
    sound, call.door = call.door, door_of(exchange, now=lambda: 1 / 0)
    call.key(groups[0])
    assert "something is wrong on our side" in call.words
    call.door = sound
    logging.getLogger("granian").warning("nobody reads this")


@pytest.mark.parametrize(
    "secret",
    [
        "+14155550123", "4155550123", "+1 415 555 0123", "415-555-0123", "(415) 555-0123", "415.555.0123",
        "004930123456", "123456", "123456 234567", "123456-234567", "123456,234567", "1 2 3 4 5 6",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "7K2MQ-9PXRV-3W4HT-Y5N6B-ZD8FG", "7k2mq-9pxrv-3w4ht-y5n6b-zd8fg", "7K2MQ 9PXRV 3W4HT Y5N6B ZD8FG",
        "7K2MQ9PXRV3W4HTY5N6BZD8FG", "ttk_AbCdEfGhIj-KlMnOpQrSt_UvWxYzAbCdEfGhIjKlMno",
    ],
)  # fmt: skip
def test_what_looks_like_a_number_or_a_key_is_struck_out(secret):
    for text in (secret, f"before {secret} after", f"'{secret}'", f"x={secret};", f"[{secret}]"):
        said = redacted(text)
        assert STRUCK_OUT in said
        digits = [run for run in re.findall(r"[^\W_]+", secret) if len(run) > 3]
        assert not [run for run in digits if run in said]


@pytest.mark.parametrize(
    "kept",
    [SID, "RQ" + "12" * 16, "AC" + "a1" * 16, "SM" + "0f" * 16, "turn 12", "status 403", "2.4 seconds", "port 8080"],
)
def test_what_names_a_call_or_counts_is_kept(kept):
    assert redacted(kept) == kept


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_no_text_keeps_five_digits_in_a_row(text):
    said = redacted(text)
    assert not re.search(r"\d{5}", said)


@pytest.mark.parametrize(("level", "kept"), [("debug", 3), ("info", 2), ("warning", 1)])
def test_what_is_less_than_the_level_of_the_settings_is_not_logged(stream, level, kept):
    with contextlib.redirect_stderr(stream):
        logs.configure(setting_values.log_level(level))
    for say in ("debug", "info", "warning"):
        getattr(structlog.get_logger("x"), say)("turn_taken", call_sid=SID)
    structlog.reset_defaults()
    assert len(stream.getvalue().splitlines()) == kept


def test_logfmt_is_one_line_an_event_with_its_traces_and_nothing_to_be_struck_out_in_it(stream):
    with contextlib.redirect_stderr(stream):
        logs.configure(logging.DEBUG, "logfmt")
    log = structlog.get_logger("x")
    log.warning("turn_taken", call_sid=SID, said="+14155550123 and more")
    try:
        int("x4155550123")
    except ValueError:
        log.exception("turn_failed", call_sid=SID)
    structlog.reset_defaults()
    first, second = stream.getvalue().splitlines()
    assert f"level=warning event=turn_taken call_sid={SID}" in first
    assert "event=turn_failed" in second
    assert "ValueError" in second
    assert "4155550123" not in stream.getvalue()
