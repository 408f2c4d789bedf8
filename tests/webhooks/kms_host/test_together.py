"""Threads that ask at once are answered at once, each with its own, and none fails for another's sake."""

import threading
import time

import pytest

from webhooks.kms_host.together import Together

LONG = 60.0
"""Seconds that nobody here waits for: who would wait for them, waits too long."""


class Work:
    """Work that doubles numbers, group by group. The first group waits until it is let go; `spoilt` numbers fail."""

    def __init__(self, *spoilt):
        self.spoilt, self.groups = set(spoilt), []
        self.go, self.begun = threading.Event(), threading.Event()
        self.busy = threading.Lock()

    def __call__(self, group):
        assert self.busy.acquire(blocking=False), "two threads work at once"
        self.groups.append(list(group))
        self.begun.set()
        assert self.go.wait(LONG)
        self.busy.release()
        if self.spoilt & set(group):
            raise ValueError(f"spoilt {sorted(self.spoilt & set(group))}")
        return [2 * number for number in group]


def ask(together, number, given):
    try:
        given[number] = together.answer(number)
    except ValueError as error:
        given[number] = str(error)


def asked_while_the_first_is_worked_for(work, numbers, grace=0.0):
    """Ask them all, one after the other, while the work of the first is held up; what each was given."""
    together, given = Together(work, grace), {}
    threads = []
    for number in numbers:
        threads.append(threading.Thread(target=ask, args=(together, number, given)))
        threads[-1].start()
        assert work.begun.wait(LONG)
        while len(together._waiting) < len(threads) - 1:
            time.sleep(0.001)
    work.go.set()
    for thread in threads:
        thread.join(LONG)
    return given


def test_who_comes_while_others_are_worked_for_is_answered_with_all_who_came_then():
    work = Work()
    given = asked_while_the_first_is_worked_for(work, range(8))
    assert given == {number: 2 * number for number in range(8)}
    assert work.groups == [[0], [1, 2, 3, 4, 5, 6, 7]]


def test_what_fails_in_a_group_fails_alone():
    work = Work(3, 5)
    given = asked_while_the_first_is_worked_for(work, range(8))
    assert given == {number: 2 * number for number in range(8)} | {3: "spoilt [3]", 5: "spoilt [5]"}
    assert work.groups == [[0], [1, 2, 3, 4, 5, 6, 7], *([number] for number in range(1, 8))]


def test_after_a_failure_others_are_answered():
    together = Together(lambda group: [1 // asked for asked in group])
    with pytest.raises(ZeroDivisionError):
        together.answer(0)
    assert together.answer(1) == 1


def test_who_comes_alone_waits_for_nobody():
    together = Together(lambda group: group, grace=LONG)
    begun = time.monotonic()
    assert [together.answer(number) for number in range(3)] == [0, 1, 2]
    assert time.monotonic() - begun < LONG / 2


def test_who_leads_waits_for_as_many_as_there_were_and_not_for_ever():
    work = Work()
    together, given = Together(work, LONG), {}
    work.go.set()
    together._company = 3
    threads = [threading.Thread(target=ask, args=(together, number, given)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG / 2)
    assert given == {0: 0, 1: 2, 2: 4}
    assert [len(group) for group in work.groups] == [3]

    together._grace = 0.001
    assert together.answer(7) == 14
    assert work.groups[-1] == [7]
    assert together._company == 1


def test_many_threads_that_ask_for_long_each_have_their_own_answers():
    work = Work()
    work.go.set()
    together, wrong = Together(work), []

    def asking(first):
        wrong.extend(number for number in range(first, first + 300) if together.answer(number) != 2 * number)

    threads = [threading.Thread(target=asking, args=(1000 * place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    assert not wrong
    assert sorted(number for group in work.groups for number in group) == sorted(
        number for place in range(8) for number in range(1000 * place, 1000 * place + 300)
    )
