"""The queue in a real browser, served as it is in life: what arrives by itself, the keys, and a stream that breaks."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ivr import cases, logins, queue

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = not (CHROMIUM and DRIVER)
PASSWORD = "correct horse battery"
LINE = "+15005550006"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    # Where the change is judged, a missing browser is a failure and not an excuse.
    pytest.mark.skipif(MISSING and not os.environ.get("CI"), reason="Chromium and ChromeDriver are not installed"),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """`touchtone desk` over the test's database."""

    def __init__(self, port):
        self.url, self.environ = f"http://127.0.0.1:{port}", dict(os.environ)
        self.environ |= {"TOUCHTONE_DESK_LISTEN": f"127.0.0.1:{port}", "TOUCHTONE_DESK_URL": self.url}
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, "-m", "webhooks.cli", "desk"], env=self.environ)
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{self.url}/desk/login", timeout=2).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


@pytest.fixture
def served(touchtone, tmp_path):
    (tmp_path / "data" / "lines.toml").write_text(
        f'[[line]]\nnumber = "{LINE}"\nname = "Activation line"\ncountry = "US"\nlocale = "en-US"\n'
    )
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    assert touchtone("operator", "add", "Anna Berg", "--password-file", file).status == 0
    process = Process(free_port())
    yield process
    process.stop()


@pytest.fixture
def browser(served):
    home = Path(tempfile.mkdtemp(prefix="touchtone-desk-"))
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--user-data-dir={home}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get(f"{served.url}/desk")
    driver.find_element(By.ID, "name").send_keys("Anna Berg", Keys.TAB, PASSWORD, Keys.RETURN)
    until(lambda: driver.find_elements(By.ID, "board") and driver.find_element(By.ID, "queue-count").text)
    yield driver
    driver.quit()
    shutil.rmtree(home, ignore_errors=True)


def until(true, within=10.0):
    """Wait until something is true; how long it took."""
    began = time.monotonic()

    def holds():
        try:
            return true()
        except StaleElementReferenceException:  # it was swapped between the look for it and the look at it
            return False

    while not holds():
        assert time.monotonic() - began < within
        time.sleep(0.02)
    return time.monotonic() - began


def arrive(database):
    """A text brings a case into the queue."""
    now = datetime.now(UTC)
    with database.begin() as connection:
        case = cases.open_case(
            connection, line=LINE, caller=None, layout=None, groups=(), now=now, below=random.randrange
        )
        cases.needs_person(connection, case.id, "ASKED", now)
        sid = f"SM{case.id:032x}"
        return queue.enter(
            connection, case.id, channel="text", sid=sid, line=LINE, caller=None, reason="ASKED", now=now
        )


def owner(database, handoff):
    with database.read() as connection:
        return queue.read(connection, handoff.id).claimed_by


def rows(browser):
    return len(browser.find_elements(By.CSS_SELECTOR, "tr[data-row]"))


def press(browser, *keys):
    ActionChains(browser).send_keys(*keys).perform()


def focused(browser):
    return browser.switch_to.active_element.get_attribute("id")


def test_a_case_appears_by_itself_and_the_keys_keep_their_place(browser, database):
    assert "Nobody waits." in browser.find_element(By.ID, "board").text
    first = arrive(database)
    assert until(lambda: rows(browser) == 1) < 2.0
    until(lambda: browser.title.startswith("(1) Queue"))
    press(browser, "j")
    until(lambda: focused(browser) == f"case-{first.id}")
    second = arrive(database)
    until(lambda: rows(browser) == 2)
    until(lambda: focused(browser) == f"case-{first.id}")
    press(browser, "j")
    until(lambda: focused(browser) == f"case-{second.id}")
    press(browser, "k", "?")
    until(lambda: browser.find_element(By.ID, "keymap").is_displayed())
    press(browser, Keys.ESCAPE)
    until(lambda: focused(browser) == f"case-{first.id}")  # where it was before the list of keys
    press(browser, "c")
    until(lambda: owner(database, first) == 1)
    # Chromium itself asks for nothing that the policy forbids, and no script failed.
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_desk_that_is_started_again_is_said_to_be_gone_and_found_again(browser, served, database):
    until(lambda: rows(browser) == 0)
    served.stop()
    until(lambda: browser.find_element(By.ID, "stream").is_displayed())
    arrive(database)
    served.start()
    until(lambda: rows(browser) == 1, within=30)
    until(lambda: not browser.find_element(By.ID, "stream").is_displayed(), within=30)


def test_who_is_logged_out_meanwhile_is_told_so_and_loses_nothing(browser, database):
    until(lambda: browser.find_element(By.ID, "queue-count").get_attribute("data-waiting") == "0")
    with database.begin() as connection:
        logins.revoke_all(connection, 1, datetime.now(UTC))
    arrive(database)
    until(lambda: browser.find_element(By.ID, "gone").is_displayed())
    assert "Nothing you typed is lost." in browser.find_element(By.ID, "gone").text
