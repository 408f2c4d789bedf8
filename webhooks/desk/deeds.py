"""The doors of what an operator may do with a case: a form comes in, a deed is done, and the page says what came of it.

Rule: a view begins one transaction, does one deed in it, and answers with the panels as they then stand; what was not
done answers 409 with the same panels, so that whoever was late sees who was quicker.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort, render_template, request, url_for

from ivr import askers, cases, grant_requests, queue
from ivr.desk_entries import Kind
from ivr.operators import Role
from webhooks.desk import case_page, deciding, deed_words, digits, granting, handling, reviewing
from webhooks.desk.case_facts import CaseFacts
from webhooks.desk.digits import MOST_GROUPS, Digits
from webhooks.desk.guards import case_url, done, enhanced, here, least, local, say, who
from webhooks.desk.handling import Doing, Done, NotDone, Why

room = Blueprint("deeds", __name__, url_prefix="/desk")

Deed = Callable[[Doing, int], Done | NotDone]


def deed(name: str, role: Role = Role.OPERATOR) -> Callable[[Deed], Deed]:
    """Open a door `POST /desk/cases/<handoff>/<name>` to a deed, for this role and those above it."""

    def mark(do: Deed) -> Deed:
        def view(handoff_id: int) -> Response:
            with here().database.begin() as connection:
                at = here()
                outcome = do(Doing(connection, at.secrets, who(), at.now(), at.lines, at.limits), handoff_id)
            return _answer(handoff_id, outcome)

        room.add_url_rule(f"/cases/<int:handoff_id>/{name}", name, least(role)(view), methods=["POST"])
        return do

    return mark


@deed("claim")
def claim(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Take the case."""
    return handling.claim(doing, handoff_id)


