"""Texts written, claimed, posted and told of in any order, by processes that die anywhere, against a provider's model.

The provider has a list of what it took, and a mind of its own: it answers, answers too late, says no, says "not now",
or loses what it was given. Its clock and ours may be ten minutes apart. Whatever order is tried: it gets each text
once at most, a caller's texts in the order they were written, none after an opt-out, no more than the limits; a text
moves forward only, its sid is its own; and once all is well again nothing is left lying.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, pairwise

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import func, select

from ivr import opt_outs, outbox, sending
from ivr.actions import say
from ivr.callers import pseudonym
from ivr.lines import Line, Lines, TextLimits
from ivr.outbox import RANKS, Draft, NoText, TextState
from ivr.sending import OPTED_OUT, News
from tests.conftest import CATALOGUES
from tests.torture.machines import DEAD, Killed, Machine, caller
from webhooks.delivery import GIVE_UP, LEASE, deliver_one
from webhooks.door import Exchange
from webhooks.outgoing import Accepted, Later, Rejected
from webhooks.twiml import Wording

LINE = Line("+15550100", "Nordstern", "US", "en-US", 24, text_sender="+15550177")
WORDING = Wording("https://line.example", CATALOGUES)
NEIGHBOURS = ("+14155550123", "+14155550199")
NUMBERS = (*NEIGHBOURS, "+14155551234")
LIMITS = TextLimits(number=4, prefix=6, country=9, day=9)
WRONG_NUMBER = 21614
TOO_LATE = ("says no when another has it", "is busy when another has it")
MOODS = ("takes it", "takes it, answers too late", "dies of it before", "dies of it after", "loses it", "is busy",
         "says no", "says that they said STOP", "answers when the claim is over", "takes it while another looks",
         *TOO_LATE)  # fmt: skip
STATES = (TextState.ACCEPTED, TextState.SENT, TextState.DELIVERED, TextState.UNDELIVERED, TextState.FAILED)


@dataclass(frozen=True)
class Taken:
    """A text that the provider has."""

    sid: str
    row: int
    sender: str
    recipient: str
    body: str
    at: object


@dataclass
class Provider:
    """Twilio, as far as texts go: `moods` are what it does with the next ones it is given.

    `wrongs` are what it was sent and should not have been: raised here, it would be one more fault that a delivery
    outlives.
    """

    machine: object
    taken: list = field(default_factory=list)
    moods: list = field(default_factory=list)
    blind: int = 0
    said_no: Counter = field(default_factory=Counter)
    wrongs: list = field(default_factory=list)

    def look_at(self, text):
        number, written_at = self.machine.written[text.id]
        wrongs = {
            "a text to somebody else": number != text.recipient,
            "a text after an opt-out": number in self.machine.out,
            "a text that is of no use any more": self.machine.now - written_at > GIVE_UP,
        }
        self.wrongs += [wrong for wrong, is_so in wrongs.items() if is_so]

    def send(self, text):
        self.look_at(text)
        mood = self.moods.pop(0) if self.moods else "takes it"
        if mood == "dies of it before":
            raise Killed
        if mood == "loses it":
            return Later("TIMEOUT", doubtful=True)
        if mood == "is busy":
            return Later("TOO_MANY_REQUESTS")
        if mood in TOO_LATE:
            self.machine.another_has_it_meanwhile(text.id)
            self.said_no[text.id] += mood == TOO_LATE[0] and text.id not in self.machine.taken_over
            return Rejected(WRONG_NUMBER) if mood == TOO_LATE[0] else Later("TOO_MANY_REQUESTS")
        if mood in {"says no", "says that they said STOP"}:
            self.said_no[text.id] += 1
            return Rejected(WRONG_NUMBER if mood == "says no" else OPTED_OUT)
        if mood == "takes it while another looks":
            self.machine.another_delivery_meanwhile(1)
        sid = f"SM{len(self.taken) + 1}"
        self.taken.append(Taken(sid, text.id, text.sender, text.recipient, text.body, self.machine.true))
        if mood == "dies of it after":
            raise Killed
        if mood == "takes it, answers too late":
            return Later("TIMEOUT", doubtful=True)
        if mood == "answers when the claim is over":
            self.machine.another_delivery_meanwhile(LEASE.total_seconds() + 1)
        return Accepted(sid)

    def find(self, text, since):
        if self.blind:
            self.blind -= 1
            return Later("UNAVAILABLE")
        alike = (text.sender, text.recipient, text.body)
        return tuple(
            each.sid for each in self.taken if (each.sender, each.recipient, each.body) == alike and each.at >= since
        )


class OutboxMachine(Machine):
    """`true` is the provider's time, `now` ours; `out` are the numbers that said STOP; `answered` what a draft got.

    `written` has by row to whom and when, `later` which rows were to wait.
    """

    def __init__(self):
        super().__init__()
        self.true = self.now
        self.provider = Provider(self)
        self.out, self.ever_out = set(), set()
        self.counted = Counter()
        self.answered = {}
        self.later = set()
        self.before = {}
        self.written = {}
        self.names = count(1)
        self.taken_over = {}
        self.stopped = set()

    def exchange(self, database):
        return Exchange(
            database=database,
            secrets=self.secrets,
            lines=Lines((LINE,)),
            wording=WORDING,
            account_sid="AC" + "0" * 32,
            auth_tokens=("t" * 32,),
            spool_dir=None,
            now=lambda: self.now,
            below=lambda _: 0,
        )

    def caller(self, number):
        return caller(number, self.secrets.pepper, self.secrets.number_key)

    def tick(self):
        self.time_passes(1)

    @rule(seconds=st.sampled_from([20, 90, 3600, 86_400]))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.true += timedelta(seconds=seconds)

    @rule(seconds=st.integers(-600, 600))
    def the_clock_jumps(self, seconds):
        self.now = self.true + timedelta(seconds=seconds)

    @rule(
        number=st.sampled_from(NUMBERS),
        groups=st.sampled_from(["1", "2"]),
        answers=st.none() | st.sampled_from(["SMa", "SMb", "SMc"]),
        wait=st.sampled_from([0, 0, 0, 1800]),
    )
    def a_text_is_written(self, number, groups, answers, wait):
        """Also the same words to the same number, and the answer to a text that is brought twice."""
        due_at = self.now + timedelta(seconds=wait) if wait else None
        draft = Draft(LINE, number, (say("text.in", groups=groups, count=1),), answers=answers, due_at=due_at)

        def deed(connection):
            told = outbox.write(connection, self.secrets, draft, LIMITS, now=self.now)
            return told, connection.execute(select(func.max(outbox.outbox.c.id))).scalar()

        done = self.do(deed)
        if done is DEAD:
            return
        done, row = done
        if answers in self.answered:
            first, whose = self.answered[answers]
            stopped = done is NoText.OPTED_OUT and whose in self.ever_out  # before it left
            assert done == first or stopped, "brought twice, answered alike"
            return
        assert done == self.refusal(number)
        if answers is not None:
            self.answered[answers] = (done, number)
        assert row not in self.written
        self.written[row] = (number, self.now)
        if wait:
            self.later.add(row)
        if done is None:
            self.counted.update(self.windows(number))

    @initialize()
    def two_texts_are_written(self):
        for groups in ("1", "1"):
            self.a_text_is_written(NUMBERS[0], groups, None, 0)

    def windows(self, number):
        day = self.now.date()
        return [(day, "all"), (day, "US"), (day, number[:-3]), (day, number)]

    def refusal(self, number):
        if number in self.out:
            return NoText.OPTED_OUT
        of_day, of_country, of_prefix, of_number = (self.counted[window] for window in self.windows(number))
        limits = (
            (of_day, LIMITS.day, NoText.LIMIT_DAY),
            (of_country, LIMITS.country, NoText.LIMIT_COUNTRY),
            (of_prefix, LIMITS.prefix, NoText.LIMIT_PREFIX),
            (of_number, LIMITS.number, NoText.LIMIT_NUMBER),
        )
        return next((reason for counted, most, reason in limits if counted >= most), None)

    @rule(number=st.sampled_from(NUMBERS), stop=st.booleans())
    def somebody_opts_out_or_in(self, number, stop):
        if stop:
            self.somebody_says_stop(number)
        else:
            self.somebody_says_start(number)

    def somebody_says_stop(self, number):
        done = self.do(lambda connection: opt_outs.stop(connection, LINE.number, self.caller(number), self.now))
        if done is not DEAD:
            self.says_stop(number)

    def says_stop(self, number):
        self.out.add(number)
        self.ever_out.add(number)

    def somebody_says_start(self, number):
        known_as = self.caller(number).known_as
        done = self.do(lambda connection: opt_outs.lift(connection, LINE.number, known_as, self.now))
        if done is not DEAD:
            self.out.discard(number)

    @rule(
        moods=st.lists(st.sampled_from(MOODS), min_size=1, max_size=3),
        number=st.sampled_from(NUMBERS),
        blind=st.sampled_from([0, 0, 0, 1, 3]),
        waits=st.lists(st.sampled_from([0, 1, 30, 61, 1000]), min_size=1, max_size=3),
    )
    def deliveries_go_round(self, moods, number, blind, waits):
        """So many, with a wait after each; the provider is in these moods, and cannot be asked a few times."""
        if all(row.rank >= RANKS[TextState.ACCEPTED] for row in self.rows()):
            self.a_text_is_written(number, "1", None, 0)
        self.provider.moods, self.provider.blind = list(moods), blind
        for seconds in waits:
            Machine.steps += 1
            try:
                if not deliver_one(self.exchange(self.database), self.provider, f"delivery-{self.process}"):
                    self.nothing_is_left_that_was_due()
            except Killed:
                self.restart()
            self.what_another_has_is_left_to_it()
            self.note_refusals()
            self.time_passes(seconds)

    @rule(number=st.sampled_from(NUMBERS))
    def one_for_later_and_one_for_now(self, number):
        """Written in this order: the first keeps nobody from being answered."""
        self.a_text_is_written(number, "1", None, 1800)
        self.a_text_is_written(number, "2", None, 0)
        for _ in range(5):
            self.deliveries_go_round([], number, 0, [0])

    @rule(number=st.sampled_from(NUMBERS), ahead=st.integers(300, 600))
    def an_answer_comes_too_late_from_a_provider_whose_clock_is_behind(self, number, ahead):
        self.the_clock_jumps(ahead)
        self.a_text_is_written(number, "1", None, 0)
        self.deliveries_go_round(["takes it, answers too late"] * 3, number, 0, [0, 0, 1000])
        self.deliveries_go_round([], number, 0, [0, 0])

    @rule(number=st.sampled_from(NUMBERS))
    def the_same_words_twice_and_one_is_lost(self, number):
        """The provider has the first; whoever looks for the second finds that."""
        for _ in range(2):
            self.a_text_is_written(number, "1", None, 0)
        self.deliveries_go_round(["takes it", "loses it"], number, 0, [0, 61])
        self.deliveries_go_round([], number, 0, [0, 0])

    def another_delivery_meanwhile(self, seconds):
        """While one waits for its answer another has its turn; by then the claim is over, or it is not."""
        self.time_passes(seconds)
        deliver_one(self.exchange(self.watcher), self.provider, f"other-{next(self.names)}")

    def another_has_it_meanwhile(self, row):
        """The claim runs out, another process takes the text, and dies before it does anything."""
        self.time_passes(LEASE.total_seconds() + 1)
        with self.watcher.begin() as connection:
            claimed = sending.claim(connection, f"other-{next(self.names)}", self.now, LEASE)
        if claimed is not None and claimed.id == row:
            self.taken_over[row] = claimed.by

    def what_another_has_is_left_to_it(self):
        """A claim that is over changes nothing any more, whatever its answer says."""
        if self.taken_over:
            found = {row.id: (row.state, row.claimed_by) for row in self.rows()}
            for row, by in self.taken_over.items():
                assert found[row] == (TextState.SENDING, by)
            self.taken_over.clear()

    def nothing_is_left_that_was_due(self):
        """A delivery that found nothing to do: of each caller's the first is not due, leaving out what is for later."""
        seen = set()
        for row in self.rows():
            at_once = row.attempts == 0 and row.due_at <= row.written_at
            for_later = row.attempts == 0 and row.due_at > self.now and not at_once
            if row.rank < RANKS[TextState.ACCEPTED] and row.caller not in seen and not for_later:
                seen.add(row.caller)
                assert not at_once, "due, and left"
                assert (row.claimed_until if row.state == TextState.SENDING else row.due_at) > self.now, "due, and left"

    def note_refusals(self):
        for row in self.rows():
            if row.error == OPTED_OUT and row.id not in self.stopped:
                self.stopped.add(row.id)
                self.says_stop(self.written[row.id][0])

    @precondition(lambda self: self.written)
    @rule(which=st.integers(0, 9), state=st.sampled_from(STATES), known=st.booleans())
    def the_provider_tells_of_another_text(self, which, state, known):
        """Of one that is not ours, as if it were this row's: to somebody else or, if ours has its sid, to the same."""
        rows = [row for row in self.rows() if (row.sid is not None) == known]
        if rows:
            row = rows[which % len(rows)]
            number = self.written[row.id][0] if known else "+14155559999"
            news = News(row.id, "SMforeign", pseudonym(number, self.secrets.pepper), state, OPTED_OUT)
            assert self.do(lambda connection: sending.note_status(connection, news, self.now)) in (False, DEAD)

    @precondition(lambda self: self.provider.taken)
    @rule(which=st.integers(0, 9), state=st.sampled_from(STATES), stopped=st.booleans())
    def the_provider_tells_of_a_text(self, which, state, stopped):
        """In any order, and as often as it likes."""
        text = self.provider.taken[which % len(self.provider.taken)]
        error = OPTED_OUT if stopped and state in {TextState.UNDELIVERED, TextState.FAILED} else None
        news = News(text.row, text.sid, pseudonym(text.recipient, self.secrets.pepper), state, error)
        done = self.do(lambda connection: sending.note_status(connection, news, self.now))
        if done is not DEAD and error is not None:
            self.says_stop(text.recipient)
            self.note_refusals()

    def rows(self):
        with self.watcher.read() as connection:
            return connection.execute(select(outbox.outbox).order_by(outbox.outbox.c.id)).all()

    @invariant()
    def nobody_was_sent_what_they_should_not_have(self):
        assert self.provider.wrongs == []

    @invariant()
    def who_is_out_is_who_said_so(self):
        of_number = {self.caller(number).pseudonym: number for number in NUMBERS}
        out = select(opt_outs.opt_outs.c.caller).where(opt_outs.opt_outs.c.lifted_at.is_(None))
        with self.watcher.read() as connection:
            assert {of_number[name] for name in connection.execute(out).scalars()} == self.out

    @invariant()
    def the_provider_has_each_text_once_at_most_and_in_order(self):
        rows = Counter(text.row for text in self.provider.taken)
        assert all(times == 1 for times in rows.values()), "a text was sent twice"
        for number in NUMBERS:
            sent = [text.row for text in self.provider.taken if text.recipient == number and text.row not in self.later]
            assert all(first < second for first, second in pairwise(sent)), "out of order"

    @invariant()
    def a_text_only_moves_forward_and_has_its_own_sid(self):
        of_row = {text.row: text.sid for text in self.provider.taken}
        for row in self.rows():
            rank, state = self.before.get(row.id, (0, None))
            back = (state, row.state) == (TextState.SENDING, TextState.QUEUED)
            assert row.rank == RANKS[TextState(row.state)]
            assert row.rank >= rank or back
            assert rank < 4 or row.state == state, "the first last word stands"
            self.before[row.id] = (row.rank, row.state)
            assert row.sid is None or row.sid == of_row.get(row.id)

    def teardown(self):
        try:
            self.all_is_well_in_the_end()
        finally:
            super().teardown()

    def all_is_well_in_the_end(self):
        """Whatever is not too old by now leaves."""
        self.dies_after, self.later_deaths = None, []
        self.provider.blind, well_since = 0, self.now
        self.provider.moods.clear()
        for _ in range(2 * int(GIVE_UP / timedelta(hours=1))):
            while deliver_one(self.exchange(self.database), self.provider, "the last"):
                pass
            self.note_refusals()
            if all(row.rank >= RANKS[TextState.ACCEPTED] for row in self.rows()):
                break
            self.time_passes(3600)
        self.nobody_was_sent_what_they_should_not_have()
        self.the_provider_has_each_text_once_at_most_and_in_order()
        self.a_text_only_moves_forward_and_has_its_own_sid()
        taken = {text.row for text in self.provider.taken}
        for row in self.rows():
            assert row.rank >= RANKS[TextState.ACCEPTED], "left lying"
            if row.id in taken or row.reason in set(NoText) - {NoText.OPTED_OUT}:
                continue
            # Whatever the provider never had, somebody decided against.
            given_up = row.state == TextState.FAILED and row.error is None
            late = given_up and row.written_at < well_since - GIVE_UP + 2 * timedelta(hours=1)
            no = row.state == TextState.FAILED and self.provider.said_no[row.id]
            stopped = row.reason == NoText.OPTED_OUT and self.written[row.id][0] in self.ever_out
            assert late or no or stopped, "lost"
