"""The one turn function: taken once, answered alike, and no confirmation ID that the ledger has not posted."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, update

from ivr import call_backs
from ivr.actions import HangUp, ReadBack
from ivr.callers import recognise
from ivr.calls import calls
from ivr.cases import CaseState, cases
from ivr.states import Ended
from ivr.turn import Knock, hang_up, take_turn
from keys import ledger
from keys.allowance import allowances
from keys.entries import Kind, entries
from keys.groups import split
from keys.installation_id import encode
from keys.issue import Order, issue
from keys.reservations import State, reservations
from tests.keys.test_ledger_interleaved import await_lock
from webhooks.door import Exchange

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
FRESH = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


class Phone:
    """One call into the turn function, without the web in between."""

    def __init__(self, exchange: Exchange, clock, sid: str, number: str = "+14155550123") -> None:
        self.exchange = exchange
        self.clock = clock
        self.sid = sid
        self.number = number
        self.answer = None

    def knock(self, turn, keys="", at=None):
        held = self.exchange.secrets
        caller = recognise(self.number, "US", pepper=held.pepper, number_key=held.number_key)
        return Knock(self.sid, lambda: caller, self.exchange.lines.all[0], turn, keys, at)

    def bring(self, turn, keys="", at=None):
        here, knock = self.exchange, self.knock(turn, keys, at)
        return here.database.carry_out(
            lambda connection: take_turn(connection, here.secrets, knock, now=here.now(), below=here.below)
        )

    def ring(self):
        self.answer = self.bring(None)
        return self.answer

    def key(self, keys, at=None):
        self.clock.sleep(9)
        self.answer = self.bring(self.answer.turn, keys, at)
        return self.answer

    def hang_up(self):
        with self.exchange.database.begin() as connection:
            return hang_up(connection, self.sid, now=self.exchange.now())


@pytest.fixture
def phone(exchange, clock):
    def ring(sid="CA1", number="+14155550123"):
        called = Phone(exchange, clock, sid, number)
        called.ring()
        return called

    return ring


@pytest.fixture
def groups(mak, installation):
    return split(encode(installation(1, mak.key.serial)))


def test_a_turn_brought_twice_is_taken_once_and_answered_alike(phone, groups, database, mak):
    call = phone()
    for group in groups:
        turn = call.answer.turn
        first, second = call.bring(turn, group), call.bring(turn, group)
        assert first == second
        call.answer = first
    assert isinstance(call.answer.spoken, ReadBack)
    with database.read() as connection:
        assert ledger.balance(connection, mak.key.id).posted == 1


def test_an_older_turn_and_one_from_the_future_hear_the_current_prompt_and_change_nothing(phone, groups):
    call = phone()
    current = call.key(groups[0])
    assert call.bring(1, groups[3]) == current
    assert call.bring(99, groups[3]) == current
    assert call.bring(None) == current


def test_the_stored_reply_holds_no_digit_of_the_confirmation_id_or_of_a_caller(phone, groups, database):
    call = phone()
    for group in groups:
        answer = call.key(group)
    with database.read() as connection:
        row = connection.execute(select(calls)).one()
    for block in answer.blocks:
        assert block not in row.spoken
        assert block not in row.state
    assert "5550123" not in json.dumps([str(value) for value in row])


def test_another_id_after_an_activation_in_the_same_call_is_another_case(phone, groups, database, mak, installation):
    call = phone()
    call.key("".join(groups))
    call.key("0", at=1)
    call.key("2")
    other = encode(installation(1, mak.key.serial, fingerprint=(9, 9, 9, 9, 9, 9, 9, 9)))
    assert isinstance(call.key(other).spoken, ReadBack)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(cases)).scalar() == 2
        assert ledger.balance(connection, mak.key.id).posted == 2


def test_groups_of_a_case_that_another_installation_was_given_meanwhile_go_to_a_case_of_their_own(
    phone, groups, database
):
    """On PostgreSQL it is taken for granted that they are kept, so this turn is done anew."""
    call = phone()
    call.key(groups[0])
    call.key(groups[1])
    with database.begin() as connection:
        connection.execute(update(cases).values(state=CaseState.ACTIVATED, groups="of another"))
    before = call.answer.turn
    assert call.key(groups[2]).turn == before + 1
    with database.read() as connection:
        found = connection.execute(select(cases.c.id, cases.c.state, cases.c.groups).order_by(cases.c.id)).all()
        assert connection.scalar(select(calls.c.case_id)) == found[1].id
    assert [(row.state, row.groups) for row in found] == [
        (CaseState.ACTIVATED, "of another"),
        (CaseState.OPEN, ",".join((*groups[:3], *[""] * 6))),
    ]


def test_an_activating_turn_writes_its_case_once_with_groups_activation_and_signs(phone, groups, database):
    for sid in ("CA8", "CA9"):
        phone(sid).key(groups[0])
    call = phone()  # the third case of this caller today, which is a sign
    for group in groups[:-1]:
        call.key(group)
    said = []
    event.listen(database.engine, "before_cursor_execute", lambda *facts: said.append(facts[2]))
    call.key(groups[-1])
    assert sum(one.startswith("UPDATE cases ") for one in said) == 1
    with database.read() as connection:
        kept = connection.execute(select(cases).where(cases.c.state == CaseState.ACTIVATED)).one()
    assert (kept.groups, kept.points, kept.signs) == (",".join(groups), 5, '{"caller_cases": 3}')


@on_postgresql
def test_an_activating_turn_that_waits_for_whoever_gives_its_case_away_activates_in_a_case_of_its_own(
    phone, groups, database
):
    call = phone()
    for group in groups[:-1]:
        call.key(group)
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as connection:
            connection.execute(update(cases).values(state=CaseState.ACTIVATED, groups="of another"))
            turn = pool.submit(call.key, groups[-1])
            await_lock(database)
        assert isinstance(turn.result(timeout=10).spoken, ReadBack)
    with database.read() as connection:
        found = connection.execute(select(cases.c.state, cases.c.groups).order_by(cases.c.id)).all()
    assert [tuple(row) for row in found] == [
        (CaseState.ACTIVATED, "of another"),
        (CaseState.ACTIVATED, ",".join(groups)),
    ]


@pytest.mark.usefixtures("mak")
def test_a_refused_turn_keeps_the_groups_it_was_refused_for(phone, installation):
    call = phone()
    unknown = split(encode(installation(1, 77)))
    for group in unknown:
        call.key(group)
    with call.exchange.database.read() as connection:
        kept = connection.execute(select(cases)).one()
    assert kept.state != CaseState.ACTIVATED
    assert kept.groups == ",".join(unknown)


@on_postgresql
def test_a_turn_that_waits_for_whoever_gives_its_case_away_sees_that_it_is_gone(phone, groups, database):
    call = phone()
    call.key(groups[0])
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as connection:
            connection.execute(update(cases).values(state=CaseState.ACTIVATED, groups="of another"))
            turn = pool.submit(call.key, groups[1])
            await_lock(database)
        assert turn.result(timeout=10).turn == 3
    with database.read() as connection:
        found = connection.execute(select(cases.c.groups).order_by(cases.c.id)).scalars().all()
    assert found == ["of another", ",".join((*groups[:2], *[""] * 7))]


@on_postgresql
def test_a_turn_that_activates_keeps_nobody_from_the_key_before_its_commit(phone, groups, database, exchange):
    call = phone()
    call.key("".join(groups[:8]))
    call.clock.sleep(9)

    def last(connection):
        knock = call.knock(call.answer.turn, groups[8])
        answer = take_turn(connection, exchange.secrets, knock, now=exchange.now(), below=exchange.below)
        with database.begin() as other:
            other.execute(select(allowances).with_for_update(nowait=True)).one()
        return answer

    answer = database.carry_out(last)
    assert isinstance(answer.spoken, ReadBack)
    assert call.bring(None) == answer


def test_a_case_number_from_any_phone_goes_on_at_the_next_group_and_speaks_no_stored_digit(phone, groups, database):
    first = phone()
    for group in groups[:4]:
        first.key(group)
    first.hang_up()
    with database.read() as connection:
        number = connection.execute(select(cases.c.number)).scalar_one()
    second = phone("CA2", "anonymous")
    answer = second.key(number)
    assert [(prompt.prompt, prompt.facts) for prompt in answer.spoken.prompts] == [("case.found", (("group", 5),))]
    assert isinstance(second.key("".join(groups[4:])).spoken, ReadBack)


def test_a_call_back_is_written_down_in_the_turn_that_promises_it(phone, groups, database, exchange):
    call = phone()
    call.key(groups[0])
    call.key("0")
    answer = call.key("1")
    assert [prompt.prompt for prompt in answer.spoken.prompts] == ["wayon.promised"]
    with database.read() as connection:
        (waiting,) = call_backs.waiting(connection)
    assert waiting["reason"] == "ASKED"
    assert waiting["due_at"] == exchange.now() + timedelta(hours=24)
    assert "5550123" not in waiting["number_sealed"]


def test_a_call_that_is_over_says_goodbye_to_whatever_still_comes(phone, groups):
    call = phone()
    call.key(groups[0])
    assert call.hang_up()
    assert not call.hang_up(), "a repeated status callback changes nothing"
    assert call.bring(call.answer.turn, groups[1]).spoken == HangUp(())


def test_a_hang_up_gives_back_what_this_call_holds_and_nothing_else(phone, database, mak, installation, exchange):
    call = phone()
    with database.begin() as connection:
        for holder, nonce in (("CA1", 5), ("CA2", 6)):
            claim = ledger.Claim(installation(1, mak.key.serial, nonce=nonce), 2, "phone", holder)
            ledger.reserve(connection, claim, now=exchange.now(), hold_for=timedelta(minutes=5))
    call.hang_up()
    with database.read() as connection:
        assert ledger.balance(connection, mak.key.id).pending == 1


class World:
    """Two calls and an operator's channel at work on two installations of a key for one activation."""

    def __init__(self, exchange, clock, key, iids):
        self.exchange, self.clock, self.key, self.iids = exchange, clock, key, iids
        self.database = exchange.database
        self.rung = 0
        self.held = []
        self.lines = [self.new_call(), self.new_call()]

    def new_call(self):
        self.rung += 1
        called = Phone(self.exchange, self.clock, f"CA{self.key.serial}x{self.rung}")
        called.ring()
        return called

    def ring(self, which, target):
        del target
        self.lines[which] = self.new_call()

    def keys(self, which, target):
        """A whole ID, every second time delivered twice: what is spoken then is posted already."""
        call = self.lines[which]
        before = call.answer.turn
        self.clock.sleep(9)
        call.answer = call.bring(before, encode(self.iids[target]))
        assert call.bring(before, encode(self.iids[target])) == call.answer
        if isinstance(call.answer.spoken, ReadBack):
            assert call.answer.blocks in self.posted()

    def hangs_up(self, which, target):
        del target
        self.lines[which].hang_up()

    def later(self, which, target):
        del which, target
        self.clock.sleep(400)

    def sweep(self, which, target):
        del which, target
        with self.database.begin() as connection:
            ledger.expire(connection, now=self.clock.now)

    def reserve(self, which, target):
        with self.database.begin() as connection:
            claim = ledger.Claim(self.iids[target], 2, "operator", f"operator {which}")
            done = ledger.reserve(connection, claim, now=self.clock.now, hold_for=timedelta(minutes=5))
        if not isinstance(done, ledger.Refused):
            self.held.append(done.reservation_id)

    def post(self, which, target):
        del target
        with self.database.begin() as connection:
            for reservation in self.held:
                ledger.post(connection, reservation, holder=f"operator {which}", now=self.clock.now)

    def posted(self):
        """The confirmation IDs of every activation this key has posted."""
        ours = select(reservations.c.id, reservations.c.nonce).where(
            reservations.c.state == State.POSTED, reservations.c.key_id == self.key.id
        )
        with self.database.read() as connection:
            return [
                ledger.confirmation(connection, row.id, self.iids[row.nonce - 1], self.exchange.secrets)
                for row in connection.execute(ours)
            ]


