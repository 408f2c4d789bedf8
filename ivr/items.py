"""How each item is asked: the state it leads to, the words, and the keys and waits of its gather.

Rule: the waits live here and nowhere else. A `Pause` nested last is the wait for the first key, so the gather's own
timeout is left to be the wait between two keys (Twilio has one timer for both); both are doubled after a short entry.

>>> state, actions = ask_group(Form(format=1, groups=("123456",) + ("",) * 8), say("group.next", group=2))
>>> actions[0].most, actions[0].finish, actions[0].first_wait, actions[0].between
(6, '#', 8, 4)
"""

from __future__ import annotations

from dataclasses import replace

from ivr.actions import (
    Action,
    Enqueue,
    HangUp,
    Join,
    KeepGroups,
    Listen,
    NeedPerson,
    ReadBack,
    Reserve,
    Say,
    Wait,
    WishCallBack,
    WriteText,
    say,
)
from ivr.form import Form, Reason, Tally
from ivr.states import (
    AskingCase,
    AskingGroup,
    AskingMobile,
    AskingNumber,
    Checking,
    ConfirmingGroup,
    ConfirmingMobile,
    ConfirmingNumber,
    Ended,
    Escalating,
    Opening,
    Outcome,
    ReadingBack,
    State,
    Texting,
    WayOn,
)
from ivr.textable import Texts
from keys.formats import FORMATS, GROUP_DIGITS
from keys.refusals import Refusal
from keys.repair import Candidate

Step = tuple[State, tuple[Action, ...]]

FIRST_WAIT = 8
"""Seconds of quiet before a group counts as not keyed (a read-and-type task needs well over 5)."""
BETWEEN_KEYS = 4
"""Seconds between two keys of an entry before it counts as ended."""
MENU_WAIT = 6
"""Seconds of quiet at a menu of single keys."""
PAUSE_FOR_WRITING = 30
"""Seconds of quiet after which a paused read-back goes on by itself."""
SPARE_KEYS = 4
"""Keys that a number may have beyond its usual length, so that an added key is seen and not cut off."""
ROOM = max(layout.digits for layout in FORMATS.values())
"""Keys of the first gather. It ends at a whole ID's last; one that an added key pushes out follows from the rest."""
CASE_DIGITS = 10
LONGEST_NUMBER = 15

REFUSALS_WORTH_A_TRY = frozenset(
    {Refusal.KEY_UNKNOWN, Refusal.PROOF_WRONG, Refusal.PRODUCT_UNKNOWN, Refusal.FORMAT_NOT_OF_PRODUCT}
)
"""Refusals that a slip in keying can bring about, so that keying the ID again may help."""
WORTH_A_PERSON = frozenset(
    {
        *{Reason.ASKED, Reason.TRIES, Reason.SILENT, Reason.NO_KEYS, Reason.WHOLE_ID},
        *{Refusal.ALLOWANCE_EXHAUSTED, Refusal.KEY_BLOCKED, Refusal.KEY_EXPIRED, Refusal.AGREEMENT_INACTIVE},
        *{Refusal.TOO_MANY_REACTIVATIONS, Refusal.HOSTS_EXHAUSTED, Refusal.HOST_REACTIVATIONS_EXHAUSTED},
        *{Refusal.IID_RETURNED, Refusal.TOO_MANY_TRIES, Refusal.HELD_FOR_REVIEW},
    }
)
"""Why a caller may wait for a person at once, while the desk is open; in other cases 0 asks for one."""
MOST_MACHINES = 10
"""Machines in one call, at most; each has its own counters, so that this bounds the whole call too."""
MOST_DETOURS = 3
"""How often a call may reach the way on before it ends there."""


def ask_opening(form: Form, *prompts: Say, roomy: bool = False) -> Step:
    """The first prompt. Its gather has room for a whole ID, so whoever keeps keying is not cut off."""
    return Opening(form), (entry(prompts, ROOM, roomy),)


