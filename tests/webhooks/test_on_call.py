"""The page to whoever is on call: one text, while nobody is at the desk, and one in a quarter of an hour at most."""

import threading
from datetime import timedelta

import pytest

from ivr import cases, operators, queue
from ivr.callers import seal, unseal
from ivr.operators import NewOperator, Presence, Role
from ivr.queue import HandoffState
from webhooks import background

PHONE = "+14155550177"


@pytest.fixture
def person(database, clock, secrets):
    """Adds an operator; on call, with a telephone, unless told otherwise."""

    def add(name="Ada", phone=PHONE, *, on_call=True, presence=Presence.OFF):
        sealed = None if phone is None else seal(phone, secrets.number_key)
        with database.begin() as connection:
            new = NewOperator(name, Role.OPERATOR, "x", phone_sealed=sealed, on_call=on_call)
            one = operators.add(connection, new, clock.now)
            operators.set_presence(connection, one.id, presence, clock.now)
            return one

    return add


@pytest.fixture
def waits(database, clock):
    """Puts a case into the queue."""
    numbers = iter(range(1000, 9999))

    def enter():
        with database.begin() as connection:
            case = cases.open_case(
                connection, line="+15550100", caller=None, layout=None, groups=(), now=clock.now,
                below=lambda below: next(numbers) * 7919 % below,
            )  # fmt: skip
            return queue.enter(
                connection, case.id, channel="phone", sid=f"CA{case.id}", line="+15550100", caller=None,
                reason="ASKED", now=clock.now,
            )  # fmt: skip

    return enter


def sent(rows, secrets):
    return [(unseal(row["number_sealed"], secrets.number_key), row["state"]) for row in rows("outbox")]


def test_a_case_that_nobody_is_there_for_brings_one_text_to_everybody_on_call(texting, person, waits, rows, secrets):
    person()
    person("Bert", "+14155550178")
    person("Not on call", "+14155550179", on_call=False)
    person("No telephone", None)
    assert background.page_on_call(texting) == 0
    waits()
    assert background.page_on_call(texting) == 2
    assert sent(rows, secrets) == [(PHONE, "queued"), ("+14155550178", "queued")]
    assert texting.texts_due.is_set()


def test_what_the_text_says(texting, person, waits, texts):
    texts.number = PHONE
    person()
    waits()
    waits()
    background.page_on_call(texting)
    (text,) = texts.come()
    name = texting.lines.all[0].name
    assert text == f"{name}: 2 cases wait for a person and nobody is at the desk. Please log in to the desk."


@pytest.mark.parametrize("presence", [Presence.AVAILABLE, Presence.WRAPPING_UP])
def test_while_somebody_is_at_the_desk_nobody_is_paged(texting, person, waits, rows, presence):
    person()
    person("Bert", None, on_call=False, presence=presence)
    waits()
    assert background.page_on_call(texting) == 0
    assert rows("outbox") == []


def test_somebody_who_is_away_is_not_at_the_desk(texting, person, waits):
    person(presence=Presence.AWAY)
    waits()
    assert background.page_on_call(texting) == 1


def test_more_cases_bring_no_more_texts_for_a_quarter_of_an_hour(texting, person, waits, clock, rows):
    person()
    for _ in range(15):
        waits()
        background.page_on_call(texting)
        clock.sleep(59)
    assert len(rows("outbox")) == 1
    clock.sleep(60)
    waits()
    background.page_on_call(texting)
    assert len(rows("outbox")) == 2


def test_the_same_cases_are_not_told_of_again(texting, person, waits, clock):
    person()
    waits()
    assert background.page_on_call(texting) == 1
    clock.sleep(timedelta(hours=2).total_seconds())
    assert background.page_on_call(texting) == 0


def test_a_case_that_was_taken_up_needs_nobody(texting, person, waits, database):
    person()
    handoff = waits()
    with database.begin() as connection:
        taken = queue.handoffs.update().where(queue.handoffs.c.id == handoff.id)
        connection.execute(taken.values(state=HandoffState.CLAIMED))
    assert background.page_on_call(texting) == 0


def test_a_line_that_sends_no_texts_pages_nobody(exchange, person, waits, rows):
    person()
    waits()
    assert background.page_on_call(exchange) == 0
    assert rows("outbox") == []


def test_two_processes_that_look_at_once_send_one_text(texting, person, waits, rows):
    person()
    waits()
    together = threading.Barrier(2)

    def look():
        together.wait(10)
        background.page_on_call(texting)

    both = [threading.Thread(target=look) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(20)
    assert len(rows("outbox")) == 1
