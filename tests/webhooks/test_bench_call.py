"""The caller's clock: the seconds of whole calls by a stated model, played through the line as it is."""

import pytest

from webhooks.bench.callers_clock import BLOCK_COPYING, SCENARIOS, floor, measure, rows


@pytest.fixture(scope="module")
def timed():
    voice, found = measure(by_table=True)
    assert voice == "the table"
    return {one.scenario: one for one in found}


def test_every_scenario_ends_with_the_confirmation_id_written_down(timed):
    assert list(timed) == [scenario.name for scenario in SCENARIOS]
    assert len(rows(list(timed.values()))[1]) == len(SCENARIOS)


def test_the_floor_is_keying_and_copying_without_a_word():
    assert floor(9, 8) == pytest.approx(74, abs=0.1)
    assert floor(0, 1) == BLOCK_COPYING


def test_the_words_cost_no_more_than_was_promised(timed):
    """The model's seconds are virtual, so these bounds hold on any machine: they are about words and timers."""
    regular = timed["regular caller"]
    assert regular.ratio <= 1.4
    assert timed["first-time caller"].ratio <= 2.1
    assert timed["express"].ratio <= 1.25
    assert timed["QR dial"].ratio <= 0.95
    assert timed["one wrong digit"].seconds - regular.seconds <= 10
    assert timed["one missing key"].seconds - regular.seconds <= 14
    assert timed["compact"].seconds <= 0.72 * regular.seconds


def test_a_dropped_call_that_is_resumed_keys_nothing_twice(timed):
    assert timed["dropped and resumed"].keyed == pytest.approx(timed["regular caller"].keyed, abs=3)


def test_the_seconds_heard_keyed_and_waited_are_all_there_are(timed):
    for one in timed.values():
        assert one.heard + one.keyed + one.waited == pytest.approx(one.seconds)
