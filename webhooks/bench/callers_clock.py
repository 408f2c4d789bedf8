"""The caller's clock: whole calls, played through the real line, in the seconds of a stated model.

The model: speech at 160 words a minute, by espeak-ng where installed, else by a table; keying half a second a digit and
1.35 s of thought a group (keystroke-level model); 0.8 s a turn; 4.35 s to copy down a block. A call is timed until the
confirmation ID is written down.

Rule: nothing of the line is left out. The calls run through its own routes, database and documents; only time is
virtual.
"""

from __future__ import annotations

import secrets as randomness
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ivr.lines import Line, Lines
from keys import catalog, secrets_file
from keys.catalog_loading import load
from keys.database import Database
from keys.device.hardware import simulated
from keys.device.machine import install
from keys.groups import split
from keys.issue import Order, issue
from keys.migrations.running import upgrade
from keys.products import Product
from webhooks.app import create_app
from webhooks.bench.voice import measured
from webhooks.door import Exchange
from webhooks.lines_file import read_catalogues
from webhooks.rehearsal.caller import Caller, Reaction, Stretch
from webhooks.rehearsal.clock import Pace
from webhooks.rehearsal.dialling import CallRecord, Outcome, Terms, dial
from webhooks.rehearsal.scripted import Mood, ScriptedCaller
from webhooks.rehearsal.wsgi import InProcess
from webhooks.twiml import Wording

BLOCK_COPYING = 4.35
KEYING = 0.5
THINKING = 1.35
TURN = 0.8
PHONE_DIALS_A_DIGIT = 0.2
"""Seconds a telephone takes for each digit of a `tel:` link."""
PHONE_PAUSES = 4.0
"""Seconds of the two commas before the digits of such a link."""
FORMATS = {"standard": 1, "compact": 3}
_URL, _TOKEN, _SID = "https://line.example", "0" * 32, "AC" + "0" * 32
_NUMBER = "+15550100"
_START = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of caller: the moods of its calls in turn (more than one where a call is cut off), and the format."""

    name: str
    moods: tuple[Mood, ...]
    format: str = "standard"
    dials: bool = False


PRACTISED = Mood(practised=True, copying=BLOCK_COPYING)
SCENARIOS = (
    Scenario("regular caller", (PRACTISED,)),
    Scenario("first-time caller", (Mood(copying=BLOCK_COPYING),)),
    Scenario("express", (replace(PRACTISED, express=True),)),
    Scenario("QR dial", (PRACTISED,), dials=True),
    Scenario("one wrong digit", (replace(PRACTISED, wrong_group=4),)),
    Scenario("one missing key", (replace(PRACTISED, lost_key=4),)),
    Scenario("dropped and resumed", (replace(PRACTISED, hang_up_at=5), PRACTISED)),
    Scenario("compact", (PRACTISED,), format="compact"),
)


@dataclass(frozen=True, slots=True)
class Timed:
    """The seconds of one scenario, all its calls together, and the floor: keying and copying with no words at all."""

    scenario: str
    seconds: float
    heard: float
    keyed: float
    waited: float
    turns: int
    floor: float

    @property
    def ratio(self) -> float:
        """How many times the floor."""
        return self.seconds / self.floor


def floor(groups: int, blocks: int) -> float:
    """Seconds of keying so many groups and copying so many blocks.

    >>> round(floor(9, 8), 2)
    73.95
    """
    return groups * (6 * KEYING + THINKING) + blocks * BLOCK_COPYING


def measure(*, by_table: bool = False) -> tuple[str, tuple[Timed, ...]]:
    """Play every scenario; the voice it was measured with, and the seconds."""
    voice = None if by_table else measured()
    pace = Pace(key_seconds=KEYING, think_seconds=THINKING, turn_delay=TURN, measured=voice)
    with tempfile.TemporaryDirectory() as folder, _line(Path(folder)) as line:
        timed = tuple(_time(line, scenario, pace) for scenario in SCENARIOS)
    return ("espeak-ng" if voice else "the table"), timed


def rows(timed: Sequence[Timed]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The head and the lines of the table: each scenario beside the floor and beside the regular caller."""
    head: tuple[str, ...] = (
        "scenario",
        "seconds",
        "of the floor",
        "beside regular",
        "heard",
        "keyed",
        "waited",
        "turns",
    )
    regular = timed[0].seconds
    body: list[tuple[str, ...]] = [
        (
            one.scenario,
            f"{one.seconds:.1f}",
            f"{one.ratio:.2f}",
            f"{one.seconds - regular:+.1f} s, {one.seconds / regular - 1:+.0%}",
            f"{one.heard:.1f}",
            f"{one.keyed:.1f}",
            f"{one.waited:.1f}",
            str(one.turns),
        )
        for one in timed
    ]
    return head, body


