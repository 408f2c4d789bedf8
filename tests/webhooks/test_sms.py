"""Texts at the door: what is answered, and what one that comes twice, late, wrong or for ever changes."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from ivr.cases import pick_number
from ivr.lines import TextLimits
from keys import ledger
from keys.groups import split
from keys.installation_id import encode
from keys.ledger import confirmation_of
from webhooks.segments import segments

from .conftest import Texts

WORDS = "Approved. Type these blocks into your machine, then confirm there. Keep this text.\n"


def blocks_of(body):
    assert body.startswith(WORDS)
    lines = body.removeprefix(WORDS).split("\n")
    assert [line[0] for line in lines] == list("ABCDEFGH"[: len(lines)])
    return [line[2:] for line in lines]


def available(database, mak):
    with database.read() as connection:
        return ledger.balance(connection, mak.key.id).available


def test_a_whole_id_is_answered_with_the_blocks_in_one_text_of_one_segment(texts, groups, database, mak):
    (answer,) = texts.send("Hello, my ID is " + " ".join(groups) + " thanks")
    blocks = blocks_of(answer)
    assert len(blocks) == 8
    assert segments(answer).encoding == "GSM-7"
    assert segments(answer).count == 1
    assert available(database, mak) == 9


def test_the_blocks_activate_the_machine(texts, groups, database, rows, installation, mak, secrets):
    (answer,) = texts.send("-".join(groups))
    (reservation,) = rows("reservations")
    with database.read() as connection:
        held = ledger.find(connection, reservation["id"])
    right = confirmation_of(held, installation(1, mak.key.serial), secrets)
    assert blocks_of(answer) == list(right)


def test_the_same_id_again_gives_the_same_answer_and_takes_nothing(texts, groups, database, mak):
    (first,) = texts.send("".join(groups))
    (again,) = texts.send("\n".join(groups))
    (status,) = texts.send("status")
    assert first == again == status
    assert available(database, mak) == 9


def test_a_text_that_is_brought_twice_is_answered_once(texts, groups, database, mak, rows):
    answers = texts.send("".join(groups), sid="SM1")
    assert len(answers) == 1
    assert texts.send("".join(groups), sid="SM1") == []
    assert available(database, mak) == 9
    assert len(rows("outbox")) == 1


def test_a_wrong_group_is_told_and_only_it_is_asked_again(texts, groups):
    wrong = [*groups[:3], wrong_digit(groups[3]), *groups[4:]]
    # The slip is found, but two digits off is more than a slip.
    wrong[3] = wrong_digit(wrong[3], 0)
    (answer,) = texts.send(" ".join(wrong))
    assert answer == "Groups 1-3, 5-9 are in. Group 4 is not right: send that group again."
    (answer,) = texts.send(groups[3])
    assert len(blocks_of(answer)) == 8


def test_a_slip_that_only_one_genuine_id_explains_is_offered_for_a_yes(texts, groups, database, mak):
    wrong = [*groups[:3], wrong_digit(groups[3]), *groups[4:]]
    (answer,) = texts.send(" ".join(wrong))
    assert answer == f"Group 4 should be {groups[3]}. If that is right, reply 1. If not, 2."
    assert available(database, mak) == 10
    (answer,) = texts.send("1")
    assert len(blocks_of(answer)) == 8


def test_a_no_to_the_offer_asks_for_the_group_again(texts, groups):
    texts.send(" ".join([*groups[:3], wrong_digit(groups[3]), *groups[4:]]))
    (answer,) = texts.send("2")
    assert answer == "Group 4 is not right: send that group again."
    (answer,) = texts.send("group 4: " + groups[3])
    assert len(blocks_of(answer)) == 8


@pytest.mark.parametrize("seed", range(4))
def test_groups_may_come_one_a_text_in_any_order(texts, groups, seed):
    order = list(range(9))
    random.Random(seed).shuffle(order)
    answers = [texts.send(groups[place]) for place in order]
    assert all(len(answer) == 1 for answer in answers)
    assert len(blocks_of(answers[-1][0])) == 8


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("slipped", [0, 4])
def test_a_slip_in_a_group_sent_alone_is_made_good_by_the_right_groups(texts, groups, slipped, place):
    texts.send(wrong_digit(groups[slipped], place))
    answers = [texts.send(group)[0] for group in groups]
    if not answers[-1].startswith("Approved."):
        answers += texts.send(groups[slipped])
    assert answers[-1].startswith("Approved."), answers


def test_two_halves_that_overtake_each_other_make_one_id(texts, groups):
    (answer,) = texts.send(" ".join(groups[5:]))
    assert "Groups 6-9 are in." in answer
    (answer,) = texts.send(" ".join(groups[:5]))
    assert len(blocks_of(answer)) == 8


def test_another_machine_after_an_activation_is_another_case(texts, groups, installation, mak, database, rows):
    texts.send(" ".join(groups))
    other = split(encode(installation(1, mak.key.serial, nonce=77, fingerprint=(9, 8, 7, 6, 5, 4, 3, 2))))
    (answer,) = texts.send(" ".join(other))
    assert len(blocks_of(answer)) == 8
    assert available(database, mak) == 8
    assert len(rows("cases")) == 2


def test_another_machine_in_the_middle_of_one_is_another_case(texts, groups, installation, mak, database, rows):
    texts.send(" ".join(groups[:4]))
    other = split(encode(installation(1, mak.key.serial, nonce=77, fingerprint=(9, 8, 7, 6, 5, 4, 3, 2))))
    (answer,) = texts.send(" ".join(other))
    assert len(blocks_of(answer)) == 8
    assert available(database, mak) == 9
    assert len(rows("cases")) == 2


def test_an_exhausted_key_is_refused_with_the_case_number_and_a_way_to_a_person(texts, issue_key, installation, rows):
    one = issue_key(granted=1)
    first, second = (encode(installation(1, one.key.serial, nonce=nonce)) for nonce in (1, 2))
    assert blocks_of(texts.send(first)[0])
    (answer,) = texts.send(second)
    number = rows("cases")[-1]["number"]
    assert answer == (
        f"All activations of this product key are used. Your case number is {number}. For a person, reply AGENT. "
        "For more, reply MORE."
    )
    (answer,) = texts.send("Agent")
    assert "An operator will call you back at this number within 24 hours." in answer
    assert [row["state"] for row in rows("cases")] == ["activated", "waiting"]
    assert len(rows("call_backs")) == 1
    texts.send("agent")
    assert len(rows("call_backs")) == 1, "one promise is enough"


def test_instructions_and_status_say_where_it_stands(texts, groups, rows):
    (answer,) = texts.send("?")
    assert answer.startswith("Text the installation ID from your screen")
    assert segments(answer).count == 1
    texts.send(" ".join(groups[:7]))
    (answer,) = texts.send("Status!")
    number = rows("cases")[0]["number"]
    assert answer == (
        f"Groups 1-7 are in. Groups 8, 9 are missing: send them. Your case number is {number}. "
        "For a person, reply AGENT."
    )


def test_new_begins_another_machine_and_keeps_the_first_case(texts, groups, rows):
    texts.send(" ".join(groups[:7]))
    (answer,) = texts.send("NEW")
    assert answer == "Send the installation ID of the machine, all groups of six digits."
    (answer,) = texts.send(" ".join(groups[:2]))
    assert "Groups 1, 2 are in." in answer
    assert len(rows("cases")) == 2


def test_a_case_number_goes_on_with_the_case_on_any_phone(texting, clock, groups, rows):
    first, second = Texts(texting, clock), Texts(texting, clock, "+14155550124")
    first.send(" ".join(groups[:7]))
    number = rows("cases")[0]["number"]
    (answer,) = second.send(f"case {number}")
    assert answer == "Your case is here, and all that came before is kept. Groups 8, 9 are missing: send them."
    (answer,) = second.send(" ".join(groups[7:]))
    assert len(blocks_of(answer)) == 8
    assert len(rows("cases")) == 1


def test_an_unknown_case_number_is_told_and_counts_as_a_guess(texts, rows):
    (answer,) = texts.send(pick_number(lambda below: 31415926 % below))
    assert answer == "No open case has that number."
    assert [row["kind"] for row in rows("guesses")] == ["case"]


def test_a_call_that_was_cut_off_is_gone_on_with_by_text(ring, texting, door_of, clock, groups, rows):
    call = ring(at=door_of(texting))
    for group in groups[:5]:
        call.key(group)
    call.status("completed")
    texts = Texts(texting, clock)
    (answer,) = texts.send(" ".join(groups[5:]))
    assert len(blocks_of(answer)) == 8
    assert len(rows("cases")) == 1


def test_chatter_has_one_helpful_answer_and_then_silence_until_something_is_understood(texts, groups):
    assert len(texts.send("Hi! How are you today?")) == 1
    assert texts.send("Are you there?") == []
    assert texts.send("Thanks for your message. We are closed.") == []
    texts.send(" ".join(groups[:3]))
    (answer,) = texts.send("is that ok?")
    assert answer.startswith("There were no groups of an installation ID in that. Groups 1-3 are in.")
    assert texts.send("hello?") == []


def test_a_machine_that_sends_back_whatever_it_gets_is_soon_answered_no_more(texts, groups):
    sent = [" ".join(groups[:4])]
    rounds = 0
    while sent and rounds < 50:
        rounds += 1
        sent = texts.send(sent[0])
    assert rounds <= 3


def test_our_own_answer_with_the_blocks_sent_back_is_no_new_id(texts, groups, database, mak, rows):
    (answer,) = texts.send(" ".join(groups))
    texts.send(answer)
    texts.send("Thanks! Is this right?\n> " + answer.replace("\n", "\n> "))
    assert available(database, mak) == 9
    assert len(rows("cases")) == 1


def test_stop_is_written_down_and_nothing_is_sent_until_start(texts, groups, database, mak, rows):
    assert texts.send("STOP") == []
    assert texts.send(" ".join(groups)) == []
    assert available(database, mak) == 10, "nothing is spent on an answer that cannot be sent"
    assert texts.send("Start") == []
    assert len(blocks_of(texts.send(" ".join(groups))[0])) == 8
    assert rows("opt_outs")[0]["lifted_at"] is not None


def test_a_stop_word_that_only_the_provider_knows_counts_as_well(texts):
    assert texts.send("basta", OptOutType="STOP") == []
    assert texts.send("?") == []


def test_help_and_info_are_the_providers_to_answer(texts):
    assert texts.send("HELP") == []
    assert texts.send("info") == []


def test_a_text_from_no_telephone_or_to_no_line_of_ours_is_taken_and_left(texts, rows):
    texts.number = "AIRLINE"
    texts.post("123456")
    texts.number = "40404"
    texts.post("123456")
    texts.number = "+14155550123"
    texts.post("123456", To="+15559999")
    assert rows("threads") == []
    assert rows("outbox") == []


def test_a_line_without_a_sender_takes_no_texts(exchange, clock, groups, rows):
    Texts(exchange, clock).post(" ".join(groups))
    assert rows("threads") == []
    assert rows("reservations") == []


def test_over_the_limit_nothing_is_sent_and_nothing_is_spent(texting, clock, groups, database, mak, rows):
    texts = Texts(replace(texting, limits=TextLimits(number=2)), clock)
    assert len(texts.send("?")) == 1
    assert len(texts.send("?")) == 1
    assert texts.send(" ".join(groups)) == []
    assert available(database, mak) == 10
    assert [row["reason"] for row in rows("outbox")] == [None, None, "LIMIT_NUMBER"]
    assert len(blocks_of(texts.send(" ".join(groups), after=timedelta(days=1).total_seconds())[0])) == 8


def test_a_caller_from_a_country_the_line_does_not_send_to_is_not_answered(texting, clock, groups, database, mak, rows):
    texts = Texts(texting, clock, "+447400123456")
    assert texts.send(" ".join(groups)) == []
    assert available(database, mak) == 10
    assert [row["reason"] for row in rows("outbox")] == ["COUNTRY_NOT_ALLOWED"]


def test_wrong_ids_are_slowed_as_in_a_call(texts, installation, mak, rows):
    for nonce in range(6):
        forged = replace(installation(1, mak.key.serial, nonce=nonce), proof=nonce)
        texts.send(encode(forged))
    genuine = encode(installation(1, mak.key.serial))
    (answer,) = texts.send(genuine)
    assert answer.startswith("There were too many wrong tries from this phone.")
    assert len(rows("guesses")) == 5


def test_a_thread_is_forgotten_after_a_week(texts, groups):
    texts.send(" ".join(groups[:4]))
    (answer,) = texts.send(" ".join(groups[4:]), after=timedelta(days=8).total_seconds())
    assert "Groups 5-9 are in." in answer


def test_an_unsigned_text_is_refused(door_of, texting, rows):
    answer = door_of(texting).knock("/sms/incoming", {"Body": "?", "MessageSid": "SM1"}, signed=False)
    assert answer.status_code == 403
    assert rows("threads") == []


def wrong_digit(group, place=2):
    return group[:place] + str((int(group[place]) + 1) % 10) + group[place + 1 :]
