"""Reports out of folders and CSV files: what is sound is taken, what is not is told with its place, nothing is lost."""

import csv
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.webhooks.proxy.conftest import Machine
from webhooks.proxy.collecting import Found, in_csv, in_folder
from webhooks.proxy.csv_file import bare, guarded
from webhooks.proxy.faults import FileFault

GOOD = Machine("helm", 1).report()
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def names(proxy):
    return [row["name"] for row in proxy("list", "--json").told]


def test_one_bad_file_spoils_no_other(proxy, fleet, tmp_path):
    fleet.many(3)
    folder = fleet.report(tmp_path / "in")
    (folder / "broken.json").write_text('{"name": "x"')
    (folder / "empty.json").write_text("")
    (folder / "slip.json").write_text(json.dumps(GOOD | {"installation_id": GOOD["installation_id"][:-1] + "9"}))
    (folder / "huge.json").write_text(" " * 70_000)
    (folder / "no-report.txt").write_text("hello")
    taken = proxy("collect", "folder", folder, "--json")
    assert (taken.status, taken.told["taken"]) == (1, 3)
    faults = {Path(fault["file"]).name: fault["reason"] for fault in taken.told["faults"]}
    assert sorted(faults) == ["broken.json", "empty.json", "huge.json", "slip.json"]
    assert "installation ID is wrong: group 9" in faults["slip.json"]
    assert len(names(proxy)) == 3


def test_what_device_status_prints_is_taken_under_the_files_name(proxy, fleet, tmp_path):
    facts = fleet.machine("helm").report()
    del facts["name"]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "chart table.json").write_text(json.dumps(facts))
    assert proxy("collect", "folder", tmp_path / "in", "--json").status == 0
    assert names(proxy) == ["chart table"]


def test_the_members_of_a_suite_on_one_machine_are_one_row(proxy, fleet, tmp_path):
    facts = fleet.machine("helm").report()
    (tmp_path / "in").mkdir()
    for member in ("fairway", "pilot"):
        (tmp_path / "in" / f"{member}.json").write_text(json.dumps(facts))
    assert proxy("collect", "folder", tmp_path / "in", "--json").told["faults"] == []
    assert names(proxy) == ["helm"]


def test_a_machine_that_gave_back_is_unlicensed_and_is_not_asked_for(proxy, fleet, tmp_path):
    (tmp_path / "in").mkdir()
    facts = fleet.machine("helm").report() | {"state": "returned", "confirmation_id": None}
    (tmp_path / "in" / "helm.json").write_text(json.dumps(facts))
    assert proxy("collect", "folder", tmp_path / "in", "--json").status == 0
    (row,) = proxy("list", "--json").told
    assert row["standing"] == "unlicensed"
    assert proxy("activate", "--dry-run", "--json").told["activations"] == 0


