"""Deeds beside the line, on both databases: nobody waits for the other for ever, and one of two that exclude wins."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from ivr import call_backs, cases, claims, queue
from ivr.desk_entries import Kind
from ivr.queue import Decision, HandoffState
from keys import ledger
from keys.groups import split
from keys.installation_id import encode
from webhooks.desk import deciding, handling
from webhooks.desk.handling import Doing, Done, NotDone


@pytest.fixture
def groups(installation, mak):
    return split(encode(installation(1, mak.key.serial)))


@pytest.fixture
def at_once(desk):
    """Does things in as many transactions, all at the same moment; each gets a connection."""

    def run(*acts):
        start = Barrier(len(acts))

        def one(act):
            start.wait()
            with desk.database.begin() as connection:
                return act(connection)

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(one, acts))

    return run


@pytest.fixture
def doing(desk, clock):
    return lambda connection, who: Doing(connection, desk.secrets, who, clock.now, desk.lines, desk.limits)


@pytest.fixture
def anna_has(desk, handoff, groups, add_operator, clock):
    """Anna, and a case that she has."""

    def claimed():
        anna, entered = add_operator("Anna Berg"), handoff(groups=groups)
        with desk.database.begin() as connection:
            assert claims.claim(connection, entered.id, anna.id, clock.now)
        return anna, entered

    return claimed


def test_two_windows_of_one_operator_that_activate_spend_one(desk, doing, at_once, anna_has, mak, entries):
    anna, case = anna_has()
    acts = [lambda connection: deciding.issue(doing(connection, anna), case.id, "", by_text=False)] * 4
    outcomes = at_once(*acts)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Done", "NotDone", "NotDone", "NotDone"]
    with desk.database.read() as connection:
        assert ledger.balance(connection, mak.key.id).posted == 1
        assert queue.read(connection, case.id).decision is Decision.ISSUED
    assert len(entries(Kind.ISSUED)) == 1


def test_a_refusal_and_an_activation_at_once_are_one_or_the_other(desk, doing, at_once, anna_has):
    for _ in range(4):
        anna, case = anna_has()
        issued, refused = at_once(
            lambda connection, anna=anna, case=case: deciding.issue(
                doing(connection, anna), case.id, "", by_text=False
            ),
            lambda connection, anna=anna, case=case: deciding.refuse(
                doing(connection, anna), case.id, "OPERATOR_REFUSED", "", by_text=False
            ),
        )
        assert isinstance(issued, Done) is not isinstance(refused, Done)
        with desk.database.read() as connection:
            activated = cases.read(connection, case.case_id).reservation_id is not None
        assert activated is isinstance(issued, Done)


def test_a_deed_and_what_the_caller_does_meanwhile_both_come_through(desk, doing, at_once, anna_has, groups, clock):
    """The caller asks to be called back while their operator corrects a group: neither waits for the other for ever."""
    for _ in range(6):
        anna, case = anna_has()

        def wish(connection, case=case):
            queue.leave(connection, case.sid, clock.now)
            line, sealed = case.line, "sealed"
            call_backs.note(connection, call_backs.Wish(case.sid, case.case_id, line, sealed, clock.now, 24))

        def correct(connection, anna=anna, case=case):
            return deciding.set_groups(doing(connection, anna), case.id, " ".join(groups), {}, "")

        _, outcome = at_once(wish, correct)
        assert isinstance(outcome, Done)
        with desk.database.read() as connection:
            assert queue.read(connection, case.id).left_at is not None


def test_a_deed_late_for_a_case_given_back_for_silence_changes_nothing(desk, doing, at_once, anna_has, clock):
    for _ in range(4):
        anna, case = anna_has()
        clock.sleep(600)
        silence = timedelta(minutes=3)
        returned, outcome = at_once(
            lambda connection, silence=silence: bool(claims.return_silent(connection, clock.now, silence)),
            lambda connection, anna=anna, case=case: handling.close(doing(connection, anna), case.id, "other", ""),
        )
        with desk.database.read() as connection:
            state = queue.read(connection, case.id).state
        if isinstance(outcome, NotDone):
            assert returned
            assert state is HandoffState.WAITING
        else:
            assert state is HandoffState.DONE
