"""A caller whose key is used up asks for more: for which agreement, how many, what for, and where to tell the answer.

Rule: what is asked for is decided by a person. Each item has its own tries and words; whoever gives one up is back at
the ways on, and nothing was asked for. Of a number that does not fit nothing more is said than that.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from ivr import items
from ivr.actions import AskForMore, CheckAgreement, HangUp, HoldNumber, Say, say
from ivr.agreed import MOST_ASKED, amount_of
from ivr.entry import after_star
from ivr.events import AgreementRight, AgreementWrong, Asked, Event, Keyed, Silence
from ivr.form import Form, Reason, Tally
from ivr.items import Step
from ivr.states import (
    AskingAgreement,
    AskingAmount,
    AskingHow,
    AskingToldAt,
    AskingWhy,
    CheckingAgreement,
    ConfirmingAmount,
    ConfirmingToldAt,
    Ended,
    Outcome,
    Requesting,
)
from ivr.textable import Texts, dialable
from ivr.tries import is_left_over, stray
from keys.refusals import Refusal

TRIES = 3
"""Tries at an entry, and at a menu of single keys."""
LONGEST_AGREEMENT = 64
LONGEST_AMOUNT = len(str(MOST_ASKED)) + items.SPARE_KEYS


class Why(StrEnum):
    """What more activations are for, as the menu has it. A value never changes its meaning: requests keep it."""

    NEW = "new machines"
    REPLACED = "machines replaced or set up anew"
    TESTS = "tests or training"
    OTHER = "something else"


_WHY = dict(zip("1234", Why, strict=True))
Asking = (
    AskingAgreement
    | AskingAmount
    | ConfirmingAmount
    | AskingWhy
    | AskingHow
    | AskingToldAt
    | ConfirmingToldAt
)  # fmt: skip


def wished(form: Form) -> Step:
    """The way to ask for more was chosen."""
    return again(AskingAgreement(replace(form, tally=Tally(), asked_more=True)))


def heard(state: Asking, event: Keyed | Silence, country: str) -> Step:
    """Keys or silence at one of the items; `country` is the line's (ISO 3166)."""
    keys = event.keys if isinstance(event, Keyed) else ""
    match state:
        case AskingAgreement(form) | AskingAmount(form) | AskingToldAt(form) if after_star(keys) == "0" and form.desk:
            return items.show_way_on(form, Reason.ASKED)
        case AskingAgreement():
            return _agreement(state, after_star(keys))
        case AskingAmount():
            return _amount(state, after_star(keys))
        case AskingToldAt():
            return _told_at(state, after_star(keys), country)
        case ConfirmingAmount() | AskingWhy() | AskingHow() | ConfirmingToldAt():
            key = keys[:1]
            if is_left_over(state.form, key, event.after):
                return again(replace(state, form=stray(state.form)))
            return _chosen(state, key) or _failed(state)


def checked(state: CheckingAgreement, event: Event) -> Step:
    """The agreement's number was held against that of the key."""
    form = replace(state.form, tally=Tally())
    if isinstance(event, AgreementRight):
        return again(AskingAmount(form))
    if isinstance(event, AgreementWrong):
        return _failed(AskingAgreement(state.form), say("more.agreement_wrong"))
    return _not_asked(form, already=getattr(event, "already", False))


def requested(state: Requesting, event: Event) -> Step:
    """The request is with the desk, or could not be made."""
    if isinstance(event, Asked):
        words = say("more.asked_text" if event.by_text else "more.asked_call")
        return Ended(state.form, Outcome.CASE_KEPT), (HangUp((words, say("wayon.goodbye"))),)
    return _not_asked(state.form, already=getattr(event, "already", False))


def _not_asked(form: Form, *, already: bool) -> Step:
    return _back(form, say("more.already" if already else "more.too_many"))


