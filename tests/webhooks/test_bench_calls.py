"""`touchtone bench calls`: a few real calls at a hurried pace, and the arithmetic. No absolute time is asserted."""

import asyncio
import json

import pytest

from webhooks.bench import calling
from webhooks.bench.calling import Held, Keyer, Load, Manner
from webhooks.bench.calls import CallsReport, Plan, measure, told
from webhooks.bench.listening import Heard, heard_out
from webhooks.bench.signed import Address, whole_call
from webhooks.bench.slowest import Eyes, Slowest, longest_silence
from webhooks.bench.watching import Look, Looking, fullest
from webhooks.rehearsal.clock import Pace

HURRIED = Manner(Pace(key_seconds=0.01, think_seconds=0.3, turn_delay=0.02), opening=0.1, copying=0.1)
SLOWEST = Slowest(
    41.0, 1.3, 7, {"the line": 0.02}, {"IO WALSync": 7.5}, flush=1.2, load_late=0.6, watch_late=0.0, silence=0.5
)
WORDS = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel")
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
    assert run.slowest.seconds * 1000 == run.longest
    assert 0 < run.slowest.silence <= run.slowest.seconds
    assert set(run.slowest.shares) > {"the line", "the load's own process", "waiting for the disk"}
    assert (run.slowest.waits, run.counted) == ({}, {})  # SQLite is no server that waits
    shares = [one.share for one in run.filled]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert f"the first to fill is {run.filled[0].of}" in told(report)
    assert json.loads(json.dumps(report.as_facts()))["aims"]


@pytest.mark.parametrize(("seconds", "lost"), [(0.25, 0), (1.0, 0), (1.3, 1), (1.6, 2)])
def test_a_key_pressed_before_the_gather_is_open_is_lost(seconds, lost):
    """A caller leaves the line 1.05 seconds from one group to the next, and half a second more for each key."""
    line, held = _SlowLine(seconds), Held()
    asyncio.run(calling._talk(line, _ready(), held))
    assert held.lost == lost
    assert line.asked == ["/voice/incoming", "/voice/turn/1", "/voice/turn/2", "/voice/status"]


def test_a_caller_who_is_led_elsewhere_goes_no_further():
    line = _SlowLine(0.0, led_to="/voice/turn/7#")
    with pytest.raises(ValueError, match="no way on: <Response><Gather"):
        asyncio.run(calling._talk(line, _ready(), Held()))
    assert line.asked == ["/voice/incoming"]


def _ready():
    keyer = Keyer("CA" + "0" * 32, "+14152000000", ("111111", "222222"), 0.0)
    return calling._Ready(keyer, whole_call(ADDRESS, keyer.call_sid, keyer.number, keyer.groups))


class _SlowLine:
    """A line with a clock of its own that never waits, whose every answer takes the same time."""

    def __init__(self, seconds, led_to=None):
        self.manner, self.asked = Manner(), []
        self._seconds, self._led_to, self._now = seconds, led_to, 0.0

    def now(self):
        return self._now

    async def until(self, moment):
        self._now = max(self._now, moment)

    async def ask(self, request, _held):
        self.asked.append(request.text.split()[1].decode())
        self._now += self._seconds
        return f'<Response><Gather action="https://line.example{self._led_to or request.answer.decode()}rc=1" />'


def test_a_caller_leaves_the_line_the_time_between_two_keys_and_a_thought_less_the_delay():
    assert Manner().slack == pytest.approx(1.35 + 0.5 - 0.8)


def test_a_line_that_is_not_there_is_a_fault_of_every_call_and_ends_nothing_else():
    keyers = [Keyer("CA" + "0" * 32, "+14152000000", ("111111",) * 9, 0.0) for _ in range(2)]
    load = calling.run(1, ADDRESS, keyers, HURRIED)
    assert [heard_out(one) for one in load.held] == [Heard(None, "ConnectionRefusedError")] * 2


def test_what_is_heard_after_the_last_group_must_be_a_whole_confirmation_id():
    """The words are made out after the clock, and are looked at as closely as if the caller had gone by them."""
    asking = [_said(f"Group {number}.") for number in (2, 3)]
    blocks = [f"{word[0]}, {word}. 1 2 3 4 5 {place}" for place, word in enumerate(WORDS)]
    read = _said(*blocks, "To hear it again, press star.")
    assert heard_out(Held(documents=[*asking, read])) == Heard(" ".join(f"12345{n}" for n in range(8)), "")
    short = heard_out(Held(documents=[*asking, _said(*blocks[:7])]))
    assert (short.confirmation_id, short.fault[:29]) == (None, "instead of a confirmation ID:")
    assert heard_out(Held(documents=[*reversed(asking), read])) == Heard(None, "after group 1: Group 3.")
    assert heard_out(Held(documents=["nothing", read])) == Heard(None, "after group 1: no TwiML: nothing")


