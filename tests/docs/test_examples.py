"""What the pages show of the library and of a call is so: lessons are run, figures counted again, sentences found."""

import doctest
import io
import re

import pytest
from babel.messages.pofile import read_po

from keys import verify
from tests.docs.shown import PAGES, ROOT, fences, text_of
from webhooks.bench import digits

LESSONS = {page: [text for _, beside, text, _ in fences(page) if beside == "pycon"] for page in PAGES}


@pytest.mark.parametrize("page", [page for page, lessons in LESSONS.items() if lessons])
def test_every_lesson_of_a_page_comes_out_as_it_is_shown(page):
    text = "\n".join(LESSONS[page])
    found = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    assert found.examples
    assert doctest.DocTestRunner().run(found).failed == 0


def test_the_figures_of_the_check_digits_are_those_that_are_counted():
    rows = re.findall(r"^\| ([a-z ]+) \| .+? \| (.+) %? \|$", text_of("docs/explained/check-digits.md"), re.MULTILINE)
    shown = {slip: [float(cell.strip(" %")) for cell in cells.split("|")] for slip, cells in rows}
    counted = {}
    for row in digits.rows():
        counted.setdefault(row.slip, {})[row.format] = round(100 * row.share, 2)
    assert shown == {
        slip: [shares[name] for name in ("classic", "standard", "compact")] for slip, shares in counted.items()
    }


def test_all_that_verify_can_find_stands_on_the_ledger_s_page():
    rows = [row for row in text_of("docs/explained/ledger.md").splitlines() if row.startswith("| `")]
    assert {word for row in rows for word in re.findall(r"`([a-z_]+)`", row.split("|")[1])} == set(verify.Damage)


def test_what_the_line_says_on_the_tour_is_in_its_catalogue():
    catalogue = read_po(io.BytesIO((ROOT / "prompts" / "en-US.po").read_bytes()))
    forms = [each.string if isinstance(each.string, tuple) else (each.string,) for each in catalogue if each.context]
    patterns = [re.sub(r"\\\{\w+\\\}", r"[\\d ]+", re.escape(words)) for all_forms in forms for words in all_forms]
    page = text_of("docs/tour.md").replace("\n      ", " ")
    said = re.findall(r"^line: (.+?)(?: \d[\d ]+)?$", page, re.MULTILINE)
    assert len(said) > 5
    assert [words for words in said if not any(re.fullmatch(each, words) for each in patterns)] == []