def _agreement(state: AskingAgreement, keys: str) -> Step:
    if not keys:
        return _failed(state)
    return CheckingAgreement(state.form), (CheckAgreement(keys),)


def _amount(state: AskingAmount, keys: str) -> Step:
    amount = amount_of(keys)
    if amount is None:
        return _failed(state, say("more.amount_wrong", count=MOST_ASKED) if keys else None)
    return again(ConfirmingAmount(replace(state.form, tally=Tally()), amount))


def _told_at(state: AskingToldAt, keys: str, country: str) -> Step:
    number = dialable(keys, country) if keys else None
    if number is None:
        return _failed(state, say("number.wrong") if keys else None)
    form = replace(state.form, tally=Tally())
    after, actions = again(ConfirmingToldAt(form, state.amount, state.why))
    return after, (HoldNumber(number), *actions)


def _chosen(state: ConfirmingAmount | AskingWhy | AskingHow | ConfirmingToldAt, key: str) -> Step | None:
    """What a key of a menu leads to; None where it leads nowhere."""
    form = replace(state.form, tally=Tally())
    match state, key:
        case ConfirmingAmount(_, amount), "1":
            return again(AskingWhy(form, amount))
        case ConfirmingAmount(), "2":
            return _failed(AskingAmount(state.form))
        case AskingWhy(_, amount), _ if key in _WHY:
            return _where_to(form, amount, _WHY[key])
        case AskingHow(_, amount, why), "1" | "2":
            return _ask(form, amount, why, held=False, by_text=key == "1")
        case ConfirmingToldAt(_, amount, why), "1":
            return _ask(form, amount, why, held=True, by_text=form.texts is not Texts.NONE)
        case ConfirmingToldAt(_, amount, why), "2":
            return _failed(AskingToldAt(state.form, amount, why))
        case _:
            return None


def _where_to(form: Form, amount: int, why: Why) -> Step:
    """Where the answer is told: whoever can be texted chooses, a withheld caller keys a number, others are called."""
    if form.withheld:
        return again(AskingToldAt(form, amount, why))
    if form.texts is Texts.OWN:
        return again(AskingHow(form, amount, why))
    return _ask(form, amount, why, held=False, by_text=False)


def _ask(form: Form, amount: int, why: str, *, held: bool, by_text: bool) -> Step:
    return Requesting(form), (AskForMore(amount, why, held, by_text),)


def _failed(state: Asking, words: Say | None = None) -> Step:
    """One more failure of this item: it is asked again, with its own words or these, or given up."""
    form = _counted(state.form)
    if form.tally.no_match >= TRIES:
        return _back(form, say("more.given_up"))
    return again(replace(state, form=form), words)


def again(state: Asking, words: Say | None = None) -> Step:
    """The item, with its own words or these."""
    match state:
        case AskingAgreement():
            return state, (items.entry((words or say("more.agreement"),), LONGEST_AGREEMENT, roomy=True),)
        case AskingAmount():
            return state, (items.entry((words or say("more.amount"),), LONGEST_AMOUNT, roomy=False),)
        case ConfirmingAmount(_, amount):
            return state, (items.menu((say("more.confirm", count=amount),)),)
        case AskingWhy():
            return state, (items.menu((say("more.why"),)),)
        case AskingHow():
            return state, (items.menu((say("more.how"),)),)
        case AskingToldAt():
            longest = items.LONGEST_NUMBER + items.SPARE_KEYS
            return state, (items.entry((words or say("more.told_at"),), longest, roomy=False),)
        case ConfirmingToldAt():
            return state, (items.menu((say("number.confirm"),)),)


def _back(form: Form, first: Say) -> Step:
    """The ways on again, which this one is no more among."""
    return items.repeat_way_on(replace(form, tally=Tally()), Refusal.ALLOWANCE_EXHAUSTED, first)


def _counted(form: Form) -> Form:
    return replace(form, tally=replace(form.tally, no_match=form.tally.no_match + 1))