def _said(*words):
    return f"<Response>{''.join(f'<Gather><Say>{each}</Say></Gather>' for each in words)}</Response>"


def test_the_most_calls_at_one_moment_and_the_busiest_five_seconds_are_counted():
    first = Held(0.0, 10.0, [(1.0, 0.1), (9.0, 0.2)])
    second = Held(8.0, 12.0, [(9.5, 0.3)])
    third = Held(11.0, 13.0, [])
    load = Load((first, second, third), ())
    assert load.at_once == 2
    assert load.busiest() == 2 / 5
    assert load.within(9.0) == (2 / 5, pytest.approx(0.25))
    assert load.within(20.0) == (0.0, 0.0)


def test_the_fullest_five_seconds_are_those_in_which_most_was_used():
    used = (0.0, 0.1, 0.2, 2.2, 4.2, 4.3)
    looks = _looking(*((2.5 * n, 2.5 * n, 2.5 * n, {"the line": one}) for n, one in enumerate(used)))
    assert fullest(looks, "the line") == 5.0


def test_while_nobody_waits_it_is_not_silent():
    assert longest_silence([(0.0, 0.5), (9.0, 0.25)]) == 0.5


def test_it_is_silent_from_the_last_answer_while_others_wait():
    assert longest_silence([(0.0, 0.5), (0.25, 2.25), (0.375, 0.25), (3.0, 0.125)]) == 1.875


def _looking(*looks):
    seen = Looking(lambda: None)
    seen.looks = [Look(*look) for look in looks]
    return seen


def test_what_is_told_of_the_slowest_turn_was_seen_while_it_waited():
    used = _looking(
        *((at, at, at, {"the line": line}) for at, line in ((0.0, 0.0), (1.0, 0.5), (2.0, 0.75), (9.0, 7.0)))
    )
    disk = _looking((0.0, 0.0, 0.1, None), (1.0, 1.2, 1.9, None), (8.0, 8.0, 12.0, None), (20.0, 20.0, 21.0, None))
    waits = _looking(
        (1.0, 1.0, 1.0, {"IO WALSync": 8}), (1.5, 1.5, 1.5, {"IO WALSync": 7, "at work": 1}), (9.0, 9.0, 9.0, {})
    )
    held = Load((Held(0.5, 3.0, [(0.75, 0.5), (1.0, 0.625), (2.0, 0.125)]),), ((0.25, 0.5), (1.5, 0.375)))
    found = Eyes(used, disk, waits).while_slowest(held)
    assert (found.began, found.seconds, found.answered, found.load_late) == (0.5, 0.625, 1, 0.375)
    assert found.shares == {"the line": pytest.approx(0.25)}
    assert found.waits == {"IO WALSync": 7.5, "at work": 0.5}
    assert found.flush == pytest.approx(0.7)
    assert found.watch_late == pytest.approx(0.2)


def test_an_aim_that_is_missed_is_said():
    from webhooks.bench.calls import CallsRun, Fullness

    run = CallsRun(
        database="sqlite", calls=10, at_once=10, activated=9, posted=9, lost_keys=2, faults=("TimeoutError",), turns=99,
        busiest=1.0, p50=1.0, p99=260.0, longest=300.0, filled=(Fullness("the line's interpreter", 0.5),),
        client_share=0.1, client_late=1.0, others_share=0.0, under_way=1.0, slowest=SLOWEST, counted={"checkpoints": 1},
    )  # fmt: skip
    report = CallsReport({}, (run,))
    assert [met for _, _, met in report.aims()] == [False, False, True, False]
    assert "so at about 20 calls at this pace" in told(report)
    assert "TimeoutError" in told(report)
    assert "the slowest turn waited 1300 ms, 41 s after the first ring, and 7 others were answered" in told(report)
    assert "IO WALSync 7.5; a small durable write took 1200 ms" in told(report)
    assert "the database counted 1 checkpoints" in told(report)
