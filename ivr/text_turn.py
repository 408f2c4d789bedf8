"""The one text turn: from what came in to what is written into the outbox, in one transaction.

Rule: a text is taken once, by its MessageSid, and whatever it did stands or falls with its answer. Where no answer may
be sent, nothing is spent either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ivr import call_backs, caller_locales, cases, deeds, notices, opt_outs, outbox, threads, waiting_room, wishes
from ivr.actions import (
    AskForMore,
    Enqueue,
    FindCase,
    KeepGroups,
    KeepLanguage,
    LeaveCase,
    NeedPerson,
    ReadWish,
    Reply,
    Reserve,
    Say,
    TextAction,
    TextQuestion,
    Weigh,
    WishCallBack,
)
from ivr.callers import Caller
from ivr.cases import CaseState, Kept
from ivr.deeds import Turn
from ivr.dropped import dropped_case
from ivr.events import Approved, CaseFound, CaseUnknown, Refused
from ivr.languages import greeting
from ivr.lines import Line, TextLimits
from ivr.message import Message, Word, read
from ivr.outbox import Draft, NoText
from ivr.text_states import TextAnswered, TextState, TextWaiting, TextWeighing
from ivr.texting import Texted, TextEvent, begun, step
from ivr.threads import Thread
from ivr.wishes import Asker
from ivr.written import read_text_state, write
from keys.secrets_file import Secrets

CHANNEL = "text"
STALE = timedelta(days=7)
"""After so long a thread begins anew; its case is still found by its number."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One text: the provider's id, who sent it from which number (E.164), to which line, and what it says.

    `opt_out` is the provider's own judgement (STOP, START or HELP), "" where it gives none.
    """

    sid: str
    caller: Caller
    number: str
    line: Line
    body: str
    opt_out: str = ""


def take_text(
    connection: Connection,
    secrets: Secrets,
    incoming: Incoming,
    *,
    words: Vocabulary,
    limits: TextLimits,
    now: datetime,
    below: Callable[[int], int],
) -> Approved | Refused | None:
    """Take one text on an open transaction, which the caller of this function commits; a text taken before is left be.

    `words` are those of the languages that the line speaks. What the ledger answered is handed back, for whoever
    counts: None where it was not asked, or what it gave is taken back. Raises as ivr.turn.take_turn does.
    """
    line, caller = incoming.line.number, incoming.caller
    thread = threads.lock(connection, line, caller, now)
    if not threads.take(connection, thread, incoming.sid, now):
        return None
    spoken = incoming.line.locales
    kept = caller_locales.kept(connection, caller.known_as, now) if incoming.line.choice else None
    thread.locale = greeting(spoken, kept, caller.country)
    message = read(incoming.body, words.in_first(thread.locale), words.languages)
    word = _opting(incoming.opt_out) or message.word
    if word is Word.STOP:
        opt_outs.stop(connection, line, caller, now)
    if word is Word.START:
        opt_outs.lift(connection, line, caller.known_as, now)
    silent = message.nothing or word in {Word.STOP, Word.START, Word.PROVIDER}
    if silent or opt_outs.is_out(connection, line, caller.known_as):
        return None
    if notices.is_blocked(connection, caller.known_as, now):
        return None
    whose = (caller.pseudonym, incoming.line, now, below, caller.country, thread.locale, caller.prefix)
    turn = Turn(connection, secrets, CHANNEL, incoming.sid, *whose)
    return _answer(_TextTurn(turn, thread, incoming, limits), message)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that may be texted to a line, casefolded, by locale; and the names of its languages with theirs."""

    words: Mapping[str, Mapping[str, Word]]
    languages: Mapping[str, str]

    def in_first(self, locale: str) -> Mapping[str, Word]:
        """All words; where one means two things, what it means in `locale`."""
        own = self.words.get(locale, {})
        return {**{word: means for others in self.words.values() for word, means in others.items()}, **own}


@dataclass(frozen=True, slots=True)
class _TextTurn:
    """A turn by text: what its deeds work with, the thread, and what came in."""

    turn: Turn
    thread: Thread
    incoming: Incoming
    limits: TextLimits


def _answer(at: _TextTurn, message: Message) -> Approved | Refused | None:
    """Step until nothing more is asked. Where the answer may not be sent, all that was done for it is taken back."""
    thread, connection = at.thread, at.turn.connection
    case_before = thread.case_id
    savepoint = connection.begin_nested()
    words, said = _go_on(at, Texted(message, at.incoming.line.locales))
    unsent = None if words is None else _write(at, words, thread.case_id)
    if unsent is None:
        savepoint.commit()
        threads.save(connection, thread)
        return said
    savepoint.rollback()
    assert words is not None  # what was not sent had words
    _write(at, words, case_before)  # refused once more, and this time it stays written down
    return None


