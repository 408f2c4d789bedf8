"""The caller waits for a person: rounds of music, an honest place, and ways out of the queue.

Rule: nobody waits for ever, and waiting loses nothing. The case stays in the queue whatever the caller chooses, until a
person has ended it or the caller goes on without one.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import asking_more, items, leaving, offering, pacing
from ivr.actions import HangUp, Join, KeepGroups, LeaveQueue, Say, StopWaiting, Wait, WishCallBack, say
from ivr.events import DeskClosed, HandedBack, Issued, Joined, Queued, StillWaiting, TurnedDown
from ivr.form import Form, Reason, Tally
from ivr.items import Step
from ivr.states import Ended, Escalating, Outcome, Talking, Waiting

ROUND_SECONDS = 14
"""Of music between two looks at the queue; an operator's decision is heard after so long at most."""
MOST_WAITED = 60
"""Rounds in one call, about a quarter of an hour, after which a call-back is promised instead."""
EVERY = 4
"""After so many rounds the place is said again, changed or not."""


def escalated(state: Escalating, event: Queued | DeskClosed) -> Step:
    """The caller is in the queue, or hears of the other ways on because nobody can be waited for."""
    if isinstance(event, DeskClosed):
        form = replace(state.form, desk=False, detours=state.form.detours - 1)
        return items.show_way_on(form, state.reason)
    why = () if state.reason == Reason.ASKED else (say(f"reason.{state.reason}"),)
    return _wait(state, event.place, *why, *_where(event.place, event.minutes), *_menu(state))


def at_waiting(state: Waiting, event: StillWaiting) -> Step:
    """1 a call-back, 2 another try where one can help, 3 a text if offered, 4 the case number, 5 more, else again."""
    form = replace(state.form, waited=state.form.waited + 1)
    state = replace(state, form=form)
    if form.waited >= MOST_WAITED:
        return _too_long(state)
    key = event.keys[:1]
    if key == "1" and form.withheld:
        asked, actions = items.ask_number(_out(form), state.reason, say("number.ask"))
        return asked, (LeaveQueue(), *actions)
    if key == "1":
        words = say("wayon.promised")
        return Ended(_out(form), Outcome.CALL_BACK), (LeaveQueue(), WishCallBack(held=False), HangUp((words,)))
    if key == "2" and items.may_try_again(state.reason):
        after, actions = leaving.try_again(_out(form), state.reason)
        return after, (StopWaiting(), *actions)
    if key == "3" and items.may_text(form, None):
        return offering.wished(form, None, state.reason)
    if key == "4":
        return _wait(state, event.place, say("wayon.case"))
    if key == "5" and items.may_ask_for_more(form, state.reason):
        asked, actions = asking_more.wished(_out(form))
        return asked, (LeaveQueue(), *actions)
    news = event.place != state.place or form.waited % EVERY == 0
    where = (say("waiting.claimed"),) if event.claimed else _where(event.place, event.minutes)
    if key:
        return _wait(state, event.place, *where, *_menu(state))
    return _wait(state, event.place, *(where if news else ()))


def joined(state: Waiting | Talking, event: Joined) -> Step:
    """An operator has picked up: the caller is joined with them."""
    return Talking(state.form, state.reason), (Join((say("waiting.joined"),), event.room),)


def parted(state: Talking, event: StillWaiting) -> Step:
    """The talk is over and nothing is decided: the caller keeps the place in the queue."""
    return _wait(state, event.place, say("waiting.parted"), *_menu(state))


def decided(state: Waiting | Talking, event: HandedBack | Issued | TurnedDown) -> Step:
    """An operator has decided: the line goes on with the case, reads the confirmation ID, or says why not."""
    form = replace(state.form, in_queue=False, tally=Tally(), failures=0)
    match event:
        case Issued(blocks, layout, groups):
            reading = pacing.reading(replace(form, format=layout, groups=groups), blocks)
            return items.read_back(reading, 1, say("waiting.approved", count=blocks))
        case TurnedDown(reason):
            # Not into the queue again at once: the person has spoken. 0 still asks for one.
            return items.repeat_way_on(form, reason, say(f"reason.{reason}"))
        case HandedBack(layout, groups):
            form = replace(form, format=layout, groups=groups)
            if layout is None or form.empty:
                return items.ask_opening(replace(form, format=None, groups=()), say("waiting.back_anew"))
            if form.next_group is None:
                return items.check(form)
            return items.ask_group(form, say("waiting.back", group=form.next_group))


def _wait(state: Escalating | Waiting | Talking, place: int, *prompts: Say) -> Step:
    return Waiting(replace(state.form, in_queue=True), state.reason, place), (Wait(prompts),)


def _out(form: Form) -> Form:
    return replace(form, in_queue=False, tally=Tally())


def _where(place: int, minutes: int | None) -> tuple[Say, ...]:
    if minutes is None:
        return (say("waiting.nobody", place=place),)
    return (say("waiting.place", place=place, count=minutes),)


def _menu(state: Escalating | Waiting | Talking) -> tuple[Say, ...]:
    *choices, repeat = items.way_on_menu(state.form, state.reason)
    return (*choices, say("waiting.menu.case"), repeat)


def _too_long(state: Waiting) -> Step:
    """The ceiling: a call-back is promised, or the case number is the way back."""
    form = _out(state.form)
    if form.withheld:
        return Ended(form, Outcome.CASE_KEPT), (KeepGroups(), LeaveQueue(), HangUp((say("wayon.goodbye"),)))
    words = (say("waiting.too_long"), say("wayon.promised"))
    return Ended(form, Outcome.CALL_BACK), (LeaveQueue(), WishCallBack(held=False), HangUp(words))
