"""Callers, keys, retries, hang-ups, clocks and dying nodes in any order, against a model of the one turn.

The model knows what each caller keyed soundly, what each was answered, and which confirmation ID each was told.
Whatever order is tried: a group that was keyed soundly is in its case for good, a turn that is brought twice is
answered alike, what is spoken of a confirmation ID is posted and is posted once; and in the end everybody gets theirs.
"""

import contextlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import select

from ivr import call_backs, queue, waiting_room
from ivr.actions import HangUp, ReadBack
from ivr.answer import Answer
from ivr.calls import calls
from ivr.cases import cases
from ivr.states import AskingGroup, Opening, Waiting
from ivr.turn import Knock, hang_up, take_turn
from ivr.written import read_state
from keys import ledger
from keys.catalog import Agreement, Catalogue, Organisation
from keys.catalog_loading import load
from keys.groups import split
from keys.installation_id import encode
from keys.issue import Order, issue
from keys.ledger import Claim
from keys.products import Product
from keys.reservations import State, reservations
from tests.torture.machines import DEAD, Machine, caller
from tests.torture.queue_machine import LINE

CALLERS = st.integers(0, 1)
RIGHT, SLIP, ALL, REST = "what is asked for", "the same with a slip", "all", "the rest"
KEYS = st.sampled_from(
    [*[RIGHT] * 9, *[SLIP] * 3, ALL, ALL, REST, REST, "", "0", "0", "1", "2", "3", "*", "8", "9", "123"]
)
PAUSES = st.sampled_from([0, 9, 9, 9, 9, 400])


@dataclass
class Person:
    """Somebody with a telephone and a machine: their ID, the call they are in, and what they heard last."""

    number: str
    groups: tuple[str, ...]
    iid: object
    sid: str = ""
    answer: Answer | None = None
    said: list = field(default_factory=list)
    told: tuple[str, ...] = ()

    @property
    def in_a_call(self):
        return self.answer is not None and not isinstance(self.answer.spoken, HangUp)


