"""Whole escalations: a caller on a real telephone, operators at real browsers, the line and the desk between them."""

import re

import pytest
from selenium.webdriver.common.keys import Keys

from webhooks.rehearsal.scripted import Mood, ScriptedCaller

from .conftest import until

DEAF = "document.getElementById('board').id = 'deaf'"
WAITS = r"in line for a person|nobody is at the desk"


@pytest.fixture(autouse=True)
def _empty_queue(stand):
    """Nobody waits from another test."""
    stand.clear()


def open_case(operator):
    """From the queue to the one case in it."""
    operator.goes("/desk/queue")
    operator.clicks("tr[data-row] a.case")
    operator.waits_for("#case-head")


def test_a_stuck_caller_is_helped_and_hears_the_confirmation_id_as_the_pictures_show(stand, at_desk, take_picture):
    anna = at_desk("Anna Berg")
    stand.enter(stand.groups(), "KEY_BLOCKED")  # others wait as well
    stand.enter(stand.groups()[:5])
    call, groups = stand.stuck(group=4)
    call.hears(WAITS)
    anna.sees("8 of 9 groups")
    for scheme, name in (("light", "desk-queue"), ("dark", "desk-queue-dark")):
        take_picture(anna, name, scheme)
    anna.scheme("light")
    anna.all("tr[data-row] a.case")[2].click()
    anna.clicks("#case-claim")
    anna.waits_for("#form-groups")
    call.hears("A person has your case in front of them")
    assert anna.holds("#group-5") == groups[4], "what was keyed must not be asked for again"
    anna.types("e")
    anna.focuses("group-4")
    anna.types(groups[3])
    anna.sees("genuine")
    anna.clicks("#groups-reason")
    anna.types("read to me from the screen")
    for scheme, name in (("light", "desk-case"), ("dark", "desk-case-dark")):
        take_picture(anna, name, scheme)
    anna.types(Keys.ENTER)
    anna.sees(r"it activates, and reads the confirmation ID")
    anna.clicks("#form-back button")
    anna.sees("the line takes it up")
    record = call.ends()
    assert (record.outcome, len(record.confirmation_id)) == ("activated", 8 * 7 - 1)
    anna.sees("ended: handed back to the line")
    anna.goes("/desk/queue")
    anna.sees("2 waiting")
    assert anna.complaints() == []


def test_of_two_operators_one_has_the_case_and_the_other_reads_who(stand, at_desk):
    anna, bo = at_desk("Anna Berg"), at_desk("Bo Lind")
    handoff = stand.enter(stand.groups())
    for each in (anna, bo):
        each.waits_for(f"#claim-{handoff.id}")
        # Both press at once: neither has heard yet of what the other did.
        each.driver.execute_script(DEAF)
    for each in (anna, bo):
        each.driver.execute_script("document.querySelector('[data-claim]').click()")
    first, second, name = until(lambda: quicker(anna, bo))
    first.waits_for("#form-groups")
    second.sees(f"{name} was quicker and has this case")
    second.goes(f"/desk/cases/{handoff.id}")
    second.sees(f"{name} has this case")
    assert not second.all("#form-back, #form-issue, #form-groups")


def quicker(anna, bo):
    """Who got the case, who did not, and the name of the first; nothing while it is open."""
    for first, second, name in ((anna, bo, "Anna Berg"), (bo, anna, "Bo Lind")):
        if first.shown("#case-head"):
            return first, second, name
    return None


def test_more_activations_than_one_may_grant_need_a_second_person(stand, at_desk):
    anna, cleo = at_desk("Anna Berg"), at_desk("Cleo Marsh")
    stand.spend_all()
    call = stand.call(ScriptedCaller(stand.groups(), Mood(express=True)))
    call.hears("All activations of this product key are used", within=30)
    call.hears(WAITS)
    open_case(anna)
    anna.types("c")
    anna.waits_for("#form-grant")
    anna.types("a")
    anna.focuses("amount")
    anna.types("30", Keys.TAB, "thirty new machines at the yard", Keys.ENTER)
    anna.sees("Waits for a supervisor")
    assert stand.balance().available == 0
    anna.clicks("#note")
    anna.types("asked Cleo by the way")
    cleo.goes("/desk/grants")
    cleo.sees("thirty new machines at the yard")
    cleo.clicks("button[value=approve]")
    cleo.sees("Approved: 30 activations for key")
    assert stand.balance().available == 30
    anna.sees("approved", within=15)
    assert anna.holds("#note") == "asked Cleo by the way", "a draft is swapped away"
    anna.clicks("#form-issue button")
    record = call.ends()
    assert record.outcome == "activated"
    anna.sees("ended: activated")


