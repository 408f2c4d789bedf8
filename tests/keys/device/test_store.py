"""A machine's file is replaced whole, is its owner's alone, and says when it is damaged."""

import stat

import pytest

from keys.device import store


def test_what_is_written_reads_back(tmp_path):
    path = tmp_path / "state.json"
    store.write(path, {"name": "Ümlaut", "number": 7})
    store.write(path, {"name": "again", "number": None})
    assert store.read(path) == {"name": "again", "number": None}
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_only_the_owner_reads_it(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("{}")
    path.chmod(0o644)
    store.write(path, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "state.json"
    store.write(path, {"number": 7})
    with pytest.raises(TypeError):
        store.write(path, {"number": 8, "secret": b"not JSON"})
    assert store.read(path) == {"number": 7}
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"a": 1', b"[" * 100_000])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(store.FileDamaged) as caught:
        store.read(path)
    assert caught.value.path == path


def test_a_missing_file_is_not_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        store.read(tmp_path / "none.json")
