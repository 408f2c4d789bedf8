"""The one turn function: from what a caller did to what the caller hears, in one transaction.

Rule: everything a turn does stands or falls together. A confirmation ID is rendered only after the transaction that
posted it has been committed, and a turn that is brought twice is taken once and answered alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from ivr import call_backs, call_texts, caller_locales, calls, cases, deeds, notices, queue, waiting_room, wishes
from ivr.actions import (
    Action,
    AskForMore,
    CheckAgreement,
    Deed,
    Enqueue,
    FindCase,
    HangUp,
    HoldNumber,
    Join,
    KeepGroups,
    KeepLanguage,
    LeaveCase,
    LeaveQueue,
    Listen,
    NeedPerson,
    Question,
    ReadBack,
    Reserve,
    StopWaiting,
    Wait,
    Weigh,
    WishCallBack,
    WriteText,
)
from ivr.answer import Answer, Known, answer
from ivr.callers import Caller, seal
from ivr.calls import Call
from ivr.cases import Kept
from ivr.deeds import Turn
from ivr.dialogue import step
from ivr.dropped import dropped_case
from ivr.events import Approved, CallStarted, CaseFound, CaseUnknown, Event, HungUp, Keyed, Refused, Silence
from ivr.languages import greeting
from ivr.lines import Line, TextLimits
from ivr.resuming import can_resume
from ivr.saying import meant
from ivr.states import State, Talking, Waiting, Weighing
from ivr.wishes import Asker
from ivr.written import write
from keys import ledger
from keys.ledger import Activated
from keys.secrets_file import Secrets

CHANNEL = "phone"


@dataclass(frozen=True, slots=True)
class Knock:
    """One request of the provider: which call, from whom, on which line, and what the caller did.

    `caller` is asked only where the call begins: to recognise a number and seal it costs a tenth of a turn.
    `turn` is the number our action URL carried, None for the first request of a call (or its fallback); `keys` is empty
    where nothing was gathered; `at` is the block that was being read; `limits` bound the texts a call may ask for.
    `said` gives the meaning of what was said, in a language; None where nothing was.
    """

    call_sid: str
    caller: Callable[[], Caller | None]
    line: Line
    turn: int | None
    keys: str
    at: int | None
    limits: TextLimits = field(default_factory=TextLimits)
    said: Callable[[str], str] | None = None


def take_turn(
    connection: Connection, secrets: Secrets, knock: Knock, *, now: datetime, below: Callable[[int], int]
) -> Answer:
    """Take one turn on an open transaction, which the caller of this function commits before the answer is spoken.

    A call we do not know begins; a turn that is not the call's next gets the stored reply again. `below(n)` gives a
    random number under n. Raises keys.unavailable.DatabaseUnavailable, and whatever is a bug of ours.
    """
    call, said = calls.lock(connection, knock.call_sid), None
    known: dict[int, Known] = {}
    if call is None:
        call = _begin(connection, secrets, knock, now) or calls.lock(connection, knock.call_sid)
        assert call is not None  # whoever was first has committed by now
    elif knock.turn == call.turn and call.ended_at is None:
        after = max((now - call.replied_at).total_seconds(), 0.0)
        failed = call_texts.failed(connection, call)
        by = call.caller
        named, country, prefix = (by.pseudonym, by.country, by.prefix) if by else (None, None, None)
        locale = call.state.form.locale or knock.line.locale
        turn = Turn(connection, secrets, CHANNEL, call.sid, named, knock.line, now, below, country, locale, prefix)
        event: Event
        if isinstance(call.state, Waiting | Talking):
            event = waiting_room.look(turn, call.case_id, knock.keys, text_failed=failed)
        elif knock.said is not None and not knock.keys:
            event = meant(call.state, knock.said(locale), after, knock.at, failed)
        else:
            event = Keyed(knock.keys, after, knock.at, failed) if knock.keys else Silence(after, failed)
        said = _go_on(_CallTurn(turn, call, knock, known), event)
        calls.save(connection, call)
    told = answer(connection, secrets, call, known)
    return told if said is None else replace(told, said=said)


def hang_up(connection: Connection, call_sid: str, *, now: datetime) -> bool:
    """The provider says the call is over: end it, and give back what it alone still holds. False if it was over."""
    call = calls.lock(connection, call_sid)
    if call is None or call.ended_at is not None:
        return False
    ledger.void_held(connection, call_sid, now=now, reason="hang-up")
    queue.leave(connection, call_sid, now)
    call.state, _ = step(call.state, HungUp(), country="")
    call.spoken = write(HangUp(()))
    call.turn += 1
    call.replied_at = now
    calls.save(connection, call)
    return True


@dataclass(frozen=True, slots=True)
class _CallTurn:
    """A turn of a call: what its deeds work with, the call, and what the provider brought.

    `known` is what it knows of the cases by id for which it asked the ledger.
    """

    turn: Turn
    call: Call
    knock: Knock
    known: dict[int, Known]


def _begin(connection: Connection, secrets: Secrets, knock: Knock, now: datetime) -> Call | None:
    caller = knock.caller()
    case = dropped_case(connection, caller.pseudonym if caller else None, now)
    if case is not None and not can_resume(case.format, case.groups):
        case = None
    texts = call_texts.texts_of(caller, knock.line, secrets)
    resumed = (case.format, case.groups) if case else (None, ())
    spoken = knock.line.locales
    kept = caller_locales.kept(connection, caller.known_as, now) if caller and knock.line.choice else None
    started = CallStarted(
        caller is None,
        *resumed,
        texts=texts,
        desk=waiting_room.is_open(knock.line, now),
        blocked=notices.is_blocked(connection, caller.known_as if caller else (), now),
        notice=notices.current(connection, knock.line.number) or "",
        locale=greeting(spoken, kept, caller.country if caller else None),
        languages=knock.line.choice,
        chosen=kept in spoken,
        speech=knock.line.speech,
    )
    state, actions = step(None, started, country=knock.line.country)
    said = next(action for action in actions if isinstance(action, Listen | HangUp))
    call = Call(
        sid=knock.call_sid,
        line=knock.line.number,
        caller=caller,
        turn=1,
        state=state,
        spoken=write(said),
        replied_at=now,
        case_id=case.id if case else None,
        held=None,
        ended_at=None,
    )
    return call if calls.begin(connection, call) else None


def _go_on(at: _CallTurn, event: Event) -> Approved | Refused | None:
    """Step until something is to be spoken: a question to the ledger or the cases is answered on the spot.

    What the ledger answered, if it was asked, is handed back.
    """
    call, said = at.call, None
    while True:
        call.state, actions = step(call.state, event, country=at.knock.line.country)
        question: Question | None = None
        for action in actions:
            question = _do(at, action) or question
        if question is None:
            break
        event = _ask(at, question, call.state)
        said = event if isinstance(event, Approved | Refused) else said
    call.turn += 1
    call.replied_at = at.turn.now
    return said


def _do(at: _CallTurn, action: Action) -> Question | None:
    """Carry out one action; a question is handed back, to be asked when the deeds before it are done."""
    match action:
        case Listen() | ReadBack() | Wait() | Join() | HangUp():
            at.call.spoken = write(action)
        case Reserve() | Weigh() | FindCase() | WriteText() | CheckAgreement() | AskForMore() | Enqueue():
            return action
        case _:
            _deed(at, action)
    return None


def _deed(at: _CallTurn, deed: Deed) -> None:
    turn, call = at.turn, at.call
    match deed:
        case KeepGroups():
            form = call.state.form
            call.case_id = deeds.keep_groups(turn, call.case_id, form.format, form.groups)
        case LeaveCase():
            call.case_id = None
        case NeedPerson(reason):
            assert call.case_id is not None  # KeepGroups goes before
            cases.needs_person(turn.connection, call.case_id, reason, turn.now)
        case LeaveQueue():
            queue.leave(turn.connection, call.sid, turn.now)
        case StopWaiting():
            waiting_room.stop(turn, call.case_id)
        case KeepLanguage(locale):
            deeds.keep_language(turn, call.case_id, locale)
        case HoldNumber(number):
            call.held = seal(number, turn.secrets.number_key)
        case WishCallBack(held):
            sealed = _number(call, held=held)
            hours = at.knock.line.call_back_hours
            wish = call_backs.Wish(call.sid, call.case_id, call.line, sealed, turn.now, hours)
            call_backs.note(turn.connection, wish)


def _number(call: Call, *, held: bool) -> str:
    """The sealed number that was keyed in the call, or else the caller's own; the dialogue asks where there is one."""
    sealed = call.held if held else call.caller.sealed if call.caller else None
    assert sealed is not None
    return sealed


