"""Tries: what is said to an entry that failed, and when an item has had enough of them.

Rule: every failure is counted, for its item by kind and for the call as a whole, so that no caller is asked for ever.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import items
from ivr.actions import Say, say
from ivr.form import Form, Reason, Tally
from ivr.items import Step
from ivr.states import AskingGroup, Opening
from keys.formats import GROUP_DIGITS, CheckRule
from keys.groups import Fault, GroupFault

STRAY_SECONDS = 2.0
"""An empty or one-key result sooner than this after our reply is a stray key, not an answer."""
MOST_STRAYS = 5
TRIES = 3
"""Tries at one item before a way on."""
MOST_FAILURES = 9
"""The combined ceiling of no-inputs, no-matches and helps in one call."""


def is_stray(form: Form, keys: str, after: float) -> bool:
    """Whether a result is a slip of the finger that counts for nothing. A lone 0 is a wish for a person."""
    return after < STRAY_SECONDS and (not keys or (len(keys) == 1 and keys not in "0*")) and form.strays < MOST_STRAYS


def is_left_over(form: Form, keys: str, after: float) -> bool:
    """Whether a lone key at a menu came too soon for anyone to have heard what it means, as the last of a long run."""
    return after < STRAY_SECONDS and form.strays < MOST_STRAYS and len(keys) <= 1


def stray(form: Form) -> Form:
    """The form after one more stray key."""
    return replace(form, strays=form.strays + 1)


def failed(
    form: Form,
    *,
    no_input: int = 0,
    no_match: int = 0,
    help: int = 0,  # noqa: A002 - VoiceXML's word
    unheard: int = 0,
) -> Form:
    """The form after one more failure, counted for the item (by kind) and for the call."""
    tally = form.tally
    tally = Tally(tally.no_input + no_input, tally.no_match + no_match, tally.help + help, tally.unheard + unheard)
    return replace(form, failures=form.failures + 1, tally=tally)


def given_up(form: Form) -> Step | None:
    """The way on, once an item has had its tries or the call its ceiling."""
    if form.tally.no_input >= TRIES or form.tally.no_match >= TRIES or form.failures >= MOST_FAILURES:
        return items.show_way_on(form, Reason.TRIES)
    return None


def no_match(state: Opening | AskingGroup, fault: GroupFault, *, kept: bool = False) -> Step:
    """Words for one fault, by how often this item failed; after the third try, a way on. `kept` groups are saved."""
    form = _counted(state.form, fault)
    enough = given_up(form)
    if enough is not None:
        return enough
    prompt = words_for(fault, form.tally.no_match)
    roomy = fault.fault is Fault.LENGTH
    if form.empty and isinstance(state, Opening):
        return items.ask_opening(form, prompt, roomy=roomy)
    wide = roomy and isinstance(fault.found, int) and fault.found > GROUP_DIGITS
    return items.ask_group(form, prompt, roomy=roomy, wide=wide, changed=kept)


def _counted(form: Form, fault: GroupFault) -> Form:
    """The form after a fault. In the lane a group that is in already is no failure: who keys on brings it by itself."""
    known = form.lane and form.layout is not None and form.layout.check_rule is CheckRule.VERHOEFF
    if fault.fault is Fault.OTHER_PLACE and known and form.strays < MOST_STRAYS:
        return stray(form)
    return failed(form, no_match=1)


def words_for(fault: GroupFault, times: int) -> Say:
    """What is said of a fault, the first time and after."""
    number = fault.group or 1
    match fault.fault:
        case Fault.LENGTH if fault.found == 0:
            return say("group.left_out", group=number)
        case Fault.LENGTH if isinstance(fault.found, int) and fault.found < GROUP_DIGITS:
            return say("group.short", count=fault.found, group=number)
        case Fault.LENGTH:
            return say("group.long", count=fault.found or 0, group=number)
        case Fault.UNKNOWN_FORMAT:
            return say("group.unknown_format")
        case Fault.OTHER_PLACE:
            return say("group.repeated", other=fault.found or 0, group=number)
        case Fault.WHOLE_ID:
            return say("group.look_again", group=number)
        case _:
            return say("group.wrong" if times == 1 else "group.wrong_again", group=number)
