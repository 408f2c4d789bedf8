"""Thousands of installations in one request, spent as the ledger spends one, a chunk at a time.

The rule it keeps: line by line the outcome is that of `keys.ledger.reserve_and_post`, called once a line in this order.
A chunk looks at everything, decides in memory, and claims and takes in a few statements. Where another took an
installation in between, all of the chunk is undone and looked at anew; where a key has less left by then, its last
lines get nothing.

Claims go in the order of their digests and counters in that of their keys, and every claim stands before the first
counter is touched, so two chunks that meet, or a chunk and a call, never wait for each other.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from keys import ledger_statements as statements
from keys import rules, terms
from keys.allowance import locked_room, spend
from keys.answers import Activated, Refused
from keys.entries import Entry, append
from keys.installation_id import digest, fingerprint_number
from keys.ledger import reserve_and_post, unknown
from keys.product_key import KeyType
from keys.refusals import Refusal
from keys.reservations import Claim, Reservation, State, stored
from keys.unavailable import Cause, DatabaseUnavailable

CHUNK = 500
"""Lines of one chunk, at most: a chunk is one transaction, and nobody waits longer for a key than that takes."""

# How often a chunk may lose an installation before the database is called busy: it meets more others than one claim.
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class _Line:
    """One claim with what it is looked up by."""

    claim: Claim
    digest: bytes
    fingerprint: int

    @property
    def key(self) -> tuple[int, int]:
        """Product and serial."""
        return self.claim.iid.product, self.claim.iid.serial


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the database held.

    Keys by product and serial, and why one is not there; what they have left, by id; what stands, by digest; which
    machines have an activation, by key and fingerprint.
    """

    keys: dict[tuple[int, int], Any]
    unknown: dict[tuple[int, int], Refusal]
    room: dict[int, int]
    standing: dict[bytes, Reservation]
    installed: set[tuple[int, int]]


@dataclass(slots=True)
class _Plan:
    """What a chunk comes to: the refusals by line, the claims to make, the held ones to post, and the answers due.

    `due` says of every line that is not refused whose reservation it gets, and whether as a replay. `room` and
    `installed` move on from what was seen as lines are served.
    """

    room: dict[int, int]
    installed: set[tuple[int, int]]
    refused: dict[int, Refused] = field(default_factory=dict)
    fresh: dict[bytes, tuple[_Line, dict[str, Any], bool]] = field(default_factory=dict)
    held: dict[bytes, _Line] = field(default_factory=dict)
    due: list[tuple[int, bytes, bool]] = field(default_factory=list)


def reserve_and_post_many(
    connection: Connection, claims: Sequence[Claim], *, now: datetime
) -> list[Activated | Refused]:
    """Spend one activation on each proven claim, held for it already or new; the answers in the order of the claims.

    At most `CHUNK` claims at once, else ValueError. The caller begins a transaction for each chunk: what was committed
    stays, so a request that broke off is sent again whole, and what it had before is a replay.
    """
    if len(claims) > CHUNK:
        raise ValueError(len(claims))
    lines = [_Line(claim, digest(claim.iid), fingerprint_number(claim.iid)) for claim in claims]
    for _ in range(_ROUNDS):
        seen = _look(connection, lines, now)
        done = _carry_out(connection, [line for line in lines if not _is_host(line, seen)], seen, now)
        if done is not None:
            others = iter(done)
            # Licence hosts are few and have counters of their own: each is served as the ledger serves one.
            return [
                reserve_and_post(connection, line.claim, now=now) if _is_host(line, seen) else next(others)
                for line in lines
            ]
    raise DatabaseUnavailable(Cause.BUSY)


def _is_host(line: _Line, seen: _Seen) -> bool:
    key = seen.keys.get(line.key)
    return key is not None and bool(key.type == KeyType.KMS_HOST)


def _look(connection: Connection, lines: Sequence[_Line], now: datetime) -> _Seen:
    """Everything the decisions need.

    What is left is read before what stands: whoever took the last one in between is then seen to stand, and no holder
    of an activation hears that none is left.
    """
    keys: dict[tuple[int, int], Any] = {}
    for product, of_product in groupby(sorted({line.key for line in lines}), key=lambda key: key[0]):
        wanted = {"the_product": product, "the_serials": [serial for _, serial in of_product]}
        keys |= {(product, row.serial): row for row in connection.execute(statements.MANY_KEYS, wanted)}
    digests = {"the_digests": sorted({line.digest for line in lines})}
    standing = [stored(row) for row in connection.execute(statements.MANY_STANDING, digests)]
    missing = {line.key: line.claim for line in lines if line.key not in keys}
    return _Seen(
        keys,
        {key: unknown(connection, claim, now) for key, claim in missing.items()},
        {row.the_key: row.available for row in keys.values()},
        {reservation.iid_digest: reservation for reservation in standing},
        _installed(connection, lines, keys),
    )


def _installed(
    connection: Connection, lines: Sequence[_Line], keys: dict[tuple[int, int], Any]
) -> set[tuple[int, int]]:
    """Which of these machines have an activation: by key and fingerprint, asked once a key."""
    wanted: dict[int, set[int]] = {}
    for line in lines:
        if line.key in keys:
            wanted.setdefault(keys[line.key].the_key, set()).add(line.fingerprint)
    found = set()
    for key_id, fingerprints in wanted.items():
        facts = {"the_key": key_id, "the_fingerprints": sorted(fingerprints)}
        found |= {(key_id, row.fingerprint) for row in connection.execute(statements.MANY_INSTALLED, facts)}
    return found


