"""A text is offered in a call: to whom, at which number, and what is heard when it cannot be sent or is lost."""

from dataclasses import replace

import pytest

from ivr import opt_outs
from ivr.callers import Caller, pseudonym, seal
from ivr.lines import Line, Lines
from keys.groups import split
from keys.installation_id import encode

from .conftest import Texts

OWN = "To have them as a text at this number, press 9."
KEYED = "To have them as a text at a mobile number, press 9."
LANDLINE = "+442079460958"
BRITISH = Line("+15550100", "Nordstern activation line", "GB", "en-US", 24, text_sender="+15550100")


@pytest.fixture
def british(exchange):
    """The exchange with a line of a country whose numbers tell mobile from landline."""
    return replace(exchange, lines=Lines((BRITISH,)))


def activated(ring, at, groups, caller="+14155550123"):
    """A call up to its read-back."""
    call = ring(caller, at=at)
    for group in groups:
        call.key(group)
    assert "Approved." in call.words
    return call


def at_menu(call, keys):
    return call.key(keys, gather=-1)


def test_a_mobile_caller_is_offered_the_blocks_as_a_text_and_gets_them(ring, door_of, texting, clock, groups):
    call = activated(ring, door_of(texting), groups)
    assert OWN in call.words
    at_menu(call, "9")
    assert call.words.startswith("A text is on its way. That was the last block.")
    assert OWN not in call.words
    (body,) = Texts(texting, clock).come()
    assert body.startswith("Approved. Type these blocks into your machine")
    for letter in "ABCDEFGH":
        assert f"\n{letter} " in body


def test_a_text_is_sent_once_and_nine_is_a_pause_again(ring, door_of, texting, groups, rows):
    call = activated(ring, door_of(texting), groups)
    at_menu(call, "9")
    at_menu(call, "9")
    assert call.words == "Take your time. Press any key to go on."
    assert len(rows("outbox")) == 1


def test_nine_while_blocks_are_read_is_a_pause_also_where_a_text_is_offered(ring, door_of, texting, groups, rows):
    call = activated(ring, door_of(texting), groups)
    call.key("9", gather=3)
    assert call.words == "Take your time. Press any key to go on."
    assert rows("outbox") == []


def test_a_line_without_a_sender_offers_no_text(ring, groups):
    call = ring()
    for group in groups:
        call.key(group)
    assert "as a text" not in call.words
    at_menu(call, "9")
    assert call.words == "Take your time. Press any key to go on."


def test_a_stuck_caller_may_have_the_case_number_as_a_text(ring, door_of, texting, clock, groups, rows):
    call = ring(at=door_of(texting))
    call.key(groups[0])
    call.key("0")
    assert "To have your case number as a text at this number, press 3." in call.words
    call.key("3")
    assert call.words.startswith("A text is on its way. Your case number is")
    assert "press 3" not in call.words
    (body,) = Texts(texting, clock).come()
    assert rows("cases")[0]["number"] in body


def test_the_case_that_was_texted_is_gone_on_with_by_text(ring, door_of, texting, clock, groups):
    call = ring(at=door_of(texting))
    for group in groups[:5]:
        call.key(group)
    call.key("0")
    call.key("3")
    call.status("completed")
    texts = Texts(texting, clock)
    texts.come()
    (answer,) = texts.send(" ".join(groups[5:]))
    assert answer.startswith("Approved.")


def test_a_caller_whose_text_does_not_get_through_is_told_in_the_call(ring, door_of, texting, clock, groups, rows):
    door = door_of(texting)
    call = activated(ring, door, groups)
    at_menu(call, "9")
    Texts(texting, clock).come()
    (text,) = rows("outbox")
    form = {"AccountSid": texting.account_sid, "MessageSid": text["sid"], "MessageStatus": "undelivered"}
    told = door.knock(f"/sms/status?text={text['id']}", {**form, "ErrorCode": "30003"})
    assert told.status_code == 204
    at_menu(call, "*")
    assert call.words.startswith("The text did not get through to that number. Once more, from the first block.")
    at_menu(call, "*")
    assert "did not get through" not in call.words
    assert (rows("outbox")[0]["state"], rows("outbox")[0]["error"]) == ("undelivered", 30003)


