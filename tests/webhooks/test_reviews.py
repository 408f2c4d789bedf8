"""Activations that a person looks at first: only where the line says so, and nothing is spent before the look."""

import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from ivr import guesses, queue, reviews
from ivr.desk_entries import Kind
from ivr.guesses import GuessKind
from ivr.hours import DeskHours, read_hours
from ivr.lines import Lines
from ivr.operators import NewOperator, Role, add
from ivr.signs import RULES, Score, Sign
from keys import ledger
from keys.installation_id import decode
from webhooks.desk import deciding, handling, reviewing
from webhooks.desk.handling import Doing, Done, NotDone, Why

from .conftest import Texts

ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
CALLER = "+14155550123"
POINTS = {rule.sign: rule.points for rule in RULES}
FIRST = "A person has to look at this activation first."


@pytest.fixture
def line_of(texting):
    """The exchange with a line that holds from so many points on; its desk is open unless said otherwise."""

    def of(held_at=None, *, desk=ALWAYS, blocked_at=None):
        line = replace(texting.lines.all[0], desk=desk, held_at=held_at, blocked_at=blocked_at)
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
    line = line_of(1)
    return lambda connection: Doing(connection, secrets, ada, clock.now, line.lines, line.limits)


@pytest.fixture
def brought(activated, guessed, ring, groups):
    """Bring a sign about, for the machine of `groups` or whoever calls from CALLER."""

    def bring(sign, at):
        match sign:
            case Sign.CYCLING:
                activated(3)
            case Sign.KEY_GUESSED:
                guessed(2)
            case Sign.CALLER_CASES:
                for _ in range(2):
                    keyed(ring(CALLER, at=at), groups[:2]).status("completed")

    return bring


@pytest.fixture
def held(ring, door_of, line_of, groups, activated):
    """A call whose activation is held, for a machine that was activated three times."""
    activated(3)
    return keyed(ring(CALLER, at=door_of(line_of(POINTS[Sign.CYCLING]))), groups)


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
    at = door_of(line_of(POINTS[Sign.KEY_GUESSED]))
    assert keyed(ring(CALLER, at=at), groups).words.startswith("Approved.")
    guessed(2)
    assert keyed(ring("+14155550188", at=at), groups).words.startswith("This machine is approved already")
    assert spent() == 1
    assert rows("reviews") == []


@pytest.mark.parametrize("sign", [Sign.CYCLING, Sign.KEY_GUESSED, Sign.CALLER_CASES])
def test_the_caller_hears_that_a_person_looks_first_and_waits_for_one(
    ring, door_of, line_of, groups, brought, rows, spent, sign
):
    at = door_of(line_of(POINTS[sign]))
    brought(sign, at)
    before = spent()
    call = keyed(ring(CALLER, at=at), groups)
    assert call.words.startswith(f"{FIRST} You are number 1 in line")
    assert spent() == before
    (handoff,) = rows("handoffs")
    assert handoff["reason"] == "HELD_FOR_REVIEW"
    (review,) = rows("reviews")
    assert (review["points"], list(json.loads(review["signs"]))) == (POINTS[sign], [sign])


def test_a_point_less_than_the_line_asks_for_holds_nothing(ring, door_of, line_of, groups, activated, rows):
    activated(4)
    at = door_of(line_of(POINTS[Sign.CYCLING] + 1))
    assert keyed(ring(CALLER, at=at), groups).words.startswith("Approved.")
    assert (rows("cases")[0]["points"], rows("reviews")) == (POINTS[Sign.CYCLING], [])


def test_a_person_lets_it_through_and_the_line_activates(held, at_the_desk, rows, spent):
    assert held.silence().words == ""
    assert at_the_desk(reviewing.let_through, "") == NotDone(Why.NO_REASON)
    done = at_the_desk(reviewing.let_through, "the customer changes disks often")
    assert (done.kind, done.facts) == (Kind.LET_THROUGH, {"by": "line"})
    assert held.silence().words.startswith("Approved.")
    assert spent() == 4
    entry = rows("desk_entries")[-1]
    assert (entry["kind"], entry["reason"]) == ("let_through", "the customer changes disks often")
    assert entry["details"] == '{"points": 30, "held_for": ["cycling"]}'


