"""Callers, operators and clocks in any order, against a model of the queue of handoffs.

The model keeps for each case its one stay in the queue, if any: waiting, claimed or decided, by whom, and which call
it is about; and every call-back that is owed. Whatever order is tried: nobody but the holder decides, a decision is
heard once or goes back to its operator, places are those of the order of coming, and no case and no wish is lost.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import select

from ivr import call_backs, cases, claims, desk_entries, operators, queue, taken_up, waiting_room
from ivr.call_backs import Wish
from ivr.deeds import Turn
from ivr.events import HandedBack, Issued, Joined, Queued, StillWaiting, TurnedDown
from ivr.form import Reason
from ivr.hours import DeskHours, read_hours
from ivr.lines import Line, Lines, TextLimits
from ivr.operators import NewOperator, Presence, Role
from ivr.queue import Decision, HandoffState
from keys import ledger
from keys.catalog import Agreement, Catalogue, Organisation
from keys.catalog_loading import load
from keys.groups import split
from keys.installation_id import encode
from keys.issue import Order, issue
from keys.products import Product
from tests.torture.machines import DEAD, Machine
from webhooks.desk import deciding, handling
from webhooks.desk.duties import SILENCE
from webhooks.desk.handling import Doing, Done, NotDone, Why

ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())
LINE = Line("+15550100", "Nordstern", "US", "en-US", 24, desk=ALWAYS)
CALLER = "ab" * 16
CASES = st.integers(0, 2)
SIDS = ("CA1", "CA2", "CA3")
MOSTLY = st.sampled_from([True, True, True, False])
DECISIONS = ("hand_back", "refuse", "activate", "ask_the_caller_in")
AFTER = ("heard", "over", "whatever comes")
MOVES = ("see", "release", "transfer", "close", "reached", "not reached")
PEOPLE = st.integers(0, 1)


@dataclass
class Stay:
    """A case's stay in the queue, as the model has it."""

    id: int
    case: int
    entered: datetime
    sid: str
    channel: str = "phone"
    state: HandoffState = HandoffState.WAITING
    holder: int | None = None
    seen: datetime | None = None
    there: bool = True
    decision: Decision | None = None

    @property
    def on_the_line(self):
        return self.there and self.channel == "phone"


