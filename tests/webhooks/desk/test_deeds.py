"""What an operator does with a case: what each deed changes, what the caller hears of it, and what it leaves alone."""

import re
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from ivr import call_backs, cases, claims, outbox, queue
from ivr.hours import DeskHours, read_hours
from ivr.lines import Lines
from ivr.operators import Role
from ivr.queue import Decision, HandoffState
from keys import ledger
from keys.entries import of_key
from keys.groups import split
from keys.installation_id import encode
from keys.products import products
from tests.webhooks.conftest import Door, Texts

ALWAYS = DeskHours(ZoneInfo("UTC"), read_hours("mon-sun 00:00-24:00"), frozenset())


@pytest.fixture
def groups(installation, mak):
    return split(encode(installation(1, mak.key.serial)))


@pytest.fixture
def staffed(exchange):
    """A line over the same database, whose desk is open and which sends texts."""
    line = replace(exchange.lines.all[0], text_sender="+15550100", desk=ALWAYS)
    return replace(exchange, lines=Lines((line,)))


@pytest.fixture
def stuck(ring, staffed, desk, groups):
    """A caller who has keyed some groups and waits for a person: the call, and the handoff."""

    def call_in(keyed=3, caller="+14155550123"):
        call = ring(caller, at=Door(staffed))
        for group in groups[:keyed]:
            call.key(group)
        call.key("0")
        with desk.database.read() as connection:
            return call, queue.unfinished(connection)[-1]

    return call_in


@pytest.fixture
def standing(desk):
    """A handoff, and its case, as they stand."""

    def read(handoff):
        with desk.database.read() as connection:
            return queue.read(connection, handoff.id), cases.read(connection, handoff.case_id)

    return read


@pytest.fixture
def texts_written(desk):
    def read():
        with desk.database.read() as connection:
            rows = connection.execute(outbox.outbox.select().order_by(outbox.outbox.c.id)).all()
        return [(row.state, [word.prompt for word in outbox.read_words(row.words)]) for row in rows]

    return read


def each(groups):
    return {f"group-{number}": group for number, group in enumerate(groups, 1)}


def took(desktop, handoff):
    """The operator claims the case; the path of its deeds."""
    path = f"/desk/cases/{handoff.id}"
    assert desktop.post(f"{path}/claim").status_code == 303
    return path


def test_a_caller_stuck_at_a_group_hears_the_confirmation_id_after_it_was_corrected(
    stuck, desk_client, groups, entries, standing
):
    call, handoff = stuck()
    desktop = desk_client()
    path = took(desktop, handoff)
    page = desktop.post(f"{path}/groups", whole=" ".join(groups), reason="read out to me")
    assert page.status_code == 303
    assert "The ID is whole and genuine." in desktop.get(path).text
    desktop.post(f"{path}/back")
    between = desktop.get(path).text
    assert "decided, the line takes it up" in between
    assert "has this case" not in between, "as if another had it"
    assert "Claim the case" not in between
    assert "Approved. Write down 8 blocks" in call.silence().words
    assert [entry.kind for entry in entries()][1:] == ["claimed", "groups_set", "handed_back"]
    assert entries("groups_set")[0].reason == "read out to me"
    assert standing(handoff)[0].state is HandoffState.DONE


def test_an_activation_at_the_desk_is_read_by_the_line_and_counted_as_the_operators(
    stuck, desk_client, groups, desk, mak
):
    call, handoff = stuck(keyed=8)
    desktop = desk_client()
    path = took(desktop, handoff)
    desktop.post(f"{path}/groups", **each(groups))
    part = desktop.post_part(f"{path}/issue", reason="checked with the customer")
    assert "The line tells the caller" in part.headers["HX-Trigger"]
    assert call.silence().words.startswith("A person has approved this machine. Write down 8 blocks of six digits.")
    with desk.database.read() as connection:
        post = of_key(connection, mak.key.id)[-1]
    assert (post["kind"], post["channel"], post["holder"]) == ("post", "operator", f"operator-{desktop.operator.id}")