def _ask(at: _CallTurn, question: Question, state: State) -> Event:
    turn, call = at.turn, at.call
    if isinstance(question, FindCase):
        case = deeds.find_case(turn, question.number)
        if case is None:
            return CaseUnknown()
        call.case_id = case.id
        return CaseFound(case.format, case.groups)
    if isinstance(question, Enqueue):
        return waiting_room.enter(turn, call.case_id, question.reason)
    if isinstance(question, CheckAgreement):
        return wishes.check_keyed(turn, call.case_id, question.keys)
    if isinstance(question, AskForMore):
        sealed = _number(call, held=question.held)
        return wishes.ask(turn, call.case_id, Asker(sealed, question.by_text, question.reason), question.amount)
    if isinstance(question, WriteText):
        return call_texts.write(turn, call, at.knock.limits, held=question.held)
    if isinstance(state, Weighing):
        return deeds.weigh(turn, state.candidates)
    # What is read after an activation keeps others from its key's counter for a trip more: the case is read before.
    asked = deeds.activate(turn, call.case_id, Kept(state.form.format, state.form.groups))
    call.case_id, done = asked.case.id, asked.done
    at.known[call.case_id] = Known(asked.case, asked.iid, done.reservation if isinstance(done, Activated) else None)
    return deeds.as_heard(done)
