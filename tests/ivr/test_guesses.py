"""Who guesses waits, longer each time, and nobody else does."""

from datetime import timedelta

from ivr import guesses
from ivr.guesses import FREE_GUESSES, LONGEST_DELAY, WINDOW, GuessKind, delay_after, may_try

CALLER, OTHER = "a" * 32, "b" * 32


def guess(database, now, times, caller=CALLER):
    with database.begin() as connection:
        for _ in range(times):
            guesses.note(connection, GuessKind.PROOF, caller=caller, call_sid="CA1", now=now, product=1, serial=41)


def allowed(database, caller, now):
    with database.read() as connection:
        return may_try(connection, caller, now)


def test_a_few_wrong_tries_are_free_and_the_next_one_waits(database, clock):
    guess(database, clock.now, FREE_GUESSES)
    assert allowed(database, CALLER, clock.now)
    guess(database, clock.now, 1)
    assert not allowed(database, CALLER, clock.now)
    assert allowed(database, CALLER, clock.now + timedelta(minutes=15))


def test_each_further_one_waits_longer_up_to_a_bound():
    delays = [delay_after(count) for count in range(FREE_GUESSES, FREE_GUESSES + 40)]
    assert delays == sorted(delays)
    assert delays[0] == timedelta(0)
    assert max(delays) == LONGEST_DELAY < WINDOW


def test_nobody_else_is_slowed_and_a_withheld_caller_shares_no_throttle(database, clock):
    guess(database, clock.now, 20)
    guess(database, clock.now, 20, caller=None)
    assert allowed(database, OTHER, clock.now)
    assert allowed(database, None, clock.now)


def test_a_day_later_all_is_forgotten(database, clock):
    guess(database, clock.now, 20)
    assert allowed(database, CALLER, clock.now + WINDOW)


def test_wrong_proofs_flag_the_key_they_name(database, clock):
    guess(database, clock.now, 3)
    with database.read() as connection:
        assert guesses.naming(connection, 1, 41) == 3
        assert guesses.naming(connection, 1, 42) == 0
