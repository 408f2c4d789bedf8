"""The dialogue as a whole: every call ends, every step is in the table, and no sound group is lost on the way."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.actions import (
    AskForMore,
    CheckAgreement,
    Enqueue,
    FindCase,
    HangUp,
    Join,
    LeaveCase,
    Listen,
    ReadBack,
    Reserve,
    Wait,
    Weigh,
    WriteText,
)
from ivr.cases import pick_number
from ivr.dialogue import TURN_CEILING, UnknownTransition, step
from ivr.events import (
    AgreementRight,
    AgreementWrong,
    Approved,
    Asked,
    CallStarted,
    CaseFound,
    CaseUnknown,
    DeskClosed,
    HandedBack,
    HungUp,
    Issued,
    Joined,
    Keyed,
    Misheard,
    NotAsked,
    Queued,
    Refused,
    Silence,
    StillWaiting,
    TextRefused,
    TextWritten,
    TurnedDown,
    Weighed,
)
from ivr.form import Form, Reason
from ivr.items import MOST_DETOURS, MOST_MACHINES
from ivr.message import is_case_number
from ivr.saying import LISTENING, meant
from ivr.spoken_words import DIGITS, Meaning
from ivr.states import (
    AskingAgreement,
    AskingAmount,
    AskingGroup,
    AskingHow,
    AskingMobile,
    AskingNumber,
    AskingToldAt,
    AskingWhy,
    Checking,
    CheckingAgreement,
    ChoosingLanguage,
    ConfirmingAmount,
    ConfirmingGroup,
    ConfirmingMobile,
    ConfirmingNumber,
    ConfirmingToldAt,
    Ended,
    Escalating,
    FindingCase,
    Opening,
    Outcome,
    ReadingBack,
    Requesting,
    Talking,
    Texting,
    Waiting,
    WayOn,
    Weighing,
)
from ivr.textable import Texts
from ivr.transitions import TRANSITIONS, diagram
from ivr.tries import MOST_FAILURES
from ivr.waiting import MOST_WAITED
from keys.groups import split
from keys.installation_id import InstallationID, encode
from keys.refusals import Refusal

STANDARD = split(encode(InstallationID(1, 1, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 12345)))
COMPACT = split(encode(InstallationID(3, 3, 41, (1, 2, 3, 4, 5, 6, 7), 9, 12345)))
CLASSIC = split(encode(InstallationID(7, 7, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 12345)))
CASE_NUMBER = pick_number(lambda below: 31415926 % below)
WISHING = (AskingAgreement, AskingAmount, ConfirmingAmount, AskingWhy, AskingHow, AskingToldAt, ConfirmingToldAt)
SPOKEN = (Listen, ReadBack, Wait, Join, HangUp)
LANGUAGES = ("en-US", "de", "ar")
MEANT = [*Meaning, "1", "2", "8", DIGITS, ""]
"""All that a caller's words may mean."""


def begin(withheld=False, texts=Texts.NONE, desk=False, languages=(), speech=False):
    started = CallStarted(withheld, texts=texts, desk=desk, locale="en-US", languages=languages, speech=speech)
    state, _ = step(None, started, country="US")
    return state


def go(state, event, country="US"):
    """One caller's event and what answers it, up to the next words; returns states passed and the actions."""
    passed = []
    actions = ()
    while True:
        state, more = step(state, event, country=country)
        passed.append(state)
        actions += more
        if any(isinstance(action, Reserve) for action in more):
            event = Refused(Refusal.ALLOWANCE_EXHAUSTED)
        elif any(isinstance(action, FindCase) for action in more):
            event = CaseUnknown()
        elif any(isinstance(action, Weigh) for action in more):
            event = Weighed(())
        elif any(isinstance(action, WriteText) for action in more):
            event = TextWritten()
        elif any(isinstance(action, CheckAgreement) for action in more):
            event = AgreementRight()
        elif any(isinstance(action, AskForMore) for action in more):
            event = Asked(by_text=True)
        elif any(isinstance(action, Enqueue) for action in more):
            event = Queued(1, 4)
        else:
            return state, actions, passed


def key(state, *entries, after=9.0):
    for entry in entries:
        state, _, _ = go(state, Keyed(entry, after) if entry else Silence(after))
    return state


