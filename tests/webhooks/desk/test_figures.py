"""The figures of a shift are what happened, no more and no less."""

from datetime import UTC, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, insert

from ivr import call_backs, cases, claims, operators, queue
from ivr.lines import Line, Lines
from ivr.operators import NewOperator, Presence, Role
from ivr.outbox import RANKS, TextState, outbox
from ivr.waiting_room import WENT_ON
from keys.ledger import reserve_and_post
from keys.reservations import Claim
from webhooks.desk import figures as room
from webhooks.desk.figures import desk_zone, figures

TARGET = timedelta(minutes=2)


@pytest.fixture
def operator(database, clock):
    """An operator who is at the desk."""
    with database.begin() as connection:
        added = operators.add(connection, NewOperator("Kim", Role.OPERATOR, "hash"), clock.now)
        operators.set_presence(connection, added.id, Presence.AVAILABLE, clock.now)
    return added


@pytest.fixture
def waiting(database, clock):
    """Puts a case into the queue."""
    numbers = count(1)

    def enter(reason="ASKED", sid=None):
        number = next(numbers)
        with database.begin() as connection:
            case = cases.open_case(
                connection,
                line="+15550100",
                caller=None,
                layout=None,
                groups=(),
                now=clock.now,
                below=lambda _: number,
            )
            return queue.enter(
                connection,
                case.id,
                channel="phone",
                sid=sid or f"CA{number}",
                line="+15550100",
                caller=None,
                reason=reason,
                now=clock.now,
            )

    return enter


def shown(database, clock, zone=UTC):
    with database.read() as connection:
        return figures(connection, clock.now, zone, TARGET)


def claim(database, clock, handoff, operator):
    with database.begin() as connection:
        assert claims.claim(connection, handoff.id, operator.id, clock.now)


def finish(database, clock, handoff, disposition):
    with database.begin() as connection:
        assert claims.finish(connection, handoff.id, disposition, clock.now)


def test_an_empty_desk_has_noughts_and_no_share(database, clock):
    found = shown(database, clock)
    assert (found.waiting, found.claimed, found.longest, found.answered.share) == (0, 0, None, None)
    assert [hour.activations for hour in found.hours] == [0] * 24
    assert set(found.texts.values()) == {0}


def test_who_waits_how_long_and_who_has_hung_up_meanwhile(database, clock, waiting, operator):
    waiting(sid="CAgone")
    clock.sleep(40)
    waiting()
    taken = waiting()
    claim(database, clock, taken, operator)
    with database.begin() as connection:
        queue.leave(connection, "CAgone", clock.now)
    clock.sleep(5)
    found = shown(database, clock)
    assert (found.waiting, found.still_there, found.claimed, found.longest) == (2, 1, 1, timedelta(seconds=45))
    assert [(each.name, each.presence, each.cases) for each in found.at_the_desk] == [("Kim", Presence.AVAILABLE, 1)]


def test_answered_in_time_is_by_the_first_claim_and_who_still_waits_too_long_counts_as_late(
    database, clock, waiting, operator
):
    in_time, late, gone = waiting(), waiting(), waiting(sid="CAgone")
    clock.sleep(120)
    claim(database, clock, in_time, operator)
    with database.begin() as connection:
        queue.leave(connection, "CAgone", clock.now)
        claims.release(connection, in_time.id, operator.id, clock.now)
    clock.sleep(1)
    claim(database, clock, late, operator)
    waiting()
    found = shown(database, clock).answered
    assert (found.in_time, found.late, found.never, found.share) == (1, 1, 1, 33)
    clock.sleep(121)
    assert shown(database, clock).answered.late == 2
    assert gone.left_at is None


@pytest.fixture
def leaves(database, clock):
    """The caller of a handoff goes, for this instead."""

    def leave(handoff, instead):
        with database.begin() as connection:
            if instead == "call_back":
                wish = call_backs.Wish(handoff.sid, handoff.case_id, "+15550100", "sealed", clock.now, 24)
                call_backs.note(connection, wish)
            if instead == "text":
                text = {"line": "+15550100", "caller": "a", "number_sealed": "s", "words": "[]", "attempts": 0}
                rank = {"state": TextState.QUEUED, "rank": 0, "call_sid": handoff.sid}
                times = dict.fromkeys(("written_at", "due_at", "changed_at"), clock.now)
                connection.execute(insert(outbox).values(**text, **rank, **times))
            if instead == "went_on":
                assert claims.finish(connection, handoff.id, WENT_ON, clock.now)
            else:
                assert queue.leave(connection, handoff.sid, clock.now)

    return leave


