"""Issuing keys: once, whole once, and never a secret in the database."""

import sqlite3
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import MetaData, select, update

from keys import derivation, issue, product_key
from keys.catalog import agreements
from keys.entries import Kind, of_key
from keys.issue import IssueError, IssueFault, KeyStatus, Order
from keys.product_key import KeyType
from keys.products import products
from tests.conftest import NOW


def issued(database, secrets, order):
    with database.begin() as connection:
        return issue.issue(connection, secrets, order, now=NOW, actor="Mara", reason="order 7")


def shown(database, key):
    with database.read() as connection:
        return issue.show(connection, key.product, key.serial)


def test_a_key_is_made_from_its_product_s_issuing_key_and_its_row_shows_the_last_five(database, mak, secrets):
    key = product_key.decode(mak.text)
    assert (key.type, key.product, key.serial) == (KeyType.MAK, 1, mak.key.serial)
    assert key.secret == derivation.key_secret(secrets.products[1].issuing_key, key.serial)
    assert mak.text.endswith(mak.key.last_five)
    assert mak.key.balance.available == 10
    assert shown(database, mak.key) == mak.key
    assert mak.text not in repr(mak)


def dump(database):
    """Everything the database holds, as one text: bytes in hexadecimal."""
    if database.dialect == "sqlite":
        with sqlite3.connect(str(database.url.database)) as connection:
            return "\n".join(connection.iterdump()).lower()
    reflected = MetaData()
    reflected.reflect(database.engine)
    with database.read() as connection:
        rows = [tuple(row) for table in reflected.sorted_tables for row in connection.execute(select(table))]
    return " ".join(value.hex() if isinstance(value, bytes) else str(value) for row in rows for value in row).lower()


def test_the_database_holds_no_secret_of_any_key(database, mak, secrets):
    held = dump(database)
    assert mak.key.last_five.lower() in held
    key = product_key.decode(mak.text)
    signs = mak.text.replace("-", "").lower()
    for secret in (key.secret.hex(), secrets.products[1].issuing_key.hex(), str(int.from_bytes(key.secret, "big"))):
        assert secret not in held
    for start in range(15):  # no six signs in a row before the last five, however they are grouped
        assert signs[start : start + 6] not in held.replace("-", "")


def test_serials_are_counted_over_all_types_of_a_product_and_apart_for_each_product(issue_key):
    types = (KeyType.MAK, KeyType.KMS_CLIENT, KeyType.KMS_HOST)
    assert [issue_key(1, key_type=key_type).key.serial for key_type in types] == [1, 2, 3]
    assert issue_key(7).key.serial == 1


def test_a_serial_is_not_given_again_after_a_failed_issue_that_was_undone_or_a_deleted_key(database, issue_key):
    first = issue_key()
    with database.begin() as connection:
        connection.execute(issue.product_keys.delete().where(issue.product_keys.c.id == first.key.id))
    assert issue_key().key.serial == first.key.serial + 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"product": 2}, IssueFault.PRODUCT_UNKNOWN),
        ({"agreement": "NS-9"}, IssueFault.AGREEMENT_UNKNOWN),
        ({"granted": -1}, IssueFault.GRANT_OUT_OF_RANGE),
        ({"product": 3, "granted": 10_001}, IssueFault.GRANT_OUT_OF_RANGE),
        ({"granted": issue.MOST_GRANTED + 1}, IssueFault.GRANT_OUT_OF_RANGE),
    ],
    ids=str,
)
def test_what_cannot_be_issued_is_refused_by_reason(database, catalogue, secrets, change, fault):
    order = Order(1, catalogue.agreements[0].number, 10)
    with pytest.raises(IssueError) as refused:
        issued(database, secrets, replace(order, **change))
    assert refused.value.fault is fault


def test_a_compact_key_may_have_as_many_as_its_format_allows(issue_key):
    assert issue_key(3, granted=10_000).key.balance.available == 10_000


def test_a_retired_product_an_ended_agreement_or_a_missing_issuing_key_issues_nothing(database, catalogue, secrets):
    order = Order(1, catalogue.agreements[0].number, 10)

    def fault(known=secrets):
        with pytest.raises(IssueError) as refused:
            issued(database, known, order)
        return refused.value.fault

    assert fault(replace(secrets, products={})) is IssueFault.ISSUING_KEY_MISSING
    with database.begin() as connection:
        connection.execute(update(agreements).values(ends=date(2026, 11, 23)))
    assert fault() is IssueFault.AGREEMENT_INACTIVE
    with database.begin() as connection:
        connection.execute(update(products).values(status="retired"))
    assert fault() is IssueFault.PRODUCT_RETIRED


def test_no_serial_is_given_beyond_what_the_format_holds(database, catalogue, secrets):
    with database.begin() as connection:
        connection.execute(update(products).where(products.c.number == 3).values(next_serial=1 << 22))
    with pytest.raises(IssueError) as refused:
        issued(database, secrets, Order(3, catalogue.agreements[0].number, 1))
    assert refused.value.fault is IssueFault.SERIALS_EXHAUSTED


def test_granting_more_is_an_entry_with_a_name_and_a_reason(database, mak):
    with database.begin() as connection:
        after = issue.grant(connection, mak.key, 5, now=NOW, actor="Mara", reason="order 8")
        newest = of_key(connection, mak.key.id)[-1]
    assert after.available == 15
    assert (newest["kind"], newest["granted"], newest["actor"], newest["reason"]) == (Kind.GRANT, 5, "Mara", "order 8")


@pytest.mark.parametrize("more", [0, -3, 9_991])
def test_a_grant_that_takes_away_or_passes_the_format_s_bound_is_refused(database, issue_key, more):
    key = issue_key(3).key
    with pytest.raises(IssueError) as refused, database.begin() as connection:
        issue.grant(connection, key, more, now=NOW, actor="Mara")
    assert refused.value.fault is IssueFault.GRANT_OUT_OF_RANGE
    assert shown(database, key).balance.granted == 10


def test_a_key_is_blocked_and_opened_once_each_and_by_name(database, mak):
    facts = {"now": NOW, "actor": "Mara", "reason": "leaked"}
    with database.begin() as connection:
        assert issue.block(connection, mak.key, **facts)
        assert not issue.block(connection, mak.key, **facts)
    assert shown(database, mak.key).status is KeyStatus.BLOCKED
    with database.begin() as connection:
        assert issue.unblock(connection, mak.key, **facts)
        assert not issue.unblock(connection, mak.key, **facts)
        told = [(entry["kind"], entry["actor"], entry["reason"]) for entry in of_key(connection, mak.key.id)]
    assert told[1:] == [(Kind.BLOCK, "Mara", "leaked"), (Kind.UNBLOCK, "Mara", "leaked")]


def test_keys_are_listed_by_product_and_serial(database, issue_key):
    for product in (7, 1, 1):
        issue_key(product)
    with database.read() as connection:
        assert [(key.product, key.serial) for key in issue.listed(connection)] == [(1, 1), (1, 2), (7, 1)]
        assert [key.serial for key in issue.listed(connection, issue.Wanted(7))] == [1]
