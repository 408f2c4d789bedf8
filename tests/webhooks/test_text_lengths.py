"""What a text costs: the confirmation ID is one text, and nothing that the line says by text is more than two."""

import random

import pytest

from ivr.actions import AskForMore, Enqueue, FindCase, ReadWish, Reply, Reserve, say
from ivr.agreed import Fit, Wanted
from ivr.events import (
    Approved,
    Asked,
    CaseFound,
    CaseUnknown,
    DeskClosed,
    NotAsked,
    Queued,
    Refused,
    Weighed,
    WishImpossible,
    WishRead,
)
from ivr.lines import Line
from ivr.message import Word, read
from ivr.texting import Texted, step
from keys.formats import FORMATS
from keys.groups import split
from keys.installation_id import InstallationID, encode
from keys.refusals import Refusal
from tests.conftest import CATALOGUES
from webhooks.segments import segments
from webhooks.text_body import body, lettered

LOCALES = sorted(CATALOGUES)
LINE = Line("+15550100", "Nordstern activation line", "US", "en-US", 168)
STANDARD = split(encode(InstallationID(1, 1, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 12345)))
COMPACT = split(encode(InstallationID(3, 3, 41, (1, 2, 3, 4, 5, 6, 7), 9, 12345)))
WORDS = {"?": Word.INSTRUCTIONS, "status": Word.STATUS, "new": Word.NEW, "agent": Word.AGENT, "more": Word.MORE}
LANGUAGE = {"language": Word.LANGUAGES}


def written(locale, words, blocks=8):
    """A text as it is sent, its facts as long as they get."""
    facts = {
        "line_name": LINE.name,
        "line_number": LINE.number,
        "hours": LINE.call_back_hours,
        "case_number": "9123456785",
        "blocks": lettered(["123456"] * blocks),
    }
    return body(CATALOGUES[locale], words, facts)


def every_reply():
    """The words of every reply of many threads, each of a texter who does a few things over and over."""
    chance, found = random.Random(20261125), set()
    slipped = ["1" + group[1:] if group[0] != "1" else "2" + group[1:] for group in STANDARD]
    whole = [" ".join(STANDARD), " ".join([*STANDARD[:4], slipped[4], *STANDARD[5:]])]
    some = [" ".join(STANDARD[::2]), " ".join(slipped[1::2]), "12345", "hello", "1", "2", "9123456785"]
    messages = [read("language", LANGUAGE), read("english", {}, {"english": "en-US"})]
    messages += [read(text, WORDS) for text in (*STANDARD, *COMPACT, *slipped, *whole, *some, *WORDS)]
    for _ in range(600):
        habits, state = chance.sample(messages, chance.choice([2, 4, 8])), None
        for _ in range(8):
            event = Texted(chance.choice(habits), chance.choice([("en-US",), ("en-US", "en-US")]))
            while event is not None:
                state, actions = step(state, event)
                found |= {action.words for action in actions if isinstance(action, Reply)}
                event = next((answer for action in actions if (answer := answered(chance, action)) is not None), None)
    return found


def answered(chance, action):
    if isinstance(action, Reserve):
        return chance.choice([Approved(8, False), Refused(chance.choice(list(Refusal)))])
    if isinstance(action, Enqueue):
        return chance.choice([Queued(1, 4), DeskClosed()])
    if isinstance(action, FindCase):
        return chance.choice([CaseUnknown(), CaseFound(1, (*STANDARD[:3], "", *STANDARD[4:])), CaseFound(None, ())])
    if isinstance(action, ReadWish):
        wanted = [Wanted(amount, fit, "why") for amount in (None, 1_000_000) for fit in Fit]
        return chance.choice([*map(WishRead, (*wanted, Wanted(5, Fit.RIGHT))), WishImpossible()])
    if isinstance(action, AskForMore):
        return chance.choice(
            [Asked(by_text=True), Asked(by_text=False), NotAsked(already=True), NotAsked(already=False)]
        )
    return Weighed(chance.choice([(), (0,)])) if type(action).__name__ == "Weigh" else None


@pytest.fixture(scope="module")
def replies():
    return every_reply() | {
        (say("text.case_from_call"),),
        (say("text.on_call", count=120),),
        (say("text.alarm", product=16_383),),
        (say("text.more_given", count=1_000_000),),
        (say("text.more_declined", count=1_000_000),),
    }


def test_the_replies_looked_at_hold_every_prompt_that_can_be_texted(replies):
    told = {word.prompt for words in replies for word in words}
    assert told >= {prompt for prompt in CATALOGUES["en-US"].prompts if prompt.startswith("text.")}
    assert told >= {f"reason.{refusal}" for refusal in Refusal}


@pytest.mark.parametrize("blocks", sorted({layout.blocks for layout in FORMATS.values()} | {5, 8}))
def test_the_confirmation_id_is_one_text_in_the_small_alphabet_in_english(blocks):
    told = segments(written("en-US", (say("text.approved"),), blocks))
    assert (told.encoding, told.count) == ("GSM-7", 1)


@pytest.mark.parametrize("locale", LOCALES)
def test_nothing_that_is_texted_costs_more_than_two(locale, replies):
    dear = [told for words in replies if segments(told := written(locale, words)).count > 2]
    assert not dear


def test_instructions_are_one_text_in_english():
    assert segments(written("en-US", (say("text.instructions"),))).count == 1
