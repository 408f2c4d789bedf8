"""The desk as operators have it: line and desk serve in processes of their own, callers ring, people sit at Chromium.

- `stand`: a line and its desk for all tests here, each a process, over one SQLite file; its people are `PEOPLE`, all
  with the same password. `stand.groups(number)` is the ID of another machine each; `stand.call(caller, number=...)`
  rings the line and gives a `Ringing`; `stand.enter(...)` puts a case into the queue by itself.
- `at_desk(name)`: a browser in which that person is logged in, as an `Operator`; the next test finds nothing of it.
- `take_picture(operator, name, scheme)`: keeps a picture where pictures were asked for (`make screenshots`).
"""

import os
import re
import shutil
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ivr import cases, claims, operators, queue
from ivr.operators import NewOperator, Role
from ivr.weighing import decoded
from keys import catalog, derivation, ledger, secrets_file
from keys.catalog_loading import load as load_catalogue
from keys.database import Database
from keys.formats import FORMATS
from keys.groups import check_groups, split
from keys.installation_id import InstallationID, encode
from keys.issue import Order, issue, show
from keys.products import Product
from tests.webhooks.browsers import MARKS
from webhooks.bench import running
from webhooks.rehearsal.dialling import Terms, dial
from webhooks.rehearsal.scripted import Mood, ScriptedCaller

PASSWORD = "correct horse battery"
PATIENCE = 30.0
"""Seconds until something is believed not to come: a busy machine is slow, and only a failure waits so long."""
NUMBER = "+15005550006"
ACCOUNT, TOKEN = "AC" + "0" * 32, "0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://line.example"
PEOPLE = {
    "Anna Berg": Role.OPERATOR,
    "Bo Lind": Role.OPERATOR,
    "Cleo Marsh": Role.SUPERVISOR,
    "Dag Ring": Role.ADMINISTRATOR,
}
GRANT_LIMITS = {Role.OPERATOR: 20, Role.SUPERVISOR: 500, Role.ADMINISTRATOR: 500}
LINES = f"""\
[[line]]
number = "{NUMBER}"
name = "Nordstern activation line"
country = "US"
text_sender = "{NUMBER}"
desk_hours = "mon-sun 00:00-24:00"
"""


def pytest_itemcollected(item):
    """Everything here drives a browser."""
    for mark in MARKS:
        item.add_marker(mark)


class Stuck(ScriptedCaller):
    """Keys the whole ID, and two digits of one group wrong however often it is asked for: until a person helps."""

    def _keyed(self, group):
        digits = self.groups[group - 1]
        return misread(self.groups, group) if group == self.mood.wrong_group else digits


def misread(groups, group):
    """A group with two digits wrong, so that its check digit tells, and no repair can be sure of it."""
    before, digits, after = groups[: group - 1], groups[group - 1], groups[group:]
    for change in range(1, 10):
        second, fourth = ((int(digits[place]) + change) % 10 for place in (1, 3))
        told = f"{digits[0]}{second}{digits[2]}{fourth}{digits[4:]}"
        if check_groups(FORMATS[1], (*before, told, *after)):
            return told
    raise AssertionError(digits)


class Ringing:
    """A call under way in a thread of its own."""

    def __init__(self, ring):
        self.entries, self.record = [], None
        self._thread = threading.Thread(target=self._run, args=(ring,), daemon=True)
        self._thread.start()

    def _run(self, ring):
        self.record = ring(self.entries.append)

    @property
    def words(self):
        """All that the line has said so far."""
        return " ".join(entry.words for entry in self.entries if entry.side == "line")

    def hears(self, pattern, within=PATIENCE):
        """Wait until the line has said something like this."""
        return until(lambda: re.search(pattern, self.words), within, lambda: self.words)

    def ends(self, within=PATIENCE):
        """Wait for the end of the call; its record."""
        self._thread.join(within)
        assert self.record is not None, self.words
        return self.record


