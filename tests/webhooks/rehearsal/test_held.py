"""A telephone in somebody's hand: keys are pressed while the call goes on, in wall time."""

import threading
import time

import pytest

from webhooks.rehearsal.caller import SILENCE, Reaction
from webhooks.rehearsal.entries import End
from webhooks.rehearsal.held import LONGEST_ABSENCE, HeldKeypad

ASK = '<Gather action="/next" timeout="{timeout}" finishOnKey="#"><Say>Key it.</Say></Gather>'
GOODBYE = "<Say>Bye.</Say><Hangup/>"


class Hand:
    """A caller who does nothing but tell when something is said and whether keys are gathered."""

    def __init__(self):
        self.listening = threading.Event()

    def react(self, stretch):
        if stretch.listening:
            self.listening.set()
        return SILENCE

    def heard(self, words):
        pass


@pytest.fixture
def held(ring):
    """Begin a call in a thread; gives its keypad and hand, and how to wait for its record."""

    def begin(answers):
        keypad, hand, records = HeldKeypad(), Hand(), []
        thread = threading.Thread(target=lambda: records.append(ring(answers, caller=hand, keypad=keypad).record))
        thread.start()

        def record():
            thread.join(20)
            return records[0]

        return keypad, hand, record

    return begin


def test_keys_pressed_in_the_middle_of_a_gather_are_gathered(held):
    keypad, hand, record = held({"/voice/incoming": ASK.format(timeout=5), "/next": GOODBYE})
    assert hand.listening.wait(10)
    for key in "4711#":
        time.sleep(0.02)
        keypad.press(key)
    ended = record()
    assert ended.gathered == ("4711",)
    assert ended.lost == ""
    assert ended.ended_by is End.LINE


def test_keys_pressed_while_an_answer_is_under_way_are_lost(held):
    keypad, hand, record = held({"/voice/incoming": ASK.format(timeout=5), "/next": GOODBYE})
    assert hand.listening.wait(10)
    keypad.press("12#34")
    ended = record()
    assert (ended.gathered, ended.lost) == (("12",), "34")


def test_silence_lasts_as_long_as_the_gather_waits(held):
    began = time.monotonic()
    _, _, record = held({"/voice/incoming": ASK.format(timeout=1)})
    ended = record()
    assert ended.gathered == ()
    assert time.monotonic() - began >= 1.0


def test_hanging_up_ends_the_call_at_that_moment(held):
    keypad, hand, record = held({"/voice/incoming": ASK.format(timeout=60)})
    assert hand.listening.wait(10)
    keypad.hang_up()
    keypad.hang_up()
    ended = record()
    assert ended.ended_by is End.CALLER
    assert ended.seconds < 15


def test_whoever_gives_no_sign_of_life_has_hung_up():
    clock = [0.0]
    keypad = HeldKeypad(lambda: clock[0])
    clock[0] = 30.0
    keypad.hold()
    clock[0] = 30.0 + LONGEST_ABSENCE
    assert keypad.until(1000.0) == Reaction(hang_up_after=30.0 + LONGEST_ABSENCE)
    assert keypad.until(100.0) == SILENCE
