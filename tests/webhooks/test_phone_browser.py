"""The rehearsal page in a real browser: everything a visitor does, with mouse and keyboard, over real HTTP."""

import os
import re
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from werkzeug.serving import make_server

from ivr.lines import Line, Lines
from keys.device.build import ProductBuild
from tests.conftest import CATALOGUES
from tests.webhooks.browsers import MARKS, NARROW, WIDE
from tests.webhooks.desk.browser.looks import TOO_WIDE, sized
from webhooks import delivery
from webhooks.app import create_app
from webhooks.phone import Phone
from webhooks.phone_calls import Far, Switchboard
from webhooks.phone_file import Installable
from webhooks.phone_machines import Machines
from webhooks.phone_texts import PhoneTexts
from webhooks.rehearsal.carrier import RehearsalCarrier
from webhooks.rehearsal.fetching import Address
from webhooks.rehearsal.texting import TextLine
from webhooks.twilio_rest import Rehearsed, TwilioCarrier
from webhooks.twiml import Wording

TOKEN = "a-token-that-only-the-tests-know"
NUMBER = "+15005550006"
SPEED = 12.0
"""The line speaks so many times faster than people do; its own waits stay what they are."""

pytestmark = [*MARKS, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
def address(exchange, secrets, mak, tmp_path):
    """A line that serves in this process, and delivers texts, with the page switched on; gives the page's address."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    build = ProductBuild(1, "Fairway", 1, 2, secrets.products[1].verification[2], 8, line=NUMBER)
    lines = Lines((Line(NUMBER, "Nordstern activation line", "US", "en-US", 24, text_sender=NUMBER),))
    began, now = time.monotonic(), exchange.now()
    exchange = replace(
        exchange,
        wording=Wording(url, CATALOGUES),
        lines=lines,
        now=lambda: now + timedelta(seconds=time.monotonic() - began),
    )
    far = Far(url, url, exchange.account_sid, exchange.auth_tokens[0])
    machines = Machines(Installable(build, mak.text))
    far_texts = TextLine(Address(url, url), exchange.account_sid, tmp_path / "texts.jsonl", exchange.auth_tokens[0])
    texts = PhoneTexts(far_texts, exchange.database)
    server.app = create_app(exchange, Phone(url, lines, Switchboard(far, SPEED), machines, TOKEN, texts))
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    stop = threading.Event()
    delivering = threading.Thread(target=delivery.run, args=(exchange, carrier_of(far_texts), stop))
    serving.start()
    delivering.start()
    yield f"{url}/phone"
    stop.set()
    exchange.texts_due.set()
    delivering.join()
    server.shutdown()
    serving.join()
    server.server_close()


def carrier_of(line):
    """The rehearsal's carrier, behind Twilio's own library as in a line without an API key."""
    kept = RehearsalCarrier(line.arrivals, address=line.address, auth_token=line.auth_token)
    return TwilioCarrier(line.account_sid, "rehearsal", "rehearsal", http=lambda: Rehearsed(kept))


@pytest.fixture
def browser(address, browsers):
    """A browser that knows nothing of the page yet."""
    with browsers.lend(address.removesuffix("/phone")) as driver:
        yield driver


class Visitor:
    """Somebody in front of the page: sees what it shows, clicks and types."""

    def __init__(self, driver):
        self.driver = driver

    def sees(self, element):
        """The text of an element, as it is shown."""
        return self.driver.find_element(By.ID, element).text

    def element(self, name):
        return self.driver.find_element(By.ID, name)

    def click(self, name):
        self.element(name).click()

    def types(self, keys):
        """Type wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(keys)

    def clicks_keys(self, keys):
        for key in keys:
            self.driver.find_element(By.CSS_SELECTOR, f'#keypad [data-key="{key}"]').click()

    def transcript(self, who=None):
        """All entries so far, or one side's."""
        rows = self.driver.find_elements(By.CSS_SELECTOR, f"#transcript p{'.' + who if who else ''}")
        return [row.text.replace("\n", " ") for row in rows]

    def waits(self, for_what, seconds=20):
        """Look again until it is so; the last thing seen is in the complaint."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := for_what():
                return found
            time.sleep(0.05)
        raise AssertionError((self.sees("state"), self.sees("lamp"), self.transcript()))

    def hears(self, pattern, seconds=20):
        """Wait until the line has said something like this; gives the match."""
        return self.waits(lambda: re.search(pattern, " ".join(self.transcript("line"))), seconds)

    def waits_to_be_asked(self, pattern):
        """Wait until the line says this and listens."""
        self.hears(pattern)
        self.waits(lambda: self.sees("lamp") == "Listening")

    def texts(self, who):
        """The bodies of all texts so far, of one side."""
        return [body.text for body in self.driver.find_elements(By.CSS_SELECTOR, f"#texts .{who} p")]

    def under(self, who):
        """What stands under the last text of one side: when, how many segments, what became of it."""
        return self.driver.find_elements(By.CSS_SELECTOR, f"#texts .{who} .under")[-1].text

    def reads(self, pattern, seconds=10):
        """Wait until a text of the line says something like this."""
        return self.waits(lambda: re.search(pattern, "\n".join(self.texts("line"))), seconds)

    def installation_id(self):
        return self.waits(lambda: [item.text for item in self.driver.find_elements(By.CSS_SELECTOR, "#iid li")])

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture
def visitor(browser, address):
    browser.get(f"{address}?token={TOKEN}")
    return Visitor(browser)


def take_picture(visitor, name, scheme="light"):
    """Keep a picture of the whole page, where pictures were asked for (`make screenshots`)."""
    if folder := os.environ.get("TOUCHTONE_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        visitor.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        time.sleep(0.3)  # for the colours to have changed
        visitor.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


def take_down(visitor):
    """Write every block down as it is read, to the last."""
    visitor.hears("last block", seconds=60)
    heard = re.findall(r"\b[A-H], \w+\. ((?:\d[ ,]*){6})", " ".join(visitor.transcript("line")))
    return [re.sub(r"\D", "", block) for block in heard]


def slipped(block):
    """The block with its third digit wrong."""
    return f"{block[:2]}{(int(block[2]) + 1) % 10}{block[3:]}"


def test_a_visitor_activates_the_machine_by_mouse_and_keyboard_as_the_picture_shows(visitor, address):
    groups = visitor.installation_id()
    assert visitor.driver.current_url == address, "the token stays in sight"
    visitor.element("delay").send_keys(Keys.HOME)
    assert visitor.sees("delay-words") == "0.3"
    visitor.click("dial")
    visitor.waits_to_be_asked("Key group 1")
    visitor.clicks_keys(groups[0] + "#")
    for number, group in enumerate(groups[1:], 2):
        visitor.waits_to_be_asked(f"Group {number}")
        visitor.types(group)
    blocks = take_down(visitor)
    visitor.click("hang-up")
    visitor.waits(lambda: "confirmation ID was heard" in visitor.sees("summary"))
    visitor.click("block-A")
    visitor.types(blocks[0] + slipped(blocks[1]) + "".join(blocks[2:]))
    visitor.waits(lambda: "Block B does not fit" in visitor.sees("why-B"))
    visitor.click("confirm")
    visitor.waits(lambda: "block B" in visitor.sees("wrong"))
    assert visitor.driver.switch_to.active_element == visitor.element("block-B")
    visitor.types(Keys.CONTROL + "a")
    visitor.types(blocks[1] + Keys.ENTER)
    visitor.waits(lambda: "Activated" in visitor.sees("status"))
    take_picture(visitor, "phone")
    take_picture(visitor, "phone-dark", "dark")
    visitor.driver.refresh()
    assert visitor.installation_id() == groups, "a reload makes another machine"
    assert "Activated" in visitor.sees("status")
    assert [told for told in visitor.complaints() if "422" not in told] == []


def test_the_code_on_the_screen_dials_all_digits_in_one_run_and_every_request_twice(visitor):
    visitor.installation_id()
    visitor.click("twice")
    visitor.click("dial-code")
    visitor.hears(r"A, Alpha\. \d", seconds=40)
    keyed = "".join(re.sub(r"\D", "", row[5:]) for row in visitor.transcript("you"))
    assert keyed == "".join(visitor.installation_id())
    visitor.click("hang-up")
    visitor.waits(lambda: "both deliveries answered alike" in visitor.sees("summary"))


def test_a_caller_who_withholds_the_number_is_asked_like_any_other(visitor):
    Select(visitor.element("caller")).select_by_visible_text("Withheld")
    visitor.click("dial")
    visitor.waits_to_be_asked("Key group 1")
    visitor.types(visitor.installation_id()[0] + "#")
    visitor.waits_to_be_asked("Group 2")
    visitor.click("hang-up")
    visitor.waits(lambda: "caller hung up" in visitor.sees("summary"))


def test_a_keyboard_alone_is_enough_from_the_top_of_the_page_to_the_end_of_a_call(visitor):
    groups = visitor.installation_id()
    tab_to(visitor, "dial")
    visitor.types(Keys.ENTER)
    visitor.waits_to_be_asked("Key group 1")
    visitor.types(groups[0])
    visitor.waits(lambda: any(groups[0] in row for row in visitor.transcript("you")))
    tab_to(visitor, "hang-up")
    visitor.types(Keys.SPACE)
    visitor.waits(lambda: visitor.sees("state") == "Call ended")


def tab_to(visitor, name):
    """Press the tab key until this element has the focus."""
    for _ in range(20):
        visitor.types(Keys.TAB)
        if visitor.driver.switch_to.active_element.get_attribute("id") == name:
            return
    raise AssertionError(name)


def test_a_call_can_be_made_to_drop_by_itself(visitor):
    visitor.driver.execute_script("document.querySelector('#drop').add(new Option('at once', '2'))")
    Select(visitor.element("drop")).select_by_visible_text("at once")
    visitor.click("dial")
    visitor.waits(lambda: visitor.sees("state") == "Call ended")
    assert any("hangs up" in row for row in visitor.transcript("you"))


def test_a_visitor_texts_the_id_and_types_the_answer_as_the_picture_shows(visitor):
    groups = visitor.installation_id()
    visitor.click("body")
    visitor.types("hello?" + Keys.ENTER)
    visitor.reads("Text the installation ID")
    visitor.waits(lambda: "delivered" in visitor.under("you"))
    visitor.types(" ".join([*groups[:3], groups[4], groups[3], *groups[5:8]]) + Keys.ENTER)
    visitor.reads(r"Group 9 is missing|Groups? .* not right")
    visitor.click("text-code-button")
    visitor.types(Keys.ENTER)
    blocks = re.findall(r"^[A-H] (\d{6})$", visitor.reads(r"Approved[^ ]*(?:.*\n){8}.*")[0], re.MULTILINE)
    assert len(blocks) == 8
    assert "one segment, GSM-7" in visitor.under("line")
    visitor.waits(lambda: visitor.under("line").endswith("delivered"))
    visitor.driver.find_element(By.CSS_SELECTOR, "#texts .line:last-child button").click()
    assert [visitor.element(f"block-{letter}").get_attribute("value") for letter in "ABCDEFGH"] == blocks
    visitor.types(Keys.ENTER)
    visitor.waits(lambda: "Activated" in visitor.sees("status"))
    take_picture(visitor, "phone-texts")
    before = visitor.texts("line")
    visitor.driver.refresh()
    visitor.waits(lambda: visitor.texts("line") == before)
    assert visitor.complaints() == []


def test_what_a_call_offers_to_text_comes_to_the_page_and_activates_the_machine(visitor):
    visitor.installation_id()
    visitor.click("dial-code")
    visitor.hears(r"A, Alpha\. \d", seconds=40)
    for _ in range(8):  # hash goes on to the next block, and behind the last to what can be done then
        visitor.waits(lambda: visitor.sees("lamp") == "Listening")
        visitor.types("#")
        visitor.waits(lambda: visitor.sees("lamp") != "Listening" or "press 9" in visitor.transcript("line")[-1])
    visitor.waits_to_be_asked("press 9")
    visitor.types("9")
    visitor.hears("A text is on its way")
    assert len(re.findall(r"^[A-H] \d{6}$", visitor.reads(r"Approved(?:.*\n){8}.*")[0], re.MULTILINE)) == 8
    visitor.click("hang-up")
    visitor.waits(lambda: visitor.sees("state") == "Call ended")
    visitor.driver.find_element(By.CSS_SELECTOR, "#texts .line button").click()
    visitor.click("confirm")
    visitor.waits(lambda: "Activated" in visitor.sees("status"))


def test_a_text_that_may_not_be_answered_says_why_and_each_number_has_its_own_conversation(visitor):
    visitor.installation_id()
    Select(visitor.element("caller")).select_by_visible_text("+44 20 7946 0958, from abroad")
    visitor.click("body")
    visitor.types("?" + Keys.ENTER)
    visitor.waits(lambda: visitor.texts("you") and "none to that country" in visitor.under("you"))
    assert visitor.texts("line") == []
    Select(visitor.element("caller")).select_by_visible_text("+1 415 555 0123")
    assert visitor.texts("you") == []
    Select(visitor.element("caller")).select_by_visible_text("Withheld")
    assert "withheld number sends no texts" in visitor.sees("hindrance")
    assert not visitor.element("send").is_enabled()


NAMELESS = """
return [...document.querySelectorAll("button, input, select, textarea, img, [role=group], [role=log], section")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.labels?.length || one.ariaLabel || one.getAttribute("aria-labelledby") || one.alt
    || (one.tagName === "BUTTON" && one.textContent.trim())))
  .map((one) => one.outerHTML.slice(0, 80));
