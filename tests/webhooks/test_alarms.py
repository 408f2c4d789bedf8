"""A sound proof on a serial that was never issued: refused like any other, and somebody is told, once."""

from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from ivr import operators
from ivr.callers import seal
from ivr.operators import NewOperator, Role
from keys import alarms
from keys.groups import split
from keys.installation_id import encode
from webhooks import background

PHONE = "+14155550177"


@pytest.fixture
def forged(installation, mak):
    """The groups of an ID that somebody made with the product's issuing key."""
    return lambda serial: split(encode(installation(1, mak.key.serial + serial)))


@pytest.fixture
def on_call(database, clock, secrets):
    with database.begin() as connection:
        sealed = seal(PHONE, secrets.number_key)
        operators.add(
            connection, NewOperator("Ada", Role.SUPERVISOR, "x", phone_sealed=sealed, on_call=True), clock.now
        )


def keyed(call, groups):
    for group in groups:
        call.key(group)
    return call


def test_the_caller_hears_what_any_wrong_key_hears_and_an_alarm_is_kept(ring, forged, rows):
    with structlog.testing.capture_logs() as logged:
        call = keyed(ring(), forged(500))
    assert call.words.startswith("This installation ID does not match any product key of ours.")
    assert [entry["log_level"] for entry in logged if entry["event"] == "serial_never_issued"] == ["critical"]
    (alarm,) = rows("alarms")
    assert (alarm["kind"], alarm["product"], alarm["times"], alarm["channel"]) == ("serial_never_issued", 1, 1, "phone")
    (case,) = rows("cases")
    assert case["points"] == 100
    assert rows("reservations") == []


def test_another_of_the_same_product_is_counted_in_the_same_row_until_it_is_seen(ring, forged, rows, database, clock):
    for place in range(3):
        keyed(ring(f"+1415555018{place}"), forged(500 + place))
    (alarm,) = rows("alarms")
    assert alarm["times"] == 3
    assert alarm["last_at"] > alarm["first_at"]
    with database.begin() as connection:
        seen = alarms.see(connection, alarm["id"], "Sofia Lind", clock.now)
        assert seen is not None
        assert seen.seen_by == "Sofia Lind"
        assert alarms.see(connection, alarm["id"], "Anna Berg", clock.now) is None
    keyed(ring("+14155550189"), forged(600))
    assert [(row["times"], row["seen_by"]) for row in rows("alarms")] == [(3, "Sofia Lind"), (1, None)]


@pytest.mark.usefixtures("on_call")
def test_whoever_is_on_call_is_told_once_also_while_somebody_is_at_the_desk(
    texting, door_of, ring, forged, texts, database, clock
):
    texts.number = PHONE
    with database.begin() as connection:
        operators.set_presence(connection, 1, operators.Presence.AVAILABLE, clock.now)
    at = door_of(texting)
    assert background.page_on_call(texting) == 0
    keyed(ring("+14155550180", at=at), forged(500))
    assert background.page_on_call(texting) == 1
    keyed(ring("+14155550181", at=at), forged(501))
    assert background.page_on_call(texting) == 0
    name = texting.lines.all[0].name
    said = f"{name}: alarm. An ID with a sound proof named a key of product 1 that was never issued."
    assert texts.come() == [f"{said} Its issuing key may have leaked. Please log in to the desk."]


@pytest.mark.usefixtures("on_call")
def test_where_no_line_sends_texts_the_alarm_waits_at_the_desk_and_the_work_goes_on(exchange, ring, forged):
    keyed(ring(), forged(500))
    assert background.page_on_call(exchange) == 0
    with exchange.database.read() as connection:
        (alarm,) = alarms.unseen(connection)
        assert alarms.unpaged(connection) == []
    assert alarm.paged_at is not None


def test_a_wrong_proof_on_an_unknown_serial_is_a_slip_and_no_alarm(ring, rows, installation, mak):
    iid = installation(1, mak.key.serial + 500)
    keyed(ring(), split(encode(replace(iid, proof=iid.proof ^ 1))))
    assert [row["kind"] for row in rows("guesses")] == ["proof"]
    assert rows("alarms") == []


def test_an_alarm_is_found_by_whoever_asks_later(database, clock):
    with database.begin() as connection:
        alarms.ring(connection, alarms.AlarmKind.SERIAL_NEVER_ISSUED, 1, 77, "api", clock.now)
        alarms.ring(connection, alarms.AlarmKind.SERIAL_NEVER_ISSUED, 3, 78, "text", clock.now + timedelta(hours=1))
    with database.read() as connection:
        assert [(alarm.product, alarm.serial, alarm.channel) for alarm in alarms.unseen(connection)] == [
            (3, 78, "text"),
            (1, 77, "api"),
        ]
        assert alarms.seen(connection) == []
