"""Who guesses waits, longer each time: a caller alone, several numbers of one prefix together, and nobody else."""

from datetime import timedelta

import pytest

from ivr import guessers, guesses
from ivr.guessers import GuesserKind
from ivr.guesses import (
    FREE_GUESSES,
    FREE_OF_PREFIX,
    LONGEST_DELAY,
    MOST_OF_ONE,
    WINDOW,
    Guesser,
    GuessKind,
    delay_after,
)
from ivr.signs import RULES, Sign

CALLER, OTHER = "a" * 32, "b" * 32
BLOCK = "c" * 32
QUARTER = timedelta(minutes=15)


def neighbour(number):
    return f"{number:032x}"


def guess(database, now, times, caller=CALLER, prefix=None):
    with database.begin() as connection:
        for _ in range(times):
            guesses.note(
                connection, GuessKind.PROOF, caller=caller, prefix=prefix, call_sid="CA1", now=now, product=1, serial=41
            )


def hindrance(database, caller, now, prefix=None):
    with database.read() as connection:
        return guesses.hindrance(connection, Guesser(caller, prefix, "CA1"), now)


def allowed(database, caller, now, prefix=None):
    return hindrance(database, caller, now, prefix) is None


@pytest.fixture
def block_guesses(database, clock):
    """So many numbers of one block, one wrong try each, a second apart."""

    def each_once(numbers):
        for number in range(numbers):
            clock.sleep(1)
            guess(database, clock.now, 1, neighbour(number), BLOCK)

    return each_once


def test_a_few_wrong_tries_are_free_and_the_next_one_waits(database, clock):
    guess(database, clock.now, FREE_GUESSES)
    assert allowed(database, CALLER, clock.now)
    guess(database, clock.now, 1)
    assert not allowed(database, CALLER, clock.now)
    assert allowed(database, CALLER, clock.now + QUARTER)


def test_each_further_one_waits_longer_up_to_a_bound():
    delays = [delay_after(count) for count in range(FREE_GUESSES, FREE_GUESSES + 40)]
    assert delays == sorted(delays)
    assert delays[0] == timedelta(0)
    assert max(delays) == LONGEST_DELAY < WINDOW


def test_nobody_else_is_slowed_and_a_withheld_caller_shares_no_throttle(database, clock):
    guess(database, clock.now, 20)
    guess(database, clock.now, 40, caller=None)
    assert allowed(database, OTHER, clock.now)
    assert allowed(database, None, clock.now)


def test_a_day_later_all_is_forgotten(database, clock, block_guesses):
    guess(database, clock.now, 20)
    block_guesses(30)
    assert allowed(database, CALLER, clock.now + WINDOW, BLOCK)


def test_wrong_proofs_flag_the_key_they_name(database, clock):
    guess(database, clock.now, 3)
    with database.read() as connection:
        assert guesses.naming(connection, 1, 41) == 3
        assert guesses.naming(connection, 1, 42) == 0


def test_a_block_of_numbers_that_guesses_once_from_each_waits_and_longer_each_time(database, clock):
    """A thousand neighbours as one: what they get in a day is what a few callers get."""
    tries, begun, waits = 0, clock.now, []
    while clock.now < begun + WINDOW:
        hindered = hindrance(database, neighbour(tries), clock.now, BLOCK)
        if hindered is None:
            guess(database, clock.now, 1, neighbour(tries), BLOCK)
            tries += 1
            clock.sleep(1)
        else:
            assert not hindered.own
            waits.append(hindered.until - clock.now)
            clock.now = hindered.until
    assert waits == sorted(waits)
    assert waits[0] <= QUARTER < waits[1]
    assert tries <= FREE_OF_PREFIX + 8


def test_a_neighbour_is_held_for_others_guesses_and_other_blocks_are_not(database, clock, block_guesses):
    block_guesses(FREE_OF_PREFIX)
    assert allowed(database, OTHER, clock.now, BLOCK)
    guess(database, clock.now, 1, neighbour(99), BLOCK)
    found = hindrance(database, OTHER, clock.now, BLOCK)
    assert (found.own, found.tries, found.until) == (False, FREE_OF_PREFIX + 1, clock.now + QUARTER)
    assert allowed(database, OTHER, clock.now, "d" * 32)
    assert allowed(database, OTHER, clock.now)
    assert allowed(database, None, clock.now)


