"""Grants of many at the same moment, on both databases: never past a limit, and decided once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from ivr import claims, grant_requests, operators
from ivr.desk_entries import Kind
from ivr.grant_requests import GrantState, Wish
from ivr.operators import Role
from keys import ledger, verify
from keys.groups import split
from keys.installation_id import encode
from webhooks.desk import granting
from webhooks.desk.handling import Doing, Done, NotDone, Why


@pytest.fixture
def groups(installation, mak):
    return split(encode(installation(1, mak.key.serial)))


def test_grants_at_the_same_moment_never_pass_a_limit_together(desk, handoff, groups, add_operator, clock, mak):
    """Four windows of one operator, each with a case of the same key, give 3 of 7 at once: two are given."""
    anna = add_operator("Anna Berg", grant_limit=7)
    handoffs = [handoff(groups=groups, caller=f"+1415555012{number}") for number in range(4)]
    with desk.database.begin() as connection:
        for each in handoffs:
            assert claims.claim(connection, each.id, anna.id, clock.now)
    start = Barrier(len(handoffs))

    def give(handoff):
        start.wait()
        with desk.database.begin() as connection:
            doing = Doing(connection, desk.secrets, anna, clock.now, desk.lines, desk.limits)
            return granting.grant(doing, handoff.id, 3, "at once")

    with ThreadPoolExecutor(len(handoffs)) as pool:
        kinds = [done.kind for done in pool.map(give, handoffs)]
    assert sorted(kinds) == [Kind.GRANT_ASKED] * 2 + [Kind.GRANTED] * 2
    with desk.database.read() as connection:
        assert ledger.balance(connection, mak.key.id).granted == 16
        assert ledger.recount(connection) == ()
        assert verify.verify(connection, desk.secrets).sound


def test_of_two_who_approve_at_once_one_does(desk, groups, handoff, add_operator, clock, mak):
    asker = add_operator("Anna Berg")
    chiefs = [add_operator(name, Role.SUPERVISOR, grant_limit=50) for name in ("Mira Holt", "Sofia Lind")]
    wish = Wish(mak.key.id, "NS-1", 20, "branch", handoff(groups=groups).case_id)
    with desk.database.begin() as connection:
        asked = grant_requests.write(connection, wish, GrantState.ASKED, asker.id, clock.now)
    start = Barrier(2)

    def approve(chief):
        start.wait()
        with desk.database.begin() as connection:
            doing = Doing(connection, desk.secrets, chief, clock.now, desk.lines, desk.limits)
            return granting.decide(doing, asked, "", approve=True)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(approve, chiefs))
    assert sum(isinstance(outcome, Done) for outcome in outcomes) == 1
    assert NotDone(Why.NOT_WAITING) in outcomes
    with desk.database.read() as connection:
        assert ledger.balance(connection, mak.key.id).granted == 30
        assert operators.names(connection)[grant_requests.read(connection, asked).decided_by] in {
            "Mira Holt",
            "Sofia Lind",
        }