MOVES = st.lists(
    st.tuples(
        st.sampled_from([World.keys, World.keys, World.hangs_up, World.sweep, World.reserve, World.post, World.later,
                         World.ring]),
        st.integers(0, 1),
        st.integers(0, 1),
    ),
    min_size=5,
    max_size=60,
)  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=60, deadline=None, suppress_health_check=FRESH)
@given(MOVES)
def test_in_every_order_of_calls_hang_ups_sweeps_and_a_second_channel_nothing_unposted_is_spoken(
    exchange, clock, database, secrets, catalogue, installation, moves
):
    with database.begin() as connection:
        order = Order(1, catalogue.agreements[0].number, 1)
        key = issue(connection, secrets, order, now=clock.now, actor="tester").key
    world = World(exchange, clock, key, [installation(1, key.serial, nonce=nonce) for nonce in (1, 2)])
    for move, which, target in moves:
        move(world, which, target)
    posts = (
        select(func.count())
        .where(entries.c.kind == Kind.POST, entries.c.key_id == key.id)
        .group_by(entries.c.reservation_id)
    )
    with database.read() as connection:
        assert not ledger.recount(connection)
        balance = ledger.balance(connection, key.id)
        assert balance.posted + balance.pending <= 1
        assert len(world.posted()) == balance.posted
        assert set(connection.execute(posts).scalars()) <= {1}, "none is posted twice"


def test_a_call_ends_in_the_database_with_its_outcome(phone, groups, database):
    call = phone()
    call.key("".join(groups))
    call.hang_up()
    with database.read() as connection:
        row = connection.execute(select(calls)).one()
    assert (row.outcome, row.ended_at is not None) == ("activated", True)
    assert Ended.__name__ in row.state