def test_a_caller_who_opted_out_hears_that_nothing_can_be_sent(ring, door_of, texting, groups, rows, database):
    name = pseudonym("+14155550123", texting.secrets.pepper)
    caller = Caller(name, seal("+14155550123", texting.secrets.number_key))
    with database.begin() as connection:
        opt_outs.stop(connection, "+15550100", caller, texting.now())
    call = activated(ring, door_of(texting), groups)
    at_menu(call, "9")
    assert call.words.startswith("No text can be sent to that number. That was the last block.")
    assert [row["reason"] for row in rows("outbox")] == ["OPTED_OUT"]


def test_a_landline_caller_keys_one_mobile_number_and_says_yes_to_it(ring, door_of, british, clock, groups, rows):
    call = activated(ring, door_of(british), groups, LANDLINE)
    assert KEYED in call.words
    at_menu(call, "9")
    assert call.words == "Key the mobile number, with its area code, then press pound."
    call.key("07400123456")
    assert "4 4 7 4 0 0 1 2 3 4 5 6" in call.words.replace(",", "")
    call.key("1")
    assert call.words.startswith("A text is on its way.")
    texts = Texts(british, clock, "+447400123456")
    (body,) = texts.come()
    assert body.startswith("Approved.")
    (consent,) = rows("text_consents")
    assert consent["call_sid"] == call.sid
    assert consent["caller"] == pseudonym("+447400123456", british.secrets.pepper)


@pytest.mark.parametrize("number", ["09098790000", "02079460958", "0014155550123", "08001111", "123"])
def test_only_a_mobile_of_the_lines_own_country_may_be_keyed(ring, door_of, british, groups, rows, number):
    call = activated(ring, door_of(british), groups, LANDLINE)
    at_menu(call, "9")
    call.key(number)
    assert call.words.startswith("That is no mobile number of this country.")
    call.key(number)
    call.key(number)
    assert call.words.startswith("That was the last block."), "the call goes on"
    assert rows("outbox") == []


def test_silence_where_a_mobile_number_was_asked_for_goes_back_to_the_blocks(ring, door_of, british, groups):
    call = activated(ring, door_of(british), groups, LANDLINE)
    at_menu(call, "9")
    call.silence()
    assert call.words.startswith("That was the last block.")


def test_a_no_to_the_number_read_back_keys_it_again(ring, door_of, british, groups, rows):
    call = activated(ring, door_of(british), groups, LANDLINE)
    at_menu(call, "9")
    call.key("07400123456")
    call.key("2")
    assert call.words == "Key the mobile number, with its area code, then press pound."
    assert rows("outbox") == []


def test_a_withheld_caller_may_key_a_mobile_number_too(ring, door_of, british, clock, groups):
    call = activated(ring, door_of(british), groups, "anonymous")
    at_menu(call, "9")
    call.key("07400123456")
    call.key("1")
    assert len(Texts(british, clock, "+447400123456").come()) == 1


def test_a_case_takes_one_keyed_number_and_no_second(ring, door_of, british, mak, installation, rows):
    groups = split(encode(installation(1, mak.key.serial)))
    first = activated(ring, door_of(british), groups, LANDLINE)
    at_menu(first, "9")
    first.key("07400123456")
    first.key("1")
    first.status("completed")
    second = ring(LANDLINE, at=door_of(british))
    second.key(rows("cases")[0]["number"])
    at_menu(second, "9")
    second.key("07400123457")
    second.key("1")
    assert second.words.startswith("No text can be sent to that number.")
    assert len(rows("outbox")) == 1
    assert len(rows("text_consents")) == 1


def test_a_text_asked_for_in_a_turn_that_is_delivered_twice_is_written_once(ring, door_of, texting, groups, rows):
    call = activated(ring, door_of(texting), groups)
    path = call.actions[-1]
    call.post(path, Digits="9")
    first = call.heard
    call.post(path, Digits="9")
    assert call.heard == first
    assert len(rows("outbox")) == 1