def test_only_the_groups_that_changed_are_in_the_entry_and_none_of_their_digits(desk_client, handoff, groups, entries):
    entered = handoff(groups=groups[:3])
    desktop = desk_client()
    path = took(desktop, entered)
    desktop.post(f"{path}/groups", **each([*groups[:3], groups[3], "", groups[5]]))
    (entry,) = entries("groups_set")
    assert entry.details == '{"groups": [4, 6], "missing": 4}'
    assert not any(group in str(tuple(entry)) for group in groups)


@pytest.mark.parametrize(
    "spell",
    [
        " ".join,
        "-".join,
        "".join,
        lambda groups: "\uff0d".join(groups).translate({ord(str(d)): chr(0xFF10 + d) for d in range(10)}),
        lambda groups: "  ".join(groups) + "\n",
    ],
)
def test_the_whole_id_is_taken_in_any_spelling(desk_client, handoff, groups, standing, spell):
    entered = handoff()
    path = took(desktop := desk_client(), entered)
    assert desktop.post(f"{path}/groups", whole=spell(groups)).status_code == 303
    assert standing(entered)[1].groups == groups


def test_groups_that_do_not_fit_are_not_kept_and_stay_in_their_fields(desk_client, handoff, groups, standing, entries):
    entered = handoff(groups=groups[:2])
    desktop = desk_client()
    path = took(desktop, entered)
    wrong = groups[2][:-1] + str((int(groups[2][-1]) + 1) % 10)
    page = desktop.post(f"{path}/groups", **each([*groups[:2], wrong, groups[3]]))
    assert page.status_code == 409
    assert "Nothing was kept: group 3 does not fit." in page.text
    assert f'value="{wrong}"' in page.text
    assert f'value="{groups[3]}"' in page.text
    part = desktop.post_part(f"{path}/groups", **each([*groups[:2], wrong]))
    assert part.status_code == 409
    assert 'id="check-3"' in part.text
    assert 'id="group-3"' not in part.text  # the field is theirs, and left as it is
    assert "group 3 does not fit" in part.headers["HX-Trigger"]
    short = desktop.post(f"{path}/groups", whole=" ".join(groups[:8]))
    assert "of the whole ID, group 9 is missing" in short.text
    long = desktop.post(f"{path}/groups", whole=" ".join([*groups, "123456"]))
    assert "more digits than the ID has" in long.text
    assert "group 1 does not begin as an ID does" in desktop.post(f"{path}/groups", **{"group-1": "912345"}).text
    assert standing(entered)[1].groups == groups[:2]
    assert not entries("groups_set")


def test_a_case_that_is_activated_keeps_its_digits(desk_client, handoff, groups, installation, mak, standing):
    entered = handoff(groups=groups)
    path = took(desktop := desk_client(), entered)
    desktop.post(f"{path}/issue")
    other = split(encode(installation(1, mak.key.serial, nonce=9)))
    # The caller waits no longer for the decision, so the case is the operator's again.
    _hang_up(desktop, entered)
    page = desktop.post(f"{path}/groups", whole=" ".join(other))
    assert page.status_code == 409
    assert "Other groups are another installation, and another case." in page.text
    assert standing(entered)[1].groups == groups


def _hang_up(desktop, handoff):
    desk = desktop.client.application.extensions["desk"]
    with desk.database.begin() as connection:
        queue.leave(connection, handoff.sid, desk.now())


DEEDS = {
    "release": {},
    "transfer": {"to": "1"},
    "groups": {"whole": "1"},
    "back": {},
    "issue": {},
    "refuse": {"because": "OPERATOR_REFUSED"},
    "let-through": {"reason": "known"},
    "text": {"what": "case_number"},
    "called-back": {"reached": "yes"},
    "grant": {"amount": "5", "reason": "asked"},
    "close": {"disposition": "other"},
}


def said_by(answer):
    """What an answer says of the deed: on the page, or beside its panels."""
    return answer.text + answer.headers.get("HX-Trigger", "")


