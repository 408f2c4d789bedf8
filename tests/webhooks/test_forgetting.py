"""What names a caller is forgotten after its time, and nothing that is needed; a caller is exported and erased."""

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from ivr import call_backs, claims, forgetting, guesses, operators, personal, queue, statistics
from ivr.callers import pseudonym
from ivr.hours import DeskHours, read_hours
from ivr.lines import Lines
from ivr.operators import NewOperator, Role
from keys import seals, secrets_file, verify
from keys.database import metadata
from keys.groups import split
from keys.installation_id import encode
from tests.conftest import NOW
from tests.webhooks.conftest import Door, Texts
from webhooks import background

KEPT_DAYS = 90
CALLER, OTHER = "+14155550123", "+14155550188"
LEDGER = ("entries", "reservations", "allowances", "product_keys", "seals")


@pytest.fixture
def line(texting):
    """A line that texts, with a desk that is always open."""
    desk = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
    return replace(texting, lines=Lines((replace(texting.lines.all[0], desk=desk),)))


@pytest.fixture
def held(database):
    """How many rows each table has, those without any left out."""

    def count():
        with database.read() as connection:
            counted = {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in metadata.tables.items()
            }
        return {name: many for name, many in counted.items() if many}

    return count


@pytest.fixture
def busy_day(line, ring, door_of, clock, groups, installation, mak):
    """One caller activates by call and by text, guesses, waits for a person, and wishes to be called back instead."""
    at = door_of(line)

    def pass_by():
        call = ring(CALLER, at=at)
        for group in groups:
            call.key(group)
        call.status("completed")
        thread = Texts(line, clock)
        thread.number = CALLER
        assert thread.send(" ".join(split(encode(installation(1, mak.key.serial, nonce=7)))))
        wrong = installation(1, mak.key.serial, nonce=9)
        assert thread.send(" ".join(split(encode(replace(wrong, proof=wrong.proof ^ 1)))))
        waits = ring(CALLER, at=at)
        waits.key(groups[0])
        waits.key("0")
        waits.silence()
        waits.key("1")  # a call-back instead
        waits.status("completed")

    return pass_by


def end_all(database, clock):
    """An operator ends every case in the queue, and keeps what was promised."""
    with database.begin() as connection:
        for handoff in queue.unfinished(connection):
            claims.finish(connection, handoff.id, "other", clock.now)
        table = call_backs.call_backs
        connection.execute(table.update().values(done_at=clock.now, done_by="Anna Berg"))


def forget_all(line):
    while background.forget_callers(line):
        pass


def test_after_its_time_nothing_names_the_caller_and_the_ledger_stands_as_it_was(
    line, busy_day, clock, held, database, secrets, tmp_path
):
    busy_day()
    end_all(database, clock)
    with database.begin() as connection:
        seals.seal(connection, secrets.ledger_key, thorough=True)
    before = held()
    assert {"calls", "cases", "handoffs", "call_backs", "threads", "texts", "outbox", "guesses", "sightings"} <= set(
        before
    )
    clock.sleep(timedelta(days=KEPT_DAYS - 1).total_seconds())
    assert background.forget_callers(line) == 0
    assert held() == before
    clock.sleep(timedelta(days=2).total_seconds())
    forget_all(line)
    after = held()
    assert {name: after[name] for name in LEDGER} == {name: before[name] for name in LEDGER}
    assert not {table.name for table in personal.NAMED} & set(after)
    assert not {"texts", "call_backs", "text_counts", "reviews", "rings"} & set(after)
    with database.read() as connection:
        report = verify.verify(connection, secrets, tmp_path / "none.jsonl")
    assert not [problem for problem in report.problems if problem.damage != "cut_off"], report


def test_what_is_still_needed_stays_however_old_it_is(line, busy_day, clock, held, database):
    busy_day()
    clock.sleep(timedelta(days=400).total_seconds())
    forget_all(line)
    kept = held()
    assert kept["handoffs"] == 1, "nobody has taken it yet"
    assert kept["call_backs"] == 1, "it is owed"
    assert kept["cases"] == 1
    assert kept["calls"] == 1, "the one that waits: the desk needs its number"
    assert "guesses" not in kept
    end_all(database, clock)
    clock.sleep(timedelta(days=KEPT_DAYS + 1).total_seconds())
    forget_all(line)
    assert not {"handoffs", "call_backs", "cases", "calls"} & set(held())


def test_a_call_in_the_middle_loses_nothing_to_it(line, ring, door_of, clock, groups, rows):
    at = door_of(line)
    first = ring(OTHER, at=at)
    for group in groups[:4]:
        first.key(group)
    first.status("completed")
    (case,) = rows("cases")
    clock.sleep(timedelta(days=KEPT_DAYS + 5).total_seconds())
    call = ring(CALLER, at=at)
    call.key(case["number"])
    for group in groups[4:]:
        forget_all(line)
        call.key(group)
    assert call.words.startswith("Approved")
    assert [row["number"] for row in rows("cases")] == [case["number"]]
    assert [row["sid"] for row in rows("calls")] == [call.sid], "the first call is forgotten"


