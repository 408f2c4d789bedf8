"""The scoring of signs: what a rule counts, that more never scores less, and that what is old counts for nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.signs import RULES, WIDEST, Part, Score, Seen, Sign, read, weigh
from tests.conftest import NOW

AGES = st.timedeltas(timedelta(0), timedelta(days=40))
SEEN = st.builds(
    Seen,
    at=AGES.map(lambda age: NOW - age),
    caller=st.sampled_from([None, *"abcdef"]),
    country=st.sampled_from([None, "DE", "FR", "US", "CA"]),
    machine=st.integers(1, 40),
)
PARTS = st.dictionaries(st.sampled_from(Part), st.lists(SEEN, max_size=40))


@given(PARTS, st.sampled_from(Part), SEEN)
def test_more_seen_never_scores_less(seen, part, one_more):
    before = weigh(seen, NOW)
    after = weigh({**seen, part: [*seen.get(part, []), one_more]}, NOW)
    assert after.points >= before.points
    assert all(after.counts[sign] >= count for sign, count in before.counts.items())


@given(PARTS)
def test_what_is_older_than_every_window_counts_for_nothing(seen):
    recent = {part: [each for each in many if each.at > NOW - WIDEST[part]] for part, many in seen.items()}
    assert weigh(seen, NOW) == weigh(recent, NOW)


@given(PARTS, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_found_does_not_matter(seen, chance):
    mixed = {part: chance.sample(many, len(many)) for part, many in seen.items()}
    assert weigh(mixed, NOW) == weigh(seen, NOW)


@given(PARTS)
def test_points_are_the_sum_of_the_rules_that_were_met_and_each_says_how_many_it_counted(seen):
    score = weigh(seen, NOW)
    assert score.points == sum(rule.points for rule in RULES if rule.sign in score.counts)
    assert all(score.counts[rule.sign] >= rule.least for rule in RULES if rule.sign in score.counts)
    assert read(score.points, score.written) == score


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.sign)
def test_a_rule_holds_from_its_number_on_and_to_the_end_of_its_window(rule):
    some = [Seen(NOW, f"caller {n}", f"{n:02d}", n) for n in range(rule.least)]
    assert rule.sign in weigh({rule.part: some}, NOW).counts
    assert rule.sign not in weigh({rule.part: some[1:]}, NOW).counts
    assert rule.sign not in weigh({rule.part: some}, NOW + rule.window).counts
    assert rule.sign in weigh({rule.part: some}, NOW + rule.window - timedelta(microseconds=1)).counts


def test_every_sign_has_one_rule():
    assert sorted(rule.sign for rule in RULES) == sorted(Sign)


def test_a_withheld_number_is_no_caller_and_no_country():
    nobody = [Seen(NOW, None, None, n) for n in range(20)]
    assert weigh({Part.KEY: nobody}, NOW) == Score(0)


def test_one_administrator_with_many_machines_and_one_key_is_no_sign():
    started = NOW - timedelta(hours=8)
    day = [Seen(started + timedelta(minutes=5 * n), "an administrator", "DE", n) for n in range(96)]
    assert weigh({Part.KEY: day}, NOW) == Score(0)
    hurry = [replace(each, at=NOW - timedelta(minutes=n)) for n, each in enumerate(day[:25])]
    assert set(weigh({Part.KEY: hurry}, NOW).counts) == {Sign.MACHINES}