def test_a_deed_on_a_case_that_another_has_changes_nothing_and_says_who_has_it(
    desk_client, handoff, groups, entries, standing
):
    entered = handoff(groups=groups)
    took(desk_client(name="Sofia Lind"), entered)
    before, desktop = standing(entered), desk_client()
    counted = len(entries())
    for deed, fields in DEEDS.items():
        for send in (desktop.post, desktop.post_part):
            answer = send(f"/desk/cases/{entered.id}/{deed}", **fields)
            assert answer.status_code == 409, deed
            assert "Sofia Lind has this case." in said_by(answer), deed
    assert standing(entered) == before
    assert len(entries()) == counted


def test_a_deed_needs_a_claim_and_a_case_that_has_not_ended(desk_client, desk, handoff, groups, entries):
    entered = handoff(groups=groups)
    desktop = desk_client()
    counted = len(entries())

    def refused_with(why):
        for deed, fields in DEEDS.items():
            answer = desktop.post(f"/desk/cases/{entered.id}/{deed}", **fields)
            assert answer.status_code == 409, deed
            assert why in said_by(answer), (deed, re.findall("toast problem.*", answer.text))

    refused_with("Nobody has this case. Claim it first.")
    with desk.database.begin() as connection:
        claims.claim(connection, entered.id, desktop.operator.id, desk.now())
        claims.decide(connection, entered.id, desktop.operator.id, Decision.BACK, now=desk.now())
    refused_with("Anna Berg has decided this case, and the line is telling the caller.")
    with desk.database.begin() as connection:
        claims.finish(connection, entered.id, "other", desk.now())
    refused_with("This case has ended with Anna Berg.")
    for deed, fields in DEEDS.items():
        assert desktop.post(f"/desk/cases/999/{deed}", **fields).status_code == 404
    assert len(entries()) == counted


def test_of_two_who_claim_one_has_the_case_and_the_other_reads_who(desk_client, handoff):
    entered = handoff()
    first, second = desk_client(), desk_client(name="Sofia Lind")
    assert first.post_part(f"/desk/cases/{entered.id}/claim").status_code == 200
    late = second.post_part(f"/desk/cases/{entered.id}/claim")
    assert late.status_code == 409
    assert "Anna Berg has this case." in late.headers["HX-Trigger"]
    assert "Anna Berg has it" in late.text
    assert first.post(f"/desk/cases/{entered.id}/claim").status_code == 303  # it is theirs already


def test_a_refusal_is_heard_in_its_own_words(stuck, desk_client, entries):
    call, handoff = stuck()
    desktop = desk_client()
    path = took(desktop, handoff)
    assert desktop.post(f"{path}/refuse", because="PROOF_WRONG").status_code == 409
    desktop.post(f"{path}/refuse", because="PRODUCT_RETIRED", reason="sold on")
    assert call.silence().words.startswith("This product is no longer activated on new machines.")
    (entry,) = entries("refused")
    assert (entry.reason, entry.details) == ("sold on", '{"because": "PRODUCT_RETIRED", "by": "line"}')


def test_a_caller_who_hung_up_is_not_handed_back_but_texted_what_was_decided(
    stuck, staffed, desk_client, groups, clock, standing
):
    call, handoff = stuck(keyed=5, caller="+14155550124")
    call.status("completed")
    desktop = desk_client()
    path = took(desktop, handoff)
    page = desktop.post(f"{path}/back")
    assert page.status_code == 409
    assert "The caller is not on the line any more." in page.text
    desktop.post(f"{path}/groups", whole=" ".join(groups))
    assert "Nobody knows it yet" in _said(desktop.post_part(f"{path}/issue"))
    assert standing(handoff)[0].state is HandoffState.CLAIMED
    assert "The text is on its way" in _said(desktop.post_part(f"{path}/issue", by_text="1"))
    (body,) = Texts(staffed, clock, "+14155550124").come()
    assert body.startswith("Approved. Type these blocks into your machine")
    assert (standing(handoff)[0].state, standing(handoff)[0].disposition) == (HandoffState.DONE, "activated")


def _said(answer):
    return answer.headers["HX-Trigger"]


