"""The page of a case in a browser: digits are checked at every key, panels follow, and nothing typed is lost."""

import json

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.webhooks.desk.browser.conftest import until
from tests.webhooks.desk.browser.looks import faults


def says(operator, selector, words):
    """Wait until a part of the page, which may be put anew at any moment, says something."""
    read = f"return (document.querySelector({json.dumps(selector)}) || {{innerText: ''}}).innerText"
    until(lambda: words in operator.driver.execute_script(read), told=lambda: operator.page)


def holds(operator, selector, value):
    """Wait until a field, which may be put anew at any moment, holds something."""
    read = f"return document.querySelector({json.dumps(selector)}).value"
    until(lambda: operator.driver.execute_script(read) == value, told=lambda: operator.page)


def claimed(operator, handoff):
    """The operator opens a case and claims it by the key."""
    operator.goes(f"/desk/cases/{handoff.id}")
    operator.types("c")
    operator.waits_for("#form-groups")


def test_digits_are_checked_at_every_key_and_kept_without_a_reload(stand, at_desk, take_picture):
    groups = stand.groups()
    anna, case = at_desk("Anna Berg"), stand.enter((*groups[:3], "", *groups[4:]), "TRIES")
    claimed(anna, case)
    anna.driver.execute_script("window.sameplace = true")
    anna.types("e")
    anna.focuses("group-4")
    anna.types("12345")
    says(anna, "#check-4", "5 digits, not six")
    anna.types(Keys.BACKSPACE * 5, groups[4])
    says(anna, "#check-4", "these are the digits of group 5")
    take_picture(anna, "desk-case-checked")
    anna.focuses("group-4")
    anna.types(Keys.BACKSPACE * 6, groups[3])
    says(anna, "#check-4", "fits")
    anna.sees("genuine")
    anna.types(Keys.ENTER)
    anna.sees("The ID is whole and genuine")
    anna.sees("corrected groups")
    assert anna.driver.execute_script("return window.sameplace")
    says(anna, "#case-key", "Fairway")
    assert not anna.complaints()


def test_a_fault_on_saving_leaves_what_was_typed(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups()[:2])
    claimed(anna, case)
    anna.types("w", "123456 7890", Keys.ENTER)
    anna.sees("Nothing was kept")
    holds(anna, "#whole", "123456 7890")


def test_what_others_do_comes_by_itself_and_leaves_alone_what_is_typed(stand, at_desk):
    anna, bo, case = at_desk("Anna Berg"), at_desk("Bo Lind"), stand.enter(stand.groups()[:5])
    claimed(anna, case)
    anna.types("n", "half a no")
    bo.goes(f"/desk/cases/{case.id}")
    bo.sees("Anna Berg has it")
    assert not bo.all("#form-groups")
    bo.types("n", "They rang us on Monday.")
    bo.clicks("#form-note button")
    anna.sees("They rang us on Monday")
    anna.types("te")
    holds(anna, "#note", "half a note")
    anna.focuses("note")


def test_a_draft_survives_another_deed_and_a_reload_and_goes_when_it_is_sent(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups(), channel="phone")
    claimed(anna, case)
    anna.types("n", "worn plate")
    anna.types(Keys.ESCAPE)
    anna.types("m")
    anna.clicks("#form-called-back button[value=no]")
    anna.sees("not reached, try 1")
    holds(anna, "#note", "worn plate")
    anna.driver.refresh()
    holds(anna, "#note", "worn plate")
    anna.clicks("#form-note button")
    anna.sees("noted")
    holds(anna, "#note", "")
    anna.driver.refresh()
    holds(anna, "#note", "")


def test_who_was_late_reads_who_has_the_case_and_gets_its_forms_when_it_is_handed_over(stand, at_desk):
    anna, bo, case = at_desk("Anna Berg"), at_desk("Bo Lind"), stand.enter(stand.groups())
    for each in (anna, bo):
        each.goes(f"/desk/cases/{case.id}")
        each.waits_for("#case-claim")
    bo.driver.execute_script("document.body.dispatchEvent = () => true")  # Bo's page hears of no change
    anna.types("c")
    anna.waits_for("#form-groups")
    if bo.all("#case-claim"):
        bo.clicks("#case-claim")
    bo.sees("Anna Berg has (this case|it)")
    bo.goes(f"/desk/cases/{case.id}")
    select = anna.waits_for("#to")
    next(each for each in select.find_elements(By.TAG_NAME, "option") if each.text.startswith("Bo")).click()
    anna.clicks("#form-transfer button")
    anna.sees("Bo Lind has it")
    assert not anna.all("#form-groups")
    bo.waits_for("#form-groups")


def test_hidden_things_are_shown_on_demand_and_hidden_again_on_the_next_look(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups())
    claimed(anna, case)
    anna.types("i", Keys.ENTER)
    anna.sees("Activated. Nobody knows it yet.")
    anna.clicks("#form-show button[value=confirmation_id]")
    shown = anna.waits_for("#case-hidden output").text
    assert len(shown.replace(" ", "")) == 48
    anna.driver.refresh()
    anna.waits_for("#form-show")
    assert shown not in anna.page


def test_a_grant_above_the_limit_is_decided_by_another_and_seen_at_once(stand, at_desk, take_picture):
    anna, cleo, case = at_desk("Anna Berg"), at_desk("Cleo Marsh"), stand.enter(stand.groups(), "ALLOWANCE_EXHAUSTED")
    claimed(anna, case)
    anna.types("a", "7000", Keys.TAB, "new branch", Keys.ENTER)
    anna.sees("A supervisor was asked")
    cleo.goes("/desk/grants")
    take_picture(cleo, "desk-grants")
    cleo.sees("new branch")
    cleo.goes(f"/desk/cases/{case.id}")
    cleo.clicks("#case-key button[value=decline]")
    anna.sees("decided on a grant")
    cleo.sees("Declined: 7,000")


def test_the_page_of_a_case_has_no_serious_fault_and_does_not_scroll_sideways_however_far_it_is(
    stand, at_desk, serious_faults
):
    anna, groups, found = at_desk("Cleo Marsh"), stand.groups(), {}
    case = stand.enter((*groups[:3], "123456", *groups[4:8]), "TRIES")

    def look(page):
        if wrong := faults(anna.driver, serious_faults):
            found[page] = wrong

    anna.goes(f"/desk/cases/{case.id}")
    look("waiting")
    claimed(anna, case)
    look("claimed")
    anna.types("w", " ".join(groups), Keys.ENTER)
    anna.sees("The ID is whole and genuine")
    look("whole")
    anna.types(Keys.ESCAPE)
    anna.types("a", "7000", Keys.TAB, "new branch", Keys.ENTER)
    anna.sees("A supervisor was asked")
    anna.types(Keys.ESCAPE)
    anna.types("i", Keys.ENTER)
    anna.sees("Activated. Nobody knows it yet.")
    look("activated")
    assert not found, json.dumps(found, indent=1)
