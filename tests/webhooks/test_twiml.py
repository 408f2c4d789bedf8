"""Every document the line can speak is one that the provider accepts, whatever stands in names and numbers."""

import string
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.actions import HangUp, Listen, ReadBack, say
from ivr.answer import Answer
from ivr.lines import Line
from ivr.states import QUICKEST, SLOWEST
from tests.conftest import CATALOGUES
from webhooks.rehearsal.hearing import blocks as heard_blocks
from webhooks.rehearsal.reading import read
from webhooks.rehearsal.twiml import check_document
from webhooks.twiml import Wording, farewell, fault, render

LINE = Line("+15550100", "Nordstern activation line", "US", "en-US", 24)
EIGHT = ("112233", "000000", "999999", "123456", "654321", "101010", "987654", "314159")
PUBLIC = ["https://line.example", "http://127.0.0.1:8080", "https://line.example/a&b/line"]
FACTS = {"group": 3, "other": 4, "count": 5, "digits": 54, "hours": 24}
ALWAYS = {"line_name", "hours", "case_number", "held_number"}


def answer(spoken, blocks=EIGHT, held="+14155550123"):
    return Answer(3, spoken, "9123456785", held, blocks)


def named(locale, prompt):
    """The facts that a prompt asks for beside those that every answer has."""
    words = CATALOGUES[locale].text(prompt, 2)
    return {name for _, name, _, _ in string.Formatter().parse(words) if name} - ALWAYS


def text(document):
    return " ".join(" ".join(ET.fromstring(document).itertext()).split())


@pytest.mark.parametrize("locale", sorted(CATALOGUES))
@pytest.mark.parametrize("public", PUBLIC)
def test_every_prompt_can_be_spoken_in_every_kind_of_document(locale, public):
    line = Line(LINE.number, LINE.name, LINE.country, locale, 1)
    for prompt in CATALOGUES[locale].prompts:
        spoken = (say(prompt, **{name: FACTS.get(name, 2) for name in named(locale, prompt)}),)
        for one in (
            Listen(spoken, 6, "#", 8, 4),
            Listen(spoken, None, "#", 16, 8),
            Listen(spoken, 1, "", 6, 1, speech=True),
            ReadBack(spoken, 1, 8),
            HangUp(spoken),
        ):
            document = render(Wording(public, CATALOGUES), line, answer(one))
            assert (prompt, check_document(document)) == (prompt, [])
            assert "{" not in text(document), prompt


@pytest.mark.parametrize("locale", sorted(CATALOGUES))
def test_words_are_listened_for_in_the_language_of_the_line_with_its_own_words_as_hints(locale):
    line = Line(LINE.number, LINE.name, LINE.country, locale, 1)
    document = ET.fromstring(render(Wording(PUBLIC[0], CATALOGUES), line, answer(Listen((), 1, "", 6, 1, speech=True))))
    gather = document.find("Gather")
    assert (gather.get("input"), gather.get("language")) == ("dtmf speech", CATALOGUES[locale].hears)
    assert set(CATALOGUES[locale].text("say.yes", None).split(", ")) <= set(gather.get("hints").split(","))


def test_the_menu_after_the_blocks_alone_is_listened_to_and_waits_longer_for_a_patient_caller():
    document = render(Wording(PUBLIC[0], CATALOGUES), LINE, answer(ReadBack((), 1, 8, speech=True, patient=True)))
    *blocks, menu = ET.fromstring(document).findall("Gather")
    assert (menu.get("input"), menu.get("timeout")) == ("dtmf speech", "12")
    assert {block.get("input") for block in blocks} == {None}
    assert check_document(document) == []


