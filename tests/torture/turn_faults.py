"""What could go wrong in a turn of a call, a fault at a time. `tests.torture.turn_machine` finds each."""

from tests.torture.ledger_faults import OTHERS_HOLD
from tests.torture.planting import committed_after, fault

ASKED = "event = _ask(at, question, call.state)"

TURN = (
    fault(
        "a turn that is brought twice is taken twice",
        ("ivr.turn:take_turn", "knock.turn == call.turn", "knock.turn is not None"),
    ),
    fault(
        "a late request of an earlier turn moves the call",
        ("ivr.turn:take_turn", "knock.turn == call.turn", "(knock.turn or call.turn + 1) <= call.turn"),
    ),
    fault(
        "a request that is ahead of its call moves it",
        ("ivr.turn:take_turn", "knock.turn == call.turn", "(knock.turn or 0) >= call.turn"),
    ),
    fault(
        "asking for the call's address moves the call",
        ("ivr.turn:take_turn", "knock.turn == call.turn", "knock.turn in (None, call.turn)"),
    ),
    fault(
        "a call that is over goes on",
        ("ivr.turn:take_turn", " and call.ended_at is None", ""),
    ),
    fault(
        "a turn is answered and not kept",
        ("ivr.turn:take_turn", "calls.save(connection, call)", "pass"),
    ),
    fault(
        "the groups that a caller keyed are not kept",
        (
            "ivr.deeds:keep_groups",
            "cases.keep_groups(turn.connection, case_id, layout, groups, turn.now)",
            "True",
        ),
    ),
    fault(
        "the last group is not kept with its activation",
        ("ivr.second_look:through", "door.now, score, door.kept)", "door.now, score)"),
    ),
    fault(
        "every group is a case of its own",
        ("ivr.turn:_deed", "deeds.keep_groups(turn, call.case_id,", "deeds.keep_groups(turn, None,"),
    ),
    fault(
        "a case loses its last group",
        ("ivr.cases:_written", '",".join(groups)', '",".join((*groups[:-1], "" if all(groups) else groups[-1]))'),
    ),
    fault(
        "a hang-up keeps what only its call holds",
        ("ivr.turn:hang_up", 'ledger.void_held(connection, call_sid, now=now, reason="hang-up")', "pass"),
    ),
    OTHERS_HOLD,
    fault(
        "whoever hung up is still waited for",
        ("ivr.turn:hang_up", "queue.leave(connection, call_sid, now)", "pass"),
    ),
    fault(
        "a caller who listens is taken for gone",
        ("ivr.waiting_room:lost", "calls.c.replied_at < now - MISSED,", ""),
    ),
    fault(
        "a caller who went without a word is waited for without end",
        ("ivr.waiting_room:lost", "calls.c.replied_at < now - MISSED,", "calls.c.replied_at < now - 1000 * MISSED,"),
    ),
    fault(
        "a stranger goes on with somebody's case",
        (
            "ivr.dropped:_UNFINISHED",
            'calls.c.caller == bindparam("of")',
            'calls.c.caller >= bindparam("of")',
        ),
    ),
    fault(
        "a confirmation ID is read out that nothing was spent for",
        (
            "ivr.deeds:_spend",
            "ledger.reserve_and_post(turn.connection, claim, now=turn.now)",
            "ledger._settle(turn.connection, claim, turn.now, turn.now)",
        ),
    ),
    fault(
        "a call-back is promised and not written down",
        ("ivr.turn:_deed", "call_backs.note(turn.connection, wish)", "pass"),
    ),
    fault(
        "whoever is told to wait waits under another name",
        ("ivr.waiting_room:enter", "sid=turn.sid,", "sid=str(case_id),"),
    ),
    fault(
        "a node that dies leaves half of its turn",
        ("ivr.turn:_go_on", ASKED, committed_after(ASKED, "at.turn.connection")),
    ),
)