def test_who_texted_is_answered_by_text_and_the_case_is_closed(staffed, clock, desk_client, desk, groups, standing):
    phone = Texts(staffed, clock)
    phone.send(" ".join(groups[:8]))
    phone.send("AGENT")
    with desk.database.read() as connection:
        (handoff,) = queue.unfinished(connection)
    desktop = desk_client()
    path = took(desktop, handoff)
    assert "texting" in desktop.get(path).text
    desktop.post(f"{path}/groups", whole=" ".join(groups))
    desktop.post(f"{path}/issue")
    (body,) = phone.come()
    assert body.startswith("Approved.")
    assert standing(handoff)[0].disposition == "activated"


def test_groups_asked_for_again_by_text_come_into_the_same_case(staffed, clock, desk_client, desk, groups, standing):
    phone = Texts(staffed, clock)
    phone.send(" ".join(groups[:8]))
    phone.send("AGENT")
    with desk.database.read() as connection:
        (handoff,) = queue.unfinished(connection)
    desktop = desk_client()
    path = took(desktop, handoff)
    assert "is on its way" in _said(desktop.post_part(f"{path}/text", what="groups", again=["2", "4"]))
    (body,) = phone.come()
    assert body.startswith("Groups 2, 4 are not right: send those again. Group 9 is missing: send it.")
    assert standing(handoff)[1].groups[1::2] == ("", "", groups[5], groups[7])
    desktop.post(f"{path}/close", disposition="other")
    (body,) = phone.send(f"2 {groups[1]} 4 {groups[3]} 9 {groups[8]}")
    assert body.startswith("Approved.")


def test_a_text_tells_the_case_number_and_the_confirmation_id_only_once_there_is_one(
    desk_client, handoff, groups, texts_written, entries
):
    entered = handoff(groups=groups)
    desktop = desk_client()
    path = took(desktop, entered)
    desktop.post(f"{path}/text", what="case_number")
    assert desktop.post(f"{path}/text", what="confirmation_id").status_code == 409
    assert desktop.post(f"{path}/text", what="groups").status_code == 409  # none is missing
    assert desktop.post(f"{path}/text", what="anything").status_code == 409
    assert texts_written() == [("queued", ["text.case_from_call"])]
    assert "the case number" in desktop.get(path).text
    assert len(entries("texted")) == 1


def test_a_text_that_may_not_be_sent_says_why_and_stands_among_the_texts(desk_client, handoff, texts_written, entries):
    british = handoff(caller="+447400123456")
    desktop = desk_client()
    path = took(desktop, british)
    page = desktop.post(f"{path}/text", what="case_number")
    assert page.status_code == 409
    assert "this line sends no texts to their country" in page.text
    assert texts_written() == [("refused", ["text.case_from_call"])]
    assert not entries("texted")
    path = took(desktop, handoff(caller="anonymous"))
    assert "No number of this caller is known." in desktop.post(f"{path}/text", what="case_number").text


def test_an_activation_that_cannot_be_texted_stays_with_its_operator(desk_client, handoff, groups, standing):
    entered = handoff(groups=groups, caller="+447400123456")
    desktop = desk_client()
    path = took(desktop, entered)
    _hang_up(desktop, entered)
    said = _said(desktop.post_part(f"{path}/issue", by_text="1"))
    assert "this line sends no texts to their country" in said
    assert "Call the caller back" in said
    assert standing(entered)[0].state is HandoffState.CLAIMED
    assert standing(entered)[1].reservation_id is not None


def test_an_id_that_is_not_genuine_or_not_whole_is_not_activated(desk_client, handoff, installation, mak, desk):
    from dataclasses import replace as changed

    genuine = installation(1, mak.key.serial)
    forged = split(encode(changed(genuine, proof=genuine.proof ^ 1)))
    desktop = desk_client()
    path = took(desktop, handoff(groups=forged))
    assert "not made with a key of ours" in desktop.post(f"{path}/issue").text
    path = took(desktop, handoff(groups=forged[:8]))
    assert "The ID is not whole yet" in desktop.post(f"{path}/issue").text
    with desk.database.read() as connection:
        assert [entry["kind"] for entry in of_key(connection, mak.key.id)] == ["grant"]


