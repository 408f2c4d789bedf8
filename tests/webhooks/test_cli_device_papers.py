"""`touchtone device report` and `deposit`: a machine and its administrator's console exchange files."""

import json

from click.testing import CliRunner

from keys import confirmation_id
from keys.device.build import ProductBuild
from keys.device.paper import SavedPair
from keys.groups import digits_of
from keys.installation_id import decode
from keys.product_key import KeyType, encode, make
from webhooks.cli.device import device

SECRET = b"verification secret of a test..."
KEY = make(KeyType.MAK, 7, 41, b"issuing key of product seven....")
BUILD = ProductBuild(7, "Harbour Pilot", 1, 1, SECRET, 8)


def _run(*arguments, stdin=None):
    result = CliRunner().invoke(device, [*map(str, arguments), "--json"], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, json.loads(result.stdout) if result.stdout else None


def _installed(folder, name="machine.json", *more):
    build = folder / "build.json"
    build.write_text(json.dumps(BUILD.to_facts()))
    status, facts = _run("install", "--build", build, "--state", folder / name, "--seed", "helm", *more, encode(KEY))
    assert status == 0
    return facts


def _pair(iid_text):
    blocks = confirmation_id.issue(decode(iid_text), verification_secret=SECRET, key_secret=KEY.secret, blocks=8)
    return SavedPair(digits_of(iid_text), "".join(blocks))


def test_a_report_says_how_the_machine_stands_under_the_name_it_is_given(tmp_path):
    facts = _installed(tmp_path)
    status, report = _run("report", "--state", tmp_path / "machine.json", "--name", "Helm, port side")
    assert status == 0
    assert (report["name"], report["state"]) == ("Helm, port side", "awaiting_confirmation")
    assert report["installation_id"] == facts["installation_id"]
    out = tmp_path / "helm.json"
    assert _run("report", "--state", tmp_path / "machine.json", "--name", "Helm, port side", "--out", out)[0] == 0
    assert json.loads(out.read_text()) == report


def test_a_name_that_cannot_be_one_is_refused(tmp_path):
    _installed(tmp_path)
    status, refused = _run("report", "--state", tmp_path / "machine.json", "--name", "a\nb")
    assert (status, refused["outcome"]) == (1, "PAPER_DAMAGED")


def test_a_pair_is_deposited_from_its_file_or_from_standard_input(tmp_path):
    facts = _installed(tmp_path)
    pair = json.dumps(_pair(facts["installation_id"]).to_facts())
    assert _run("deposit", "--state", tmp_path / "machine.json", "-", stdin=pair)[1]["state"] == "activated"
    _installed(tmp_path, "machine.json", "--again")
    (tmp_path / "pair.json").write_text(pair)
    status, again = _run("deposit", "--state", tmp_path / "machine.json", tmp_path / "pair.json")
    assert (status, again["state"]) == (0, "activated")
    assert again["installation_id"] == facts["installation_id"]


def test_what_is_no_pair_or_another_machines_is_refused_and_changes_nothing(tmp_path):
    facts = _installed(tmp_path)
    before = (tmp_path / "machine.json").read_bytes()
    good = _pair(facts["installation_id"]).to_facts()
    wrong = {**good, "confirmation_id": "1" * 48}
    for content, outcome in (
        ("", "FILE_DAMAGED"),
        ("[]", "FILE_DAMAGED"),
        ("9" * 5000, "FILE_DAMAGED"),
        ("{}", "PAPER_DAMAGED"),
        (json.dumps(wrong), "CONFIRMATION_ID_WRONG"),
    ):
        status, refused = _run("deposit", "--state", tmp_path / "machine.json", "-", stdin=content)
        assert (status, refused["outcome"]) == (1, outcome), content[:20]
    assert (tmp_path / "machine.json").read_bytes() == before
