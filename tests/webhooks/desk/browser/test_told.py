"""What reaches the browser of an operator who wants to be told of a new case: tones that play, a notice that shows."""

import pytest

from .conftest import until

SEEN = """
    window.tones = []; window.shown = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) {
      window.tones.push([this.frequency.value, this.context.state]);
      return start.call(this, at);
    };
    const Real = window.Notification;
    window.Notification = class extends Real {
      constructor(title, options) {
        super(title, options);
        window.shown.push([title, options.body, options.tag]);
        this.addEventListener("show", () => window.shown.push("shown"));
      }
    };
"""
"""The real ones of the browser, and what is asked of them is written down."""


@pytest.fixture
def anna(stand, at_desk):
    """An operator at the queue, whose browser allows notices and writes down what reaches it."""
    stand.clear()
    operator = at_desk()
    operator.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SEEN})
    operator.driver.execute_cdp_cmd(
        "Browser.grantPermissions", {"origin": stand.desk_url, "permissions": ["notifications"]}
    )
    operator.logs_in("Anna Berg")
    return operator


def read(operator, name):
    return operator.driver.execute_script(f"return window.{name}")


def pressed(operator, name):
    return operator.waits_for(f"#{name}").get_attribute("aria-pressed")


def test_a_new_case_sounds_where_that_is_wanted_and_says_so_in_words_to_everybody(anna, stand):
    stand.enter()
    until(lambda: "A new case waits" in read(anna, "document.getElementById('news').textContent"))
    assert read(anna, "tones") == []
    anna.types("s")
    until(lambda: len(read(anna, "tones")) == 2)  # so that one hears what it will be like
    assert pressed(anna, "sound") == "true"
    stand.enter()
    until(lambda: len(read(anna, "tones")) == 4)
    assert read(anna, "tones")[2:] == [[660, "running"], [880, "running"]]
    anna.types("s")
    assert pressed(anna, "sound") == "false"
    case = stand.enter()
    anna.waits_for(f"#case-{case.id}")
    assert len(read(anna, "tones")) == 4


def test_a_new_case_is_a_notice_of_the_desktop_while_the_page_is_out_of_sight(anna, stand):
    anna.clicks("#notices")
    until(lambda: pressed(anna, "notices") == "true")
    seen = stand.enter()
    until(lambda: "A new case waits" in read(anna, "document.getElementById('news').textContent"))
    anna.driver.execute_script("Object.defineProperty(document, 'hidden', {value: true})")
    case = stand.enter()
    until(lambda: read(anna, "shown"))
    assert read(anna, "shown")[0] == ["A case waits", "Somebody waits for a person.", f"desk-{case.id}"]
    assert not any(f"desk-{seen.id}" in each for each in read(anna, "shown")), "what is before one's eyes is no notice"


def test_where_the_browser_allows_no_notices_the_switch_stays_off_and_says_why(anna, stand):
    anna.driver.execute_cdp_cmd(
        "Browser.setPermission",
        {"origin": stand.desk_url, "permission": {"name": "notifications"}, "setting": "denied"},
    )
    anna.clicks("#notices")
    anna.sees("The browser does not allow notices of this page")
    assert pressed(anna, "notices") == "false"


def test_a_case_that_its_operator_takes_up_is_told_to_nobody_else(anna, at_desk, stand):
    case = stand.enter()
    until(lambda: "A new case waits" in read(anna, "document.getElementById('news').textContent"))
    stand.clear()
    anna.sees("Nobody waits")
    anna.driver.refresh()
    anna.types("s")
    until(lambda: len(read(anna, "tones")) == 2)
    bo = at_desk("Bo Lind")
    bo.goes("/desk/queue")
    bo.types("o", stand.number_of(case), "\ue007")
    bo.waits_for("#form-take-up")
    bo.types("u", "they wrote to us", "\ue007")
    bo.waits_for("#form-groups")
    anna.sees("Bo Lind")
    assert len(read(anna, "tones")) == 2
