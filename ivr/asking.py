"""The caller keys an ID: what follows from keys and silence while groups, or a case number, are asked for.

Rule: each fault has its own words, names the group, and asks for that group alone; what is sound is kept.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import items
from ivr.actions import FindCase, Say, say
from ivr.entry import after_star, read_groups
from ivr.events import Keyed, Silence
from ivr.items import Step
from ivr.states import AskingCase, AskingGroup, FindingCase, Form, Opening, Reason, Tally
from keys.checkdigit import calc
from keys.formats import GROUP_DIGITS, CheckRule, Format
from keys.groups import Fault, GroupFault, check_whole, format_of, reread_first

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


def at_opening(state: Opening, event: Keyed | Silence) -> Step:
    """The first prompt: 1 to 7 begin an ID, 8 is language, 9 a case number, a lone 0 a person."""
    keys = event.keys if isinstance(event, Keyed) else ""
    if is_stray(state.form, keys, event.after) and keys not in {"8", "9"}:
        return items.ask_opening(_stray(state.form), say("opening.short"))
    if not keys:
        return _silent(state)
    form = replace(state.form, ever_keyed=True)
    digits = after_star(keys)
    if not digits:
        return _helped(replace(state, form=form))
    if digits == "0":
        return items.show_way_on(form, Reason.ASKED)
    if digits[0] == "8":
        return _language(form)
    if digits == "9":
        return items.ask_case(replace(form, tally=Tally()), say("case.ask"))
    if digits[0] == "9":
        return _find_case(form, digits)
    layout = format_of(digits)
    if layout is None:
        return _no_match(replace(state, form=form), GroupFault(1, Fault.UNKNOWN_FORMAT, found=digits[0]))
    return _take(replace(state, form=form), layout, 1, digits)


def at_group(state: AskingGroup, event: Keyed | Silence) -> Step:
    """A group is asked for, and keys or silence came."""
    keys = event.keys if isinstance(event, Keyed) else ""
    if is_stray(state.form, keys, event.after):
        return items.ask_group(_stray(state.form), say("group.next", group=state.group), roomy=state.roomy)
    if not keys:
        return _silent(state)
    state = replace(state, form=replace(state.form, ever_keyed=True))
    digits = after_star(keys)
    if not digits:
        return _helped(state)
    if digits == "0":
        return items.show_way_on(state.form, Reason.ASKED)
    if len(digits) < GROUP_DIGITS and digits != keys:
        # The star began the group anew, but the gather's sixth key had already ended it.
        return items.ask_group(_failed(state.form), say("group.restart", group=state.group), roomy=True, wide=True)
    layout = state.form.layout
    if state.group == 1:
        layout = format_of(digits)
        if layout is None or (state.form.format is not None and layout.number != state.form.format):
            return _no_match(state, GroupFault(1, Fault.UNKNOWN_FORMAT, found=digits[0]))
    assert layout is not None  # group 1 named it
    return _take(state, layout, state.group, digits)


def at_case(state: AskingCase, event: Keyed | Silence) -> Step:
    """A case number is asked for, and keys or silence came."""
    keys = event.keys if isinstance(event, Keyed) else ""
    if is_stray(state.form, keys, event.after):
        return items.ask_case(_stray(state.form), say("case.ask"))
    form = replace(state.form, ever_keyed=state.form.ever_keyed or bool(keys))
    digits = after_star(keys)
    if digits == "0":
        return items.show_way_on(form, Reason.ASKED)
    if not keys:
        form = _failed(form, no_input=1)
        return _given_up(form) or items.ask_case(form, say("case.ask"))
    return _find_case(form, digits)


def _find_case(form: Form, digits: str) -> Step:
    """Look a keyed case number up if its own check digit fits; a slip is told without a look-up."""
    if is_case_number(digits):
        return FindingCase(form), (FindCase(digits),)
    return case_not_found(form)


def case_not_found(form: Form) -> Step:
    """A case number with a slip in it, or one that no open case has: both hear the same words."""
    form = _failed(form, no_match=1)
    return _given_up(form) or items.ask_case(form, say("case.wrong"))


def is_case_number(digits: str) -> bool:
    """Ten digits, the first 9 (so that the first prompt can tell it from an ID), the last a Verhoeff check digit."""
    if len(digits) != items.CASE_DIGITS or not digits.isascii() or not digits.isdigit() or digits[0] != "9":
        return False
    return calc(CheckRule.VERHOEFF, 0, digits[:-1]) == digits[-1]


def resume(form: Form, number: int | None, groups: tuple[str, ...]) -> Step:
    """A case was found: go on at the first group that is missing, or with the check if none is."""
    form = replace(form, format=number, groups=groups, tally=Tally())
    if number is None or form.empty:
        return items.ask_opening(replace(form, format=None, groups=()), say("case.found_empty"))
    if form.next_group is None:
        return items.check(form)
    return items.ask_group(form, say("case.found", group=form.next_group))


def _take(state: Opening | AskingGroup, layout: Format, first: int, digits: str) -> Step:
    """Keep the sound groups of an entry, then go on: the next group, the one that is wrong, or the whole-ID check."""
    form = state.form
    groups = form.groups or ("",) * layout.groups
    known = {number: group for number, group in enumerate(groups, 1) if group}
    entry = read_groups(layout, first, digits, known)
    if not entry.sound:
        assert entry.fault is not None  # an entry without a sound group has a fault
        return _reread(form, digits) or _no_match(state, entry.fault)
    form = replace(form, format=layout.number, groups=groups, lane=form.lane or len(entry.sound) > 1)
    for number, group in entry.sound.items():
        form = form.with_group(number, group)
    form = replace(form, tally=Tally())
    if form.next_group is None:
        return _whole(form, layout)
    if entry.fault is not None:
        tail = AskingGroup(form, form.next_group)
        return _no_match(tail, replace(entry.fault, group=form.next_group), kept=True)
    prompt = "group.next_first" if len(known) == 0 and len(entry.sound) == 1 else "group.next"
    return items.ask_group(form, say(prompt, group=form.next_group), changed=True)


def _reread(form: Form, digits: str) -> Step | None:
    """Group 2 failed at once: perhaps the very first digit was a slip. Then group 1 is asked again and group 2 kept."""
    if form.next_group != 2 or any(form.groups[1:]) or len(digits) != GROUP_DIGITS:
        return None
    reading = reread_first(form.groups[0], digits)
    if reading is None:
        return None
    layout, _ = reading
    groups = ("", digits, *[""] * (layout.groups - 2))
    form = replace(_failed(form, no_match=1), format=layout.number, groups=groups)
    return items.ask_group(form, say("group.first_again"), changed=True)


def _whole(form: Form, layout: Format) -> Step:
    """All groups are in: the whole-ID check, which can locate one slip of a classic ID."""
    fault = check_whole(layout, form.groups)
    if fault is None:
        return items.check(form)
    form = _failed(form)
    if fault.located is None or form.failures >= MOST_FAILURES:
        return items.show_way_on(form, Reason.WHOLE_ID)
    form = form.with_group(fault.located[0], "")
    return items.ask_group(form, say("group.look_again", group=fault.located[0]), changed=True)


def _no_match(state: Opening | AskingGroup, fault: GroupFault, *, kept: bool = False) -> Step:
    """Words for one fault, by how often this item failed; after the third try, a way on. `kept` groups are saved."""
    form = _failed(state.form, no_match=1)
    given_up = _given_up(form)
    if given_up is not None:
        return given_up
    prompt = _words_for(fault, form.tally.no_match)
    roomy = fault.fault is Fault.LENGTH
    if form.empty and isinstance(state, Opening):
        return items.ask_opening(form, prompt, roomy=roomy)
    wide = roomy and isinstance(fault.found, int) and fault.found > GROUP_DIGITS
    return items.ask_group(form, prompt, roomy=roomy, wide=wide, changed=kept)


def _words_for(fault: GroupFault, times: int) -> Say:
    number = fault.group or 1
    match fault.fault:
        case Fault.LENGTH if isinstance(fault.found, int) and fault.found < GROUP_DIGITS:
            return say("group.short", count=fault.found, group=number)
        case Fault.LENGTH:
            return say("group.long", count=fault.found or 0, group=number)
        case Fault.UNKNOWN_FORMAT:
            return say("group.unknown_format")
        case Fault.OTHER_PLACE:
            return say("group.repeated", other=fault.found or 0, group=number)
        case _:
            return say("group.wrong" if times == 1 else "group.wrong_again", group=number)


def _silent(state: Opening | AskingGroup) -> Step:
    form = _failed(state.form, no_input=1)
    if form.tally.no_input >= TRIES or form.failures >= MOST_FAILURES:
        return items.show_way_on(form, Reason.SILENT if form.ever_keyed else Reason.NO_KEYS)
    suffix = "silent" if form.tally.no_input == 1 else "silent_again"
    if isinstance(state, Opening):
        return items.ask_opening(form, say(f"opening.{suffix}"))
    return items.ask_group(form, say(f"group.{suffix}", group=state.group), roomy=state.roomy)


def _helped(state: Opening | AskingGroup) -> Step:
    """A lone star: the prompt again, with more about it."""
    form = _failed(state.form, help=1)
    if form.tally.help > TRIES or form.failures >= MOST_FAILURES:
        return items.show_way_on(form, Reason.TRIES)
    if isinstance(state, Opening):
        return items.ask_opening(form, say("opening.help"))
    return items.ask_group(form, say("group.help", group=state.group), roomy=state.roomy)


def _language(form: Form) -> Step:
    """8 at the first prompt. One language is released so far, and the caller is told so."""
    form = _failed(form)
    return _given_up(form) or items.ask_opening(form, say("opening.language"))


def _failed(form: Form, *, no_input: int = 0, no_match: int = 0, help: int = 0) -> Form:  # noqa: A002 - VoiceXML's word
    """The form after one more failure, counted for the item (by kind) and for the call."""
    tally = form.tally
    tally = Tally(tally.no_input + no_input, tally.no_match + no_match, tally.help + help)
    return replace(form, failures=form.failures + 1, tally=tally)


def _given_up(form: Form) -> Step | None:
    """The way on, once an item has had its tries or the call its ceiling."""
    if form.tally.no_input >= TRIES or form.tally.no_match >= TRIES or form.failures >= MOST_FAILURES:
        return items.show_way_on(form, Reason.TRIES)
    return None


def _stray(form: Form) -> Form:
    return replace(form, strays=form.strays + 1)
