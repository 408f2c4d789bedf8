"""One request for all machines: answers kept as they come, and nothing asked twice, whatever happens on the way."""

import json

import pytest

from webhooks.proxy.tables import open_database


def states(proxy):
    return {row["name"]: row["standing"] for row in proxy("list", "--json").told}


def deposit_all(fleet, folder):
    for path in folder.glob("*.pair.json"):
        facts = json.loads(path.read_text())
        fleet.machines[facts["name"]].deposit(facts)


def test_thirty_machines_go_from_reports_to_activated(connected, fleet, stand_in, tmp_path):
    fleet.many(30)
    assert connected("collect", "folder", fleet.report(tmp_path / "in"), "--json").told["taken"] == 30
    assert set(states(connected).values()) == {"unlicensed"}
    done = connected("activate", "--json")
    assert (done.status, done.told["activated"], done.told["refused"]) == (0, 30, 0)
    assert len(stand_in.asked) == 1
    assert connected("apply", "--to", tmp_path / "out", "--json").told["machines"] == 30
    deposit_all(fleet, tmp_path / "out")
    assert {machine.status for machine in fleet.machines.values()} == {"activated"}
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    assert set(states(connected).values()) == {"licensed"}
    assert connected("apply", "--to", tmp_path / "more", "--json").told["machines"] == 0


def test_the_line_is_told_an_id_and_a_number_and_nothing_else(connected, fleet, stand_in, tmp_path):
    fleet.machine("Anna Berg's laptop")
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    connected("activate")
    assert [sorted(line) for line in stand_in.asked[0]] == [["installation_id", "reference"]]
    assert "Anna" not in json.dumps(stand_in.asked)
    assert stand_in.asked[0][0]["reference"].isdigit()


def test_what_has_an_answer_is_not_asked_for_again(connected, fleet, stand_in, tmp_path):
    fleet.many(5)
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    connected("activate")
    assert connected("activate", "--json").told["activated"] == 0
    assert len(stand_in.asked) == 1


def test_a_connection_cut_off_goes_on_with_the_rest(connected, fleet, stand_in, quick, tmp_path):
    fleet.many(20)
    stand_in.faults = [("cut", 7), ("status", 503, {}), ("status", 429, {"Retry-After": "17"}), ("cut", 0)]
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    done = connected("activate", "--json")
    assert (done.status, done.told["activated"]) == (0, 20)
    assert [len(lines) for lines in stand_in.asked] == [20, 13, 13, 13, 13]
    assert quick == [1.0, 2.0, 17.0, 8.0]
    assert len(stand_in.spent) == 20


@pytest.mark.usefixtures("quick")
def test_a_line_that_says_it_cannot_go_on_is_asked_again_for_the_rest(connected, fleet, stand_in, tmp_path):
    fleet.many(6)
    stand_in.faults = [("failed", 2)]
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    assert connected("activate", "--json").told["activated"] == 6
    assert [len(lines) for lines in stand_in.asked] == [6, 4]


def test_a_line_that_stays_away_ends_the_run_and_keeps_what_came(connected, fleet, stand_in, quick, tmp_path):
    fleet.many(9)
    stand_in.faults = [("cut", 4)] + [("status", 503, {})] * 50
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    ended = connected("activate", "--patience", "30", "--json")
    assert (ended.status, ended.told["outcome"]) == (1, "LINE_UNAVAILABLE")
    assert 0 < sum(quick) <= 30
    stand_in.faults = []
    assert connected("activate", "--json").told["activated"] == 5


def test_refusals_are_told_by_code_and_asked_again_only_if_told_to(connected, fleet, stand_in, tmp_path):
    fleet.many(8)
    stand_in.allowance = 5
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    done = connected("activate", "--json")
    assert done.status == 1
    assert (done.told["activated"], done.told["refusals"]) == (5, {"ALLOWANCE_EXHAUSTED": 3})
    assert connected("activate", "--json").told["refused"] == 0
    assert "ALLOWANCE_EXHAUSTED" in connected("list").said
    stand_in.allowance = 100
    again = connected("activate", "--again", "--json")
    assert (again.status, again.told["activated"]) == (0, 3)
    assert len(stand_in.spent) == 8


def test_a_dry_run_says_what_would_be_taken_from_which_key_and_asks_nobody(connected, fleet, stand_in, tmp_path):
    fleet.many(4)
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    plan = connected("activate", "--dry-run", "--json").told
    assert (plan["activations"], plan["held_back"]) == (4, 0)
    assert [(key["last_five"], key["activations"]) for key in plan["keys"]] == [
        (fleet.machines["machine-000"].key.last_five, 4)
    ]
    assert "4 of Harbour Pilot, from the key ending in" in connected("activate", "--dry-run").said
    assert not stand_in.asked


