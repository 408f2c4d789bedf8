"""Every prompt is used, every prompt used is there, in every locale, with the facts the line can fill in."""

import ast
import functools
import re
import string
from pathlib import Path

import pytest

from ivr.catalogue_faults import faults
from ivr.form import Reason
from ivr.spoken_words import Meaning
from ivr.textable import Texts
from keys.confirmation_id import LETTERS
from keys.formats import FORMATS
from keys.refusals import Refusal
from tests.conftest import CATALOGUES
from webhooks.prompt_examples import too_long

ROOT = Path(__file__).parents[2]
PROMPTS = ROOT / "prompts"
LOCALES = sorted(CATALOGUES)
PROMPT_ID = re.compile(r"[a-z]+(\.[a-zA-Z_]+){1,2}")
FACTS = {
    "line_name",
    "hours",
    "case_number",
    "held_number",
    "group",
    "groups",
    "count",
    "other",
    "digits",
    "blocks",
    "place",
    "product",
    "words",
    "key",
}
"""What the line can fill in; `webhooks/twiml.py` and the dialogue's `say` calls give them."""


@functools.cache
def literals():
    """Every text in the code that is written like a prompt id, and the beginnings of those that are put together."""
    whole, beginnings = set(), set()
    for package in ("ivr", "webhooks"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    whole.add(node.value)
                if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                    beginnings.add(node.values[0].value)
    return whole, beginnings


def put_together():
    """The ids that the code makes from a beginning and a list of its own."""
    return {
        *(f"reason.{reason}" for reason in (*Reason, *Refusal)),
        *(f"block.{letter}" for letter in LETTERS),
        *(f"digit.{digit}" for digit in range(10)),
        *(f"say.{means}" for means in Meaning),
        *(f"{item}.{kind}" for item in ("opening", "group") for kind in ("silent", "silent_again")),
        *(f"{menu}.menu.text_{texts}" for menu in ("readback", "wayon") for texts in (Texts.OWN, Texts.KEYED)),
    }


@pytest.mark.parametrize("locale", LOCALES)
def test_every_prompt_is_used_somewhere(locale):
    whole, beginnings = literals()
    assert {"reason.", "block.", "digit.", "opening.", "group."} <= beginnings
    unused = set(CATALOGUES[locale].prompts) - whole - put_together()
    assert not unused


@pytest.mark.parametrize("locale", LOCALES)
def test_every_prompt_the_code_names_is_in_the_catalogue(locale):
    whole, _ = literals()
    families = {prompt.partition(".")[0] for prompt in CATALOGUES[locale].prompts}
    named = {text for text in whole if PROMPT_ID.fullmatch(text) and text.partition(".")[0] in families}
    # Not the beginning of one that is put together, nor a page of the desk.
    named -= {text for text in named if text.endswith(("_", ".html"))}
    missing = (named | put_together()) - set(CATALOGUES[locale].prompts)
    assert not missing


@pytest.mark.parametrize("locale", LOCALES)
def test_a_prompt_asks_only_for_facts_that_the_line_has_and_its_translation_asks_for_the_same(locale):
    catalogue = CATALOGUES[locale]
    for prompt, entry in catalogue.prompts.items():
        english = names(entry.message) | names(entry.plural or "")
        assert english <= FACTS, prompt
        for count in (1, 2, 5):
            assert names(catalogue.text(prompt, count)) <= english, prompt


@pytest.mark.parametrize("locale", LOCALES)
def test_a_released_catalogue_has_no_fault_and_no_text_that_is_too_long(locale):
    assert faults((PROMPTS / f"{locale}.po").read_bytes(), (PROMPTS / "en-US.po").read_bytes(), locale) == []
    assert list(too_long(CATALOGUES[locale])) == []


@pytest.mark.parametrize("locale", LOCALES)
def test_a_locale_has_all_prompts_of_the_american_one_and_a_voice(locale):
    assert set(CATALOGUES[locale].prompts) == set(CATALOGUES["en-US"].prompts)
    assert CATALOGUES[locale].voice


@pytest.mark.parametrize("locale", LOCALES)
def test_an_unknown_key_and_a_wrong_proof_sound_alike(locale):
    catalogue = CATALOGUES[locale]
    assert catalogue.text("reason.KEY_UNKNOWN", None) == catalogue.text("reason.PROOF_WRONG", None)


def test_the_words_about_the_first_digit_name_every_format():
    words = CATALOGUES["en-US"].text("group.unknown_format", None)
    assert {int(sign) for sign in words.partition(".")[0] if sign.isdigit()} == set(FORMATS)


def test_no_prompt_is_longer_than_a_breath():
    for prompt in CATALOGUES["en-US"].prompts:
        assert len(CATALOGUES["en-US"].text(prompt, 5).split()) <= 36, prompt


def names(words):
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}
