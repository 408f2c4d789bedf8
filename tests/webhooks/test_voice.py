"""The voice routes: who is let in, what is heard of bad input, and that no turn counts twice."""

import time

import pytest

from keys import ledger
from keys.confirmation_id import LETTERS

ROUTES = ["/voice/incoming", "/voice/turn/1", "/voice/turn/7?at=3", "/voice/call-back", "/voice/status"]
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
route = pytest.mark.parametrize("path", ROUTES)


@pytest.fixture
def fields(exchange):
    return {
        "CallSid": "CA" + "1" * 32,
        "AccountSid": exchange.account_sid,
        "From": "+14155550123",
        "To": "+15550100",
        "CallStatus": "in-progress",
    }


def tells_nothing(answer):
    """A bare refusal: short, and without a word of what is inside."""
    return len(answer.data) < 500 and not any(
        word in answer.text.lower() for word in ("traceback", "file ", "werkzeug", "sqlalchemy", "flask", "python")
    )


# Who is let in.


@sqlite_only
@route
def test_without_a_signature_the_door_stays_shut(knock, fields, path):
    answer = knock(path, fields, signed=False)
    assert answer.status_code == 403
    assert tells_nothing(answer)


@sqlite_only
@route
def test_another_account_is_not_ours(knock, fields, path):
    for account in ("AC" + "1" * 32, "", fields["AccountSid"].lower()):
        assert knock(path, {**fields, "AccountSid": account}).status_code == 403
    nameless = {name: value for name, value in fields.items() if name != "AccountSid"}
    assert knock(path, nameless).status_code == 403


@sqlite_only
@route
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/xml", "", "a/b;;;=\xff"])
def test_only_a_form_is_taken(knock, fields, path, kind):
    answer = knock(path, fields, content_type=kind, data=b"x=1")
    assert answer.status_code == 415
    assert tells_nothing(answer)


@sqlite_only
@route
@pytest.mark.parametrize(("made_up", "status"), [(None, 413), ("A" * 28, 413), ("", 403)])
def test_a_form_of_a_megabyte_is_too_much_and_without_a_signature_it_is_not_even_looked_at(
    knock, fields, path, made_up, status
):
    headers = {} if made_up is None else {"X-Twilio-Signature": made_up}
    answer = knock(path, {**fields, "Digits": "1" * 2**20}, headers=headers)
    assert answer.status_code == status
    assert tells_nothing(answer)


@sqlite_only
@route
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_nothing_but_a_post_is_answered(knock, fields, path, method):
    answer = knock(path, fields, method=method)
    assert answer.status_code == 405
    assert tells_nothing(answer)


@sqlite_only
@pytest.mark.parametrize("sid", [None, "", " ", "CA 1", "CA1\x00", "../x", "C" * 65, "CA" + "1" * 30 + "'-"])
@pytest.mark.parametrize("path", ["/voice/incoming", "/voice/turn/1", "/voice/status", "/voice/call-back"])
def test_a_request_of_no_call_is_turned_away(knock, fields, path, sid):
    form = {**fields, "CallStatus": "completed", "Digits": "1"}
    form.pop("CallSid")
    answer = knock(path, form if sid is None else {**form, "CallSid": sid})
    assert answer.status_code == 400
    assert tells_nothing(answer)


NO_ROUTES = [
    "/voice/turn/-1",
    "/voice/turn/x",
    "/voice/turn/",
    "/voice/turn/1.5",
    "/voice/turn/" + "9" * 5000,
    "/voice",
    "/x",
]


@sqlite_only
@pytest.mark.parametrize("path", NO_ROUTES, ids=lambda path: path[:20])
def test_what_is_no_address_of_ours_is_not_found(knock, fields, path):
    for signed in (True, False):
        answer = knock(path, fields, signed=signed)
        assert answer.status_code == 404
        assert tells_nothing(answer)


@sqlite_only
def test_a_body_that_is_no_form_is_not_signed_by_anybody(knock, fields):
    for body in (b"\xff\xfe%zz&&&==;", b"=" * 60_000, b"&" * 60_000, b"%00=%00", b'{"CallSid": "CA1"}'):
        assert knock("/voice/incoming", fields, data=body).status_code == 403


# Bad input.


def keyed_so_far(rows):
    return [row["groups"] for row in rows("cases")]


