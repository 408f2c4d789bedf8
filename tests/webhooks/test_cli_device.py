"""`touchtone device`: a machine's whole life from the command line."""

import json
import stat
from dataclasses import replace

import pytest
from click.testing import CliRunner

from keys import confirmation_id
from keys.device import store
from keys.device.build import ProductBuild
from keys.groups import grouped
from keys.installation_id import decode
from keys.product_key import KeyType, encode, make
from webhooks.cli.device import device

SECRET = b"verification secret of a test..."
KEY = make(KeyType.MAK, 7, 41, b"issuing key of product seven....")
BUILD = ProductBuild(7, "Harbour Pilot", 1, 1, SECRET, 8, line="+15550100")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "build.json").write_text(json.dumps(BUILD.to_facts()))
    return tmp_path


def _run(*arguments):
    result = CliRunner().invoke(device, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def _done(*arguments):
    result = _run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def _refused(*arguments):
    result = _run(*arguments, "--json")
    assert result.exit_code == 1
    return json.loads(result.stdout)


def _install(folder, name="machine.json", seed="wheelhouse", *more):
    return _done(
        "install", "--build", folder / "build.json", "--state", folder / name, "--seed", seed, *more, encode(KEY)
    )


def _answer(iid_text, valid_until=0):
    return confirmation_id.issue(
        decode(iid_text), verification_secret=SECRET, key_secret=KEY.secret, blocks=8, valid_until=valid_until
    )


def test_a_machine_is_installed_confirmed_and_activated(folder):
    facts = _install(folder)
    assert facts["state"] == "awaiting_confirmation"
    assert facts["last_five"] == KEY.last_five
    assert facts["confirmation_id"] is None
    assert _done("iid", "--state", folder / "machine.json")["installation_id"] == facts["installation_id"]
    blocks = _answer(facts["installation_id"])
    confirmed = _done("confirm", "--state", folder / "machine.json", *blocks)
    assert (confirmed["state"], confirmed["confirmation_id"]) == ("activated", grouped(blocks))
    assert _done("status", "--state", folder / "machine.json") == confirmed


def test_a_confirmation_id_in_one_word_is_taken_as_well(folder):
    facts = _install(folder)
    text = "-".join(_answer(facts["installation_id"]))
    assert _done("confirm", "--state", folder / "machine.json", text)["state"] == "activated"


def test_the_machines_file_is_its_owners_and_holds_no_whole_key(folder):
    _install(folder)
    path = folder / "machine.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert encode(KEY) not in path.read_text()


def test_installing_twice_needs_to_be_asked_for(folder):
    first = _install(folder)
    arguments = ("install", "--build", folder / "build.json", "--state", folder / "machine.json")
    assert _refused(*arguments, encode(KEY))["outcome"] == "ALREADY_INSTALLED"
    assert _done("iid", "--state", folder / "machine.json")["installation_id"] == first["installation_id"]
    assert _install(folder, "machine.json", "wheelhouse", "--again")["state"] == "awaiting_confirmation"


def test_a_saved_pair_needs_no_call_after_a_re_image(folder):
    facts = _install(folder)
    assert _refused("pair", "--state", folder / "machine.json")["outcome"] == "NO_CONFIRMATION_ID"
    _done("confirm", "--state", folder / "machine.json", *_answer(facts["installation_id"]))
    pair = _done("pair", "--state", folder / "machine.json")
    _install(folder, "again.json")
    adopt = ("confirm", "--state", folder / "again.json", "--pair", pair["installation_id"], pair["confirmation_id"])
    again = _done(*adopt)
    assert (again["state"], again["installation_id"]) == ("activated", facts["installation_id"])
    _install(folder, "other.json", "engine room")
    adopt = ("confirm", "--state", folder / "other.json", "--pair", pair["installation_id"], pair["confirmation_id"])
    assert _refused(*adopt)["outcome"] == "HARDWARE_CHANGED"


def test_other_hardware_and_another_date_can_be_tried(folder):
    facts = _install(folder)
    path = folder / "machine.json"
    _done("confirm", "--state", path, *_answer(facts["installation_id"], valid_until=13))
    assert _done("status", "--state", path, "--today", "2027-02-28")["state"] == "activated"
    expired = _done("status", "--state", path, "--today", "2027-03-01")
    assert (expired["state"], expired["valid_until"]) == ("expired", "2027-02-28")
    assert _done("status", "--state", path, "--seed", "engine room")["state"] == "hardware_changed"
    parts = folder / "parts.json"
    parts.write_text(json.dumps({"machine": ["x"], "disk": [{"identity": "y", "removable": True}]}))
    assert _done("status", "--state", path, "--hardware", parts)["state"] == "hardware_changed"
    assert _done("status", "--state", path, "--today", "2027-02-28")["state"] == "activated"


def test_a_wrong_block_is_named_by_its_letter(folder):
    facts = _install(folder)
    blocks = list(_answer(facts["installation_id"]))
    blocks[2] = blocks[2][:5] + str((int(blocks[2][5]) + 1) % 10)
    result = _run("confirm", "--state", folder / "machine.json", *blocks)
    assert result.exit_code == 1
    assert result.stderr == (
        "The confirmation ID is wrong: block C does not fit its check digit; please look at it again.\n"
    )
    assert _done("status", "--state", folder / "machine.json")["state"] == "awaiting_confirmation"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("123", "the confirmation ID has 3 digits, too few or too many"),
        ("12x", "block A has 'x' in place 3 where a digit belongs"),
    ],
)
def test_what_is_no_confirmation_id_is_told(folder, text, words):
    _install(folder)
    refused = _refused("confirm", "--state", folder / "machine.json", text)
    assert refused["outcome"] == "CONFIRMATION_ID_WRONG"
    assert words in refused["reason"]


