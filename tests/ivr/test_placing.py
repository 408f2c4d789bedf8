"""Groups put in their places: every spelling of the data file, and what must hold for any."""

import importlib.util
import time
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ivr.message import read
from ivr.placing import place
from ivr.weighing import genuine_among
from keys.checkdigit import calc
from keys.formats import FORMATS, CheckRule
from keys.groups import Fault, GroupFault, check_group, format_of, place_of, split
from keys.repair import Candidate, candidates

FILE = Path(__file__).with_name("spellings.toml")
SPELLINGS = tomllib.loads(FILE.read_text("utf-8"))["spelling"]
STANDARD, COMPACT, CLASSIC = (FORMATS[number] for number in (1, 3, 7))
IDS = {layout.name: [] for layout in FORMATS.values()}
for entry in SPELLINGS:
    IDS[format_of(entry["iid"]).name].append(split(entry["iid"]))

BEFORE = ["", "Hi, my id is ", "ID: ", "2 machines: ", "order 4711\n", "+1 415 555 0123 ", "\u200f", "(", "*"]
AFTER = ["", " thanks", ".", "\nBob, +49 170 1234567", " (10:30)", "\n> 123456", "\U0001f44d", " on 24.11.2026"]
verhoeff = st.sampled_from(IDS["standard"] + IDS["compact"])
any_id = st.sampled_from([groups for ids in IDS.values() for groups in ids])


class Thread:
    """One texter, and what is in by now; each text is answered by asking for what is wrong, then what is missing."""

    def __init__(self):
        self.layout, self.known, self.asked, self.wrong = None, {}, (), set()
        self.case_number = None

    def text(self, body):
        message = read(body, {})
        self.case_number = message.case_number or self.case_number
        placed = place(message, layout=self.layout, known=self.known, asked=self.asked)
        self.layout = placed.layout
        held = {} if placed.another else self.known
        most = self.layout.groups if self.layout else 9
        self.known = {number: group for number, group in {**held, **placed.groups}.items() if number <= most}
        self.wrong = (self.wrong | set(placed.wrong)) - self.known.keys()
        if self.known or self.wrong:
            most = self.layout.groups if self.layout else 6
            self.asked = tuple(sorted({*range(1, most + 1), *self.wrong} - self.known.keys()))
        return placed


def put(body, layout=None, known=None, asked=()):
    return place(read(body, {}), layout=layout, known=known or {}, asked=asked)


def numbered(groups):
    return dict(enumerate(groups, 1))


def swapped_digit(groups, at, digit):
    """The groups with one digit another, and the number of the group it is in."""
    digits = "".join(groups)
    return split(digits[:at] + digit + digits[at + 1 :]), at // 6 + 1


@pytest.mark.parametrize("entry", SPELLINGS, ids=lambda entry: entry["name"])
def test_a_spelling_is_read_as_it_was_meant(entry):
    thread = Thread()
    for body in entry["bodies"]:
        thread.text(body)
    meant = numbered(split(entry["iid"]))
    assert thread.known == {number: meant[number] for number in entry.get("in", meant)}
    assert thread.wrong == set(entry.get("wrong", ()))
    assert thread.case_number == entry.get("case_number")


def test_there_are_enough_spellings_and_enough_of_them_by_hand():
    by_hand = FILE.read_text("utf-8").partition("# Generated")[0].count("[[spelling]]")
    assert len(SPELLINGS) >= 200
    assert by_hand >= 60


def test_every_id_of_the_data_file_is_genuine(secrets):
    whole = tuple(Candidate(split(entry["iid"]), ()) for entry in SPELLINGS)
    assert genuine_among(whole, secrets) == tuple(range(len(whole)))


def test_the_generated_spellings_are_what_the_script_writes():
    spec = importlib.util.spec_from_file_location("spellings", FILE.with_suffix(".py"))
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert FILE.read_text("utf-8").partition(script.MARK)[2] == "\n" + script.written(script.entries())