"""


def test_whatever_can_be_used_has_a_name_for_a_screen_reader(visitor):
    visitor.installation_id()
    assert visitor.driver.execute_script(NAMELESS) == []


def test_the_page_has_no_serious_fault_light_or_dark(visitor, serious_faults):
    visitor.installation_id()
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        visitor.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        time.sleep(0.3)  # for the colours to have changed
        assert serious_faults(visitor.driver) == [], scheme


@pytest.mark.parametrize(("locale", "activated"), [("ar", "تم التفعيل"), ("de", "Aktiviert")], ids=["ar", "de"])
def test_the_page_in_another_language_activates_as_well_as_the_picture_shows(
    visitor, address, serious_faults, locale, activated
):
    groups = visitor.installation_id()
    Select(visitor.element("language")).select_by_value(locale)
    root = visitor.waits(lambda: visitor.driver.find_elements(By.CSS_SELECTOR, f"html[lang='{locale}']"))[0]
    assert (root.get_attribute("dir") == "rtl") is (locale == "ar")
    assert visitor.installation_id() == groups, "a language makes another machine"
    visitor.click("text-code-button")
    visitor.types(Keys.ENTER)
    visitor.reads(r"Approved(?:.*\n){8}.*")
    visitor.driver.find_element(By.CSS_SELECTOR, "#texts .line:last-child button").click()
    visitor.types(Keys.ENTER)
    visitor.waits(lambda: activated in visitor.sees("status"))
    take_picture(visitor, f"phone-{locale}")
    assert visitor.driver.execute_script(NAMELESS) == []
    for size in (WIDE, NARROW):
        sized(visitor.driver, size)
        assert serious_faults(visitor.driver) == []
        assert visitor.driver.execute_script(TOO_WIDE) == []
    sized(visitor.driver, WIDE)
    visitor.driver.get(address)
    assert visitor.driver.find_elements(By.CSS_SELECTOR, f"html[lang='{locale}']"), "the choice is not kept"
    assert visitor.complaints() == []


def test_without_the_token_the_browser_shows_one_sentence(visitor, address):
    visitor.driver.delete_all_cookies()
    visitor.driver.get(f"{address}?token=something-else")
    assert "opens with the whole address" in visitor.driver.page_source
    assert not visitor.driver.find_elements(By.TAG_NAME, "button")
