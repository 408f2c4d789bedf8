"""Several machines in one call, and in one thread of texts: each its own case, each taken once from the key."""

import pytest

from keys.allowance import balance
from keys.groups import grouped, split
from keys.installation_id import encode


@pytest.fixture
def machines(mak, installation):
    return [split(encode(installation(1, mak.key.serial, nonce=nonce))) for nonce in (1, 2, 3)]


def at_menu(call):
    """Past the blocks, where the menu is spoken."""
    return next(action for action in call.actions if "at=9" in action)


def test_three_machines_in_one_call_are_three_cases(ring, machines, mak, rows, database):
    call = ring()
    heard = []
    for number, groups in enumerate(machines):
        call.key("".join(groups))
        assert "Approved." in call.words
        assert "For another machine, press pound." in call.words
        heard.append(call.words)
        if number < 2:
            call.clock.sleep(10)
            call.post(at_menu(call), Digits="#")
            assert call.words.startswith("The next machine. Key group 1")
    assert len(set(heard)) == 3
    call.status("completed")
    assert [case["state"] for case in rows("cases")] == ["activated"] * 3
    with database.read() as connection:
        assert balance(connection, mak.key.id).posted == 3


def test_a_machine_left_in_the_middle_is_gone_on_with_by_the_next_call(ring, machines, rows):
    call = ring()
    call.key("".join(machines[0]))
    call.clock.sleep(10)
    call.post(at_menu(call), Digits="#")
    call.key(machines[1][0])
    call.key(machines[1][1])
    call.status("completed")
    assert sorted(case["state"] for case in rows("cases")) == ["activated", "open"]
    again = ring()
    assert "group 3" in again.words.lower()


@pytest.mark.parametrize("between", [(), ("NEW",)])
def test_by_text_the_next_machine_is_simply_its_installation_id(texts, machines, rows, between):
    answers = []
    for groups in machines[:2]:
        answers += texts.send(grouped(groups))
        for word in between:
            texts.send(word)
    assert all(" A" in answer or "A " in answer for answer in answers)
    assert len(set(answers)) == 2
    assert [case["state"] for case in rows("cases")][:2] == ["activated", "activated"]