entries = st.one_of(
    st.sampled_from([*STANDARD, *COMPACT, *CLASSIC, "".join(STANDARD), "".join(COMPACT), CASE_NUMBER]),
    st.sampled_from([run[:20] + run[21:] for run in map("".join, (STANDARD, COMPACT, CLASSIC))]),
    st.sampled_from(["", "0", "1", "2", "5", "8", "9", "*", "#", "12*", "12*3", "00442079460000", "4155550123"]),
    st.text("0123456789*#ABCD", max_size=60),  # A to D are keys of some telephones
    st.text(max_size=12),
)
answers = st.one_of(
    st.builds(Approved, st.sampled_from([5, 8]), st.booleans()), st.builds(Refused, st.sampled_from(Refusal))
)
decisions = st.sampled_from(
    [
        HandedBack(1, STANDARD),
        HandedBack(1, (*STANDARD[:3], "", *STANDARD[4:])),
        HandedBack(None, ()),
        TurnedDown(Reason.OPERATOR_REFUSED),
        TurnedDown(Refusal.KEY_BLOCKED),
        Issued(8, 1, STANDARD),
        Joined("handoff-1"),
    ]
)
found = st.one_of(
    st.just(CaseUnknown()),
    st.just(CaseFound(None, ())),
    st.just(CaseFound(1, STANDARD)),
    st.just(CaseFound(1, (*STANDARD[:3], "", *STANDARD[4:]))),
)


ANSWERED = {
    Checking: answers,
    FindingCase: found,
    Weighing: st.builds(Weighed, st.sampled_from([(), (0,)])),
    Texting: st.sampled_from([TextWritten(), TextRefused()]),
    Escalating: st.sampled_from([Queued(1, None), Queued(3, 9), DeskClosed()]),
    CheckingAgreement: st.sampled_from([AgreementRight(), AgreementWrong(), NotAsked(already=False)]),
    Requesting: st.sampled_from([Asked(by_text=True), NotAsked(already=True)]),
}
"""What answers in the same turn."""


@settings(max_examples=400, deadline=None)
@given(st.data(), st.booleans(), st.sampled_from(Texts), st.booleans(), st.sampled_from([(), LANGUAGES]))
def test_every_call_ends_within_the_stated_number_of_turns(data, withheld, texts, desk, languages):
    state = begin(withheld, texts, desk, languages, speech=True)
    for _turn in range(TURN_CEILING * MOST_MACHINES + MOST_WAITED):
        keys = data.draw(entries)
        after = data.draw(st.sampled_from([0.5, 9.0]))
        at = data.draw(st.sampled_from([None, 1, 4, 8, 9]))
        failed = data.draw(st.booleans())
        event = Keyed(keys, after, at, failed) if keys else Silence(after, failed)
        if data.draw(st.booleans()):
            event = meant(state, data.draw(st.sampled_from(MEANT)), after, at, failed)
        if isinstance(state, Waiting | Talking):
            event = data.draw(decisions) if data.draw(st.booleans()) else StillWaiting(keys, 2, 4, after < 1, failed)
        spoken = []
        for _ in range(4):  # a case found may be complete: then the ledger is asked, and then the queue, in one turn
            state, actions = step(state, event, country="US")
            spoken += [action for action in actions if isinstance(action, SPOKEN)]
            if type(state) not in ANSWERED:
                break
            event = data.draw(ANSWERED[type(state)])
        assert len(spoken) == 1, "every turn says exactly one thing"
        if isinstance(state, Ended):
            assert isinstance(spoken[0], HangUp)
            break
        if isinstance(spoken[0], Listen) and spoken[0].speech:
            assert type(state) in LISTENING
            assert spoken[0].most == 1 or not state.form.ever_keyed, "whoever keys digits is never listened to"
    assert isinstance(state, Ended)


@settings(max_examples=200, deadline=None)
@given(st.lists(entries, max_size=25), st.sampled_from([STANDARD, COMPACT, CLASSIC]))
def test_a_sound_group_once_keyed_is_kept_until_the_caller_starts_anew(keyed, groups):
    state = key(begin(), groups[0], groups[1], groups[2])
    for entry in keyed:
        before = state
        event = Keyed(entry, 9.0) if entry else Silence(9.0)
        state, _, _ = go(state, event)
        started_anew = isinstance(before, WayOn) and entry.startswith("2")
        if isinstance(state, Ended) or started_anew:
            break
        if isinstance(state, Opening | AskingGroup | WayOn):
            # Keys may add groups, and one of a classic ID may be asked again; nothing else may take one away.
            gone = [place for place, group in enumerate(before.form.groups) if group and not state.form.groups[place]]
            assert len(gone) <= 1


