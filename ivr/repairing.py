"""An ID that is complete but for one slip: what can have been meant is weighed, and the one genuine ID is offered.

Rule: nothing is offered whose proof is wrong, and only groups that this very entry keyed are read out; a caller hears
the same words whether no ID was possible or none was genuine.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import items
from ivr.actions import KeepGroups, Weigh, say
from ivr.entry import Entry
from ivr.events import Keyed, Silence, Weighed
from ivr.form import Form, Reason, Tally
from ivr.items import Step
from ivr.states import AskingGroup, ConfirmingGroup, Weighing
from ivr.tries import MOST_FAILURES, TRIES, failed, given_up, is_left_over, no_match, stray
from keys.formats import Format
from keys.groups import Fault, GroupFault, check_whole
from keys.repair import Candidate, candidates, doubled, unseen

MOST_WEIGHED = 4
"""The most IDs weighed for one entry. One slip leaves 1.05 on average; more would let a guesser try many at once."""


def weigh(form: Form, layout: Format, entry: Entry) -> Step | None:
    """Ask for the proofs of what can have been meant, if all that is missing from the form is in doubt in the entry."""
    missing = {number for number, group in enumerate(form.groups, 1) if not group}
    if entry.run is None or entry.fault is None or not missing or not missing <= set(entry.run.doubted):
        return None
    known = {number: group for number, group in enumerate(form.groups, 1) if group}
    possible = candidates(layout, known, entry.run)
    readable = tuple(sorted({*entry.run.doubted, *entry.sound}))
    fault = replace(entry.fault, group=form.next_group)
    return _weigh(form, possible, readable, fault, changed=bool(entry.sound))


def whole(form: Form, layout: Format, entry: Entry) -> Step:
    """All groups are in: the whole-ID check; where it fails, a slip that the groups did not see may be found."""
    if check_whole(layout, form.groups) is None:
        return items.check(form)
    possible = unseen(layout, form.groups)
    fault = GroupFault(None, Fault.WHOLE_ID)
    keyed = tuple(entry.sound)
    return _weigh(form, possible, keyed, fault, changed=True) or _not_whole(form, layout, keyed)


def _weigh(
    form: Form, possible: tuple[Candidate, ...], readable: tuple[int, ...], fault: GroupFault, *, changed: bool
) -> Step | None:
    if not 1 <= len(possible) <= MOST_WEIGHED:
        return None
    kept = (KeepGroups(),) if changed else ()
    return Weighing(form, possible, readable, fault), (*kept, Weigh())


def weighed(state: Weighing, event: Weighed) -> Step:
    """One genuine ID is offered, its mended group alone; with none or several, the groups in doubt are asked again."""
    form, layout = state.form, state.form.layout
    assert layout is not None  # group 1, or the run, named it
    if len(event.genuine) != 1:
        if state.fault.group is None:
            return _not_whole(form, layout, state.readable)
        return no_match(AskingGroup(form, state.fault.group), state.fault)
    candidate = state.candidates[event.genuine[0]]
    for number in candidate.mended:
        form = form.with_group(number, "")
    if not set(candidate.mended) <= set(state.readable):
        form = failed(form)
        return given_up(form) or items.ask_group(form, say("group.look_again", group=form.next_group or 1))
    return offer(replace(form, tally=Tally()), candidate)


def offer(form: Form, candidate: Candidate) -> Step:
    """Read out what was mended, and ask for a yes."""
    read = [say("repair.group", group=number, digits=candidate.groups[number - 1]) for number in candidate.mended]
    return items.confirm_group(form, candidate, *read, say("repair.confirm"))


def at_confirming_group(state: ConfirmingGroup, event: Keyed | Silence) -> Step:
    """1 is a yes, 2 asks for the group again; anything else hears the group once more."""
    form, candidate = state.form, state.candidate
    keys = event.keys if isinstance(event, Keyed) else ""
    if is_left_over(form, keys, event.after):
        return offer(stray(form), candidate)
    key = keys[:1]
    if key == "0":
        return items.show_way_on(form, Reason.ASKED)
    if key == "1":
        return items.check(replace(form, groups=candidate.groups, tally=Tally()))
    form = failed(form, no_input=not key, no_match=bool(key))
    if form.tally.no_input >= TRIES:
        return items.show_way_on(form, Reason.SILENT)
    enough = given_up(form)
    if enough is not None:
        return enough
    if key == "2":
        return items.ask_group(form, say("repair.no", group=form.next_group or 1), changed=True)
    return offer(form, candidate)


def _not_whole(form: Form, layout: Format, keyed: tuple[int, ...]) -> Step:
    """Every group passes and the whole does not, and no slip explains it: ask for what is least sure, once."""
    form = failed(form)
    again = doubled(layout, form.groups)
    insisted = again is not None and keyed == (again + 1,)  # told so, the caller keyed it once more
    if form.failures >= MOST_FAILURES or insisted:
        return items.show_way_on(form, Reason.WHOLE_ID)
    if again is not None:
        # A classic ID does not see that everything after a group keyed twice stands one place too late.
        groups = (*form.groups[:again], *form.groups[again + 1 :], "")
        prompt = say("group.repeated", other=again, group=layout.groups)
        return items.ask_group(replace(form, groups=groups), prompt, changed=True)
    fault = check_whole(layout, form.groups)
    located = fault.located[:1] if fault is not None and fault.located is not None else ()
    doubtful = located or form.unsure
    if not doubtful:
        return items.show_way_on(form, Reason.WHOLE_ID)
    for number in doubtful:
        form = form.with_group(number, "")
    form = replace(form, unsure=())
    return items.ask_group(form, say("group.look_again", group=form.next_group or 1), changed=True)
