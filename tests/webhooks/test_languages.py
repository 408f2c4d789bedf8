"""Several languages on one line: who is greeted in which, how it is changed and kept, and that each of them works."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from ivr import forgetting, personal
from ivr.actions import say
from ivr.callers import pseudonym
from ivr.lines import Lines
from tests.conftest import CATALOGUES
from webhooks.app import create_app
from webhooks.rehearsal.dialling import Outcome, Terms, dial
from webhooks.rehearsal.scripted import Mood, ScriptedCaller
from webhooks.rehearsal.wsgi import InProcess
from webhooks.segments import segments
from webhooks.text_body import body

from .conftest import Call, Door, Texts

LOCALES = sorted(CATALOGUES)
GERMAN, AMERICAN, FRENCH = "+4915123456789", "+14155550123", "+33612345678"


@pytest.fixture
def speaking(exchange):
    """The exchange, with a line that speaks these languages, and texts in them."""

    def with_line(*locales):
        line = replace(
            exchange.lines.all[0],
            locale=locales[0],
            other_locales=locales[1:],
            text_sender="+15550100",
            text_countries=("US", "DE", "FR"),
        )
        return replace(exchange, lines=Lines((line,)))

    return with_line


@pytest.fixture
def several(speaking):
    return speaking("en-US", "de", "fr", "ar")


@pytest.fixture
def call(several, clock):
    return lambda caller=AMERICAN: Call(Door(several), clock, caller)


def spoken(call):
    """Each language that is heard, in order, with its voice."""
    return [(say.get("language"), say.get("voice")) for say in ET.fromstring(call.heard).iter("Say")]


def languages(call):
    return list(dict.fromkeys(language for language, _ in spoken(call)))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("mood", [Mood(), Mood(wrong_group=3), Mood(express=True)], ids=["slowly", "slip", "express"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_whole_call_activates_in_every_language(speaking, locale, mood, groups, clock):
    exchange = speaking(locale)
    record = dial(
        exchange.wording.public_url,
        auth_token=exchange.auth_tokens[0],
        public_url=exchange.wording.public_url,
        caller_number=AMERICAN,
        line_number="+15550100",
        caller=ScriptedCaller(groups, mood),
        terms=Terms(sleep=clock.sleep, transport=InProcess(create_app(exchange))),
    )
    assert record.problems == ()
    assert record.outcome is Outcome.ACTIVATED, record.transcript
    assert record.confirmation_id is not None


@pytest.mark.parametrize(("caller", "language"), [(AMERICAN, "en-US"), (GERMAN, "de-DE"), (FRENCH, "fr-FR")])
def test_a_caller_is_greeted_in_the_language_of_their_country_and_told_of_the_others(call, caller, language):
    first, *others = languages(call(caller))
    assert first == language
    assert sorted([first, *others]) == sorted(["en-US", "de-DE", "fr-FR", CATALOGUES["ar"].language])


@pytest.mark.parametrize("caller", ["anonymous", "+390612345678"])
def test_whoever_has_no_number_or_another_language_is_greeted_in_the_line_s_own(call, caller):
    assert languages(call(caller))[0] == "en-US"


def test_a_language_that_was_chosen_is_spoken_at_once_and_in_the_next_call(call, several, clock, rows):
    chosen = call().key("8")
    assert languages(chosen) == ["de-DE", "fr-FR", CATALOGUES["ar"].language]
    assert languages(chosen.key("1")) == ["de-DE"]
    chosen.status("completed")
    assert languages(call()) == ["de-DE"]
    assert [row["locale"] for row in rows("caller_locales")] == ["de"]
    texts = Texts(several, clock)
    (answer,) = texts.send("INSTRUCTIONS")
    assert answer == CATALOGUES["de"].text("text.instructions", None)


def test_a_choice_in_mid_entry_keeps_every_group_and_speaks_every_digit_in_the_new_language(call, groups):
    caller = call()
    for group in groups[:4]:
        caller.key(group)
    caller.key("8").key("1")
    assert "Gruppe 5" in caller.words
    for group in groups[4:]:
        caller.key(group)
    assert languages(caller) == ["de-DE"]
    assert CATALOGUES["de"].text("approved.new", 8).partition("{")[0] in caller.words


def test_of_a_withheld_number_no_language_is_kept_and_its_case_goes_on_in_it_all_the_same(call, groups, rows):
    caller = call("anonymous").key("8").key("1")
    caller.key(groups[0])
    assert languages(caller) == ["de-DE"]
    assert rows("caller_locales") == []
    assert [row["locale"] for row in rows("cases")] == ["de"]


def test_a_text_names_the_languages_and_a_name_of_one_changes_it(several, clock, groups):
    texts = Texts(several, clock)
    (offered,) = texts.send("language")
    for locale in ("en-US", "de", "fr", "ar"):
        assert CATALOGUES[locale].text("text.language", None) in offered
    (changed,) = texts.send(CATALOGUES["fr"].text("word.language", None).split(",")[0].lower())
    assert changed == CATALOGUES["fr"].text("text.language_chosen", None)
    (asked,) = texts.send(" ".join(groups[:2]))
    assert asked.startswith(CATALOGUES["fr"].text("text.in", 2).partition("{")[0])
    caller = Call(Door(several), clock, AMERICAN)
    assert languages(caller) == ["fr-FR"]


def test_a_word_of_any_language_of_the_line_is_understood(several, clock):
    texts = Texts(several, clock)
    for locale in ("de", "fr", "ar"):
        word = CATALOGUES[locale].text("word.new", None).replace("\u060c", ",").split(",")[0]
        assert texts.send(word) == [CATALOGUES["en-US"].text("text.new", None)]


def test_a_line_of_one_language_says_so_by_text(speaking, clock):
    texts = Texts(speaking("en-US"), clock)
    assert texts.send("LANGUAGE") == [CATALOGUES["en-US"].text("text.language_only", None)]


@pytest.mark.parametrize("locale", LOCALES)
def test_a_machine_is_activated_by_text_in_every_language_whatever_the_digits(speaking, locale, clock, groups):
    zero = {"ar": 0x660, "hi": 0x966, "ja": 0xFF10, "zh-Hans": 0xFF10}.get(locale, 0x30)
    texts = Texts(speaking(locale), clock)
    (answer,) = texts.send(" ".join("".join(chr(zero + int(digit)) for digit in group) for group in groups))
    assert segments(answer).count == 1, answer
    assert [line[0] for line in answer.splitlines()[-8:]] == list("ABCDEFGH")


def test_a_choice_is_handed_over_forgotten_and_erased(call, several, database, clock):
    call().key("8").key("1").status("completed")
    name = pseudonym(AMERICAN, several.secrets.pepper)
    with database.begin() as connection:
        (kept,) = personal.export(connection, name, several.secrets.number_key)["caller_locales"]
        assert kept["locale"] == "de"
        assert forgetting.step(connection, clock.now) == 0 or kept
        personal.erase(connection, name)
        assert "caller_locales" not in personal.export(connection, name, several.secrets.number_key)


def test_a_choice_that_is_of_no_use_any_more_is_forgotten(call, database, clock, rows):
    call().key("8").key("1").status("completed")
    clock.sleep(100)
    with database.begin() as connection:
        while forgetting.step(connection, clock.now):
            pass
    assert rows("caller_locales") == []


def test_a_text_of_several_segments_counts_as_many_from_when_it_is_sent(several, clock, rows):
    texts = Texts(several, clock)
    (offered,) = texts.send("language")
    many = segments(offered).count
    assert many > 1
    assert {row["scope"]: row["texts"] for row in rows("text_counts")} == dict.fromkeys(
        ("day", "country", "prefix", "number"), many
    )
    texts.send("?")
    assert max(row["texts"] for row in rows("text_counts")) > many


@pytest.mark.parametrize("caller", [AMERICAN, GERMAN])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_apology_is_in_the_language_of_the_caller_s_country(several, clock, caller):
    several.database.close()

    class Gone:
        def begin(self):
            raise RuntimeError("gone")

    call = Call(Door(replace(several, database=Gone())), clock, caller)
    locale = "de" if caller == GERMAN else "en-US"
    assert call.words.startswith(CATALOGUES[locale].text("fault.apology", None))


def test_a_name_that_runs_the_other_way_is_set_apart_in_a_text_from_right_to_left():
    catalogue = CATALOGUES["ar"]
    facts = {"line_name": "Nordstern", "hours": 24, "case_number": "9123456785"}
    words = (say("text.in", groups="1-3, 5", count=4),)
    assert "\u20681-3, 5\u2069" in body(catalogue, words, facts)
    told = body(catalogue, (say("text.case_from_call"),), facts)
    assert "\u2068Nordstern\u2069" in told
    assert "\u2068" not in body(CATALOGUES["de"], words, facts)
    assert "9123456785" in told