@pytest.mark.parametrize("instead", ["call_back", "text", "went_on"])
def test_who_chose_another_way_has_not_left_before_an_answer(database, clock, waiting, operator, leaves, instead):
    leaves(waiting(), "nothing")
    chose = waiting()
    clock.sleep(30)
    leaves(chose, instead)
    found = shown(database, clock).answered
    assert (found.in_time, found.late, found.never, found.another_way) == (0, 0, 1, 1)
    if instead == "went_on":
        return
    clock.sleep(3600)
    claim(database, clock, chose, operator)  # to call back, which was promised for later
    found = shown(database, clock).answered
    assert (found.in_time, found.late, found.never, found.another_way) == (0, 0, 1, 1)


def test_who_was_answered_first_counts_as_answered_whatever_came_then(database, clock, waiting, operator, leaves):
    answered = waiting()
    claim(database, clock, answered, operator)
    clock.sleep(5)
    leaves(answered, "call_back")
    found = shown(database, clock).answered
    assert (found.in_time, found.never, found.another_way) == (1, 0, 0)


def test_what_came_yesterday_is_no_figure_of_today_and_the_day_is_the_desks(database, clock, waiting, operator):
    clock.now = clock.now.replace(hour=22, minute=59)
    claim(database, clock, waiting(), operator)
    clock.sleep(120)  # past eleven in UTC, past midnight in Berlin
    assert shown(database, clock).answered.in_time == 1
    assert shown(database, clock, ZoneInfo("Europe/Berlin")).answered.in_time == 0


def test_outcomes_are_counted_by_reason_today_and_in_seven_days(database, clock, waiting):
    clock.now -= timedelta(days=7)
    finish(database, clock, waiting("TRIES"), "activated")
    clock.now += timedelta(days=1)
    finish(database, clock, waiting("TRIES"), "activated")
    clock.now += timedelta(days=6)
    finish(database, clock, waiting("TRIES"), "activated")
    finish(database, clock, waiting("ASKED"), "duplicate")
    found = [(row.reason, row.disposition, row.today, row.week) for row in shown(database, clock).outcomes]
    assert found == [("TRIES", "activated", 1, 2), ("ASKED", "duplicate", 1, 1)]


def test_activations_stand_in_the_hour_in_which_they_were_posted(database, clock, mak, installation):
    def activate(nonce):
        iid = installation(1, mak.key.serial, nonce=nonce)
        with database.begin() as connection:
            reserve_and_post(connection, Claim(iid, 2, "phone", f"CA{nonce}"), now=clock.now)

    clock.now = clock.now.replace(minute=59)
    activate(1)
    clock.sleep(120)
    activate(2)
    activate(3)
    found = shown(database, clock, ZoneInfo("Asia/Kolkata")).hours
    assert sum(hour.activations for hour in found) == 3
    found = shown(database, clock).hours
    assert [(hour.begins.hour, hour.activations) for hour in found[-2:]] == [(12, 1), (13, 2)]
    clock.sleep(86400)
    assert sum(hour.activations for hour in shown(database, clock).hours) == 0


def test_call_backs_owed_and_overdue_and_texts_by_state(database, clock):
    with database.begin() as connection:
        for sid, hours in (("CA1", 1), ("CA2", 4)):
            call_backs.note(connection, call_backs.Wish(sid, None, "+15550100", "sealed", clock.now, hours))
        for state, age in ((TextState.QUEUED, 3), (TextState.DELIVERED, 0), (TextState.DELIVERED, 3)):
            then = clock.now - timedelta(days=age)
            connection.execute(
                insert(outbox).values(
                    line="+15550100",
                    caller="a" * 32,
                    number_sealed="sealed",
                    words="[]",
                    state=state,
                    rank=RANKS[state],
                    attempts=0,
                    written_at=then,
                    due_at=then,
                    changed_at=then,
                )
            )
    clock.sleep(7200)
    found = shown(database, clock)
    assert (found.owed, found.overdue) == (2, 1)
    assert {state: many for state, many in found.texts.items() if many} == {
        TextState.QUEUED: 1,
        TextState.DELIVERED: 1,
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_figure_reads_a_whole_table_that_only_grows(database, clock):
    asked = []
    with database.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
        figures(connection, clock.now, UTC, TARGET)
    with database.read() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all())
            for statement, given in asked
        ]
    # Operators are few, and so are call-backs.
    growing = [table for table in ("handoffs", "reservations", "outbox") if f"SCAN {table}" in str(plans)]
    assert len(plans) == 7
    assert not growing
    assert "SEARCH reservations" in str(plans)


def test_the_days_are_those_of_the_first_line_with_hours():
    bare = Line("+15550100", "One", "US", "en-US", 24)
    assert desk_zone(Lines((bare,))) is UTC
    assert room.midnight(room.datetime(2026, 11, 24, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin")).day == 25
