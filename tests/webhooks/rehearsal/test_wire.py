"""Calls that share a wire: who is in a room, who is on hold, and a call that is sent on in the middle of its music."""

import threading
import time

import pytest

from webhooks.rehearsal.caller import SILENCE
from webhooks.rehearsal.held import HeldKeypad
from webhooks.rehearsal.wire import News, What, Wire

MUSIC = (
    '<Gather action="/t/{}" numDigits="1" actionOnEmptyResult="true"><Play>http://line.example/m.wav</Play></Gather>'
)
ROOM = '<Conference startConferenceOnEnter="{}" endConferenceOnExit="{}">handoff-7</Conference>'
JOIN = f'<Dial action="/after">{ROOM}</Dial>'
BYE = "<Say>{}</Say><Hangup/>"
CALL = "CA" + "1" * 32


def brisk(seconds):
    """A hundred seconds of the call in one."""
    time.sleep(seconds / 100)


class Quiet:
    """Whoever holds the telephone does nothing."""

    def react(self, _stretch):
        return SILENCE

    def heard(self, words):
        pass


@pytest.fixture(params=["memory", "file"])
def wire(request, tmp_path):
    return Wire() if request.param == "memory" else Wire(tmp_path / "calls.jsonl")


@pytest.fixture
def live(ring, wire):
    """A call under way, in a thread; `words()` is what was heard so far, `end()` all of it."""

    def begin(answers, **terms):
        heard, done = [], []
        facts = {"caller": Quiet(), "wire": wire, "sleep": brisk, **terms}
        thread = threading.Thread(target=lambda: done.append(ring(answers, **facts, on_line=heard.append)), daemon=True)
        thread.start()

        def words():
            return [entry.words for entry in heard]

        def end():
            thread.join(20)
            assert done, words()
            return [entry.words for entry in done[0].record.transcript], done[0].line

        return words, end

    return begin


def until(true):
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_happened_is_read_once_from_where_one_stopped(wire):
    assert wire.after(0) == ([], 0)
    wire.hold("CA1", on=True)
    first, place = wire.after(0)
    assert first == [News(What.HELD, "CA1")]
    wire.send_on("CA1", "/t/2")
    assert wire.after(place)[0] == [News(What.SENT_ON, "CA1", "/t/2")]
    assert wire.is_held("CA1")
    wire.begin_anew()
    assert wire.after(place) == ([], 0)
    wire.hold("CA1", on=False)
    assert wire.after(0)[0] == [News(What.TAKEN_BACK, "CA1")]


def test_a_room_is_whoever_came_in_and_has_not_left_and_is_over_when_one_who_ends_it_leaves(wire):
    wire.enter("handoff-7", "CA1", ends=True)
    wire.enter("handoff-7", "CA2", ends=False)
    wire.bind("handoff-7", "CA1", ends=False)
    wire.enter("handoff-8", "CA3", ends=True)
    room = wire.conference("handoff-7")
    assert (wire.room(room), wire.room("CF" + "0" * 32)) == ("handoff-7", None)
    wire.leave("handoff-7", "CA1")
    wire.leave("handoff-7", "CA1")
    assert wire.people("handoff-7") == {"CA2": False}
    wire.bind("handoff-7", "CA2", ends=True)
    wire.enter("handoff-7", "CA4", ends=False)
    wire.leave("handoff-7", "CA2")
    assert (wire.people("handoff-7"), wire.room(room)) == ({}, None)
    assert wire.people("handoff-8") == {"CA3": True}


def test_two_processes_share_a_file_that_only_its_owner_reads(tmp_path):
    one, other = Wire(tmp_path / "calls.jsonl"), Wire(tmp_path / "calls.jsonl")
    one.enter("handoff-7", "CA1", ends=True)
    assert other.people("handoff-7") == {"CA1": True}
    assert (tmp_path / "calls.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("keypad", [None, HeldKeypad])
def test_a_call_is_sent_on_in_the_middle_of_its_music_and_the_round_is_not_asked_for(live, wire, keypad):
    given = {} if keypad is None else {"keypad": keypad(), "sleep": None}
    words, end = live(
        {"/voice/incoming": MUSIC.format(2), "/t/2": BYE.format("Too late."), "/t/9": BYE.format("At once.")}, **given
    )
    until(lambda: True)
    time.sleep(0.1)
    wire.send_on("CA" + "9" * 32, "https://line.example/t/2")
    wire.send_on(CALL, "https://line.example/t/9")
    heard, line = end()
    assert heard[-1] == "At once."
    assert [one.path for one in line.asked] == ["/voice/incoming", "/t/9", "/voice/status"]
    assert words() == heard


def test_a_caller_stays_in_the_room_until_somebody_leaves_whose_leaving_ends_it(live, wire):
    words, end = live({"/voice/incoming": JOIN.format("false", "true"), "/after": BYE.format("Back.")})
    until(lambda: CALL in wire.people("handoff-7"))
    wire.enter("handoff-7", "CA2", ends=False)
    wire.enter("handoff-7", "CA3", ends=True)
    wire.hold(CALL, on=True)
    until(lambda: "(on hold, with music)" in words())
    wire.leave("handoff-7", "CA2")
    wire.hold(CALL, on=False)
    until(lambda: "(taken back from hold)" in words())
    time.sleep(0.1)
    assert CALL in wire.people("handoff-7")
    wire.leave("handoff-7", "CA3")
    heard, _ = end()
    assert heard == ["(joined with the room handoff-7)", "(on hold, with music)", "(taken back from hold)", "Back."]
    assert wire.people("handoff-7") == {}


@pytest.mark.parametrize("ends", ["true", "false"])
def test_whoever_begins_a_talk_hangs_up_after_it(live, wire, ends):
    _, end = live({"/voice/incoming": JOIN.format("true", ends)}, talk_seconds=30.0)
    until(lambda: CALL in wire.people("handoff-7"))
    wire.enter("handoff-7", "CA2", ends=True)
    assert end()[0] == ["(joined with the room handoff-7)", "(hangs up)"]
    assert wire.people("handoff-7") == ({} if ends == "true" else {"CA2": True})


def test_what_was_before_the_call_is_none_of_its_business(live, wire):
    wire.send_on(CALL, "https://line.example/t/9")
    _, end = live({"/voice/incoming": BYE.format("Hello."), "/t/9": BYE.format("Never.")})
    assert end()[0] == ["Hello."]
