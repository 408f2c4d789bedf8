"""Callers: pseudonyms and sealed numbers in the database, nobody behind a withheld number, and guessing that slows."""

import itertools
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, select

from ivr.callers import unseal
from ivr.cases import pick_number
from keys import ledger
from keys.groups import split
from keys.installation_id import encode

WITHHELD = [
    "anonymous", "Anonymous", "restricted", "RESTRICTED", "unknown", "Unknown", "unavailable", "Private", "blocked",
    "", "+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253",
]  # fmt: skip
SLOWED = "too many wrong tries"
MISMATCH = "does not match any product key"
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def dump(database):
    """Every value of every table as text, bytes also as hexadecimal."""
    found = MetaData()
    lines = []
    with database.read() as connection:
        found.reflect(connection)
        for table in found.tables.values():
            for row in connection.execute(select(table)):
                shown = [value.hex() if isinstance(value, bytes) else str(value) for value in row]
                lines += [f"{table.name}: {' | '.join(shown)}", *(repr(value) for value in row)]
    return "\n".join(lines)


def test_the_database_holds_no_number_no_confirmation_id_and_no_product_key(
    ring, groups, mak, installation, secrets, database, rows
):
    call = ring("+14155550123")
    for group in groups:
        call.key(group)
    assert "Approved" in call.words
    call.key("0").key("1")  # a person, and to be called back
    (reservation,) = rows("reservations")
    with database.read() as connection:
        blocks = ledger.confirmation(connection, reservation["id"], installation(1, mak.key.serial), secrets)
    everything = dump(database)
    assert call.sid in everything  # the dump does see the call
    assert not re.search(r"415\D{0,2}555\D{0,2}0123", everything)
    for first, second in itertools.pairwise(blocks):
        assert not re.search(f"{first}[^0-9]{{0,3}}{second}", everything)
    key = mak.text
    assert key.replace("-", "") not in everything.replace("-", "").upper()
    assert key.rpartition("-")[0] not in everything.upper()


def test_the_number_of_a_caller_opens_with_the_key_and_counts_by_its_pseudonym(ring, rows, secrets):
    for number in ("+14155550123", "(415) 555-0123", "+14155550124"):
        ring(number)
    same, written_otherwise, other = rows("calls")
    assert unseal(same["number_sealed"], secrets.number_key) == "+14155550123"
    assert same["caller"] == written_otherwise["caller"] != other["caller"]
    assert same["number_sealed"] != written_otherwise["number_sealed"]  # not even that two are alike can be seen


@sqlite_only
@pytest.mark.parametrize("number", WITHHELD)
def test_a_withheld_number_is_nobody(ring, rows, number):
    call = ring(number)
    assert (rows("calls")[0]["caller"], rows("calls")[0]["number_sealed"]) == (None, None)
    assert "Key the number to call" in call.key("0").key("1").words


@sqlite_only
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    number=st.one_of(st.text(max_size=40), st.from_regex(r"\A[+(0-9][-+() .0-9A-Za-z;=:@]{0,40}\Z")),
    dialled=st.text(max_size=30),
)
def test_no_caller_and_no_dialled_number_is_a_fault(ring, number, dialled):
    # A lone surrogate cannot be sent.
    number, dialled = (text.encode("utf-8", "replace").decode() for text in (number, dialled))
    call = ring(number).post("/voice/incoming", To=dialled)
    assert "Key group 1" in call.words


def guess(ring, groups, caller):
    """One call with a sound-looking ID of no key; what is said of it."""
    call = ring(caller).key("".join(groups))
    call.status("completed")
    return call.words


@pytest.fixture
def wrong(mak, installation):
    """Groups that pass every check but prove no key."""
    iid = installation(1, mak.key.serial)
    return split(encode(replace(iid, proof=iid.proof ^ 1)))


def test_five_wrong_proofs_and_the_caller_waits_longer_each_time(ring, wrong, groups, clock):
    caller = "+14155550123"
    for _ in range(5):
        assert MISMATCH in guess(ring, wrong, caller)
    assert SLOWED in guess(ring, wrong, caller)
    assert SLOWED in guess(ring, groups, caller)  # even with a sound ID: else the answer would tell
    clock.now += timedelta(minutes=15)
    assert MISMATCH in guess(ring, wrong, caller)
    clock.now += timedelta(minutes=16)
    assert SLOWED in guess(ring, wrong, caller)
    clock.now += timedelta(minutes=15)
    assert "Approved" in guess(ring, groups, caller)


def test_another_caller_is_not_slowed(ring, wrong, groups):
    for _ in range(6):
        said = guess(ring, wrong, "+14155550123")
    assert SLOWED in said
    assert "Approved" in guess(ring, groups, "+14155550199")


def test_withheld_callers_share_no_throttle(ring, wrong, groups):
    for _ in range(8):
        assert MISMATCH in guess(ring, wrong, "anonymous")
    assert "Approved" in guess(ring, groups, "+266696687")


def test_guessed_case_numbers_count_as_well(ring, wrong, rows):
    for number in sound_case_numbers(5):
        assert "No open case" in ring().key(number).words
    assert [row["kind"] for row in rows("guesses")] == ["case"] * 5
    assert SLOWED in guess(ring, wrong, "+14155550123")


def test_who_guesses_case_numbers_does_not_find_one_that_is_there(ring, groups, rows, clock):
    kept = ring("+14155550177").key(groups[0]).key("0")
    number = rows("cases")[0]["number"]
    assert kept.words.replace(" ", "").find(number) > 0
    for number_tried in sound_case_numbers(8):
        ring().key(number_tried)
    assert len(rows("guesses")) >= 5
    assert "No open case" in ring().key(number).words
    clock.now += timedelta(hours=9)
    assert "Go on with group 2" in ring().key(number).words


def sound_case_numbers(count):
    """Numbers that fit their check digit; no case has them, but for an unlikely chance."""
    return [pick_number(lambda _, place=place: place) for place in range(1, count + 1)]
