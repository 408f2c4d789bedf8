"""A dropped call goes on at the next group: for the one caller it belongs to, and for nobody else."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from ivr.actions import ReadBack
from ivr.callers import recognise
from ivr.cases import cases
from ivr.dropped import WITHIN
from ivr.turn import Knock, hang_up, take_turn
from keys.groups import split
from keys.installation_id import encode


class Office:
    """Telephones behind one number, each call by its sid."""

    def __init__(self, exchange, clock):
        self.exchange, self.clock, self.turns = exchange, clock, {}

    def ring(self, sid, number="+14155550123"):
        held = self.exchange.secrets
        caller = recognise(number, "US", pepper=held.pepper, number_key=held.number_key)
        self.turns[sid] = (caller, 1)
        return self._bring(sid, None)

    def key(self, sid, keys):
        self.clock.sleep(9)
        return self._bring(sid, keys)

    def drop(self, sid):
        with self.exchange.database.begin() as connection:
            hang_up(connection, sid, now=self.clock.now)

    def _bring(self, sid, keys):
        caller, turn = self.turns[sid]
        knock = Knock(sid, lambda: caller, self.exchange.lines.all[0], None if keys is None else turn, keys or "", None)
        with self.exchange.database.begin() as connection:
            answer = take_turn(connection, self.exchange.secrets, knock, now=self.clock.now, below=self.exchange.below)
        self.turns[sid] = (caller, answer.turn)
        return answer


@pytest.fixture
def office(exchange, clock):
    return Office(exchange, clock)


@pytest.fixture
def groups(mak, installation):
    return split(encode(installation(1, mak.key.serial)))


@pytest.fixture
def others(mak, installation):
    """The groups of a colleague's machine."""
    return split(encode(installation(1, mak.key.serial, fingerprint=(8, 7, 6, 5, 4, 3, 2, 1))))


def prompts(answer):
    return [(prompt.prompt, dict(prompt.facts)) for prompt in answer.spoken.prompts]


def cut_off_at_group_five(office, groups):
    office.ring("CA1")
    for group in groups[:4]:
        office.key("CA1", group)
    office.drop("CA1")


def test_a_dropped_call_goes_on_at_the_next_group_and_no_digit_is_spoken(office, groups, clock):
    cut_off_at_group_five(office, groups)
    clock.sleep(60)
    assert prompts(office.ring("CA2")) == [("resume.group", {"group": 5})]
    for group in groups[4:]:
        answer = office.key("CA2", group)
    assert isinstance(answer.spoken, ReadBack)


def test_after_half_an_hour_or_from_another_phone_the_call_begins_anew(office, groups, clock):
    cut_off_at_group_five(office, groups)
    assert prompts(office.ring("CA2", "+14155550199")) == [("opening.first", {})]
    assert prompts(office.ring("CA3", "anonymous")) == [("opening.first", {})]
    clock.sleep(WITHIN / timedelta(seconds=1) + 1)
    assert prompts(office.ring("CA4")) == [("opening.first", {})]


def test_while_another_call_of_that_number_lives_nobody_is_put_into_a_case(office, groups):
    office.ring("CA0")
    cut_off_at_group_five(office, groups)
    assert prompts(office.ring("CA2")) == [("opening.first", {})]


def test_two_dropped_cases_of_one_number_are_two_people(office, groups, others):
    office.ring("CA0")
    office.key("CA0", others[0])
    cut_off_at_group_five(office, groups)
    office.drop("CA0")
    assert prompts(office.ring("CA2")) == [("opening.first", {})]


def test_a_colleague_who_keys_another_id_leaves_the_dropped_case_alone(office, groups, others, database):
    cut_off_at_group_five(office, groups)
    office.ring("CA2")
    assert prompts(office.key("CA2", others[0])) == [("group.next_first", {"group": 2})]
    for group in others[1:]:
        answer = office.key("CA2", group)
    assert isinstance(answer.spoken, ReadBack)
    with database.read() as connection:
        kept = connection.execute(select(cases.c.groups).order_by(cases.c.id)).scalars().all()
    assert kept[0].split(",")[:5] == [*groups[:4], ""]
    assert kept[1].split(",") == list(others)


def test_a_finished_activation_is_not_gone_on_with(office, groups):
    office.ring("CA1")
    office.key("CA1", "".join(groups))
    office.drop("CA1")
    assert prompts(office.ring("CA2")) == [("opening.first", {})]


def test_a_classic_id_is_gone_on_with_by_its_case_number_only(office, issue_key, installation, database):
    key = issue_key(product=7).key
    classic = split(encode(installation(7, key.serial)))
    cut_off_at_group_five(office, classic)
    assert prompts(office.ring("CA2")) == [("opening.first", {})]
    with database.read() as connection:
        number = connection.execute(select(func.max(cases.c.number))).scalar_one()
    assert prompts(office.key("CA2", number)) == [("case.found", {"group": 5})]
