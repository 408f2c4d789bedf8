"""The body of a text: facts filled in, digits as they stand, and the blocks of a confirmation ID read last."""

from dataclasses import replace

import pytest

from ivr import cases
from ivr.actions import say
from ivr.lines import Line
from ivr.outbox import outbox
from ivr.prompts import UnknownPrompt, parse
from webhooks.text_body import asked, body, lettered, read_facts

PO = b"""
msgid ""
msgstr ""
"Language: en\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgctxt "t.groups"
msgid "Group {groups} is in."
msgid_plural "Groups {groups} are in."
msgstr[0] "Group {groups} is in."
msgstr[1] "Groups {groups} are in."

msgctxt "t.digits"
msgid "Is it {digits}?"
msgstr "Is it {digits}?"

msgctxt "t.block"
msgid "Blocks:\\n{blocks}\\n"
msgstr "Blocks:\\n{blocks}\\n"

msgctxt "t.case"
msgid "Case {case_number} at {line_name}."
msgstr "Case {case_number} at {line_name}."
"""
CATALOGUE = parse(PO, "en-US")
LINE = Line("+15550100", "Nordstern", "US", "en-US", 24, text_sender="+15550100")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((say("t.groups", groups="1", count=1),), "Group 1 is in."),
        (
            (say("t.groups", groups="1-3", count=3), say("t.digits", digits="123456")),
            "Groups 1-3 are in. Is it 123456?",
        ),
        ((say("t.block", blocks="A 1"), say("t.digits", digits="2")), "Blocks:\nA 1\nIs it 2?"),
        ((), ""),
    ],
)
def test_prompts_are_joined_and_their_own_lines_kept(words, text):
    assert body(CATALOGUE, words, {}) == text


def test_a_missing_fact_or_prompt_is_not_papered_over():
    with pytest.raises(KeyError):
        body(CATALOGUE, (say("t.digits"),), {})
    with pytest.raises(UnknownPrompt):
        body(CATALOGUE, (say("t.none"),), {})
    with pytest.raises(UnknownPrompt):
        asked(CATALOGUE, (say("t.none"),))


def test_all_facts_are_named_whichever_plural_is_used():
    assert asked(CATALOGUE, (say("t.groups", groups="1", count=1), say("t.case"))) == {
        "groups",
        "case_number",
        "line_name",
    }


def test_blocks_stand_one_a_line_after_their_letters():
    assert lettered(("000001", "000002")) == "A 000001\nB 000002"


@pytest.mark.parametrize("names", [frozenset({"case_number"}), frozenset({"blocks"})])
def test_a_text_about_a_case_that_has_none_is_a_fault_of_ours(database, secrets, names):
    with database.read() as connection, pytest.raises(LookupError):
        read_facts(connection, secrets, LINE, None, names)


def test_blocks_of_a_case_that_was_not_activated_are_a_fault_of_ours(database, secrets, clock):
    with database.begin() as connection:
        case = cases.open_case(
            connection, line=LINE.number, caller=None, layout=1, groups=(), now=clock.now, below=lambda _: 5
        )
    with database.read() as connection:
        assert read_facts(connection, secrets, LINE, case.id, frozenset({"case_number"}))["case_number"] == case.number
        with pytest.raises(LookupError):
            read_facts(connection, secrets, LINE, case.id, frozenset({"blocks"}))


def test_no_digit_of_a_confirmation_id_is_in_the_outbox(texts, groups, database):
    (answer,) = texts.send("".join(groups))
    blocks = [line[2:] for line in answer.split("\n")[1:]]
    assert len(blocks) == 8
    with database.read() as connection:
        (row,) = connection.execute(outbox.select()).all()
    assert not [block for block in blocks if block in str(tuple(row))]


def test_a_line_s_own_words_need_no_case(database, secrets):
    with database.read() as connection:
        facts = read_facts(connection, secrets, replace(LINE, name="Fairway"), None, frozenset({"line_name", "hours"}))
    assert facts == {"line_name": "Fairway", "hours": 24}
