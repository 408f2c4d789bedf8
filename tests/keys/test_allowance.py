"""The counters of a key: kept in bounds by the database itself, and held against the entries."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from keys import allowance


def test_the_counters_cannot_be_driven_past_what_was_granted(database, mak):
    for wrong in ("posted = granted + 1", "pending = -1", "posted = -1", "granted = -1"):
        with pytest.raises(IntegrityError), database.begin() as connection:
            connection.execute(text(f"UPDATE allowances SET {wrong}"))
    with database.read() as connection:
        assert allowance.balance(connection, mak.key.id) == allowance.Balance(10, 0, 0)


def test_counters_that_are_not_the_sums_of_their_entries_are_found(database, mak, issue_key):
    other = issue_key().key
    with database.begin() as connection:
        connection.execute(text("UPDATE allowances SET granted = 11 WHERE key_id = :id"), {"id": mak.key.id})
        connection.execute(text("DELETE FROM allowances WHERE key_id = :id"), {"id": other.id})
        found = allowance.recount(connection)
    assert [(one.key_id, one.counted.granted, one.summed.granted) for one in found] == [
        (mak.key.id, 11, 10),
        (other.id, 0, 10),
    ]
