"""The vote: small changes are forgiven, a twin of the same model is not, and nothing virtual counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.device.hardware import (
    Component,
    InvalidHardware,
    classes_of,
    fingerprint,
    from_facts,
    has_own_identity,
    replaced,
    simulated,
    to_facts,
    vote,
)
from keys.formats import FORMATS

SECRET = bytes(range(9))
FORMS = pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.name)
STANDARD = FORMATS[1]
NAMES = [part.name for part in classes_of(STANDARD)]
OWN = {part.name for part in classes_of(STANDARD) if part.serial_like}


def _vote(fmt, before, after, **options):
    return vote(fmt, fingerprint(fmt, before, SECRET), after, SECRET, **options)


@FORMS
def test_a_whole_machine_has_ten_votes_of_which_three_are_its_models(fmt):
    parts = classes_of(fmt)
    assert len(parts) == fmt.fingerprint_fields
    assert sum(part.votes for part in parts) == 10
    assert sum(part.votes for part in parts if not part.serial_like) == 3


@FORMS
def test_the_same_machine_passes_with_every_vote(fmt):
    tally = _vote(fmt, simulated("a"), simulated("a"))
    assert (tally.present, tally.needed, tally.matched, tally.passed) == (10, 7, 10, True)


@pytest.mark.parametrize(
    ("changed", "usual", "dockable"),
    [
        (["processor", "graphics", "memory"], True, True),
        (["machine", "disk"], True, True),
        (["machine", "board"], False, True),
        (["machine", "board", "disk", "network"], False, True),
        (["machine", "board", "disk", "network", "security_chip"], False, False),
    ],
)
def test_small_changes_are_forgiven_and_large_ones_not(changed, usual, dockable):
    before = simulated("a")
    after = replaced(before, **dict.fromkeys(changed, "a spare part"))
    assert _vote(STANDARD, before, after).passed is usual
    assert _vote(STANDARD, before, after, dockable=True).passed is dockable


@pytest.mark.parametrize(
    ("number", "dockable", "model", "percent"),
    [
        (1, False, "m", 0.03),
        (1, True, "m", 7.7),
        (1, True, None, 0.04),
        (3, False, "m", 1.3),
        (3, True, "m", 24.1),
        (3, True, None, 1.7),
    ],
)
def test_a_stranger_passes_as_seldom_as_the_page_says(number, dockable, model, percent):
    before, machines = simulated("a", "m"), 1500
    activated = fingerprint(FORMATS[number], before, SECRET)
    tallies = (
        vote(FORMATS[number], activated, simulated(f"b{n}", model), SECRET, dockable=dockable) for n in range(machines)
    )
    passed = sum(tally.passed for tally in tallies)
    expected = machines * percent / 100
    assert abs(passed - expected) <= 4 * max(expected, 1) ** 0.5


@given(st.sets(st.sampled_from(NAMES), min_size=1), st.booleans())
def test_a_matching_serial_is_always_needed(present, dockable):
    before = {name: parts for name, parts in simulated("a").items() if name in present}
    activated = fingerprint(STANDARD, before, SECRET)
    only_model = {name: parts for name, parts in before.items() if name not in OWN}
    assert not vote(STANDARD, activated, only_model, SECRET, dockable=dockable).passed
    assert vote(STANDARD, activated, before, SECRET, dockable=dockable).passed is has_own_identity(STANDARD, activated)


@given(st.sets(st.sampled_from(NAMES)))
def test_a_part_that_was_absent_has_no_vote(absent):
    before = {name: parts for name, parts in simulated("a").items() if name not in absent}
    activated = fingerprint(STANDARD, before, SECRET)
    assert [value == 0 for value in activated] == [name in absent for name in NAMES]
    assert vote(STANDARD, activated, simulated("a"), SECRET).present == sum(
        part.votes for part in classes_of(STANDARD) if part.name not in absent
    )


@pytest.mark.parametrize("flag", ["virtual", "removable"])
def test_virtual_and_removable_parts_count_as_absent(flag):
    here = simulated("a")
    plugged = here | {"disk": (Component("0000", **{flag: True}), *here["disk"])}
    assert fingerprint(STANDARD, plugged, SECRET) == fingerprint(STANDARD, here, SECRET)
    assert fingerprint(STANDARD, here | {"disk": (Component("0000", **{flag: True}),)}, SECRET)[2] == 0


def test_a_second_disk_changes_nothing_whatever_its_name():
    before = simulated("a")
    for name in ("!first", "~last"):
        after = before | {"disk": (Component(name), *before["disk"])}
        assert _vote(STANDARD, before, after).matched == 10


def test_the_order_in_which_parts_are_found_does_not_matter():
    disks = (Component("b"), Component("C"), Component(" a "))
    made = {fingerprint(STANDARD, simulated("x") | {"disk": order}, SECRET) for order in (disks, disks[::-1])}
    assert len(made) == 1


@pytest.mark.parametrize("spelling", ["WD-1001", "wd-1001", "  WD-1001\n", "\twd-1001 "])
def test_capitals_and_outer_spaces_do_not_matter(spelling):
    plain = fingerprint(STANDARD, {"disk": (Component("WD-1001"),)}, SECRET)
    assert fingerprint(STANDARD, {"disk": (Component(spelling),)}, SECRET) == plain


def test_an_empty_identity_is_no_part():
    assert fingerprint(STANDARD, {"disk": (Component("  "),)}, SECRET) == (0,) * 8


@FORMS
@given(secret=st.binary(min_size=9, max_size=9))
def test_fields_keep_to_their_width_and_are_never_nought(fmt, secret):
    values = fingerprint(fmt, simulated("a"), secret)
    assert all(1 <= value < 1 << fmt.fingerprint_field_bits for value in values)


def test_another_key_makes_another_fingerprint():
    made = {fingerprint(STANDARD, simulated("a"), bytes([n]) * 9) for n in range(50)}
    assert len(made) == 50


def test_hardware_survives_its_file():
    here = simulated("a") | {"disk": (Component("x", removable=True), Component("y", virtual=True))}
    assert from_facts(to_facts(here)) == here
    assert from_facts({"disk": ["x", {"identity": "y"}]}) == {"disk": (Component("x"), Component("y"))}


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        ({"flux": ["x"]}, "flux"),
        ({"disk": "x"}, "disk"),
        ({"disk": [7]}, "disk"),
        ({"disk": [{"name": "x"}]}, "disk"),
    ],
)
def test_a_description_that_is_none_is_refused(facts, part):
    with pytest.raises(InvalidHardware) as caught:
        from_facts(facts)
    assert caught.value.part == part
