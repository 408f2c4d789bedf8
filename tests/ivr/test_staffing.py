"""There is always an administrator, also where two try to take the role from each other at once."""

import threading
import time

import pytest

from ivr import logins, operators, staffing
from ivr.operators import NewOperator, Role
from ivr.staffing import MOST_GRANT_LIMIT, StaffFault, Terms


@pytest.fixture
def add(database, clock):
    def one(name, role=Role.ADMINISTRATOR):
        with database.begin() as connection:
            return operators.add(connection, NewOperator(name, role, "hash", grant_limit=5), clock.now).id

    return one


def demoted(role=Role.OPERATOR):
    return Terms(role, 5, None, on_call=False)


def change(database, whom, terms, by):
    with database.begin() as connection:
        return staffing.change(connection, whom, terms, by)


def administrators(database):
    with database.read() as connection:
        return [
            each.id
            for each in operators.listed(connection)
            if each.role is Role.ADMINISTRATOR and each.disabled_at is None
        ]


def test_an_administrator_changes_another_and_hears_how_they_were(database, add):
    chief, anna = add("Ines"), add("Anna", Role.OPERATOR)
    before = change(database, anna, Terms(Role.SUPERVISOR, 50, "sealed", on_call=True), chief)
    assert (before.role, before.grant_limit) == (Role.OPERATOR, 5)
    with database.read() as connection:
        after = staffing.read(connection, anna)
    assert (after.role, after.grant_limit, after.phone_sealed, after.on_call) == (Role.SUPERVISOR, 50, "sealed", True)


def test_who_is_no_administrator_changes_nobody(database, add, clock):
    chief, other = add("Ines"), add("Sofia", Role.SUPERVISOR)
    assert change(database, chief, demoted(), other) is StaffFault.NOT_ADMINISTRATOR
    with database.begin() as connection:
        assert staffing.dismiss(connection, chief, other, clock.now) is StaffFault.NOT_ADMINISTRATOR
        assert staffing.let_back(connection, chief, other) is StaffFault.NOT_ADMINISTRATOR
        assert staffing.log_out(connection, chief, other, clock.now) is StaffFault.NOT_ADMINISTRATOR
        operators.disable(connection, chief, clock.now)
    assert change(database, other, demoted(), chief) is StaffFault.NOT_ADMINISTRATOR


def test_terms_that_cannot_be_are_refused_with_their_reason(database, add):
    chief, anna = add("Ines"), add("Anna", Role.OPERATOR)
    for limit in (-1, MOST_GRANT_LIMIT + 1):
        terms = Terms(Role.OPERATOR, limit, None, on_call=False)
        assert change(database, anna, terms, chief) is StaffFault.GRANT_LIMIT
    assert change(database, anna, Terms(Role.OPERATOR, 5, None, on_call=True), chief) is StaffFault.NO_PHONE
    assert change(database, anna, demoted(), chief) is StaffFault.AS_IT_WAS
    assert change(database, 999, demoted(), chief) is StaffFault.UNKNOWN
    assert change(database, chief, demoted(), chief) is StaffFault.ONESELF


def test_whoever_is_disabled_keeps_no_login_and_may_come_back(database, add, clock):
    chief, anna = add("Ines"), add("Anna", Role.OPERATOR)
    with database.begin() as connection:
        logins.open_login(connection, anna, "token", address="", browser="", now=clock.now)
        ended = staffing.dismiss(connection, anna, chief, clock.now)
        assert (ended.logins, ended.returned) == (1, ())
        assert staffing.dismiss(connection, anna, chief, clock.now) is StaffFault.AS_IT_WAS
        assert logins.find(connection, "token", clock.now) is None
        assert staffing.let_back(connection, anna, chief).name == "Anna"
        assert staffing.let_back(connection, anna, chief) is StaffFault.AS_IT_WAS
        # A login that was ended stays so.
        assert logins.find(connection, "token", clock.now) is None


@pytest.mark.parametrize("how", ["demote", "dismiss"])
def test_of_two_who_remove_each_other_at_once_one_stays(database, add, clock, how):
    pair = [add("Ines"), add("Vera")]
    removed, heard = threading.Event(), []

    def remove(by, whom):
        with database.begin() as connection:
            if how == "demote":
                heard.append(staffing.change(connection, whom, demoted(), by))
            else:
                heard.append(staffing.dismiss(connection, whom, by, clock.now))
            if not removed.is_set():
                removed.set()
                time.sleep(0.3)  # the other is in the middle of it before this is committed

    def second():
        removed.wait()
        remove(pair[1], pair[0])

    threads = [threading.Thread(target=remove, args=pair), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard.count(StaffFault.NOT_ADMINISTRATOR) == 1
    assert len(administrators(database)) == 1
