"""What is held for a program stands in the queue like any case, with its reasons, and is let through on its page."""

from dataclasses import replace

from ivr import online_reviews
from ivr.online_reviews import Program
from ivr.signs import Score, Sign
from keys.installation_id import encode

from .conftest import LINE


def test_an_operator_sees_it_in_the_queue_and_lets_all_of_it_through(
    desk_client, database, clock, mak, installation, rows
):
    program = Program(1, "proxy", "request-1", replace(LINE, held_at=40), lambda below: 7919 % below)
    odd = Score(40, {Sign.COUNTRIES: 3})
    iids = [installation(1, mak.key.serial, nonce=nonce) for nonce in (1, 2, 3)]
    with database.begin() as connection:
        assert online_reviews.held(connection, program, [(iid, odd) for iid in iids], clock.now) == set(iids)
    (handoff,), (case,) = rows("handoffs"), rows("cases")
    desktop = desk_client()
    queue = desktop.get("/desk/queue").text
    assert case["number"] in queue
    assert "this key was used from 3 countries within 7 days" in queue
    page = f"/desk/cases/{handoff['id']}"
    desktop.post(f"{page}/claim")
    told = desktop.get(page)
    assert told.status_code == 200
    assert encode(iids[0])[:6] in told.text
    assert "proxy file" in told.text
    desktop.post(f"{page}/let-through", reason="they replace a hall of machines")
    assert "Let through, 3 installations of this key." in desktop.get(page).text
    assert {row["let_through_by"] for row in rows("reviews")} == {"Anna Berg"}
    with database.begin() as connection:
        assert online_reviews.held(connection, program, [(iid, odd) for iid in iids], clock.now) == set()