def _write(at: _TextTurn, words: tuple[Say, ...], case_id: int | None) -> NoText | None:
    incoming = at.incoming
    draft = Draft(incoming.line, incoming.number, words, case_id, answers=incoming.sid, locale=at.thread.locale)
    return outbox.write(at.turn.connection, at.turn.secrets, draft, at.limits, now=at.turn.now)


def _go_on(at: _TextTurn, event: TextEvent) -> tuple[tuple[Say, ...] | None, Approved | Refused | None]:
    """Step, with the cases and the ledger answering; the words to send, None for silence, and the ledger's answer."""
    thread = at.thread
    state = _state_of(at)
    words: tuple[Say, ...] | None = None
    said: Approved | Refused | None = None
    while True:
        state, actions = step(state, event)
        question: TextQuestion | None = None
        for action in actions:
            match action:
                case Reply():
                    words = action.words
                case Reserve() | Weigh() | FindCase() | ReadWish() | AskForMore() | Enqueue():
                    question = action
                case _:
                    _deed(at, state, action)
        if question is None:
            break
        event = _ask(at, question, state)
        said = event if isinstance(event, Approved | Refused) else said
    thread.state, thread.changed_at = write(state), at.turn.now
    return words, said


def _state_of(at: _TextTurn) -> TextState | None:
    """Where the thread is; a new one may go on with the case that this caller was just cut off from in a call."""
    thread = at.thread
    if thread.state and at.turn.now - thread.changed_at < STALE:
        return _as_the_case_stands(at, read_text_state(thread.state))
    case = dropped_case(at.turn.connection, at.turn.caller, at.turn.now)
    thread.case_id = case.id if case is not None else None
    return begun(case.format, case.groups) if case is not None else None


def _as_the_case_stands(at: _TextTurn, state: TextState) -> TextState:
    """The state; where a person had the case meanwhile, with what that person made of it."""
    if not isinstance(state, TextWaiting) or at.thread.case_id is None:
        return state
    case = cases.read(at.turn.connection, at.thread.case_id)
    form = replace(state.form, format=case.format, groups=case.groups)
    return TextAnswered(form) if case.state is CaseState.ACTIVATED else TextWaiting(form)


def _deed(at: _TextTurn, state: TextState, deed: TextAction) -> None:
    turn, thread = at.turn, at.thread
    match deed:
        case KeepGroups():
            thread.case_id = deeds.keep_groups(turn, thread.case_id, state.form.format, state.form.groups)
        case LeaveCase():
            thread.case_id = None
        case NeedPerson(reason):
            assert thread.case_id is not None  # KeepGroups goes before
            cases.needs_person(turn.connection, thread.case_id, reason, turn.now)
        case KeepLanguage(locale):
            thread.locale = locale
            deeds.keep_language(turn, thread.case_id, locale)
        case WishCallBack():
            line = turn.line
            sealed = at.incoming.caller.sealed
            wish = call_backs.Wish(turn.sid, thread.case_id, line.number, sealed, turn.now, line.call_back_hours)
            call_backs.note(turn.connection, wish)


def _ask(at: _TextTurn, question: TextQuestion, state: TextState) -> TextEvent:
    turn, thread = at.turn, at.thread
    if isinstance(question, FindCase):
        case = deeds.find_case(turn, question.number)
        if case is None:
            return CaseUnknown()
        thread.case_id = case.id
        return CaseFound(case.format, case.groups)
    if isinstance(question, ReadWish):
        return wishes.read_texted(turn, thread.case_id, question.said, question.before)
    if isinstance(question, AskForMore):
        asker = Asker(at.incoming.caller.sealed, question.by_text, wishes.BY_TEXT, question.reason)
        return wishes.ask(turn, thread.case_id, asker, question.amount)
    if isinstance(question, Enqueue):
        return waiting_room.enter(turn, thread.case_id, question.reason)
    if isinstance(state, TextWeighing):
        return deeds.weigh(turn, state.candidates)
    asked = deeds.activate(turn, thread.case_id, Kept(state.form.format, state.form.groups))
    thread.case_id = asked.case.id
    return deeds.as_heard(asked.done)


def _opting(given: str) -> Word | None:
    """The provider's own judgement of an opt-out word, which may be one that only it knows."""
    return {"STOP": Word.STOP, "START": Word.START, "HELP": Word.PROVIDER}.get(given)