def test_one_number_alone_never_keeps_its_neighbours_waiting(database, clock):
    guess(database, clock.now, 500, CALLER, BLOCK)
    assert hindrance(database, CALLER, clock.now, BLOCK).own
    assert allowed(database, OTHER, clock.now, BLOCK)
    for number in range(FREE_OF_PREFIX // MOST_OF_ONE - 1):
        guess(database, clock.now, 500, neighbour(number), BLOCK)
    assert allowed(database, OTHER, clock.now, BLOCK)
    guess(database, clock.now, 1, neighbour(77), BLOCK)
    assert not allowed(database, OTHER, clock.now, BLOCK)


def tried(database, guesser, now, found=None):
    with database.begin() as connection:
        return guesses.tried(connection, GuessKind.CASE, guesser, lambda: found, now)


def test_who_is_held_for_neighbours_finds_nothing_and_has_nothing_held_against_them(database, clock, block_guesses):
    block_guesses(FREE_OF_PREFIX + 1)
    innocent = Guesser(OTHER, BLOCK, "CA9")
    for _ in range(30):
        assert tried(database, innocent, clock.now, found="their own case") is None
    clock.now += QUARTER
    assert tried(database, innocent, clock.now, found="their own case") == "their own case"


def test_who_goes_on_while_waiting_waits_longer_alone(database, clock):
    """A machine that redials must not keep a whole block from the line for ever."""
    for number in range(4):
        guess(database, clock.now, MOST_OF_ONE, neighbour(number), BLOCK)
    guess(database, clock.now, 1, neighbour(5), BLOCK)
    free_at = clock.now + QUARTER
    redialler = Guesser(neighbour(0), BLOCK, "CA9")
    for _ in range(20):
        clock.sleep(60)
        tried(database, redialler, clock.now)
    assert hindrance(database, redialler.caller, clock.now, BLOCK).own
    assert allowed(database, OTHER, max(free_at, clock.now), BLOCK)


def test_everybody_who_guesses_is_listed_who_waits_longest_first(database, clock, block_guesses):
    guess(database, clock.now, 1, OTHER)
    guess(database, clock.now, 2, "d" * 32)
    guess(database, clock.now, FREE_GUESSES + 2)
    guess(database, clock.now, 3, guesses.of_token(7))
    guess(database, clock.now, 9, None)
    begun = clock.now
    block_guesses(FREE_OF_PREFIX + 1)
    with database.read() as connection:
        found, more = guessers.at_work(connection, clock.now)
    assert more == 0
    assert [(each.kind, each.who, each.tries, each.numbers) for each in found] == [
        (GuesserKind.CALLER, CALLER, FREE_GUESSES + 2, 1),
        (GuesserKind.PREFIX, BLOCK, FREE_OF_PREFIX + 1, FREE_OF_PREFIX + 1),
        (GuesserKind.TOKEN, "token 7", 3, 1),
        (GuesserKind.CALLER, "d" * 32, 2, 1),
    ]
    caller, block, token, _ = found
    assert (caller.first_at, caller.last_at, caller.waits_until) == (begun, begun, begun + 2 * QUARTER)
    assert (block.first_at, block.waits_until) == (begun + timedelta(seconds=1), clock.now + QUARTER)
    assert (token.waits_until, token.token) == (None, 7)


def test_who_is_not_on_the_list_any_more_is_counted_all_the_same(database, clock, block_guesses, monkeypatch):
    monkeypatch.setattr(guessers, "MOST", 3)
    guess(database, clock.now, 1, OTHER)
    guess(database, clock.now, 2)
    for number in range(5):
        guess(database, clock.now, 2, f"{number:032x}", f"{number + 50:032x}")
    clock.sleep(1)
    block_guesses(4)
    with database.read() as connection:
        found, more = guessers.at_work(connection, clock.now)
        named = guessers.counted(connection, (CALLER, OTHER, BLOCK, f"{50:032x}", "e" * 32), clock.now)
    assert (len([each for each in found if each.kind is GuesserKind.CALLER]), more) == (3, 3)
    assert CALLER not in {each.who for each in found}
    assert sorted((each.who, each.tries, each.numbers) for each in named) == sorted(
        [(CALLER, 2, 1), (OTHER, 1, 1), (BLOCK, 4, 4), (f"{50:032x}", 2, 1)]
    )


@pytest.mark.parametrize("pardoned", [CALLER, BLOCK])
def test_a_pardon_is_for_one_of_them_and_for_what_was_tried_up_to_then(database, clock, block_guesses, pardoned):
    block_guesses(FREE_OF_PREFIX + 1)
    guess(database, clock.now, FREE_GUESSES + 1)
    for _ in range(2):
        with database.begin() as connection:
            guessers.pardon(connection, pardoned, clock.now)
    assert allowed(database, CALLER, clock.now) == (pardoned == CALLER)
    assert allowed(database, OTHER, clock.now, BLOCK) == (pardoned == BLOCK)
    clock.sleep(1)
    guess(database, clock.now, FREE_GUESSES + 1)
    block_guesses(FREE_OF_PREFIX + 1)
    assert not allowed(database, CALLER, clock.now)
    assert not allowed(database, OTHER, clock.now, BLOCK)


def test_the_sign_that_neighbours_guess_holds_from_the_try_on_that_keeps_a_block_waiting():
    assert [rule.least for rule in RULES if rule.sign is Sign.NEIGHBOURS] == [FREE_OF_PREFIX + 1]