@deed("release")
def release(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Give it back to the queue."""
    return handling.release(doing, handoff_id, _field("reason"))


@deed("transfer")
def transfer(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Hand it to another."""
    return handling.transfer(doing, handoff_id, _number("to"), _field("reason"))


@deed("groups")
def groups(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Keep the groups that were typed."""
    return deciding.set_groups(doing, handoff_id, _field("whole"), _groups(), _field("reason"))


@deed("back")
def back(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Hand the call back to the line."""
    return deciding.hand_back(doing, handoff_id, _field("reason"))


@deed("issue")
def issue(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Activate."""
    return deciding.issue(doing, handoff_id, _field("reason"), by_text="by_text" in request.form)


@deed("refuse")
def refuse(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Refuse, for a reason that the caller hears."""
    code, by_text = _field("because"), "by_text" in request.form
    return deciding.refuse(doing, handoff_id, code, _field("reason"), by_text=by_text)


@deed("let-through")
def let_through(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Let through what is held for a look."""
    return reviewing.let_through(doing, handoff_id, _field("reason"))


@deed("text")
def text(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Text the caller."""
    again = tuple(sorted({int(each) for each in request.form.getlist("again") if each in _PLACES}))
    return deciding.text(doing, handoff_id, _field("what"), again, _field("reason"))


@deed("called-back")
def called_back(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Say that the caller was called back, reached or not."""
    return handling.called_back(doing, handoff_id, _field("reached") == "yes", _field("reason"))


@deed("grant")
def grant(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Give the key more activations, or ask for it."""
    return granting.grant(doing, handoff_id, _number("amount"), _field("reason"))


@deed("note")
def note(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Note something."""
    return handling.note(doing, handoff_id, _field("note"))


@deed("close")
def close(doing: Doing, handoff_id: int) -> Done | NotDone:
    """End the case."""
    return handling.close(doing, handoff_id, _field("disposition"), _field("reason"))


@deed("unblock", Role.SUPERVISOR)
def unblock(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Open the blocked key again."""
    handoff = queue.read(doing.connection, handoff_id)
    return NotDone(Why.NO_SUCH) if handoff is None else granting.unblock(doing, handoff, _field("reason"))


@deed("lift", Role.SUPERVISOR)
def lift(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Allow the machine more reactivations."""
    handoff = queue.read(doing.connection, handoff_id)
    if handoff is None:
        return NotDone(Why.NO_SUCH)
    return granting.lift(doing, handoff, _number("more"), _field("reason"))


@deed("show")
def show(doing: Doing, handoff_id: int) -> Done | NotDone:
    """Show what is hidden."""
    handoff = queue.read(doing.connection, handoff_id)
    return NotDone(Why.NO_SUCH) if handoff is None else deciding.show(doing, handoff, _field("what"), _field("reason"))


@room.post("/cases/<int:handoff_id>/check")
def check(handoff_id: int) -> Response:
    """Say what is known of digits as they are being typed. Nothing is kept, and none stands in an address."""
    with here().database.read() as connection:
        handoff = queue.read(connection, handoff_id)
        if handoff is None:
            abort(404)
        case = cases.read(connection, handoff.case_id)
        seen = digits.look(*digits.typed(_field("whole"), _groups(), case.format), here().secrets)
        if enhanced():
            return Response(case_page.checks(seen))
        return Response(case_page.whole(connection, case_page.with_digits(case_page.look(connection, handoff), seen)))


@room.get("/grants")
@least(Role.SUPERVISOR)
def grants() -> str:
    """What waits for a second person."""
    with here().database.read() as connection:
        asked = grant_requests.waiting(connection)
        keys = {each.id: granting.key_asked_for(connection, each) for each in asked}
        rooms = {
            each.id: grant_requests.room(connection, who().id, who().grant_limit, each.agreement, here().now())
            for each in asked
        }
        whose = grant_requests.askers(connection, asked)
        own_words = askers.words(connection, (each.id for each in asked))
        numbers = {
            each.case_id: cases.read(connection, each.case_id).number for each in asked if each.case_id is not None
        }
    return render_template(
        "grants.html", asked=asked, keys=keys, rooms=rooms, askers=whose, own_words=own_words, numbers=numbers
    )


@room.post("/grants/<int:request_id>/decide")
@least(Role.SUPERVISOR)
def decide(request_id: int) -> Response:
    """Approve or decline what another asked for."""
    decision = _field("decision")
    if decision not in {"approve", "decline"}:
        abort(400)
    with here().database.begin() as connection:
        at = here()
        doing = Doing(connection, at.secrets, who(), at.now(), at.lines, at.limits)
        outcome = granting.decide(doing, request_id, _field("reason"), approve=decision == "approve")
    if outcome == NotDone(Why.NO_SUCH):
        abort(404)
    _say(outcome)
    return done(local(request.form["next"]) if request.form.get("next") else url_for("deeds.grants"))


_PLACES = frozenset(str(number) for number in range(1, MOST_GROUPS + 1))


def _field(name: str) -> str:
    """A field of the form, without the one sign that no database takes."""
    return request.form.get(name, "").replace("\x00", "")


def _number(name: str) -> int:
    """A field that holds a number; -1 where it holds none."""
    text = _field(name).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1


def _groups() -> dict[int, str]:
    return {number: _field(f"group-{number}") for number in range(1, MOST_GROUPS + 1)}


def _say(outcome: Done | NotDone) -> None:
    if isinstance(outcome, Done):
        say(deed_words.done(outcome))
    else:
        say(deed_words.not_done(outcome), problem=True)


def _answer(handoff_id: int, outcome: Done | NotDone) -> Response:
    """The page after a deed: as a whole or in panels, and with what was typed where it was not kept."""
    if outcome == NotDone(Why.NO_SUCH):
        abort(404)
    _say(outcome)
    status = 200 if isinstance(outcome, Done) else 409
    shown = (str(outcome.facts["what"]), outcome.shown) if isinstance(outcome, Done) and outcome.shown else None
    if status == 200 and shown is None and not enhanced():
        return done(case_url(handoff_id))
    with here().database.read() as connection:
        handoff = queue.read(connection, handoff_id)
        assert handoff is not None  # handoffs are never deleted
        facts = case_page.look(connection, handoff)
        typed = outcome.facts.get("seen")
        seen = typed if isinstance(typed, Digits) else None
        if not enhanced():
            facts = case_page.with_digits(facts, seen) if seen is not None else facts
            return Response(case_page.whole(connection, facts, shown_value=shown), status)
    if seen is not None:
        return Response(case_page.panels(facts, ("head",)) + case_page.checks(seen), status)
    return Response(case_page.panels(facts, _panels(facts, outcome), shown_value=shown), status)


def _panels(facts: CaseFacts, outcome: Done | NotDone) -> tuple[str, ...]:
    """What to draw anew: forms are left as they are where the deed was not done and the case is still theirs."""
    owner, _, groups = case_page.token(facts).partition("-")
    owner_was, _, groups_were = _field("shown").partition("-")
    names = list(case_page.FOLLOWING)
    if isinstance(outcome, Done) or owner != owner_was:
        names.append("deeds")
    if owner != owner_was or groups != groups_were or (isinstance(outcome, Done) and outcome.kind is Kind.GROUPS_SET):
        names.append("groups")
    if owner != owner_was or (isinstance(outcome, Done) and outcome.kind in {Kind.SHOWN, Kind.ISSUED}):
        names.append("hidden")
    return tuple(name for name in case_page.ALL if name in names)
