"""The secrets file: made once, readable by its owner only, never shown."""

import stat

import pytest

from keys import derivation, secrets_file
from keys.secrets_file import (
    SecretsFileExistsError,
    SecretsFileMalformedError,
    SecretsFileMissingError,
    SecretsFileTooOpenError,
)

ROOT = b"r" * 32


@pytest.fixture
def path(tmp_path):
    return tmp_path / "secrets.toml"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_fresh_file_holds_four_different_secrets_and_only_its_owner_reads_it(path):
    made = secrets_file.create(path)
    four = {made.ledger_key, made.certificate_key, made.number_key, made.pepper}
    assert {len(secret) for secret in four} == {32}
    assert len(four) == 4
    assert mode(path) == 0o600
    assert secrets_file.load(path) == made


def test_no_two_files_share_a_secret(tmp_path):
    assert secrets_file.create(tmp_path / "one").pepper != secrets_file.create(tmp_path / "two").pepper


def test_secrets_are_never_overwritten(path):
    made = secrets_file.create(path)
    with pytest.raises(SecretsFileExistsError):
        secrets_file.create(path)
    secrets_file.create_root(secrets_file.root_path(path))
    with pytest.raises(SecretsFileExistsError):
        secrets_file.create_root(secrets_file.root_path(path))
    assert secrets_file.load(path) == made


def test_a_product_gets_the_issuing_key_of_the_root_and_a_verification_secret_of_its_own(path):
    made = secrets_file.create(path)
    secrets_file.add_product(path, 7, ROOT)
    secrets_file.add_product(path, 3, ROOT)
    held = secrets_file.load(path)
    assert held.products[7].issuing_key == derivation.issuing_key(ROOT, 7)
    assert set(held.products[7].verification) == {1}
    assert held.products[7].verification[1] != held.products[3].verification[1]
    assert (held.ledger_key, held.pepper) == (made.ledger_key, made.pepper)
    assert mode(path) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_product_that_is_known_keeps_its_secrets(path):
    secrets_file.create(path)
    secrets_file.add_product(path, 7, ROOT)
    before = secrets_file.load(path)
    secrets_file.add_product(path, 7, b"other root" + bytes(22))
    assert secrets_file.load(path) == before


def test_the_root_stands_beside_the_file_and_comes_back_as_it_was_made(path):
    beside = secrets_file.root_path(path)
    root = secrets_file.create_root(beside)
    assert secrets_file.load_root(beside) == root
    assert (beside.name, mode(beside)) == ("issuing-root", 0o600)


def test_nothing_secret_is_shown(path):
    secrets_file.create(path)
    secrets_file.add_product(path, 7, ROOT)
    held = secrets_file.load(path)
    assert repr(held) == "Secrets(products=[7])"
    assert repr(held.products[7]) == "ProductSecrets(generations=[1])"


def test_a_missing_file_is_told(path):
    with pytest.raises(SecretsFileMissingError) as missing:
        secrets_file.load(path)
    assert missing.value.path == path


@pytest.mark.parametrize("open_to", [0o640, 0o604, 0o666, 0o660])
def test_a_file_that_others_may_read_is_refused(path, open_to):
    secrets_file.create(path)
    path.chmod(open_to)
    with pytest.raises(SecretsFileTooOpenError) as refused:
        secrets_file.load(path)
    assert refused.value.mode == open_to
    with pytest.raises(SecretsFileTooOpenError):
        secrets_file.add_product(path, 7, ROOT)


def without(text, name):
    return "\n".join(line for line in text.splitlines() if not line.startswith(f"{name} "))


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda _: "not toml at all", None),
        (lambda _: "", "line"),
        (lambda text: without(text, "pepper"), "line.pepper"),
        (lambda text: text.replace('ledger_key = "', 'ledger_key = "00'), "line.ledger_key"),
        (lambda text: text.replace('number_key = "', 'number_key = "zz'), "line.number_key"),
        (lambda text: text.replace('certificate_key = "', 'certificate_key = 7 #"'), "line.certificate_key"),
        (lambda text: without(text, "issuing_key"), "products.7.issuing_key"),
        (lambda text: without(text, "1"), "products.7.verification"),
        (lambda text: text.replace("products.7", "products.seven"), "products.seven"),
        (lambda text: text.replace('1 = "', 'one = "'), "products.7.verification.one"),
        (lambda text: text.replace('1 = "', '1 = "ab" #'), "products.7.verification.1"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_told_by_the_field_at_fault(path, damage, field):
    secrets_file.create(path)
    secrets_file.add_product(path, 7, ROOT)
    path.write_text(damage(path.read_text()))
    with pytest.raises(SecretsFileMalformedError) as refused:
        secrets_file.load(path)
    assert refused.value.field == field
    assert ROOT.hex() not in str(refused.value)


def test_bytes_that_are_no_text_are_malformed(path):
    secrets_file.create(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SecretsFileMalformedError):
        secrets_file.load(path)