@pytest.mark.parametrize("blocks", [EIGHT, EIGHT[:5]], ids=len)
@pytest.mark.parametrize("pace", range(QUICKEST, SLOWEST + 1))
@pytest.mark.parametrize("public", PUBLIC)
def test_every_read_back_is_sound_and_says_the_blocks_that_are_left(blocks, pace, public):
    for first in range(1, len(blocks) + 2):
        spoken = ReadBack((say("approved.new", count=len(blocks)),), first, len(blocks), pace)
        document = render(Wording(public, CATALOGUES), LINE, answer(spoken, blocks))
        assert check_document(document) == []
        letters = "ABCDEFGH"[first - 1 : len(blocks)]
        assert dict(heard_blocks(text(document))) == dict(zip(letters, blocks[first - 1 :], strict=True))


@pytest.mark.parametrize("pace", range(QUICKEST, SLOWEST + 1))
def test_a_key_in_the_read_back_tells_which_block_was_being_read(pace):
    document = render(Wording(PUBLIC[0], CATALOGUES), LINE, answer(ReadBack((), 3, 8, pace)))
    gathers = ET.fromstring(document).findall("Gather")
    assert [gather.get("action").partition("#")[0] for gather in gathers] == [
        f"https://line.example/voice/turn/3?at={block}" for block in range(3, 10)
    ]
    assert {gather.get("numDigits") for gather in gathers} == {"1"}
    assert {gather.get("finishOnKey") for gather in gathers} == {""}


def test_a_slower_pace_pauses_longer():
    def pauses(pace):
        document = render(Wording(PUBLIC[0], CATALOGUES), LINE, answer(ReadBack((), 1, 8, pace)))
        return sum(int(mark.get("time").removesuffix("ms")) for mark in ET.fromstring(document).iter("break"))

    paces = [pauses(pace) for pace in range(QUICKEST, SLOWEST + 1)]
    assert paces == sorted(paces)
    assert len(set(paces)) == len(paces)


@pytest.mark.parametrize("public", PUBLIC)
@pytest.mark.parametrize("can_call_back", [True, False])
@pytest.mark.parametrize("hours", [1, 24])
def test_apology_and_farewell_are_sound(public, can_call_back, hours):
    line = Line(LINE.number, LINE.name, LINE.country, LINE.locale, hours)
    wording = Wording(public, CATALOGUES)
    apology = fault(wording, line, can_call_back=can_call_back)
    assert check_document(apology) == []
    assert ("press 1" in text(apology)) is can_call_back
    goodbye = farewell(wording, line, say("fault.noted"))
    assert check_document(goodbye) == []
    assert f"within {hours} hour" in text(goodbye)


@settings(max_examples=200, deadline=None)
@given(
    name=st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=60).filter(str.strip),
    number=st.sampled_from(["+14155550123", "+4930123456", None]),
)
def test_a_name_with_any_sign_is_spoken_as_it_stands(name, number):
    line = Line("+15550100", name, "US", "en-US", 24)
    document = render(
        Wording(PUBLIC[0], CATALOGUES), line, answer(Listen((say("opening.first"),), 60, "#", 8, 4), held=number)
    )
    assert check_document(document) == []
    assert " ".join(name.split()) in text(document)


def test_every_address_asks_for_the_providers_own_retry():
    for spoken in (Listen((), 6, "#", 8, 4), ReadBack((), 1, 8)):
        document = render(Wording(PUBLIC[0], CATALOGUES), LINE, answer(spoken))
        addresses = [gather.get("action") for gather in ET.fromstring(document).findall("Gather")]
        addresses += [redirect.text for redirect in ET.fromstring(document).findall("Redirect")]
        assert all(address.endswith("#ct=2000&rt=4000&rc=1&rp=ct,rt,5xx") for address in addresses)
        assert read(document.encode())


def test_a_number_to_be_called_back_is_said_digit_by_digit():
    document = render(Wording(PUBLIC[0], CATALOGUES), LINE, answer(Listen((say("number.confirm"),), 1, "", 6, 1)))
    assert "1 4 1 5 5 5 5 0 1 2 3" in text(document)
