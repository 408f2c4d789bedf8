"""A page that is brought up to date at the worst moment: no key, no focus and nothing that was typed is lost by it."""

from datetime import UTC, datetime

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ivr import claims, queue

from .conftest import until

HOLD = """
    const held = [], send = XMLHttpRequest.prototype.send, open = XMLHttpRequest.prototype.open;
    XMLHttpRequest.prototype.open = function (verb, path, ...more) {
      this.asks = path;
      open.call(this, verb, path, ...more);
    };
    XMLHttpRequest.prototype.send = function (form) {
      if (this.asks.includes(arguments_[0]) && !window.released) held.push(() => send.call(this, form));
      else send.call(this, form);
    };
    window.held = () => held.length;
    window.release = () => { window.released = true; for (const each of held.splice(0)) each(); };
    window.answers = 0;
    document.body.addEventListener("htmx:afterRequest", () => { window.answers += 1; });
"""
"""Whatever the page asks for at such an address waits, as on a slow network, until it is released."""
STORM = """
    setInterval(() => {
      for (const name of ["desk-changed", "desk-look", "desk-case-" + arguments_[0]])
        document.body.dispatchEvent(new CustomEvent(name));
    }, 20);
"""
"""The page is brought up to date without a pause."""


@pytest.fixture(autouse=True)
def _empty_queue(stand):
    """Nobody waits from another test."""
    stand.clear()


def run(operator, script, *given):
    """Run a script on the page that may go on after its end."""
    return operator.driver.execute_script(f"const arguments_ = arguments; {script}", *given)


def at_case(operator, case):
    """The operator has a case before them; nobody has claimed it."""
    operator.goes(f"/desk/cases/{case.id}")
    operator.waits_for("#case-claim")
    run(operator, "window.sameplace = true")


def change(operator, case):
    run(operator, "document.body.dispatchEvent(new CustomEvent('desk-case-' + arguments_[0]))", case.case_id)


def note(stand, case):
    """Another desk did something about a case."""
    with stand.database.begin() as connection:
        queue.note(connection, "noted", datetime.now(UTC), case.id, case.case_id)


def test_what_was_asked_for_before_a_claim_is_not_put_over_what_is_typed_after_it(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups()[:3])
    at_case(anna, case)
    run(anna, HOLD, "/live")
    change(anna, case)
    until(lambda: run(anna, "return window.held()"))
    anna.types("c")
    anna.waits_for("#form-groups")
    anna.types("w", "123 456")
    before = run(anna, "window.release(); return window.answers")
    until(lambda: run(anna, "return window.answers") > before)
    anna.types(" 789")
    assert anna.holds("#whole") == "123 456 789"
    anna.sees("more digits than|not whole yet|does not begin")


def test_a_key_at_the_very_moment_of_a_swap_is_a_deed_and_no_plain_form(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups()[:3])
    at_case(anna, case)
    run(
        anna,
        """
        new MutationObserver((changes, observer) => {
          if (!document.getElementById("case-claim")) return;
          observer.disconnect();
          document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "c", bubbles: true}));
        }).observe(document.querySelector("main"), {childList: true});
        """,
    )
    change(anna, case)
    anna.waits_for("#form-groups")
    assert run(anna, "return window.sameplace"), "the whole page was loaded anew"


def test_typing_goes_on_through_a_storm_of_changes_wherever_the_caret_is(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups()[:3])
    at_case(anna, case)
    run(anna, STORM, case.case_id)
    anna.types("c")
    anna.waits_for("#form-groups")
    anna.types("n", "they rang", Keys.ARROW_LEFT * 4, "have ")
    anna.types(Keys.HOME, "Yes, ")
    assert anna.holds("#note") == "Yes, they have rang"
    anna.types(Keys.ESCAPE, "w", "123 456", Keys.ARROW_LEFT * 3, "9")
    assert anna.holds("#whole") == "123 9456"
    assert run(anna, "return window.sameplace")
    assert anna.complaints() == []


def test_the_keys_of_the_queue_go_on_through_a_storm_of_changes(stand, at_desk):
    anna, cases = at_desk("Anna Berg"), [stand.enter(stand.groups()[:3]) for _ in range(4)]
    anna.waits_for(f"#case-{cases[-1].id}")
    run(anna, STORM, 0)
    for case in cases:
        anna.types("j")
        anna.focuses(f"case-{case.id}")
    anna.types("k")
    anna.focuses(f"case-{cases[2].id}")
    anna.types(Keys.ENTER)
    anna.waits_for("#case-claim")
    assert anna.driver.current_url.endswith(f"/desk/cases/{cases[2].id}")