class QueueMachine(Machine):
    """`stays` by case, `waits` says on which case a call waits, `owed` which calls were promised a call-back.

    `journal` is who did what to which stay.
    """

    def __init__(self):
        super().__init__()
        self.stays, self.waits, self.owed, self.promised = {}, {}, {}, set()
        self.activated = set()
        self.journal = []
        self.texts = count(1)
        product = Product(1, "P", 1, 8)
        agreement = Agreement("A", "O", "volume", date(2026, 1, 1))
        numbers = count(1)
        with self.watcher.begin() as connection:
            load(connection, Catalogue((Organisation("O"),), (agreement,), (product,)))
            self.key = issue(connection, self.secrets, Order(1, "A", 100), now=self.now, actor="tester").key
            self.people = [
                operators.add(connection, NewOperator(f"o{n}", Role.OPERATOR, "x"), self.now) for n in range(2)
            ]
            operators.set_presence(connection, self.people[0].id, Presence.AVAILABLE, self.now)
            self.cases = [
                cases.open_case(
                    connection,
                    line=LINE.number,
                    caller=CALLER,
                    layout=1,
                    groups=split(encode(type(self).installation(1, self.key.serial, nonce=nonce))),
                    now=self.now,
                    below=lambda below: next(numbers) * 7919 % below,
                )
                for nonce in range(3)
            ]

    def turn(self, connection, sid, channel="phone"):
        return Turn(connection, self.secrets, channel, sid, CALLER, LINE, self.now, lambda _: 0)

    def doing(self, connection, who):
        return Doing(connection, self.secrets, self.people[who], self.now, Lines((LINE,)), TextLimits())

    def in_order(self):
        return sorted(self.stays.values(), key=lambda stay: stay.id)

    def place(self, stay):
        before = [each for each in self.in_order() if each.state is HandoffState.WAITING]
        return 1 + sum(each.id < stay.id for each in before)

    # What callers do.

    @initialize(number=CASES, wishes=st.booleans())
    def somebody_is_waited_for(self, number, wishes):
        """In a call, or to be called back."""
        self.a_call_asks("CA1", number)
        if wishes:
            self.a_caller_would_rather_be_called_back("CA1")

    @rule(number=CASES, way=st.sampled_from([*SIDS, *SIDS, "text", "taken up"]))
    def a_person_is_asked_for(self, number, way):
        """By a call, also once more or as the second of a case, which is then the one it is about; or otherwise."""
        if way == "text":
            self.comes(f"SM{next(self.texts)}", number, "text")
        elif way == "taken up":
            self.take_up(number)
        else:
            self.a_call_asks(way, number)

    def a_call_asks(self, sid, number):
        if self.waits.get(sid, number) == number:
            self.comes(sid, number, "phone")

    def comes(self, sid, number, channel):
        case_id = self.cases[number].id

        def deed(connection):
            cases.needs_person(connection, case_id, "ASKED", self.now)
            told = waiting_room.enter(self.turn(connection, sid, channel), case_id, "ASKED")
            return told, queue.of_case(connection, case_id).id

        done = self.do(deed)
        if done is DEAD:
            return
        told, row = done
        stay = self.stays.setdefault(number, Stay(row, number, self.now, sid))
        assert row == stay.id
        stay.sid, stay.channel, stay.there = sid, channel, True
        assert isinstance(told, Queued)
        assert (told.place, told.minutes is not None and told.minutes >= 1) == (self.place(stay), True)
        if channel == "phone":
            self.waits[sid] = number

    @precondition(lambda self: self.waits)
    @rule(n=st.integers(0, 2), what=st.sampled_from(["listens"] * 4 + ["is over", "is over", "wishes", "goes on"]))
    def a_call_that_waits(self, n, what):
        sid = sorted(self.waits)[n % len(self.waits)]
        deeds = {"listens": self.a_round_of_music_is_over, "is over": self.a_call_is_over,
                 "wishes": self.a_caller_would_rather_be_called_back,
                 "goes on": self.a_caller_goes_on_without_a_person}  # fmt: skip
        deeds[what](sid)

    def a_round_of_music_is_over(self, sid):
        number = self.waits[sid]
        told = self.do(lambda connection: waiting_room.look(self.turn(connection, sid), self.cases[number].id, ""))
        if told is DEAD:
            return
        stay = self.stays.get(number)
        if stay is not None and stay.state is not HandoffState.DECIDED:
            assert isinstance(told, StillWaiting)
            assert (told.place, told.claimed) == (self.place(stay), stay.state is HandoffState.CLAIMED)
        elif stay is not None and stay.decision is Decision.TALK:
            assert isinstance(told, Joined)
            stay.state, stay.seen, stay.decision = HandoffState.CLAIMED, self.now, None
        else:
            heard = self.stays.pop(number).decision if stay is not None else None
            del self.waits[sid]
            if heard is Decision.REFUSED:
                assert told == TurnedDown(Reason.OPERATOR_REFUSED)
            else:
                assert isinstance(told, Issued if number in self.activated else HandedBack)
                assert told.groups == self.cases[number].groups

    @rule(sid=st.sampled_from(SIDS))
    def a_call_is_over(self, sid):
        """It may be told twice, and of a call that waits no more."""
        was_there = any(stay.sid == sid and stay.there for stay in self.stays.values())
        done = self.do(lambda connection: queue.leave(connection, sid, self.now))
        if done is DEAD:
            return
        assert done == was_there
        self.gone(sid)

    def a_caller_would_rather_be_called_back(self, sid):
        number = self.waits[sid]

        def deed(connection):
            wish = Wish(sid, self.cases[number].id, LINE.number, "sealed", self.now, 24)
            call_backs.note(connection, wish)
            queue.leave(connection, sid, self.now)

        if self.do(deed) is DEAD:
            return
        if sid not in self.promised:  # one wish a call: another changes nothing
            self.owed[sid] = number
            self.promised.add(sid)
        self.gone(sid)

    def gone(self, sid):
        self.waits.pop(sid, None)
        for stay in self.stays.values():
            if stay.sid == sid and stay.there:
                stay.there = False
                if stay.state is HandoffState.DECIDED:  # nobody hears it: its operator decides again
                    stay.state = HandoffState.CLAIMED

    def a_caller_goes_on_without_a_person(self, sid):
        number = self.waits[sid]
        done = self.do(lambda connection: waiting_room.stop(self.turn(connection, sid), self.cases[number].id))
        if done is not DEAD:
            del self.waits[sid]
            self.stays.pop(number, None)

    @precondition(lambda self: self.waits)
    @rule(n=st.integers(0, 2), reached=st.booleans())
    def a_caller_is_called_back(self, n, reached):
        """As they wished, by an operator who reaches them or does not."""
        sid = sorted(self.waits)[n % len(self.waits)]
        number = self.waits[sid]
        self.a_caller_would_rather_be_called_back(sid)
        stay = self.stays.get(number)
        if stay is not None:
            self.claim(number, n % 2)
            self.call_back(number, stay.holder or 0, reached)

    # What operators do.

    @precondition(lambda self: self.stays)
    @rule(n=st.integers(0, 2), own=MOSTLY, what=st.sampled_from(DECISIONS), then=st.sampled_from(AFTER))
    def an_operator_decides(self, n, own, what, then):
        """And the call, if one waits, hears of it at once, or is over before, or whatever comes comes between."""
        sid = self.in_order()[n % len(self.stays)].sid
        self.an_operator(n, own, what)
        if then == "heard" and sid in self.waits:
            self.a_round_of_music_is_over(sid)
        elif then == "over":
            self.a_call_is_over(sid)

    @precondition(lambda self: self.stays)
    @rule(n=st.integers(0, 2), own=MOSTLY, what=st.sampled_from(MOVES))
    def an_operator_does_something_else(self, n, own, what):
        self.an_operator(n, own, what)

    @precondition(lambda self: self.stays)
    @rule(n=st.integers(0, 2), who=PEOPLE)
    def an_operator_claims(self, n, who):
        self.claim(self.in_order()[n % len(self.stays)].case, who)

    def an_operator(self, n, own, what):
        """To a case of theirs, as a rule, which they claim first if it waits; or to one that is not."""
        stay = self.in_order()[n % len(self.stays)]
        if own and stay.state is HandoffState.WAITING:
            self.claim(stay.case, n % 2)
        holder = stay.holder or 0
        who = holder if own else 1 - holder
        if what == "transfer":
            self.transfer(stay.case, who, n % 2)
        elif what in {"reached", "not reached"}:
            self.call_back(stay.case, who, what == "reached")
        else:
            getattr(self, what)(stay.case, who)

    def theirs(self, number, who):
        stay = self.stays.get(number)
        mine = stay is not None and stay.state is HandoffState.CLAIMED and stay.holder == who
        return stay if mine else None

    def deed(self, number, who, act):
        """Let an operator do something to a case in the queue; the stay if they have it, and what came of it."""
        stay = self.stays.get(number)
        if stay is None:
            return None, DEAD
        done = self.do(lambda connection: act(self.doing(connection, who), stay.id))
        mine = self.theirs(number, who)
        if done is not DEAD and mine is None:
            assert isinstance(done, NotDone)
            assert (
                done.why
                is {
                    HandoffState.WAITING: Why.NOT_CLAIMED,
                    HandoffState.CLAIMED: Why.TAKEN,
                    HandoffState.DECIDED: Why.DECIDED,
                }[stay.state]
            )
        elif done is not DEAD:
            mine.seen = self.now
            self.note(done, stay, who)
        return mine, done

    def note(self, done, stay, who):
        if isinstance(done, Done):
            self.journal.append((done.kind, stay.id, self.people[who].id))

    def claim(self, number, who):
        stay = self.stays.get(number)
        if stay is None:
            return
        done = self.do(lambda connection: handling.claim(self.doing(connection, who), stay.id))
        if done is DEAD:
            return
        if stay.state is HandoffState.WAITING:
            assert isinstance(done, Done)
            stay.state, stay.holder, stay.seen = HandoffState.CLAIMED, who, self.now
            self.note(done, stay, who)
        elif self.theirs(number, who):
            assert isinstance(done, Done), "to press twice does no harm"
        else:
            assert isinstance(done, NotDone)
            assert done.facts == {"who": f"o{stay.holder}"}

    def release(self, number, who):
        stay, done = self.deed(number, who, lambda doing, row: handling.release(doing, row, ""))
        if stay is not None and done is not DEAD:
            assert isinstance(done, Done)
            stay.state, stay.holder, stay.seen = HandoffState.WAITING, None, None

    def transfer(self, number, who, to):
        stay, done = self.deed(number, who, lambda doing, row: handling.transfer(doing, row, self.people[to].id, ""))
        if stay is not None and done is not DEAD:
            assert isinstance(done, NotDone if to == who else Done)
            stay.holder = to

    def see(self, number, who):
        """As the one operator's page says without being asked; and the other one's, who may have looked at it too."""
        for each in (1 - who, who):
            self.sees(number, each)

    def sees(self, number, who):
        stay = self.stays.get(number)
        if stay is None:
            return
        done = self.do(lambda connection: claims.see(connection, stay.id, self.people[who].id, self.now))
        if done is not DEAD:
            assert done == (self.theirs(number, who) is not None)
            if done:
                stay.seen = self.now

    @rule(asleep=st.booleans())
    def the_cases_of_silent_operators_go_back(self, asleep):
        if asleep:
            self.now += SILENCE + timedelta(seconds=1)
        done = self.do(lambda connection: claims.return_silent(connection, self.now, SILENCE))
        if done is DEAD:
            return
        silent = [
            stay for stay in self.stays.values()
            if stay.state is HandoffState.CLAIMED and stay.seen < self.now - SILENCE
        ]  # fmt: skip
        assert sorted(each.id for each in done) == sorted(each.id for each in silent)
        for stay in silent:
            stay.state, stay.holder, stay.seen = HandoffState.WAITING, None, None

    def hand_back(self, number, who):
        stay, done = self.deed(number, who, lambda doing, row: deciding.hand_back(doing, row, ""))
        if stay is None or done is DEAD:
            return
        if stay.on_the_line:
            assert isinstance(done, Done)
            stay.state, stay.decision = HandoffState.DECIDED, Decision.BACK
        else:
            assert done == NotDone(Why.CALLER_GONE)

    def refuse(self, number, who):
        stay, done = self.deed(
            number, who, lambda doing, row: deciding.refuse(doing, row, Reason.OPERATOR_REFUSED, "", by_text=False)
        )
        if stay is None or done is DEAD:
            return
        assert isinstance(done, Done)
        if stay.on_the_line:
            stay.state, stay.decision = HandoffState.DECIDED, Decision.REFUSED
            self.nothing_owed(number)

    def activate(self, number, who):
        stay, done = self.deed(number, who, lambda doing, row: deciding.issue(doing, row, "", by_text=False))
        if stay is None or done is DEAD:
            return
        assert isinstance(done, Done)
        assert done.facts.get("again", False) == (number in self.activated)
        self.activated.add(number)
        self.nothing_owed(number)
        if stay.on_the_line:
            stay.state, stay.decision = HandoffState.DECIDED, Decision.ISSUED

    def ask_the_caller_in(self, number, who):
        stay = self.theirs(number, who)
        if stay is None or not stay.on_the_line:
            return
        done = self.do(
            lambda connection: claims.decide(connection, stay.id, self.people[who].id, Decision.TALK, now=self.now)
        )
        if done is not DEAD:
            assert done
            stay.state, stay.decision = HandoffState.DECIDED, Decision.TALK

    def call_back(self, number, who, reached):
        stay, done = self.deed(number, who, lambda doing, row: handling.called_back(doing, row, reached, ""))
        if stay is not None and done is not DEAD and reached:
            self.nothing_owed(number)

    def close(self, number, who):
        stay, done = self.deed(number, who, lambda doing, row: handling.close(doing, row, "other", ""))
        if stay is not None and done is not DEAD:
            assert isinstance(done, Done)
            del self.stays[number]
            self.nothing_owed(number)

    def take_up(self, number):
        case_id = self.cases[number].id
        done = self.do(lambda connection: taken_up.take_up(connection, case_id, self.now))
        if done is DEAD:
            return
        fresh = Stay(done.id, number, self.now, f"case-{case_id}", there=False)
        assert self.stays.setdefault(number, fresh).id == done.id

    def nothing_owed(self, number):
        self.owed = {sid: of for sid, of in self.owed.items() if of != number}

    @invariant()
    def the_queue_is_the_model_s_in_the_order_of_coming(self):
        with self.watcher.read() as connection:
            found = queue.unfinished(connection)
            waiting = [each for each in found if each.state is HandoffState.WAITING]
            places = [queue.place(connection, each).number for each in waiting]
        assert [
            (
                each.id, each.entered_at, each.state, each.claimed_by, each.seen_at,
                each.sid, each.channel, each.left_at is None,
            )
            for each in found
        ] == [
            (
                stay.id, stay.entered, stay.state,
                None if stay.holder is None else self.people[stay.holder].id, stay.seen,
                stay.sid, stay.channel, stay.there,
            )
            for stay in self.in_order()
        ]  # fmt: skip
        assert places == list(range(1, len(waiting) + 1))

    @invariant()
    def no_wish_is_lost(self):
        with self.watcher.read() as connection:
            owed = {row["call_sid"]: row["id"] for row in call_backs.waiting(connection) if row["call_sid"]}
        assert owed == {sid: self.cases[number].id for sid, number in self.owed.items()}

    @invariant()
    def whatever_was_done_at_the_desk_is_an_entry(self):
        kept = desk_entries.desk_entries.c
        with self.watcher.read() as connection:
            found = connection.execute(select(kept.kind, kept.handoff_id, kept.operator_id).order_by(kept.id))
            assert [tuple(row) for row in found] == self.journal

    @invariant()
    def what_was_activated_is_spent(self):
        with self.watcher.read() as connection:
            assert ledger.balance(connection, self.key.id) == ledger.Balance(100, 0, len(self.activated))
