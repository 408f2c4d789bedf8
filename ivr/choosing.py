"""The caller chooses a language: each is offered in its own words, and the call goes on where it was.

Rule: nothing that was keyed is lost by it, and no item is counted as failed. Key 8 leads here wherever it has no other
meaning: not while blocks are read, where it is the eighth, and not where an amount or an agreement is keyed.

>>> from ivr.form import Form
>>> state, actions = asked(WayOn(Form(locale="en-US", languages=("en-US", "de", "fr")), "ASKED"))
>>> [(word.prompt, word.locale, word.facts) for word in actions[0].prompts]
[('language.offer', 'de', (('key', 1),)), ('language.offer', 'fr', (('key', 2),))]
>>> state, actions = at_choosing(state, Keyed("1"))
>>> type(state).__name__, state.form.locale, actions[0]
('WayOn', 'de', KeepLanguage(locale='de'))
"""

from __future__ import annotations

from dataclasses import fields, replace

from ivr import asking_more, items, repairing
from ivr.actions import KeepLanguage, Say, Wait, say
from ivr.entry import after_star
from ivr.events import Keyed, Silence, StillWaiting
from ivr.form import Form, Reason
from ivr.items import Step
from ivr.languages import MOST
from ivr.states import (
    AskingCase,
    AskingGroup,
    AskingHow,
    AskingMobile,
    AskingNumber,
    AskingToldAt,
    AskingWhy,
    ChoosingLanguage,
    ConfirmingAmount,
    ConfirmingGroup,
    ConfirmingMobile,
    ConfirmingNumber,
    ConfirmingToldAt,
    Opening,
    State,
    Waiting,
    WayOn,
)
from ivr.tries import is_left_over, is_stray, stray
from keys.formats import GROUP_DIGITS

KEY = "8"
TRIES = 3
"""Keys without a language to them, after which the call goes on as it was."""
ENTRIES = (AskingGroup, AskingCase, AskingNumber, AskingMobile, AskingToldAt)
MENUS = (ConfirmingGroup, WayOn, ConfirmingNumber, ConfirmingMobile, ConfirmingAmount, AskingWhy, AskingHow,
         ConfirmingToldAt, Waiting)  # fmt: skip
_AT_THE_ID = frozenset(kind.__name__ for kind in (Opening, AskingGroup, AskingCase))
_HELD = tuple(each.name for each in fields(ChoosingLanguage) if each.name not in {"form", "back", "tries"})
"""What a state may hold beside the form, so that it can be gone back to."""


def hints(form: Form) -> tuple[Say, ...]:
    """That there are other languages, each in its own words: for who is greeted in one that was not chosen."""
    return tuple(Say("language.hint", locale=locale) for locale in _offered(form))


def wished(state: State, event: Keyed | Silence | StillWaiting) -> bool:
    """Whether the caller asks for another language, where the line speaks more than one."""
    if isinstance(event, Silence) or not state.form.other_languages:
        return False
    digits = after_star(event.keys)
    if isinstance(state, Opening):
        return digits[:1] == KEY and len(digits) < GROUP_DIGITS
    if isinstance(state, ENTRIES) and isinstance(event, Keyed):
        return digits == KEY and not is_stray(state.form, event.keys, event.after)
    if isinstance(state, MENUS) and isinstance(event, Keyed):
        return event.keys[:1] == KEY and not is_left_over(state.form, KEY, event.after)
    return isinstance(state, Waiting) and event.keys[:1] == KEY


def asked(state: State) -> Step:
    """The menu of languages, from a state that is gone back to afterwards."""
    return _menu(replace(_held_from(state), form=replace(state.form, ever_keyed=True)))


def at_choosing(state: ChoosingLanguage, event: Keyed | Silence) -> Step:
    """A digit chooses, `*` hears the menu again, 0 is a person; quiet goes on in the language spoken before."""
    form = state.form
    if isinstance(event, Silence):
        return _again(state)
    key = event.keys[:1]
    if is_left_over(form, key, event.after):
        return _menu(replace(state, form=stray(form)))
    offered = dict(zip("123456789", _offered(form), strict=False))
    if key in offered:
        locale = offered[key]
        after, actions = _again(replace(state, form=replace(form, locale=locale)))
        after, actions = items.say_first((after, actions), say("language.chosen"))
        return after, (KeepLanguage(locale), *actions)
    if key == "0" and state.back in _AT_THE_ID:
        return items.show_way_on(form, Reason.ASKED)
    if state.tries + 1 >= TRIES:
        return _again(state)
    return _menu(replace(state, tries=state.tries + 1))


def again(state: State) -> Step:
    """The item that is asked in this state, once more: any that is asked for by its own words."""
    return _menu(state) if isinstance(state, ChoosingLanguage) else _again(_held_from(state))


def _held_from(state: State) -> ChoosingLanguage:
    held = {name: getattr(state, name) for name in _HELD if hasattr(state, name)}
    return ChoosingLanguage(state.form, type(state).__name__, **held)


def _menu(state: ChoosingLanguage) -> Step:
    offers = (Say("language.offer", (("key", key),), locale) for key, locale in enumerate(_offered(state.form), 1))
    return state, (items.menu(tuple(offers)),)


def _offered(form: Form) -> tuple[str, ...]:
    """The other languages, as many as there are keys."""
    return form.other_languages[: MOST - 1]


def _again(state: ChoosingLanguage) -> Step:
    """The item that the call was at, asked once more."""
    form, reason = state.form, state.reason
    match state.back:
        case Opening.__name__:
            return items.ask_opening(form, say("opening.short"))
        case AskingGroup.__name__:
            return items.ask_group(form, say("group.next", group=form.next_group or 1))
        case AskingCase.__name__:
            return items.ask_case(form, say("case.ask"))
        case ConfirmingGroup.__name__:
            assert state.candidate is not None  # it was confirmed
            return repairing.offer(form, state.candidate)
        case WayOn.__name__:
            return items.repeat_way_on(form, reason)
        case Waiting.__name__:
            return Waiting(form, reason, 0), (Wait(()),)  # the next round says the place
        case _:
            return _number_again(state) or asking_more.again(_wish(state))


def _number_again(state: ChoosingLanguage) -> Step | None:
    """A number to call back or to text, keyed or to be confirmed; None where the call was at none."""
    form, reading, reason = state.form, state.reading, state.reason
    match state.back:
        case AskingNumber.__name__:
            return items.ask_number(form, reason, say("number.ask"))
        case ConfirmingNumber.__name__:
            return items.confirm_number(form, reason, say("number.confirm"))
        case AskingMobile.__name__:
            return items.ask_mobile(form, reading, reason, say("mobile.ask"))
        case ConfirmingMobile.__name__:
            return items.confirm_mobile(form, reading, reason, say("number.confirm"))
        case _:
            return None


def _wish(state: ChoosingLanguage) -> ConfirmingAmount | AskingWhy | AskingHow | AskingToldAt | ConfirmingToldAt:
    """One of the items of a request for more, as it was."""
    form, amount, why = state.form, state.amount, state.why
    match state.back:
        case ConfirmingAmount.__name__:
            return ConfirmingAmount(form, amount)
        case AskingWhy.__name__:
            return AskingWhy(form, amount)
        case AskingHow.__name__:
            return AskingHow(form, amount, why)
        case AskingToldAt.__name__:
            return AskingToldAt(form, amount, why)
        case _:
            return ConfirmingToldAt(form, amount, why)
