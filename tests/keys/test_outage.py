"""When a database is away for everybody, and when somebody merely waits for what is held."""

import pytest

from keys.outage import HASTE, LONG, REST, Outage
from keys.unavailable import Cause, DatabaseUnavailable


class Moment:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def moment():
    return Moment()


@pytest.fixture
def outage(moment):
    return Outage(moment)


def attempts(outage, moment, seconds, error, meanwhile=lambda: None):
    """One attempt that takes so long and fails with this error, which goes on as it is."""

    def attempt():
        with outage.attempt():
            meanwhile()
            moment.now += seconds
            raise error

    with pytest.raises(type(error)) as raised:
        attempt()
    assert raised.value is error


def gives_up(outage, moment, after, cause=Cause.BUSY, meanwhile=lambda: None):
    attempts(outage, moment, after, DatabaseUnavailable(cause), meanwhile)


def is_let_in(outage):
    try:
        with outage.attempt():
            return True
    except DatabaseUnavailable:
        return False


def test_after_one_who_waited_in_vain_nobody_waits_for_a_moment_and_each_is_told_the_same_cause(outage, moment):
    gives_up(outage, moment, 2.4, Cause.SLOW)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable) as refused, outage.attempt():
            pytest.fail("nobody is let in")
        assert refused.value.cause is Cause.SLOW
    moment.now += REST
    assert is_let_in(outage)


def test_who_is_turned_away_prolongs_nothing(outage, moment):
    gives_up(outage, moment, 2.4)
    moment.now += REST - 0.01
    assert not is_let_in(outage)
    moment.now += 0.01
    assert is_let_in(outage)


def test_one_who_comes_through_lets_everybody_in_again(outage, moment):
    with outage.attempt():  # waits already, when another gives up
        gives_up(outage, moment, 2.4)
        assert not is_let_in(outage)
    assert is_let_in(outage)


def test_where_others_come_through_nobody_is_turned_away_for_one_who_waits_in_vain(outage, moment):
    gives_up(outage, moment, 2.4, meanwhile=lambda: is_let_in(outage))
    assert is_let_in(outage)


def test_as_long_as_people_wait_in_vain_for_what_is_held_nobody_waits_long_for_it(outage, moment):
    gives_up(outage, moment, 1.4, meanwhile=lambda: is_let_in(outage))
    for _ in range(3):
        assert outage.in_haste()
        gives_up(outage, moment, HASTE)
        moment.now += REST - 0.01
    assert outage.in_haste()
    moment.now += 0.01
    assert not outage.in_haste()


def test_nobody_is_in_haste_for_one_who_fails_at_once_or_where_the_database_is_away(outage, moment):
    gives_up(outage, moment, HASTE, meanwhile=lambda: is_let_in(outage))
    assert not outage.in_haste()
    gives_up(outage, moment, 2.4)
    assert not outage.in_haste()


def test_what_fails_at_once_or_by_a_fault_of_ours_keeps_nobody_out(outage, moment):
    gives_up(outage, moment, LONG - 0.1, Cause.UNREACHABLE)
    assert is_let_in(outage)
    attempts(outage, moment, 2.4, ZeroDivisionError())
    assert is_let_in(outage)
