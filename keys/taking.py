"""One activation claimed, counted and written down: on PostgreSQL in one statement, on SQLite in three.

The rule it keeps: claim, counter and entries stand or fall together. A claim for which nothing is left is taken away
again by the transaction that made it, before anybody could see it.

The counter is the hot row of a key, held from here to the commit: the fewer trips to the server there are in between,
the more activations a key gives a second. SQLite has no statement that changes two tables, and no trips to spare.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, true, union_all

from keys import ledger_statements as statements
from keys import terms
from keys.allowance import TAKE, allowances
from keys.direct import Statement
from keys.entries import entries, row_of
from keys.refusals import Refusal
from keys.reservations import STORED, Claim, Reservation, reservations, stored

_MOST_ENTRIES = 2
"""What is held makes one entry, what is spent at once two."""


def claim_and_take(
    connection: Connection, claim: Claim, row: Mapping[str, Any], now: datetime
) -> Reservation | Refusal | None:
    """Make the reservation in `row` (see `keys.terms.fresh_row`), take for it what its basis takes, and enter both.

    ALLOWANCE_EXHAUSTED, and nothing done, where nothing is left; None where another claim of the installation stands.
    """
    # As it will be, but for the number that the database gives it.
    due = stored([0, *(row[column.name] for column in STORED[1:])])
    entered = terms.fresh_entries(claim, due, now)
    facts = {
        "the_key": row["key_id"],
        "more_pending": sum(entry.pending for entry in entered),
        "more_posted": sum(entry.posted for entry in entered),
        **_named("new", row),
    }
    for place, entry in enumerate(entered):
        facts |= _named(f"entry{place}", row_of(entry))
    way = _one_by_one if connection.dialect.name == "sqlite" else _in_one
    found = way(connection, len(entered), facts)
    if found is None:
        return None
    number, taken = found
    if not taken:
        connection.execute(statements.TAKE_AWAY, {"the_ids": [number]})
        return Refusal.ALLOWANCE_EXHAUSTED
    return replace(due, id=number)


def _named(prefix: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{name}": fact for name, fact in row.items()}


def _bound(table: Table, prefix: str) -> dict[str, Any]:
    """A parameter for every column but the id."""
    columns = [column for column in table.c if column.name != "id"]
    return {column.name: bindparam(f"{prefix}_{column.name}", type_=column.type) for column in columns}


_CLAIM = {dialect: said.values(_bound(reservations, "new")) for dialect, said in statements.CLAIM.items()}


def _together(many: int) -> Statement:
    """The one statement, with so many entries: the number of the claim, and whether something was taken for it."""
    claimed = _CLAIM["postgresql"].cte("claimed")
    taken = TAKE.where(allowances.c.key_id == claimed.c.key_id).cte("taken")
    both = claimed.join(taken, true())
    rows = [_bound(entries, f"entry{place}") | {"reservation_id": claimed.c.id} for place in range(many)]
    entered = union_all(*(select(*row.values()).select_from(both) for row in rows))
    written = insert(entries).from_select(list(rows[0]), entered).cte("written")
    answer = select(claimed.c.id, taken.c.granted.is_not(None)).select_from(claimed.outerjoin(taken, true()))
    return Statement(answer.add_cte(written))


_TOGETHER = {many: _together(many) for many in range(1, _MOST_ENTRIES + 1)}


def _in_one(connection: Connection, many: int, facts: Mapping[str, Any]) -> tuple[int, bool] | None:
    found = _TOGETHER[many].first(connection, facts)
    return None if found is None else (found[0], found[1])


_CLAIM_ALONE = Statement(_CLAIM["sqlite"])
_TAKE_ALONE = Statement(TAKE)
_WRITE = {
    many: Statement(insert(entries).values([_bound(entries, f"entry{place}") for place in range(many)]))
    for many in range(1, _MOST_ENTRIES + 1)
}


def _one_by_one(connection: Connection, many: int, facts: Mapping[str, Any]) -> tuple[int, bool] | None:
    claimed = _CLAIM_ALONE.first(connection, facts)
    if claimed is None:
        return None
    number = claimed[0]
    taken = _TAKE_ALONE.first(connection, facts) is not None
    if taken:
        of_claim = dict.fromkeys((f"entry{place}_reservation_id" for place in range(many)), number)
        _WRITE[many].count(connection, {**facts, **of_claim})
    return number, taken
