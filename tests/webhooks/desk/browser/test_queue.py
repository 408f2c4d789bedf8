"""The queue as it is served in life: what arrives by itself, the keys, and a stream that breaks."""

import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from selenium.webdriver.common.keys import Keys

from ivr import logins, operators, queue
from webhooks.bench.running import free_port

from .conftest import Operator, until


@pytest.fixture(autouse=True)
def _empty_queue(stand):
    """Nobody waits from another test."""
    stand.clear()


class Process:
    """Another desk over the same database, to be stopped and started again."""

    def __init__(self, stand):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        told = {"TOUCHTONE_DESK_LISTEN": f"127.0.0.1:{port}", "TOUCHTONE_DESK_URL": self.url}
        self.environment = stand.environment | told
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, "-m", "webhooks.cli", "desk"], env=self.environment)
        until(self._is_ready, 30.0)

    def _is_ready(self):
        try:
            urllib.request.urlopen(f"{self.url}/desk/login", timeout=2).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


@pytest.fixture
def another_desk(stand):
    process = Process(stand)
    yield process
    process.stop()


@pytest.fixture
def at_another_desk(another_desk, stand, browsers):
    """Anna at that desk."""
    with browsers.lend(another_desk.url) as driver:
        anna = Operator(driver, replace(stand, desk_url=another_desk.url))
        anna.logs_in("Anna Berg")
        yield anna


def number_of(stand, name):
    """An operator's row id."""
    with stand.database.read() as connection:
        return operators.find(connection, name).id


def owner(stand, handoff):
    with stand.database.read() as connection:
        return queue.read(connection, handoff.id).claimed_by


def rows(operator):
    return len(operator.all("tr[data-row]"))


def test_a_case_appears_by_itself_and_the_keys_keep_their_place(at_desk, stand):
    anna = at_desk("Anna Berg")
    anna.sees(r"Nobody waits\.")
    until(lambda: anna.driver.execute_script("return document.getElementById('queue-count').textContent"))
    first, began = stand.enter(), time.monotonic()
    until(lambda: rows(anna) == 1)
    assert time.monotonic() - began < 2.0
    until(lambda: anna.driver.title.startswith("(1) Queue"))
    anna.types("j")
    anna.focuses(f"case-{first.id}")
    second = stand.enter()
    until(lambda: rows(anna) == 2)
    anna.focuses(f"case-{first.id}")
    anna.types("j")
    anna.focuses(f"case-{second.id}")
    anna.types("k", "?")
    anna.waits_for("#keymap")
    anna.types(Keys.ESCAPE)
    anna.focuses(f"case-{first.id}")  # where it was before the list of keys
    anna.types("c")
    until(lambda: owner(stand, first) == number_of(stand, "Anna Berg"))
    # Chromium itself asks for nothing that the policy forbids, and no script failed.
    assert anna.complaints() == []


def test_a_desk_that_is_started_again_is_said_to_be_gone_and_found_again(at_another_desk, another_desk, stand):
    anna = at_another_desk
    assert rows(anna) == 0
    another_desk.stop()
    anna.waits_for("#stream")
    stand.enter()
    another_desk.start()
    until(lambda: rows(anna) == 1, within=30)
    until(lambda: not anna.shown("#stream"), within=30)


def test_who_is_logged_out_meanwhile_is_told_so_and_loses_nothing(at_desk, stand):
    anna = at_desk("Anna Berg")
    until(lambda: anna.waits_for("#queue-count").get_attribute("data-waiting") == "0")
    with stand.database.begin() as connection:
        logins.revoke_all(connection, number_of(stand, "Anna Berg"), datetime.now(UTC))
    stand.enter()
    anna.waits_for("#gone")
    assert "Nothing you typed is lost." in anna.waits_for("#gone").text
