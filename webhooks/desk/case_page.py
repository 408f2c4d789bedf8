"""The page of one case, in panels that are brought up to date by themselves.

Rule: what an operator may be typing into is left alone as long as the case is theirs and its digits are as they saw
them; everything else follows each change at once.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection

from ivr import queue
from ivr.queue import Handoff, HandoffState
from webhooks.desk import calling, case_facts, case_words, deciding, digits, entry_words
from webhooks.desk.board import TARGET
from webhooks.desk.case_facts import CaseFacts
from webhooks.desk.digits import Digits
from webhooks.desk.guards import case_url, here, who

room = Blueprint("case_page", __name__, url_prefix="/desk")

FOLLOWING = ("head", "key", "past", "entries")
"""Panels nobody types a long text into: they follow every change."""
ALL = ("head", "groups", "deeds", "hidden", "key", "past", "entries")


@room.get("/cases/<int:handoff_id>")
def page(handoff_id: int) -> Response:
    """The whole page; of a stay in the queue that has ended, the one that has not, if the case came back."""
    with here().database.read() as connection:
        handoff = queue.read(connection, handoff_id)
        if handoff is None:
            abort(404)
        if handoff.finished_at is not None and (again := queue.of_case(connection, handoff.case_id)) is not None:
            return redirect(case_url(again.id))  # type: ignore[return-value] # a Response all the same
        return Response(whole(connection, look(connection, handoff)))


@room.get("/cases/by-number/<number>")
def by_number(number: str) -> Response:
    """The page of a case by its number, in the queue or not."""
    with here().database.read() as connection:
        case_id, handoff = case_facts.of_number(connection, number)
        if case_id is None:
            abort(404)
        if handoff is not None:
            return redirect(case_url(handoff.id))  # type: ignore[return-value] # a Response all the same
        at = here()
        facts = case_facts.look(connection, at.secrets, at.lines, case_id, None, who(), at.now())
        return Response(whole(connection, facts))


@room.get("/cases/<int:handoff_id>/live")
def live(handoff_id: int) -> str:
    """The panels that are no longer as `shown` says the page has them."""
    with here().database.read() as connection:
        handoff = queue.read(connection, handoff_id)
        if handoff is None:
            abort(404)
        facts = look(connection, handoff)
    owner_was, _, groups_were = request.args.get("shown", "").partition("-")
    owner, _, groups = token(facts).partition("-")
    if owner != owner_was:
        return panels(facts, ALL)
    if not facts.mine:
        return panels(facts, (*FOLLOWING, "groups"))
    return panels(facts, FOLLOWING, shown=f"{owner}-{groups_were}", digits_changed=groups != groups_were)


def look(connection: Connection, handoff: Handoff) -> CaseFacts:
    """What the page shows of a case in the queue."""
    at = here()
    return case_facts.look(connection, at.secrets, at.lines, handoff.case_id, handoff, who(), at.now())


def whole(connection: Connection, facts: CaseFacts, *, shown_value: tuple[str, str] | None = None) -> str:
    """The page; `shown_value` is what is shown on demand: which, and the value."""
    phone = None
    if facts.handoff is not None and facts.handoff.finished_at is None:
        phone = calling.facts(connection, facts.handoff, who(), facts.line, here().now())
    return render_template("case.html", **_names(facts), calling=phone, panels=ALL, shown_value=shown_value)


def panels(
    facts: CaseFacts,
    names: tuple[str, ...],
    *,
    shown: str | None = None,
    shown_value: tuple[str, str] | None = None,
    digits_changed: bool = False,
) -> str:
    """Some panels, each to be put in its place; `shown` is what the page has after them."""
    return render_template(
        "_case_panels.html",
        **_names(facts) | ({"token": shown} if shown is not None else {}),
        panels=names,
        swapped=True,
        shown_value=shown_value,
        digits_changed=digits_changed,
    )


def checks(seen: Digits) -> str:
    """What is known of digits that were typed, to be put beside them."""
    return render_template("_case_checks.html", seen=seen, case_words=case_words, swapped=True)


def with_digits(facts: CaseFacts, seen: Digits) -> CaseFacts:
    """The page as it is, with digits as they were typed and not kept."""
    return replace(facts, seen=seen)


def token(facts: CaseFacts) -> str:
    """What a page has shown: whose the case is, and a mark of its digits, from which none can be told."""
    handoff = facts.handoff
    owner = "" if handoff is None else f"{handoff.state}.{handoff.claimed_by}.{handoff.left_at is None}"
    kept = ",".join((str(facts.case.format), facts.case.state, *facts.case.groups))
    return f"{owner}-{sha256(here().secrets.pepper + kept.encode()).hexdigest()[:12]}"


def _names(facts: CaseFacts) -> dict[str, Any]:
    """What the templates of the page use."""
    handoff = facts.handoff
    ended = handoff is None or handoff.state is HandoffState.DONE
    return {
        "facts": facts,
        "handoff": handoff,
        "token": token(facts),
        "ended": ended,
        "on_the_line": handoff is not None and not ended and deciding.on_the_line(handoff),
        "case_words": case_words,
        "entry_words": entry_words,
        "Check": digits.Check,
        "Whole": digits.Whole,
        "target": int(TARGET.total_seconds()),
        "live_url": url_for("case_page.live", handoff_id=handoff.id) if handoff is not None else "",
    }