class _DialledCaller(Caller):
    """A telephone that keys a whole ID by itself, from a `tel:` link; its owner then listens and copies."""

    def __init__(self, owner: ScriptedCaller) -> None:
        self._owner = owner
        self._dialled = False

    def react(self, stretch: Stretch) -> Reaction:
        if self._dialled:
            return self._owner.react(stretch)
        self._dialled = True
        return self._owner.dialling(PHONE_PAUSES, PHONE_DIALS_A_DIGIT)

    def heard(self, words: str) -> None:
        self._owner.heard(words)


@dataclass(frozen=True, slots=True)
class _Line:
    """The line in this process, and its clock."""

    transport: InProcess
    installation: Callable[[int], tuple[str, ...]]
    sleep: Callable[[float], None]


def _time(line: _Line, scenario: Scenario, pace: Pace) -> Timed:
    groups = line.installation(FORMATS[scenario.format])
    records = [_call(line, scenario, mood, groups, pace) for mood in scenario.moods]
    if records[-1].outcome is not Outcome.ACTIVATED:
        raise RuntimeError(scenario.name, records[-1].outcome)
    blocks = len(records[-1].blocks)
    return Timed(
        scenario.name,
        sum(record.seconds for record in records),
        sum(record.heard for record in records),
        sum(record.keyed for record in records),
        sum(record.waited for record in records),
        sum(record.turns for record in records),
        floor(len(groups), blocks),
    )


def _call(line: _Line, scenario: Scenario, mood: Mood, groups: tuple[str, ...], pace: Pace) -> CallRecord:
    owner = ScriptedCaller(groups, mood, pace)
    return dial(
        _URL,
        auth_token=_TOKEN,
        public_url=_URL,
        caller_number="+14155550123",
        line_number=_NUMBER,
        caller=_DialledCaller(owner) if scenario.dials else owner,
        terms=Terms(pace=pace, sleep=line.sleep, transport=line.transport, account_sid=_SID),
    )


@contextmanager
def _line(folder: Path) -> Iterator[_Line]:
    """A line over a database of its own, with a product of each format and a key for it."""
    database = Database(f"sqlite:///{folder / 'clock.db'}")
    upgrade(database.engine)
    path = folder / "secrets.toml"
    secrets_file.create(path)
    for number in FORMATS.values():
        secrets_file.add_product(path, number, bytes(32))
    held = secrets_file.load(path)
    products = tuple(Product(number, name, number, 8 if number == 1 else 5) for name, number in FORMATS.items())
    agreement = catalog.Agreement("A-1", "Anybody", "volume", date(2026, 1, 1))
    with database.begin() as connection:
        load(connection, catalog.Catalogue((catalog.Organisation("Anybody"),), (agreement,), products))
    now = [_START]

    def sleep(seconds: float) -> None:
        now[0] += timedelta(seconds=seconds)

    def installation(number: int) -> tuple[str, ...]:
        with database.begin() as connection:
            issued = issue(connection, held, Order(number, "A-1", 10), now=now[0], actor="bench")
        build = catalog.product_build(next(product for product in products if product.number == number), held)
        nonce = randomness.randbelow(1 << build.nonce_bits)
        state = install(build, issued.text, simulated(f"machine {nonce}"), nonce)
        sleep(3600)  # the calls of one scenario are no neighbours of the next one's
        return split(state.installation_id)

    lines = Lines((Line(_NUMBER, "Activation line", "US", "en-US", 24),))
    exchange = Exchange(
        database, held, lines, Wording(_URL, read_catalogues()), _SID, (_TOKEN,), folder, now=lambda: now[0]
    )
    yield _Line(InProcess(create_app(exchange)), installation, sleep)
    database.close()