def test_where_the_case_with_the_focus_is_gone_the_next_has_it(stand, at_desk):
    anna, cases = at_desk("Anna Berg"), [stand.enter(stand.groups()[:3]) for _ in range(3)]
    anna.waits_for(f"#case-{cases[-1].id}")
    anna.types("j", "j")
    anna.focuses(f"case-{cases[1].id}")
    for gone, then in ((cases[1], cases[2]), (cases[2], cases[0])):
        with stand.database.begin() as connection:
            claims.finish(connection, gone.id, "other", datetime.now(UTC))
        anna.focuses(f"case-{then.id}")


def test_a_claim_that_others_took_leaves_the_focus_in_its_row(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups()[:3])
    anna.waits_for(f"#claim-{case.id}")
    anna.types("j", Keys.TAB)
    anna.focuses(f"claim-{case.id}")
    with stand.database.begin() as connection:
        assert claims.claim(connection, case.id, 2, datetime.now(UTC))
    anna.sees("Bo Lind")
    anna.focuses(f"case-{case.id}")


@pytest.mark.parametrize("place", ["case", "queue"])
def test_a_button_that_is_held_down_is_not_taken_away_beneath_the_pointer(stand, at_desk, place):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups()[:3])
    if place == "case":
        at_case(anna, case)
    anna.holds_down("#case-claim" if place == "case" else f"#claim-{case.id}")
    if place == "case":
        note(stand, case)
        run(anna, HOLD, "nothing")
        until(lambda: run(anna, "return window.answers"))
    else:
        another = stand.enter()
        until(lambda: run(anna, "return document.title").startswith("(2)"))
        assert not anna.all(f"#case-{another.id}"), "it waits for the pointer"
    ActionChains(anna.driver).release().perform()
    anna.waits_for("#form-groups")


def test_whoever_was_late_reads_it_though_the_page_changed_while_the_claim_was_on_its_way(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups()[:3])
    at_case(anna, case)
    run(anna, HOLD, "/claim")
    anna.types("c")
    until(lambda: run(anna, "return window.held()"))
    with stand.database.begin() as connection:
        assert claims.claim(connection, case.id, 2, datetime.now(UTC))
    until(lambda: run(anna, "return window.answers"))
    run(anna, "window.release()")
    anna.sees("Not done. Bo Lind has this case")
    anna.sees("Bo Lind has it")
    assert not anna.all("#case-claim")


def test_what_was_chosen_and_ticked_survives_another_deed(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups(), channel="phone")
    at_case(anna, case)
    anna.types("c")
    for selector, words in (("#disposition", "no answer"), ("#because", "the key is blocked"), ("#what", "groups")):
        options = anna.waits_for(selector).find_elements(By.TAG_NAME, "option")
        next(each for each in options if words in each.text).click()
    anna.clicks("#again-4")
    anna.clicks("#form-called-back button[value=no]")
    anna.sees("not reached, try 1")
    chosen = [anna.holds(selector) for selector in ("#disposition", "#because", "#what")]
    assert chosen == ["no_answer", "KEY_BLOCKED", "groups"]
    assert anna.waits_for("#again-4").is_selected()


def test_a_deed_that_was_not_done_leaves_its_draft_for_after_a_reload(stand, at_desk):
    anna, case = at_desk("Anna Berg"), stand.enter(stand.groups()[:3])
    at_case(anna, case)
    anna.types("n", "they read me 123456 789012 345678")
    anna.clicks("#form-note button")
    anna.sees("Not done. Leave IDs and telephone numbers out")
    anna.driver.refresh()
    assert anna.holds("#note") == "they read me 123456 789012 345678"


def test_a_table_that_was_opened_in_the_office_stays_open(stand, at_desk):
    cleo = at_desk("Cleo Marsh")
    cleo.goes("/desk/office")
    cleo.clicks("#hours-in-words summary")
    stand.enter()
    cleo.sees(r"Waiting now\s+1\b")
    assert cleo.driver.execute_script("return document.getElementById('hours-in-words').open")
