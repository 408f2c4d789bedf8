"""Activations that a person looks at first: only where the line says so, and nothing is spent before the look."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr import guesses, queue, reviews
from ivr.desk_entries import Kind
from ivr.guesses import GuessKind
from ivr.hours import DeskHours, read_hours
from ivr.lines import Lines
from ivr.operators import NewOperator, Role, add
from ivr.reviews import Asked
from ivr.signs import Sign
from keys import ledger
from keys.installation_id import decode
from webhooks.desk import deciding, handling
from webhooks.desk.handling import Doing, Done, NotDone, Why

from .conftest import Texts

ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
CALLER = "+14155550123"
FIRST = "A person has to look at this activation first."


@pytest.fixture
def line_of(texting):
    """The exchange with a line that holds for these signs; its desk is open unless said otherwise."""

    def of(*signs, desk=ALWAYS):
        line = replace(texting.lines.all[0], desk=desk, held_for=tuple(signs))
        return replace(texting, lines=Lines((line,)))

    return of


@pytest.fixture
def activated(database, clock, mak, installation):
    """Activate the machine of `groups` so often, each time as a new installation of it."""

    def times(count):
        for nonce in range(1000, 1000 + count):
            iid = installation(1, mak.key.serial, nonce=nonce)
            claim = ledger.Claim(iid, 2, "phone", f"CA{nonce}", None)
            with database.begin() as connection:
                assert isinstance(ledger.reserve_and_post(connection, claim, now=clock.now), ledger.Activated)

    return times


@pytest.fixture
def guessed(database, clock, mak):
    """Somebody else brings wrong proofs that name the key."""

    def times(count):
        with database.begin() as connection:
            for _ in range(count):
                guesses.note(
                    connection, GuessKind.PROOF, caller="another", call_sid="CA9", now=clock.now,
                    product=1, serial=mak.key.serial,
                )  # fmt: skip

    return times


@pytest.fixture
def doing(database, clock, secrets, line_of):
    """What an operator of a name works with, on an open transaction."""
    with database.begin() as connection:
        ada = add(connection, NewOperator("Ada", Role.OPERATOR, "x"), clock.now)
    line = line_of(*Sign)
    return lambda connection: Doing(connection, secrets, ada, clock.now, line.lines, line.limits)


@pytest.fixture
def brought(activated, guessed, ring, groups):
    """Bring a sign about, for the machine of `groups` or whoever calls from CALLER."""

    def bring(sign, at):
        match sign:
            case Sign.REACTIVATIONS:
                activated(3)
            case Sign.GUESSES:
                guessed(2)
            case Sign.CASES:
                for _ in range(2):
                    keyed(ring(CALLER, at=at), groups[:2]).status("completed")

    return bring


@pytest.fixture
def held(ring, door_of, line_of, groups, activated):
    """A call whose activation is held, for a machine that was activated three times."""
    activated(3)
    return keyed(ring(CALLER, at=door_of(line_of(Sign.REACTIVATIONS))), groups)


@pytest.fixture
def at_the_desk(database, doing):
    """Claim the one case and do something with it: what came of that."""

    def do(deed, *words, **named):
        with database.begin() as connection:
            at = doing(connection)
            (handoff,) = queue.unfinished(connection)
            handling.claim(at, handoff.id)
            return deed(at, handoff.id, *words, **named)

    return do


@pytest.fixture
def spent(rows):
    return lambda: [row["state"] for row in rows("reservations")].count("posted")


def keyed(call, groups):
    for group in groups:
        call.key(group)
    return call


def test_a_sign_alone_is_shown_and_holds_nothing(ring, door_of, line_of, groups, activated, guessed, rows):
    activated(3)
    guessed(2)
    call = keyed(ring(CALLER, at=door_of(line_of())), groups)
    assert call.words.startswith("Approved.")
    assert rows("reviews") == []


def test_what_was_activated_before_is_given_again_without_a_look(ring, door_of, line_of, groups, guessed, spent, rows):
    at = door_of(line_of(Sign.GUESSES))
    assert keyed(ring(CALLER, at=at), groups).words.startswith("Approved.")
    guessed(2)
    assert keyed(ring("+14155550188", at=at), groups).words.startswith("This machine is approved already")
    assert spent() == 1
    assert rows("reviews") == []


@pytest.mark.parametrize("sign", [Sign.REACTIVATIONS, Sign.GUESSES, Sign.CASES])
def test_the_caller_hears_that_a_person_looks_first_and_waits_for_one(
    ring, door_of, line_of, groups, brought, rows, spent, sign
):
    at = door_of(line_of(sign))
    brought(sign, at)
    before = spent()
    call = keyed(ring(CALLER, at=at), groups)
    assert call.words.startswith(f"{FIRST} You are number 1 in line")
    assert spent() == before
    (handoff,) = rows("handoffs")
    assert handoff["reason"] == "HELD_FOR_REVIEW"
    assert [row["signs"] for row in rows("reviews")] == [sign]


def test_another_sign_than_the_line_s_holds_nothing(ring, door_of, line_of, groups, activated):
    activated(4)
    assert keyed(ring(CALLER, at=door_of(line_of(Sign.GUESSES))), groups).words.startswith("Approved.")


def test_a_person_lets_it_through_and_the_line_activates(held, at_the_desk, rows, spent):
    assert held.silence().words == ""
    assert at_the_desk(deciding.let_through, "") == NotDone(Why.NO_REASON)
    done = at_the_desk(deciding.let_through, "the customer changes disks often")
    assert (done.kind, done.facts) == (Kind.LET_THROUGH, {"by": "line"})
    assert held.silence().words.startswith("Approved.")
    assert spent() == 4
    entry = rows("desk_entries")[-1]
    assert (entry["kind"], entry["reason"]) == ("let_through", "the customer changes disks often")
    assert entry["details"] == '{"held_for": ["reactivations"]}'


def test_what_was_handed_back_without_a_yes_is_held_again(held, at_the_desk, spent):
    assert isinstance(at_the_desk(deciding.hand_back, ""), Done)
    assert held.silence().words.startswith(FIRST)
    assert spent() == 3


@pytest.mark.usefixtures("held")
def test_a_yes_is_for_one_installation_in_one_case(groups, at_the_desk, database, installation, mak, clock):
    case_id, iid = 1, decode("".join(groups))
    asked = Asked(case_id, iid, "somebody", "phone", "CA1", clock.now)
    with database.begin() as connection:
        assert reviews.held(connection, asked, tuple(Sign))
    assert isinstance(at_the_desk(deciding.let_through, "known customer"), Done)
    assert at_the_desk(deciding.let_through, "again").why is Why.DECIDED
    with database.begin() as connection:
        assert not reviews.held(connection, asked, tuple(Sign))
        assert reviews.held(connection, replace(asked, iid=installation(1, mak.key.serial, nonce=8)), tuple(Sign))
        assert reviews.let_through(connection, case_id, iid, "Bert", clock.now) is None
        assert reviews.of_case(connection, case_id, iid).let_through_by == "Ada"


def test_an_operator_who_activates_needs_no_other_yes(held, at_the_desk, spent):
    assert isinstance(at_the_desk(deciding.issue, "", by_text=False), Done)
    assert held.silence().words.startswith("A person has approved this machine.")
    assert spent() == 4


def test_where_nobody_is_there_the_caller_hears_the_other_ways_on(ring, door_of, line_of, groups, activated, rows):
    activated(3)
    call = keyed(ring(CALLER, at=door_of(line_of(Sign.REACTIVATIONS, desk=None))), groups)
    assert call.words.startswith(f"{FIRST} Your case number is")
    assert "To be called back at this number, press 1." in call.words
    assert "To try again" not in call.words
    assert rows("cases")[-1]["state"] == "waiting"


def test_a_text_is_told_that_a_person_looks_first_and_is_in_the_queue(
    line_of, clock, groups, activated, rows, at_the_desk
):
    activated(3)
    texts = Texts(line_of(Sign.REACTIVATIONS), clock)
    (answer,) = texts.send(" ".join(groups))
    assert answer.startswith(f"{FIRST} A person will look at your case and answer here.")
    (handoff,) = rows("handoffs")
    assert (handoff["channel"], handoff["reason"]) == ("text", "HELD_FOR_REVIEW")
    assert at_the_desk(deciding.let_through, "known customer").facts == {"by": "nobody"}
    (answer,) = texts.send("status")
    assert "waits for a person" in answer
    (answer,) = texts.send(" ".join(groups))
    assert answer.startswith("Approved.")


def test_a_text_at_night_is_promised_a_call_back(line_of, clock, groups, activated, rows):
    activated(3)
    (answer,) = Texts(line_of(Sign.REACTIVATIONS, desk=None), clock).send(" ".join(groups))
    assert answer.startswith(f"{FIRST} An operator will call you back")
    assert len(rows("call_backs")) == 1


def test_signs_are_counted_by_what_stands_in_the_books(database, clock, installation, mak, activated, guessed):
    asked = Asked(1, installation(1, mak.key.serial, nonce=5), "somebody", "phone", "CA1", clock.now)

    def signs(of=asked):
        with database.read() as connection:
            return reviews.signs_of(connection, of)

    assert signs() == ()
    activated(2)
    guessed(1)
    assert signs() == ()
    guessed(1)
    assert signs() == (Sign.GUESSES,)
    another_machine = replace(asked, iid=installation(1, mak.key.serial, fingerprint=(9,) * 8))
    with database.begin() as connection:
        for nonce in (2000, 2001):
            again = ledger.Claim(installation(1, mak.key.serial, nonce=nonce), 2, "phone", f"CA{nonce}", None)
            ledger.reserve_and_post(connection, again, now=clock.now - timedelta(days=40))
    assert signs() == (Sign.REACTIVATIONS, Sign.GUESSES)
    assert signs(another_machine) == (Sign.GUESSES,)