@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        ("ABCDE", "PRODUCT_KEY_LENGTH"),
        ("*****", "PRODUCT_KEY_CHARACTER"),
        (encode(KEY)[:-1] + ("0" if encode(KEY)[-1] != "0" else "1"), "PRODUCT_KEY_CHECK"),
        (encode(make(KeyType.MAK, 8, 41, bytes(32))), "OTHER_PRODUCT"),
        (encode(make(KeyType.KMS_CLIENT, 7, 41, bytes(32))), "KEY_TYPE"),
    ],
)
def test_a_key_that_cannot_be_installed_is_refused_and_makes_no_file(folder, key, outcome):
    refused = _refused("install", "--build", folder / "build.json", "--state", folder / "machine.json", key)
    assert refused["outcome"] == outcome
    assert key not in refused["reason"] or len(key) < 10
    assert not (folder / "machine.json").exists()


def test_hardware_without_an_identity_is_refused(folder):
    (folder / "parts.json").write_text(json.dumps({"memory": ["16"]}))
    arguments = ("--state", folder / "m.json", "--hardware", folder / "parts.json", encode(KEY))
    assert _refused("install", "--build", folder / "build.json", *arguments)["outcome"] == "NO_OWN_IDENTITY"
    (folder / "parts.json").write_text(json.dumps({"flux": ["16"]}))
    assert _refused("install", "--build", folder / "build.json", *arguments)["outcome"] == "HARDWARE_DAMAGED"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"build": 1, "hardware": 2, "state": 3}'])
def test_a_damaged_file_is_refused(folder, content):
    (folder / "machine.json").write_text(content)
    assert _refused("status", "--state", folder / "machine.json")["outcome"] == "STATE_DAMAGED"


def test_a_damaged_build_is_refused(folder):
    (folder / "build.json").write_text(json.dumps(BUILD.to_facts() | {"blocks": 9}))
    refused = _refused("install", "--build", folder / "build.json", "--state", folder / "m.json", encode(KEY))
    assert refused["outcome"] == "BUILD_DAMAGED"


def test_a_missing_file_or_option_is_misuse(folder):
    assert _run("status", "--state", folder / "none.json").exit_code == 2
    assert _run("iid").exit_code == 2
    assert _run("confirm", "--state", folder / "build.json").exit_code == 2


@pytest.mark.parametrize(("kind", "start"), [("sms", "SMSTO:+15550100:"), ("tel", "tel:+15550100,,")])
def test_a_qr_code_is_shown_or_drawn(folder, kind, start):
    _install(folder)
    assert _done("iid", "--state", folder / "machine.json", "--qr", kind)["link"].startswith(start)
    shown = _run("iid", "--state", folder / "machine.json", "--qr", kind).stdout
    assert start in shown
    assert "\u2588" in shown or "\u2580" in shown or "\u2584" in shown
    drawn = folder / "code.svg"
    _done("iid", "--state", folder / "machine.json", "--qr", kind, "--svg", drawn)
    assert "<svg" in drawn.read_text()


def test_a_product_without_a_line_has_no_code_to_show(folder):
    (folder / "build.json").write_text(json.dumps(BUILD.to_facts() | {"line": None}))
    _install(folder)
    assert _refused("iid", "--state", folder / "machine.json", "--qr", "sms")["outcome"] == "NO_LINE"