def test_two_machines_of_one_name_are_told_and_the_first_is_kept(proxy, fleet, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        facts = fleet.machine(name).report() | {"name": "helm"}
        (tmp_path / "in" / f"{name}.json").write_text(json.dumps(facts))
    taken = proxy("collect", "folder", tmp_path / "in", "--json")
    assert (taken.status, taken.told["taken"]) == (1, 1)
    assert "second machine called helm" in taken.told["faults"][0]["reason"]


def test_a_csv_file_is_read_whatever_the_spreadsheet_put_between(proxy, fleet, tmp_path):
    machines = fleet.many(3)
    for number, (between, start) in enumerate([(",", ""), (";", "\ufeff"), ("\t", "")]):
        path = tmp_path / f"{number}.csv"
        rows = [f"Name{between}Installation ID", f"{machines[number].name}{between}{machines[number].iid}", "", between]
        path.write_text(start + "\r\n".join(rows) + "\r\n", encoding="utf-8")
        assert proxy("collect", "csv", path, "--json").told["taken"] == 1
    assert len(names(proxy)) == 3
    assert {row["state"] for row in proxy("list", "--json").told} == {"awaiting_confirmation"}


def test_a_bad_line_is_named_by_its_number(proxy, fleet, tmp_path):
    machine = fleet.machine("helm")
    path = tmp_path / "fleet.csv"
    path.write_text(
        "name,note,installation_id,product\n"
        f'helm,"two\nlines",{machine.iid},7\n'
        "radar,,1.02E+53,\n"
        f",,{machine.iid},\n"
        f"sonar,,{machine.iid},8\n"
    )
    taken = proxy("collect", "csv", path, "--json").told
    assert taken["taken"] == 1
    assert [fault["line"] for fault in taken["faults"]] == [4, 5, 6]
    assert "fleet.csv, line 4: " in proxy("collect", "csv", path).sighed


def test_a_file_that_is_no_list_says_so(proxy, tmp_path):
    path = tmp_path / "fleet.csv"
    for content, line, words in (
        (b"", 1, "no column name"),
        (b"name,state\nx,y\n", 1, "no column installation_id"),
        (b"name,name,installation_id\n", 1, "twice"),
        (b"name,installation_id\nk\xff,1\n", 2, "not UTF-8"),
        (b'name,installation_id\n"open', 2, "CSV"),
    ):
        path.write_bytes(content)
        taken = proxy("collect", "csv", path, "--json")
        assert taken.status == 1
        assert taken.told["faults"][0]["line"] == line, content
        assert words in taken.told["faults"][0]["reason"], content


def test_no_cell_that_goes_out_is_a_formula_and_all_come_back_as_they_were(proxy, fleet, tmp_path):
    odd = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=1", "'plain", 'quo"te, and comma', "Ünïcode"]
    for name in odd:
        fleet.machine(name)
    (tmp_path / "in").mkdir()
    for number, machine in enumerate(fleet.machines.values()):
        (tmp_path / "in" / f"{number}.json").write_text(json.dumps(machine.report()))
    proxy("collect", "folder", tmp_path / "in")
    out = tmp_path / "out.csv"
    assert proxy("list", "--csv", out, "--json").told["machines"] == len(odd)
    with out.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    before = proxy("list", "--json").told
    assert proxy("collect", "csv", out, "--json").told == {"taken": len(odd), "new": 0, "faults": []}
    assert [row["name"] for row in proxy("list", "--json").told] == [row["name"] for row in before] == sorted(odd)


def test_a_list_with_nothing_in_it_says_by_what_a_product_is_known(proxy, tmp_path):
    (tmp_path / "ids.csv").write_text(f"name,installation_id\nhelm,{GOOD['installation_id']}\n")
    proxy("collect", "csv", tmp_path / "ids.csv")
    assert "its name only where a machine has reported it" in proxy("list", "--product", "Harbour Pilot").said
    assert "helm" in proxy("list", "--product", "7").said


@given(st.text(max_size=20))
def test_the_guard_of_a_cell_is_taken_off_again(cell):
    assert bare(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


@st.composite
def mutated(draw, content):
    """The content with bytes changed, put in, taken out, doubled, or cut off."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 12))
        data[at : at + length] = draw(st.binary(max_size=12))
    return bytes(data[: draw(st.sampled_from([len(data), len(data) // 2]))])


@FUZZ
@given(content=mutated(json.dumps(GOOD).encode()))
def test_a_report_in_any_state_is_taken_or_told(tmp_path, content):
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "in" / "report.json").write_bytes(content)
    (one,) = in_folder(tmp_path / "in")
    assert isinstance(one, Found) or (isinstance(one, FileFault) and "report.json" in str(one))


ROWS = [f"m{n},7,{Machine(f'm{n}', n).iid},activated" for n in range(4)]
LIST = "\n".join(["name,product,installation_id,state", *ROWS, ""])


@FUZZ
@given(content=mutated(LIST.encode()))
def test_a_list_in_any_state_is_taken_or_told_line_by_line(tmp_path, content):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    for one in in_csv(path):
        assert isinstance(one, Found) or (isinstance(one, FileFault) and one.line is not None and one.reason)
