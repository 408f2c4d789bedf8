"""Giving a key more activations: alone up to a limit, above it with a second person, and never past either limit."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from ivr import grant_requests
from ivr.desk_entries import Kind
from ivr.grant_requests import GrantState, Wish
from ivr.operators import Role
from keys import ledger
from keys.entries import of_key
from keys.groups import split
from keys.installation_id import encode


@pytest.fixture
def groups(installation, mak):
    return split(encode(installation(1, mak.key.serial)))


@pytest.fixture
def taken(handoff, groups):
    """A case that an operator has; the path of its deeds."""

    def claimed(desktop, given=None):
        found = handoff("ALLOWANCE_EXHAUSTED", given or groups, layout=int((given or groups)[0][0]))
        path = f"/desk/cases/{found.id}"
        desktop.post(f"{path}/claim")
        return path

    return claimed


@pytest.fixture
def granted(desk, mak):
    def read():
        with desk.database.read() as connection:
            return ledger.balance(connection, mak.key.id).granted

    return read


@pytest.fixture
def waiting(desk):
    def read():
        with desk.database.read() as connection:
            return grant_requests.waiting(connection)

    return read


def test_an_operator_grants_up_to_their_limit_and_asks_for_more(
    desk_client, taken, granted, waiting, entries, desk, mak
):
    desktop = desk_client(grant_limit=8)
    path = taken(desktop)
    assert "You may grant 8 to this agreement just now" in desktop.get(path).text
    desktop.post(f"{path}/grant", amount="5", reason="new branch")
    assert granted() == 15
    assert "You may grant 3 to this agreement just now" in desktop.get(path).text
    said = desktop.post_part(f"{path}/grant", amount="4", reason="and another").headers["HX-Trigger"]
    assert "A supervisor was asked." in said
    assert granted() == 15
    assert [(each.amount, each.state) for each in waiting()] == [(4, GrantState.ASKED)]
    assert [entry.kind for entry in entries()][-2:] == [Kind.GRANTED, Kind.GRANT_ASKED]
    with desk.database.read() as connection:
        entry = of_key(connection, mak.key.id)[-1]
    assert (entry["actor"], entry["reason"], entry["granted"]) == ("Anna Berg", "new branch", 5)


def test_a_second_person_approves_and_the_case_is_told(desk_client, taken, granted, waiting, entries):
    desktop, chief = desk_client(), desk_client(Role.SUPERVISOR, name="Mira Holt", grant_limit=50)
    path = taken(desktop)
    desktop.post(f"{path}/grant", amount="20", reason="new branch")
    (asked,) = waiting()
    assert "Waits for a supervisor who is not you." in desktop.get(path).text
    assert "waits for a grant" in desktop.get("/desk/queue").text
    assert "new branch" in chief.get("/desk/grants").text
    answer = chief.post(f"/desk/grants/{asked.id}/decide", decision="approve", reason="by contract", next=path)
    assert answer.location == path
    assert granted() == 30
    page = desktop.get(path).text
    assert "decided on a grant" in page
    assert "by contract" in page
    assert "grant approved" in desktop.get("/desk/queue").text
    (entry,) = entries(Kind.GRANT_DECIDED)
    assert (entry.name, entry.case_id, entry.key_id) == ("Mira Holt", asked.case_id, asked.key_id)
    assert '"asked_by": "Anna Berg"' in entry.details
    assert not waiting()
    chief.post(f"/desk/grants/{asked.id}/decide", decision="approve")
    assert granted() == 30
    assert "Nothing waits for a second person." in chief.get("/desk/grants").text


def test_what_is_declined_gives_nothing_and_may_be_asked_for_again(desk_client, taken, granted, waiting):
    desktop, chief = desk_client(), desk_client(Role.SUPERVISOR, name="Mira Holt")
    path = taken(desktop)
    desktop.post(f"{path}/grant", amount="20", reason="new branch")
    assert "asked for this key already" in desktop.post(f"{path}/grant", amount="21", reason="more").text
    chief.post(f"/desk/grants/{waiting()[0].id}/decide", decision="decline")
    assert granted() == 10
    desktop.post(f"{path}/grant", amount="2", reason="fewer, then")
    assert len(waiting()) == 1


def test_whoever_asks_never_approves(desk_client, taken, granted, waiting, desk):
    chief = desk_client(Role.SUPERVISOR, name="Mira Holt", grant_limit=10)
    path = taken(chief)
    chief.post(f"{path}/grant", amount="20", reason="new branch")
    (asked,) = waiting()
    assert "Somebody else decides." in chief.get("/desk/grants").text
    chief.post(f"/desk/grants/{asked.id}/decide", decision="approve")
    assert "You asked for this yourself: somebody else decides." in chief.get("/desk/grants").text
    assert granted() == 10
    table = grant_requests.grant_requests
    with pytest.raises(IntegrityError), desk.database.begin() as connection:
        connection.execute(update(table).values(decided_by=asked.asked_by))


def test_an_operator_decides_on_no_grant(desk_client, taken, waiting):
    desktop = desk_client()
    path = taken(desktop)
    desktop.post(f"{path}/grant", amount="20", reason="new branch")
    other = desk_client(name="Sofia Lind")
    assert other.post(f"/desk/grants/{waiting()[0].id}/decide", decision="approve").status_code == 403
    assert other.get("/desk/grants").status_code == 403
    assert "Approve" not in other.get(path).text
    assert len(waiting()) == 1


def test_nobody_approves_more_than_they_might_give(desk_client, taken, granted, waiting):
    desktop, chief = desk_client(), desk_client(Role.SUPERVISOR, name="Mira Holt", grant_limit=25)
    path = taken(desktop)
    desktop.post(f"{path}/grant", amount="20", reason="one")
    chief.post(f"/desk/grants/{waiting()[0].id}/decide", decision="approve")
    desktop.post(f"{path}/grant", amount="6", reason="two")
    (asked,) = waiting()
    assert "You may give 5 to this agreement just now." in chief.get("/desk/grants").text
    chief.post(f"/desk/grants/{asked.id}/decide", decision="approve")
    assert "You may give 5 to this agreement just now. Ask an administrator." in chief.get("/desk/grants").text
    assert granted() == 30
    assert len(waiting()) == 1


def test_an_agreement_gets_ten_times_a_limit_in_thirty_days_whoever_gives(desk, mak, add_operator, clock):
    first, second = add_operator("Anna Berg", grant_limit=30), add_operator("Sofia Lind", grant_limit=2)
    wish = Wish(mak.key.id, "NS-1", 19, "branch")
    with desk.database.begin() as connection:
        grant_requests.write(connection, wish, GrantState.GRANTED, first.id, clock.now)

        def room(who, agreement="NS-1", after=timedelta(0)):
            return grant_requests.room(connection, who.id, who.grant_limit, agreement, clock.now + after)

        assert room(first) == 11
        assert room(second) == 1  # 20 is ten times the limit, and 19 were given
        assert room(second, agreement="NS-2") == 2
        assert room(second, after=timedelta(days=30)) == 2


def test_a_grant_needs_a_genuine_id_an_amount_and_a_reason(desk_client, taken, granted, installation, mak):
    desktop = desk_client(grant_limit=100)
    path = taken(desktop)
    for fields in ({"amount": "3"}, {"amount": "0", "reason": "x"}, {"amount": "-3", "reason": "x"}):
        assert desktop.post(f"{path}/grant", **fields).status_code == 409
    assert desktop.post(f"{path}/grant", amount="9" * 18, reason="x").status_code == 409
    assert desktop.post(f"{path}/grant", amount="9" * 40, reason="x").status_code == 409
    genuine = installation(1, mak.key.serial)
    forged = split(encode(replace(genuine, proof=genuine.proof ^ 1)))
    page = desktop.post(f"{taken(desktop, forged)}/grant", amount="3", reason="x")
    assert "not made with a key of ours" in page.text
    assert granted() == 10


def test_a_key_of_a_short_format_is_not_granted_more_than_its_ids_can_count(
    desk_client, taken, installation, issue_key, desk
):
    compact = issue_key(product=3, granted=9_990)
    desktop = desk_client(grant_limit=1_000)
    path = taken(desktop, split(encode(installation(3, compact.key.serial))))
    page = desktop.post(f"{path}/grant", amount="11", reason="x")
    assert "That is not possible for this key: from 1 to 10." in page.text
    with desk.database.read() as connection:
        assert ledger.balance(connection, compact.key.id).granted == 9_990
        assert not connection.execute(grant_requests.grant_requests.select()).all()
        assert ledger.recount(connection) == ()
    desktop.post(f"{path}/grant", amount="10", reason="x")
    with desk.database.read() as connection:
        assert ledger.balance(connection, compact.key.id).granted == 10_000