def test_it_goes_in_small_steps(line, ring, door_of, clock, held, database, groups):
    at = door_of(line)
    for place in range(7):
        ring(f"+141555502{place:02d}", at=at).key(groups[0]).status("completed")
    clock.sleep(timedelta(days=KEPT_DAYS * 2).total_seconds())
    steps = []
    while not steps or steps[-1]:
        with database.begin() as connection:
            steps.append(forgetting.step(connection, clock.now - line.kept, most=3))
    assert steps == [3, 3, 3, 3, 2, 0], "seven calls, then their seven cases"
    assert not {"calls", "cases"} & set(held())


def test_statistics_stay(line, busy_day, clock, held, database):
    busy_day()
    background.count(line)
    end_all(database, clock)
    before = held()["activation_counts"]
    clock.sleep(timedelta(days=KEPT_DAYS * 2).total_seconds())
    forget_all(line)
    assert held()["activation_counts"] == before
    with database.read() as connection:
        days = statistics.days_to_count(connection, clock.now)
    assert len(days) == 31


def test_a_caller_s_export_holds_all_that_is_theirs_and_nothing_of_another_s(
    line, busy_day, ring, door_of, groups, database, secrets
):
    busy_day()
    other = ring(OTHER, at=door_of(line))
    other.key(groups[0])
    with database.read() as connection:
        found = personal.export(connection, pseudonym(CALLER, secrets.pepper), secrets.number_key)
        theirs = personal.export(connection, pseudonym(OTHER, secrets.pepper), secrets.number_key)
        nobody = personal.export(connection, pseudonym("+4930123456", secrets.pepper), secrets.number_key)
    assert {"calls", "cases", "handoffs", "call_backs", "threads", "texts", "outbox", "guesses", "sightings"} <= set(
        found
    )
    assert {row["number"] for row in found["calls"] if row["caller"]} == {CALLER}
    assert other.sid not in str(found)
    assert set(theirs) == {"calls", "cases"}
    assert nobody == {}


def test_erasing_waits_for_what_still_runs_and_then_leaves_nothing_but_what_must_stay(
    line, busy_day, ring, database, secrets, clock, held, groups
):
    door = Door(line)
    busy_day()
    Texts(line, clock).send("STOP")
    caller = pseudonym(CALLER, secrets.pepper)
    other = ring(OTHER, at=door)
    other.key(groups[0])

    def asked():
        with database.begin() as connection:
            return personal.in_use(connection, caller, clock.now) or personal.erase(connection, caller)

    assert asked() == personal.InUse.CASE_WAITS
    end_all(database, clock)
    live = ring(CALLER, at=door)
    assert asked() == personal.InUse.CALL_LIVES
    live.status("completed")
    before = held()
    gone = asked()
    assert gone["calls"] == 3
    assert "opt_outs" not in gone
    with database.read() as connection:
        left = personal.export(connection, caller, secrets.number_key)
    assert set(left) == {"opt_outs"}
    assert left["opt_outs"][0]["number"] is None
    after = held()
    assert after["calls"] == after["cases"] == 1
    assert {name: after[name] for name in ("entries", "reservations")} == {
        name: before[name] for name in ("entries", "reservations")
    }
    other.key(groups[1])
    assert "Group 3" in other.words


def test_a_case_that_another_called_in_with_stays_without_its_caller(
    line, ring, door_of, groups, database, secrets, rows
):
    at = door_of(line)
    ring(CALLER, at=at).key(groups[0]).status("completed")
    (case,) = rows("cases")
    other = ring(OTHER, at=at)
    other.key(case["number"])
    with database.begin() as connection:
        personal.erase(connection, pseudonym(CALLER, secrets.pepper))
    (kept,) = rows("cases")
    assert (kept["caller"], kept["country"], kept["groups"]) == (None, None, case["groups"])
    other.key(groups[1])
    assert "Group 3" in other.words


def test_the_commands_export_and_erase_and_write_down_who_did(touchtone, database, rows):
    own = secrets_file.load(Path(os.environ["TOUCHTONE_DATA_DIR"]) / "secrets.toml")
    with database.begin() as connection:
        guesses.note(connection, guesses.GuessKind.CASE, caller=pseudonym(CALLER, own.pepper), call_sid="CA1", now=NOW)
    told = touchtone("caller", "export", CALLER, "--reason", "asked by letter", "--actor", "Ines Roth")
    assert told.status == 0
    assert [row["call_sid"] for row in json.loads(told.said)["kept"]["guesses"]] == ["CA1"]
    erased = touchtone("caller", "erase", CALLER, "--reason", "asked by letter", "--actor", "Ines Roth", "--json")
    assert erased.told == {"outcome": "erased", "rows": {"guesses": 1}}
    assert rows("guesses") == []
    kinds = [(row["kind"], row["name"], row["reason"]) for row in rows("desk_entries")]
    assert kinds == [
        ("caller_exported", "Ines Roth", "asked by letter"),
        ("caller_erased", "Ines Roth", "asked by letter"),
    ]
    assert CALLER not in str(rows("desk_entries"))
    wrong = touchtone("caller", "erase", "030 123456", "--reason", "x", "--json")
    assert (wrong.status, wrong.told["outcome"]) == (1, "NUMBER_MALFORMED")


def test_operators_are_not_callers(database, clock, secrets):
    with database.begin() as connection:
        operators.add(connection, NewOperator("Ada", Role.OPERATOR, "x"), clock.now)
        assert personal.erase(connection, pseudonym(CALLER, secrets.pepper)) == {}
        assert operators.find(connection, "Ada") is not None
