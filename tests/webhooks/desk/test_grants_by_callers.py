"""A caller and a texter ask for more activations; a person decides, word of it goes back, the case is finished."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr import askers, cases, guesses
from ivr.desk_entries import Kind
from ivr.guesses import Guesser
from ivr.hours import DeskHours
from ivr.lines import Lines
from ivr.operators import Role
from keys import ledger
from keys.groups import split
from keys.installation_id import encode
from tests.conftest import NOW
from webhooks.desk.app import create_desk

from .conftest import Desktop

CALLER = "+14155550123"
ASKED = "Your request is with our people."
WRONG = "That does not fit this product key."


@pytest.fixture
def used_up(issue_key, installation):
    """The groups of a machine whose key has nothing left."""
    return split(encode(installation(1, issue_key(granted=0).key.serial)))


@pytest.fixture
def chief(desk_client):
    return desk_client(Role.SUPERVISOR, name="Mira Holt", grant_limit=50)


@pytest.fixture
def texting_door(texting, door_of):
    """The line as callers reach it, which sends texts."""
    return door_of(texting)


def refused(call, groups):
    assert "press 5" in call.key("".join(groups)).words
    return call.key("5")


def wish(call, amount="50", agreement="671"):
    return call.key(agreement).key(amount).key("1").key("1")


def asked_by_phone(ring, groups, *, at, caller=CALLER):
    call = wish(refused(ring(caller, at=at), groups))
    assert "To have the answer as a text at this number, press 1." in call.words
    assert ASKED in call.key("1").words
    assert call.over
    return call


def decided(chief, rows, decision="approve"):
    (request,) = [row for row in rows("grant_requests") if row["state"] == "asked"]
    chief.post(f"/desk/grants/{request['id']}/decide", decision=decision, reason="")
    return chief.get("/desk/grants").text


def test_what_a_caller_asked_for_is_seen_approved_texted_and_the_next_call_finishes_the_case(
    ring, texting_door, texts, used_up, chief, rows, entries, database
):
    asked_by_phone(ring, used_up, at=texting_door)
    page = chief.get("/desk/grants").text
    (case,) = rows("cases")
    for shown in ("a caller, by telephone", ">50</td>", "new machines", "NS-1", case["number"]):
        assert shown in page
    assert "They are told by text." in decided(chief, rows)
    (word_back,) = texts.come()
    given = "Nordstern activation line: 50 more activations were given."
    assert word_back == f"{given} To go on, text your case number {case['number']} here, or call and key it."
    again = ring("+14155550199", at=texting_door).key(case["number"])
    assert "Approved" in again.words
    assert [row["state"] for row in rows("cases")] == ["activated"]
    with database.read() as connection:
        assert ledger.recount(connection) == ()
    kinds = [(entry.kind, entry.name) for entry in entries() if entry.kind in {Kind.GRANT_ASKED, Kind.GRANT_DECIDED}]
    assert kinds == [(Kind.GRANT_ASKED, "a caller"), (Kind.GRANT_DECIDED, "Mira Holt")]


def test_a_text_asks_in_one_go_and_the_case_number_brings_the_blocks(texts, used_up, chief, rows):
    texts.send(" ".join(used_up))
    (answer,) = texts.send("More 50 ns-1 for the new office")
    number = rows("cases")[0]["number"]
    assert answer == (
        f"You asked for 50 more. A person decides, and the answer comes here. Your case number is {number}."
    )
    page = chief.get("/desk/grants").text
    assert "a caller, by text" in page
    assert "for the new office" in page
    decided(chief, rows)
    (answer,) = texts.come()
    assert "50 more activations were given" in answer
    (answer,) = texts.send(number)
    assert "\nA " in answer, "the blocks"
    assert "for the new office" not in str(rows("entries") + rows("desk_entries")), "a caller's words are kept apart"


def test_a_text_is_asked_for_what_is_missing_alone(texts, used_up, rows):
    (answer,) = texts.send("MORE")
    assert answer.startswith("First text the installation ID")
    texts.send(" ".join(used_up))
    (answer,) = texts.send("MORE")
    assert answer.startswith("How many more, for which agreement, and why?")
    assert texts.send("20") == ["Reply with your agreement number."]
    assert texts.send("NS-1") == ["Why do you need more? Reply in a few words."]
    (answer,) = texts.send("Ten machines for each hall")
    assert answer.startswith("You asked for 20 more.")
    (request,) = rows("grant_requests")
    assert (request["amount"], request["channel"], request["reason"]) == (20, "text", "asked for by text")
    assert rows("grant_askers")[0]["words"] == "Ten machines for each hall"
    assert texts.send("MORE 5 NS-1 again")[0].startswith("More were asked for already")
    assert len(rows("grant_requests")) == 1


def test_whoever_wanted_a_person_first_may_ask_for_more_all_the_same(texts, used_up, rows):
    texts.send(" ".join(used_up))
    texts.send("AGENT")
    assert texts.send("MORE 5 NS-1 spare")[0].startswith("You asked for 5 more.")
    assert len(rows("grant_requests")) == 1


def test_a_case_that_an_operator_changed_meanwhile_asks_for_nothing_and_breaks_no_call(
    ring, texting_door, used_up, rows, database
):
    call = wish(refused(ring(CALLER, at=texting_door), used_up))
    with database.begin() as connection:
        cases.keep_groups(connection, rows("cases")[0]["id"], 1, (*used_up[:3], "", *used_up[4:]), NOW)
    assert "Your case number is" in call.key("1").words
    assert rows("grant_requests") == []


def test_a_no_is_told_as_well_and_spends_nothing(texts, used_up, chief, rows):
    texts.send(" ".join(used_up))
    texts.send("MORE 5 NS-1 spare")
    decided(chief, rows, "decline")
    (answer,) = texts.come()
    assert "the 5 more activations you asked for were not given" in answer
    assert [row["granted"] for row in rows("allowances")] == [0]


def test_a_withheld_caller_is_called_or_texted_at_the_number_that_was_keyed(ring, texting_door, used_up, chief, rows):
    call = wish(refused(ring("anonymous", at=texting_door), used_up))
    assert "Your number is withheld." in call.words
    call.key("4155550188").key("1")
    assert ASKED in call.words
    assert "They are told by text." in decided(chief, rows)
    (asker,), (text,) = rows("grant_askers"), rows("outbox")
    assert text["caller"] == asker["caller"] != ""
    assert text["state"] == "queued"


def test_where_the_line_sends_no_texts_the_answer_is_a_call_that_is_owed(ring, used_up, chief, rows):
    call = wish(refused(ring(CALLER), used_up))
    assert "An operator will call you with the answer." in call.words
    assert "it stands among the call-backs" in decided(chief, rows)
    (owed,) = rows("call_backs")
    assert (owed["case_id"], owed["done_at"]) == (rows("cases")[0]["id"], None)
    assert rows("outbox") == []


def test_whoever_said_stop_is_not_texted_but_called(texts, used_up, chief, rows):
    texts.send(" ".join(used_up))
    texts.send("MORE 5 NS-1 spare")
    texts.send("STOP")
    assert "this caller does not want texts. A call-back is owed instead." in decided(chief, rows)
    assert texts.come() == []
    assert len(rows("call_backs")) == 1


def test_at_night_the_answer_waits_for_the_morning_and_keeps_no_other_text_back(
    texts, used_up, desk, clock, add_operator, rows, mak, installation
):
    line = replace(desk.lines.all[0], desk=DeskHours(ZoneInfo("America/Los_Angeles"), {}, frozenset()))
    add_operator("Mira Holt", Role.SUPERVISOR, grant_limit=50)
    chief = Desktop(create_desk(replace(desk, lines=Lines((line,)))))
    texts.send(" ".join(used_up))
    texts.send("MORE 5 NS-1 spare")
    clock.now = clock.now.replace(hour=6)  # 22 or 23 o'clock there
    chief.log_in("Mira Holt")
    decided(chief, rows)
    assert texts.come() == []
    texts.send("NEW")
    (answer,) = texts.send(encode(installation(1, mak.key.serial)))
    assert answer.startswith("Approved.")
    clock.sleep(timedelta(hours=11).total_seconds())
    assert "5 more activations were given" in texts.come()[0]


def test_wrong_agreements_are_throttled_like_guesses_and_told_no_more_than_that(texts, used_up, rows):
    texts.send(" ".join(used_up))
    answers = [texts.send(f"MORE 5 {number} why") for number in ("NS-2", "ANOTHER-7", "12345", "1", "NS")]
    assert {each[0].partition(".")[0] + "." for each in answers} == {WRONG}
    assert texts.send("MORE 5 NS-1 why") == answers[0], "who has guessed too often is not told that it is right"
    assert [row["kind"] for row in rows("guesses")] == ["agreement"] * 6
    assert {(row["product"], row["serial"]) for row in rows("guesses")} == {(None, None)}, "no key is flagged by it"
    assert rows("grant_requests") == []


def test_a_caller_who_keys_a_wrong_agreement_hears_the_same_and_it_counts(ring, texting_door, used_up, rows):
    call = refused(ring(CALLER, at=texting_door), used_up)
    for _ in range(2):
        assert WRONG in call.key("672").words
    assert "Nothing was asked for." in call.key("672").words
    assert "press 5" not in call.words
    assert len(rows("guesses")) == 3
    call = refused(ring(CALLER, at=texting_door), used_up)
    assert "How many more" in call.key("671").words, "four wrong tries are free"


def test_nobody_asks_more_often_than_may_be_nor_for_one_key(
    texting, clock, used_up, monkeypatch, issue_key, installation
):
    from tests.webhooks.conftest import Texts

    monkeypatch.setattr(askers, "MOST_OF_KEY", 4)
    several = [split(encode(installation(1, issue_key(granted=0).key.serial))) for _ in range(4)]
    one = Texts(texting, clock)
    answers = []
    for groups in several:
        one.send("NEW")
        one.send(" ".join(groups))
        answers += one.send("MORE 5 NS-1 spare")
    assert [answer.startswith("You asked for 5 more.") for answer in answers] == [True, True, True, False]
    assert answers[-1] == "Too many requests were made of late. Please try again tomorrow."
    for number in range(5):
        other = Texts(texting, clock, f"+1415555020{number}")
        other.send(" ".join(split(encode(installation(1, decode_serial(used_up), nonce=number)))))
        (answer,) = other.send("MORE 5 NS-1 spare")
        assert answer.startswith("You asked for 5 more.") == (number < 4)
    clock.sleep(timedelta(days=1).total_seconds())
    one.send("NEW")
    one.send(" ".join(several[3]))
    assert one.send("MORE 5 NS-1 spare")[0].startswith("You asked for 5 more.")


def decode_serial(groups):
    from keys.installation_id import decode

    return decode("".join(groups)).serial


def test_a_request_can_be_decided_after_its_asker_was_forgotten(texts, used_up, chief, rows, database, secrets):
    from ivr import personal
    from ivr.callers import pseudonym

    texts.send(" ".join(used_up))
    texts.send("MORE 5 NS-1 spare")
    who = pseudonym(texts.number, secrets.pepper)
    with database.begin() as connection:
        assert "grant_askers" in personal.export(connection, who, secrets.number_key)
        personal.erase(connection, who)
    assert rows("grant_askers") == []
    decided(chief, rows)
    assert [row["state"] for row in rows("grant_requests")] == ["approved"]
    assert rows("outbox") == []


def test_a_guess_at_an_agreement_costs_the_caller_the_same_throttle(database, clock, texts, used_up, secrets):
    from ivr.callers import pseudonym

    texts.send(" ".join(used_up))
    for _ in range(5):
        texts.send("MORE 5 WRONG-1 why")
    with database.read() as connection:
        guesser = Guesser(pseudonym(texts.number, secrets.pepper), None, "SM1")
        assert guesses.hindrance(connection, guesser, clock.now).own