@dataclass
class Stand:
    """A line and its desk; `environment` is what commands over it are run with."""

    folder: Path
    database: Database
    line_url: str
    desk_url: str
    product_key: object
    environment: dict
    _machines: count = field(default_factory=lambda: count(1))
    _callers: count = field(default_factory=lambda: count(1))

    def groups(self):
        """The installation ID of another machine, by its groups."""
        nonce, fmt = next(self._machines), FORMATS[1]
        serial = self.product_key.key.serial
        held = secrets_file.load(self.folder / "secrets.toml").products[1]
        fingerprint = tuple((nonce + place) % 64 for place in range(fmt.fingerprint_fields))
        bare = InstallationID(fmt.number, 1, serial, fingerprint, nonce, 0)
        secret = derivation.key_secret(held.issuing_key, serial)
        return tuple(split(encode(replace(bare, proof=derivation.proof_value(held.verification[1], secret, bare)))))

    def call(self, caller, number=None):
        """Somebody rings the line, from a number of their own; the clock of the call runs ahead, its waits for us."""
        number = number or f"+1415555{next(self._callers):04d}"
        terms = Terms(account_sid=ACCOUNT, nap=time.sleep)
        return Ringing(
            lambda on_line: dial(
                self.line_url,
                auth_token=TOKEN,
                public_url=PUBLIC_URL,
                caller_number=number,
                line_number=NUMBER,
                caller=caller,
                terms=terms,
                on_line=on_line,
            )
        )

    def stuck(self, group=4, number=None):
        """A caller who cannot get one group across, and the ID they are trying to key."""
        groups = self.groups()
        return self.call(Stuck(groups, Mood(express=True, wrong_group=group)), number), groups

    def enter(self, groups=(), reason="ASKED", channel="text"):
        """A case comes into the queue by itself."""
        now, number = datetime.now(UTC), next(self._callers)
        with self.database.begin() as connection:
            case = cases.open_case(
                connection,
                line=NUMBER,
                caller=None,
                layout=1 if groups else None,
                groups=tuple(groups),
                now=now,
                below=lambda below: number * 7919 % below,
            )
            cases.needs_person(connection, case.id, reason, now)
            return queue.enter(
                connection,
                case.id,
                channel=channel,
                sid=f"SM{case.id:032x}",
                line=NUMBER,
                caller=None,
                reason=reason,
                now=now,
            )

    def number_of(self, handoff):
        """The case's number, as an operator would read it."""
        with self.database.read() as connection:
            return cases.read(connection, handoff.case_id).number

    def clear(self):
        """End whatever is in the queue."""
        with self.database.begin() as connection:
            for handoff in queue.unfinished(connection):
                claims.finish(connection, handoff.id, "other", datetime.now(UTC))

    def balance(self):
        """What is left of the key."""
        return self._key().balance

    def spend_all(self):
        """Leave nothing of the key, as after a busy year."""
        now, claim = datetime.now(UTC), ledger.Claim
        while self.balance().available:
            iid = decoded(self.groups())
            with self.database.begin() as connection:
                ledger.reserve_and_post(connection, claim(iid, 1, "phone", "tester", "tester"), now=now)

    def _key(self):
        with self.database.read() as connection:
            return show(connection, 1, self.product_key.key.serial)


@pytest.fixture(scope="session")
def stand(sqlite_template, password_hash):
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchtone-desk-")))
        shutil.copy(sqlite_template, folder / "touchtone.db")
        (folder / "lines.toml").write_text(LINES, "utf-8")
        database = Database(f"sqlite:///{folder / 'touchtone.db'}")
        stack.callback(database.close)
        product_key = _fill(folder, database, password_hash)
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("TOUCHTONE_", "TWILIO_", "DATA"))
        }
        environment = kept | {
            "TOUCHTONE_DATA_DIR": str(folder),
            "TOUCHTONE_PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
        }
        line = stack.enter_context(running.serving("serve", environment=environment, log=folder / "line.log"))
        desk = stack.enter_context(
            running.serving(
                "desk",
                environment=environment,
                log=folder / "desk.log",
                listen="TOUCHTONE_DESK_LISTEN",
                ready="/desk/login",
            )
        )
        urls = [f"http://127.0.0.1:{server.port}" for server in (line, desk)]
        yield Stand(folder, database, *urls, product_key, environment)


