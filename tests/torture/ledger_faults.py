"""What could go wrong in the ledger, a fault at a time. `tests.torture.ledger_machine` finds each."""

from tests.torture.planting import committed_after, fault

GIVEN = "move(connection, key_id, pending=-count)"
OTHERS_HOLD = fault(
    "a hang-up gives back what others hold",
    (
        "keys.ledger_statements:VOID",
        '_r.holder == bindparam("the_holder", type_=Text)',
        '_r.holder >= bindparam("the_holder", type_=Text)',
    ),
)
"""What a turn can do wrong as well as the ledger: see `turn_faults`."""

LEDGER = (
    fault(
        "a key gives one more than it was granted",
        ("keys.allowance:TAKE", "_PENDING + _POSTED <= _c.granted", "_PENDING + _POSTED <= _c.granted + 1"),
        ("keys.taking:_TAKE",),
    ),
    fault(
        "what a used-up key does not give stands all the same, and is had by asking again",
        ("keys.taking:claim_and_take", '"the_ids": [made.id]', '"the_ids": [0]'),
    ),
    fault(
        "whoever comes again is counted again",
        (
            "keys.ledger:_replay",
            "if standing.state is State.POSTED:",
            "if standing.state is State.POSTED and move(connection, standing.key_id, pending=0, posted=1):",
        ),
    ),
    fault(
        "what a batch takes is not counted",
        ("keys.ledger_many:_count", "fresh=fresh[key_id]", "fresh=0"),
    ),
    fault(
        "an installation that stands twice in a batch is served twice",
        (
            "keys.ledger_many:_decide",
            "served = line.digest in plan.fresh or line.digest in plan.held",
            "served = False",
        ),
    ),
    fault(
        "what is held and not spent stays counted",
        ("keys.holds:_give_back", GIVEN, "pass"),
    ),
    fault(
        "nobody writes down that a hold was given back",
        (
            "keys.holds:_give_back",
            "append(connection, *(_given_back(row, kind, reason, now) for row in ordered))",
            "pass",
        ),
    ),
    fault(
        "nobody writes down that what was held is spent",
        (
            "keys.ledger:post",
            "append(connection, Entry(now, Kind.POST, row.key_id, reservation_id, pending=-takes, posted=takes, **who)",
            "len(who",
        ),
    ),
    fault(
        "nobody writes down what a batch spends of what was held",
        (
            "keys.ledger_many:_written",
            "yield terms.posted_entry(plan.held[iid_digest].claim, made[iid_digest], now)",
            "continue",
        ),
    ),
    fault(
        "what was held is spent in the journal and not in the counters",
        ("keys.ledger:post", "move(connection, row.key_id, pending=-takes, posted=takes)", "pass"),
    ),
    fault(
        "anybody may spend what another holds",
        (
            "keys.ledger_statements:POST_HELD",
            '_r.holder == bindparam("the_holder", type_=Text)',
            '_r.holder >= bindparam("the_holder", type_=Text)',
        ),
    ),
    OTHERS_HOLD,
    fault(
        "a hold that is taken over runs out sooner than it would have",
        (
            "keys.ledger_statements:TAKE_OVER",
            "case((_r.expires_at < _UNTIL, _UNTIL), else_=_r.expires_at)",
            "_UNTIL",
        ),
    ),
    fault(
        "the newest holds are swept, and the oldest left",
        ("keys.ledger_statements:_due", "order_by(_r.expires_at)", "order_by(_r.expires_at.desc())"),
        ("keys.ledger_statements:EXPIRE",),
    ),
    fault(
        "a hold runs out before its time",
        (
            "keys.ledger_statements:_due",
            '_r.expires_at <= bindparam("now", type_=Instant)',
            '_r.created_at <= bindparam("now", type_=Instant)',
        ),
        ("keys.ledger_statements:EXPIRE",),
    ),
    fault(
        "what was given back is held again for whoever waits",
        (
            "keys.ledger_statements:EXTEND",
            ".where(_r.id == _ID, _PENDING).values(expires_at=_UNTIL)",
            '.where(_r.id == _ID).values(expires_at=_UNTIL, state="pending")',
        ),
    ),
    fault(
        "a machine is activated again once too often",
        (
            "keys.reactivation:weigh",
            "done.counted >= bounds.most + done.lifted",
            "done.counted > bounds.most + done.lifted",
        ),
        ("keys.reactivation:_COUNT", "_c.counted < _MOST + _c.lifted", "_c.counted <= _MOST + _c.lifted"),
    ),
    fault(
        "an activation that came to nothing counts against its machine",
        ("keys.holds:_give_back", "uncount(connection, row)", "pass"),
    ),
    fault(
        "the free activation of a machine is charged",
        ("keys.reactivation:weigh", "if done.free < bounds.free", "if done.free > bounds.free"),
    ),
    fault(
        "a machine's period never ends",
        ("keys.reactivation:weigh", "machine.in_period(bounds, now)", "machine"),
    ),
    fault(
        "a licence host too many is activated",
        (
            "keys.ledger:_make",
            "fingerprint_number(claim.iid)) or made",
            "fingerprint_number(claim.iid)) and made or made",
        ),
    ),
    fault(
        "a licence host that is given back is counted on",
        ("keys.holds:_give_back", "give_hosts_back(connection, (", "list(("),
    ),
    fault(
        "a licence host that is released is counted on",
        ("keys.returning:_come_back", "if standing.scheme == SHARE_SCHEME:", "if False:"),
    ),
    fault(
        "a released activation is not to be had again",
        ("keys.returning:_come_back", "move(connection, key.id, pending=0, posted=-takes)", "pass"),
    ),
    fault(
        "a dead installation lives again",
        ("keys.rules:never", "if standing == State.RETURNED:", "if False:"),
        ("keys.ledger:_replay", "if standing.state is State.POSTED:", "if standing.state is not State.PENDING:"),
        ("keys.ledger_many:_decide", "state is State.POSTED))", "state in (State.POSTED, State.RETURNED)))"),
    ),
    fault(
        "a blocked key answers whoever was there before",
        (
            "keys.rules:never",
            "seen.key_status == KeyStatus.BLOCKED:",
            "seen.key_status == KeyStatus.BLOCKED and not standing:",
        ),
    ),
    fault(
        "the confirmation ID of what is only held is told",
        ("keys.confirming:confirmation_of", "if reservation.state is not State.POSTED:", "if False:"),
    ),
    fault(
        "a process that dies leaves a counter moved and nothing written down",
        ("keys.holds:_give_back", GIVEN, committed_after(GIVEN)),
    ),
)
