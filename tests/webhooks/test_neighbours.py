"""A block of numbers that guesses: it waits as one, and an innocent neighbour gets through to a person."""

import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr import operators
from ivr.guesses import FREE_OF_PREFIX
from ivr.hours import DeskHours, read_hours
from ivr.lines import Lines, TextLimits
from ivr.operators import NewOperator, Role
from ivr.signs import Sign
from keys.installation_id import encode
from webhooks.desk import deciding, handling
from webhooks.desk.handling import Doing, Done

from .conftest import Texts

ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
NEIGHBOUR = "+14155550999"
LOOK = "A person has to look at this activation first."
MISMATCH = "does not match any product key"


@pytest.fixture
def staffed(texting):
    """The exchange, with a line whose desk is open, and which may text a whole block."""
    line = replace(texting.lines.all[0], desk=ALWAYS)
    return replace(texting, lines=Lines((line,)), limits=TextLimits(1000, 1000, 1000, 1000))


@pytest.fixture
def wrong(mak, installation):
    """An ID that passes every check and proves no key."""
    iid = installation(1, mak.key.serial)
    return encode(replace(iid, proof=iid.proof ^ 1))


@pytest.fixture
def dial(ring, door_of, staffed):
    """A call that keys a whole ID; what is said of it."""
    door = door_of(staffed)

    def called(number, digits):
        return ring(number, at=door).key(digits)

    return called


@pytest.fixture
def block_guesses(dial, wrong):
    def once_from_each(numbers):
        for number in range(numbers):
            call = dial(f"+141555501{number:02d}", wrong)
            assert MISMATCH in call.words
            call.status("completed")

    return once_from_each


def test_a_neighbour_is_held_for_a_person_who_sees_why_and_activates(
    dial, block_guesses, groups, staffed, secrets, database, clock, rows
):
    block_guesses(FREE_OF_PREFIX + 1)
    call = dial(NEIGHBOUR, "".join(groups))
    assert call.words.startswith(f"{LOOK} You are number 1 in line")
    assert rows("reservations") == []
    (handoff,) = rows("handoffs")
    (case,) = [row for row in rows("cases") if row["id"] == handoff["case_id"]]
    assert json.loads(case["signs"]) == {Sign.NEIGHBOURS: FREE_OF_PREFIX + 1}
    with database.begin() as connection:
        ada = operators.add(connection, NewOperator("ada", Role.OPERATOR, "x"), clock.now)
        doing = Doing(connection, secrets, ada, clock.now, staffed.lines, staffed.limits)
        handling.claim(doing, handoff["id"])
        assert isinstance(deciding.issue(doing, handoff["id"], "", by_text=False), Done)
    assert call.silence().words.startswith("A person has approved this machine. Write down 8 blocks")


def test_the_whole_block_waits_whatever_it_brings_and_longer_each_time(dial, block_guesses, groups, wrong, rows, clock):
    block_guesses(FREE_OF_PREFIX + 1)
    counted = len(rows("guesses"))
    for number in range(50, 60):
        assert LOOK in dial(f"+14155550{number}0", wrong).words, "a wrong ID and a right one sound alike"
    assert len(rows("guesses")) == counted, "and a neighbour has nothing held against them"
    assert "Approved" in dial("+14155559999", "".join(groups)).words, "another block is another"
    assert "approved already" in dial("anonymous", "".join(groups)).words, "a withheld number is nobody's neighbour"
    clock.now += timedelta(minutes=15)
    assert MISMATCH in dial("+14155550800", wrong).words
    clock.now += timedelta(minutes=16)
    assert LOOK in dial(NEIGHBOUR, "".join(groups)).words, "longer each time"
    clock.now += timedelta(minutes=15)
    assert "approved already" in dial(NEIGHBOUR, "".join(groups)).words


def test_texts_of_a_block_are_counted_with_its_calls(staffed, clock, wrong, groups, dial, block_guesses, rows):
    block_guesses(FREE_OF_PREFIX)
    texter = Texts(staffed, clock, "+14155550777")
    (answer,) = texter.send(wrong)
    assert MISMATCH in answer
    innocent = Texts(staffed, clock, "+14155550888")
    (answer,) = innocent.send("".join(groups))
    assert answer.startswith(LOOK)
    assert [row["channel"] for row in rows("handoffs")] == ["text"]
    assert LOOK in dial(NEIGHBOUR, "".join(groups)).words


def test_a_case_number_is_not_found_for_the_neighbours_and_not_guessed_by_them(
    block_guesses, groups, rows, ring, door_of, staffed, clock
):
    kept = ring(NEIGHBOUR, at=door_of(staffed)).key(groups[0])
    kept.status("completed")
    number = rows("cases")[0]["number"]
    block_guesses(FREE_OF_PREFIX + 1)
    clock.sleep(1)
    counted = len(rows("guesses"))
    assert "No open case" in ring("+14155550998", at=door_of(staffed)).key(number).words
    assert len(rows("guesses")) == counted
    clock.now += timedelta(minutes=15)
    assert "Go on with group 2" in ring("+14155550998", at=door_of(staffed)).key(number).words