class TurnMachine(Machine):
    """`kept` has, by case and place, each group that was keyed soundly; the key has one activation for each person."""

    def __init__(self):
        super().__init__()
        self.rung = count(1)
        self.picked = count(1)
        self.kept = {}
        self.promised = set()
        agreement = Agreement("A", "O", "volume", date(2026, 1, 1))
        with self.watcher.begin() as connection:
            load(connection, Catalogue((Organisation("O"),), (agreement,), (Product(1, "P", 1, 8),)))
            self.mak = issue(connection, self.secrets, Order(1, "A", 2), now=self.now, actor="tester").key
        iids = [type(self).installation(1, self.mak.serial, nonce=nonce) for nonce in (1, 2)]
        self.people = [
            Person(f"+1415555012{n}", split(encode(iid)), iid) for n, iid in enumerate(iids)
        ]  # fmt: skip

    def bring(self, who, sid, turn, keys, at=None):
        """One request of the provider's; the answer, or DEAD, and then nothing has moved."""
        before = None if self.dies_after is None else self.as_it_stands(sid)
        known = self.secrets
        knock = Knock(sid, lambda: caller(who.number, known.pepper, known.number_key), LINE, turn, keys, at)
        done = self.do(
            lambda connection: take_turn(
                connection, known, knock, now=self.now, below=lambda below: next(self.picked) * 7919 % below
            )
        )
        assert done is not DEAD or self.as_it_stands(sid) == before
        return done

    def as_it_stands(self, sid):
        """What a turn may move: its call, the cases, the queue, what is promised, and what the ledger gave."""
        with self.watcher.read() as connection:
            call = connection.execute(select(calls).where(calls.c.sid == sid)).one_or_none()
            tables = (cases, queue.handoffs, call_backs.call_backs, reservations)
            return call, *(connection.execute(select(table).order_by(table.c.id)).all() for table in tables)

    def heard(self, who, answer):
        """What must hold whenever the line has said something, the first time or again."""
        who.answer = answer
        if isinstance(answer.spoken, ReadBack):
            assert answer.blocks in self.posted_to(who), "spoken, and not posted"
            assert who.told in {(), answer.blocks}, "two confirmation IDs for one installation"
            who.told = answer.blocks
            case = self.call_of(who).case_id
            assert case is not None, "told, and of no case"
            self.kept[case] = dict(enumerate(who.groups, 1))
        else:
            assert answer.blocks == ()
        if isinstance(answer.spoken, HangUp) and "wayon.promised" in {each.prompt for each in answer.spoken.prompts}:
            self.promised.add(who.sid)

    def posted_to(self, who):
        ours = select(reservations.c.id).where(
            reservations.c.state == State.POSTED, reservations.c.nonce == who.iid.nonce
        )
        with self.watcher.read() as connection:
            rows = connection.execute(ours).scalars().all()
            assert len(rows) <= 1, "activated twice"
            return [ledger.confirmation(connection, row, who.iid, self.secrets) for row in rows]

    def call_of(self, who):
        with self.watcher.read() as connection:
            return connection.execute(select(calls).where(calls.c.sid == who.sid)).one_or_none()

    def ring(self, n):
        """A new call; the one before, if it goes on, is one that nobody has told us the end of."""
        who = self.people[n]
        who.sid, who.answer, who.said = f"CA{next(self.rung)}", None, []
        answer = self.bring(who, who.sid, None, "")
        if answer is not DEAD:
            self.heard(who, answer)

    @initialize()
    def both_ring(self):
        self.ring(0)
        self.ring(1)

    @precondition(lambda self: any(who.in_a_call for who in self.people))
    @rule(n=CALLERS, keys=st.lists(KEYS, min_size=1, max_size=3), pause=PAUSES, at=st.none() | st.integers(1, 8))
    def somebody_keys(self, n, keys, pause, at):
        """Mostly what is asked for; now and then with a slip, or what nobody would."""
        who = self.people[n] if self.people[n].in_a_call else next(who for who in self.people if who.in_a_call)
        for each in keys:
            if who.in_a_call:
                self.somebody_keys_once(who, each, pause, at)

    def somebody_keys_once(self, who, keys, pause, at):
        state = read_state(self.call_of(who).state)
        place = state.group if isinstance(state, AskingGroup) else 1
        group = who.groups[place - 1]
        if keys == RIGHT and isinstance(state, Opening | AskingGroup):
            before = self.call_of(who).case_id
            if self.key(who, group, pause) is not DEAD:
                case = self.call_of(who).case_id
                assert case is not None
                assert place == 1 or case == before, "a call keeps to its case"
                self.kept.setdefault(case, {})[place] = group
            return
        spelt = {RIGHT: "1", SLIP: f"{group[:3]}{(int(group[3]) + 3) % 10}{group[4:]}", ALL: "".join(who.groups),
                 REST: "".join(who.groups[place - 1 :])}  # fmt: skip
        self.key(who, spelt.get(keys, keys), pause, at)

    def key(self, who, keys, pause, at=None):
        if not who.in_a_call:
            return DEAD
        self.now += timedelta(seconds=pause)
        turn = who.answer.turn
        answer = self.bring(who, who.sid, turn, keys, at)
        if answer is not DEAD:
            assert answer.turn == turn + 1
            who.said.append((turn, keys, at))
            self.heard(who, answer)
        return answer

    @rule(
        n=CALLERS,
        how=st.sampled_from(["retried", "retried", "long gone", "too soon", "too late", "address"]),
        keys=KEYS,
    )
    def the_provider_repeats_itself(self, n, how, keys):
        """A turn brought again, or out of its order: nothing moves, and the answer is the one that stands."""
        who = self.people[n]
        if how == "address":
            self.the_call_s_address_is_asked_again(who)
        elif how == "too late" and who.answer is not None and not who.in_a_call:
            self.nothing_moves(who, who.answer.turn, keys, None)
        elif how == "too soon" and who.answer is not None:
            self.nothing_moves(who, who.answer.turn + 1 + len(keys), keys, None)
        elif who.said:
            self.nothing_moves(who, *who.said[-1 if how == "retried" else 0])

    def the_call_s_address_is_asked_again(self, who):
        """As the provider does when an answer of ours did not come: the current words once more."""
        before = who.answer
        answer = self.bring(who, who.sid, None, "")
        if answer is not DEAD:
            assert before is None or answer == before
            self.heard(who, answer)

    def nothing_moves(self, who, turn, keys, at):
        before = self.as_it_stands(who.sid)
        answer = self.bring(who, who.sid, turn, keys, at)
        if answer is not DEAD:
            assert answer == who.answer
        assert self.as_it_stands(who.sid) == before

    @rule(n=CALLERS)
    def a_call_is_dropped_and_another_comes(self, n):
        """In the middle of the groups; the next call of the line is somebody else's."""
        who = self.people[n]
        if who.in_a_call:
            self.somebody_keys_once(who, RIGHT, 9, None)
        self.hang_up(who)
        self.ring(1 - n)

    @rule(n=CALLERS)
    def somebody_asks_for_a_person_and_is_not_heard_of_again(self, n):
        if self.people[n].in_a_call:
            self.key(self.people[n], "0", 9)
        self.sweep(400)

    @rule(n=CALLERS, hangs_up=st.booleans())
    def somebody_rings_anew(self, n, hangs_up):
        if hangs_up:
            self.hang_up(self.people[n])
        self.ring(n)

    def hang_up(self, who):
        """The call is over, and gives back what it alone holds; it may be told twice."""
        row, held = self.call_of(who), self.held()
        done = self.do(lambda connection: hang_up(connection, who.sid, now=self.now))
        if done is DEAD:
            assert (self.call_of(who), self.held()) == (row, held)
            return
        assert done == (row is not None and row.ended_at is None)
        assert self.held() == [(nonce, holder) for nonce, holder in held if holder != who.sid or not done]
        if row is not None:
            who.answer = None
            who.said = []
            for turn in (row.turn, self.call_of(who).turn):
                answer = self.bring(who, who.sid, turn, "1")
                assert answer is DEAD or isinstance(answer.spoken, HangUp)

    def held(self):
        """The nonce of each installation that is held, and who holds it."""
        pending = select(reservations.c.nonce, reservations.c.holder).where(reservations.c.state == State.PENDING)
        with self.watcher.read() as connection:
            return sorted(tuple(row) for row in connection.execute(pending))

    @rule(seconds=st.sampled_from([0, 60, 130, 400]))
    def sweep(self, seconds):
        """As `webhooks.background` does: calls that are over without our being told, and holds that ran out."""
        self.now += timedelta(seconds=seconds)
        silent, heard_of = set(), set()

        def deed(connection):
            silent.update(self.waiting(calls.c.replied_at < self.now - waiting_room.MISSED))
            heard_of.update(self.waiting(calls.c.replied_at >= self.now - waiting_room.MISSED))
            for sid in waiting_room.lost(connection, self.now):
                hang_up(connection, sid, now=self.now)
            ledger.expire(connection, now=self.now)

        if self.do(deed) is not DEAD:
            assert self.waiting(calls.c.sid.in_(silent)) == set()
            assert self.waiting(calls.c.sid.in_(heard_of)) == heard_of
        for who in self.people:
            row = self.call_of(who) if who.answer is not None else None
            if row is not None and row.ended_at is not None and who.in_a_call:
                who.answer, who.said = None, []

    def waiting(self, which):
        """The calls of these whose callers wait in the queue."""
        there = (queue.handoffs.c.finished_at.is_(None), queue.handoffs.c.left_at.is_(None), calls.c.ended_at.is_(None))
        wait = select(calls).join(queue.handoffs, queue.handoffs.c.sid == calls.c.sid).where(which, *there)
        with self.watcher.read() as connection:
            rows = connection.execute(wait).all()
        return {row.sid for row in rows if isinstance(read_state(row.state), Waiting)}

    @rule(n=CALLERS, post=st.sampled_from([False, False, True]), by=st.sampled_from(["operator", "phone", "phone"]))
    def another_channel_holds_or_spends_it(self, n, post, by):
        """Or an older node, for the call itself: it held what this one spends at once."""
        who = self.people[n]
        claim = Claim(who.iid, 2, by, who.sid if by == "phone" else "operator 1")

        def deed(connection):
            if post:
                return ledger.reserve_and_post(connection, claim, now=self.now)
            return ledger.reserve(connection, claim, now=self.now, hold_for=timedelta(minutes=5))

        done = self.do(deed)
        assert done is DEAD or not isinstance(done, ledger.Refused)

    def all_cases(self):
        with self.watcher.read() as connection:
            return {row.id: row for row in connection.execute(select(cases))}

    @invariant()
    def no_sound_group_is_ever_lost(self):
        found = self.all_cases()
        for case, places in self.kept.items():
            groups = found[case].groups.split(",")
            assert {place: groups[place - 1] for place in places} == places

    @invariant()
    def whoever_is_told_to_wait_is_in_the_queue_once(self):
        for who in self.people:
            row = self.call_of(who) if who.in_a_call else None
            if row is not None and row.ended_at is None and isinstance(read_state(row.state), Waiting):
                assert self.waiting(calls.c.sid == who.sid) == {who.sid}

    @invariant()
    def nobody_is_waited_for_whose_call_is_over(self):
        there = (queue.handoffs.c.finished_at.is_(None), queue.handoffs.c.left_at.is_(None))
        over = select(calls.c.sid).join(queue.handoffs, queue.handoffs.c.sid == calls.c.sid)
        with self.watcher.read() as connection:
            assert connection.execute(over.where(calls.c.ended_at.is_not(None), *there)).all() == []

    @invariant()
    def nobody_is_in_somebody_else_s_case(self):
        theirs = select(calls.c.sid).join(cases, cases.c.id == calls.c.case_id).where(cases.c.caller != calls.c.caller)
        with self.watcher.read() as connection:
            assert connection.execute(theirs).all() == []

    @invariant()
    def what_was_promised_is_owed(self):
        with self.watcher.read() as connection:
            wished = set(connection.execute(select(call_backs.call_backs.c.call_sid)).scalars())
        assert self.promised <= wished

    @invariant()
    def what_was_told_is_posted_and_nobody_has_two(self):
        with self.watcher.read() as connection:
            balance = ledger.balance(connection, self.mak.id)
        posted = [self.posted_to(who) for who in self.people]
        assert balance.posted == sum(map(len, posted))
        for who, theirs in zip(self.people, posted, strict=True):
            assert who.told == () or theirs == [who.told]

    def teardown(self):
        with contextlib.ExitStack() as last:
            last.callback(super().teardown)
            self.dies_after, self.later_deaths = None, []
            for n, who in enumerate(self.people):
                who.number = f"+1415555999{n}"
                self.ring(n)
                self.key(who, "".join(who.groups), 9)
                assert who.told, "nobody is left without"
            with self.watcher.read() as connection:
                assert ledger.recount(connection) == ()
