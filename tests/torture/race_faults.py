"""What is wrong only where two meet, a fault at a time: the race that shows it, and the fault.

Whoever comes alone is served soundly by each of these, so that no rule machine could find them.
"""

from tests.torture.planting import fault

IN_A_CLAIM = ".where(handoffs.c.id == handoff_id, handoffs.c.state == HandoffState.WAITING)"
A_LOOK_BEFORE_THE_CLAIM = """.where(handoffs.c.id == select(handoffs.c.id).where(
            handoffs.c.id == handoff_id, handoffs.c.state == HandoffState.WAITING).scalar_subquery())"""
MOVED = """    moved = {"the_key": key_id, "more_pending": pending, "more_posted": posted}
    return Balance(*connection.execute(_MOVE_AND_TELL, moved).one())"""
READ_THEN_WRITTEN = """    seen = balance(connection, key_id)
    then = {"pending": seen.pending + pending, "posted": seen.posted + posted}
    connection.execute(update(allowances).where(_c.key_id == key_id).values(**then))
    return balance(connection, key_id)"""
LOCKED_AND_ASKED_AGAIN = """.order_by(_r.iid_digest).with_for_update().cte(name)
    return (
        update(reservations)
        .where(_r.id.in_(select(held.c.id)), _PENDING)"""
NEITHER = """.order_by(_r.iid_digest).cte(name)
    return (
        update(reservations)
        .where(_r.id.in_(select(held.c.id)))"""
COUNTED = """set_={"texts": text_counts.c.texts + 1},
        where=text_counts.c.texts < most,"""
SEEN_AND_COUNTED = """set_={"texts": text_counts.c.texts + 1},
        where=text_counts.alias("seen").select().with_only_columns(text_counts.alias("seen").c.texts).limit(1)
        .scalar_subquery() < most,"""
SECOND_TRY = """
    except IntegrityError:  # a fault of our own is raised the second time too
        with self._outage.attempt(), translated(), self._at_hand.writing(until) as connection:
            return work(connection)"""
NOT_ANEW = """
    except IntegrityError:
        raise"""
TRIED = "trusting=True) as connection:\n            return work(connection)" + SECOND_TRY
TOLD_ALL_THE_SAME = """trusting=True) as connection:
            told = work(connection)
    except IntegrityError:
        pass
    return told"""