@pytest.mark.parametrize(
    "keys",
    [
        "ABCDEF",
        "12 34",
        "1" * 10_000,
        "*" * 10_000,
        "\u00b2",
        "\u2460\u2461",
        "\u0661" * 6,
        "\U0001d7d8",
        "\x00",
        "<Say>",
        "w",
        "#",
    ],
)
def test_signs_that_are_no_keys_lose_nothing_and_the_group_is_asked_again(ring, groups, rows, keys):
    call = ring().key(groups[0]).key(groups[1])
    begun = time.monotonic()
    call.key(keys)
    assert time.monotonic() - begun < 1.0
    assert "something is wrong on our side" not in call.words
    assert "group 3" in call.words.lower()
    assert keyed_so_far(rows) == [",".join([*groups[:2], *[""] * 7])]
    assert "Group 4" in call.key(groups[2]).words


@sqlite_only
@pytest.mark.parametrize(
    "keys", ["\uff11\uff12", "\u00b2", "A", "1" * 10_000, "\u0968\u0968\u0968\u0968\u0968\u0968", "9" * 10_000]
)
def test_signs_that_are_no_keys_at_the_first_prompt_are_not_a_fault_of_ours(ring, keys):
    call = ring().key(keys)
    assert "something is wrong on our side" not in call.words
    assert not call.over


@sqlite_only
@pytest.mark.parametrize("keys", ["\u00b2", "A", "\uff11", "\u2460"])
def test_signs_that_are_no_keys_in_the_read_back_go_on_with_it(ring, groups, keys):
    call = ring().key("".join(groups))
    assert "Approved" in call.words
    call.key(keys)
    assert "something is wrong on our side" not in call.words
    assert f"{LETTERS[7]}, Hotel" in call.words


@sqlite_only
@pytest.mark.parametrize("at", ["", "x", "-1", "0", "99", "100", "9" * 5000, "1.5", "1&at=2", "%00", "%D9%A1"])
def test_a_block_that_is_none_is_no_fault(ring, groups, at):
    call = ring().key("".join(groups))
    path = call.actions[0].partition("?")[0]
    call.clock.sleep(10)
    call.post(f"{path}?at={at}", Digits="*")
    assert "something is wrong on our side" not in call.words
    assert "Hotel" in call.words or "last block" in call.words


# Turns that come twice, or out of order.


def test_a_turn_brought_twice_is_answered_alike_and_taken_once(ring, groups, rows):
    call = ring().key(groups[0])
    action = call.actions[0]
    first = call.key(groups[1]).heard
    assert call.post(action, Digits=groups[1]).heard == first
    assert call.post(action, Digits="999999").heard == first
    assert keyed_so_far(rows) == [",".join([*groups[:2], *[""] * 7])]


def test_the_last_turn_brought_twice_activates_once(ring, groups, mak, database):
    call = ring()
    action = call.actions[0]
    first = call.key("".join(groups)).heard
    assert "Approved" in first
    assert call.post(action, Digits="".join(groups)).heard == first
    with database.read() as connection:
        assert ledger.balance(connection, mak.key.id).available == 9


@sqlite_only
@pytest.mark.parametrize("number", [0, 1, 5, 10**6, 10**30, int("9" * 4000)])
def test_a_turn_out_of_order_hears_the_current_prompt_again(ring, groups, rows, number):
    call = ring().key(groups[0]).key(groups[1])
    current = call.heard
    assert call.post(f"/voice/turn/{number}", Digits=groups[2]).heard == current
    assert keyed_so_far(rows) == [",".join([*groups[:2], *[""] * 7])]


def test_an_action_of_a_call_nobody_knows_begins_the_call(ring, groups):
    call = ring()
    fresh = call.heard
    call.sid = "CA" + "2" * 32
    call.post("/voice/turn/5", Digits=groups[4])
    assert call.heard == fresh
    assert "Group 2" in call.key(groups[0]).words


def test_the_first_address_is_its_own_fallback_and_counts_nothing(ring, groups, rows):
    call = ring().key(groups[0]).key("123")
    current = call.heard
    before = rows("calls")
    for _ in range(10):
        call.post("/voice/incoming", ErrorCode="11200", ErrorUrl="https://line.example/voice/turn/3", Digits="1")
        assert call.heard == current
    assert rows("calls") == before
    assert "Group 3" in call.key(groups[1]).words


def test_a_call_that_is_over_stays_over(ring, groups, rows):
    call = ring().key(groups[0])
    action = call.actions[0]
    assert call.status("completed").status_code == 204
    before = rows("calls"), rows("cases")
    call.post(action, Digits=groups[1])
    assert call.over
    call.post("/voice/incoming")
    assert call.over
    assert (rows("calls"), rows("cases")) == before
