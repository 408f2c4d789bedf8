"""Slips in keying that a check digit alone would not tell: each is found, and costs one group."""

from ivr.actions import Listen, ReadBack, Weigh, say
from ivr.dialogue import step
from ivr.events import Approved, CallStarted, Keyed, Silence, Weighed
from ivr.states import AskingGroup, Checking, ReadingBack, WayOn
from keys.checkdigit import calc
from keys.formats import CheckRule
from keys.groups import check_group, format_of, split
from keys.installation_id import InstallationID, encode


def iid(product, nonce=9):
    return split(encode(InstallationID(product, product, 41, (1, 2, 3, 4, 5, 6, 7, 8), nonce, 12345)))


def keyed(*entries):
    """Key entries into a new call; the state and what was said last."""
    state, actions = step(None, CallStarted(withheld=False), country="US")
    for entry in entries:
        state, actions = key(state, entry)
    return state, actions


def key(state, entry):
    """Key one entry; no proof is right here, so that nothing is mended and the group in doubt is asked for."""
    state, actions = step(state, Keyed(entry), country="US")
    if any(isinstance(action, Weigh) for action in actions):
        state, actions = step(state, Weighed(()), country="US")
    return state, actions


def said(actions):
    return [prompt.prompt for action in actions if isinstance(action, Listen) for prompt in action.prompts]


def slipped_into_classic():
    """A standard ID whose first group, with 7 for its first digit, passes as a classic one (one in seven does)."""
    for product in range(1, 16_000, 100):
        groups = split(encode(InstallationID(1, product, 41, (1, 2, 3, 4, 5, 6, 7, 8), 9, 12345)))
        slip = "7" + groups[0][1:]
        classic = format_of(slip)
        assert classic is not None
        if check_group(classic, 1, slip) is None and check_group(classic, 2, groups[1]) is not None:
            return groups, slip
    raise AssertionError("no such ID")


def test_a_slip_in_the_very_first_digit_that_names_another_format_costs_group_one_alone():
    groups, slip = slipped_into_classic()
    state, actions = keyed(slip, groups[1])
    assert said(actions) == ["group.first_again"]
    state, actions = step(state, Keyed(groups[0]), country="US")
    assert isinstance(state, AskingGroup)
    assert (state.group, state.form.format) == (3, 1)
    assert state.form.groups[:2] == groups[:2]


def test_a_slip_that_the_classic_check_misses_is_located_by_the_whole_id_and_asked_again_alone():
    groups = iid(7)
    place = next(place for place in range(1, 6) if groups[3][place - 1] in "012")
    missed = groups[3][: place - 1] + str(int(groups[3][place - 1]) + 7) + groups[3][place:]
    state, actions = keyed(*groups[:3], missed, *groups[4:])
    assert said(actions) == ["group.look_again"]
    assert isinstance(state, AskingGroup)
    assert state.group == 4
    state, _ = step(state, Keyed(groups[3]), country="US")
    assert isinstance(state, Checking)


def test_two_groups_that_pass_and_are_wrong_together_lead_to_a_person_and_nothing_is_thrown_away():
    groups = list(iid(1))
    for place in (2, 5):
        payload = groups[place][:4] + str((int(groups[place][4]) + 1) % 10)
        groups[place] = payload + calc(CheckRule.VERHOEFF, place + 1, payload)
    state, actions = keyed("".join(groups))
    assert isinstance(state, WayOn)
    assert "reason.WHOLE_ID" in said(actions)
    assert state.form.groups == tuple(groups)


def test_in_a_run_of_keys_with_one_wrong_group_that_group_alone_is_asked():
    groups = iid(1)
    wrong = groups[3][:-1] + str((int(groups[3][-1]) + 1) % 10)
    state, actions = keyed("".join([*groups[:3], wrong, *groups[4:]]))
    assert said(actions) == ["group.wrong"]
    assert state.form.next_group == 4
    assert [action.most for action in actions if isinstance(action, Listen)] == [6]
    state, _ = step(state, Keyed(groups[3]), country="US")
    assert isinstance(state, Checking)


def test_a_run_with_a_lost_key_keeps_all_groups_but_the_one_that_lost_it():
    groups = iid(1)
    digits = "".join(groups)
    state, _ = keyed(digits[:20] + digits[21:])
    assert isinstance(state, AskingGroup)
    assert state.group == 4
    assert state.form.groups == (*groups[:3], "", *groups[4:])


def test_a_key_too_many_after_a_whole_id_does_no_harm():
    state, _ = keyed("".join(iid(1)) + "5")
    assert isinstance(state, Checking)


def test_a_stray_key_just_after_our_words_counts_for_nothing():
    state, _ = keyed(iid(1)[0])
    before = state.form.tally
    state, actions = step(state, Keyed("7", after=1.0), country="US")
    assert state.form.tally == before
    assert said(actions) == ["group.next"]


def test_a_short_entry_doubles_both_waits_until_the_group_is_in():
    groups = iid(1)
    state, usual = keyed(groups[0])
    state, roomy = step(state, Keyed("12345"), country="US")
    assert (roomy[0].first_wait, roomy[0].between) == (2 * usual[1].first_wait, 2 * usual[1].between)
    _, after = step(state, Keyed(groups[1]), country="US")
    assert after[1].between == usual[1].between


def test_the_read_back_is_steered_by_keys_and_silence_is_no_error():
    state = ReadingBack(keyed(iid(1)[0])[0].form, 8)
    for key, at, first, pace in (("*", 3, 3, 1), ("#", 3, 4, -1), ("7", 1, 7, 0), ("A", 2, 2, 0)):
        after, actions = step(state, Keyed(key, at=at), country="US")
        assert actions == (ReadBack(actions[0].opening, first, 8, pace, (say("readback.menu.next"),)),)
        assert isinstance(after, ReadingBack)


def test_the_pace_follows_the_caller_and_stays():
    state = ReadingBack(keyed(iid(1)[0])[0].form, 8)
    for key, pace in (("*", 1), ("*", 2), ("*", 2), ("3", 2), ("#", 1), ("#", 0), ("#", -1), ("#", -1), ("*", 0)):
        state, actions = step(state, Keyed(key, at=2), country="US")
        assert actions[0].pace == state.pace == pace


def test_nine_waits_for_the_pen_and_goes_on_with_the_same_block():
    state = ReadingBack(keyed(iid(1)[0])[0].form, 8)
    state, actions = step(state, Keyed("9", at=5), country="US")
    assert said(actions) == ["readback.paused"]
    more, actions = step(state, Keyed("9"), country="US")
    assert said(actions) == ["readback.paused"]
    for event in (Keyed("1"), Silence()):
        after, actions = step(more, event, country="US")
        assert (actions[0].first, after.paused_at) == (5, None)


def test_an_approved_id_is_read_from_its_first_block():
    state, actions = step(Checking(keyed(iid(1)[0])[0].form), Approved(5, again=False), country="US")
    assert (actions[0].first, actions[0].blocks) == (1, 5)
    assert isinstance(state, ReadingBack)
