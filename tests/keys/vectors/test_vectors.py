"""The frozen vectors, the page that explains them, and the code agree, each made without the others."""

import importlib.util
import json
import re
from datetime import date
from pathlib import Path

import pytest

from keys import confirmation_id, derivation, product_key
from keys.device import machine, returning
from keys.device.build import ProductBuild
from keys.device.hardware import from_facts
from keys.genuine import generation_of
from keys.groups import grouped
from keys.installation_id import decode, digest

HERE = Path(__file__).parent
NAMES = ("standard", "compact", "classic")
PAGE = (HERE.parents[2] / "docs" / "device.md").read_text(encoding="utf-8")


def _beside(name):
    """A module of this folder; the tests are no package."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


book = _beside("by_the_book")


@pytest.fixture(params=NAMES)
def vector(request):
    return json.loads((HERE / f"{request.param}.json").read_text(encoding="utf-8"))


def _secrets(vector):
    return bytes.fromhex(vector["verification_secret"]), bytes.fromhex(vector["key_secret"])


def test_the_book_imports_nothing_of_ours():
    assert not re.search(r"^\s*(from|import) (?!hashlib|hmac)", (HERE / "by_the_book.py").read_text(), re.MULTILINE)


def test_made_again_the_vectors_come_out_the_same(tmp_path):
    _beside("make").main(tmp_path)
    for name in NAMES:
        assert (tmp_path / f"{name}.json").read_bytes() == (HERE / f"{name}.json").read_bytes()


def test_the_page_alone_makes_the_secrets_of_a_key(vector):
    issuing = book.hkdf(
        bytes.fromhex(vector["issuing_root"]), b"", b"issuing key" + vector["product"].to_bytes(2, "big"), 32
    )
    assert issuing.hex() == vector["issuing_key"]
    secret = book.hkdf(issuing, b"", b"key secret" + vector["serial"].to_bytes(4, "big"), 9)
    assert secret.hex() == vector["key_secret"]


def test_the_page_alone_reads_the_product_key(vector):
    read = book.read_product_key(vector["product_key"])
    assert read.pop("sound")
    assert read.pop("version") == 1
    assert read.pop("key_secret").hex() == vector["key_secret"]
    assert read == {name: vector[name] for name in ("type", "product", "serial")}


def test_the_page_alone_makes_the_installation_id(vector):
    verification, secret = _secrets(vector)
    fmt, values = vector["format"], book.fingerprint(vector["format"], vector["hardware"], secret)
    assert values == vector["fingerprint"]
    fields = (fmt, vector["product"], vector["serial"], values, vector["nonce"])
    proof = book.proof(*fields, verification, secret)
    assert proof == vector["proof"]
    digits = book.payload(*fields, proof)
    assert digits == vector["payload"]
    assert book.installation_id(fmt, digits) == vector["installation_id"]


def test_the_page_alone_makes_the_confirmation_ids(vector):
    for confirmation in vector["confirmations"]:
        made = book.confirmation_id(
            vector["format"],
            vector["payload"],
            confirmation["blocks"],
            confirmation["valid_until"],
            *_secrets(vector),
        )
        assert made == confirmation["confirmation_id"]


def test_the_page_alone_makes_the_return_code_of_formats_that_have_returns(vector):
    assert ("return_code" in vector) == (vector["format"] != 3)
    if "return_code" in vector:
        made = book.return_code(vector["format"], vector["payload"], *_secrets(vector))
        assert made == vector["return_code"]


def test_the_page_alone_counts_the_votes(vector):
    changed = {
        "nothing": (),
        "processor": ("processor",),
        "machine": ("machine",),
        "machine and board": ("machine", "board"),
        "all but the model's parts": ("machine", "board", "disk", "network"),
    }
    assert len(vector["votes"]) == 2 * len(changed)
    for known in vector["votes"]:
        today = vector["hardware"] | {name: ["a new one"] for name in changed[known["changed"]]}
        tally = book.vote(vector["format"], vector["fingerprint"], today, _secrets(vector)[1], known["dockable"])
        assert tally == {name: known[name] for name in ("present", "needed", "matched", "passed")}


def test_the_line_takes_the_vectors_for_genuine(vector):
    iid = decode(vector["installation_id"])
    verification, secret = _secrets(vector)
    assert generation_of(iid, bytes.fromhex(vector["issuing_key"]), {1: verification, 2: bytes(32)}) == 1
    assert digest(iid).hex() == vector["digest"]
    assert derivation.proof_message(iid).hex() == vector["proof_message"]
    for confirmation in vector["confirmations"]:
        blocks = confirmation_id.issue(
            iid,
            verification_secret=verification,
            key_secret=secret,
            blocks=confirmation["blocks"],
            valid_until=confirmation["valid_until"],
        )
        assert grouped(blocks) == confirmation["confirmation_id"]
        end = confirmation_id.last_day(confirmation["valid_until"])
        assert (end and end.isoformat()) == confirmation["last_day"]


def test_a_machine_goes_the_whole_way_of_the_vector(vector):
    build = ProductBuild(
        vector["product"],
        "Vector",
        vector["format"],
        vector["generation"],
        _secrets(vector)[0],
        blocks=5,
        returns="return_code" in vector,
    )
    here, today = from_facts(vector["hardware"]), date(2026, 11, 24)
    state = machine.install(build, vector["product_key"], here, vector["nonce"])
    assert grouped(state.installation_id) == vector["installation_id"]
    assert state.last_five == vector["last_five"] == product_key.last_five(vector["product_key"])
    answer = next(known for known in vector["confirmations"] if known["blocks"] == 5 and known["valid_until"] == 0)
    state = machine.deposit(build, state, answer["confirmation_id"])
    assert machine.status(build, state, here, today) is machine.Status.ACTIVATED
    if build.returns:
        dead = returning.give_back(build, state, here)
        assert machine.status(build, dead, here, today) is machine.Status.RETURNED
        assert " ".join(returning.code(build, dead)) == vector["return_code"]
    else:
        with pytest.raises(machine.Declined):
            returning.give_back(build, state, here)


def test_a_member_of_a_suite_shows_the_very_ids_of_the_suite(vector):
    suite = ProductBuild(
        vector["product"], "Suite", vector["format"], vector["generation"], _secrets(vector)[0], blocks=5
    )
    member = ProductBuild(55, "Member", 1, 1, bytes(32), blocks=8, suites=(suite,))
    here = from_facts(vector["hardware"])
    state = machine.install(member, vector["product_key"], here, vector["nonce"])
    assert grouped(state.installation_id) == vector["installation_id"]
    answer = next(known for known in vector["confirmations"] if known["blocks"] == 5 and known["valid_until"] == 0)
    state = machine.deposit(member, state, answer["confirmation_id"])
    for build in (member, suite):
        assert machine.status(build, state, here, date(2026, 11, 24)) is machine.Status.ACTIVATED


@pytest.mark.parametrize("name", NAMES)
def test_the_page_quotes_the_frozen_vectors(name):
    vector = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    expected = {key: str(value) for key, value in vector.items() if not isinstance(value, list | dict)}
    expected["fingerprint"] = " ".join(str(value) for value in vector["fingerprint"])
    for known in vector["confirmations"]:
        expected[f"confirmation_id {known['blocks']} {known['valid_until']:03d}"] = known["confirmation_id"]
    quoted = re.search(rf"^```text {name}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL).group(1)
    assert dict(line.split(" = ", 1) for line in quoted.splitlines()) == expected
