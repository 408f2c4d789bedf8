"""What a call or a text does when more activations are asked for: the agreement checked, the request written down.

Rule: the product key is the one that a genuine installation ID has proven, and its agreement's number has to be known:
a wrong one is a wrong guess like any other, and sounds like an agreement that there is not. A person decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select

from ivr import askers, cases, desk_entries, grant_requests, guesses, queue
from ivr.agreed import Fit, Wanted, keyed_right, read_wish
from ivr.askers import ToldBy
from ivr.callers import pseudonym, unseal
from ivr.deeds import Turn
from ivr.desk_entries import DeskEntry, Kind
from ivr.events import AgreementRight, AgreementWrong, Asked, NotAsked, WishImpossible, WishRead
from ivr.grant_requests import Wish
from ivr.guesses import GuessKind
from ivr.textable import takes_texts
from ivr.weighing import decoded
from keys import issue, ledger
from keys.issue import IssuedKey

CALLER = "a caller"
"""Who stands in the entry of a request: never a number or a pseudonym."""
BY_TEXT = "asked for by text"
"""What stands as the reason in request and ledger where a texter gave one in their own words, which are kept apart."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the sealed number the answer goes to, by text if that is wished; why, and in whose own words if any."""

    number_sealed: str = field(repr=False)
    by_text: bool
    reason: str
    words: str = ""


def check_keyed(turn: Turn, case_id: int | None, keys: str) -> AgreementRight | AgreementWrong | NotAsked:
    """Hold keyed digits against the agreement of the case's key; who has asked too often is told so after that."""
    key = _key(turn, case_id)
    if key is None or not _fits(turn, keyed_right(keys, key.agreement)):
        return AgreementWrong()
    assert case_id is not None  # it has a key
    return _not_now(turn, key, case_id, turn.caller) or AgreementRight()


def read_texted(turn: Turn, case_id: int | None, said: str, before: Wanted) -> WishRead | WishImpossible | NotAsked:
    """What a texted wish says, as far as it was missing; a wrong agreement's number is a wrong guess."""
    key = _key(turn, case_id)
    if key is None:
        return WishImpossible()
    wanted = read_wish(said, key.agreement, before)
    named_now = wanted.agreement is not Fit.MISSING and before.agreement is not Fit.RIGHT
    if named_now and not _fits(turn, wanted.agreement is Fit.RIGHT):
        wanted = Wanted(wanted.amount, Fit.WRONG)
    if wanted.agreement is not Fit.RIGHT:
        return WishRead(wanted)
    assert case_id is not None  # it has a key
    return _not_now(turn, key, case_id, turn.caller) or WishRead(wanted)


def ask(turn: Turn, case_id: int | None, asker: Asker, amount: int) -> Asked | NotAsked:
    """Write the request down: the desk sees it at once, and whoever asked is told what comes of it."""
    key = _key(turn, case_id)
    if case_id is None or key is None:  # an operator has changed the case since the agreement was checked
        return NotAsked(already=False)
    number = unseal(asker.number_sealed, turn.secrets.number_key)
    caller = pseudonym(number, turn.secrets.pepper)
    # Whoever asks for the same key at this moment waits, so that both are counted.
    keys = issue.product_keys
    turn.connection.execute(select(keys.c.id).where(keys.c.id == key.id).with_for_update(key_share=True))
    refused = _not_now(turn, key, case_id, caller)
    if refused is not None:
        return refused
    by_text = asker.by_text and takes_texts(number, turn.line.texts_go_to)
    wish = Wish(key.id, key.agreement, amount, asker.reason, case_id)
    request_id = grant_requests.ask_for_caller(turn.connection, wish, turn.channel, turn.now)
    told_by = ToldBy.TEXT if by_text else ToldBy.CALL_BACK
    line, sid = turn.line.number, turn.sid
    whoever = askers.Asker(caller, asker.number_sealed, line, sid, told_by, asker.words)
    askers.note(turn.connection, request_id, whoever, turn.now)
    facts = {"amount": amount, "key": key.last_five, "channel": turn.channel}
    entry = DeskEntry(
        turn.now, CALLER, Kind.GRANT_ASKED, case_id=case_id, key_id=key.id, reason=asker.reason, details=facts
    )
    desk_entries.append(turn.connection, entry)
    queue.note(turn.connection, Kind.GRANT_ASKED, turn.now, case_id=case_id)
    return Asked(by_text)


def _key(turn: Turn, case_id: int | None) -> IssuedKey | None:
    """The key that the ID of a case was made with; None where no genuine ID names one."""
    if case_id is None:
        return None
    case = cases.read(turn.connection, case_id)
    iid = decoded(case.groups)
    if iid is None or isinstance(ledger.identify(iid, turn.secrets), ledger.Refused):
        return None
    return issue.show(turn.connection, iid.product, iid.serial)


def _fits(turn: Turn, right: bool) -> bool:
    """Whether a right number counts just now: not for whoever has guessed too often. A wrong one is written down."""
    found = guesses.tried(turn.connection, GuessKind.AGREEMENT, turn.guesser, lambda: right or None, turn.now)
    return found is not None


def _not_now(turn: Turn, key: IssuedKey, case_id: int, caller: str | None) -> NotAsked | None:
    """Why nothing more may be asked for just now."""
    if askers.waits(turn.connection, key.id, case_id, caller):
        return NotAsked(already=True)
    return NotAsked(already=False) if askers.too_many(turn.connection, key.id, caller, turn.now) else None