def test_what_was_handed_back_without_a_yes_is_held_again(held, at_the_desk, spent):
    assert isinstance(at_the_desk(deciding.hand_back, ""), Done)
    assert held.silence().words.startswith(FIRST)
    assert spent() == 3


@pytest.mark.usefixtures("held")
def test_a_yes_is_for_one_installation_in_one_case(groups, at_the_desk, database, installation, mak, clock):
    case_id, iid = 1, decode("".join(groups))
    odd = Score(30, {Sign.CYCLING: 3})

    def is_held(of, score=odd, held_at=30):
        with database.begin() as connection:
            return reviews.held(connection, case_id, of, score, held_at, clock.now)

    assert is_held(iid)
    assert isinstance(at_the_desk(reviewing.let_through, "known customer"), Done)
    assert at_the_desk(reviewing.let_through, "again").why is Why.DECIDED
    assert not is_held(iid)
    assert not is_held(iid, Score(100, {Sign.CYCLING: 3, Sign.CALLERS: 9}))
    assert is_held(installation(1, mak.key.serial, nonce=8))
    with database.begin() as connection:
        assert reviews.let_through(connection, case_id, iid, "Bert", clock.now) is None
        assert reviews.of_case(connection, case_id, iid).let_through_by == "Ada"


def test_an_operator_who_activates_needs_no_other_yes(held, at_the_desk, spent):
    assert isinstance(at_the_desk(deciding.issue, "", by_text=False), Done)
    assert held.silence().words.startswith("A person has approved this machine.")
    assert spent() == 4


def test_where_nobody_is_there_the_caller_hears_the_other_ways_on(ring, door_of, line_of, groups, activated, rows):
    activated(3)
    call = keyed(ring(CALLER, at=door_of(line_of(POINTS[Sign.CYCLING], desk=None))), groups)
    assert call.words.startswith(f"{FIRST} Your case number is")
    assert "To be called back at this number, press 1." in call.words
    assert "To try again" not in call.words
    assert rows("cases")[-1]["state"] == "waiting"


def test_a_text_is_told_that_a_person_looks_first_and_is_in_the_queue(
    line_of, clock, groups, activated, rows, at_the_desk
):
    activated(3)
    texts = Texts(line_of(POINTS[Sign.CYCLING]), clock)
    (answer,) = texts.send(" ".join(groups))
    assert answer.startswith(f"{FIRST} A person will look at your case and answer here.")
    (handoff,) = rows("handoffs")
    assert (handoff["channel"], handoff["reason"]) == ("text", "HELD_FOR_REVIEW")
    assert at_the_desk(reviewing.let_through, "known customer").facts == {"by": "nobody"}
    (answer,) = texts.send("status")
    assert "waits for a person" in answer
    (answer,) = texts.send(" ".join(groups))
    assert answer.startswith("Approved.")


def test_a_text_at_night_is_promised_a_call_back(line_of, clock, groups, activated, rows):
    activated(3)
    (answer,) = Texts(line_of(POINTS[Sign.CYCLING], desk=None), clock).send(" ".join(groups))
    assert answer.startswith(f"{FIRST} An operator will call you back")
    assert len(rows("call_backs")) == 1


def test_a_key_is_blocked_by_the_line_only_where_its_setting_says_so_and_the_entry_names_the_rules(
    ring, door_of, line_of, groups, activated, guessed, rows, spent
):
    activated(3)
    guessed(2)
    before = spent()
    call = keyed(ring(CALLER, at=door_of(line_of(held_at=40, blocked_at=50))), groups)
    assert call.words.startswith("The product key on this machine has been blocked.")
    assert spent() == before
    (entry,) = [entry for entry in rows("entries") if entry["kind"] == "block"]
    assert (entry["actor"], entry["reason"]) == ("line", "50 points: cycling 3, key_guessed 2")


def test_a_point_less_blocks_no_key(ring, door_of, line_of, groups, activated, guessed, rows):
    activated(3)
    guessed(2)
    keyed(ring(CALLER, at=door_of(line_of(held_at=40, blocked_at=51))), groups)
    assert [row["status"] for row in rows("product_keys")] == ["active"]
    assert [row["reason"] for row in rows("handoffs")] == ["HELD_FOR_REVIEW"]