def _plan(lines: Sequence[_Line], seen: _Seen, room: dict[int, int], now: datetime) -> _Plan:
    """Serve the lines in order, in memory, from so much room a key."""
    plan = _Plan(dict(room), set(seen.installed))
    for number, line in enumerate(lines):
        refusal = _decide(plan, number, line, seen, now)
        if refusal is not None:
            plan.refused[number] = Refused(refusal)
    return plan


def _decide(plan: _Plan, number: int, line: _Line, seen: _Seen, now: datetime) -> Refusal | None:
    key = seen.keys.get(line.key)
    if key is None:
        return seen.unknown[line.key]
    standing = seen.standing.get(line.digest)
    served = line.digest in plan.fresh or line.digest in plan.held
    state = State.POSTED if served else standing.state if standing else None
    refusal = rules.never(key, line.claim, state)
    if refusal is not None:
        return refusal
    machine = (key.the_key, line.fingerprint)
    if state is None:
        refusal = rules.not_anew(key, now.date())
        if refusal is None and plan.room[key.the_key] <= 0:
            refusal = Refusal.ALLOWANCE_EXHAUSTED
        if refusal is not None:
            return refusal
        plan.room[key.the_key] -= 1
        row = terms.fresh_row(line.claim, key, line.digest, now)
        plan.fresh[line.digest] = line, row, machine in plan.installed
    elif state is State.PENDING:
        plan.held[line.digest] = line
    plan.due.append((number, line.digest, state is State.POSTED))
    plan.installed.add(machine)
    return None


def _carry_out(
    connection: Connection, lines: Sequence[_Line], seen: _Seen, now: datetime
) -> list[Activated | Refused] | None:
    """Claim, post what was held, count, and write it down; None, and nothing done, if a claim was not to be had."""
    plan = _plan(lines, seen, seen.room, now)
    savepoint = connection.begin_nested()
    made = _claim(connection, plan, seen, now)
    if made is None:
        savepoint.rollback()
        return None
    plan = _count(connection, lines, plan, made, seen, now)
    savepoint.commit()
    append(connection, *_written(plan, made, now))
    standing = seen.standing | made
    answers: dict[int, Activated | Refused] = {**plan.refused}
    for number, iid_digest, replay in plan.due:
        answers[number] = Activated(
            replace(standing[iid_digest], reactivation=False) if replay else standing[iid_digest], replay
        )
    return [answers[number] for number in range(len(lines))]


def _claim(connection: Connection, plan: _Plan, seen: _Seen, now: datetime) -> dict[bytes, Reservation] | None:
    """Every new reservation and every held one as it now stands, by digest; None where one was not to be had."""
    made = {}
    if plan.fresh:
        rows = [plan.fresh[iid_digest][1] for iid_digest in sorted(plan.fresh)]
        for row in statements.claim_many(connection, rows):
            reservation = stored(row)
            _, _, reactivation = plan.fresh[reservation.iid_digest]
            made[reservation.iid_digest] = replace(reservation, reactivation=reactivation)
        if len(made) < len(plan.fresh):
            return None
    for iid_digest in sorted(plan.held):
        claim, standing = plan.held[iid_digest].claim, seen.standing[iid_digest]
        facts = {**statements.taken_over(claim, standing.id), "now": now}
        if connection.execute(statements.POST_ANY, facts).one_or_none() is None:
            return None
        made[iid_digest] = replace(standing, holder=claim.holder, state=State.POSTED)
    return made


def _count(
    connection: Connection,
    lines: Sequence[_Line],
    plan: _Plan,
    made: dict[bytes, Reservation],
    seen: _Seen,
    now: datetime,
) -> _Plan:
    """Take what the plan takes from every key, or what a key still has; the plan as it then is.

    The claims stand already, so what is left over of them is taken away again before anybody could see it.
    """
    fresh = Counter(row["key_id"] for _, row, _ in plan.fresh.values())
    held = Counter(seen.standing[iid_digest].key_id for iid_digest in plan.held)
    touched = sorted(fresh.keys() | held)
    room = locked_room(connection, touched)
    if any(fresh[key_id] > room[key_id] for key_id in touched):
        less = _plan(lines, seen, seen.room | room, now)
        over = [made.pop(iid_digest).id for iid_digest in plan.fresh.keys() - less.fresh.keys()]
        connection.execute(statements.TAKE_AWAY, {"the_ids": over})
        plan, fresh = less, Counter(row["key_id"] for _, row, _ in less.fresh.values())
    for key_id in touched:
        spend(connection, key_id, fresh=fresh[key_id], held=held[key_id])
    return plan


def _written(plan: _Plan, made: dict[bytes, Reservation], now: datetime) -> Iterator[Entry]:
    """The entries of everything that was spent, in the order of the lines."""
    for _, iid_digest, replay in plan.due:
        if replay:
            continue
        reservation = made[iid_digest]
        if iid_digest in plan.held:
            yield terms.posted_entry(plan.held[iid_digest].claim, reservation.key_id, reservation.id, now)
        else:
            yield from terms.fresh_entries(plan.fresh[iid_digest][0].claim, reservation, now)
