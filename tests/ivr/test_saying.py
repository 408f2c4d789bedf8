"""Words instead of keys: every language's own are understood, digits never taken, and what is not understood ends."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.actions import HangUp, Listen, ReadBack
from ivr.dialogue import step
from ivr.events import Approved, CallStarted, Keyed, Misheard, Silence
from ivr.form import Form, Reason, Tally
from ivr.saying import LISTENING, meant
from ivr.spoken_words import DIGITS, LEAST_SURE, LONGEST_SAID, Meaning, meaning, vocabulary
from ivr.states import (
    AskingCase,
    AskingGroup,
    AskingHow,
    AskingNumber,
    AskingWhy,
    ChoosingLanguage,
    ConfirmingAmount,
    ConfirmingGroup,
    ConfirmingMobile,
    ConfirmingNumber,
    ConfirmingToldAt,
    Ended,
    Opening,
    Outcome,
    ReadingBack,
    WayOn,
)
from ivr.transitions import TRANSITIONS
from ivr.tries import TRIES
from keys.groups import split
from keys.installation_id import InstallationID, encode
from keys.repair import Candidate
from tests.conftest import CATALOGUES

WORDS = {locale: vocabulary(catalogue) for locale, catalogue in CATALOGUES.items()}
STANDARD = split(encode(InstallationID(1, 1, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 12345)))
SAID = {
    "en-US": ("Yes, please.", "No, that is wrong.", "I need an operator.", "Press one.", "4 7 1 0 2 2"),
    "en-GB": ("Right.", "Nope.", "A person, please!", "Two.", "seven two oh"),
    "es": ("Sí, gracias.", "No es correcto.", "Con una persona, por favor.", "El uno.", "siete dos cero"),
    "fr": ("Oui.", "Ce n'est pas juste.", "Je voudrais parler à quelqu'un.", "Le deux.", "sept deux zéro"),
    "de": ("Ja, das stimmt.", "Nein, das stimmt nicht.", "Einen Mitarbeiter bitte.", "Die zwo.", "sieben zwo null"),
    "pt-BR": ("Sim, está certo.", "Não está certo.", "Quero um atendente.", "O três.", "sete meia zero"),
    "ja": ("はい、そうです。", "違います。", "担当者をお願いします。", "二", "7 2 0"),
    "zh-Hans": ("对的。", "不对。", "转人工。", "二", "720650"),
    "hi": ("जी हाँ।", "सही नहीं।", "व्यक्ति से बात करनी है।", "दो।", "सात दो शून्य"),
    "ar": ("نعم، هذا صحيح.", "غير صحيح.", "أريد موظف.", "اثنان", "سبعة ثلاثة صفر"),
}
"""By locale: a yes, a no, a wish for a person, a number as a choice, and digits of an ID, as people say them."""


def begin(speech=True):
    return step(None, CallStarted(withheld=False, speech=speech), country="US")


def spoken(actions):
    return next(action for action in actions if isinstance(action, Listen | ReadBack | HangUp))


def told(actions):
    return [prompt.prompt for prompt in spoken(actions).prompts]


@pytest.mark.parametrize("locale", sorted(CATALOGUES))
def test_what_people_say_is_understood_in_every_language(locale):
    yes, no, person, number, digits = (meaning(words, WORDS[locale]) for words in SAID[locale])
    assert (yes, no, person, digits) == (Meaning.YES, Meaning.NO, Meaning.PERSON, DIGITS)
    assert number in {"1", "2", "3"}


@pytest.mark.parametrize("locale", sorted(CATALOGUES))
def test_every_word_of_a_catalogue_means_what_it_is_listed_for(locale):
    assert set(WORDS[locale].values()) == {*Meaning, *"0123456789"}
    for means in Meaning:
        for word in CATALOGUES[locale].text(f"say.{means}", None).split(","):
            assert meaning(word, WORDS[locale]) == means, word


def test_an_unsure_or_endless_utterance_is_not_understood_and_an_unknown_confidence_is_no_doubt():
    words = WORDS["en-US"]
    assert meaning("yes", words, LEAST_SURE - 0.01) == ""
    assert meaning("yes", words, LEAST_SURE) == meaning("yes", words, 0.0) == meaning("yes", words) == Meaning.YES
    assert meaning("yes " * LONGEST_SAID, words) == ""
    assert meaning("yes no", words) == ""


@given(st.text(max_size=300), st.sampled_from(sorted(WORDS)))
def test_any_words_at_all_have_one_meaning_or_none(said, locale):
    assert meaning(said, WORDS[locale]) in {*Meaning, *"0123456789", DIGITS, ""}


def test_numbers_are_choices_in_menus_and_never_digits_of_an_entry():
    assert meant(WayOn(Form(), "ASKED"), "1") == Keyed("1")
    assert meant(Opening(Form()), "1") == Misheard(digits=True)
    assert meant(ConfirmingNumber(Form(), "ASKED"), Meaning.NO) == Keyed("2")
    assert meant(AskingNumber(Form(), "ASKED"), Meaning.YES, 3.0) == Silence(3.0)


def test_words_are_listened_for_until_the_first_key_and_then_at_menus_alone():
    state, actions = begin()
    assert spoken(actions).speech
    state, actions = step(state, Keyed(STANDARD[0], 9.0), country="US")
    assert isinstance(state, AskingGroup)
    assert not spoken(actions).speech
    state, actions = step(state, Keyed("0", 9.0), country="US")
    assert isinstance(state, WayOn)
    assert spoken(actions).speech


def test_a_line_that_does_not_listen_says_nothing_of_words():
    state, actions = begin(speech=False)
    state, more = step(state, Silence(9.0), country="US")
    assert not any(listen.speech for listen in (spoken(actions), spoken(more)))
    assert not any(prompt.startswith("speech.") for prompt in told(more))


def test_digits_are_met_by_a_sentence_that_offers_a_person():
    state, _ = begin()
    state, actions = step(state, meant(state, DIGITS), country="US")
    assert told(actions) == ["speech.digits", "opening.short"]
    assert state.form.tally.unheard == 1
    state, actions = step(state, meant(state, Meaning.PERSON), country="US")
    assert (type(state), state.reason) == (WayOn, Reason.ASKED)


def test_what_is_not_understood_three_times_where_no_key_ever_came_leads_to_a_person():
    state, _ = begin()
    for _ in range(TRIES):
        state, actions = step(state, Misheard(), country="US")
    assert isinstance(state, Ended)
    assert state.outcome is Outcome.CALL_BACK
    assert told(actions)[0] == "reason.NO_KEYS"


def at_each_item(form):
    """Every state in which words are listened for, around one form."""
    candidate = Candidate(STANDARD, (4,))
    return [
        Opening(form),
        AskingGroup(replace(form, format=1, groups=("",) * 9), 1),
        AskingCase(form),
        ConfirmingGroup(form, candidate),
        WayOn(form, "ASKED"),
        ConfirmingNumber(form, "ASKED"),
        ConfirmingMobile(form, None, "ASKED"),
        ConfirmingAmount(form, 5),
        AskingWhy(form, 5),
        AskingHow(form, 5, "new"),
        ConfirmingToldAt(form, 5, "new"),
        ChoosingLanguage(form, "Opening"),
        ReadingBack(form, 8),
    ]


def test_every_item_takes_each_step_of_the_table_that_words_not_understood_can_lead_to():
    tired, keyed = Tally(unheard=TRIES - 1), {"tally": Tally(unheard=TRIES - 1), "ever_keyed": True}
    forms = [Form(), Form(tally=tired), Form(**keyed), Form(desk=True, **keyed)]
    states = [state for form in forms for state in at_each_item(form)]
    assert {type(state) for state in states} == set(LISTENING)
    taken = {(type(state), Misheard, type(step(state, Misheard(), country="US")[0])) for state in states}
    assert taken == {each for each in TRANSITIONS if each[1] is Misheard}


def test_mumbling_in_the_menu_after_the_blocks_does_not_undo_the_activation():
    state, actions = step(ReadingBack(Form(speech=True), 8), Misheard(), country="US")
    assert (spoken(actions).first, spoken(actions).speech) == (9, True)
    for _ in range(TRIES - 1):
        state, actions = step(state, Misheard(), country="US")
    assert (type(state), state.outcome) == (Ended, Outcome.ACTIVATED)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*Meaning, *"0123456789", DIGITS, ""]), min_size=90, max_size=90))
def test_a_call_of_words_alone_ends(said):
    state, _ = begin()
    for words in said:
        if type(state) not in LISTENING:
            break
        state, _ = step(state, meant(state, words), country="US")
    assert type(state) not in LISTENING


def test_a_star_doubles_every_wait_of_the_call_and_slows_the_read_back():
    state, actions = begin(speech=False)
    assert (spoken(actions).first_wait, spoken(actions).between) == (8, 4)
    state, actions = step(state, Keyed("*", 9.0), country="US")
    assert (spoken(actions).first_wait, spoken(actions).between) == (16, 8)
    state, actions = step(state, Keyed("".join(STANDARD), 9.0), country="US")
    state, actions = step(state, Approved(8, again=False), country="US")
    assert (spoken(actions).pace, spoken(actions).patient) == (1, True)
    state, actions = step(state, Keyed("#", 9.0, at=9), country="US")
    assert (spoken(actions).first_wait, state.form.patient) == (16, True)


def test_more_time_is_offered_to_who_falls_silent_but_not_to_who_has_it():
    state, _ = begin(speech=False)
    state, actions = step(state, Silence(9.0), country="US")
    assert told(actions) == ["more_time.offer", "opening.silent"]
    state, _ = step(state, Keyed("*", 9.0), country="US")
    state, _ = step(state, Keyed(STANDARD[0], 9.0), country="US")
    _, actions = step(state, Silence(9.0), country="US")
    assert told(actions) == ["group.silent"]
