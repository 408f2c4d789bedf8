"""What a request of a token does to the ledger, with many installations or one, over the same throttle as any caller.

Rule: a token activates with its own organisation's keys. Another's key, one that was never issued and a wrong proof are
one and the same answer, reached by the same steps, and each is a wrong try.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import randbelow

from sqlalchemy import Connection

from ivr import desk_entries, grant_requests, guesses, online_reviews, queue, second_look, sightings
from ivr.desk_entries import DeskEntry, Kind
from ivr.grant_requests import Wish
from ivr.guesses import FREE_OF_TOKEN, Budget, GuessKind
from ivr.lines import Lines
from ivr.online_reviews import Program
from ivr.sightings import Attempt
from ivr.signs import Score
from ivr.tokens import Token
from keys import belonging, ledger, ledger_many, returning
from keys.belonging import OwnKey
from keys.installation_id import InstallationID
from keys.ledger import Activated, Claim, Refused
from keys.refusals import Refusal
from keys.returning import By, GivenBack, ReturnFault
from keys.secrets_file import Secrets

_UNKNOWN = Refused(Refusal.KEY_UNKNOWN)
_HELD = Refused(Refusal.HELD_FOR_REVIEW)
_WAIT = Refused(Refusal.TOO_MANY_TRIES)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, with which request, on which of the ledger's channels."""

    connection: Connection
    secrets: Secrets
    token: Token
    channel: str
    request_id: str
    now: datetime
    lines: Lines
    below: Callable[[int], int] = randbelow


def wrong_tries(connection: Connection, token: Token, now: datetime) -> Budget:
    """How many more wrong tries a token has just now."""
    return guesses.budget(connection, guesses.of_token(token.id), now, FREE_OF_TOKEN)


def activate(asking: Asking, iids: Sequence[InstallationID]) -> list[Activated | Refused]:
    """Spend one activation on each installation, in order; one that was activated before is answered from what stands.

    At most `ledger_many.CHUNK` of them, in the caller's transaction. Raises DatabaseUnavailable.
    Once the wrong tries are used up, the rest is refused with TOO_MANY_TRIES without being looked at.
    """
    tries = wrong_tries(asking.connection, asking.token, asking.now).tries
    owners = belonging.organisations_of(asking.connection, [(iid.product, iid.serial) for iid in iids])
    judged: list[Claim | Refused] = []
    for iid in iids:
        judged.append(_WAIT if tries == 0 else _judge(asking, iid, owners.get((iid.product, iid.serial))))
        tries -= judged[-1] is _UNKNOWN
    spent = iter(_spend(asking, [each for each in judged if isinstance(each, Claim)]))
    return [next(spent) if isinstance(each, Claim) else each for each in judged]


def _judge(asking: Asking, iid: InstallationID, owner: int | None) -> Claim | Refused:
    """The claim of an installation that this token may ask for; else the refusal, written down where it was a try."""
    known = ledger.identify(iid, asking.secrets)
    own = owner == asking.token.organisation_id
    if isinstance(known, ledger.Genuine) and (own or owner is None):
        # A sound proof on a serial that was never issued is for the ledger to hear of: it raises the alarm.
        return Claim(iid, known.generation, asking.channel, asking.request_id, actor=asking.token.name)
    if isinstance(known, Refused) and known.refusal is Refusal.PRODUCT_UNKNOWN:
        return known
    _note(asking, iid, GuessKind.FOREIGN if isinstance(known, ledger.Genuine) else GuessKind.PROOF)
    return _UNKNOWN


def _note(asking: Asking, iid: InstallationID, kind: GuessKind) -> None:
    guesses.note(
        asking.connection,
        kind,
        caller=guesses.of_token(asking.token.id),
        call_sid=asking.request_id,
        now=asking.now,
        product=iid.product,
        serial=iid.serial,
    )


