"""Texts that a call asks for: whether its caller can have any, the text itself, and whether it arrived.

Rule: a text goes to the number that calls, or to the one number that a caller has keyed for the case and said yes to.
"""

from __future__ import annotations

from sqlalchemy import Connection

from ivr import consents, outbox
from ivr.actions import say
from ivr.callers import Caller, pseudonym, unseal
from ivr.calls import Call
from ivr.deeds import Turn
from ivr.events import Event, TextRefused, TextWritten
from ivr.lines import Line, TextLimits
from ivr.outbox import TextState
from ivr.states import Texting
from ivr.textable import Texts, takes_texts
from keys.secrets_file import Secrets


def texts_of(caller: Caller | None, line: Line, secrets: Secrets) -> Texts:
    """Whether this caller can be texted: at the number that calls, or at one to be keyed."""
    if line.text_sender is None:
        return Texts.NONE
    own = caller is not None and takes_texts(unseal(caller.sealed, secrets.number_key), line.texts_go_to)
    return Texts.OWN if own else Texts.KEYED


def failed(connection: Connection, call: Call) -> bool:
    """Whether a text that this call asked for cannot arrive, and the caller does not know it yet."""
    form = call.state.form
    if form.text_failed or not (form.cid_texted or form.case_texted):
        return False
    return outbox.fate(connection, call.sid) in {TextState.FAILED, TextState.UNDELIVERED}


def write(turn: Turn, call: Call, limits: TextLimits, *, held: bool) -> Event:
    """Text the caller what the call is about: the confirmation ID if it is being read, else the case."""
    sealed = call.held if held else call.caller.sealed if call.caller else None
    assert sealed is not None  # a text is offered to a known number, or to one that was keyed
    assert call.case_id is not None  # and about a case
    number = unseal(sealed, turn.secrets.number_key)
    if held and not consents.give(
        turn.connection, call.case_id, call.sid, Caller(pseudonym(number, turn.secrets.pepper), sealed), turn.now
    ):
        return TextRefused()
    read = isinstance(call.state, Texting) and call.state.reading is not None
    words = (say("text.approved" if read else "text.case_from_call"),)
    draft = outbox.Draft(turn.line, number, words, call.case_id, call_sid=call.sid, doubtful=True)
    refused = outbox.write(turn.connection, turn.secrets, draft, limits, now=turn.now)
    return TextWritten() if refused is None else TextRefused()
