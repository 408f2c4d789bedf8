"""A bare telephone for the doors: it signs what it sends, follows the gathers, and holds every answer to the rules.

- `ring(caller=...)`: a new call, as a `Call` with `.words`, `.key("123456")`, `.silence()`, `.post(path, ...)`.
- `knock(path, form, ...)`: one request, signed or not, for tests of the door itself.
- `texts`: a telephone for texts on a line that sends them: `texts.send("...")` gives the bodies that come back.
- `groups`: the nine groups of an installation that may be activated.
- `browsers.lend(origin)`: a Chromium for a block, which goes from test to test and is as new for each.
- `serious_faults(driver)`: what axe finds serious or critical on the page that a browser shows, each as rule and place.
  `colours_only`: by its rule about contrast alone.
"""

import base64
import hashlib
import hmac
import itertools
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from urllib.parse import urldefrag

import pytest
from werkzeug.test import Client

from ivr.lines import Lines
from keys.groups import split
from keys.installation_id import encode
from tests.webhooks.browsers import Browsers
from webhooks.app import create_app
from webhooks.delivery import deliver_one
from webhooks.outgoing import Accepted
from webhooks.rehearsal.twiml import check_document

FORM_TYPE = "application/x-www-form-urlencoded"
PUBLIC_URL = "https://line.example"
_counted = itertools.count(1)


def new_sid(kind):
    """An id as the provider's are, later ones after earlier ones: a table with such a key is read in that order."""
    return f"{kind}{next(_counted):032x}"


def sign(token, url, form):
    """The signature as Twilio's documentation words it, written apart from the line's own."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Door:
    """One app, knocked at directly."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.client = Client(create_app(exchange), use_cookies=False)

    def knock(self, path, form=None, *, method="POST", signed=True, headers=None, content_type=FORM_TYPE, **open_with):
        """Send one request; `signed` may be a token other than the line's."""
        form = dict(form or {})
        token = signed if isinstance(signed, str) else self.exchange.auth_tokens[0]
        given = dict(headers or {})
        if signed:
            given.setdefault("X-Twilio-Signature", sign(token, self.exchange.wording.public_url + path, form))
        open_with.setdefault("data", form)
        return self.client.open(path, method=method, headers=given, content_type=content_type, **open_with)


class Call:
    """One call: the last document heard, and what can be done about it."""

    def __init__(self, door, clock, caller):
        self.door, self.clock, self.caller = door, clock, caller
        self.sid = new_sid("CA")
        self.heard = ""
        self.post("/voice/incoming")

    def form(self, **fields):
        """The fields of a real voice request."""
        return {
            "AccountSid": self.door.exchange.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "CallStatus": "in-progress",
            "Direction": "inbound",
            "From": self.caller,
            "To": "+15550100",
            "FromCity": "",
            **fields,
        }

    def post(self, path, **fields):
        """A signed request of this call; what is spoken becomes `words`."""
        answer = self.door.knock(path, self.form(**fields))
        assert answer.status_code == 200, answer.status
        assert answer.mimetype == "text/xml"
        self.heard = answer.text
        assert check_document(self.heard) == []
        return self

    @property
    def words(self):
        """All that is said, in one line."""
        said = (" ".join(words.itertext()) for words in ET.fromstring(self.heard).iter("Say"))
        return " ".join(" ".join(said).split())

    @property
    def over(self):
        """Whether the line hangs up."""
        return ET.fromstring(self.heard).find("Hangup") is not None

    @property
    def actions(self):
        """The path and query of every gather's action."""
        gathers = ET.fromstring(self.heard).findall("Gather")
        return [
            urldefrag(gather.get("action"))[0].removeprefix(self.door.exchange.wording.public_url) for gather in gathers
        ]

    def key(self, keys, *, gather=0, after=10.0):
        """Press keys in one gather of the last document (the first, by default)."""
        self.clock.sleep(after)
        return self.post(self.actions[gather], Digits=keys)

    def say(self, words, confidence="0.9"):
        """Say something in the first gather of the last document."""
        self.clock.sleep(10.0)
        return self.post(self.actions[0], SpeechResult=words, Confidence=confidence)

    def silence(self):
        """Let the last gather run out."""
        self.clock.sleep(10.0)
        return self.post(self.actions[-1])

    def status(self, status):
        """A status callback of this call."""
        return self.door.knock("/voice/status", self.form(CallStatus=status))


