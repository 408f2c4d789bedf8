"""Finding a case by whatever a supervisor knows of it."""

from datetime import UTC, date
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr import calls, cases
from ivr.callers import Caller
from ivr.form import Form
from ivr.states import Ended
from keys.formats import FORMATS
from keys.groups import split
from keys.installation_id import InstallationID, encode
from keys.issue import Order, issue
from webhooks.desk import search
from webhooks.desk.search import TooManyKeys, Wanted, find

LINE, OTHER_LINE = "+15550100", "+15550101"
CALLER, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def opened(database, clock):
    """Opens a case with the groups of an IID (or the first few of them); gives its number."""
    numbers = count(1)

    def open_one(iid=None, *, groups_in=None, line=LINE, caller=CALLER):
        groups = () if iid is None else split(encode(iid))
        if groups_in is not None:
            groups = groups[:groups_in] + ("",) * (len(groups) - groups_in)
        with database.begin() as connection:
            case = cases.open_case(
                connection,
                line=line,
                caller=caller,
                layout=None if iid is None else iid.format,
                groups=groups,
                now=clock.now,
                below=lambda _: next(numbers),
            )
        return case.number

    return open_one


def numbers(database, zone=UTC, **wanted):
    with database.read() as connection:
        return [row.number for row in find(connection, Wanted(**wanted), zone).found]


def test_everything_is_listed_newest_first_with_what_its_key_is(database, opened, mak, installation):
    bare = opened()
    part = opened(installation(1, mak.key.serial), groups_in=4)
    whole = opened(installation(1, mak.key.serial))
    with database.read() as connection:
        page = find(connection, Wanted(), UTC)
    assert [row.number for row in page.found] == [whole, part, bare]
    assert page.before is None
    first, second, third = page.found
    assert (first.last_five, first.product, first.agreement) == (mak.key.last_five, "Fairway", "NS-1")
    assert (first.groups_in, first.groups_of, second.groups_in, third.groups_of) == (9, 9, 4, None)
    assert second.last_five is None


def test_the_last_five_of_a_key_find_its_cases_whether_or_not_they_were_activated(
    database, opened, issue_key, installation
):
    keys = [issue_key(product) for product in (1, 1, 3, 7)]
    by_key = {
        key.key.last_five: [opened(installation(key.key.product, key.key.serial, nonce=nonce)) for nonce in (0, 200)]
        for key in keys
    }
    opened(installation(1, 2**28 - 1))  # a key that was never issued
    for key in keys:
        last_five = key.key.last_five
        same = [number for five, found in by_key.items() if five == last_five for number in found]
        assert sorted(numbers(database, last_five=last_five)) == sorted(same)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(FORMATS)).flatmap(
        lambda layout: st.tuples(
            st.just(layout),
            st.integers(0, FORMATS[layout].products - 1),
            st.integers(0, FORMATS[layout].serials - 1),
            st.integers(0, 2 ** (FORMATS[layout].nonce_bits + FORMATS[layout].proof_bits) - 1),
            st.sampled_from([-1, 0, 1]),
        )
    )
)
def test_an_id_lies_between_the_bounds_of_its_own_serial_and_of_no_neighbour(drawn):
    layout, product, serial, rest, step = drawn
    fmt = FORMATS[layout]
    other = min(max(serial + step, 0), fmt.serials - 1)
    widest = (1 << fmt.fingerprint_field_bits) - 1
    iid = InstallationID(
        layout,
        product,
        serial,
        (widest if rest % 2 else 0,) * fmt.fingerprint_fields,
        rest >> fmt.proof_bits,
        rest & (1 << fmt.proof_bits) - 1,
    )
    groups = ",".join(split(encode(iid)))
    bits = fmt.field_bits - fmt.product_bits - fmt.serial_bits
    low = (product << fmt.serial_bits | other) << bits
    inside = search._written(fmt, low, "00") <= groups <= search._written(fmt, low | (1 << bits) - 1, "99")
    assert inside == (other == serial)
    assert search._named(layout, groups) == (product, serial)


def test_an_agreement_finds_the_cases_of_all_its_keys(database, opened, issue_key, installation):
    first, second = issue_key(), issue_key(3)
    found = [opened(installation(1, first.key.serial)), opened(installation(3, second.key.serial))]
    assert sorted(numbers(database, agreement="NS-1")) == sorted(found)
    assert numbers(database, agreement="NS-9") == []


@pytest.mark.usefixtures("catalogue")
def test_more_keys_than_one_search_can_ask_for_are_refused_and_runs_of_serials_count_as_one(
    database, secrets, clock, opened, installation, monkeypatch
):
    with database.begin() as connection:
        for _ in range(4):
            issue(connection, secrets, Order(1, "NS-1", 1), now=clock.now, actor="tester")
    monkeypatch.setattr(search, "MOST_RUNS", 1)
    number = opened(installation(1, 1))
    assert numbers(database, agreement="NS-1") == [number]
    with database.begin() as connection:
        issue(connection, secrets, Order(3, "NS-1", 1), now=clock.now, actor="tester")
    with pytest.raises(TooManyKeys):
        numbers(database, agreement="NS-1")


def test_state_reason_and_line_narrow_the_list(database, opened, clock):
    opened()
    stuck = opened(line=OTHER_LINE)
    with database.begin() as connection:
        cases.needs_person(connection, cases.find(connection, stuck).id, "TRIES", clock.now)
    assert numbers(database, state=cases.CaseState.WAITING) == [stuck]
    assert numbers(database, reason="TRIES") == [stuck]
    assert numbers(database, line=OTHER_LINE) == [stuck]
    assert numbers(database, reason="TRIES", line=LINE) == []
    assert numbers(database, number=stuck) == [stuck]


def test_days_are_those_of_the_desk_and_both_ends_are_in(database, opened, clock):
    clock.now = clock.now.replace(hour=23, minute=30)  # the 24th in UTC, the 25th in Berlin
    number = opened()
    berlin = ZoneInfo("Europe/Berlin")
    of_24th, of_25th = ({"since": day, "until": day} for day in (date(2026, 11, 24), date(2026, 11, 25)))
    assert numbers(database, UTC, **of_24th) == [number]
    assert numbers(database, UTC, **of_25th) == []
    assert numbers(database, berlin, **of_24th) == []
    assert numbers(database, berlin, **of_25th) == [number]


def test_a_caller_finds_their_own_cases_and_those_they_called_about(database, opened, clock):
    own, others = opened(), opened(caller=OTHER)
    with database.begin() as connection:
        case_id = cases.find(connection, others).id
        call = calls.Call(
            "CA1",
            LINE,
            Caller(CALLER, "sealed"),
            1,
            Ended(Form(), outcome="left"),
            "{}",
            clock.now,
            case_id,
            None,
            None,
        )
        calls.begin(connection, call)
    assert numbers(database, caller=CALLER) == [others, own]
    assert numbers(database, caller=OTHER) == [others]


def test_pages_follow_each_other_without_gap_or_repeat_while_cases_come_in(database, opened):
    first = [opened() for _ in range(7)]
    seen, before = [], None
    for _ in range(9):
        with database.read() as connection:
            page = find(connection, Wanted(), UTC, before=before, limit=3)
        seen += [row.number for row in page.found]
        before = page.before
        if before is None:
            break
        opened()  # meanwhile
    assert seen == first[::-1]
