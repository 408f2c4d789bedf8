"""What an answer by text says of groups: which are in, wrong or missing, and that a person can be had.

Rule: every part is a prompt of its own, so that an answer is put together and never written twice.
"""

from __future__ import annotations

from ivr.actions import Say, say
from ivr.placing import Placed
from ivr.text_states import TextCollecting, TextConfirming, TextForm, TextState, ranges
from keys.groups import Fault
from keys.repair import Candidate

PATIENT_FAILURES = 2
"""Texts in a row without a sound group, after which a person is offered."""


def groups_in(form: TextForm) -> tuple[Say, ...]:
    """Which groups are in; nothing where none is."""
    known = form.known
    return (say("text.in", groups=ranges(known), count=len(known)),) if known else ()


def wrong(placed: Placed) -> tuple[Say, ...]:
    """What is wrong, group by group; a single one with the wrong number of digits is told so."""
    if not placed.wrong:
        return ()
    first = placed.faults[0]
    if len(placed.wrong) == 1 and first.fault is Fault.LENGTH and first.found:
        return (say("text.length", group=placed.wrong[0], count=first.found),)
    return again(placed.wrong)


def again(numbers: tuple[int, ...]) -> tuple[Say, ...]:
    """That these groups are not right, and are to be sent again."""
    return (say("text.wrong", groups=ranges(numbers), count=len(numbers)),)


def missing(form: TextForm, wrong: tuple[int, ...]) -> tuple[Say, ...]:
    """Which groups are missing, but for those that are told to be wrong."""
    numbers = tuple(number for number in form.missing if number not in wrong)
    return (say("text.missing", groups=ranges(numbers), count=len(numbers)),) if numbers else ()


def person(form: TextForm) -> tuple[Say, ...]:
    """That a person can be had, once a few texts have brought nothing sound."""
    return (say("text.person"),) if form.failures >= PATIENT_FAILURES else ()


def where(state: TextState) -> tuple[Say, ...]:
    """What is asked for at this point, if anything is."""
    match state:
        case TextCollecting(form, asked):
            wrong = tuple(number for number in asked if number not in form.missing)
            return (
                *groups_in(form),
                *(again(wrong) if wrong else ()),
                *missing(form, ()),
            )
        case TextConfirming(_, candidate):
            return offer(candidate)
        case _:
            return ()


def offer(candidate: Candidate) -> tuple[Say, ...]:
    """What was mended, for a yes."""
    read = [say("text.should_be", group=number, digits=candidate.groups[number - 1]) for number in candidate.mended]
    return (*read, say("text.confirm"))
