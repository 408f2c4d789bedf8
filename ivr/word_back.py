"""Word back to whoever asked for a bigger allowance in a call or by text: pushed the moment a person has decided.

Rule: the answer goes to the number it was asked from, or for, and to no other; at hours at which a telephone wakes
nobody, and never as a text to whoever said STOP. It stands or falls with the decision. Nothing here commits.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ivr import askers, call_backs, outbox
from ivr.actions import say
from ivr.askers import Asker, ToldBy
from ivr.called_back import next_in_hours
from ivr.callers import unseal
from ivr.grant_requests import Grant, GrantState
from ivr.lines import Line, Lines, TextLimits
from ivr.outbox import Draft, NoText
from keys.secrets_file import Secrets

MARK = "grant-"
"""What the name of a promised call-back begins with, and of a text that answers no text but a request."""


def tell(
    connection: Connection, secrets: Secrets, lines: Lines, limits: TextLimits, grant: Grant, now: datetime
) -> ToldBy | NoText | None:
    """Tell a caller what was decided: how it is told, why a text may not be sent, or None where no caller asked.

    A call is an operator's to make: it is promised, and stands among the call-backs that are owed; so is the answer
    that was to be a text and may be none.
    """
    asker = askers.of(connection, [grant.id]).get(grant.id)
    if asker is None:
        return None
    line = lines.dialled(asker.line)
    askers.told(connection, grant.id, now)
    unsent: NoText | None = None
    if asker.told_by is ToldBy.TEXT:
        draft = _draft(secrets, line, asker, grant, now)
        unsent = outbox.write(connection, secrets, draft, limits, now=now)
        if unsent is None:
            return ToldBy.TEXT
    name = f"{MARK}{grant.id}"
    promise = call_backs.Wish(name, grant.case_id, line.number, asker.number_sealed, now, line.call_back_hours)
    call_backs.note(connection, promise)
    return unsent or ToldBy.CALL_BACK


def _draft(secrets: Secrets, line: Line, asker: Asker, grant: Grant, now: datetime) -> Draft:
    prompt = "text.more_given" if grant.state is GrantState.APPROVED else "text.more_declined"
    return Draft(
        line,
        unseal(asker.number_sealed, secrets.number_key),
        (say(prompt, count=grant.amount),),
        grant.case_id,
        answers=f"{MARK}{grant.id}",
        doubtful=True,
        due_at=next_in_hours(line, now),
    )
