"""The telephone's page in a real browser, with a library of our own in the provider's place."""

import threading
from dataclasses import replace

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from sqlalchemy import select
from werkzeug.serving import make_server

from ivr.browser_phones import browser_phones
from webhooks.desk.app import create_desk
from webhooks.desk.voice import Voice

from .conftest import PASSWORD, until
from .looks import faults

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LIBRARY = b"""
class Speaking {
  constructor() { this.listeners = {}; }
  on(name, does) { (this.listeners[name] = this.listeners[name] || []).push(does); }
  tell(name, ...facts) { for (const does of this.listeners[name] || []) does(...facts); }
}
window.Twilio = { Device: class extends Speaking {
  constructor(token, options) { super(); this.tokens = [token]; this.options = options; window.device = this; }
  async register() { if (window.refuse) throw new Error("No network."); this.tell("registered"); }
  updateToken(token) { this.tokens.push(token); }
  destroy() { this.gone = true; this.tell("unregistered"); }
} };
window.Call = class extends Speaking {
  accept() { this.tell("accept"); }
  reject() { this.tell("reject"); }
  disconnect() { this.tell("disconnect"); }
  mute(muted) { this.muted = muted; }
  isMuted() { return Boolean(this.muted); }
};
"""
VOICE = Voice("AC" + "0" * 32, "SK" + "1" * 32, "the-secret-of-the-key-is-32-bytes", LIBRARY)


@pytest.fixture
def phone(desk, add_operator, browsers):
    """The page, once it has registered."""
    add_operator("Anna Berg")
    server = make_server("127.0.0.1", 0, create_desk(replace(desk, voice=VOICE)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    with browsers.lend(url) as driver:
        driver.get(f"{url}/desk")
        driver.find_element(By.ID, "name").send_keys("Anna Berg", Keys.TAB, PASSWORD, Keys.RETURN)
        until(lambda: driver.find_elements(By.LINK_TEXT, "Telephone"))
        driver.find_element(By.LINK_TEXT, "Telephone").click()
        until(lambda: state(driver) == "ready")
        yield driver
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def there(database):
    """Whether the desk may ring the page."""

    def asked():
        with database.read() as connection:
            return connection.execute(select(browser_phones.c.operator_id)).first() is not None

    return asked


def state(driver):
    found = driver.find_elements(By.ID, "phone")
    return found[0].get_attribute("data-state") if found else None


def words(driver):
    return driver.find_element(By.ID, "phone-state").text


def buttons(driver):
    """The buttons of the telephone that are shown."""
    return [each.text for each in driver.find_elements(By.CSS_SELECTOR, "#phone button") if each.is_displayed()]


def ring(driver):
    driver.execute_script("window.call = new Call(); device.tell('incoming', call);")
    until(lambda: state(driver) == "ringing")


def key(driver, name):
    ActionChains(driver).send_keys(name).perform()


def test_a_call_comes_is_taken_by_a_key_muted_and_hung_up(phone, there, serious_faults):
    until(there)
    assert words(phone) == "Ready. It rings here."
    assert faults(phone, serious_faults) == {}
    ring(phone)
    assert (words(phone), buttons(phone)) == ("A call for you.", ["Take the call a", "Not now"])
    assert phone.title.startswith("A call for you")
    assert phone.switch_to.active_element.get_attribute("id") == "phone-accept"
    assert faults(phone, serious_faults) == {}
    key(phone, "a")
    until(lambda: state(phone) == "talking")
    assert buttons(phone) == ["Mute me", "Hang up h"]
    phone.find_element(By.ID, "phone-mute").click()
    assert phone.execute_script("return call.muted") is True
    assert phone.find_element(By.ID, "phone-mute").get_attribute("aria-pressed") == "true"
    key(phone, "h")
    until(lambda: state(phone) == "ready")
    assert not phone.title.startswith("A call for you")
    assert there()


@pytest.mark.parametrize("news", ["cancel", "error"])
def test_a_call_that_is_not_taken_rings_no_more(phone, news):
    ring(phone)
    phone.execute_script(f"call.tell('{news}', {{code: 31005}})")
    until(lambda: state(phone) == "ready")
    ring(phone)
    phone.find_element(By.ID, "phone-reject").click()
    until(lambda: state(phone) == "ready")


def test_a_token_is_renewed_before_it_ends_in_the_middle_of_a_call(phone):
    ring(phone)
    key(phone, "a")
    phone.execute_script("device.tell('tokenWillExpire', device)")
    until(lambda: phone.execute_script("return device.tokens.length") == 2)
    first, second = phone.execute_script("return device.tokens")
    assert first.count(".") == second.count(".") == 2
    assert state(phone) == "talking"


def test_a_telephone_that_is_switched_off_or_left_is_not_rung(phone, there):
    until(there)
    phone.find_element(By.ID, "phone-off").click()
    until(lambda: not there())
    assert words(phone) == "Switched off. Your own telephone rings instead."
    assert phone.execute_script("return device.gone") is True
    phone.find_element(By.ID, "phone-on").click()
    until(there)
    phone.find_element(By.LINK_TEXT, "Logins").click()
    until(lambda: not there())


def test_a_lost_connection_is_said_and_the_desk_rings_the_page_no_more(phone, there):
    until(there)
    phone.execute_script("device.tell('unregistered')")
    until(lambda: not there())
    assert words(phone) == "The connection is lost. It is tried again by itself."
    phone.execute_script("device.tell('registered')")
    until(there)
    assert words(phone) == "Ready. It rings here."


def test_the_page_loads_nothing_that_its_policy_forbids(phone):
    loud = [entry for entry in phone.get_log("browser") if "Content Security Policy" in entry["message"]]
    assert loud == []
    blocked = phone.execute_async_script(
        "fetch('https://example.com/').then(() => arguments[0]('let through'), () => arguments[0]('blocked'))"
    )
    assert blocked == "blocked"