def test_every_transition_of_the_table_is_taken_by_some_call():
    chance = random.Random(20261124)
    apart = {*WISHING, CheckingAgreement, Requesting}  # walked through whole, in test_asking_more.py
    seen, wanted = set(), {each for each in TRANSITIONS if each[1] is not HungUp and each[0] not in apart}
    wanted -= {each for each in TRANSITIONS if each[0] is ChoosingLanguage and each[2] in apart}  # in test_choosing.py
    wanted -= {each for each in TRANSITIONS if each[1] is Misheard}  # in test_saying.py
    pools = [[*groups, "".join(groups), "".join(groups)[:20] + "".join(groups)[21:]]
             for groups in (STANDARD, COMPACT, CLASSIC)]  # fmt: skip
    others = ["", "", "0", "1", "2", "9", "*", "3", "8", CASE_NUMBER, "111111", "12345", "4155550123"]
    for _ in range(24_000):
        # Every caller has habits: a few things only that this one ever does, so that stubborn callers occur too.
        pool = chance.choice(pools)
        habits = chance.sample(pool + others, chance.choice([1, 2, 3, 8])) + chance.choice([[], ["2"], ["", "2"]])
        diligence, state, event = chance.choice([0.0, 0.5, 0.9]), None, _some_beginning(chance)
        while not isinstance(state, Ended):
            before = state
            state, _ = step(before, event, country="US")
            seen.add((type(before) if before is not None else None, type(event), type(state)))
            if before is None and chance.random() < 0.3:  # a call that has gone on for long already
                turns, detours = chance.randrange(TURN_CEILING - 16, TURN_CEILING), chance.choice([0, MOST_DETOURS])
                failures = chance.choice([0, MOST_FAILURES - 1])
                state = replace(state, form=replace(state.form, turns=turns, detours=detours, failures=failures))
            event = _some_event(chance, state, pool, habits, diligence)
        if seen >= wanted:
            break
    missing = {(a.__name__ if a else None, e.__name__, b.__name__) for a, e, b in wanted - seen}
    assert not missing


def _some_beginning(chance):
    withheld = chance.random() < 0.5
    texts, desk = chance.choice(list(Texts)), chance.random() < 0.3
    if withheld or chance.random() < 0.8:
        languages = chance.choice([(), LANGUAGES])
        blocked = chance.random() < 0.05
        return CallStarted(withheld, texts=texts, desk=desk, blocked=blocked, locale="de", languages=languages)
    return CallStarted(withheld, 1, (*STANDARD[:3], *[""] * 6), texts, desk)


def _some_event(chance, state, pool, habits, diligence):
    if isinstance(state, Checking):
        refusals = [chance.choice(list(Refusal)), Refusal.ALLOWANCE_EXHAUSTED]
        return chance.choice([Approved(8, False), *map(Refused, refusals)])
    if isinstance(state, FindingCase):
        partly = (*STANDARD[:3], "", *STANDARD[4:])
        return chance.choice([CaseUnknown()] * 3 + [CaseFound(None, ()), CaseFound(1, STANDARD), CaseFound(1, partly)])
    if isinstance(state, Weighing):
        return Weighed(chance.choice([(), (0,)]))
    if isinstance(state, Texting | Escalating | CheckingAgreement | Requesting):
        return _some_answer(chance, state)
    if isinstance(state, Waiting | Talking) and chance.random() < (0.2 if isinstance(state, Waiting) else 0.8):
        partly = (*STANDARD[:3], "", *STANDARD[4:])
        back = [HandedBack(None, ()), HandedBack(1, STANDARD), HandedBack(1, partly)]
        return chance.choice([*back, TurnedDown(Reason.OPERATOR_REFUSED), Issued(8, 1, STANDARD), Joined("a")])
    if isinstance(state, Waiting | Talking):
        return StillWaiting(chance.choice(["", "", "1", "2", "3", "5", "8", "*"]), 1, 4, chance.random() < 0.5)
    keys = "8" if isinstance(state, MAY_BE_IN_ANOTHER) and chance.random() < 0.1 else chance.choice(habits)
    if isinstance(state, WayOn) and chance.random() < 0.1:
        keys = "5"
    if isinstance(state, AskingMobile | ConfirmingMobile) and chance.random() < diligence:
        keys = chance.choice(["4155550123", "1", "2", "", "5"])
    if isinstance(state, ReadingBack) and chance.random() < 0.05:
        keys = "#"
    if isinstance(state, ConfirmingMobile) and chance.random() < 0.2:
        keys = ""
    if isinstance(state, AskingGroup) and chance.random() < diligence:
        keys = pool[min(state.group, len(pool) - 1) - 1]
    return Keyed(keys, 9.0, chance.choice([1, 8, 9])) if keys else Silence(9.0)


