"""A stuck caller chooses a way on: a call-back, another try, or the case number for later.

Rule: nothing is promised that is not written down in the same turn.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import asking_more, items, offering
from ivr.actions import HangUp, HoldNumber, Say, WishCallBack, say
from ivr.entry import after_star
from ivr.events import Keyed, Silence
from ivr.form import Form, Reason, Tally
from ivr.items import Step
from ivr.states import AskingNumber, ConfirmingNumber, Ended, Outcome, WayOn
from ivr.textable import dialable
from ivr.tries import is_left_over, stray

MENU_TRIES = 4
"""Tries at a menu of single keys."""
NUMBER_TRIES = 3


def at_way_on(state: WayOn, event: Keyed | Silence) -> Step:
    """1 a call-back, 2 another try where one can help, 3 a text if offered, 5 more, 0 a person, `*` the menu again."""
    key = event.keys[:1] if isinstance(event, Keyed) else ""
    if is_left_over(state.form, key, event.after):
        return items.repeat_way_on(stray(state.form), state.reason)
    if key == "1" and state.form.withheld:
        return items.ask_number(replace(state.form, tally=Tally()), state.reason, say("number.ask"))
    if key == "1":
        return _promise(state.form, held=False)
    if key == "2" and items.may_try_again(state.reason):
        return try_again(state.form, state.reason)
    if key == "0" and state.form.desk:
        return items.show_way_on(state.form, Reason.ASKED)
    if key == "3" and items.may_text(state.form, None):
        return offering.wished(state.form, None, state.reason)
    if key == "5" and items.may_ask_for_more(state.form, state.reason):
        return asking_more.wished(state.form)
    form = _counted(state.form, silent=not key)
    if form.tally.no_input + form.tally.no_match + form.tally.help >= MENU_TRIES:
        return items.end(form, Outcome.CASE_KEPT, say("wayon.goodbye"))
    return items.repeat_way_on(form, state.reason, *((say("wayon.no_choice"),) if key not in {"", "*"} else ()))


def at_number(state: AskingNumber, event: Keyed | Silence, country: str) -> Step:
    """A number to call back was asked for; it must be one of the line's country, or written with its own after 00."""
    keys = event.keys if isinstance(event, Keyed) else ""
    number = dialable(after_star(keys), country)
    if number is not None:
        form = replace(state.form, tally=Tally())
        next_state, actions = items.confirm_number(form, state.reason, say("number.confirm"))
        return next_state, (HoldNumber(number), *actions)
    form = _counted(state.form, silent=not keys)
    if form.tally.no_input + form.tally.no_match >= NUMBER_TRIES:
        return items.end(form, Outcome.CASE_KEPT, say("wayon.goodbye"))
    return items.ask_number(form, state.reason, say("number.wrong" if keys else "number.ask"))


def at_confirming(state: ConfirmingNumber, event: Keyed | Silence) -> Step:
    """1 is a yes, 2 keys the number again."""
    key = event.keys[:1] if isinstance(event, Keyed) else ""
    if key == "1":
        return _promise(state.form, held=True)
    form = _counted(state.form, silent=not key)
    if form.tally.no_input + form.tally.no_match >= MENU_TRIES:
        return items.end(form, Outcome.CASE_KEPT, say("wayon.goodbye"))
    if key == "2":
        return items.ask_number(form, state.reason, say("number.ask"))
    return items.confirm_number(form, state.reason, say("number.confirm"))


def try_again(form: Form, reason: str) -> Step:
    """Go on keying: at the missing group if only that was the trouble, from the start if the whole ID was wrong."""
    form = replace(form, tally=Tally(), failures=0)
    number = form.next_group
    if form.empty or number is None or reason in items.REFUSALS_WORTH_A_TRY or reason == Reason.WHOLE_ID:
        return items.ask_opening(replace(form, format=None, groups=()), say("opening.anew"))
    return items.ask_group(form, say("group.try_again", group=number))


def _promise(form: Form, *, held: bool) -> Step:
    prompt: Say = say("wayon.promised_keyed" if held else "wayon.promised")
    return Ended(form, Outcome.CALL_BACK), (WishCallBack(held), HangUp((prompt,)))


def _counted(form: Form, *, silent: bool) -> Form:
    tally = form.tally
    tally = replace(tally, no_input=tally.no_input + 1) if silent else replace(tally, no_match=tally.no_match + 1)
    return replace(form, tally=tally)