def swapped(facts, other):
    return {**facts, "confirmation_id": other["confirmation_id"], "certificate": other["certificate"]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda facts: {**facts, "certificate": None}, "ANSWER_UNSIGNED"),
        (lambda facts: {**facts, "certificate": facts["certificate"][:-4] + "AAAA"}, "ANSWER_UNSIGNED"),
        (lambda facts: {**facts, "confirmation_id": ["123456"] * 8}, "ANSWER_SWAPPED"),
        (lambda facts: {**facts, "confirmation_id": 7}, "ANSWER_UNREADABLE"),
        (lambda facts: {**facts, "outcome": "perhaps"}, "ANSWER_UNREADABLE"),
        (lambda facts: {**facts, "replay": "no"}, "ANSWER_UNREADABLE"),
        (lambda facts: {**facts, "reference": "999"}, "ANSWER_STRANGE"),
        (lambda _facts: {"done": True}, "ANSWER_INCOMPLETE"),
        (lambda facts: [facts], "ANSWER_STRANGE"),
    ],
)
def test_an_answer_that_is_not_the_publishers_for_this_machine_is_not_kept(
    connected, fleet, stand_in, tmp_path, change, code
):
    fleet.machine("helm")
    stand_in.faults = [("change", change)]
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    refused = connected("activate", "--json")
    assert (refused.status, refused.told["outcome"]) == (1, code)
    assert connected("apply", "--to", tmp_path / "out", "--json").told["machines"] == 0
    assert connected("activate", "--json").told["activated"] == 1


def test_two_answers_that_change_places_are_found(connected, fleet, stand_in, tmp_path):
    fleet.many(2)
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    others = [
        stand_in.answer({"reference": "0", "installation_id": machine.iid}) for machine in fleet.machines.values()
    ]
    stand_in.faults = [("change", lambda facts: swapped(facts, others[1 - facts["line"]]))]
    assert connected("activate", "--json").told["outcome"] == "ANSWER_SWAPPED"


def test_a_line_with_another_key_than_the_pinned_one_is_not_believed(connected, fleet, stand_in, tmp_path):
    fleet.machine("helm")
    stand_in.seed = bytes(32)
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    assert connected("activate", "--json").told["outcome"] == "ANSWER_UNSIGNED"


def test_a_token_that_is_not_taken_any_more_is_told(connected, fleet, stand_in, tmp_path):
    fleet.machine("helm")
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    stand_in.token = "ttk_other"
    refused = connected("activate", "--json")
    assert (refused.status, refused.told["outcome"]) == (1, "TOKEN_UNKNOWN")


def test_a_re_imaged_machine_is_held_back_and_gets_its_pair_again(connected, fleet, stand_in, tmp_path):
    for machine in fleet.many(3):
        machine.report(tmp_path / "in")
    connected("collect", "folder", tmp_path / "in")
    connected("activate")
    connected("apply", "--to", tmp_path / "out")
    deposit_all(fleet, tmp_path / "out")
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    fleet.machines["machine-001"].reinstall(99)
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    assert states(connected)["machine-001"] == "unlicensed"
    held = connected("activate", "--json")
    assert (held.told["activated"], held.told["held_back"]) == (0, 1)
    assert connected("reapply", "--to", tmp_path / "again", "--json").told["machines"] == 1
    deposit_all(fleet, tmp_path / "again")
    assert fleet.machines["machine-001"].status == "activated"
    assert len(stand_in.spent) == 3
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    assert states(connected)["machine-001"] == "licensed"


def test_a_machine_re_imaged_under_another_name_is_known_by_its_hardware(connected, fleet, stand_in, tmp_path):
    machine = fleet.machine("old name")
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    connected("activate")
    machine.reinstall(77)
    machine.name = "new name"
    connected("collect", "folder", fleet.report(tmp_path / "later"))
    done = connected("reapply", "--to", tmp_path / "again")
    assert "new name: the pair of old name" in done.sighed
    machine.deposit(json.loads(next((tmp_path / "again").iterdir()).read_text()))
    assert machine.status == "activated"
    assert connected("activate", "--anew", "--json").told["activated"] == 1
    assert len(stand_in.spent) == 2


def test_other_hardware_under_the_same_name_is_asked_for(connected, fleet, stand_in, tmp_path):
    fleet.machine("helm")
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    connected("activate")
    other = fleet.machine("a new computer")
    other.name = "helm"
    other.report(tmp_path / "in")
    connected("collect", "folder", tmp_path / "in")
    assert connected("activate", "--json").told["activated"] == 1
    assert len(stand_in.spent) == 2


def test_a_machine_activated_by_telephone_brings_its_pair_along(connected, fleet, stand_in, tmp_path):
    machine = fleet.machine("helm")
    told = stand_in.answer({"reference": "1", "installation_id": machine.iid})
    machine.deposit({"installation_id": machine.iid, "confirmation_id": "".join(told["confirmation_id"])})
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    machine.reinstall(5)
    connected("collect", "folder", fleet.report(tmp_path / "in"))
    assert connected("activate", "--json").told == {
        "activated": 0,
        "replayed": 0,
        "refused": 0,
        "malformed": 0,
        "refusals": {},
        "held_back": 1,
    }


def test_a_folder_of_a_later_version_is_refused(proxy):
    database = open_database(proxy.folder / "proxy.db")
    with database.begin() as connection:
        connection.exec_driver_sql("PRAGMA user_version=99")
    database.close()
    assert proxy("list", "--json").told["outcome"] == "FOLDER_OF_LATER_VERSION"
