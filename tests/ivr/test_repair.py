"""A repair in the turn: what is offered, what it costs, and that the proof cannot be asked through it."""

import shutil
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from ivr import guesses
from ivr.actions import Listen, ReadBack
from ivr.callers import recognise
from ivr.cases import cases
from ivr.dialogue import step
from ivr.events import CallStarted, CaseFound, Keyed, Weighed
from ivr.form import Form
from ivr.guesses import FREE_GUESSES
from ivr.states import AskingGroup, Checking, ConfirmingGroup, FindingCase, Weighing
from ivr.turn import Knock, take_turn
from keys.groups import split
from keys.installation_id import InstallationID, encode


class Phone:
    """One call into the turn function; answers are the prompts' ids."""

    def __init__(self, exchange, clock, sid, number="+14155550123"):
        held = exchange.secrets
        self.exchange, self.clock, self.sid = exchange, clock, sid
        self.caller = recognise(number, "US", pepper=held.pepper, number_key=held.number_key)
        self.answer = self.bring(None, "")

    def bring(self, turn, keys):
        knock = Knock(self.sid, lambda: self.caller, self.exchange.lines.all[0], turn, keys, None)
        with self.exchange.database.begin() as connection:
            return take_turn(
                connection, self.exchange.secrets, knock, now=self.exchange.now(), below=self.exchange.below
            )

    def key(self, keys):
        self.clock.sleep(9)
        self.answer = self.bring(self.answer.turn, keys)
        return self.said()

    def said(self):
        spoken = self.answer.spoken
        return [prompt.prompt for prompt in (spoken.opening if isinstance(spoken, ReadBack) else spoken.prompts)]


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    """SQLite alone: what is looked at here is the same on both."""
    file = tmp_path / "touchtone.db"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def phone(exchange, clock, database):  # noqa: ARG001 - the line is over it
    return lambda sid="CA1", number="+14155550123": Phone(exchange, clock, sid, number)


@pytest.fixture
def iid(mak, installation):
    return installation(1, mak.key.serial)


def without(iid, at):
    digits = encode(iid)
    return digits[:at] + digits[at + 1 :]


def tries(database, **named):
    with database.read() as connection:
        if named:
            return guesses.naming(connection, named["product"], named["serial"])
        return connection.execute(select(func.count()).select_from(guesses.guesses)).scalar()


OFFER = ["repair.group", "repair.confirm"]


def test_the_group_that_lost_a_key_is_offered_in_spelled_digits_and_a_yes_spends_the_activation(phone, iid, database):
    call = phone()
    assert call.key(without(iid, 20)) == OFFER
    facts = dict(call.answer.spoken.prompts[0].facts)
    assert facts == {"group": 4, "digits": split(encode(iid))[3]}
    assert call.key("1") == ["approved.new"]
    assert tries(database) == 0


def test_until_the_yes_the_case_holds_the_sound_groups_and_not_the_one_that_was_offered(phone, iid, database):
    call = phone()
    call.key(without(iid, 20))
    groups = split(encode(iid))
    with database.read() as connection:
        assert connection.execute(select(cases.c.groups)).scalar() == ",".join([*groups[:3], "", *groups[4:]])


def test_an_id_of_no_key_is_never_offered_and_hears_what_an_id_that_cannot_be_mended_hears(phone, iid, database):
    forged = replace(iid, proof=iid.proof ^ 1)
    call = phone()
    assert call.key(without(forged, 20)) == ["group.short"]
    two_slips = split(encode(iid))
    broken = "".join([*two_slips[:3], two_slips[3][:3], *two_slips[4:]])
    assert phone("CA2", "+14155550124").key(broken) == ["group.short"]
    assert tries(database) == 1
    assert tries(database, product=1, serial=iid.serial) == 0, "no key is flagged by an ID that was never keyed whole"


