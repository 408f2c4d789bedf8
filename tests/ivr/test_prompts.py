"""Words from a catalogue: plurals by its own rule, digits spelled, pauses kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.prompts import INSIDE_PAUSE, MalformedCatalogue, UnknownPrompt, parse, plain

POLISH = (
    b'msgid ""\nmsgstr ""\n"Language: pl\\n"\n"X-Voice: Polly.Ola-Neural\\n"\n'
    b'"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\\n"\n\n'
    b'msgctxt "group.short"\nmsgid "{count} digit."\nmsgid_plural "{count} digits."\n'
    b'msgstr[0] "{count} cyfra."\nmsgstr[1] "{count} cyfry."\nmsgstr[2] "{count} cyfr."\n\n'
    b'msgctxt "wayon.case"\nmsgid "Case {case_number}."\nmsgstr "Sprawa {case_number}."\n'
)


def test_the_plural_goes_by_the_catalogue_and_not_by_code():
    catalogue = parse(POLISH, "pl")
    said = [catalogue.speech("group.short", {"count": count})[0] for count in (1, 3, 5)]
    assert said == ["1 cyfra.", "3 cyfry.", "5 cyfr."]
    assert catalogue.voice == "Polly.Ola-Neural"


def test_spelled_digits_keep_their_pauses_inside_a_sentence():
    said = parse(POLISH, "pl").speech("wayon.case", {"case_number": parse(POLISH, "pl").spelled("912345")})
    assert said == ("Sprawa 9 1 2", INSIDE_PAUSE, "3 4 5.")


def test_an_unknown_prompt_or_a_missing_fact_is_a_bug_that_raises():
    catalogue = parse(POLISH, "pl")
    with pytest.raises(UnknownPrompt):
        catalogue.speech("group.nothing", {})
    with pytest.raises(KeyError):
        catalogue.speech("wayon.case", {})


@pytest.mark.parametrize(
    "po",
    [
        b"no catalogue at all\n",
        b"\xff\xfe",
        POLISH.replace(b"n==1 ?", b"n==/1 ?"),
        POLISH.replace(b"nplurals=3", b"nplurals=0"),
        POLISH.replace(b"nplurals=3", b"nplurals=29999999999"),
        POLISH.replace(b"nplurals=3", b'nplu"\n"rals = 7'),
        POLISH.replace(b"Language: pl", b"Content-Type: text/plain; charset=iso-8859-1") + b"# \xe9\n",
        POLISH.replace(b"Language: pl", b"Content-Type: text/plain; charset=nowhere"),
    ],
)
def test_a_malformed_catalogue_is_refused_with_its_locale(po):
    with pytest.raises(MalformedCatalogue) as refused:
        parse(po, "en-US")
    assert refused.value.args[0] == "en-US"


@given(st.text("0123456789", min_size=1, max_size=20))
def test_spelling_loses_and_adds_no_digit(digits):
    assert plain(parse(POLISH, "pl").spelled(digits)).replace(" ", "") == digits


FIELDS = b'"X-Voice-Language: pl-PL\\n"\n"X-Digits-Together: 2\\n"\n"X-Digits-Pause: 250\\n"\n'
SPOKEN = (
    POLISH.replace(b'"X-Voice:', FIELDS + b'"X-Voice:')
    + b'\nmsgctxt "digit.0"\nmsgid "0"\nmsgstr "zero"\n\nmsgctxt "digit.7"\nmsgid "7"\nmsgstr "siedem"\n'
)


def test_digits_are_said_in_the_locale_s_words_breaths_and_pauses():
    catalogue = parse(SPOKEN, "pl")
    assert catalogue.spelled("70700") == ("siedem zero", 250, "siedem zero zero")
    assert (catalogue.language, catalogue.voice) == ("pl-PL", "Polly.Ola-Neural")


@pytest.mark.parametrize("wrong", [b"Together: 0", b"Together: 7", b"Together: two", b"Together: 2.5"])
def test_a_catalogue_that_says_no_sound_breath_is_malformed(wrong):
    with pytest.raises(MalformedCatalogue):
        parse(SPOKEN.replace(b"Together: 2", wrong), "pl")