def ask_group(form: Form, *prompts: Say, roomy: bool = False, wide: bool = False, changed: bool = False) -> Step:
    """The first group that is missing; in the lane with room for all that are missing with it. `changed`: keep them.

    It ends at the sixth key, unless `wide`: for a caller who has used the star, or keyed too many.
    """
    number = form.next_group
    assert number is not None  # a group is missing, or the ledger would be asked
    most = GROUP_DIGITS * expected_groups(form)
    if wide and most == GROUP_DIGITS:
        most = 2 * GROUP_DIGITS
    kept: tuple[Action, ...] = (KeepGroups(),) if changed else ()
    return AskingGroup(form, number, roomy), (*kept, entry(prompts, most, roomy))


def expected_groups(form: Form) -> int:
    """How many groups are asked for at once: all that are missing one after another in the lane, else one."""
    return form.missing_run if form.lane else 1


def ask_case(form: Form, *prompts: Say) -> Step:
    """A case number, when 9 alone was keyed."""
    return AskingCase(form), (entry(prompts, CASE_DIGITS + SPARE_KEYS, roomy=False),)


def ask_number(form: Form, reason: str, *prompts: Say) -> Step:
    """A phone number to call back."""
    return AskingNumber(form, reason), (entry(prompts, LONGEST_NUMBER + SPARE_KEYS, roomy=False),)


def confirm_number(form: Form, reason: str, *prompts: Say) -> Step:
    """The yes to a number that has been read back."""
    return ConfirmingNumber(form, reason), (menu(prompts),)


def confirm_group(form: Form, candidate: Candidate, *prompts: Say) -> Step:
    """The yes to a group that has been mended and read out."""
    return ConfirmingGroup(form, candidate), (menu(prompts),)


def check(form: Form) -> Step:
    """Every group is in: ask the ledger, which keeps them."""
    return Checking(form), (Reserve(),)


def read_back(state: ReadingBack, first: int, *opening: Say) -> Step:
    """Read the confirmation ID from block `first`."""
    text = (say(f"readback.menu.text_{state.form.texts}"),) if may_text(state.form, state) else ()
    more = (say("readback.menu.next"),) if may_go_on(state.form) else ()
    return state, (ReadBack(opening, first, state.blocks, state.pace, (*text, *more)),)


def may_go_on(form: Form) -> bool:
    """Whether the call may go on with another machine after this one."""
    return form.machine < MOST_MACHINES


def may_text(form: Form, reading: ReadingBack | None) -> bool:
    """Whether a text is offered: of the confirmation ID in a read-back, of the case otherwise; each once a call."""
    return form.texts is not Texts.NONE and not (form.cid_texted if reading is not None else form.case_texted)


def ask_mobile(form: Form, reading: ReadingBack | None, reason: str, *prompts: Say) -> Step:
    """A mobile number to be texted at."""
    return AskingMobile(form, reading, reason), (entry(prompts, LONGEST_NUMBER + SPARE_KEYS, roomy=False),)


def confirm_mobile(form: Form, reading: ReadingBack | None, reason: str, *prompts: Say) -> Step:
    """The yes to a mobile number that has been read back."""
    return ConfirmingMobile(form, reading, reason), (menu(prompts),)


def write_text(form: Form, reading: ReadingBack | None, reason: str, *, held: bool) -> Step:
    """Write the text, and hear whether it may be sent."""
    return Texting(form, reading, reason), (WriteText(held),)


def say_first(step: Step, first: Say) -> Step:
    """The step, with a sentence before all it says; a step that says nothing stays as it is."""
    state, actions = step
    return state, tuple(_begin_with(first, action) for action in actions)


def _begin_with(first: Say, action: Action) -> Action:
    match action:
        case Listen() | Wait() | Join() | HangUp():
            return replace(action, prompts=(first, *action.prompts))
        case ReadBack():
            return replace(action, opening=(first, *action.opening))
        case _:
            return action