def test_the_ledger_refuses_an_operator_as_it_refuses_a_call(desk_client, handoff, installation, issue_key, standing):
    one = issue_key(granted=0)
    entered = handoff(groups=split(encode(installation(1, one.key.serial))))
    desktop = desk_client()
    path = took(desktop, entered)
    page = desktop.post(f"{path}/issue")
    assert page.status_code == 409
    assert "The ledger refuses: no activations left on the key." in page.text
    assert standing(entered)[0].state is HandoffState.CLAIMED


def test_a_call_back_is_counted_until_the_caller_is_reached(desk_client, desk, handoff, entries):
    entered = handoff()
    with desk.database.begin() as connection:
        wish = call_backs.Wish(entered.sid, entered.case_id, entered.line, "sealed", desk.now(), 24)
        call_backs.note(connection, wish)
    desktop = desk_client()
    path = took(desktop, entered)
    assert "Noted: not reached, try 1." in _said(desktop.post_part(f"{path}/called-back", reached="no", reason="busy"))
    assert "not reached, try 2" in _said(desktop.post_part(f"{path}/called-back", reached="no"))
    assert "not yet" in desktop.get(path).text
    assert "no call-back is owed any more" in _said(desktop.post_part(f"{path}/called-back", reached="yes"))
    assert [entry.details for entry in entries("called_back")][-1] == '{"reached": true, "tries": 3}'
    with desk.database.read() as connection:
        (row,) = connection.execute(call_backs.call_backs.select()).all()
    assert row.done_by == "Anna Berg"


def test_a_case_goes_back_to_its_place_or_to_another_operator(desk_client, handoff, standing, add_operator, entries):
    entered = handoff()
    desktop, other = desk_client(), add_operator("Sofia Lind")
    path = took(desktop, entered)
    assert desktop.post(f"{path}/transfer", to=str(desktop.operator.id)).status_code == 409
    assert desktop.post(f"{path}/transfer", to="nobody").status_code == 409
    desktop.post(f"{path}/transfer", to=str(other.id), reason="speaks Swedish")
    assert standing(entered)[0].claimed_by == other.id
    assert entries("transferred")[0].details == '{"to": "Sofia Lind"}'
    sofia = desk_client(name="Sofia Lind")
    sofia.post(f"{path}/release")
    assert standing(entered)[0].state is HandoffState.WAITING
    assert standing(entered)[0].entered_at == entered.entered_at


def test_a_closed_case_is_owed_nothing_and_says_how_it_ended(desk_client, handoff, standing):
    entered = handoff()
    desktop = desk_client()
    path = took(desktop, entered)
    assert desktop.post(f"{path}/close", disposition="lost").status_code == 409
    desktop.post(f"{path}/close", disposition="duplicate", reason="the same machine as before")
    assert standing(entered)[0].disposition == "duplicate"
    assert standing(entered)[1].state is cases.CaseState.OPEN
    assert "ended: " in desktop.get(path).text


def test_anybody_may_note_but_no_id_and_no_telephone_number(desk_client, handoff, groups, entries):
    path = f"/desk/cases/{handoff().id}"
    desktop = desk_client()
    desktop.post(f"{path}/note", note="Serial plate is worn off; case 9123456785 was theirs too.")
    assert len(entries("noted")) == 1
    for note in ("", "x" * 501, " ".join(groups), "ring +1 415 555 0123", "0049 30 1234 5678 90"):
        page = desktop.post(f"{path}/note", note=note)
        assert page.status_code == 409, note
    assert len(entries("noted")) == 1
    assert "Serial plate is worn off" in desktop.get(path).text


def test_what_was_typed_by_an_operator_is_shown_as_text_and_nothing_else(desk_client, handoff):
    path = f"/desk/cases/{handoff().id}"
    desktop = desk_client()
    desktop.post(f"{path}/note", note='<script>alert(1)</script>"\x00')
    page = desktop.get(path).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_a_blocked_key_is_opened_by_a_supervisor_only(desk_client, desk, handoff, groups, mak, entries):
    from keys import issue

    with desk.database.begin() as connection:
        issue.block(connection, mak.key, now=desk.now(), actor="tester", reason="leaked")
    entered = handoff(reason="KEY_BLOCKED", groups=groups)
    desktop = desk_client()
    path = took(desktop, entered)
    assert "key is blocked" in desktop.get(path).text
    assert "Open the key" not in desktop.get(path).text
    assert desktop.post(f"{path}/unblock", reason="found").status_code == 403
    chief = desk_client(Role.SUPERVISOR, name="Mira Holt")
    assert chief.post(f"{path}/unblock", reason="").status_code == 409
    assert "is open again" in _said(chief.post_part(f"{path}/unblock", reason="the customer proved it"))
    assert "The key is not blocked." in chief.post(f"{path}/unblock", reason="again").text
    assert len(entries("key_unblocked")) == 1
    assert desktop.post(f"{path}/issue").status_code == 303