MAY_BE_IN_ANOTHER = (AskingNumber, ConfirmingNumber, AskingMobile, ConfirmingMobile, ConfirmingGroup, ChoosingLanguage)


def _some_answer(chance, state):
    """What the outbox or the queue says, or the cases and the desk to whoever asks for more."""
    if isinstance(state, Texting):
        return chance.choice([TextWritten(), TextRefused()])
    if isinstance(state, Escalating):
        return chance.choice([Queued(2, 4), DeskClosed()])
    if isinstance(state, CheckingAgreement):
        return chance.choice([AgreementRight()] * 3 + [AgreementWrong(), NotAsked(already=False)])
    return chance.choice([Asked(by_text=True), NotAsked(already=True)])


def reading_back(state):
    """The state in which the confirmation ID of a whole ID is read."""
    state, actions = step(state, Keyed("".join(STANDARD), 9.0), country="US")
    assert isinstance(state, Checking)
    state, actions = step(state, Approved(8, again=False), country="US")
    return state, actions


def test_a_call_goes_on_with_the_next_machine_and_ends_after_the_stated_number():
    state = begin()
    for number in range(1, MOST_MACHINES + 1):
        state, actions = reading_back(state)
        assert isinstance(state, ReadingBack)
        assert state.form.machine == number
        offered = [offer.prompt for action in actions if isinstance(action, ReadBack) for offer in action.offers]
        assert ("readback.menu.next" in offered) == (number < MOST_MACHINES)
        state, actions = step(state, Keyed("#", 9.0, at=9), country="US")
        if number < MOST_MACHINES:
            assert isinstance(state, Opening)
            assert [type(action) for action in actions] == [LeaveCase, Listen]
            assert (state.form.turns, state.form.failures, state.form.groups) == (0, 0, ())
    assert isinstance(state, Ended)
    assert state.outcome is Outcome.ACTIVATED


def test_a_key_too_many_in_a_hurry_through_the_blocks_does_not_leave_them():
    state, _ = reading_back(begin())
    for at in range(1, 9):
        state, actions = step(state, Keyed("#", 1.0, at=at), country="US")
    assert actions[0].first == 9
    state, actions = step(state, Keyed("#", 1.0, at=9), country="US")
    assert isinstance(state, ReadingBack)
    state, _ = step(state, Keyed("#", 4.0, at=9), country="US")
    assert isinstance(state, Opening)


def test_what_is_known_of_the_telephone_stays_for_the_next_machine():
    state, _ = reading_back(begin(withheld=True, texts=Texts.KEYED, desk=True))
    after, _ = step(state, Keyed("#", 9.0, at=9), country="US")
    form = after.form
    assert (form.withheld, form.texts, form.desk, form.lane, form.cid_texted) == (True, Texts.KEYED, True, True, False)


def test_a_step_that_is_not_in_the_table_is_a_bug_and_says_so():
    with pytest.raises(UnknownTransition):
        step(begin(), Approved(8, again=False), country="US")
    with pytest.raises(UnknownTransition):
        step(Ended(Form(), Outcome.HUNG_UP), Keyed("1"), country="US")


def test_the_diagram_shows_every_pair_of_states_in_the_table():
    drawn = diagram()
    for before, event, after in TRANSITIONS:
        if event is not HungUp:
            assert f"{before.__name__ if before else '[*]'} --> {after.__name__}:" in drawn


def test_hanging_up_ends_a_call_from_every_state():
    form = Form(format=1, groups=STANDARD)
    for state in (Opening(form), AskingGroup(form, 2), WayOn(form, Reason.TRIES), Checking(form)):
        assert step(state, HungUp(), country="") == (Ended(form, Outcome.HUNG_UP), ())
    assert step(ReadingBack(form, 8), HungUp(), country="")[0].outcome is Outcome.ACTIVATED


def test_a_case_number_with_any_one_digit_wrong_is_no_case_number():
    assert is_case_number(CASE_NUMBER)
    for place in range(10):
        for digit in "0123456789":
            slip = CASE_NUMBER[:place] + digit + CASE_NUMBER[place + 1 :]
            assert is_case_number(slip) == (slip == CASE_NUMBER)
