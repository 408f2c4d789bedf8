"""`touchtone bench calls`: a few real calls at a hurried pace, and the arithmetic. No absolute time is asserted."""

import asyncio
import json

import pytest

from webhooks.bench import calling
from webhooks.bench.calling import Held, Keyer, Load, Manner
from webhooks.bench.calls import CallsReport, Plan, measure, told
from webhooks.bench.signed import Address
from webhooks.rehearsal.clock import Pace

HURRIED = Manner(Pace(key_seconds=0.01, think_seconds=0.3, turn_delay=0.02), opening=0.1, copying=0.1)
ADDRESS = Address("https://line.example", "AC" + "0" * 32, "token", "+15005550006")


@pytest.fixture(scope="module")
def small_run():
    heard = []
    return measure(Plan(databases=("sqlite",), at_once=(3,), ramp=0.2, manner=HURRIED), heard.append), heard


def test_every_caller_of_a_small_run_ends_with_an_activated_device(small_run):
    report, heard = small_run
    (run,) = report.runs
    assert (run.calls, run.activated, run.posted, run.faults) == (3, 3, 3, ())
    assert heard == ["sqlite: 3 calls"]


def test_a_call_is_ten_turns_and_all_are_held_at_once(small_run):
    (run,) = small_run[0].runs
    assert run.turns == 3 * 10
    assert run.at_once == 3
    assert 0 < run.p50 <= run.p99 <= run.longest


def test_the_fullest_thing_is_named_first(small_run):
    report, _ = small_run
    (run,) = report.runs
    shares = [one.share for one in run.filled]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert f"the first to fill is {run.filled[0].of}" in told(report)
    assert json.loads(json.dumps(report.as_facts()))["aims"]


@pytest.mark.parametrize(("seconds", "lost"), [(0.25, 0), (1.0, 0), (1.3, 1), (1.6, 2)])
def test_a_key_pressed_before_the_gather_is_open_is_lost(seconds, lost):
    """A caller leaves the line 1.05 seconds from one group to the next, and half a second more for each key."""
    line = _SlowLine(seconds)
    held = Held()
    keyer = Keyer("CA" + "0" * 32, "+14152000000", ("111111", "222222"), 0.0)
    with pytest.raises(ValueError, match="instead of a confirmation ID"):
        asyncio.run(calling._talk(line, keyer, held))
    assert held.lost == lost
    assert line.asked == ["/voice/incoming", "/voice/turn/1", "/voice/turn/2"]


class _SlowLine:
    """A line with a clock of its own that never waits, whose every answer takes the same time."""

    def __init__(self, seconds):
        self.manner, self.address, self.asked = Manner(), ADDRESS, []
        self._seconds, self._now = seconds, 0.0

    def now(self):
        return self._now

    async def until(self, moment):
        self._now = max(self._now, moment)

    async def ask(self, path, _form, _held):
        self.asked.append(path)
        self._now += self._seconds
        number = len(self.asked)
        return (
            f'<Response><Gather action="https://line.example/voice/turn/{number}#rc=1"><Say>Group {number}.</Say>'
            "</Gather></Response>"
        )


def test_a_caller_leaves_the_line_the_time_between_two_keys_and_a_thought_less_the_delay():
    assert Manner().slack == pytest.approx(1.35 + 0.5 - 0.8)


def test_a_line_that_is_not_there_is_a_fault_of_every_call_and_ends_nothing_else():
    keyers = [Keyer("CA" + "0" * 32, "+14152000000", ("111111",) * 9, 0.0) for _ in range(2)]
    load = calling.run(1, ADDRESS, keyers, HURRIED)
    assert [one.fault for one in load.held] == ["ConnectionRefusedError"] * 2
    assert [one.confirmation_id for one in load.held] == [None, None]


def test_the_most_calls_at_one_moment_and_the_busiest_five_seconds_are_counted():
    first = Held(0.0, 10.0, [(1.0, 0.1), (9.0, 0.2)])
    second = Held(8.0, 12.0, [(9.5, 0.3)])
    third = Held(11.0, 13.0, [])
    load = Load((first, second, third), 0.0, 0.0)
    assert load.at_once == 2
    began, rate, mean = load.busiest()
    assert (began, rate) == (9.0, 2 / 5)
    assert mean == pytest.approx(0.25)


def test_an_aim_that_is_missed_is_said():
    from webhooks.bench.calls import CallsRun, Fullness

    run = CallsRun(
        database="sqlite", calls=10, at_once=10, activated=9, posted=9, lost_keys=2, faults=("TimeoutError",), turns=99,
        busiest=1.0, p50=1.0, p99=260.0, longest=300.0, filled=(Fullness("the line's interpreter", 0.5),),
        client_share=0.1, client_late=1.0, others_share=0.0, under_way=1.0,
    )  # fmt: skip
    report = CallsReport({}, (run,))
    assert [met for _, _, met in report.aims()] == [False, False, True, False]
    assert "so at about 20 calls at this pace" in told(report)
    assert "TimeoutError" in told(report)
