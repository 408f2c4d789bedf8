"""What an attempt is scored by: found in the database by indexes, however much is there, on both databases."""

from datetime import timedelta
from itertools import count

import pytest
from psycopg import RawCursor
from sqlalchemy import event, insert, text

from ivr import cases, guesses, sightings
from ivr.guesses import GuessKind
from ivr.sightings import MOST, Attempt
from ivr.signs import WIDEST, Score, Sign
from keys import ledger
from tests.conftest import NOW

NUMBERS = count(1)


@pytest.fixture
def iid(mak, installation):
    return installation(1, mak.key.serial)


@pytest.fixture
def look(database):
    def at(attempt, now=NOW, **facts):
        with database.read() as connection:
            return sightings.look(connection, attempt, now, **facts)

    return at


@pytest.fixture
def sighted(database, mak, installation):
    """Note attempts with the key: `(caller, country)` each, a minute apart up to now, each for its own machine."""

    def of(*whose, until=NOW):
        with database.begin() as connection:
            for place, (caller, country) in enumerate(whose):
                iid = installation(1, mak.key.serial, nonce=1000 + place, fingerprint=(place % 64,) * 8)
                attempt = Attempt(caller, country, "phone", iid)
                at = until - timedelta(minutes=len(whose) - place)
                sightings.note(connection, attempt, "activated", sightings.look(connection, attempt, at), at)

    return of


def test_nothing_speaks_against_the_first_one(look, iid):
    assert look(Attempt("a" * 32, "DE", "phone", iid)).points == 0


def test_one_key_from_many_callers_and_countries_in_a_short_time_is_seen_with_the_present_one(look, iid, sighted):
    sighted(*[(f"{n:032d}", ["DE", "FR"][n % 2]) for n in range(4)])
    score = look(Attempt("f" * 32, "US", "phone", iid))
    assert score.counts == {Sign.CALLERS: 5, Sign.COUNTRIES: 3}
    assert score.points == 70
    again = look(Attempt(f"{1:032d}", "FR", "phone", iid))
    assert again.points == 0
    later = look(Attempt("f" * 32, "US", "phone", iid), NOW + timedelta(days=1))
    assert later.counts == {Sign.COUNTRIES: 3}


def test_another_key_is_not_blamed_for_it(look, sighted, issue_key, installation):
    sighted(*[(f"{n:032d}", "DE") for n in range(9)])
    other = issue_key()
    assert look(Attempt("f" * 32, "US", "phone", installation(1, other.key.serial))).points == 0


def test_the_same_machine_again_and_again_is_cycling_by_whatever_door(look, iid, database, installation, mak):
    with database.begin() as connection:
        for place, channel in enumerate(("phone", "text", "api")):
            claim = ledger.Claim(installation(1, mak.key.serial, nonce=50 + place), 2, channel, f"h{place}")
            assert isinstance(ledger.reserve_and_post(connection, claim, now=NOW), ledger.Activated)
    attempt = Attempt("a" * 32, "DE", "phone", iid)
    assert look(attempt).counts == {Sign.CYCLING: 3}
    assert look(attempt, NOW + timedelta(days=30)).points == 0


def test_guessing_at_a_key_and_by_a_caller_are_told_apart(look, iid, database, mak):
    with database.begin() as connection:
        for place in range(3):
            guesses.note(
                connection, GuessKind.PROOF, caller=f"{place:032d}", call_sid="CA1", now=NOW,
                product=1, serial=mak.key.serial,
            )  # fmt: skip
        for _ in range(2):
            guesses.note(connection, GuessKind.PROOF, caller="c" * 32, call_sid="CA2", now=NOW)
            guesses.note(connection, GuessKind.CASE, caller="d" * 32, call_sid="CA3", now=NOW)
    now = NOW + timedelta(seconds=1)
    assert look(Attempt("a" * 32, None, "text", iid), now).counts == {Sign.KEY_GUESSED: 3, Sign.KEY_GUESSED_BY_MANY: 3}
    assert look(Attempt("c" * 32, None, "text", None), now).counts == {Sign.CALLER_GUESSES: 2}
    assert look(Attempt("d" * 32, None, "text", None), now).points == 0


def test_a_withheld_number_is_a_sign_and_shares_nothing_with_another(look, iid, database):
    with database.begin() as connection:
        for _ in range(5):
            guesses.note(connection, GuessKind.PROOF, caller=None, call_sid="CA1", now=NOW)
    assert look(Attempt(None, None, "phone", iid), NOW + timedelta(seconds=1)).counts == {Sign.WITHHELD: 1}


def test_a_serial_that_was_never_issued_weighs_more_than_all_else(look, installation):
    score = look(Attempt("a" * 32, "DE", "phone", installation(1, 4711)), never_issued=True)
    assert (score.points, list(score.counts)) == (100, [Sign.NEVER_ISSUED])


