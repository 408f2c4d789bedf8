"""Who guesses, on the page of signs: how often, since when, until when they wait, and the way to let them try again.

Rule: it shows pseudonyms and names of tokens, never a number; and who let whom try again, and why, is an entry. A
number may be typed, for whoever rings up and says that they have to wait; it goes no farther than its pseudonyms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, Response, abort, request, url_for
from sqlalchemy import Connection

from ivr import desk_entries, guessers, tokens
from ivr.callers import e164, known_as, prefix_of
from ivr.desk_entries import DeskEntry, Kind
from ivr.guessers import GuesserKind, Guessing
from ivr.guesses import of_token
from ivr.operators import Role
from webhooks.desk import deed_words
from webhooks.desk.guards import done, here, least, say, who
from webhooks.desk.handling import NotDone, written
from webhooks.page_texts import gettext as _

room = Blueprint("guessing", __name__, url_prefix="/desk")

SHOWN = 6
"""Signs of a pseudonym, as on the other pages: enough to tell callers apart."""
_WHO = re.compile(r"[0-9a-f]{32}|token [1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Row:
    """One who guesses, and how they are called here."""

    seen: Guessing
    name: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Who guesses just now, those who wait first, and how many `more` do; or what is counted against those `sought`."""

    rows: tuple[Row, ...]
    more: int = 0
    sought: bool = False


def shown(connection: Connection, whose: Iterable[str]) -> Shown:
    """What is counted against some, named as they are counted, or of nobody in particular who guesses."""
    sought = [each for each in whose if _WHO.fullmatch(each)]
    if sought:
        return Shown(_rows(connection, guessers.counted(connection, sought, here().now())), sought=True)
    found, more = guessers.at_work(connection, here().now())
    return Shown(_rows(connection, found), more)


def named(connection: Connection, typed: str) -> tuple[str, ...]:
    """Who is counted under what was typed, a caller's number or a token's name; empty where it is neither.

    Of a number it is the caller, also as known before the pepper was renewed, and the block of the numbers next to it.
    """
    token = tokens.by_name(connection, typed)
    if token is not None:
        return (of_token(token),)
    number, known = e164(typed, here().lines.all[0].country), here().secrets
    if number is None:
        return ()
    return (*known_as(number, known.pepper, known.peppers_before), prefix_of(number, known.pepper))


@room.post("/guesses/pardon")
@least(Role.SUPERVISOR)
def pardon() -> Response:
    """Let somebody who guessed try again at once; what they tried up to now counts no more."""
    whose, at = request.form.get("who", ""), here().now()
    if not _WHO.fullmatch(whose):
        abort(404)
    why = written(request.form.get("reason", ""), needed=True)
    if isinstance(why, NotDone):
        say(deed_words.not_done(why), problem=True)
        return done(url_for("signs_page.page"))
    with here().database.begin() as connection:
        found = next(iter(shown(connection, [whose]).rows), None)
        if found is not None:
            guessers.pardon(connection, whose, at)
            details = {found.seen.kind.value: found.name, "tries": found.seen.tries}
            entry = DeskEntry(at, who().name, Kind.GUESSES_PARDONED, who().id, reason=why, details=details)
            desk_entries.append(connection, entry)
    if found is None:
        say(_("Nothing is counted against them any more."), problem=True)
    else:
        say(_("They may try again. Wrong tries count anew from now on."))
    return done(url_for("signs_page.page"))


def _rows(connection: Connection, found: list[Guessing]) -> tuple[Row, ...]:
    names = tokens.named(connection, [each.token for each in found if each.token is not None])
    return tuple(Row(each, _name(each, names)) for each in found)


def _name(seen: Guessing, names: dict[int, str]) -> str:
    if seen.kind is GuesserKind.TOKEN:
        return names.get(seen.token or 0, seen.who)
    return seen.who[:SHOWN]
