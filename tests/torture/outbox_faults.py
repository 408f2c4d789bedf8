"""What could go wrong with texts, a fault at a time. `tests.torture.outbox_machine` finds each."""

from tests.torture.planting import fault

OUTBOX = (
    fault(
        "a text is sent again because its answer came too late",
        ("webhooks.delivery:_deliver", "if claimed.posted_at is not None:", "if False:"),
    ),
    fault(
        "that the provider may have a text is forgotten",
        ("ivr.sending:postponed", '{"posted_at": None} if surely_unsent else {}', '{"posted_at": None}'),
    ),
    fault(
        "a provider whose clock is behind is not asked far enough back",
        ("webhooks.delivery:_look", "posted_at - SKEW", "posted_at"),
    ),
    fault(
        "the provider's word for another text is taken for this one's",
        ("webhooks.delivery:_look", " if not sending.is_ours(connection, sid)", ""),
    ),
    fault(
        "a text overtakes one that was written before it",
        ("ivr.sending:_first_due", "where(ready, first_of_its_caller)", "where(ready)"),
    ),
    fault(
        "a text is given up when it was put off once",
        ("webhooks.delivery:_put_off", "if due_at - claimed.written_at > GIVE_UP:", "if claimed.attempts:"),
    ),
    fault(
        "a text of the day before is sent",
        ("webhooks.delivery:_deliver", "if exchange.now() - claimed.written_at > GIVE_UP:", "if False:"),
    ),
    fault(
        "a claim that is over is never taken up again",
        (
            "ivr.sending:_first_due",
            "and_(outbox.c.state == TextState.SENDING, outbox.c.claimed_until <= now),",
            "",
        ),
    ),
    fault(
        "a second delivery takes a text that one has in hand",
        ("ivr.sending:_first_due", "outbox.c.claimed_until <= now", "outbox.c.attempts > 0"),
    ),
    fault(
        "a delivery whose claim is over has the last word",
        (
            "ivr.sending:_own",
            "outbox.c.claimed_by == claimed.by,\n        outbox.c.attempts == claimed.attempts,",
            "",
        ),
    ),
    fault(
        "news of somebody else's text is taken for ours",
        ("ivr.sending:note_status", "outbox.c.caller == news.caller,", ""),
    ),
    fault(
        "news under another sid is taken for a text that has its own",
        ("ivr.sending:note_status", "outbox.c.sid.is_(None),", ""),
    ),
    fault(
        "news that comes late takes a text back",
        ("ivr.sending:_move", "outbox.c.rank < RANKS[state], ", ""),
    ),
    fault(
        "a text leaves after its reader said stop",
        ("ivr.sending:posting", "if opt_outs.is_out(connection, claimed.line, claimed.caller.known_as):", "if False:"),
    ),
    fault(
        "a stop that the provider tells of is not written down",
        ("ivr.sending:note_status", "if news.error == OPTED_OUT:", "if False:"),
    ),
    fault(
        "a number gets one text more than it may",
        ("ivr.text_limits:_add", "text_counts.c.texts < most", "text_counts.c.texts <= most"),
    ),
    fault(
        "a text that is for later keeps back what is to be answered now",
        (
            "ivr.sending:_first_due",
            "or_(earlier.c.attempts > 0, earlier.c.due_at <= now, _at_once(earlier)),",
            "",
        ),
    ),
    fault(
        "nothing is written down before a text goes to the provider",
        (
            "ivr.sending:posting",
            "posted_at=func.coalesce(outbox.c.posted_at, now, type_=outbox.c.posted_at.type), ",
            "",
        ),
    ),
)