@given(
    groups=any_id,
    within=st.sampled_from(["", "", "-", " ", ".", "\u00a0"]),
    between=st.sampled_from([" ", "\n", ", ", "-", " / ", "", "\t", "; ", "  "]),
    before=st.sampled_from(BEFORE),
    after=st.sampled_from(AFTER),
    zero=st.sampled_from("0\uff10\u0660\u06f0\u0966"),
    width=st.sampled_from([1, 2, 3]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_genuine_id_in_any_spelling_comes_in_whole(groups, within, between, before, after, zero, width):
    assume(between or not within or width == 1)  # nobody divides within groups and not between them
    spelled = between.join(within.join(group[at : at + width] for at in range(0, 6, width)) for group in groups)
    folded = "".join(chr(ord(zero) + int(sign)) if sign.isdecimal() else sign for sign in spelled)
    placed = put(before + folded + after)
    assert placed.groups == numbered(groups)
    assert placed.faults == ()
    assert placed.layout is format_of(groups[0])


@given(
    groups=verhoeff,
    at=st.integers(0, 53),
    digit=st.sampled_from("0123456789"),
    between=st.sampled_from([" ", "\n", "", "-"]),
)
@settings(max_examples=150, deadline=None)
def test_one_wrong_digit_puts_its_own_group_in_doubt_and_no_other(groups, at, digit, between):
    at %= 6 * len(groups)
    assume("".join(groups)[at] != digit)
    slipped, wrong = swapped_digit(groups, at, digit)
    placed = put(between.join(slipped))
    assert placed.wrong == (wrong,)
    assert placed.groups == {number: group for number, group in numbered(groups).items() if number != wrong}
    assert placed.run is not None
    assert placed.run.doubted == (wrong,)
    if placed.layout is not None:
        assert groups in [mended.groups for mended in candidates(placed.layout, placed.groups, placed.run)]


@given(
    groups=any_id,
    number=st.integers(0, 8),
    at=st.integers(0, 5),
    added=st.sampled_from(["", "0", "5"]),
    between=st.sampled_from([" ", "\n", ", "]),
)
@settings(max_examples=150, deadline=None)
def test_a_group_a_digit_short_or_long_keeps_the_others_in_their_places(groups, number, at, added, between):
    number %= len(groups)
    group = groups[number]
    changed = group[:at] + added + group[at + (not added) :]
    placed = put(between.join([*groups[:number], changed, *groups[number + 1 :]]))
    assert placed.faults == ((GroupFault(number + 1, Fault.LENGTH, found=len(changed)),))
    assert set(placed.groups.values()) == set(groups) - {group}


@given(groups=verhoeff, order=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_groups_sent_in_any_order_find_their_places(groups, order):
    assert put(" ".join(order.sample(groups, len(groups)))).groups == numbered(groups)


@given(groups=verhoeff, order=st.randoms(use_true_random=False), cuts=st.sets(st.integers(1, 8)))
@settings(max_examples=150, deadline=None)
def test_messages_that_overtake_each_other_bring_all_groups_in(groups, order, cuts):
    assume(not any(group[0] == "7" and calc(CheckRule.MOD7, 1, group[:-1]) == group[-1] for group in groups))
    edges = [0, *sorted(cut for cut in cuts if cut < len(groups)), len(groups)]
    bodies = [" ".join(groups[start:end]) for start, end in pairwise(edges)]
    order.shuffle(bodies)
    thread = Thread()
    for body in bodies:
        thread.text(body)
    assert thread.known == numbered(groups)


@given(groups=any_id, cuts=st.sets(st.integers(1, 8)))
@settings(max_examples=100, deadline=None)
def test_an_id_sent_in_parts_in_order_comes_in_whole_in_every_format(groups, cuts):
    thread = Thread()
    for start, end in pairwise([0, *sorted(cut for cut in cuts if cut < len(groups)), len(groups)]):
        thread.text(" ".join(groups[start:end]))
    assert thread.known == numbered(groups)
    assert thread.layout is format_of(groups[0])


NOISE = st.lists(
    st.sampled_from([*"0123456789", " ", "\n", "-", ", ", ". ", "x", "Group ", "group 4: ", "A ", "7) ", "+", "300217",
                     "156230", "123456", "9123456785", "hello ", "> ", "\u0664", "\U0001f642"]),
    max_size=60,
).map("".join)  # fmt: skip


@given(
    body=st.one_of(NOISE, st.text(max_size=200)), groups=any_id, held=st.sets(st.integers(1, 9)), aware=st.booleans()
)
@settings(max_examples=150, deadline=None)
def test_no_text_makes_a_group_that_does_not_pass_in_its_place(body, groups, held, aware):
    layout = format_of(groups[0]) if aware else None
    known = {number: group for number, group in numbered(groups).items() if number in held}
    if layout is None and format_of(groups[0]) is CLASSIC:
        known = {}
    placed = put(body, layout, known, tuple(number for number in range(1, len(groups) + 1) if number not in known))
    layouts = [placed.layout] if placed.layout is not None else [STANDARD, COMPACT]
    for number, group in placed.groups.items():
        assert any(check_group(one, number, group) is None for one in layouts)
    assert not set(placed.groups) & set(placed.wrong)
    assert set(placed.unsure) <= set(placed.groups)


ONE, OTHER = IDS["standard"][:2]
SMALL = IDS["compact"][0]
OLD, OLDER = IDS["classic"][:2]


def wrong(group):
    """A group with another third digit."""
    return group[:2] + str((int(group[2]) + 1) % 10) + group[3:]


def fitting(layout, number, *, but=()):
    """A group that passes in this place alone, and is not among those."""
    payloads = (f"{first:05d}" for first in range(20_000, 99_999))
    made = (payload + calc(layout.check_rule, number, payload) for payload in payloads)
    return next(group for group in made if group not in but)


def test_a_slip_is_wrong_in_its_place_even_where_its_check_fits_another():
    groups = list(ONE)
    groups[3] = fitting(STANDARD, 7)
    placed = put(" ".join(groups))
    assert placed.wrong == (4,)
    assert 7 in placed.groups
    partly = put(" ".join(groups[:4]))
    assert partly.wrong == (4,)
    assert set(partly.groups) == {1, 2, 3}


def test_a_label_is_trusted_even_where_the_check_fits_another_place():
    placed = put(f"group 4: {ONE[6]}", STANDARD, {1: ONE[0]}, tuple(range(2, 10)))
    assert placed.groups == {}
    assert placed.wrong == (4,)


def test_a_label_is_trusted_for_a_group_that_came_before_and_is_in():
    mine = fitting(STANDARD, 2, but=ONE)
    known = numbered(ONE) | {2: mine}
    assert put(f"group 2: {ONE[1]}", STANDARD, known, ()).groups == {2: ONE[1]}
    assert put(ONE[1], STANDARD, known, ()).groups == {}


def test_labels_that_make_no_sense_are_numbers_of_lines():
    assert put(f"1: {' '.join(ONE[:3])}\n2: {' '.join(ONE[3:6])}\n3: {' '.join(ONE[6:])}").groups == numbered(ONE)


def test_a_single_group_goes_where_it_was_asked_for():
    known = {number: group for number, group in numbered(ONE).items() if number not in {4, 7}}
    for number in (4, 7):
        placed = put(ONE[number - 1], STANDARD, known, (4, 7))
        assert placed.groups == {number: ONE[number - 1]}
        assert placed.wrong == ()
        assert placed.unsure == (() if number == 4 else (7,))


def test_a_single_group_that_fits_nowhere_is_the_one_asked_for():
    known = {number: group for number, group in numbered(ONE).items() if number != 4}
    placed = put(fitting(STANDARD, 7), STANDARD, known, (4,))
    assert placed.groups == {}
    assert placed.faults == (GroupFault(4, Fault.CHECK_DIGIT),)


@pytest.mark.parametrize("came", ["10520", "1052011"])
def test_a_single_group_of_the_wrong_length_is_the_one_asked_for(came):
    placed = put(came, COMPACT, numbered(SMALL[:3]), (4, 5, 6))
    assert placed.faults == (GroupFault(4, Fault.LENGTH, found=len(came)),)


def test_a_group_that_is_in_changes_nothing():
    placed = put(SMALL[2], COMPACT, numbered(SMALL[:3]), (4, 5, 6))
    assert (placed.groups, placed.wrong, placed.repeated) == ({3: SMALL[2]}, (), (3,))


def test_a_classic_group_that_is_in_is_not_taken_for_the_next():
    placed = put(OLD[2], CLASSIC, numbered(OLD[:3]), (4, 5, 6, 7, 8, 9))
    assert (placed.groups, placed.repeated) == ({3: OLD[2]}, (3,))


def test_classic_groups_go_by_the_order_they_were_asked_in():
    known = {number: group for number, group in numbered(OLD).items() if number not in {2, 7}}
    assert put(f"{OLD[1]} {OLD[6]}", CLASSIC, known, (2, 7)).groups == {2: OLD[1], 7: OLD[6]}


def test_a_group_placed_by_its_check_alone_is_unsure():
    assert put(ONE[4]).unsure == (5,)
    assert put(ONE[0]).unsure == ()
    assert put(f"{ONE[4]} {ONE[1]}").unsure != ()


def test_the_number_of_a_late_group_names_the_format():
    assert put(ONE[4]).layout is None
    assert put(ONE[7]).layout is STANDARD
    assert put(SMALL[0]).layout is COMPACT


def test_two_groups_exchanged_are_put_right():
    swapped = [*ONE[:3], ONE[4], ONE[3], *ONE[5:]]
    assert put(" ".join(swapped)).groups == numbered(ONE)


def test_two_slips_that_fit_each_others_places_are_no_exchange():
    groups = list(ONE)
    groups[1], groups[6] = fitting(STANDARD, 7), fitting(STANDARD, 2)
    placed = put(" ".join(groups))
    assert set(placed.wrong) == {2, 7}


def test_the_same_id_again_is_no_other():
    placed = put(" ".join(ONE), STANDARD, numbered(ONE), ())
    assert not placed.another
    assert placed.groups == numbered(ONE)


def test_a_whole_id_of_another_machine_is_another():
    for layout, known in ((STANDARD, numbered(ONE)), (STANDARD, numbered(ONE[:5])), (COMPACT, numbered(SMALL))):
        placed = put("and now " + " ".join(OTHER), layout, known, ())
        assert placed.another
        assert placed.groups == numbered(OTHER)
        assert placed.layout is STANDARD


def test_another_machine_with_a_slip_is_another_all_the_same():
    slipped = [*OTHER[:5], wrong(OTHER[5]), *OTHER[6:]]
    placed = put(" ".join(slipped), STANDARD, numbered(ONE), ())
    assert (placed.another, placed.wrong) == (True, (6,))


def test_a_classic_id_of_another_machine_is_another():
    placed = put(" ".join(OLDER), CLASSIC, numbered(OLD), ())
    assert (placed.another, placed.groups) == (True, numbered(OLDER))


def test_a_whole_id_sent_again_with_its_slip_mended_is_no_other():
    known = {number: group for number, group in numbered(ONE).items() if number != 4}
    placed = put(" ".join(ONE), STANDARD, known, (4,))
    assert (placed.another, placed.groups) == (False, numbered(ONE))


def test_a_wrong_group_that_was_in_stays_in():
    placed = put(" ".join([*ONE[:5], wrong(ONE[5]), *ONE[6:]]), STANDARD, numbered(ONE), ())
    assert placed.wrong == ()
    assert 6 not in placed.groups


def test_a_group_wrongly_placed_by_its_check_gives_way_to_the_row_that_brings_the_right_one():
    known = {1: ONE[0], 7: fitting(STANDARD, 7, but=ONE)}
    placed = put(" ".join(ONE[5:]), STANDARD, known, tuple(n for n in range(2, 10) if n != 7))
    assert placed.groups == {number: ONE[number - 1] for number in (6, 7, 8, 9)}


def test_a_group_that_was_unsure_gives_way_to_the_one_that_was_meant():
    known = numbered(ONE[:4]) | {5: fitting(STANDARD, 5, but=ONE)}
    assert put(ONE[4], STANDARD, known, (6, 7, 8, 9, 5)).groups == {5: ONE[4]}
    assert put(ONE[5], STANDARD, known, (6, 7, 8, 9, 5)).groups == {6: ONE[5]}


def test_two_slips_are_wrong_where_they_are_even_where_one_fits_the_others_place():
    groups = list(SMALL)
    groups[1], groups[4] = wrong(SMALL[1]), fitting(COMPACT, 2, but=SMALL)
    placed = put(" ".join(groups))
    assert placed.wrong == (2, 5)
    assert set(placed.groups) == {1, 3, 4, 6}


def test_a_first_digit_that_named_another_format_is_found_by_group_2():
    rests = (f"{number:04d}" + calc(CheckRule.VERHOEFF, 1, f"1{number:04d}") for number in range(10_000))
    first = next("7" + rest for rest in rests if check_group(CLASSIC, 1, "7" + rest) is None)
    seconds = (f"{number:05d}" + calc(CheckRule.VERHOEFF, 2, f"{number:05d}") for number in range(100))
    second = next(group for group in seconds if check_group(CLASSIC, 2, group) is not None)
    placed = put(second, CLASSIC, {1: first}, tuple(range(2, 10)))
    assert placed.layout is STANDARD
    assert placed.groups == {2: second}
    assert placed.wrong == (1,)


@pytest.mark.parametrize(
    "body",
    ["hello", "4711", "order 12345", "24.11.2026 10:30", "call 0791 112 3456", "+1 415 555 0123", "1234567",
     "2 machines", "A 123456 B 234567", "$1,234.56", "12345678901", "94107 San Francisco"],
)  # fmt: skip
def test_a_stranger_with_other_numbers_sent_no_digits_of_an_id(body):
    assert not put(body).digits


@pytest.mark.parametrize("noise", ["order 471123 ", "471123\n", "Tel 0791 112 3456, ", "PO 10/4711: "])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("groups", [ONE, SMALL, OLD], ids=["standard", "compact", "classic"])
def test_noise_beside_a_whole_id_destroys_none_of_it(noise, after, groups):
    body = " ".join(groups) + "\n" + noise if after else noise + " ".join(groups)
    placed = put(body)
    assert (placed.groups, placed.wrong) == (numbered(groups), ())


def test_a_number_in_the_middle_of_an_id_is_noise():
    assert put(f"{' '.join(ONE[:4])} (machine 471123) {' '.join(ONE[4:])}").groups == numbered(ONE)


def test_a_group_left_out_is_missing_and_not_wrong():
    placed = put(" ".join([*ONE[:3], *ONE[4:]]))
    assert placed.wrong == ()
    assert set(placed.groups) == set(range(1, 10)) - {4}


def test_a_place_that_no_format_knows_is_no_place():
    stray = fitting(STANDARD, 0)
    assert place_of(STANDARD, stray) == 0
    assert put(stray).groups == {}


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "123456 ", "123456", "1) 123456 ", "Group 4: 123456 ", "300217 156231 ", "12345 1234567 ", "x 1 "],
)
@pytest.mark.parametrize("known", [False, True])
def test_a_message_four_times_as_long_is_not_placed_sixteen_times_as_slowly(unit, known):
    def seconds(length):
        message = read((unit * length)[:length], {})
        began = time.thread_time()
        if known:
            place(message, layout=STANDARD, known=numbered(ONE[:4]), asked=(5, 6, 7, 8, 9))
        else:
            place(message, layout=None, known={}, asked=())
        return time.thread_time() - began

    # Of processor time the least of some tries, so that nothing hangs on what else the machine does.
    longer, shorter = (min(seconds(length) for _ in range(4)) for length in (1600, 400))
    assert longer < 12 * shorter
