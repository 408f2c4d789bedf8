"""The status callback: a hang-up gives back what the call alone holds, once; nothing else changes anything."""

from datetime import timedelta

import pytest

from keys import ledger

OVER = ["completed", "busy", "failed", "no-answer", "canceled"]


@pytest.fixture
def balance(database, mak):
    def read():
        with database.read() as connection:
            return ledger.balance(connection, mak.key.id)

    return read


@pytest.fixture
def hold(database, mak, installation, clock):
    """A pending reservation held by a call."""

    def reserve(holder, nonce=9):
        claim = ledger.Claim(installation(1, mak.key.serial, nonce=nonce), 2, "phone", holder)
        with database.begin() as connection:
            held = ledger.reserve(connection, claim, now=clock.now, hold_for=timedelta(minutes=30))
        assert isinstance(held, ledger.Reserved)

    return reserve


@pytest.mark.parametrize("status", OVER)
def test_the_end_of_a_call_gives_back_what_it_holds(ring, hold, balance, rows, status):
    call = ring()
    hold(call.sid)
    assert balance().pending == 1
    answer = call.status(status)
    assert (answer.status_code, answer.data) == (204, b"")
    assert (balance().pending, balance().available) == (0, 10)
    (kept,) = rows("calls")
    assert kept["ended_at"] is not None
    assert kept["outcome"] == "hung_up"


def test_the_same_callback_again_changes_nothing(ring, hold, rows):
    call = ring()
    hold(call.sid)
    call.status("completed")
    before = {table: rows(table) for table in ("calls", "reservations", "entries", "cases")}
    for _ in range(3):
        assert call.status("completed").status_code == 204
    assert {table: rows(table) for table in before} == before


def test_another_calls_hold_is_left_alone(ring, hold, balance):
    call, other = ring(), ring("+14155550199")
    hold(call.sid, nonce=1)
    hold(other.sid, nonce=2)
    call.status("completed")
    assert balance().pending == 1


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress", "", "COMPLETED", "?"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_any_other_status_ends_nothing(ring, hold, balance, groups, status):
    call = ring()
    hold(call.sid)
    assert call.status(status).status_code == 204
    assert balance().pending == 1
    assert "Group 2" in call.key(groups[0]).words


def test_the_end_of_a_call_nobody_knows_is_no_fault(ring, rows):
    call = ring()
    before = rows("calls")
    call.sid = "CA" + "3" * 32
    assert call.status("completed").status_code == 204
    assert rows("calls") == before


def test_a_spent_activation_is_not_given_back(ring, groups, balance, rows):
    call = ring().key("".join(groups))
    assert "Approved" in call.words
    call.status("completed")
    assert (balance().posted, balance().available) == (1, 9)
    assert rows("calls")[0]["outcome"] == "activated"


def test_keyed_groups_are_kept_for_later(ring, groups, rows):
    ring().key(groups[0]).key(groups[1]).status("completed")
    assert rows("cases")[0]["groups"].startswith(",".join(groups[:2]))
