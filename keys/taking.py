"""One activation claimed, counted and written down, in three statements.

The rule it keeps: claim, counter and entries stand or fall together. A claim for which nothing is left is taken away
again by the transaction that made it, before anybody could see it.

The counter is the hot row of a key, held from its update to the commit: the fewer trips to the server there are in
between, the more activations a key gives a second. Whoever may take the activation for granted makes none at all: all
three go with the commit, and the rules of the tables say whether they hold.
"""

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, insert

from keys import ledger_statements as statements
from keys import terms
from keys.allowance import MOVE, TAKE
from keys.columns import each_bound
from keys.direct import Statement
from keys.entries import entries, row_of
from keys.refusals import Refusal
from keys.reservations import STORED, Claim, Reservation, reservations, stored

_NEW = each_bound(reservations, "new")
_CLAIM = Statement(lambda dialect: statements.claim(dialect).values(_NEW))
_CLAIM_FOR_GRANTED = Statement(insert(reservations))
_TAKE = Statement(TAKE)
_MOVE = Statement(MOVE)
OWN = ("kind", "pending", "posted", "details")
"""In what alone two entries differ that are made of one reservation at once; what they share is sent once."""
_ENTRY = each_bound(entries, "entry")
_NEXT = {name: bindparam(f"next_{name}", type_=entries.c[name].type) for name in OWN}
# What is held makes one entry, what is spent at once two.
_WRITE = {
    1: Statement(insert(entries).values(_ENTRY)),
    2: Statement(insert(entries).values([_ENTRY, _ENTRY | _NEXT])),
}
_STORED = itemgetter(*(column.name for column in STORED))


def claim_and_take(
    connection: Connection, claim: Claim, row: Mapping[str, Any], now: datetime
) -> Reservation | Refusal | None:
    """Make the reservation in `row` (see `keys.terms.fresh_row`), take for it what its basis takes, and enter both.

    ALLOWANCE_EXHAUSTED, and nothing done, where nothing is left; None where another claim of the installation stands.
    """
    claimed = _CLAIM.first(connection, _named("new", row))
    if claimed is None:
        return None
    made = stored(claimed)
    entered, moved = _written(claim, made, now)
    if _TAKE.first(connection, moved) is None:
        connection.execute(statements.TAKE_AWAY, {"the_ids": [made.id]})
        return Refusal.ALLOWANCE_EXHAUSTED
    _WRITE[len(entered)].later(connection, _facts(entered))
    return made


def take_for_granted(connection: Connection, claim: Claim, row: Mapping[str, Any], now: datetime) -> Reservation:
    """The reservation in `row`, here with its id, as it will be made, taken for and entered with what is said next.

    It was free when its maker looked, and there was room. Where that no longer holds, IntegrityError is raised then.
    """
    made = stored(_STORED(row))
    entered, moved = _written(claim, made, now)
    _CLAIM_FOR_GRANTED.later(connection, row)
    _WRITE[len(entered)].later(connection, _facts(entered))
    _MOVE.later(connection, moved)  # the last, since it holds the hot row
    return made


def _written(claim: Claim, made: Reservation, now: datetime) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of the entries, and what they add to the counters of the key."""
    entered = terms.fresh_entries(claim, made, now)
    moved = {
        "the_key": made.key_id,
        "more_pending": sum(entry.pending for entry in entered),
        "more_posted": sum(entry.posted for entry in entered),
    }
    return [row_of(entry) for entry in entered], moved


def _facts(rows: list[dict[str, Any]]) -> dict[str, Any]:
    facts = {_ENTRY[name].key: fact for name, fact in rows[0].items()}
    for row in rows[1:]:
        facts |= {_NEXT[name].key: row[name] for name in OWN}
    return facts


def _named(prefix: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{name}": fact for name, fact in row.items()}
