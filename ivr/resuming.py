"""A call that goes on where another was cut off, and how the caller may still begin with another ID.

Rule: no stored digit is ever spoken to whoever calls, and a second caller behind the same office number is not put into
a colleague's case: the first group of another ID is recognised by its own check digit, which fits no other place.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import choosing, items
from ivr.actions import LeaveCase, say
from ivr.entry import after_star
from ivr.events import CallStarted, Event, Keyed
from ivr.form import Form, Tally
from ivr.items import Step
from ivr.states import AskingGroup, Opening, Outcome, State
from keys.formats import FORMATS, GROUP_DIGITS, CheckRule
from keys.groups import check_group, format_of


def can_resume(format: int | None, groups: tuple[str, ...]) -> bool:  # noqa: A002 - the field's word
    """Whether a dropped case may be gone on with unasked: begun and not complete.

    Its format must be one whose groups know their place, so that another ID is told apart.
    """
    if format is None or FORMATS[format].check_rule is not CheckRule.VERHOEFF:
        return False
    return any(groups) and not all(groups)


def starting(event: CallStarted) -> Step:
    """The beginning of a call: the first prompt, or the next group of the case that was cut off."""
    if event.blocked:
        return items.end(Form(withheld=event.withheld, locale=event.locale), Outcome.BLOCKED, say("blocked.goodbye"))
    begun = _begun(event)
    return items.say_first(begun, say("notice.words", words=event.notice)) if event.notice else begun


def _begun(event: CallStarted) -> Step:
    form = Form(
        withheld=event.withheld,
        texts=event.texts,
        desk=event.desk,
        locale=event.locale,
        languages=event.languages,
        speech=event.speech,
    )
    if not event.groups:
        others = () if event.chosen else choosing.hints(form)
        return items.ask_opening(form, say("opening.first"), *others)
    form = replace(form, format=event.format, groups=event.groups, resumed=True)
    return items.ask_group(form, say("resume.group", group=form.next_group or 1))


def begins_another(state: State, event: Event) -> bool:
    """Whether the first keys of a resumed call are group 1 of an ID, and not the group asked for.

    Machines of one product mostly share their first group, so a colleague's ID may well begin as the dropped one did.
    """
    if not isinstance(state, AskingGroup) or not state.form.resumed or not isinstance(event, Keyed):
        return False
    group = after_star(event.keys)[:GROUP_DIGITS]
    layout, asked = format_of(group), state.form.layout
    if layout is None or asked is None:
        return False
    return check_group(layout, 1, group) is None and check_group(asked, state.group, group) is not None


def anew(state: State) -> Opening:
    """The first prompt's state, with nothing of the resumed case."""
    return Opening(replace(state.form, format=None, groups=(), resumed=False, tally=Tally()))


def leaving_the_case(step: Step) -> Step:
    """The step, with the resumed case left behind first."""
    state, actions = step
    return state, (LeaveCase(), *actions)


def settled(before: State, step: Step) -> Step:
    """The step; once a resumed call has brought a group, its case is its own."""
    state, actions = step
    if before.form.resumed and state.form.groups != before.form.groups:
        state = replace(state, form=replace(state.form, resumed=False))
    return state, actions