def test_every_command_has_help_and_prints_for_people_too(folder):
    _install(folder)
    for name in device.commands:
        assert _run(name, "--help").exit_code == 0
    shown = _run("status", "--state", folder / "machine.json").stdout
    assert "awaiting_confirmation" in shown
    assert "Harbour Pilot" in shown


@pytest.fixture
def with_returns(folder):
    (folder / "build.json").write_text(json.dumps(replace(BUILD, returns=True).to_facts()))
    return folder


def test_an_activation_is_given_back_with_a_code_that_can_be_seen_again(with_returns):
    path = with_returns / "machine.json"
    facts = _install(with_returns)
    answer = _answer(facts["installation_id"])
    _done("confirm", "--state", path, *answer)
    assert _refused("return", "--state", path, "--seed", "engine room")["outcome"] == "HARDWARE_CHANGED"
    assert _done("status", "--state", path)["state"] == "activated"
    given = _done("return", "--state", path)
    assert (given["state"], given["confirmation_id"], len(given["return_code"].split())) == ("returned", None, 3)
    assert _done("return", "--state", path)["return_code"] == given["return_code"]
    assert _refused("confirm", "--state", path, *answer)["outcome"] == "RETURNED"
    anew = _install(with_returns, "machine.json", "wheelhouse", "--again")
    adopt = ("confirm", "--state", path, "--pair", facts["installation_id"], *answer)
    assert _refused(*adopt)["outcome"] == "RETURNED"
    assert _done("confirm", "--state", path, *_answer(anew["installation_id"]))["state"] == "activated"


def test_no_code_is_shown_of_a_machine_whose_death_could_not_be_stored(with_returns, monkeypatch):
    path = with_returns / "machine.json"
    facts = _install(with_returns)
    _done("confirm", "--state", path, *_answer(facts["installation_id"]))

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write", full)
    refused = _run("return", "--state", path, "--json")
    assert json.loads(refused.stdout)["outcome"] == "FILE_UNWRITABLE"
    assert "return_code" not in refused.output
    monkeypatch.undo()
    assert _done("status", "--state", path)["state"] == "activated"


def test_a_product_without_returns_gives_nothing_back(folder):
    path = folder / "machine.json"
    _done("confirm", "--state", path, *_answer(_install(folder)["installation_id"]))
    assert _refused("return", "--state", path)["outcome"] == "NO_RETURNS"
    assert _done("status", "--state", path)["state"] == "activated"


def test_a_suites_key_is_installed_once_for_all_members_on_a_machine(folder):
    for number, name in ((1, "Fairway"), (2, "Sounder")):
        member = ProductBuild(number, name, 1, 1, bytes(32), 8, suites=(BUILD,))
        (folder / f"{name}.json").write_text(json.dumps(member.to_facts()))
    path = folder / "machine.json"

    def installing(name, key=KEY):
        return ("install", "--build", folder / f"{name}.json", "--state", path, encode(key))

    facts = _done(*installing("Fairway"))
    assert (facts["product"], facts["product_name"]) == (7, "Harbour Pilot")
    _done("confirm", "--state", path, *_answer(facts["installation_id"]))
    joined = _done(*installing("Sounder"))
    assert joined["installation_id"] == facts["installation_id"]
    assert joined["members"] == {"Fairway": "activated", "Sounder": "activated"}
    assert _done("status", "--state", path) == joined
    assert _done("status", "--state", path, "--seed", "other")["members"]["Sounder"] == "hardware_changed"
    shown = _run("status", "--state", path).stdout
    assert "Fairway: activated, Sounder: activated" in shown
    assert _refused(*installing("Sounder"))["outcome"] == "ALREADY_INSTALLED"
    another = make(KeyType.MAK, 7, 42, b"issuing key of product seven....")
    (folder / "third.json").write_text(
        json.dumps(ProductBuild(3, "Third", 1, 1, bytes(32), 8, suites=(BUILD,)).to_facts())
    )
    assert _refused(*installing("third", another))["outcome"] == "ALREADY_INSTALLED"
    (folder / "old.json").write_text(
        json.dumps(
            ProductBuild(
                4, "Old", 1, 1, bytes(32), 8, suites=(replace(BUILD, verification_secret=bytes(32)),)
            ).to_facts()
        )
    )
    assert _refused(*installing("old"))["outcome"] == "NOT_INSTALLED"
    report = _done("report", "--state", path, "--name", "bridge")
    assert (report["product"], report["state"]) == (7, "activated")
    anew = _done(*installing("Sounder"), "--again")
    assert anew["members"] == {"Sounder": "awaiting_confirmation", "Fairway": "awaiting_confirmation"}
