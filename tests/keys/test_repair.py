"""Any one slip in a whole ID is found again: what was meant is among the candidates, and these are few."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.formats import FORMATS
from keys.groups import check_group, check_whole, split
from keys.installation_id import InstallationID, encode
from keys.repair import candidates, doubled, unseen
from keys.runs import alone, read_run

BY_NAME = pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.name)
SAMPLE = 125


def some_ids(fmt, seed):
    """Digits of IDs as they are in life, where most fields come out of a hash, and a source of chance for each."""
    for number in range(SAMPLE):
        chance = random.Random(f"{fmt.number} {seed} {number}")
        parts = tuple(chance.randrange(1 << fmt.fingerprint_field_bits) for _ in range(fmt.fingerprint_fields))
        iid = InstallationID(
            fmt.number,
            chance.randrange(9),
            chance.randrange(100_000),
            parts,
            chance.randrange(1 << fmt.nonce_bits),
            chance.randrange(1 << fmt.proof_bits),
        )
        yield encode(iid), chance


def offered(fmt, keyed):
    """The candidates for a whole run, or for groups that all pass and are no ID together; each passes every check."""
    groups = split(keyed)
    pass_ = all(check_group(fmt, place, group) is None for place, group in enumerate(groups, 1))
    if len(keyed) == fmt.digits and pass_:
        found = unseen(fmt, groups)
    else:
        found = candidates(fmt, {}, read_run(fmt, 1, fmt.groups, keyed, {}))
    for candidate in found:
        assert check_whole(fmt, candidate.groups) is None
        assert all(check_group(fmt, place, group) is None for place, group in enumerate(candidate.groups, 1))
    return {candidate.groups: candidate.mended for candidate in found}


def lost(true, chance):
    at = chance.randrange(len(true))
    return true[:at] + true[at + 1 :], None


def added(true, chance):
    at = chance.randrange(len(true))
    return true[:at] + str(chance.randrange(10)) + true[at:], None


def wrong(true, chance):
    at = chance.randrange(len(true))
    other = str((int(true[at]) + chance.randrange(1, 10)) % 10)
    return true[:at] + other + true[at + 1 :], (at // 6 + 1,)


def swapped(true, chance):
    at = chance.choice([at for at in range(len(true) - 1) if true[at] != true[at + 1]])
    keyed = true[:at] + true[at + 1] + true[at] + true[at + 2 :]
    return keyed, tuple(sorted({at // 6 + 1, (at + 1) // 6 + 1}))


@BY_NAME
@pytest.mark.parametrize("slip", [lost, added, wrong, swapped])
def test_one_slip_is_found_wherever_it_was_and_few_others_fit(fmt, slip):
    others = 0
    for true, chance in some_ids(fmt, slip.__name__):
        keyed, mended = slip(true, chance)
        found = offered(fmt, keyed)
        assert split(true) in found
        assert mended is None or found[split(true)] == mended
        others += len(found) - 1
    assert others / SAMPLE < 0.2


@BY_NAME
def test_a_key_added_in_a_full_gather_is_found_though_it_took_the_last_ones_room(fmt):
    found = 0
    for true, chance in some_ids(fmt, "pushed out"):
        keyed = added(true, chance)[0][:-1]
        run = read_run(fmt, 1, fmt.groups, keyed, {}, full=True)
        found += split(true) in [candidate.groups for candidate in candidates(fmt, {}, run)]
    assert found / SAMPLE > 0.95


def test_two_classic_groups_exchanged_are_found_although_each_of_them_passes():
    for true, chance in some_ids(FORMATS[7], "exchanged"):
        groups = list(split(true))
        one, other = sorted(chance.sample(range(1, 9), 2))
        groups[one], groups[other] = groups[other], groups[one]
        found = offered(FORMATS[7], "".join(groups))
        assert found.get(split(true)) == (one + 1, other + 1) or check_whole(FORMATS[7], groups) is None


@pytest.mark.parametrize("number", [1, 3])
def test_a_group_left_out_or_keyed_twice_leaves_the_others_sound(number):
    fmt = FORMATS[number]
    alone_in_doubt = 0
    for true, chance in some_ids(fmt, "whole groups"):
        groups = split(true)
        at = chance.randrange(1, fmt.groups - 2)
        without = read_run(fmt, 1, fmt.groups, "".join((*groups[:at], *groups[at + 1 :])), {})
        assert at + 1 in without.doubted
        alone_in_doubt += without.sound == {place: group for place, group in enumerate(groups, 1) if place != at + 1}
        twice = read_run(fmt, 1, fmt.groups, "".join((*groups[:at], groups[at], *groups[at:])), {})
        assert (twice.doubted, twice.sound) == ((), dict(enumerate(groups, 1)))
    assert alone_in_doubt / SAMPLE > 0.9


@pytest.mark.parametrize("number", [1, 3])
def test_of_two_slips_in_different_groups_nearly_all_other_groups_are_kept(number):
    fmt = FORMATS[number]
    kept = false = 0
    for true, chance in some_ids(fmt, "two"):
        groups = list(split(true))
        one, other = chance.sample(range(fmt.groups), 2)
        groups[one] = groups[one][:2] + groups[one][3:]
        groups[other] = wrong(groups[other], chance)[0]
        run = read_run(fmt, 1, fmt.groups, "".join(groups), {})
        right = dict(enumerate(split(true), 1))
        kept += sum(right[place] == group for place, group in run.sound.items())
        false += sum(right[place] != group for place, group in run.sound.items())
    assert kept / SAMPLE > (fmt.groups - 2) * 0.85
    assert false / SAMPLE < 0.1  # where the whole-ID check then fails, these are asked again: see `Form.unsure`


@BY_NAME
def test_a_single_group_is_found_from_five_of_its_digits_where_all_others_are_in(fmt):
    for true, chance in some_ids(fmt, "five"):
        groups = dict(enumerate(split(true), 1))
        number = chance.choice(sorted(groups))
        group = groups.pop(number)
        found = candidates(fmt, groups, alone(number, lost(group, chance)[0]))
        assert group in [candidate.groups[number - 1] for candidate in found]
        assert len(found) <= 3


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text("0123456789", max_size=60), st.integers(60, 10_000).map("1".__mul__)))
def test_whatever_is_keyed_is_read_without_an_error_and_no_sound_group_is_made_up(keyed):
    for fmt in FORMATS.values():
        run = read_run(fmt, 1, fmt.groups, keyed, {})
        for number, group in run.sound.items():
            assert group in keyed
            assert check_group(fmt, number, group) is None


def test_a_group_followed_by_itself_is_told_where_groups_do_not_know_their_place():
    assert doubled(FORMATS[7], ("700011", "488904", "488904")) == 2
    assert doubled(FORMATS[7], ("700011", "488904", "285130")) is None
    assert doubled(FORMATS[1], ("100002", "212677", "212677")) is None


@BY_NAME
def test_a_whole_id_with_a_lost_key_is_mended_well_within_a_turn(fmt):
    spent = []
    for true, chance in some_ids(fmt, "time"):
        keyed, _ = lost(true, chance)
        began = time.process_time()
        offered(fmt, keyed)
        spent.append(time.process_time() - began)
    assert sorted(spent)[SAMPLE // 2] < 0.050