def _fill(folder, database, password_hash):
    """Secrets, a catalogue, a key, and the people."""
    secrets_file.create(folder / "secrets.toml")
    secrets_file.add_product(folder / "secrets.toml", 1, bytes(32))
    whole = catalog.Catalogue(
        (catalog.Organisation("Nordstern Shipping"),),
        (catalog.Agreement("NS-2026-01", "Nordstern Shipping", "volume", date(2026, 1, 1)),),
        (Product(1, "Fairway", 1, 8),),
    )
    now = datetime.now(UTC)
    with database.begin() as connection:
        load_catalogue(connection, whole)
        order = Order(1, "NS-2026-01", 12)
        issued = issue(connection, secrets_file.load(folder / "secrets.toml"), order, now=now, actor="tester")
        for name, role in PEOPLE.items():
            operators.add(connection, NewOperator(name, role, password_hash, GRANT_LIMITS[role]), now)
    return issued


def until(true, within=PATIENCE, told=lambda: ""):
    """Look again until it is so; gives what was found."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(told())


class Operator:
    """Somebody at the desk: sees what it shows, clicks and types."""

    def __init__(self, driver, stand):
        self.driver, self.stand = driver, stand

    def goes(self, path):
        self.driver.get(self.stand.desk_url + path)

    def logs_in(self, name):
        self.goes("/desk/login")
        self.types(name, Keys.TAB, PASSWORD, Keys.ENTER)
        self.waits_for("#board")

    def types(self, *keys):
        """Type wherever the focus is, key by key, as a keyboard does: it knows of no element that may be swapped.

        Whoever types waits until the page is there as a whole: its scripts as well, which come last.
        """
        until(lambda: self.driver.execute_script("return document.documentElement.classList.contains('scripted')"))
        ActionChains(self.driver).send_keys(*keys).perform()

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def shown(self, selector):
        with suppress(StaleElementReferenceException):
            return [each for each in self.all(selector) if each.is_displayed()]
        return []

    def holds(self, selector):
        """What stands in a field."""
        self.waits_for(selector)
        return self.driver.execute_script("return document.querySelector(arguments[0]).value", selector)

    def waits_for(self, selector, within=PATIENCE):
        """Wait until something like this is shown; gives it."""
        shown = until(lambda: self.shown(selector), within, lambda: (selector, self.page))
        return shown[0]

    def clicks(self, selector):
        """Click on what is shown; where the page is brought up to date at that very moment, once more."""
        while True:
            with suppress(StaleElementReferenceException):
                return self.waits_for(selector).click()

    def holds_down(self, selector):
        """Press the pointer on what is shown; where the page is brought up to date at that very moment, once more."""
        while True:
            with suppress(StaleElementReferenceException):
                return ActionChains(self.driver).click_and_hold(self.waits_for(selector)).perform()

    def sees(self, pattern, within=PATIENCE):
        """Wait until the page says something like this."""
        return until(lambda: re.search(pattern, self.page), within, lambda: (pattern, self.page))

    @property
    def page(self):
        """All words that are shown."""
        return self.driver.execute_script("return document.body.innerText")

    def focuses(self, name):
        """Wait until the focus is on this id: the page may be swapped at the very moment."""
        until(lambda: self.focus == name, told=lambda: (name, self.focus))

    @property
    def focus(self):
        """What has the focus, by its id."""
        return self.driver.execute_script("return document.activeElement ? document.activeElement.id : ''")

    def complaints(self):
        """What the browser's console holds of errors; a check of digits that newer digits took the place of is none."""
        loud = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        for replaced in [each for each in loud if '"htmx:sendAbort"' in each]:
            loud.remove(replaced)
            loud.remove(next(each for each in loud if '"htmx:afterRequest"' in each))
        return loud

    def scheme(self, scheme):
        """Look at the page as somebody does who likes it light or dark."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        time.sleep(0.3)  # for the colours to have changed


@pytest.fixture
def at_desk(stand, browsers):
    with ExitStack() as stack:

        def opened(name=None):
            operator = Operator(stack.enter_context(browsers.lend(stand.desk_url)), stand)
            if name is not None:
                operator.logs_in(name)
            return operator

        yield opened


@pytest.fixture
def take_picture():
    def take(operator, name, scheme="light"):
        if folder := os.environ.get("TOUCHTONE_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            operator.scheme(scheme)
            operator.driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    return take
