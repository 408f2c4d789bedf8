"""The telephone that texts: what the line is brought, what is done where it fails, and what is read of what comes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.wrappers import Response

from webhooks.rehearsal.carrier import RehearsalCarrier
from webhooks.rehearsal.fetching import Address, Fault
from webhooks.rehearsal.signing import signature
from webhooks.rehearsal.texting import Arrivals, Inbox, TextLine, blocks, case_number, confirmation_id, send, written
from webhooks.rehearsal.wsgi import InProcess

from .conftest import PUBLIC, TOKEN, ToyLine

MINE, LINE = "+14155550123", "+15005550006"
MESSAGES = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"


def bring(answer, body="300217", **how):
    """Text a toy line; what it was asked, the text, and the trouble if any."""
    toy = ToyLine({"/sms/incoming": answer})
    text = written(body)
    line = TextLine(Address("http://127.0.0.1:1", PUBLIC), "AC" + "1" * 32, "nowhere", TOKEN)
    trouble = send(line, text, number=MINE, to=LINE, transport=InProcess(toy), **how)
    return toy.asked, text, trouble


def arrive(file, to, body):
    RehearsalCarrier(file).request("POST", MESSAGES, {"From": LINE, "To": to, "Body": body})


def test_the_line_is_brought_a_signed_text_with_the_fields_of_a_real_one():
    (asked,), text, trouble = bring("", "\u00bf300217\u00bf\n156230")
    assert trouble is None
    assert asked.headers["X-Twilio-Signature"] == signature(TOKEN, f"{PUBLIC}/sms/incoming", asked.form)
    assert asked.form["Body"] == "\u00bf300217\u00bf\n156230"
    assert (asked.form["From"], asked.form["To"], asked.form["FromCountry"]) == (MINE, LINE, "US")
    assert asked.form["MessageSid"] == asked.form["SmsSid"] == asked.form["SmsMessageSid"] == text.sid
    assert (asked.form["NumMedia"], asked.form["NumSegments"], asked.form["SmsStatus"]) == ("0", "1", "received")
    assert asked.form["AccountSid"] == "AC" + "1" * 32


def test_two_texts_have_two_ids():
    assert written("1").sid != written("1").sid


def test_a_text_may_be_brought_twice_under_one_id():
    asked, _, trouble = bring("", twice=True)
    assert trouble is None
    assert len(asked) == 2
    assert asked[0].form == asked[1].form


def test_where_the_line_fails_its_fallback_is_asked_with_what_went_wrong():
    answers = iter([Response(status=503), ""])
    asked, text, trouble = bring(lambda _: next(answers))
    assert trouble is None
    assert len(asked) == 2
    assert "ErrorCode" not in asked[0].form
    assert asked[1].form["ErrorCode"] == str(int(Fault.HTTP_STATUS))
    assert asked[1].form["MessageSid"] == text.sid


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Response(status=403), Fault.HTTP_STATUS),
        (Response("no", content_type="application/json"), Fault.CONTENT_TYPE),
        (Response("<Response>", content_type="text/xml"), Fault.NOT_TWIML),
    ],
)
def test_a_line_that_never_answers_well_has_not_taken_the_text(answer, fault):
    asked, _, trouble = bring(lambda _: answer)
    assert trouble.fault is fault
    assert len(asked) == 2


def test_an_inbox_gives_what_comes_to_its_number_from_now_on_and_once(tmp_path):
    file = tmp_path / "texts.jsonl"
    arrive(file, MINE, "before")
    inbox = Inbox(file, MINE)
    assert inbox.come() == []
    arrive(file, "+14155550177", "to somebody else")
    arrive(file, MINE, "first")
    arrive(file, MINE, "second")
    assert [text.body for text in inbox.come()] == ["first", "second"]
    assert inbox.come() == []


def test_an_inbox_waits_no_longer_than_it_is_told_and_gives_a_second_text_a_moment(tmp_path):
    file = tmp_path / "texts.jsonl"
    inbox = Inbox(file, MINE)
    waited = []

    def go_by(seconds):
        waited.append(seconds)
        if len(waited) in {10, 12}:
            arrive(file, MINE, f"after {len(waited)}")

    assert [text.body for text in inbox.wait(5.0, 0.5, sleep=go_by)] == ["after 10", "after 12"]
    assert sum(waited) == pytest.approx(1.0, abs=0.1)
    waited = [0.0] * 20
    assert inbox.wait(2.0, sleep=go_by) == []
    assert sum(waited) == pytest.approx(2.0, abs=0.1)


def test_a_line_that_was_torn_when_it_was_read_is_read_once_it_is_whole(tmp_path):
    file = tmp_path / "texts.jsonl"
    inbox = Inbox(file, MINE)
    arrive(file, MINE, "whole")
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert inbox.come() == []
    file.write_bytes(whole)
    assert [text.body for text in inbox.come()] == ["whole"]


def test_the_file_is_read_again_only_when_it_has_grown(tmp_path):
    file = tmp_path / "texts.jsonl"
    arrivals = Arrivals(file)
    assert arrivals.all() == []
    arrive(file, MINE, "one")
    first = arrivals.all()
    assert arrivals.all() is first
    arrive(file, MINE, "two")
    assert len(arrivals.all()) == 2
    assert json.loads(file.read_text().splitlines()[0])["body"] == "one"


@given(st.lists(st.from_regex(r"\A[0-9]{6}\Z"), min_size=0, max_size=10), st.text(max_size=20))
def test_a_confirmation_id_is_whole_with_five_or_eight_blocks_and_never_otherwise(digits, before):
    lettered = [f"{letter} {block}" for letter, block in zip("ABCDEFGHIJ", digits, strict=False)]
    whole = confirmation_id(blocks("\n".join([f"{before}:", *lettered])))
    assert whole == (" ".join(digits[:8]) if len(digits) in {5, 8, 9, 10} else None)


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("Your case number is 9123456780. For a person, reply AGENT.", "9123456780"),
        ("Your case, number 9123456780, waits for a person.", "9123456780"),
        ("Groups 1-3 are in.", None),
        ("In any case, call 15005550006.", None),
    ],
)
def test_a_case_number_is_read_where_a_case_is_spoken_of(body, number):
    assert case_number(body) == number
