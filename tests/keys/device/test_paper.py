"""A machine's report and a pair survive their files, and whatever else comes is refused by the name of a field."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.device.machine import Status
from keys.device.paper import GRACE, InvalidPaper, MachineReport, SavedPair
from keys.errors import BadInput

IID = "302346981979619277292891035858022652"
CID = "100018063798161020333688879727"
REPORT = MachineReport("Wheelhouse, starboard", 77, "Sounder", "ZVYRA", "activated", IID, CID)


def test_a_report_survives_its_file():
    assert MachineReport.from_facts(json.loads(json.dumps(REPORT.to_facts()))) == REPORT


def test_the_answer_of_device_status_is_a_report_once_it_has_a_name():
    facts = {"product": 77, "state": "awaiting_confirmation", "installation_id": IID, "valid_until": None}
    report = MachineReport.from_facts(facts, "chart table")
    assert (report.name, report.state, report.installation_id) == ("chart table", "awaiting_confirmation", IID)


def test_the_product_need_not_be_said_where_the_installation_id_says_it():
    assert MachineReport.from_facts({"name": "x", "state": "activated", "installation_id": IID}).product == 77


def test_every_status_of_a_device_and_grace_can_be_reported():
    for state in (*Status, GRACE):
        assert MachineReport.from_facts(REPORT.to_facts() | {"state": state}).state == state


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "two\nlines"),
        ("name", "x" * 201),
        ("name", 7),
        ("product", 78),
        ("product", True),
        ("product", "77"),
        ("product_name", 1),
        ("last_five", "ZVYR"),
        ("last_five", "=1+1!"),
        ("state", "asleep"),
        ("state", None),
        ("installation_id", None),
        ("installation_id", "one"),
        ("installation_id", ""),
        ("confirmation_id", ["1"]),
    ],
)
def test_an_impossible_field_is_named(field, value):
    with pytest.raises(InvalidPaper) as raised:
        MachineReport.from_facts(REPORT.to_facts() | {field: value})
    assert raised.value.field == field


def test_a_pair_survives_its_file_and_needs_both_halves():
    pair = SavedPair(IID, CID, "a.b.c")
    assert SavedPair.from_facts(json.loads(json.dumps(pair.to_facts()))) == pair
    for field in ("installation_id", "confirmation_id"):
        with pytest.raises(InvalidPaper, match=field):
            SavedPair.from_facts(pair.to_facts() | {field: None})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from([IID, "activated"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(REPORT.to_facts())), ANYTHING))
def test_whatever_stands_in_a_file_is_read_or_refused(changes):
    for read in (MachineReport.from_facts, SavedPair.from_facts):
        try:
            read(REPORT.to_facts() | changes)
        except BadInput:
            continue