def pause_reading(state: ReadingBack, at: int) -> Step:
    """Wait while the caller writes; any key, or enough quiet, goes on with block `at`."""
    state = replace(state, paused_at=at)
    return state, (Listen((say("readback.paused"),), 1, "", PAUSE_FOR_WRITING, 1),)


def show_way_on(form: Form, reason: str) -> Step:
    """Tell a stuck caller why and what can be done, and make the case wait for a person.

    While the desk is open, most of them wait for a person at once. Where no key ever arrived and nobody is there,
    nothing can be asked: a caller whose number we know is called back without asking.
    """
    form = replace(form, detours=form.detours + 1, tally=Tally())
    why = say(f"reason.{reason}")
    needs: tuple[Action, ...] = (KeepGroups(), NeedPerson(reason))
    if form.desk and reason in WORTH_A_PERSON:
        return Escalating(form, reason), (*needs, Enqueue(reason))
    if reason == Reason.NO_KEYS and form.withheld:
        return Ended(form, Outcome.NO_KEYS), (*needs, HangUp((why, say("wayon.other_phone"))))
    if reason == Reason.NO_KEYS:
        wish = WishCallBack(held=False)
        return Ended(form, Outcome.CALL_BACK), (*needs, wish, HangUp((why, say("wayon.promised"))))
    if form.detours > MOST_DETOURS:
        return Ended(form, Outcome.CASE_KEPT), (*needs, HangUp((why, say("wayon.goodbye"))))
    return WayOn(form, reason), (*needs, menu((why, say("wayon.case"), *way_on_menu(form, reason))))


def way_on_menu(form: Form, reason: str) -> tuple[Say, ...]:
    """The choices of the way on, those only that this caller has."""
    call_back = say("wayon.menu.number" if form.withheld else "wayon.menu.call_back")
    again = (say("wayon.menu.again"),) if may_try_again(reason) else ()
    text = (say(f"wayon.menu.text_{form.texts}"),) if may_text(form, None) else ()
    more = (say("wayon.menu.more"),) if may_ask_for_more(form, reason) else ()
    return (call_back, *again, *text, *more, say("wayon.menu.repeat"))


def repeat_way_on(form: Form, reason: str, *before: Say) -> Step:
    """The way on once more, without its reason."""
    return WayOn(form, reason), (menu((*before, say("wayon.case"), *way_on_menu(form, reason))),)


def may_try_again(reason: str) -> bool:
    """Whether keying on can help."""
    said_by_a_person = reason == Reason.OPERATOR_REFUSED
    return (reason in Reason.__members__ and not said_by_a_person) or reason in REFUSALS_WORTH_A_TRY


def may_ask_for_more(form: Form, reason: str) -> bool:
    """Whether more activations of the key can be asked for: where that is what is wanting, once a machine."""
    return reason == Refusal.ALLOWANCE_EXHAUSTED and not form.asked_more


def end(form: Form, outcome: Outcome, *prompts: Say) -> Step:
    """Say goodbye and hang up."""
    return Ended(form, outcome), (HangUp(prompts),)


def end_at_ceiling(form: Form, outcome: Outcome) -> Step:
    """The call has had its turns: keep what was keyed, say the way back in, hang up."""
    if outcome is Outcome.ACTIVATED:
        return end(form, outcome, say("readback.goodbye"))
    state, actions = end(form, outcome, say("wayon.goodbye"))
    return state, (KeepGroups(), NeedPerson(Reason.TRIES), *actions)


def entry(prompts: tuple[Say, ...], most: int, roomy: bool) -> Listen:
    """A gather of an entry of `most` keys at most; both waits doubled where `roomy`."""
    factor = 2 if roomy else 1
    return Listen(prompts, most, "#", FIRST_WAIT * factor, BETWEEN_KEYS * factor)


def menu(prompts: tuple[Say, ...]) -> Listen:
    """A gather of a single key."""
    return Listen(prompts, 1, "", MENU_WAIT, 1)
