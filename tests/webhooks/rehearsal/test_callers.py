"""Callers: what they understand, what they key, and how a call with them ends."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from webhooks.rehearsal.caller import Press, Reaction, Stretch
from webhooks.rehearsal.dialling import Outcome
from webhooks.rehearsal.fetching import Twice
from webhooks.rehearsal.hearing import Notepad, asked_group, blocks, case_number, opens, refusal, yes_key
from webhooks.rehearsal.keyboard import PROMPT_AGAIN, KeyboardCaller
from webhooks.rehearsal.scripted import READ_BACK, Mood, ScriptedCaller

from .conftest import BLOCKS, IID

CID = " ".join(BLOCKS)


def call(ring, activation, mood=Mood(), **terms):  # noqa: B008 - a Mood is frozen
    return ring(activation.app().answers, caller=ScriptedCaller(activation.groups, mood), **terms)


@pytest.mark.parametrize(
    ("words", "group"),
    [
        ("Welcome. Key the first group of your installation ID.", 1),
        ("Group 2.", 2),
        ("Group 3 is right. Group 4.", 4),
        ("That was not right. Group four again, please.", 4),
        ("Your ID has nine groups of six.", None),
        ("Group 2 is right. The first group again.", 1),
        ("Group 12.", None),
        ("One moment, please.", None),
    ],
)
def test_the_last_group_named_is_the_one_asked_for(words, group):
    assert asked_group(words) == group


def test_a_caller_who_hears_of_the_installation_id_begins_with_group_one_but_only_at_first():
    caller = ScriptedCaller(IID)
    opening = Stretch("Key your installation ID.", 0, 1, listening=True)
    assert "".join(press.key for press in caller.react(opening).presses) == IID[0]
    assert caller.react(Stretch("We check your installation ID.", 9, 1, listening=True)).presses == ()


def test_a_caller_who_is_given_a_case_number_writes_it_down_and_hangs_up():
    menu = Stretch("Your case number is 9 1 2 3. To try group 2 again, press 2.", 0, 6.0, listening=True)
    assert ScriptedCaller(IID).react(menu).hang_up_after == 6.0


def test_only_spaced_digits_with_letter_and_word_are_a_block():
    assert blocks("B, Bravo. 1 2 3 4 5 6. C, Charlie: 9 9 9, 0 0 0") == {"B": "123456", "C": "999000"}
    assert blocks("B, Bravo. 123456") == {}
    assert blocks("B, Bravo. 1 2 3 4 5") == {}
    assert blocks("B, Bravo. 1 2 3 4 5 6 7") == {}
    assert blocks("Bravo. 1 2 3 4 5 6") == {}


def test_a_case_number_is_heard_digit_by_digit():
    assert case_number("We made a case. The case number is: 1 2 3 4, 5 6.") == "123456"
    assert case_number("Key your case number now.") is None


def test_five_blocks_are_whole_only_once_the_line_moves_on_or_has_said_so():
    read_out = "A, Alpha. 1 1 1 1 1 1. B, Bravo. 2 2 2 2 2 2. C, Charlie. 3 3 3 3 3 3. D, Delta. 4 4 4 4 4 4. "
    read_out += "E, Echo. 5 5 5 5 5 5."
    pad = Notepad()
    pad.write(read_out)
    assert pad.confirmation_id is None
    pad.write("To hear it again, press star.")
    assert pad.confirmation_id == "111111 222222 333333 444444 555555"
    told = Notepad()
    told.write("It has five blocks. " + read_out)
    assert told.confirmation_id is not None


def test_a_gap_or_two_readings_of_a_block_are_no_confirmation_id():
    pad = Notepad()
    pad.write(" ".join(f"{letter}, {word}. 1 2 3 4 5 6." for letter, word in [("A", "Alpha"), ("C", "Charlie")]))
    pad.write("Goodbye.")
    assert pad.confirmation_id is None
    pad.write("A, Alpha. 6 5 4 3 2 1.")
    assert pad.conflicts == [("A", "123456", "654321")]


FIRST_GROUP = {"group.unknown_format", "group.first_again", "case.found_empty", "waiting.back_anew"}
WRITTEN = re.compile(r"(text|word|say)\.")
"""Prompts that are texted, or are words that a caller texts or says: nobody hears them."""


CATALOGUES = sorted((Path(__file__).parents[3] / "prompts").glob("*.po"))


def prompts(path: Path) -> dict[str, str]:
    """The prompts of a locale that are spoken, by id, placeholders filled in so that group 4 is the one asked for."""
    facts = {"group": "4", "other": "3", "count": "5", "case_number": "9 1 2 3, 4 5 6, 7 8 0", "hours": "4"}
    with path.open("rb") as file:
        catalogue = read_po(file)
    texts = {entry.context: entry.string for entry in catalogue if entry.context and not WRITTEN.match(entry.context)}
    plain = {name: text if isinstance(text, str) else text[-1] for name, text in texts.items()}
    return {name: re.sub(r"\{(\w+)\}", lambda slot: facts.get(slot[1], ""), text) for name, text in plain.items()}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_this_caller_understands_the_lines_own_prompts_in_every_language(path):
    for name, words in prompts(path).items():
        assert (name, understood(words)) == (name, meant(name, words))


def understood(words):
    return asked_group(words), refusal(words) is not None, case_number(words), yes_key(words)


def meant(name, words):
    """What a caller is to understand of a prompt: the group, whether it refuses, the case number, the key for yes."""
    room, _, rest = name.partition(".")
    group = None
    if room == "opening" or name in FIRST_GROUP:
        group = 1
    elif room == "group" or name in {"case.found", "resume.group", "repair.group", "repair.no", "waiting.back"}:
        group = 4
    stuck = {"ASKED", "TRIES", "SILENT", "NO_KEYS", "WHOLE_ID"}
    number = "9123456780" if "9 1 2 3" in words else None
    key = "1" if name in {"repair.confirm", "number.confirm", "more.confirm"} else None
    return group, room == "reason" and rest not in stuck, number, key


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_this_caller_writes_down_blocks_in_every_language(path):
    said = prompts(path)
    assert opens(said["opening.first"])
    read_out = [said["approved.new"], *(f"{said[f'block.{letter}']} {digits(said, '304957')}" for letter in "ABCDE")]
    pad = Notepad()
    pad.write(" ".join(read_out))
    assert (pad.announced, pad.confirmation_id) == (5, " ".join(["304957"] * 5))


def digits(said, figures):
    """Figures as the locale says them."""
    return " ".join(said.get(f"digit.{figure}", figure) for figure in figures)


def test_a_plain_call_is_activated_with_every_block_written_down(ring, activation):
    record = call(ring, activation).record
    assert (record.outcome, record.confirmation_id) == (Outcome.ACTIVATED, CID)
    assert (record.gathered, record.lost, record.problems, record.troubles) == (IID, "", (), ())


def test_a_wrong_group_is_keyed_wrong_once(ring, activation):
    record = call(ring, activation, Mood(wrong_group=2)).record
    assert record.outcome is Outcome.ACTIVATED
    assert record.gathered == (IID[0], "235567", IID[1], IID[2])


def test_the_express_caller_keys_everything_in_one_run(ring, activation):
    record = call(ring, activation, Mood(express=True)).record
    assert (record.outcome, record.gathered) == (Outcome.ACTIVATED, ("".join(IID),))


def test_silence_for_ever_ends_in_a_case_and_silence_once_does_not(ring, activation):
    record = call(ring, activation, Mood(silent_at=2)).record
    assert (record.outcome, record.case_number) == (Outcome.CASE, "912345")
    assert call(ring, activation, Mood(silent_at=3, silences=1)).record.outcome is Outcome.ACTIVATED


def test_the_caller_hangs_up_at_a_group_or_in_the_read_back(ring, activation):
    at_group = call(ring, activation, Mood(hang_up_at=2)).record
    assert (at_group.outcome, at_group.gathered) == (Outcome.HUNG_UP, IID[:1])
    reading = call(ring, activation, Mood(hang_up_at=READ_BACK)).record
    assert (reading.outcome, reading.blocks) == (Outcome.HUNG_UP, {"A": BLOCKS[0]})


def test_a_caller_who_wants_a_person_keys_zero_at_once(ring, activation):
    record = call(ring, activation, Mood(person=True)).record
    assert (record.outcome, record.gathered) == (Outcome.CASE, ("0",))


def test_a_refusal_is_told_apart_from_a_caller_who_is_stuck(ring):
    case = "Your case number is 9 1 2 3, 4 5 6."
    no = ring(f"<Say>All activations of this product key are used. {case}</Say>").record
    assert (no.outcome, no.refusal) == (Outcome.REFUSED, "All activations of this product key are used.")
    assert ring(f"<Say>This is not working over the keypad. {case}</Say>").record.outcome is Outcome.CASE
    assert ring("<Say>Sorry, something is wrong on our side.</Say>").record.outcome is Outcome.NO_ANSWER


def test_the_hash_saves_the_wait_for_the_timer(ring, activation):
    slow, quick = call(ring, activation).record, call(ring, activation, Mood(finish_key="#")).record
    assert quick.seconds < slow.seconds - 5


def test_a_line_that_counts_deliveries_instead_of_turns_is_found_out(ring, activation):
    record = call(ring, activation, twice=Twice.IN_TURN).record
    assert record.outcome is not Outcome.ACTIVATED
    assert record.differences


def test_a_last_block_cut_off_is_not_written_down(ring):
    says = "".join(f"<Say>{w}</Say>" for w in ["A, Alpha. 1 2 3 4 5 6", "B, Bravo. 1 2 3 4 5 6"])
    record = ring(f"<Gather action='/t' numDigits='1'>{says}</Gather>", [""], caller=None).record
    assert set(record.blocks) == {"A", "B"}
    cut = ring({"/voice/incoming": f"<Gather action='/t' numDigits='1'>{says}</Gather>", "/t": "<Hangup/>"},
               caller=CutsIn(3.0)).record  # fmt: skip
    assert set(cut.blocks) == {"A"}


class CutsIn:
    def __init__(self, after):
        self.after = after

    def react(self, _stretch):
        return Reaction((Press("*", self.after),))

    def heard(self, words):
        pass


def test_the_keyboard_caller_is_asked_only_while_the_telephone_listens():
    prompts = []

    def read(prompt):
        prompts.append(prompt)
        return ["oops", "12"][len(prompts) - 1]

    caller = KeyboardCaller(read)
    assert caller.react(Stretch("Just listen.", 0, 1, listening=False)).presses == ()
    assert "".join(press.key for press in caller.react(Stretch("Key.", 0, 1, listening=True)).presses) == "12"
    assert prompts[1:] == [PROMPT_AGAIN]
