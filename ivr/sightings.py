"""Sightings: which proven installation was asked for, by which call or text, and what came of it.

Rule: what an attempt is scored by is found by one statement, each part of it by an index, within a window and no
further than `MOST` rows: it costs the same whatever the history holds. A sighting names no person; the caller is a
pseudonym, and is forgotten with the row. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    bindparam,
    insert,
    literal,
    null,
    select,
    text,
    union_all,
)

from ivr.cases import cases
from ivr.guesses import GuessKind, guesses
from ivr.signs import OF_A_KEY, WIDEST, Part, Score, Seen, read, weigh
from keys.columns import each_bound
from keys.database import Instant, RowNumber, metadata
from keys.dialects import rows_where
from keys.direct import Statement
from keys.installation_id import InstallationID, fingerprint_number
from keys.issue import product_keys
from keys.reservations import reservations

MOST = 200
"""Rows of each kind that a score looks at, the newest; every rule is satisfied by far fewer."""
MOST_LISTED = 5000
_POINTED = text("points > 0")
PROGRAMS = ("api", "proxy")
"""Channels of programs. They ask with their own organisation's keys, for many machines: that is no sign of a leak."""
_OF_PEOPLE = text("channel NOT IN ('api', 'proxy')")

sightings = Table(
    "sightings",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("product", Integer, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("caller", String(32)),
    Column("country", String(2)),
    Column("channel", String(16), nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("points", Integer, nullable=False),
    Column("signs", Text),
    Index("ix_sightings_of_people", "product", "serial", "at", info=rows_where(_OF_PEOPLE)),
    Index("ix_sightings_pointed_at", "at", info=rows_where(_POINTED)),
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An activation that is asked for: by whom (a pseudonym; None for nobody), from which country, on which channel.

    `iid` has a sound proof; None while the ID is not whole, or is not genuine: then only the caller is looked at.
    """

    caller: str | None
    country: str | None
    channel: str
    iid: InstallationID | None

    @property
    def by_program(self) -> bool:
        """Whether a program asks, and not a person."""
        return self.channel in PROGRAMS


def _newest(part: Part, columns: tuple[Any, ...], *conditions: Any) -> Select[Any]:
    """The newest rows of one part: which it is, when, caller, country, machine (the columns, as far as it has them)."""
    at: Any = columns[0]
    missing: tuple[Any, ...] = (null().cast(Text), null().cast(Text), null().cast(BigInteger))
    shape = [literal(part.value).label("part"), at.label("at")]
    for name, column, nothing in zip(
        ("caller", "country", "machine"), (*columns[1:], None, None, None), missing, strict=False
    ):
        shape.append((nothing if column is None else column).label(name))
    inner = select(*shape).where(*conditions, at > bindparam(f"since_{part}", type_=Instant))
    return select(inner.order_by(at.desc()).limit(MOST).subquery(f"of_{part}"))


_PRODUCT, _SERIAL = bindparam("the_product", type_=Integer), bindparam("the_serial", type_=BigInteger)
_CALLER = bindparam("the_caller", type_=Text)
_s, _g, _c, _r = sightings.c, guesses.c, cases.c, reservations.c
_THE_KEY = (
    select(product_keys.c.id)
    .where(product_keys.c.product == _PRODUCT, product_keys.c.serial == _SERIAL)
    .scalar_subquery()
)
_OF_CALLER = (
    _newest(Part.CALLER_GUESSES, (_g.at,), _g.caller == _CALLER, _g.kind == GuessKind.PROOF.value),
    _newest(Part.CALLER_CASES, (_c.opened_at,), _c.caller == _CALLER),
)
_OF_KEY = (
    _newest(
        Part.KEY,
        (_s.at, _s.caller, _s.country, _s.fingerprint),
        _s.product == _PRODUCT,
        _s.serial == _SERIAL,
        _OF_PEOPLE,
    ),
    _newest(Part.KEY_GUESSES, (_g.at, _g.caller), _g.product == _PRODUCT, _g.serial == _SERIAL),
    _newest(
        Part.MACHINE,
        (_r.posted_at,),
        _r.key_id == _THE_KEY,
        _r.fingerprint == bindparam("the_machine", type_=BigInteger),
        text("reservations.state = 'posted'"),
    ),
)
OF_CALLER = union_all(*_OF_CALLER)
"""What is asked while the ID is not whole."""
OF_BOTH = union_all(*_OF_CALLER, *_OF_KEY)
OF_KEY_ALONE = union_all(*_OF_KEY[:2])
"""What speaks against a key itself, whichever machine asks."""
_MACHINES = select(_r.fingerprint, _r.posted_at).where(
    _r.key_id == _THE_KEY,
    _r.fingerprint.in_(bindparam("the_machines", expanding=True, type_=BigInteger)),
    text("reservations.state = 'posted'"),
    _r.posted_at > bindparam(f"since_{Part.MACHINE}", type_=Instant),
)


_ASK_OF_CALLER, _ASK_OF_BOTH = Statement(OF_CALLER), Statement(OF_BOTH)
_NOTE = Statement(insert(sightings).values(each_bound(sightings, "new")))


def look(connection: Connection, attempt: Attempt, now: datetime, *, never_issued: bool = False) -> Score:
    """Score an attempt, itself included. `never_issued`: its proof is sound, and there is no such key."""
    iid = attempt.iid
    facts: dict[str, Any] = {f"since_{part}": now - width for part, width in WIDEST.items()}
    facts["the_caller"] = attempt.caller
    if iid is not None:
        facts |= {"the_product": iid.product, "the_serial": iid.serial, "the_machine": fingerprint_number(iid)}
    seen = _parts((_ASK_OF_CALLER if iid is None else _ASK_OF_BOTH).all(connection, facts))
    if not attempt.by_program:
        this = Seen(now, attempt.caller, attempt.country, facts.get("the_machine"))
        seen.setdefault(Part.KEY, []).append(this)
        seen[Part.WITHHELD] = [this] if attempt.caller is None else []
    seen[Part.NEVER_ISSUED] = [Seen(now)] if never_issued else []
    return weigh(seen, now)


def look_at_many(
    connection: Connection, caller: str, iids: Sequence[InstallationID], now: datetime
) -> dict[InstallationID, Score]:
    """Score what a program asks for, counted as `caller`: one question for the caller, and two for each key."""
    since: dict[str, Any] = {f"since_{part}": now - width for part, width in WIDEST.items()}
    of_caller = _parts(connection.execute(OF_CALLER, since | {"the_caller": caller}))
    by_key: dict[tuple[int, int], list[InstallationID]] = {}
    for iid in iids:
        by_key.setdefault((iid.product, iid.serial), []).append(iid)
    scores = {}
    for (product, serial), mine in by_key.items():
        key = {"the_product": product, "the_serial": serial}
        of_key = _parts(connection.execute(OF_KEY_ALONE, since | key))
        machines: dict[int, list[Seen]] = {}
        asked = {"the_machines": [fingerprint_number(iid) for iid in mine]}
        for machine, at in connection.execute(_MACHINES, since | key | asked):
            machines.setdefault(machine, []).append(Seen(at))
        for iid in mine:
            seen = of_caller | of_key | {Part.MACHINE: machines.get(fingerprint_number(iid), [])}
            scores[iid] = weigh(seen, now)
    return scores


def _parts(rows: Any) -> dict[Part, list[Seen]]:
    seen: dict[Part, list[Seen]] = {}
    for part, *found in rows:
        seen.setdefault(Part(part), []).append(Seen(*found))
    return seen


def note(connection: Connection, attempt: Attempt, outcome: str, score: Score, now: datetime) -> None:
    """Write down what was asked for and what came of it: `activated`, `again`, or the refusal."""
    iid = attempt.iid
    assert iid is not None  # a sighting is of an installation
    _NOTE.later(
        connection,
        {
            "new_at": now,
            "new_product": iid.product,
            "new_serial": iid.serial,
            "new_fingerprint": fingerprint_number(iid),
            "new_caller": attempt.caller,
            "new_country": attempt.country,
            "new_channel": attempt.channel,
            "new_outcome": outcome,
            "new_points": score.points,
            "new_signs": score.written,
        },
    )


@dataclass(frozen=True, slots=True)
class KeyToLookAt:
    """A key that something speaks against: its highest score since, what for, how often it was sighted so, and when."""

    product: int
    serial: int
    score: Score
    times: int
    last_at: datetime


def keys_to_look_at(connection: Connection, since: datetime) -> list[KeyToLookAt]:
    """Keys that signs of their own were seen on, the worst first; of the newest `MOST_LISTED` scored attempts."""
    rows = connection.execute(
        select(sightings).where(_POINTED, _s.at > since).order_by(_s.at.desc()).limit(MOST_LISTED)
    )
    found: dict[tuple[int, int], KeyToLookAt] = {}
    for row in rows:
        score = read(row.points, row.signs)
        if not OF_A_KEY & set(score.counts):
            continue
        key = (row.product, row.serial)
        before = found.get(key)
        if before is None:
            found[key] = KeyToLookAt(*key, score, 1, row.at)
        else:
            worst = max(before.score, score, key=lambda each: each.points)
            found[key] = replace(before, score=worst, times=before.times + 1)
    return sorted(found.values(), key=lambda each: (-each.score.points, each.product, each.serial))
