"""Another language in the middle of a call: whatever was keyed stays, and the call is where it was."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.actions import HangUp, KeepLanguage, Listen, Say, Wait
from ivr.choosing import TRIES
from ivr.dialogue import TURN_CEILING, step
from ivr.events import CallStarted, Keyed, Silence, StillWaiting
from ivr.form import Form, Reason
from ivr.languages import MOST, by_country, greeting
from ivr.states import (
    AskingAmount,
    AskingCase,
    AskingGroup,
    AskingHow,
    AskingMobile,
    AskingNumber,
    AskingToldAt,
    AskingWhy,
    ChoosingLanguage,
    ConfirmingAmount,
    ConfirmingGroup,
    ConfirmingMobile,
    ConfirmingNumber,
    ConfirmingToldAt,
    Ended,
    Opening,
    ReadingBack,
    Waiting,
    WayOn,
)
from ivr.transitions import TRANSITIONS
from ivr.waiting import MOST_WAITED
from ivr.written import read_state, write
from keys.groups import split
from keys.installation_id import InstallationID, encode
from keys.repair import Candidate

SPOKEN = ("en-US", "de", "fr", "ar")
STANDARD = split(encode(InstallationID(1, 1, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 12345)))
FORM = Form(format=1, groups=(*STANDARD[:4], *[""] * 5), locale="en-US", languages=SPOKEN, ever_keyed=True)
READ = ReadingBack(FORM, 8)
STATES = [
    Opening(replace(FORM, format=None, groups=())),
    AskingGroup(FORM, 5),
    AskingCase(FORM),
    ConfirmingGroup(FORM, Candidate(STANDARD, (5,))),
    WayOn(FORM, Reason.TRIES),
    AskingNumber(FORM, Reason.TRIES),
    ConfirmingNumber(FORM, Reason.TRIES),
    AskingMobile(FORM, READ, ""),
    AskingMobile(FORM, None, Reason.TRIES),
    ConfirmingMobile(FORM, READ, ""),
    ConfirmingAmount(FORM, 40),
    AskingWhy(FORM, 40),
    AskingHow(FORM, 40, "new machines"),
    AskingToldAt(FORM, 40, "new machines"),
    ConfirmingToldAt(FORM, 40, "new machines"),
    Waiting(replace(FORM, in_queue=True), Reason.ASKED, 3),
]
OF_THE_CALL = {"locale": "", "turns": 0, "strays": 0, "waited": 0, "ever_keyed": True, "patient": False}


def ask(state):
    event = StillWaiting("8", 3, 4, claimed=False) if isinstance(state, Waiting) else Keyed("8", 9.0)
    return step(state, event, country="US")


def said(actions):
    return [prompt for action in actions if isinstance(action, Listen | Wait | HangUp) for prompt in action.prompts]


def like(state):
    """A state without what every turn changes, and without the place in the queue, which the next round tells."""
    state = replace(state, form=replace(state.form, **OF_THE_CALL))
    return replace(state, place=0) if isinstance(state, Waiting) else state


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_wherever_the_language_is_changed_the_call_is_where_it_was_and_speaks_the_new_one(state):
    menu, actions = ask(state)
    assert isinstance(menu, ChoosingLanguage)
    assert [(prompt.prompt, prompt.locale) for prompt in said(actions)] == [
        ("language.offer", locale) for locale in SPOKEN[1:]
    ]
    after, actions = step(read_state(write(menu)), Keyed("3", 9.0), country="US")
    assert KeepLanguage("ar") in actions
    assert after.form.locale == "ar"
    assert said(actions)[0] == Say("language.chosen")
    assert like(after) == like(state)


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_silence_or_keys_without_a_language_go_on_in_the_one_spoken_before(state):
    for keys in ([""], ["7"] * TRIES, ["*"] * TRIES):
        at, actions = ask(state)
        for key in keys:
            assert isinstance(at, ChoosingLanguage)
            at, actions = step(at, Keyed(key, 9.0) if key else Silence(9.0), country="US")
        assert like(at) == like(state)
        assert at.form.locale == "en-US"
        assert not any(isinstance(action, KeepLanguage) for action in actions)


def test_every_way_into_the_menu_of_languages_and_back_is_looked_at_here():
    looked_at = {type(state) for state in STATES}
    assert looked_at == {before for before, _, after in TRANSITIONS if after is ChoosingLanguage} - {ChoosingLanguage}


def test_a_key_that_comes_too_soon_chooses_nothing():
    menu, _ = ask(STATES[4])
    after, _ = step(menu, Keyed("1", 0.4), country="US")
    assert isinstance(after, ChoosingLanguage)
    assert after.form.locale == "en-US"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(STATES), st.lists(st.sampled_from(["8", "1", "2", "3", "*", "5", ""]), max_size=120))
def test_whoever_changes_it_over_and_over_keeps_every_group_and_the_call_ends(state, keys):
    groups, turns = state.form.groups, 0
    for key in [*keys, *["8"] * (TURN_CEILING + MOST_WAITED)]:
        if isinstance(state, Ended):
            break
        if not isinstance(state, ChoosingLanguage):
            key = "8"  # noqa: PLW2901 - nothing but the language is wanted
        event = Keyed(key, 9.0) if key else Silence(9.0)
        state, _ = ask(state) if isinstance(state, Waiting) else step(state, event, country="US")
        turns += 1
        assert state.form.groups == groups
    assert isinstance(state, Ended)
    assert turns <= TURN_CEILING + MOST_WAITED


def test_eight_among_blocks_is_a_block_and_in_an_amount_a_digit():
    after, _ = step(READ, Keyed("8", 9.0, at=1), country="US")
    assert isinstance(after, ReadingBack)
    after, _ = step(AskingAmount(FORM), Keyed("8", 9.0), country="US")
    assert isinstance(after, ConfirmingAmount)
    assert after.amount == 8


def test_a_line_of_one_language_says_so_at_its_first_prompt():
    state, _ = step(None, CallStarted(withheld=False, locale="en-US"), country="US")
    after, actions = step(state, Keyed("8", 9.0), country="US")
    assert isinstance(after, Opening)
    assert said(actions) == [Say("opening.language")]


def test_the_others_are_named_to_whoever_has_not_chosen_yet():
    def heard(**more):
        _, actions = step(None, CallStarted(withheld=False, locale="de", languages=SPOKEN, **more), country="US")
        return [(prompt.prompt, prompt.locale) for prompt in said(actions)]

    assert heard() == [
        ("opening.first", ""),
        ("language.hint", "en-US"),
        ("language.hint", "fr"),
        ("language.hint", "ar"),
    ]
    assert heard(chosen=True) == [("opening.first", "")]


def test_a_line_speaks_at_most_as_many_as_have_a_key():
    many = tuple(f"l{number}" for number in range(MOST + 3))
    menu, actions = ask(Opening(replace(FORM, format=None, groups=(), locale="l0", languages=many)))
    assert [dict(prompt.facts)["key"] for prompt in said(actions)] == list(range(1, 10))
    after, _ = step(menu, Keyed("9", 9.0), country="US")
    assert after.form.locale == "l9"


ALL = ("en-US", "en-GB", "es", "fr", "de", "pt-BR", "ja", "zh-Hans", "hi", "ar")


@pytest.mark.parametrize(
    ("country", "locale"),
    [("US", "en-US"), ("GB", "en-GB"), ("AU", "en-GB"), ("PH", "en-US"), ("MX", "es"), ("CH", "de"), ("BE", "fr"),
     ("PT", "pt-BR"), ("CN", "zh-Hans"), ("TW", None), ("IN", "hi"), ("EG", "ar"), ("IT", None), ("XX", None)],
)  # fmt: skip
def test_a_country_s_own_language_is_greeted_in_where_the_line_speaks_it(country, locale):
    assert by_country(ALL, country) == locale


def test_what_was_chosen_goes_before_the_country_and_only_what_the_line_speaks_counts():
    assert greeting(("de", "fr"), "fr", "DE") == "fr"
    assert greeting(("de", "fr"), "ja", "FR") == "fr"
    assert greeting(("de",), "fr", "FR") == "de"
    assert greeting(("de", "fr"), None, None) == "de"
