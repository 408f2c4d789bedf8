"""The table of slips: the promised figures, and that its short cut counts what a count of every group would."""

import json
import random

import pytest
from click.testing import CliRunner

from keys import checkdigit
from keys.formats import FORMATS, CheckRule
from webhooks.bench.digits import PLACE_SLIPS, RUN_SLIPS, groups_with, representative, rows, table
from webhooks.cli.main import cli


@pytest.fixture(scope="module")
def counted():
    return {(row.slip, row.format): row for row in rows()}


@pytest.mark.parametrize("name", ["standard", "compact"])
def test_a_verhoeff_format_catches_what_is_promised(counted, name):
    for slip in ("single digit", "neighbour swap", *PLACE_SLIPS):
        assert counted[slip, name].caught == counted[slip, name].possible
    assert counted["jump swap", name].share >= 0.94
    assert counted["twin", name].share >= 0.95


def test_classic_misses_what_it_is_known_to_miss(counted):
    for slip in PLACE_SLIPS:
        assert counted[slip, "classic"].caught == 0
    assert 0.94 <= counted["neighbour swap", "classic"].share < 0.96
    assert 0.9 < counted["single digit", "classic"].share < 1


def test_every_group_of_every_number_is_counted(counted):
    assert counted["single digit", "standard"].possible == 9 * 100_000 * 6 * 9
    assert counted["single digit", "compact"].possible == 6 * 100_000 * 6 * 9
    assert counted["single digit", "classic"].possible == 9 * 100_000 * 6 * 9
    assert counted["exchanged groups", "standard"].possible == 9 * 8 * 100_000


def _counted_one_by_one(rule, number, slip):
    """Caught and possible over all 100,000 groups of one number, without any short cut."""
    length, wrong_runs = next((length, made) for name, length, made in RUN_SLIPS if name == slip)
    caught = possible = 0
    for payload in range(100_000):
        group = f"{payload:05d}"
        group += checkdigit.calc(rule, number, group)
        for start in range(7 - length):
            for wrong in wrong_runs(group[start : start + length]):
                possible += 1
                keyed = group[:start] + wrong + group[start + length :]
                caught += not checkdigit.validate(rule, number, keyed)
    return caught, possible


def test_the_short_cut_counts_as_one_by_one_does_for_classic(counted):
    row = counted["phonetic", "classic"]
    caught, possible = _counted_one_by_one(CheckRule.MOD7, 1, "phonetic")
    assert (row.caught, row.possible) == (9 * caught, 9 * possible)


@pytest.mark.parametrize("rule", CheckRule)
def test_one_group_speaks_for_all_that_hold_the_same_run(rule):
    chance = random.Random(7)
    for _ in range(4_000):
        number, payload = chance.randint(1, 9), f"{chance.randrange(100_000):05d}"
        group = payload + checkdigit.calc(rule, number, payload)
        _, length, wrong_runs = chance.choice(RUN_SLIPS)
        start = chance.randint(0, 6 - length)
        run = group[start : start + length]
        speaker = representative(rule, number, start, run)
        for wrong in wrong_runs(run):
            verdicts = {
                checkdigit.validate(rule, number, keyed[:start] + wrong + keyed[start + length :])
                for keyed in (group, speaker)
            }
            assert len(verdicts) == 1


@pytest.mark.parametrize("rule", CheckRule)
def test_the_groups_that_hold_a_run_are_counted_right(rule):
    groups = [f"{payload:05d}" for payload in range(100_000)]
    groups = [payload + checkdigit.calc(rule, 3, payload) for payload in groups]
    for start, run in ((0, "7"), (1, "34"), (2, "343"), (3, "341"), (4, "16"), (4, "18"), (5, "0"), (5, "6"), (5, "7")):
        found = sum(group.startswith(run, start) for group in groups)
        assert groups_with(rule, start, run) == found


def test_the_table_has_classic_beside_standard_and_a_line_for_each_slip(counted):
    lines = table(rows()).splitlines()
    assert lines[0].split() == ["slip", "caught", "classic", "standard", "compact"]
    assert len(lines) == 1 + len(RUN_SLIPS) + len(PLACE_SLIPS)
    assert len(counted) == (len(lines) - 1) * len(FORMATS)
    exchanged = next(line for line in lines if line.startswith("exchanged groups"))
    assert exchanged.split()[2:] == ["0.00%", "100.00%", "100.00%"]


def test_bench_digits_prints_the_table_of_slips(counted):
    result = CliRunner().invoke(cli, ["bench", "digits"])
    assert result.exit_code == 0
    assert result.output.splitlines()[0].split() == ["slip", "caught", "classic", "standard", "compact"]
    facts = json.loads(CliRunner().invoke(cli, ["bench", "digits", "--json"]).output)
    assert {(one["slip"], one["format"]): one["share"] for one in facts} == {
        key: row.share for key, row in counted.items()
    }
