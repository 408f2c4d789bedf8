"""Texts of our pages: which language somebody reads, its plurals and numbers, and what is filled in."""

import re

import pytest
from jinja2 import Environment
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from webhooks import phone_page
from webhooks.page_templates import in_languages
from webhooks.page_texts import PAGES, choose, languages, ngettext, number, reading
from webhooks.page_texts import gettext as _


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("wished", "accepted", "read"),
    [
        (None, "", "en-US"),
        (None, "de-AT,de;q=0.9,en;q=0.5", "de"),
        (None, "ar-EG", "ar"),
        (None, "en-GB,en;q=0.9", "en-GB"),
        (None, "tlh, eo;q=0.5", "en-US"),
        (None, ",;q=x,*", "en-US"),
        ("ar", "de", "ar"),
        ("../de", "de", "de"),
    ],
)
def test_a_choice_goes_before_what_the_browser_asks_for_and_english_is_for_all_others(page, wished, accepted, read):
    assert choose(page, wished, parse_accept_header(accepted, LanguageAccept)).locale == read


@pytest.mark.parametrize("page", PAGES)
def test_every_language_says_what_it_is_called_and_which_way_it_runs(page):
    known = languages(page)
    assert known["ar"].name == "العربية"
    assert known["de"].name == "Deutsch"
    assert [locale for locale, each in known.items() if each.direction == "rtl"] == ["ar"]
    assert list(known)[:2] == ["en-US", "en-GB"]


def test_arabic_has_a_plural_of_its_own_for_two_for_few_and_for_many():
    said = [("one point", "%(count)s points", count) for count in (0, 1, 2, 3, 11, 100)]
    with reading(languages("desk")["ar"]):
        told = [ngettext(*each) for each in said]
    assert told == ["لا نقاط", "نقطة واحدة", "نقطتان", "3 نقاط", "11 نقطة", "100 نقطة"]


def test_counts_are_written_as_the_language_does_in_the_digits_of_the_telephone():
    written = {}
    for locale in ("en-US", "de", "ar"):
        with reading(languages("desk")[locale]):
            written[locale] = number(1234567)
    assert written == {"en-US": "1,234,567", "de": "1.234.567", "ar": "1,234,567"}


def test_what_is_filled_in_is_set_apart_only_where_the_text_runs_from_right_to_left():
    with reading(languages("desk")["ar"]):
        assert _("%(who)s has this case.", who="Anna Berg") == "هذا الملف عند \u2068Anna Berg\u2069."
    with reading(languages("desk")["de"]):
        assert _("%(who)s has this case.", who="Anna Berg") == "Anna Berg hat diesen Vorgang."


def test_the_rehearsal_page_has_no_word_of_english_left_in_arabic():
    with reading(languages("phone")["ar"]):
        page = re.sub(
            r"<(code|kbd|option)\b.*?</\1>|<[^>]+>", " ", phone_page.page().partition("<body")[2], flags=re.DOTALL
        )
    assert set(re.findall(r"[A-Za-z]{2,}", page.partition(">")[2])) == {"Touchtone", "JavaScript", "Shift"}


def test_a_template_makes_harmless_what_it_fills_in_and_leaves_the_markup_of_the_text():
    environment = Environment(autoescape=True)
    in_languages(environment)
    page = environment.from_string(
        '{{ _("Case <span class=\\"digits\\">%(number)s</span>", number=given) }}'
        '{{ ngettext("one more, asked by %(who)s", "%(count)s more, asked by %(who)s", 7000, who=given) }}'
    )
    with reading(languages("desk")["de"]):
        said = page.render(given="<b>9</b>")
    assert "<b>" not in said
    assert said.endswith("7.000 mehr, erbeten von &lt;b&gt;9&lt;/b&gt;")
