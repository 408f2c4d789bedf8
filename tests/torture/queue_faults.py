"""What could go wrong in the queue of handoffs, a fault at a time. `tests.torture.queue_machine` finds each."""

from tests.torture.planting import committed_after, fault

NOTED = "note(connection, kind, now, handoff_id, row.case_id)"

QUEUE = (
    fault(
        "a second operator takes a case that somebody has",
        ("ivr.claims:claim", "handoffs.c.state == HandoffState.WAITING", "handoffs.c.state != HandoffState.DONE"),
    ),
    fault(
        "anybody acts on a case that somebody else has",
        ("ivr.claims:_theirs", "& (handoffs.c.claimed_by == operator_id)", ""),
        ("webhooks.desk.handling:take", " or found.claimed_by != doing.operator.id", ""),
    ),
    fault(
        "anybody keeps a case with whoever has fallen silent",
        ("ivr.claims:_theirs", "& (handoffs.c.claimed_by == operator_id)", ""),
    ),
    fault(
        "whoever came last is first",
        ("ivr.queue:unfinished", "order_by(handoffs.c.id)", "order_by(handoffs.c.id.desc())"),
    ),
    fault(
        "a caller is told another place than theirs",
        ("ivr.queue:place", "handoffs.c.id < handoff.id", "handoffs.c.id > handoff.id"),
    ),
    fault(
        "a case that is given back goes to the end of the queue",
        ("ivr.claims:release", "state=HandoffState.WAITING,", "state=HandoffState.WAITING, entered_at=now,"),
    ),
    fault(
        "the case of an operator who fell silent stays with them",
        ("ivr.claims:return_silent", "handoffs.c.seen_at < now - silence", "handoffs.c.seen_at < now - 3 * silence"),
    ),
    fault(
        "a case is taken from an operator who is there",
        ("ivr.claims:return_silent", "handoffs.c.seen_at < now - silence", "handoffs.c.seen_at < now"),
    ),
    fault(
        "a case that changes hands keeps the silence of whoever had it",
        ("ivr.claims:transfer", "claimed_at=now, seen_at=now", "claimed_at=now"),
        ("ivr.claims:see", ".values(seen_at=now)", ".values(seen_at=handoffs.c.seen_at)"),
    ),
    fault(
        "a decision is told again in the next round",
        (
            "ivr.waiting_room:look",
            "claims.finish(turn.connection, handoff.id, handoff.decision, turn.now)",
            "pass",
        ),
    ),
    fault(
        "a decision that nobody heard is nobody's to make again",
        (
            "ivr.queue:leave",
            "state=case((handoffs.c.state == HandoffState.DECIDED, HandoffState.CLAIMED), else_=handoffs.c.state),",
            "",
        ),
    ),
    fault(
        "a caller who hung up is still thought to listen",
        ("ivr.queue:leave", "left_at=now,", ""),
    ),
    fault(
        "a caller who is asked in is nobody's afterwards",
        ("ivr.claims:take_up_talk", "state=HandoffState.CLAIMED", "state=HandoffState.WAITING"),
    ),
    fault(
        "a case that is handed back has lost its digits",
        ("ivr.waiting_room:look", "HandedBack(case.format, case.groups)", "HandedBack(case.format, case.groups[:-1])"),
    ),
    fault(
        "a closed case is still in the queue",
        ("ivr.claims:finish", "finished_at=now, ", ""),
    ),
    fault(
        "a caller who rings again is not the one the case is about",
        ("ivr.queue:enter", "set_=facts", 'set_={"reason": reason}'),
    ),
    fault(
        "a case that is taken up goes from whoever has it",
        ("ivr.taken_up:take_up", "if there is not None:", "if there is not None and there.claimed_by is None:"),
    ),
    fault(
        "a promise is struck off though nobody was reached",
        ("webhooks.desk.handling:called_back", "if reached:", "if True:"),
    ),
    fault(
        "a promise is owed after its case is closed",
        ("webhooks.desk.handling:finish", "nothing_owed(doing, handoff)", "pass"),
    ),
    fault(
        "a promise that was kept is owed again",
        ("ivr.call_backs:waiting", "owed = call_backs.c.done_at.is_(None)", "owed = call_backs.c.id > 0"),
    ),
    fault(
        "what an operator did is nowhere written down",
        ("webhooks.desk.handling:enter", "desk_entries.append(doing.connection, entry)", "pass"),
    ),
    fault(
        "an operator gives a confirmation ID that nothing was spent for",
        (
            "webhooks.desk.deciding:issue",
            "ledger.reserve_and_post(doing.connection, claim, now=doing.now)",
            "ledger._settle(doing.connection, claim, doing.now, doing.now)",
        ),
    ),
    fault(
        "a process that dies leaves a claim and no entry",
        ("ivr.claims:_changed", NOTED, committed_after(NOTED)),
    ),
)