class Keeping:
    """A carrier that takes every text and keeps it."""

    def __init__(self):
        self.kept = []

    def send(self, text):
        self.kept.append(text)
        return Accepted(new_sid("SM"))

    def find(self, _text, _since):
        return ()


class Texts:
    """A telephone for texts: what it sends reaches the door, what is written for it is delivered to it."""

    def __init__(self, exchange, clock, number="+14155550123"):
        self.exchange, self.clock, self.number = exchange, clock, number
        self.door, self.carrier = Door(exchange), Keeping()

    def post(self, body, sid=None, **fields):
        """One text as Twilio brings it; its id."""
        sid = sid or new_sid("SM")
        form = {
            "AccountSid": self.exchange.account_sid,
            "ApiVersion": "2010-04-01",
            "Body": body,
            "From": self.number,
            "MessageSid": sid,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": "+15550100",
            "ToCountry": "US",
            **fields,
        }
        answer = self.door.knock("/sms/incoming", form)
        assert (answer.status_code, answer.mimetype) == (200, "text/xml")
        assert ET.fromstring(answer.text).tag == "Response"
        assert len(ET.fromstring(answer.text)) == 0
        return sid

    def come(self):
        """The bodies of all texts that are due, as they arrive."""
        before = len(self.carrier.kept)
        while deliver_one(self.exchange, self.carrier, "test"):
            pass
        assert all(text.recipient == self.number for text in self.carrier.kept[before:])
        return [text.body for text in self.carrier.kept[before:]]

    def send(self, body, sid=None, *, after=5.0, **fields):
        """Send a text and wait for what comes back."""
        self.clock.sleep(after)
        self.post(body, sid, **fields)
        return self.come()


@pytest.fixture
def texting(exchange):
    """The exchange, with a line that sends texts."""
    line = replace(exchange.lines.all[0], text_sender="+15550100")
    return replace(exchange, lines=Lines((line,)))


@pytest.fixture
def texts(texting, clock):
    return Texts(texting, clock)


@pytest.fixture
def door(exchange):
    return Door(exchange)


@pytest.fixture
def door_of() -> Callable[..., Door]:
    """A door over an exchange with some parts replaced."""
    return lambda exchange, **parts: Door(replace(exchange, **parts))


@pytest.fixture
def knock(door):
    return door.knock


@pytest.fixture
def ring(door, clock):
    def begin(caller="+14155550123", *, at=None):
        return Call(at or door, clock, caller)

    return begin


@pytest.fixture
def groups(mak, installation):
    return split(encode(installation(1, mak.key.serial)))


@pytest.fixture
def rows(database):
    """All rows of one table, as mappings, by their keys: a table that was emptied gives its rows in any order."""
    from sqlalchemy import select

    from keys.database import metadata

    def read(name):
        table = metadata.tables[name]
        with database.read() as connection:
            found = connection.execute(select(table).order_by(*table.primary_key.columns))
            return [dict(row) for row in found.mappings()]

    return read


@pytest.fixture(scope="session")
def browsers():
    started = Browsers()
    yield started
    started.close()


AXE_RUN = """
const [only, done] = arguments;
// Of itself it passes over texts of one sign, and the key of a button is one.
const usual = axe._audit.checks["color-contrast"].options;
axe.configure({checks: [{id: "color-contrast", options: {...usual, ignoreLength: true}}]});
axe.run(document, {runOnly: only, resultTypes: ["violations"]}).then(
  (found) => done(found.violations
    .filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => [each.id, each.nodes.map((node) => node.html.slice(0, 120) + " " + node.failureSummary)])),
  (fault) => done([["axe", [String(fault)]]]));
"""
EVERYTHING = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}


@pytest.fixture(scope="session")
def serious_faults():
    script = (resources.files("selenium_axe_python") / "axe-core" / "axe.min.js").read_text("utf-8")

    def found(driver, *, colours_only=False):
        if not driver.execute_script("return Boolean(window.axe)"):
            driver.execute_script(script)
        return driver.execute_async_script(AXE_RUN, COLOURS if colours_only else EVERYTHING)

    return found