def test_a_keyboard_alone_is_enough_from_the_login_to_the_hand_back(stand, at_desk):
    call, groups = stand.stuck(group=2)
    call.hears(WAITS)
    anna = at_desk("Anna Berg")
    anna.types("j")
    until(lambda: anna.focus.startswith("case-"))
    anna.types(Keys.ENTER)
    anna.waits_for("#case-claim")
    anna.types("c")
    anna.waits_for("#form-groups")
    anna.types("w")
    anna.focuses("whole")
    anna.types("-".join(groups), Keys.ENTER)
    anna.sees("it activates, and reads the confirmation ID")
    anna.types(Keys.ESCAPE, "h")
    anna.focuses("back-reason")
    anna.types("right now", Keys.ENTER)
    assert call.ends().outcome == "activated"
    anna.sees("ended: handed back to the line")
    anna.types("gq")
    anna.sees("Nobody waits")


def test_a_draft_survives_a_reload_and_is_gone_once_it_was_sent(stand, at_desk):
    handoff = stand.enter(stand.groups()[:3])
    anna = at_desk("Anna Berg")
    anna.goes(f"/desk/cases/{handoff.id}")
    anna.types("n", "they call back after lunch")
    anna.driver.refresh()
    assert anna.holds("#note") == "they call back after lunch"
    anna.clicks("#form-note button")
    anna.waits_for("#case-entries tbody")
    anna.sees("they call back after lunch")
    anna.driver.refresh()
    assert anna.holds("#note") == ""


def test_somebody_typing_is_not_disturbed_by_what_changes_elsewhere(stand, at_desk):
    anna, bo = at_desk("Anna Berg"), at_desk("Bo Lind")
    handoff = stand.enter(stand.groups()[:3])
    anna.goes(f"/desk/cases/{handoff.id}")
    anna.types("c")
    anna.waits_for("#form-groups")
    anna.types("w", "123 456")
    bo.goes(f"/desk/cases/{handoff.id}")
    bo.types("n", "seen this caller before", Keys.TAB, Keys.ENTER)
    anna.sees("seen this caller before")
    anna.focuses("whole")
    assert anna.holds("#whole") == "123 456"
    assert not re.search("You are logged out", anna.page)


def test_digits_that_were_typed_and_not_kept_hold_the_hand_back_until_they_are(stand, at_desk):
    call, groups = stand.stuck(group=4)
    call.hears(WAITS)
    anna = at_desk("Anna Berg")
    open_case(anna)
    anna.types("c")
    anna.waits_for("#form-groups")
    anna.types("e", groups[3])
    anna.sees("genuine")
    anna.clicks("#form-back button")
    anna.sees("Not done. The digits you typed are not kept yet")
    assert anna.holds("#group-4") == groups[3]
    anna.clicks("#form-groups button.main")
    anna.sees("it activates, and reads the confirmation ID")
    anna.clicks("#form-back button")
    assert call.ends().outcome == "activated"


def test_light_and_dark_can_be_chosen_and_stay_chosen(at_desk):
    anna = at_desk("Anna Berg")
    colour = "return getComputedStyle(document.body).color"
    anna.scheme("light")
    light = anna.driver.execute_script(colour)
    anna.scheme("dark")
    dark = anna.driver.execute_script(colour)
    assert light != dark
    anna.clicks("#theme")
    assert anna.driver.execute_script(colour) == light
    anna.goes("/desk/logins")
    assert anna.driver.execute_script(colour) == light


def test_the_office_counts_what_was_done_as_the_picture_shows(stand, at_desk, take_picture):
    for reason in ("ASKED", "TRIES", "KEY_BLOCKED"):
        stand.enter(stand.groups(), reason)
    cleo = at_desk("Cleo Marsh")
    cleo.clicks("tr[data-row] [data-claim]")
    cleo.waits_for("#case-head")
    cleo.goes("/desk/office")
    cleo.sees(r"Waiting now\s+2\b")
    cleo.sees(r"With an operator\s+1\b")
    take_picture(cleo, "desk-office")