def test_the_score_stays_with_the_case_and_only_a_higher_one_takes_its_place(look, iid, database, sighted):
    with database.begin() as connection:
        case = cases.open_case(
            connection, line="+15550100", caller=None, layout=None, groups=(), now=NOW,
            below=lambda below: next(NUMBERS) % below,
        )  # fmt: skip
    low = look(Attempt(None, None, "phone", None))
    sighted(*[(f"{n:032d}", "DE") for n in range(5)])
    high = look(Attempt(None, None, "phone", iid))
    for score, kept in ((low, low), (high, high), (low, high)):
        with database.begin() as connection:
            cases.scored(connection, case.id, score)
            row = connection.execute(cases.cases.select()).one()
        assert (row.points, row.signs) == (kept.points, kept.written)


def test_no_part_of_the_question_reads_a_table_through(database, iid):
    """By the plan: each part goes by an index that ends in the time, and stops at the newest few."""
    plans = []

    def explain(connection, _cursor, statement, parameters, *_):
        if "UNION ALL" in statement:
            driver = connection.connection.driver_connection
            if database.dialect == "sqlite":
                rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            else:
                rows = RawCursor(driver).execute(f"EXPLAIN {statement}", parameters).fetchall()
            plans.extend(" ".join(map(str, row)) for row in rows)

    with database.read() as connection:
        if database.dialect == "postgresql":  # of an empty table it would read the one page
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        event.listen(connection, "before_cursor_execute", explain)
        sightings.look(connection, Attempt("a" * 32, "DE", "phone", iid), NOW)
    plan = "\n".join(plans)
    for index in (
        "ix_sightings_of_people",
        "ix_guesses_product_serial_at",
        "ix_guesses_caller_at",
        "ix_cases_caller_opened_at",
        "ix_reservations_installed",
    ):
        assert index in plan, plan
    tables = ("sightings", "guesses", "cases", "reservations", "product_keys")
    assert not [line for line in plans if any(f"SCAN {t}" in line or f"Seq Scan on {t}" in line for t in tables)], plan
    # Newest first as the index has them, so that the limit stops the reading; nothing is gathered and sorted before.
    assert "TEMP B-TREE" not in plan, plan
    assert "Sort" not in plan, plan
    assert sightings.OF_BOTH.compile(dialect=database.engine.dialect).string.count("LIMIT") == 5


def test_a_hot_key_is_looked_at_no_further_than_the_newest_rows(look, iid, database, mak):
    row = {
        "product": 1, "serial": mak.key.serial, "fingerprint": 1, "channel": "phone", "outcome": "activated",
        "points": 0,
    }  # fmt: skip
    with database.begin() as connection:
        older = [{**row, "caller": f"{n:032d}", "at": NOW - timedelta(hours=2)} for n in range(20)]
        newer = [{**row, "caller": "b" * 32, "at": NOW - timedelta(minutes=1)} for _ in range(MOST)]
        connection.execute(insert(sightings.sightings), older + newer)
    assert look(Attempt("a" * 32, "DE", "phone", iid)).points == 0


def test_the_windows_reach_as_far_as_the_rules_need():
    assert all(width > timedelta(0) for width in WIDEST.values())


def test_many_machines_of_programs_are_scored_as_one_at_a_time_and_are_no_sign_themselves(
    database, mak, installation, look
):
    caller = guesses.of_token(7)
    iids = [installation(1, mak.key.serial, nonce=1000 + place, fingerprint=(place,) * 8) for place in range(1, 31)]
    with database.begin() as connection:
        for nonce in (1, 2, 3):
            claim = ledger.Claim(installation(1, mak.key.serial, nonce=nonce, fingerprint=(1,) * 8), 2, "api", "R1")
            ledger.reserve_and_post(connection, claim, now=NOW)
        for who in (caller, "another"):
            guesses.note(
                connection, GuessKind.PROOF, caller=who, call_sid="R1", now=NOW, product=1, serial=mak.key.serial
            )
        for iid in iids:
            sightings.note(connection, Attempt(caller, None, "proxy", iid), "activated", Score(0), NOW)
    with database.read() as connection:
        many = sightings.look_at_many(connection, caller, iids, NOW)
    assert many == {iid: look(Attempt(caller, None, "proxy", iid)) for iid in iids}
    assert set(many[iids[0]].counts) == {Sign.CYCLING, Sign.KEY_GUESSED}
    assert set(many[iids[1]].counts) == {Sign.KEY_GUESSED}
    by_phone = look(Attempt("a" * 32, "DE", "phone", iids[1]))
    assert Sign.MACHINES not in by_phone.counts, "thirty machines of a program are nobody's calls"
