"""The caller keys an ID: what follows from keys and silence while groups, or a case number, are asked for.

Rule: each fault has its own words, names the group, and asks for that group alone; what is sound is kept.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import items, repairing
from ivr.actions import FindCase, say
from ivr.entry import Entry, Expected, after_star, read_groups
from ivr.events import Keyed, Silence
from ivr.form import Form, Reason, Tally
from ivr.items import Step
from ivr.message import is_case_number
from ivr.states import AskingCase, AskingGroup, FindingCase, Opening
from ivr.tries import MOST_FAILURES, TRIES, failed, given_up, is_stray, no_match, stray
from keys.formats import GROUP_DIGITS, Format
from keys.groups import check_group, format_of, reread_first


def at_opening(state: Opening, event: Keyed | Silence) -> Step:
    """The first prompt: 1 to 7 begin an ID, 8 is language, 9 a case number, a lone 0 a person."""
    keys = event.keys if isinstance(event, Keyed) else ""
    if is_stray(state.form, keys, event.after) and keys not in {"8", "9"}:
        return items.ask_opening(stray(state.form), say("opening.short"))
    if not keys:
        return _silent(state)
    form = replace(state.form, ever_keyed=True)
    digits = after_star(keys)
    if not digits:
        return _helped(replace(state, form=form))
    if digits == "0":
        return items.show_way_on(form, Reason.ASKED)
    if digits[0] == "8" and len(digits) < GROUP_DIGITS:
        return _language(form)
    if digits == "9":
        return items.ask_case(replace(form, tally=Tally()), say("case.ask"))
    if digits[0] == "9" and GROUP_DIGITS < len(digits) < 2 * GROUP_DIGITS:
        return _find_case(form, digits)
    # More digits than a case number has, or just a group of them, are an ID with a slip in its first digit.
    return _take(replace(state, form=form), format_of(digits), 1, digits)


def at_group(state: AskingGroup, event: Keyed | Silence) -> Step:
    """A group is asked for, and keys or silence came."""
    keys = event.keys if isinstance(event, Keyed) else ""
    if is_stray(state.form, keys, event.after):
        return items.ask_group(stray(state.form), say("group.next", group=state.group), roomy=state.roomy)
    if not keys:
        return _silent(state)
    if not state.form.ever_keyed:
        state = replace(state, form=replace(state.form, ever_keyed=True))
    digits = after_star(keys)
    if not digits:
        return _helped(state)
    if digits == "0":
        return items.show_way_on(state.form, Reason.ASKED)
    if len(digits) < GROUP_DIGITS and digits != keys:
        # The star began the group anew, but the gather's sixth key had already ended it.
        return items.ask_group(failed(state.form), say("group.restart", group=state.group), roomy=True, wide=True)
    state = replace(state, form=_refitted(state.form, digits)) if state.group == 1 else state
    return _take(state, state.form.layout or format_of(digits), state.group, digits)


def at_case(state: AskingCase, event: Keyed | Silence) -> Step:
    """A case number is asked for, and keys or silence came."""
    keys = event.keys if isinstance(event, Keyed) else ""
    if is_stray(state.form, keys, event.after):
        return items.ask_case(stray(state.form), say("case.ask"))
    form = replace(state.form, ever_keyed=state.form.ever_keyed or bool(keys))
    digits = after_star(keys)
    if digits == "0":
        return items.show_way_on(form, Reason.ASKED)
    if not keys:
        form = failed(form, no_input=1)
        return given_up(form) or items.ask_case(form, say("case.ask"))
    return _find_case(form, digits)


def _find_case(form: Form, digits: str) -> Step:
    """Look a keyed case number up if its own check digit fits; a slip is told without a look-up."""
    if is_case_number(digits):
        return FindingCase(form), (FindCase(digits),)
    return case_not_found(form)


def case_not_found(form: Form) -> Step:
    """A case number with a slip in it, or one that no open case has: both hear the same words."""
    form = failed(form, no_match=1)
    return given_up(form) or items.ask_case(form, say("case.wrong"))


def resume(form: Form, number: int | None, groups: tuple[str, ...]) -> Step:
    """A case was found: go on at the first group that is missing, or with the check if none is."""
    form = replace(form, format=number, groups=groups, tally=Tally())
    if number is None or form.empty:
        return items.ask_opening(replace(form, format=None, groups=()), say("case.found_empty"))
    if form.next_group is None:
        return items.check(form)
    return items.ask_group(form, say("case.found", group=form.next_group))


def _take(state: Opening | AskingGroup, layout: Format | None, first: int, digits: str) -> Step:
    """Keep the sound groups of an entry, then go on: the next group, a repair, the one in doubt, the whole-ID check."""
    # Whoever keys more than one group at once is in the lane.
    form = state.form
    if not form.lane and len(digits) >= 2 * GROUP_DIGITS:
        form = replace(form, lane=True)
    known = {number: group for number, group in enumerate(form.groups, 1) if group}
    insisted = form.tally.no_match > 0
    entry = read_groups(layout, _expected(state, layout, first), digits, known, insisted=insisted)
    if entry.layout is None or (not entry.sound and form.format is None):
        assert entry.fault is not None  # an entry without a sound group has a fault
        return no_match(replace(state, form=form), entry.fault)
    form = _kept(form, entry.layout, entry)
    if form.next_group is None:
        return repairing.whole(form, entry.layout, entry)
    if entry.fault is None:
        return items.ask_group(form, say(_next_words(form), group=form.next_group), changed=True)
    repair = repairing.weigh(form, entry.layout, entry)
    if repair is not None:
        return repair
    if not entry.sound:
        return _reread(form, digits) or no_match(replace(state, form=form), entry.fault)
    tail = AskingGroup(form, form.next_group)
    return no_match(tail, replace(entry.fault, group=form.next_group), kept=True)


def _next_words(form: Form) -> str:
    """How the next group is asked for: a newcomer hears more; who has keyed later ones, that it is this one alone."""
    keyed = [number for number, group in enumerate(form.groups, 1) if group]
    if keyed == [1] and not form.lane:
        return "group.next_first"
    return "group.also" if form.next_group and keyed[-1] > form.next_group else "group.next"


def _expected(state: Opening | AskingGroup, layout: Format | None, first: int) -> Expected:
    """What the gather asked for, and how many keys it had room for."""
    if isinstance(state, Opening):
        return Expected(1, layout.groups if layout is not None else 1, items.ROOM)
    groups = items.expected_groups(state.form)
    return Expected(first, first + groups - 1, groups * GROUP_DIGITS)


def _kept(form: Form, layout: Format, entry: Entry) -> Form:
    """The form with an entry's sound groups."""
    groups = [entry.sound.get(number, group) for number, group in enumerate(form.groups or ("",) * layout.groups, 1)]
    before = form.unsure if form.groups else ()
    unsure = tuple(sorted({*before, *entry.unsure} - {number for number in entry.sound if number not in entry.unsure}))
    tally = Tally() if entry.sound else form.tally
    return replace(form, format=layout.number, groups=tuple(groups), unsure=unsure, tally=tally)


