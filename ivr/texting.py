"""The dialogue by text: a pure function from a state and a text to the next state and what is answered and done.

Rule: a text is answered at most once, and chatter once only until something is understood, so that no two machines
keep each other busy. What is sound is kept; only what is wrong or missing is asked for.

>>> from ivr.message import read
>>> from ivr.events import Approved
>>> said = read("Here it is: 300217 156230 143814 105201 518906 275657", {})
>>> state, actions = step(None, Texted(said))
>>> type(state).__name__, [type(action).__name__ for action in actions]
('TextChecking', ['Reserve'])
>>> state, actions = step(state, Approved(blocks=5, again=False))
>>> actions[0].words[0].prompt
'text.approved'
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ivr import text_words, texting_more
from ivr.actions import (
    Enqueue,
    FindCase,
    KeepGroups,
    KeepLanguage,
    LeaveCase,
    NeedPerson,
    Reply,
    Reserve,
    Say,
    TextAction,
    Weigh,
    WishCallBack,
    say,
)
from ivr.events import (
    Approved,
    Asked,
    CaseFound,
    CaseUnknown,
    DeskClosed,
    NotAsked,
    Queued,
    Refused,
    Weighed,
    WishImpossible,
    WishRead,
)
from ivr.form import Reason
from ivr.message import Message, Word
from ivr.placing import Placed, place
from ivr.text_states import (
    TextAnswered,
    TextChecking,
    TextCollecting,
    TextConfirming,
    TextEscalating,
    TextFinding,
    TextForm,
    TextOpening,
    TextReadingWish,
    TextRequesting,
    TextState,
    TextWaiting,
    TextWanting,
    TextWeighing,
)
from keys.groups import check_whole
from keys.refusals import Refusal
from keys.repair import Candidate, candidates, unseen

MOST_WEIGHED = 4
"""The most IDs weighed for one text, as in a call: more would let a guesser try many at once."""


@dataclass(frozen=True, slots=True)
class Texted:
    """A text came in; opt-outs, and words that the provider answers itself, are not among these.

    `languages` are those that the line speaks.
    """

    message: Message
    languages: tuple[str, ...] = ()


_Wished = WishRead | WishImpossible | Asked | NotAsked
TextEvent = Texted | Approved | Refused | Weighed | CaseFound | CaseUnknown | Queued | DeskClosed | _Wished
TextStep = tuple[TextState, tuple[TextAction, ...]]


class UnknownTextStep(RuntimeError):  # noqa: N818 - names what happened; a bug of ours, never the texter's
    """An answer came to a question that was not asked."""


def begun(layout: int | None, groups: tuple[str, ...]) -> TextState:
    """The state of a thread that goes on with a case another channel began (its format's number, and its groups)."""
    form = TextForm(format=layout, groups=groups)
    return TextCollecting(form, form.missing) if any(groups) else TextOpening(TextForm())


def step(state: TextState | None, event: TextEvent) -> TextStep:
    """The next state and the actions; `state` is None for a new thread. Raises UnknownTextStep."""
    if isinstance(event, Texted):
        return _texted(state or TextOpening(TextForm()), event)
    match state, event:
        case TextChecking(form), Approved():
            return TextAnswered(form), (Reply((say("text.approved"),)),)
        case TextChecking(form), Refused(Refusal.HELD_FOR_REVIEW as refusal):
            # Nothing is wrong that the texter could mend, so a person comes to it unasked.
            escalating = TextEscalating(form, (say(f"reason.{refusal}"),))
            return escalating, (KeepGroups(), NeedPerson(refusal), Enqueue(refusal))
        case TextChecking(form), Refused(refusal):
            more = (say("text.more"),) if refusal is Refusal.ALLOWANCE_EXHAUSTED else ()
            words = (say(f"reason.{refusal}"), say("text.case"), *more)
            return TextWaiting(form), (KeepGroups(), NeedPerson(refusal), Reply(words))
        case TextWeighing(), Weighed():
            return _weighed(state, event)
        case TextEscalating(form, first), Queued():
            return TextWaiting(form), (Reply((*first, say("text.queued"))),)
        case TextEscalating(form, first), DeskClosed():
            return _promise(form, first)
        case TextFinding(form, message), CaseFound():
            return _found(form, message, event)
        case TextFinding(form), CaseUnknown():
            form = replace(form, failures=form.failures + 1)
            return _resting(form), (Reply((say("text.case_unknown"), *text_words.person(form))),)
        case ((TextReadingWish() | TextRequesting()), (WishRead() | WishImpossible() | Asked() | NotAsked())):
            return texting_more.answered(state, event)
        case _:
            raise UnknownTextStep(type(state).__name__, type(event).__name__)


def _texted(state: TextState, event: Texted) -> TextStep:
    asks_for_language = event.message.word in {Word.LANGUAGES, Word.LANGUAGE}
    return _language(state, event) if asks_for_language else _heard(state, event.message)


def _language(state: TextState, event: Texted) -> TextStep:
    """One language is chosen, or all are offered, each in its own words."""
    chosen = event.message.locale
    if chosen:
        return _loud(state), (KeepLanguage(chosen), Reply((say("text.language_chosen"), *text_words.where(state))))
    offers = tuple(Say("text.language", locale=locale) for locale in event.languages)
    return _loud(state), (Reply(offers if len(offers) > 1 else (say("text.language_only"),)),)


def _heard(state: TextState, message: Message) -> TextStep:
    match message.word:
        case Word.INSTRUCTIONS:
            return _loud(state), (Reply((say("text.instructions"), *text_words.where(state))),)
        case Word.NEW:
            return TextOpening(TextForm()), (LeaveCase(), Reply((say("text.new"),)))
        case Word.AGENT:
            form = replace(state.form, quiet=False)
            return TextEscalating(form), (KeepGroups(), NeedPerson(Reason.ASKED), Enqueue(Reason.ASKED))
        case Word.STATUS:
            return _status(state)
        case Word.MORE:
            return texting_more.wished(state, message)
        case Word.YES if isinstance(state, TextConfirming):
            return _check(replace(state.form, groups=state.candidate.groups, failures=0))
        case Word.NO if isinstance(state, TextConfirming):
            form = replace(state.form, quiet=False)
            return TextCollecting(form, state.candidate.mended), (Reply(text_words.again(state.candidate.mended)),)
    if message.case_number is not None:
        return TextFinding(replace(state.form, quiet=False), message), (FindCase(message.case_number),)
    if isinstance(state, TextWanting) and texting_more.is_answer(message):
        return texting_more.said(state, message)
    return _digits(state, message)


def _digits(state: TextState, message: Message) -> TextStep:
    """Groups came, or nothing that we understand."""
    # After an activation whatever comes is of another installation, or the same ID once more.
    form = TextForm(promised=state.form.promised) if isinstance(state, TextAnswered) else state.form
    asked = state.asked if isinstance(state, TextCollecting) else ()
    if isinstance(state, TextConfirming):
        asked = state.candidate.mended
    placed = place(message, layout=form.layout, known=form.known, asked=(*asked, *form.unsure))
    if not placed.digits:
        return _chatter(state)
    left: tuple[TextAction, ...] = ()
    if placed.another:
        form, left = TextForm(), (LeaveCase(),)
    news = bool(placed.groups)
    form = form.with_groups(placed.layout, placed.groups, placed.unsure) if news else form
    form = replace(form, quiet=False, failures=0 if news else form.failures + 1)
    after, actions = _collected(form, placed)
    return after, (*left, *actions)


def _collected(form: TextForm, placed: Placed) -> TextStep:
    """What follows from the groups that are in, and those that are wrong or missing."""
    kept: tuple[TextAction, ...] = (KeepGroups(),) if placed.groups else ()
    asked = tuple(sorted({*placed.wrong, *form.missing}))
    if not asked:
        return _whole(form, placed)
    words = (
        *text_words.groups_in(form),
        *text_words.wrong(placed),
        *text_words.missing(form, placed.wrong),
        *text_words.person(form),
    )
    possible = _possible(form, placed)
    if possible:
        return TextWeighing(form, possible, asked, words), (*kept, Weigh())
    return TextCollecting(form, asked), (*kept, Reply(words))


def _possible(form: TextForm, placed: Placed) -> tuple[Candidate, ...]:
    """The whole IDs that one slip turns into what came, if all that is missing is in doubt in this very text."""
    layout = form.layout
    if layout is None or placed.run is None or not set(form.missing) <= set(placed.run.doubted):
        return ()
    possible = candidates(layout, form.known, placed.run)
    return possible if len(possible) <= MOST_WEIGHED else ()


def _whole(form: TextForm, placed: Placed) -> TextStep:
    """Every group is in: the ledger is asked if they make an ID; else what is least sure is asked for again."""
    layout = form.layout
    assert layout is not None  # group 1 is in
    fault = check_whole(layout, form.groups)
    if fault is None:
        return _check(form)
    doubtful = (fault.located[0],) if fault.located is not None else form.unsure
    words = text_words.again(doubtful) if doubtful else (say("text.whole"),)
    asked = doubtful or tuple(range(1, layout.groups + 1))
    # Only what this text brought is ever sent back mended.
    possible = tuple(
        candidate for candidate in unseen(layout, form.groups) if set(candidate.mended) <= placed.groups.keys()
    )
    if 1 <= len(possible) <= MOST_WEIGHED:
        return TextWeighing(form, possible, asked, words), (KeepGroups(), Weigh())
    return TextCollecting(form, asked), (KeepGroups(), Reply((*words, *text_words.person(form))))


def _check(form: TextForm) -> TextStep:
    return TextChecking(form), (Reserve(),)


def _weighed(state: TextWeighing, event: Weighed) -> TextStep:
    """The one genuine ID is offered, its mended groups alone."""
    if len(event.genuine) != 1:
        return TextCollecting(state.form, state.asked), (Reply(state.words),)
    candidate = state.candidates[event.genuine[0]]
    return TextConfirming(state.form, candidate), (Reply(text_words.offer(candidate)),)


def _found(form: TextForm, message: Message, event: CaseFound) -> TextStep:
    """A case was found by its number: go on with it, and with the groups that came along."""
    form = TextForm(format=event.format, groups=event.groups, promised=form.promised)
    if message.runs:
        return _digits(TextCollecting(form, form.missing), message)
    if not form.known:
        return TextOpening(form), (Reply((say("text.case_found"), say("text.new"))),)
    if not form.missing and form.layout is not None:
        return _check(form)
    return TextCollecting(form, form.missing), (Reply((say("text.case_found"), *text_words.missing(form, ()))),)


def _status(state: TextState) -> TextStep:
    """Where it stands: the confirmation ID once more, the groups that are in, or that a person has the case."""
    match state:
        case TextAnswered(form):
            return _check(form)
        case TextWaiting(form):
            return _loud(state), (Reply((say("text.waiting"),)),)
        case TextOpening():
            return _loud(state), (Reply((say("text.instructions"),)),)
        case _:
            return _loud(state), (Reply((*text_words.where(state), say("text.case"))),)


def _promise(form: TextForm, first: tuple[Say, ...]) -> TextStep:
    """A person is wanted and none is there: the case waits and a call-back is promised, once."""
    wish: tuple[TextAction, ...] = () if form.promised else (WishCallBack(held=False),)
    return TextWaiting(replace(form, promised=True)), (*wish, Reply((*first, say("text.agent"))))


def _chatter(state: TextState) -> TextStep:
    """Nothing that we understand: one helpful answer, then silence."""
    if state.form.quiet:
        return state, ()
    where = text_words.where(state)
    words = (say("text.not_understood"), *where) if where else (say("text.instructions"),)
    return replace(state, form=replace(state.form, quiet=True)), (Reply(words),)


def _resting(form: TextForm) -> TextState:
    return TextCollecting(form, form.missing) if form.known else TextOpening(form)


def _loud(state: TextState) -> TextState:
    """The state, with one more answer to chatter allowed: something was understood."""
    return replace(state, form=replace(state.form, quiet=False))
