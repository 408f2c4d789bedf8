"""Thousands of installations in one request, spent as the ledger spends one, a chunk at a time.

The rule it keeps: line by line the outcome is that of `keys.ledger.reserve_and_post`, called once a line in this order.
A chunk looks at everything, decides in memory, and claims and takes in a few statements. Where another took an
installation in between, all of the chunk is undone and looked at anew, and so it is once before anybody hears that a
key is used up; where a key has less left by then, its last lines get nothing.

Claims go in the order of their digests and counters in that of their keys, and every claim stands before the first
counter is touched, so two chunks that meet, or a chunk and a call, never wait for each other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from keys import ledger_statements as statements
from keys import reactivation, rules, terms
from keys.allowance import locked_room, spend
from keys.answers import Activated, Refused
from keys.entries import Entry, append
from keys.installation_id import digest, fingerprint_number
from keys.ledger import reserve_and_post, unknown
from keys.product_key import KeyType
from keys.reactivation import Machine
from keys.refusals import Refusal
from keys.reservations import Basis, Claim, Reservation, State, stored
from keys.unavailable import Cause, DatabaseUnavailable

CHUNK = 500
"""Lines of one chunk, at most: a chunk is one transaction, and nobody waits longer for a key than that takes."""

# How often a chunk may lose an installation before the database is called busy: it meets more others than one claim.
_ROUNDS = 20
_USED_UP = Refused(Refusal.ALLOWANCE_EXHAUSTED)
_Reservations = dict[bytes, Reservation]


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
    """What the database held, when we looked for the `first` time or again.

    Keys by product and serial, and why one is not there; what they have left, by id; what stands, by digest; by key and
    fingerprint until when a machine is activated, and what it has done again.
    """

    first: bool
    keys: dict[tuple[int, int], Any]
    unknown: dict[tuple[int, int], Refusal]
    room: dict[int, int]
    standing: _Reservations
    latest: dict[tuple[int, int], int]
    machines: dict[tuple[int, int], Machine]


@dataclass(slots=True)
class _Plan:
    """What a chunk comes to: the refusals by line, the claims to make, the held ones to post, and the answers due.

    `due` says of every line that is not refused whose reservation it gets, and whether as a replay. `room`,
    `latest` and `machines` move on from what was seen as lines are served.
    """

    room: dict[int, int]
    latest: dict[tuple[int, int], int]
    machines: dict[tuple[int, int], Machine]
    refused: dict[int, Refused] = field(default_factory=dict)
    fresh: dict[bytes, tuple[_Line, dict[str, Any]]] = field(default_factory=dict)
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
    for before in range(_ROUNDS):
        seen = _look(connection, lines, now, first=not before)
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
    return (key := seen.keys.get(line.key)) is not None and bool(key.type == KeyType.KMS_HOST)


def _look(connection: Connection, lines: Sequence[_Line], now: datetime, *, first: bool) -> _Seen:
    """Everything the decisions need.

    What is left is read before what stands: whoever took the last one in between is then seen to stand.
    """
    keys: dict[tuple[int, int], Any] = {}
    for product, of_product in groupby(sorted({line.key for line in lines}), key=lambda key: key[0]):
        wanted = {"the_product": product, "the_serials": [serial for _, serial in of_product]}
        keys |= {(product, row.serial): row for row in connection.execute(statements.MANY_KEYS, wanted)}
    digests = {"the_digests": sorted({line.digest for line in lines})}
    standing = map(stored, connection.execute(statements.MANY_STANDING[connection.dialect.name], digests))
    missing = {line.key: line.claim for line in lines if line.key not in keys}
    return _Seen(
        first,
        keys,
        {key: unknown(connection, claim, now) for key, claim in missing.items()},
        {row.the_key: row.available for row in keys.values()},
        {reservation.iid_digest: reservation for reservation in standing},
        *_installed(connection, lines, keys),
    )


def _installed(
    connection: Connection, lines: Sequence[_Line], keys: dict[tuple[int, int], Any]
) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], Machine]]:
    """Until when these machines are activated, and what those that are did again: asked once a key."""
    wanted: dict[int, set[int]] = {}
    for line in lines:
        if line.key in keys:
            wanted.setdefault(keys[line.key].the_key, set()).add(line.fingerprint)
    latest: dict[tuple[int, int], int] = {}
    machines: dict[tuple[int, int], Machine] = {}
    for key_id, fingerprints in wanted.items():
        facts = {"the_key": key_id, "the_fingerprints": sorted(fingerprints)}
        installed = connection.execute(statements.MANY_INSTALLED[connection.dialect.name], facts)
        latest |= {(key_id, row.fingerprint): row.latest for row in installed}
        done = reactivation.machines(connection, key_id, fingerprints)
        machines |= {(key_id, fingerprint): machine for fingerprint, machine in done.items()}
    return latest, machines


def _plan(lines: Sequence[_Line], seen: _Seen, room: dict[int, int], now: datetime) -> _Plan:
    """Serve the lines in order, in memory, from so much room a key."""
    plan = _Plan(dict(room), dict(seen.latest), dict(seen.machines))
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
        basis = refusal or reactivation.weigh(key, plan.latest.get(machine), plan.machines.get(machine), now)
        if isinstance(basis, Refusal):
            return basis
        if basis.takes and plan.room[key.the_key] <= 0:
            return Refusal.ALLOWANCE_EXHAUSTED
        row = terms.fresh_row(line.claim, key, line.digest, basis, now)
        plan.fresh[line.digest] = line, row
        _move_on(plan, key, machine, row, now)
    elif state is State.PENDING:
        assert standing is not None
        plan.held[line.digest] = line
        _installed_until(plan, machine, standing.valid_until)
    plan.due.append((number, line.digest, state is State.POSTED))
    return None


def _move_on(plan: _Plan, key: Any, machine: tuple[int, int], row: dict[str, Any], now: datetime) -> None:
    """Let a new activation count for the lines that follow."""
    basis = Basis(row["basis"])
    plan.room[key.the_key] -= basis.takes
    if basis.again:
        done = plan.machines.get(machine)
        plan.machines[machine] = reactivation.after(done, basis, key, row["valid_until"], now)
    _installed_until(plan, machine, row["valid_until"])


def _installed_until(plan: _Plan, machine: tuple[int, int], valid_until: int) -> None:
    plan.latest[machine] = max(plan.latest.get(machine, 0), valid_until or reactivation.NO_END)


def _carry_out(
    connection: Connection, lines: Sequence[_Line], seen: _Seen, now: datetime
) -> list[Activated | Refused] | None:
    """Claim, post what was held, count, and write it down; None, and nothing done, where it is to be looked at anew."""
    plan = _plan(lines, seen, seen.room, now)
    savepoint = connection.begin_nested()
    made = _claim(connection, plan, seen, now)
    if made is None:
        savepoint.rollback()
        return None
    counted = _count(connection, lines, plan, made, seen, now)
    if counted is None or not _count_again(connection, counted, seen, now):
        savepoint.rollback()
        return None
    savepoint.commit()
    append(connection, *_written(counted, made, now))
    standing = seen.standing | made
    answers = counted.refused | {number: Activated(standing[one], replay) for number, one, replay in counted.due}
    return [answers[number] for number in range(len(lines))]


def _claim(connection: Connection, plan: _Plan, seen: _Seen, now: datetime) -> _Reservations | None:
    """Every new reservation and every held one as it now stands, by digest; None where one was not to be had."""
    made: _Reservations = {}
    if plan.fresh:
        rows = [plan.fresh[iid_digest][1] for iid_digest in sorted(plan.fresh)]
        made = {one.iid_digest: one for one in map(stored, statements.claim_many(connection, rows))}
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
    connection: Connection, lines: Sequence[_Line], plan: _Plan, made: _Reservations, seen: _Seen, now: datetime
) -> _Plan | None:
    """Take what the plan takes from every key, or what a key still has; the plan as it then is.

    The claims stand already, so what is left over of them is taken away again before anybody could see it. None where
    a key is used up that had more left, or less, at the first look: who hears so may have been given one meanwhile.
    """
    fresh = _taken(row for _, row in plan.fresh.values())
    held = _taken({"key_id": one.key_id, "basis": one.basis} for one in map(seen.standing.__getitem__, plan.held))
    touched = sorted(fresh.keys() | held)
    used_up = {seen.keys[lines[n].key].the_key for n, one in plan.refused.items() if one == _USED_UP}
    room = locked_room(connection, sorted({*touched, *used_up}))
    over = {key_id for key_id in touched if fresh[key_id] > room[key_id]}
    if seen.first and any(room[key_id] != seen.room[key_id] for key_id in used_up | over):
        return None
    if over:
        less = _plan(lines, seen, seen.room | room, now)
        left_over = [made.pop(iid_digest).id for iid_digest in plan.fresh.keys() - less.fresh.keys()]
        connection.execute(statements.TAKE_AWAY, {"the_ids": left_over})
        plan, fresh = less, _taken(row for _, row in less.fresh.values())
    for key_id in touched:
        spend(connection, key_id, fresh=fresh[key_id], held=held[key_id])
    return plan


def _taken(rows: Iterable[Mapping[str, Any]]) -> Counter[int]:
    """How many these reservations take from each key; a key of which none takes any is there, with nothing."""
    taken: Counter[int] = Counter()
    for row in rows:
        taken[row["key_id"]] += Basis(row["basis"]).takes
    return taken


def _count_again(connection: Connection, plan: _Plan, seen: _Seen, now: datetime) -> bool:
    """Count what machines did again, machine by machine; False where one has no longer room for it."""
    again = [(line, row) for line, row in plan.fresh.values() if Basis(row["basis"]).again]
    again.sort(key=lambda one: (one[1]["key_id"], one[1]["fingerprint"]))
    return all(
        reactivation.count_row(connection, row, Basis(row["basis"]), seen.keys[line.key], now) for line, row in again
    )


def _written(plan: _Plan, made: _Reservations, now: datetime) -> Iterator[Entry]:
    """The entries of everything that was spent, in the order of the lines."""
    for _, iid_digest, replay in plan.due:
        if iid_digest in plan.held and not replay:
            yield terms.posted_entry(plan.held[iid_digest].claim, made[iid_digest], now)
        elif not replay:
            yield from terms.fresh_entries(plan.fresh[iid_digest][0].claim, made[iid_digest], now)
