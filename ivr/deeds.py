"""What a turn does to cases and the ledger, on whatever channel it came.

Rule: no channel is a softer door. A call and a text ask here, with one throttle against guessing and one ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ivr import call_backs, caller_locales, cases, guesses
from ivr.cases import Case, Kept
from ivr.events import Approved, Refused, Weighed
from ivr.guesses import Guesser, GuessKind, Hindrance
from ivr.lines import Line
from ivr.second_look import Door, through
from ivr.sightings import Attempt
from ivr.signs import Part, Seen
from ivr.signs import weigh as weigh_signs
from ivr.weighing import decoded, genuine_among
from keys import ledger
from keys.installation_id import InstallationID
from keys.ledger import Activated
from keys.refusals import Refusal
from keys.repair import Candidate
from keys.secrets_file import Secrets

THE_LINE = "the line"
"""Who did what nobody at the desk did."""
_GUESSED = frozenset({Refusal.PROOF_WRONG, Refusal.KEY_UNKNOWN, Refusal.PRODUCT_UNKNOWN})


@dataclass(frozen=True, slots=True)
class Turn:
    """What the deeds of one turn work with.

    `channel` is the ledger's word for the way it came, `sid` the provider's id of the call or text, `caller` the
    pseudonym of who came (None for a withheld number), `country` that of their number, `locale` the language they are
    answered in, `prefix` the pseudonym that they share with their neighbours. `below(n)` gives a random number under n.
    """

    connection: Connection
    secrets: Secrets
    channel: str
    sid: str
    caller: str | None
    line: Line
    now: datetime
    below: Callable[[int], int]
    country: str | None = None
    locale: str | None = None
    prefix: str | None = None

    @property
    def guesser(self) -> Guesser:
        """As whom a wrong try of this turn is counted."""
        return Guesser(self.caller, self.prefix, self.sid)


def keep_groups(turn: Turn, case_id: int | None, layout: int | None, groups: tuple[str, ...]) -> int:
    """Save groups in the case and give its row id; `layout` is the number of their format.

    Without a case one is opened, and so it is for another ID after an activation: that is another installation.
    """
    if case_id is not None and (not groups or cases.keep_groups(turn.connection, case_id, layout, groups, turn.now)):
        return case_id
    return cases.open_case(
        turn.connection,
        line=turn.line.number,
        caller=turn.caller,
        layout=layout,
        groups=groups,
        now=turn.now,
        below=turn.below,
        country=turn.country,
        locale=turn.locale,
    ).id


def keep_language(turn: Turn, case_id: int | None, locale: str) -> None:
    """The caller has chosen a language: it is kept for them, and for the case."""
    if turn.caller is not None:
        caller_locales.keep(turn.connection, turn.caller, locale, turn.now)
    if case_id is not None:
        cases.speak(turn.connection, case_id, locale)


def find_case(turn: Turn, number: str) -> Case | None:
    """Look a case up for a caller who has not guessed too often."""
    return guesses.tried(
        turn.connection, GuessKind.CASE, turn.guesser, lambda: cases.find(turn.connection, number), turn.now
    )


def weigh(turn: Turn, candidates: tuple[Candidate, ...]) -> Weighed:
    """Which candidates of a repair have a right proof. None at all is one wrong try, however many there were."""
    if guesses.hindrance(turn.connection, turn.guesser, turn.now) is not None:
        return Weighed(())
    genuine = genuine_among(candidates, turn.secrets)
    if not genuine:
        # What came names no key for certain, so none is flagged by it.
        _wrong_proof(turn)
    return Weighed(genuine)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an activation was asked for with, and the answer: the case as it was before, and the ID that was keyed."""

    case: Case
    iid: InstallationID | None
    done: Activated | ledger.Refused


def activate(turn: Turn, case_id: int | None, kept: Kept) -> Asked:
    """Take one activation for a complete installation ID and spend it: its answer goes out with this very turn.

    The groups are kept, as `keep_groups` keeps them, and with all else that is written in the case.
    """
    case = cases.lock(turn.connection, case_id) if case_id is not None else None
    if case is None or not case.takes(kept.groups):
        case = cases.read(turn.connection, keep_groups(turn, None, kept.layout, kept.groups))
    iid = decoded(kept.groups)
    done = _spend(turn, case.id, iid, kept)
    if isinstance(done, Activated):
        call_backs.keep(turn.connection, case.id, by=THE_LINE, now=turn.now)
    else:
        cases.keep_groups(turn.connection, case.id, kept.layout, kept.groups, turn.now)
    return Asked(case, iid, done)


def _spend(turn: Turn, case_id: int, iid: InstallationID | None, kept: Kept) -> Activated | ledger.Refused:
    hindrance = guesses.hindrance(turn.connection, turn.guesser, turn.now)
    if hindrance is not None:
        return _not_now(turn, case_id, hindrance)
    known = ledger.identify(iid, turn.secrets) if iid is not None else ledger.Refused(Refusal.PROOF_WRONG)
    done: Activated | ledger.Refused
    if iid is None or isinstance(known, ledger.Refused):
        assert isinstance(known, ledger.Refused)  # without an ID it was refused above
        done = known
    else:
        claim = ledger.Claim(iid, known.generation, turn.channel, turn.sid, str(case_id))
        attempt = Attempt(turn.caller, turn.country, turn.channel, iid)
        door = Door(attempt, iid, case_id, turn.line, turn.now, kept)
        done = through(turn.connection, door, lambda: ledger.reserve_and_post(turn.connection, claim, now=turn.now))
    if isinstance(done, ledger.Refused) and done.refusal in _GUESSED:
        _wrong_proof(turn, iid)
    return done


def as_heard(done: Activated | ledger.Refused) -> Approved | Refused:
    """What the ledger answered, as a dialogue hears it."""
    if isinstance(done, Activated):
        return Approved(done.reservation.blocks, again=done.replay)
    return Refused(done.refusal)


def _wrong_proof(turn: Turn, iid: InstallationID | None = None) -> None:
    """Count a wrong proof, and flag the key that it named, if it named one."""
    guesses.note(
        turn.connection,
        GuessKind.PROOF,
        caller=turn.caller,
        prefix=turn.prefix,
        call_sid=turn.sid,
        now=turn.now,
        product=iid.product if iid else None,
        serial=iid.serial if iid else None,
    )


def _not_now(turn: Turn, case_id: int, hindrance: Hindrance) -> ledger.Refused:
    """Who guesses waits. Who is held for the neighbours' guesses gets a person, who sees why."""
    if hindrance.own:
        return ledger.Refused(Refusal.TOO_MANY_TRIES)
    seen = [Seen(turn.now)] * hindrance.tries
    cases.scored(turn.connection, case_id, weigh_signs({Part.NEIGHBOURS: seen}, turn.now))
    return ledger.Refused(Refusal.HELD_FOR_REVIEW)
