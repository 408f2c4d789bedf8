"""Who guesses, on the page of signs: how often, since when, until when they wait, and the way to let them try again.

Rule: it shows pseudonyms and names of tokens, never a number; and who let whom try again, and why, is an entry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Blueprint, Response, abort, request, url_for
from sqlalchemy import Connection

from ivr import desk_entries, guessers, tokens
from ivr.desk_entries import DeskEntry, Kind
from ivr.guessers import GuesserKind, Guessing
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


def rows(connection: Connection) -> list[Row]:
    """Everybody who guesses just now, those who wait first."""
    found = guessers.at_work(connection, here().now())
    names = tokens.named(connection, [each.token for each in found if each.token is not None])
    return [Row(each, _name(each, names)) for each in found]


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
        found = next((row for row in rows(connection) if row.seen.who == whose), None)
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


def _name(seen: Guessing, names: dict[int, str]) -> str:
    if seen.kind is GuesserKind.TOKEN:
        return names.get(seen.token or 0, seen.who)
    return seen.who[:SHOWN]