def give_back(asking: Asking, iid: InstallationID, code: str) -> GivenBack | ReturnFault | Refusal:
    """Return an activation of the token's organisation with the code that its machine showed.

    A Refusal where the token has to wait, or no key of its organisation made the ID. Raises InvalidReturnCode for a
    text that is no code, and DatabaseUnavailable.
    """
    if wrong_tries(asking.connection, asking.token, asking.now).tries == 0:
        return Refusal.TOO_MANY_TRIES
    owner = belonging.organisations_of(asking.connection, [(iid.product, iid.serial)]).get((iid.product, iid.serial))
    judged = _judge(asking, iid, owner)
    if isinstance(judged, Refused):
        return judged.refusal
    by = By(asking.token.name, channel=asking.channel, holder=asking.request_id)
    done = returning.give_back(asking.connection, asking.secrets, iid, code, by=by, now=asking.now)
    if done is ReturnFault.KEY_UNKNOWN:
        _note(asking, iid, GuessKind.PROOF)
    elif done is ReturnFault.RETURN_CODE_WRONG:
        _note(asking, iid, GuessKind.RETURN)
    return done


def _spend(asking: Asking, claims: Sequence[Claim]) -> list[Activated | Refused]:
    """Spend what nothing speaks against so much that a person looks first; the outcome of each claim, in order."""
    scores = _scores(asking, claims)
    held = _held(asking, scores)
    spent = iter(_from_the_ledger(asking, [claim for claim in claims if claim.iid not in held]))
    done = [_HELD if claim.iid in held else next(spent) for claim in claims]
    _sighted(asking, claims, done, scores)
    return done


def _scores(asking: Asking, claims: Sequence[Claim]) -> dict[InstallationID, Score]:
    iids = [claim.iid for claim in claims]
    return sightings.look_at_many(asking.connection, guesses.of_token(asking.token.id), iids, asking.now)


def _held(asking: Asking, scores: Mapping[InstallationID, Score]) -> set[InstallationID]:
    """Block where the strictest line says so, and hold what a person is to look at."""
    line = asking.lines.strictest
    blocked: set[tuple[int, int]] = set()
    for iid, score in scores.items():
        if second_look.is_at(score, line.blocked_at) and (iid.product, iid.serial) not in blocked:
            blocked.add((iid.product, iid.serial))
            second_look.block(asking.connection, iid, score, asking.now)
    program = Program(asking.token.organisation_id, asking.channel, asking.request_id, line, asking.below)
    left = ((iid, score) for iid, score in scores.items() if (iid.product, iid.serial) not in blocked)
    return online_reviews.held(asking.connection, program, left, asking.now)


def _sighted(
    asking: Asking,
    claims: Sequence[Claim],
    done: Sequence[Activated | Refused],
    scores: Mapping[InstallationID, Score],
) -> None:
    """Write down what something spoke against, once a key and request: the desk lists it among the keys to look at."""
    caller, noted = guesses.of_token(asking.token.id), set()
    for claim, each in zip(claims, done, strict=True):
        unknown, key = each == _UNKNOWN, (claim.iid.product, claim.iid.serial)
        if key in noted or not (unknown or scores[claim.iid].points):
            continue
        noted.add(key)
        attempt, score = Attempt(caller, None, asking.channel, claim.iid), scores[claim.iid]
        if unknown:
            score = sightings.look(asking.connection, attempt, asking.now, never_issued=True)
            queue.note(asking.connection, second_look.ALARM, asking.now)
        sightings.note(asking.connection, attempt, second_look.outcome_of(each), score, asking.now)


def _from_the_ledger(asking: Asking, claims: Sequence[Claim]) -> list[Activated | Refused]:
    if not claims:
        return []
    if len(claims) == 1:
        done = [ledger.reserve_and_post(asking.connection, claims[0], now=asking.now)]
    else:
        done = ledger_many.reserve_and_post_many(asking.connection, claims, now=asking.now)
    for claim, each in zip(claims, done, strict=True):
        if each == _UNKNOWN:
            _note(asking, claim.iid, GuessKind.PROOF)
    return done


def ask_for_more(asking: Asking, key: OwnKey, amount: int, reason: str) -> int | None:
    """Ask for a bigger allowance of a key of the token's organisation; an operator sees it at the desk at once.

    The request's id; None where this token waits for an answer about this key already.
    """
    wish = Wish(key.id, key.agreement, amount, reason)
    number = grant_requests.ask(asking.connection, wish, asking.token.id, asking.now)
    if number is not None:
        facts = {"amount": amount, "key": key.last_five, "organisation": asking.token.organisation}
        entry = DeskEntry(asking.now, asking.token.name, Kind.GRANT_ASKED, key_id=key.id, reason=reason, details=facts)
        desk_entries.append(asking.connection, entry)
        queue.note(asking.connection, Kind.GRANT_ASKED, asking.now)
    return number
