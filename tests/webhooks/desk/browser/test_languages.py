"""The desk in other languages, one of them from right to left: seen, worked with, and sound as it is in English."""

import json

import pytest
from selenium.webdriver.support.select import Select

from .looks import WIDE, faults, sized

LATIN_ORDER = """
const far = (one) => {
  const range = document.createRange(), text = [...one.childNodes].find((node) => node.nodeType === 3) || one;
  range.selectNodeContents(text);
  const first = document.createRange(), last = document.createRange(), end = text.textContent.trimEnd().length;
  first.setStart(text, 0); first.setEnd(text, 1);
  last.setStart(text, end - 1); last.setEnd(text, end);
  return first.getBoundingClientRect().left < last.getBoundingClientRect().left;
};
const all = [...document.querySelectorAll(arguments[0])];
return all.filter((one) => one.offsetParent && one.textContent.trim().length > 1).map(far);
"""
"""Of each element whether its first sign stands to the left of its last."""


def chooses(operator, locale):
    """Choose a language as whoever sits there does."""
    Select(operator.waits_for("#language-choice")).select_by_value(locale)
    operator.waits_for(f"html[lang='{locale}'] #language-choice")


@pytest.mark.parametrize(
    ("locale", "direction", "queue", "done"),
    [("ar", "rtl", "قائمة الانتظار", "الملف لك"), ("de", "ltr", "Warteschlange", "Der Vorgang gehört Ihnen")],
    ids=["ar", "de"],
)
def test_login_queue_and_case_in_another_language_as_the_picture_shows(
    stand, at_desk, serious_faults, take_picture, locale, direction, queue, done
):
    stand.clear()
    groups = stand.groups()
    waiting = [stand.enter((*groups[:3], "", *groups[4:]), "TRIES"), stand.enter(groups, "ALLOWANCE_EXHAUSTED")]
    anna, found = at_desk(), {}

    def look(page):
        if wrong := faults(anna.driver, serious_faults):
            found[page] = wrong
        sized(anna.driver, WIDE)

    anna.goes("/desk/login")
    chooses(anna, locale)
    look("login")
    anna.logs_in("Anna Berg")
    assert anna.driver.execute_script("return getComputedStyle(document.body).direction") == direction
    assert queue in anna.driver.title
    anna.sees(queue)
    look("queue")
    take_picture(anna, f"desk-queue-{locale}")
    # What comes by the stream is in the language of the page, and so is what a press of a key brings.
    late = stand.enter(groups[:2])
    row = anna.waits_for(f"tr[data-row='{late.id}']")
    assert "Claim" not in row.text
    assert "asked for a person" not in row.text
    anna.goes(f"/desk/cases/{waiting[0].id}")
    anna.types("c")
    anna.sees(done)
    anna.waits_for("#form-groups")
    assert set(anna.driver.execute_script(LATIN_ORDER, "#case-title .digits, #case-key code, kbd")) == {True}
    look("case")
    anna.driver.execute_script("document.querySelectorAll('.toast').forEach((toast) => toast.remove())")
    take_picture(anna, f"desk-case-{locale}")
    assert not anna.complaints()
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)
    stand.clear()
