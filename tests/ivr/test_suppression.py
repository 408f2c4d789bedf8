"""Small counts are hidden, and cannot be found again: shown by trying every world that fits what is published."""

from collections import defaultdict
from functools import cache
from itertools import combinations_with_replacement

from hypothesis import given
from hypothesis import strategies as st

from ivr.suppression import SMALLEST, alone, publish

COUNTS = st.dictionaries(st.sampled_from(["DE", "FR", "US", "CA", "GB", "unknown"]), st.integers(0, 60), min_size=1)
NAMES = ("a", "b", "c")


@given(COUNTS, st.data())
def test_no_small_count_is_shown_and_no_hidden_one_stands_alone_beside_its_total(counts, data):
    line = publish(counts, lambda large: data.draw(st.sampled_from(large)))
    hidden = [name for name, count in line.shown.items() if count is None]
    assert not [name for name, count in line.shown.items() if count is not None and 0 < count < SMALLEST]
    assert all(count is None or count == counts[name] for name, count in line.shown.items())
    if line.total is None:
        assert hidden == list(counts)
        assert sum(counts.values()) < SMALLEST
    elif hidden:
        assert len(hidden) > 1
        assert line.total - sum(count or 0 for count in line.shown.values()) >= SMALLEST


@cache
def worlds(total, smallest):
    """Every line of three counts with this total, by each way it may be published."""
    published = defaultdict(list)
    for one, two in combinations_with_replacement(range(total + 1), 2):
        counts = dict(zip(NAMES, (one, two - one, total - two), strict=True))
        for choice in NAMES:  # a choice that is not offered stands for the first that is
            line = publish(counts, lambda large, at=choice: at if at in large else large[0], smallest=smallest)
            published[(tuple(line.shown.items()), line.total)].append(counts)
    return published


@given(st.integers(3, 6), st.integers(0, 34))
def test_whoever_knows_the_rule_and_all_that_is_shown_finds_no_hidden_count(smallest, total):
    """The reader tries every line there could be, with every choice of what is hidden beside the small ones."""
    for (shown, shown_total), fitting in worlds(total, smallest).items():
        if shown_total is None:
            continue  # every total under the smallest fits, and the next test has that
        for name, count in shown:
            if count is None:
                assert len({world[name] for world in fitting}) > 1, (shown, shown_total, fitting)


def test_a_total_that_is_hidden_tells_nothing_at_all():
    lines = {
        (tuple(line.shown.items()), line.total)
        for one in range(SMALLEST)
        for two in range(SMALLEST - one)
        if one + two
        for line in [publish({"a": one, "b": two}, lambda large: large[0])]
    }
    assert lines == {((("a", None), ("b", None)), None)}


@given(COUNTS)
def test_counts_without_a_total_are_hidden_each_for_itself(counts):
    line = alone(counts)
    assert line.total is None
    assert all((line.shown[name] is None) == (0 < count < SMALLEST) for name, count in counts.items())