def test_however_many_ids_are_weighed_it_is_one_try_and_after_the_free_ones_nothing_is_weighed(phone, iid, database):
    forged = replace(iid, proof=iid.proof ^ 1)
    for number in range(FREE_GUESSES + 1):
        assert phone(f"CA{number}").key(without(forged, 20)) == ["group.short"]
    assert tries(database) == FREE_GUESSES + 1
    throttled = phone("CA9")
    assert throttled.key(without(iid, 20)) == ["group.short"], "a genuine ID is not offered to who guesses"
    assert tries(database) == FREE_GUESSES + 1
    other = phone("CA10", "+14155550199")
    assert other.key(without(iid, 20)) == OFFER, "another caller is not slowed"


def test_a_caller_who_waits_is_weighed_for_again(phone, iid, clock):
    forged = replace(iid, proof=iid.proof ^ 1)
    for number in range(FREE_GUESSES + 1):
        phone(f"CA{number}").key(without(forged, 20))
    clock.sleep(15 * 60)
    assert phone("CA9").key(without(iid, 20)) == OFFER


def test_a_turn_brought_twice_weighs_once(phone, iid, database):
    call = phone()
    forged = without(replace(iid, proof=iid.proof ^ 1), 20)
    assert call.bring(1, forged) == call.bring(1, forged)
    assert tries(database) == 1


def test_a_key_left_over_from_a_long_run_is_no_yes_and_no_no(phone, iid, clock):
    call = phone()
    call.key(without(iid, 20))
    for key in "120":
        clock.sleep(0.4)
        call.answer = call.bring(call.answer.turn, key)
        assert call.said() == OFFER
    assert call.key("1") == ["approved.new"]


CLASSIC = split(encode(InstallationID(7, 7, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 12345)))


def slipped(group):
    """The group with 0, 1 or 2 keyed as 7, 8 or 9, which its own check does not see."""
    place = next(place for place in range(5) if group[place] in "012")
    return group[:place] + str(int(group[place]) + 7) + group[place + 1 :]


def test_a_stored_group_is_never_read_out_but_asked_again():
    slip = (*CLASSIC[:3], slipped(CLASSIC[3]), *CLASSIC[4:8], "")
    state, _ = step(FindingCase(Form()), CaseFound(7, slip), country="US")
    state, _ = step(state, Keyed(CLASSIC[8]), country="US")
    assert isinstance(state, Weighing)
    right = next(place for place, meant in enumerate(state.candidates) if meant.groups == CLASSIC)
    state, actions = step(state, Weighed((right,)), country="US")
    assert isinstance(state, AskingGroup)
    assert state.group == 4
    said = next(action for action in actions if isinstance(action, Listen))
    assert not [fact for prompt in said.prompts for fact in prompt.facts if fact[0] == "digits"]


def test_in_a_run_the_slip_that_a_classic_group_did_not_see_is_offered():
    state, _ = step(None, CallStarted(withheld=False), country="US")
    state, _ = step(state, Keyed("".join([*CLASSIC[:3], slipped(CLASSIC[3]), *CLASSIC[4:]])), country="US")
    right = next(place for place, meant in enumerate(state.candidates) if meant.groups == CLASSIC)
    state, _ = step(state, Weighed((right,)), country="US")
    assert isinstance(state, ConfirmingGroup)
    assert state.candidate.mended == (4,)
    state, _ = step(state, Keyed("1"), country="US")
    assert isinstance(state, Checking)
    assert state.form.groups == CLASSIC


def test_where_two_ids_would_be_genuine_the_group_is_asked_and_neither_is_offered():
    state, _ = step(None, CallStarted(withheld=False), country="US")
    state, _ = step(state, Keyed("".join(CLASSIC[:3]) + CLASSIC[3][:5] + "".join(CLASSIC[4:])), country="US")
    assert isinstance(state, Weighing)
    twice = replace(state, candidates=(state.candidates[0], state.candidates[0]))
    state, _ = step(twice, Weighed((0, 1)), country="US")
    assert isinstance(state, AskingGroup)
    assert state.group == 4
