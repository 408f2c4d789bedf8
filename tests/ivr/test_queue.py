"""The queue and its claims, where many reach for them at once, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr import cases, claims, operators, queue
from ivr.operators import NewOperator, Presence, Role
from ivr.queue import Decision, HandoffState
from keys.database import Database
from tests.conftest import NOW

AT_ONCE = 12


@pytest.fixture
def busy(database_url):
    """A database that is patient enough for many at once on a small machine."""
    opened = Database(database_url, patience=60, connections=AT_ONCE + 2)
    yield opened
    opened.close()


@pytest.fixture
def people(busy):
    """Twelve operators, the first two at the desk."""
    with busy.begin() as connection:
        added = [operators.add(connection, NewOperator(f"o{n}", Role.OPERATOR, "x"), NOW) for n in range(AT_ONCE)]
        for each in added[:2]:
            operators.set_presence(connection, each.id, Presence.AVAILABLE, NOW)
    return [each.id for each in added]


NUMBERS = count(1)


def new_case(connection):
    """A case, by its row id."""
    number = next(NUMBERS)
    return cases.open_case(
        connection,
        line="+15550100",
        caller="ab" * 16,
        layout=None,
        groups=(),
        now=NOW,
        below=lambda below: number * 7919 % below,
    ).id


def enter(connection, case_id, sid="CA1", at=NOW):
    return queue.enter(
        connection, case_id, channel="phone", sid=sid, line="+15550100", caller="ab" * 16, reason="ASKED", now=at
    )


def enter_new(connection, number):
    """A new case that came in that many seconds after the tests' moment."""
    return enter(connection, new_case(connection), f"CA{number}", NOW + timedelta(seconds=number))


def at_once(busy, act, *each):
    """Do something in as many transactions as there are things, all at the same moment."""
    start = Barrier(len(each))

    def one(thing):
        start.wait()
        with busy.begin() as connection:
            return act(connection, thing)

    with ThreadPoolExecutor(len(each)) as pool:
        return list(pool.map(one, each))


def test_of_twelve_who_claim_one_has_the_case(busy, people):
    with busy.begin() as connection:
        handoff = enter(connection, new_case(connection))
    won = at_once(busy, lambda connection, who: claims.claim(connection, handoff.id, who, NOW), *people)
    assert sum(won) == 1
    with busy.read() as connection:
        found = queue.read(connection, handoff.id)
        events = connection.execute(queue.desk_events.select().where(queue.desk_events.c.kind == "claimed")).all()
    assert found.claimed_by == people[won.index(True)]
    assert found.answered_at == NOW
    assert len(events) == 1


def test_twelve_who_each_take_the_next_case_take_twelve_cases(busy, people):
    with busy.begin() as connection:
        waiting = [enter_new(connection, n) for n in range(AT_ONCE)]

    def take_one(connection, who):
        return next(each.id for each in waiting if claims.claim(connection, each.id, who, NOW))

    assert sorted(at_once(busy, take_one, *people)) == [each.id for each in waiting]


def test_a_case_that_two_calls_bring_at_once_is_in_the_queue_once(busy):
    with busy.begin() as connection:
        case_id = new_case(connection)
    entered = at_once(busy, lambda connection, sid: enter(connection, case_id, sid), *(f"CA{n}" for n in range(6)))
    assert len({each.id for each in entered}) == 1
    with busy.read() as connection:
        assert len(queue.unfinished(connection)) == 1


def test_a_case_that_comes_again_keeps_its_place_and_its_operator(busy, people):
    with busy.begin() as connection:
        first, second = (enter_new(connection, n) for n in (1, 2))
        claims.claim(connection, first.id, people[0], NOW)
        queue.leave(connection, "CA1", NOW)
        again = enter(connection, first.case_id, sid="CA9", at=NOW + timedelta(hours=1))
        assert (again.id, again.entered_at, again.claimed_by) == (first.id, first.entered_at, people[0])
        assert (again.sid, again.left_at) == ("CA9", None)
        claims.release(connection, first.id, people[0], NOW)
        assert queue.place(connection, queue.read(connection, first.id)).number == 1
        assert queue.place(connection, queue.read(connection, second.id)).number == 2


def test_nobody_overtakes_since_the_clock_of_their_node_is_a_minute_behind(busy):
    with busy.begin() as connection:
        first, second = enter_new(connection, 60), enter_new(connection, 0)
    with busy.read() as connection:
        assert [each.id for each in queue.unfinished(connection)] == [first.id, second.id]
        assert [queue.place(connection, each).number for each in (first, second)] == [1, 2]