IN_THE_LEDGER = (
    (
        "a caller hangs up while another activates",
        fault("a counter is read, and written afterwards", ("keys.allowance:move", MOVED, READ_THEN_WRITTEN)),
    ),
    (
        "a batch takes the last ones from a call",
        fault(
            "a batch counts what is left, and lets others take it before it does",
            ("keys.allowance:_LOCKED", "\n    .with_for_update()", ""),
        ),
    ),
    (
        "two channels spend one hold",
        fault(
            "what is held is spent by everybody who saw it held",
            (
                "keys.ledger_statements:POST_ANY",
                ".where(_r.id == _ID, _PENDING)",
                ".where(_r.id == _ID)",
            ),
        ),
    ),
    (
        "a caller hangs up while a text takes it over",
        fault(
            "what is given back is taken over by whoever saw it held",
            ("keys.ledger_statements:TAKE_OVER", ".where(_r.id == _ID, _PENDING)", ".where(_r.id == _ID)"),
        ),
    ),
    (
        "a caller hangs up while it is spent",
        fault(
            "a hang-up gives back what was just spent",
            ("keys.ledger_statements:_voided", LOCKED_AND_ASKED_AGAIN, NEITHER),
            ("keys.ledger_statements:VOID",),
        ),
    ),
    (
        "two sweeps meet",
        fault(
            "a sweep waits for another",
            ("keys.ledger_statements:_due", "with_for_update(skip_locked=True)", "with_for_update()"),
            ("keys.ledger_statements:EXPIRE",),
        ),
    ),
    (
        "a hold runs out while it is spent",
        fault(
            "a sweep takes what is spent at this moment",
            ("keys.ledger_statements:_due", "\n    .with_for_update(skip_locked=True)", ""),
            ("keys.ledger_statements:EXPIRE", "select(_due.c.id)), _PENDING)", "select(_due.c.id)))"),
        ),
    ),
    (
        "one is released twice",
        fault(
            "an activation that comes back is counted by everybody who saw it stand",
            ("keys.ledger_statements:RETURN", ", text(\"reservations.state = 'posted'\"))", ")"),
        ),
    ),
    (
        "a machine comes again once too often",
        fault(
            "a machine comes again as often as it was seen that it may",
            ("keys.ledger:_make", "        made = None", "        pass"),
        ),
    ),
    (
        "a key is replaced twice",
        fault(
            "a key that is replaced twice at once has two successors",
            ("keys.replacing:replace", ".with_for_update(key_share=True)", ""),
        ),
    ),
    (
        "two want the last one",
        fault(
            "what was taken for granted and does not hold is not done anew",
            ("keys.database:Database.carry_out", SECOND_TRY, NOT_ANEW),
        ),
    ),
    (
        "two want the last one",
        fault(
            "an activation is told that was rolled back",
            ("keys.database:Database.carry_out", TRIED, TOLD_ALL_THE_SAME),
        ),
    ),
    (
        "an auditor counts while others activate",
        fault(
            "whoever reads sees two moments of the ledger",
            ("keys.libpq:Wire.begin_reading", "REPEATABLE READ", "READ COMMITTED"),
        ),
    ),
    (
        "two passes seal at once",
        fault(
            "two passes seal the same entries",
            ("keys.seals:seal", "connection.execute(_CLAIM).one()", "pass"),
        ),
    ),
)
IN_THE_LINE = (
    (
        "two operators claim one case",
        fault(
            "a case is claimed by everybody who saw it wait",
            ("ivr.claims:claim", IN_A_CLAIM, A_LOOK_BEFORE_THE_CLAIM),
        ),
    ),
    (
        "a silent operator's case goes back while they come",
        fault(
            "a case is taken from an operator who has just come back",
            (
                "ivr.claims:return_silent",
                ".where(handoffs.c.id == handoff.id, silent)",
                ".where(handoffs.c.id == handoff.id)",
            ),
        ),
    ),
    (
        "a case is taken up as its caller asks for a person",
        fault(
            "a case that is taken up goes from the call that has just brought it",
            ("ivr.taken_up:take_up", ".with_for_update(key_share=True)", ""),
        ),
    ),
    (
        "two look for the one text",
        fault(
            "two deliveries have one text",
            ("ivr.sending:claim", ".with_for_update(skip_locked=True)", ""),
        ),
    ),
    (
        "two look for the texts of two",
        fault(
            "a delivery waits for another's text, and leaves its own",
            ("ivr.sending:claim", "with_for_update(skip_locked=True)", "with_for_update()"),
        ),
    ),
    (
        "news comes in the wrong order at once",
        fault(
            "news takes a text back that was moved on at this moment",
            (
                "ivr.sending:_move",
                "outbox.c.rank < RANKS[state], ",
                "select(outbox.alias('seen').c.rank).limit(1).scalar_subquery() < RANKS[state], ",
            ),
        ),
    ),
    (
        "two texts are written where one more may be",
        fault(
            "a text is counted by what there were before it",
            ("ivr.text_limits:_add", COUNTED, SEEN_AND_COUNTED),
        ),
    ),
    (
        "a turn is brought twice",
        fault(
            "a turn that comes twice at once is taken twice",
            ("ivr.calls:_LOCKED", ".with_for_update()", ""),
        ),
    ),
    (
        "a call begins twice",
        fault(
            "whoever begins a call a moment late has none",
            (
                "ivr.turn:take_turn",
                "_begin(connection, secrets, knock, now) or calls.lock(connection, knock.call_sid)",
                "_begin(connection, secrets, knock, now)",
            ),
        ),
    ),
)