def test_a_machine_that_was_activated_too_often_is_allowed_more_by_a_supervisor_and_its_caller_hears_the_answer(
    ring, staffed, desk, desk_client, installation, mak, entries
):
    with desk.database.begin() as connection:
        connection.execute(update(products).values(most_reactivations=1, period_days=90))
        for nonce in (2, 3):
            iid = installation(1, mak.key.serial, nonce=nonce)
            claim = ledger.Claim(iid, 2, "phone", f"call-{nonce}", "line")
            assert not isinstance(ledger.reserve_and_post(connection, claim, now=desk.now()), ledger.Refused)
    call = ring(at=Door(staffed))
    for group in split(encode(installation(1, mak.key.serial, nonce=4))):
        call.key(group)
    assert "activated again too often" in call.words
    with desk.database.read() as connection:
        entered = queue.unfinished(connection)[-1]
    desktop = desk_client()
    path = took(desktop, entered)
    shown = " ".join(re.sub(r"<[^>]+>", " ", desktop.get(path).text).split())
    assert "This machine was activated again 1 of 1 times in its period" in shown
    assert "A supervisor may allow it more." in shown
    assert desktop.post(f"{path}/lift", more="1", reason="a broken disk").status_code == 403
    assert "activated again too often" in desktop.post(f"{path}/issue").text
    chief = desk_client(Role.SUPERVISOR, name="Mira Holt")
    assert "Let this machine be activated again" in chief.get(path).text
    for more, reason in (("1", ""), ("0", "why not"), ("101", "many"), ("", "none"), ("1", "call 0049 30 123456789")):
        assert chief.post(f"{path}/lift", more=more, reason=reason).status_code == 409
    assert entries("machine_lifted") == []
    assert "once more in its period" in _said(chief.post_part(f"{path}/lift", more="1", reason="a broken disk"))
    assert "has not come to its bound" in chief.post(f"{path}/lift", more="1", reason="again").text
    (entry,) = entries("machine_lifted")
    assert (entry.name, entry.reason, entry.at) == ("Mira Holt", "a broken disk", desk.now())
    with desk.database.read() as connection:
        ledgers = [each for each in of_key(connection, mak.key.id) if each["actor"] == "Mira Holt"]
    assert [(each["reason"], each["granted"]) for each in ledgers] == [("a broken disk", 0)]
    assert desktop.post(f"{path}/issue").status_code == 303
    assert "Write down" in call.silence().words


def test_a_deed_is_seen_so_its_case_is_not_given_back_for_silence(desk_client, desk, handoff, clock):
    entered = handoff()
    desktop = desk_client()
    path = took(desktop, entered)
    with desk.database.begin() as connection:
        connection.execute(update(queue.handoffs).values(seen_at=None))
    clock.sleep(60)
    desktop.post(f"{path}/text", what="case_number")
    with desk.database.read() as connection:
        assert queue.read(connection, entered.id).seen_at == clock.now


def test_every_deed_tells_other_desks_that_something_changed(desk_client, desk, handoff):
    entered = handoff()
    path = took(desktop := desk_client(), entered)
    with desk.database.read() as connection:
        before = len(connection.execute(queue.desk_events.select()).all())
    desktop.post(f"{path}/note", note="seen")
    with desk.database.read() as connection:
        events = connection.execute(queue.desk_events.select().order_by(queue.desk_events.c.id)).all()
    assert [(event.kind, event.case_id) for event in events[before:]] == [("noted", entered.case_id)]
