"""Asking for more in a call: every way through it is walked, each ends, and a request holds what was keyed."""

from dataclasses import replace
from functools import cache

import pytest

from ivr.actions import AskForMore, CheckAgreement, HangUp, HoldNumber, LeaveQueue, Listen
from ivr.asking_more import TRIES, Why
from ivr.dialogue import TURN_CEILING, step
from ivr.events import AgreementRight, AgreementWrong, Asked, HungUp, Keyed, Misheard, NotAsked, Silence, StillWaiting
from ivr.form import Form
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
    Waiting,
    WayOn,
)
from ivr.textable import Texts
from ivr.transitions import TRANSITIONS
from keys.refusals import Refusal

ITEMS = (AskingAgreement, AskingAmount, ConfirmingAmount, AskingWhy, AskingHow, AskingToldAt, ConfirmingToldAt)
MENUS = (ConfirmingAmount, AskingWhy, AskingHow, ConfirmingToldAt)
MINE = (*ITEMS, CheckingAgreement, Requesting)
SHORT = [Keyed(keys) for keys in ("1", "8", "50", "4155550123")]
KEYED = [Keyed(keys) for keys in ("0", "1", "2", "7", "8", "*", "50", "4155550123")]
WITHHELD = Form(format=1, groups=("123456",) * 9, withheld=True)
KNOWN = replace(WITHHELD, withheld=False, texts=Texts.OWN)
SPEAKING = {"locale": "en-US", "languages": ("en-US", "de"), "speech": True}


def at_the_way_on(form):
    return WayOn(form, Refusal.ALLOWANCE_EXHAUSTED)


def events_of(state):
    if isinstance(state, CheckingAgreement):
        return [AgreementRight(), AgreementWrong(), NotAsked(already=True), NotAsked(already=False)]
    if isinstance(state, Requesting):
        return [Asked(by_text=True), Asked(by_text=False), NotAsked(already=True)]
    if state.form.speech:
        # Words are listened for at menus alone: elsewhere one could end what is being keyed.
        return [*SHORT, Misheard()] if isinstance(state, MENUS) else SHORT
    return [*KEYED, Silence()]


@cache
def walk(form):
    """Every step that a caller can take from the menu key on, with what was to be said and done."""
    begun, _ = step(at_the_way_on(form), Keyed("5"), country="US")
    todo, known, steps = [begun], {begun}, []
    while todo:
        state = todo.pop()
        if isinstance(state, ITEMS):
            late = replace(state, form=replace(state.form, turns=TURN_CEILING))
            steps += [(late, event, *step(late, event, country="US")) for event in (Keyed("7"), Silence())]
        for event in events_of(state):
            after, actions = step(state, event, country="US")
            steps.append((state, event, after, actions))
            # How many turns it took is not what tells two states apart.
            plain = replace(after, form=replace(after.form, turns=begun.form.turns))
            if isinstance(after, MINE) and plain not in known:
                known.add(plain)
                todo.append(plain)
    return steps


def named(transitions):
    return {tuple(kind.__name__ for kind in transition) for transition in transitions}


FORMS = [
    replace(form, desk=desk, detours=detours)
    for form in (WITHHELD, KNOWN, replace(KNOWN, texts=Texts.NONE), replace(WITHHELD, texts=Texts.KEYED))
    for desk, detours in ((False, 0), (True, 0), (True, 9))
] + [replace(form, **SPEAKING) for form in (WITHHELD, KNOWN)]


def test_every_step_of_the_table_is_taken_by_some_caller_and_no_other():
    seen = {(type(state), type(event), type(after)) for form in FORMS for state, event, after, _ in walk(form)}
    wanted = {each for each in TRANSITIONS if each[0] in MINE and each[1] is not HungUp}
    assert named(seen) == named(wanted)


def test_each_item_is_asked_so_often_and_then_the_ways_on_are_back_without_it():
    for state, _, after, actions in (taken for form in FORMS for taken in walk(form)):
        if isinstance(after, ITEMS):
            assert isinstance(actions[-1], Listen)
            assert after.form.tally.no_match < TRIES
        elif isinstance(after, WayOn):
            said = [word.prompt for word in actions[-1].prompts]
            assert "wayon.menu.more" not in said, state


def test_a_request_holds_what_was_keyed_and_confirmed():
    state = at_the_way_on(KNOWN)
    for keys, asked in (("5", None), ("202601", CheckAgreement("202601"))):
        state, actions = step(state, Keyed(keys), country="US")
        assert asked is None or actions == (asked,)
    state, _ = step(state, AgreementRight(), country="US")
    for keys in ("50", "1", "3"):
        state, actions = step(state, Keyed(keys), country="US")
    assert isinstance(state, AskingHow)
    state, actions = step(state, Keyed("1"), country="US")
    assert actions == (AskForMore(50, Why.TESTS, held=False, by_text=True),)
    state, actions = step(state, Asked(by_text=True), country="US")
    assert (state.outcome, isinstance(actions[-1], HangUp)) == (Outcome.CASE_KEPT, True)
    assert isinstance(state, Ended)


def test_a_withheld_caller_is_told_at_the_number_that_was_keyed_and_confirmed():
    for _, _, after, actions in walk(WITHHELD):
        for action in actions:
            if isinstance(action, AskForMore):
                assert action.held
            if isinstance(action, HoldNumber):
                assert (action.number, type(after)) == ("+14155550123", ConfirmingToldAt)
    assert not [each for each in walk(KNOWN) if isinstance(each[2], AskingToldAt)]


def test_whoever_asks_from_the_queue_leaves_it_and_keeps_the_case_there():
    waiting = Waiting(replace(KNOWN, desk=True, in_queue=True), Refusal.ALLOWANCE_EXHAUSTED, 1)
    state, actions = step(waiting, StillWaiting("5", 1, 4, claimed=False), country="US")
    assert isinstance(state, AskingAgreement)
    assert not state.form.in_queue
    assert actions[0] == LeaveQueue()


@pytest.mark.parametrize("reason", [each for each in Refusal if each is not Refusal.ALLOWANCE_EXHAUSTED])
def test_it_is_offered_for_want_of_activations_alone(reason):
    after, actions = step(WayOn(KNOWN, reason), Keyed("5"), country="US")
    assert isinstance(after, WayOn)
    assert "wayon.menu.more" not in [word.prompt for word in actions[-1].prompts]
