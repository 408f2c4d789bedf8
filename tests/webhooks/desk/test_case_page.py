"""The page of one case: what it shows, what it keeps hidden, and how it follows what changes."""

import re
from datetime import timedelta

import pytest

from ivr import cases, claims, guesses, queue
from ivr.guesses import GuessKind
from ivr.operators import Role
from keys import ledger
from keys.groups import grouped, split
from keys.installation_id import encode
from keys.ledger import Claim

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def groups(installation, mak):
    """The groups of a genuine ID."""
    return split(encode(installation(1, mak.key.serial)))


def text_of(page):
    """What is read on a page, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition("<dialog")[0]).split())


def test_the_page_shows_each_group_with_its_check(desk_client, handoff, groups):
    entered = handoff(groups=(groups[0], "123456", groups[2]))
    page = desk_client().get(f"/desk/cases/{entered.id}")
    assert page.status_code == 200
    said = text_of(page.text)
    assert f"Group 1 {groups[0]} fits" in said
    assert "Group 2 123456 does not fit: a digit is wrong" in said
    assert "Group 4 ______ missing" in said
    assert "Whole ID not whole yet" in said
    assert "told once the ID is whole" in said


def test_the_page_of_a_whole_id_says_whether_it_is_genuine_and_shows_its_key(desk_client, handoff, groups, mak):
    page = desk_client().get(f"/desk/cases/{handoff(groups=groups).id}").text
    said = text_of(page)
    assert "Whole ID fits" in said
    assert "Proof genuine" in said
    assert f"…{mak.key.last_five} active" in said
    assert "Fairway" in said
    assert "NS-1, Nordstern Shipping" in said
    assert "Granted Held Used Left 10 0 0 10" in said
    assert "not activated with this key before" in said


def test_an_id_that_fits_and_is_not_genuine_is_told_apart_from_one_that_does_not_fit(
    desk_client, handoff, installation, mak
):
    forged = installation(1, mak.key.serial)
    forged = split(encode(type(forged)(**{**_fields(forged), "proof": forged.proof ^ 1})))
    said = text_of(desk_client().get(f"/desk/cases/{handoff(groups=forged).id}").text)
    assert "Whole ID fits" in said
    assert "not genuine: proof of the key is wrong" in said
    assert "Every check fits and the ID is still not genuine" in said
    assert mak.key.last_five not in said


def _fields(iid):
    return {name: getattr(iid, name) for name in ("format", "product", "serial", "fingerprint", "nonce", "proof")}


def test_a_classic_id_with_one_slip_names_the_group_that_mends_it(desk_client, handoff, installation, issue_key):
    classic = issue_key(product=7)
    right = split(encode(installation(7, classic.key.serial)))
    place = next(number for number, group in enumerate(right) if number and set(group[:-1]) & set("017289"))
    slip = next(at for at, digit in enumerate(right[place][:-1]) if digit in "017289")
    digit = int(right[place][slip])
    other = digit + 7 if digit <= 2 else digit - 7
    wrong = right[place][:slip] + str(other) + right[place][slip + 1 :]
    entered = handoff(groups=(*right[:place], wrong, *right[place + 1 :]), layout=7)
    said = text_of(desk_client().get(f"/desk/cases/{entered.id}").text)
    assert f"they would if group {place + 1} were {right[place]}" in said


def test_the_page_shows_what_was_activated_before_and_other_cases_of_the_caller(
    desk_client, desk, handoff, groups, installation, mak
):
    earlier = handoff()
    with desk.database.begin() as connection:
        for nonce in (7, 8):
            claim = Claim(installation(1, mak.key.serial, nonce=nonce), 2, "phone", f"CA{nonce}", None)
            ledger.reserve_and_post(connection, claim, now=desk.now())
        number = cases.read(connection, earlier.case_id).number
    said = text_of(desk_client().get(f"/desk/cases/{handoff(groups=groups, after=60).id}").text)
    assert "This machine with this key: activated 2 times" in said
    assert "Granted Held Used Left 10 0 2 8" in said
    assert f"Other cases of this caller Case Opened State {number}" in said


def test_the_page_says_what_to_look_out_for_and_why(desk_client, desk, handoff, groups, installation, mak):
    iid = installation(1, mak.key.serial)
    withheld = handoff(groups=groups, caller="anonymous")
    earlier = handoff(groups=groups, caller="+14155550199")
    with desk.database.begin() as connection:
        for _ in range(3):
            guesses.note(
                connection,
                GuessKind.PROOF,
                caller=earlier.caller,
                call_sid="CA1",
                now=desk.now(),
                product=1,
                serial=mak.key.serial,
            )
    known = handoff(groups=groups, caller="+14155550199", iid=iid)
    desktop = desk_client()
    assert "5 points the number is withheld" in text_of(desktop.get(f"/desk/cases/{withheld.id}").text)
    said = text_of(desktop.get(f"/desk/cases/{known.id}").text)
    assert "40 points 3 wrong proofs named this key within 7 days 3 wrong proofs by this caller" in said


def test_the_caller_s_number_and_the_confirmation_id_stand_on_no_page_by_themselves(desk_client, handoff, groups):
    entered = handoff(groups=groups, caller="+14155550123")
    desktop = desk_client()
    desktop.post(f"/desk/cases/{entered.id}/claim")
    desktop.post(f"/desk/cases/{entered.id}/issue")
    page = desktop.get(f"/desk/cases/{entered.id}").text
    assert "activated" in page
    assert "5550123" not in page


def test_what_is_hidden_is_shown_on_demand_and_that_is_an_entry(desk_client, desk, handoff, groups, entries):
    entered = handoff(groups=groups, caller="+14155550123")
    desktop = desk_client()
    desktop.post(f"/desk/cases/{entered.id}/claim")
    desktop.post(f"/desk/cases/{entered.id}/issue")
    for shown in (desktop.post, desktop.post_part):
        assert "+14155550123" in shown(f"/desk/cases/{entered.id}/show", what="number").text
        page = shown(f"/desk/cases/{entered.id}/show", what="confirmation_id").text
    with desk.database.read() as connection:
        case = cases.read(connection, entered.case_id)
        iid = _decoded(case.groups)
        blocks = ledger.confirmation(connection, case.reservation_id, iid, desk.secrets)
    assert grouped(blocks) in page
    found = entries("shown")
    assert [entry.name for entry in found] == ["Anna Berg"] * 4
    assert not any(blocks[0] in str(tuple(entry)) or "5550123" in str(tuple(entry)) for entry in entries())


def _decoded(groups):
    from keys.installation_id import decode

    return decode("".join(groups))


def test_who_has_not_got_the_case_is_not_shown_what_is_hidden(desk_client, handoff, entries):
    entered = handoff()
    desk_client(name="Sofia Lind").post(f"/desk/cases/{entered.id}/claim")
    answer = desk_client().post(f"/desk/cases/{entered.id}/show", what="number")
    assert answer.status_code == 409
    assert "5550123" not in answer.text
    assert "That is for whoever has the case, or for a supervisor." in answer.text
    assert not entries("shown")
    chief = desk_client(Role.SUPERVISOR, name="Mira Holt")
    assert "+14155550123" in chief.post(f"/desk/cases/{entered.id}/show", what="number").text


def test_a_case_is_found_by_its_number_in_the_queue_or_out_of_it(desk_client, desk, handoff, groups):
    entered = handoff(groups=groups)
    with desk.database.begin() as connection:
        number = cases.read(connection, entered.case_id).number
        lone = cases.open_case(
            connection, line="+15550100", caller=None, layout=None, groups=(), now=desk.now(), below=lambda _: 42
        )
    desktop = desk_client()
    assert desktop.get(f"/desk/cases/by-number/{number}").location == f"/desk/cases/{entered.id}"
    page = desktop.get(f"/desk/cases/by-number/{lone.number}")
    assert page.status_code == 200
    assert "not in the queue" in page.text
    assert desktop.get("/desk/cases/by-number/9000000000").status_code == 404
    assert desktop.get("/desk/cases/999").status_code == 404


def test_the_page_of_a_stay_that_has_ended_leads_on_to_the_one_that_has_not(desk_client, desk, handoff):
    entered = handoff()
    with desk.database.begin() as connection:
        claims.finish(connection, entered.id, "other", desk.now())
        again = queue.enter(
            connection,
            entered.case_id,
            channel="phone",
            sid=entered.sid,
            line=entered.line,
            caller=entered.caller,
            reason="ASKED",
            now=desk.now(),
        )
    assert desk_client().get(f"/desk/cases/{entered.id}").location == f"/desk/cases/{again.id}"


def test_digits_are_checked_as_they_are_typed_and_nothing_is_kept(desk_client, desk, handoff, groups, entries):
    entered = handoff(groups=groups[:3])
    desktop = desk_client()
    desktop.post(f"/desk/cases/{entered.id}/claim")
    fields = {f"group-{number}": group for number, group in enumerate(groups, 1)}
    part = desktop.post_part(f"/desk/cases/{entered.id}/check", **fields)
    assert part.text.count("fits</span>") == 9
    assert ">genuine<" in part.text
    spelled = "-".join(groups[:8]) + " 12345"
    part = desktop.post_part(f"/desk/cases/{entered.id}/check", whole=spelled)
    assert "5 digits, not six" in part.text
    part = desktop.post_part(f"/desk/cases/{entered.id}/check", **{**fields, "group-4": groups[4]})
    assert "these are the digits of group 5" in part.text
    assert "Anna" not in part.text
    with desk.database.read() as connection:
        assert cases.read(connection, entered.case_id).groups == groups[:3]
    assert not entries("groups_set")


def test_without_a_script_the_check_is_a_page_with_what_was_typed(desk_client, handoff):
    entered = handoff()
    desktop = desk_client()
    desktop.post(f"/desk/cases/{entered.id}/claim")
    page = desktop.post(f"/desk/cases/{entered.id}/check", whole="1234x6").text
    assert 'value="1234x6"' in page
    assert "x is no digit" in page


def shown_on(page):
    return re.search(r'name="shown" value="([^"]+)"', page).group(1)


def panels_in(part):
    return set(re.findall(r'<(?:section|input type="hidden") id="case-([a-z]+)"', part))


def test_a_page_that_follows_leaves_alone_what_its_operator_may_be_typing(desk_client, handoff, groups):
    entered = handoff(groups=groups[:3])
    desktop, path = desk_client(), f"/desk/cases/{entered.id}"
    desktop.post(f"{path}/claim")
    shown = shown_on(desktop.get(path).text)
    desk_client(name="Sofia Lind").post(f"{path}/note", note="They called us on Monday.")
    part = desktop.client.get(f"{path}/live", query_string={"shown": shown}, headers={"HX-Request": "true"}).text
    assert "They called us on Monday." in part
    assert panels_in(part) == {"head", "key", "past", "entries", "shown"}
    assert shown_on(part) == shown


def test_a_page_that_follows_says_so_when_the_digits_changed_beneath_it(desk_client, desk, handoff, groups):
    entered = handoff(groups=groups[:3])
    desktop, path = desk_client(), f"/desk/cases/{entered.id}"
    desktop.post(f"{path}/claim")
    shown = shown_on(desktop.get(path).text)
    with desk.database.begin() as connection:
        cases.keep_groups(connection, entered.case_id, 1, groups[:4], desk.now())
    for _ in range(2):
        query = {"shown": shown}
        part = desktop.client.get(f"{path}/live", query_string=query, headers={"HX-Request": "true"}).text
        assert "The digits of this case have changed meanwhile." in part
        assert "groups" not in panels_in(part)
        shown = shown_on(part)


def test_a_page_that_follows_draws_all_anew_when_the_case_is_no_longer_theirs(desk_client, desk, handoff, clock):
    entered = handoff()
    desktop, path = desk_client(), f"/desk/cases/{entered.id}"
    desktop.post(f"{path}/claim")
    shown = shown_on(desktop.get(path).text)
    clock.sleep(600)
    with desk.database.begin() as connection:
        claims.return_silent(connection, desk.now(), timedelta(minutes=3))
    part = desktop.client.get(f"{path}/live", query_string={"shown": shown}, headers={"HX-Request": "true"}).text
    assert {"groups", "deeds", "hidden"} < panels_in(part)
    assert "nobody has it" in part


def test_a_text_s_fate_and_a_promised_call_back_stand_on_the_page(desk_client, handoff):
    entered = handoff(channel="text", caller="+14155550123")
    desktop, path = desk_client(), f"/desk/cases/{entered.id}"
    assert "By text, English" in text_of(desktop.get(path).text)