def test_a_hang_up_and_a_decision_at_once_leave_the_case_with_somebody(busy, people):
    """Whichever is first: a decision nobody hears is its operator's to make again."""
    for number in range(8):
        with busy.begin() as connection:
            handoff = enter(connection, new_case(connection), sid=f"CA{number}")
            claims.claim(connection, handoff.id, people[0], NOW)
        deeds = (
            lambda connection, sid=handoff.sid: queue.leave(connection, sid, NOW),
            lambda connection, it=handoff.id: claims.decide(connection, it, people[0], Decision.BACK, now=NOW),
        )
        at_once(busy, lambda connection, deed: deed(connection), *deeds)
        with busy.read() as connection:
            found = queue.read(connection, handoff.id)
        assert found.left_at == NOW
        assert found.claimed_by == people[0]
        assert found.state in {HandoffState.CLAIMED, HandoffState.DECIDED}


def test_a_claim_and_the_return_of_a_silent_case_at_once_leave_one_owner_or_none(busy, people):
    later = NOW + timedelta(minutes=5)
    with busy.begin() as connection:
        handoff = enter(connection, new_case(connection))
        claims.claim(connection, handoff.id, people[0], NOW)
    silence = timedelta(minutes=3)
    returned, seen = at_once(
        busy,
        lambda connection, deed: deed(connection),
        lambda connection: bool(claims.return_silent(connection, later, silence)),
        lambda connection: claims.see(connection, handoff.id, people[0], later),
    )
    assert returned is not seen
    with busy.read() as connection:
        found = queue.read(connection, handoff.id)
    assert (found.state, found.claimed_by) == (
        (HandoffState.WAITING, None) if returned else (HandoffState.CLAIMED, people[0])
    )


def test_the_wait_is_told_by_how_long_the_last_cases_took_and_who_is_there(busy, people):
    with busy.begin() as connection:
        done = enter(connection, new_case(connection), sid="CA0", at=NOW)
        claims.claim(connection, done.id, people[0], NOW)
        claims.finish(connection, done.id, "other", NOW + timedelta(minutes=10))
        waiting = [enter_new(connection, n) for n in range(1, 5)]
        assert [queue.place(connection, each).minutes for each in waiting] == [5, 10, 15, 20]
        for who in people[:2]:
            operators.set_presence(connection, who, Presence.AWAY, NOW)
        assert queue.place(connection, waiting[0]).minutes is None


STEPS = ("claim", "see", "release", "transfer", "decide", "leave", "enter", "finish", "return")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2)), max_size=12))
def test_whatever_is_done_a_case_is_there_once_and_has_one_owner_or_none(busy, people, steps):
    with busy.begin() as connection:
        case_id = new_case(connection)
        handoff = enter(connection, case_id, sid=f"CA{case_id}")
        for number, (step, who) in enumerate(steps):
            now, me = NOW + timedelta(minutes=number), people[who]
            before = queue.read(connection, handoff.id)
            mine = before.state is HandoffState.CLAIMED and before.claimed_by == me
            match step:
                case "claim":
                    assert claims.claim(connection, handoff.id, me, now) is (before.state is HandoffState.WAITING)
                case "see":
                    assert claims.see(connection, handoff.id, me, now) is mine
                case "release":
                    assert claims.release(connection, handoff.id, me, now) is mine
                case "transfer":
                    assert claims.transfer(connection, handoff.id, me, people[5], now) is mine
                case "decide":
                    assert claims.decide(connection, handoff.id, me, Decision.BACK, now=now) is mine
                case "leave":
                    queue.leave(connection, handoff.sid, now)
                case "enter":
                    handoff = enter(connection, case_id, sid=f"CA{case_id}", at=now)
                case "finish":
                    assert claims.finish(connection, handoff.id, "other", now) is (before.finished_at is None)
                case "return":
                    claims.return_silent(connection, now, timedelta(minutes=2))
            found = queue.read(connection, handoff.id)
            assert (found.claimed_by is None) is (found.state is HandoffState.WAITING) or found.finished_at
            assert (found.finished_at is not None) is (found.state is HandoffState.DONE)
            open_ones = [each for each in queue.unfinished(connection) if each.case_id == case_id]
            assert len(open_ones) == (found.finished_at is None)
