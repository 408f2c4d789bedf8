"""A text is offered in a call: the confirmation ID at the end of its read-back, the case number to whoever is stuck.

Rule: a text goes to the number that calls, or to one mobile number of the line's own country that the caller has keyed
and said yes to. Whatever becomes of it, the call goes on where it was.
"""

from __future__ import annotations

from dataclasses import replace

from ivr import items
from ivr.actions import HoldNumber, Wait, say
from ivr.entry import after_star
from ivr.events import Event, Keyed, Silence, TextWritten
from ivr.form import Form, Tally
from ivr.items import Step
from ivr.states import AskingMobile, ConfirmingMobile, ReadingBack, Texting, Waiting
from ivr.textable import Texts, dialable, takes_texts
from ivr.tries import is_left_over, stray

MOBILE_TRIES = 3


def wished(form: Form, reading: ReadingBack | None, reason: str) -> Step:
    """The caller wants the text: it is written, or a mobile number is asked for first."""
    form = replace(form, tally=Tally())
    if form.texts is Texts.OWN:
        return items.write_text(form, reading, reason, held=False)
    return items.ask_mobile(form, reading, reason, say("mobile.ask"))


def at_mobile(state: AskingMobile, event: Keyed | Silence, country: str) -> Step:
    """A mobile number of `country` was asked for; no key, or too many tries, goes on without a text."""
    keys = event.keys if isinstance(event, Keyed) else ""
    digits = after_star(keys)
    number = dialable(digits, country) if digits else None
    if number is not None and takes_texts(number, (country,)):
        form = replace(state.form, tally=Tally())
        after, actions = items.confirm_mobile(form, state.reading, state.reason, say("number.confirm"))
        return after, (HoldNumber(number), *actions)
    form = _counted(state.form)
    if not keys or form.tally.no_match >= MOBILE_TRIES:
        return _back(form, state.reading, state.reason)
    return items.ask_mobile(form, state.reading, state.reason, say("mobile.wrong"))


def at_confirming_mobile(state: ConfirmingMobile, event: Keyed | Silence) -> Step:
    """1 is a yes, 2 keys the number again."""
    key = event.keys[:1] if isinstance(event, Keyed) else ""
    if is_left_over(state.form, key, event.after):
        return items.confirm_mobile(stray(state.form), state.reading, state.reason, say("number.confirm"))
    if key == "1":
        return items.write_text(state.form, state.reading, state.reason, held=True)
    form = _counted(state.form)
    if form.tally.no_match >= MOBILE_TRIES:
        return _back(form, state.reading, state.reason)
    if key == "2":
        return items.ask_mobile(form, state.reading, state.reason, say("mobile.ask"))
    return items.confirm_mobile(form, state.reading, state.reason, say("number.confirm"))


def written(state: Texting, event: Event) -> Step:
    """The text is on its way, or may not be sent; either is said, and it is not offered again."""
    sent = isinstance(event, TextWritten)
    form = replace(state.form, tally=Tally())
    form = replace(form, case_texted=True) if state.reading is None else replace(form, cid_texted=True)
    words = say("text_offer.sent" if sent else "text_offer.not_sent")
    return items.say_first(_back(form, state.reading, state.reason), words)


def _back(form: Form, reading: ReadingBack | None, reason: str) -> Step:
    """Where the call was: the menu after the read-back, the queue, or the way on."""
    form = replace(form, tally=Tally())
    if reading is None and form.in_queue:
        return Waiting(form, reason, 0), (Wait(()),)
    if reading is None:
        return items.repeat_way_on(form, reason)
    return items.read_back(replace(reading, form=form), reading.blocks + 1)


def _counted(form: Form) -> Form:
    return replace(form, tally=replace(form.tally, no_match=form.tally.no_match + 1))