def _refitted(form: Form, digits: str) -> Form:
    """The form in the format that group 1 names, where another was taken for it and all other groups fit."""
    layout = format_of(digits)
    if layout is None or form.format is None or check_group(layout, 1, digits) is not None:
        return form
    groups = (*form.groups, *[""] * layout.groups)
    keyed = {number: group for number, group in enumerate(groups, 1) if group}
    fit = all(number <= layout.groups and check_group(layout, number, group) is None for number, group in keyed.items())
    return replace(form, format=layout.number, groups=groups[: layout.groups]) if fit else form


def _reread(form: Form, digits: str) -> Step | None:
    """Group 2 failed at once: perhaps the very first digit was a slip. Then group 1 is asked again and group 2 kept."""
    if form.next_group != 2 or any(form.groups[1:]) or len(digits) != GROUP_DIGITS:
        return None
    reading = reread_first(form.groups[0], digits)
    if reading is None:
        return None
    layout, _ = reading
    groups = ("", digits, *[""] * (layout.groups - 2))
    form = replace(failed(form, no_match=1), format=layout.number, groups=groups)
    return items.ask_group(form, say("group.first_again"), changed=True)


def _silent(state: Opening | AskingGroup) -> Step:
    form = failed(state.form, no_input=1)
    if form.tally.no_input >= TRIES or form.failures >= MOST_FAILURES:
        return items.show_way_on(form, Reason.SILENT if form.ever_keyed else Reason.NO_KEYS)
    first = form.tally.no_input == 1
    suffix = "silent" if first else "silent_again"
    more_time = (say("more_time.offer"),) if first and not form.patient else ()
    if isinstance(state, Opening):
        return items.ask_opening(form, *more_time, say(f"opening.{suffix}"))
    return items.ask_group(form, *more_time, say(f"group.{suffix}", group=state.group), roomy=state.roomy)


def _helped(state: Opening | AskingGroup) -> Step:
    """A lone star: the prompt again, with more about it."""
    form = failed(state.form, help=1)
    if form.tally.help > TRIES or form.failures >= MOST_FAILURES:
        return items.show_way_on(form, Reason.TRIES)
    if isinstance(state, Opening):
        return items.ask_opening(form, say("opening.help"))
    return items.ask_group(form, say("group.help", group=state.group), roomy=state.roomy)


def _language(form: Form) -> Step:
    """8 at the first prompt of a line with one language, and the caller is told so."""
    form = failed(form)
    return given_up(form) or items.ask_opening(form, say("opening.language"))
