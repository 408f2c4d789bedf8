"""The console's own folder: who may read it, what it takes for a line, a key and a token, and how it says no."""

import stat

import pytest

from tests.webhooks.proxy.conftest import PUBLISHER, run_proxy
from webhooks.proxy.folder import open_folder


def test_the_folder_is_its_owners_alone(proxy):
    assert stat.S_IMODE(proxy.folder.stat().st_mode) == 0o700
    for name in ("console.json", "proxy.db"):
        assert stat.S_IMODE((proxy.folder / name).stat().st_mode) == 0o600


def test_settings_that_others_can_read_are_refused(proxy):
    (proxy.folder / "console.json").chmod(0o644)
    refused = proxy("status", "--json")
    assert (refused.status, refused.told["outcome"]) == (1, "FOLDER_TOO_OPEN")


def test_a_folder_is_made_once(proxy):
    before = (proxy.folder / "console.json").read_bytes()
    assert proxy("init", "--json").told["outcome"] == "FOLDER_EXISTS"
    assert (proxy.folder / "console.json").read_bytes() == before


def test_no_folder_is_said_in_a_sentence(tmp_path):
    refused = run_proxy(tmp_path / "none", "list")
    assert (refused.status, refused.said) == (1, "")
    assert "touchtone proxy init" in refused.sighed


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"signing_key": "zz"}', '{"signing_key": "00"}', "\x00"])
def test_a_damaged_file_is_refused(proxy, content):
    (proxy.folder / "console.json").write_text(content)
    assert proxy("status", "--json").told["outcome"] == "FOLDER_DAMAGED"


def test_two_consoles_have_two_signing_keys(proxy, another_console):
    other = another_console("other")
    assert proxy("status", "--json").told["fingerprint"] != other("status", "--json").told["fingerprint"]


def test_another_publishers_key_is_pinned_only_if_told_so(proxy):
    other = PUBLISHER[:-2] + ("AE" if PUBLISHER[-2:] != "AE" else "AI")
    assert proxy("pin", other, "--json").told["outcome"] == "PUBLISHER_PINNED"
    assert proxy("pin", PUBLISHER, "--json").status == 0
    assert proxy("pin", other, "--replace", "--json").told["publisher_key"] == other
    assert proxy("pin", "nonsense", "--json").told["outcome"] == "PUBLISHER_KEY_MALFORMED"


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("http://line.example.com", "LINE_UNPROTECTED"),
        ("line.example.com", "LINE_MALFORMED"),
        ("ftp://line.example.com", "LINE_MALFORMED"),
        ("https://user:secret@line.example.com", "LINE_MALFORMED"),
        ("https://line.example.com/?a=b", "LINE_MALFORMED"),
        ("https://[::1", "LINE_MALFORMED"),
        ("https://line.example.com:port", "LINE_MALFORMED"),
    ],
)
def test_what_is_no_line_is_not_connected_to(proxy, tmp_path, url, outcome):
    (tmp_path / "token").write_text("ttk_test")
    assert proxy("connect", url, "--token-file", tmp_path / "token", "--json").told["outcome"] == outcome


def test_a_wrong_token_is_told_at_once_and_not_kept(proxy, stand_in, tmp_path):
    (tmp_path / "token").write_text("ttk_wrong")
    refused = proxy("connect", stand_in.url, "--token-file", tmp_path / "token", "--json")
    assert (refused.status, refused.told["outcome"]) == (1, "TOKEN_UNKNOWN")
    assert open_folder(proxy.folder).settings.token is None


def test_a_token_of_two_words_is_refused_without_being_repeated(proxy, stand_in, tmp_path):
    (tmp_path / "token").write_text("ttk_secret and more")
    refused = proxy("connect", stand_in.url, "--token-file", tmp_path / "token", "--json")
    assert refused.told["outcome"] == "TOKEN_MALFORMED"
    assert "secret" not in refused.said + refused.sighed


def test_a_token_comes_from_a_file_or_a_prompt_and_is_never_shown(connected, stand_in):
    assert stand_in.token not in connected("status").said
    assert stand_in.token in (connected.folder / "console.json").read_text()
    assert connected("connect", stand_in.url, "--json").told["outcome"] == "TOKEN_MISSING"
    assert connected("connect", stand_in.url, "--token-file", "-", stdin=stand_in.token).status == 0


def test_without_a_pinned_publisher_nothing_is_connected_to(tmp_path, stand_in):
    run_proxy(tmp_path / "bare", "init")
    (tmp_path / "token").write_text(stand_in.token)
    refused = run_proxy(tmp_path / "bare", "connect", stand_in.url, "--token-file", tmp_path / "token", "--json")
    assert refused.told["outcome"] == "PUBLISHER_NOT_PINNED"


def test_every_command_has_help(proxy):
    from webhooks.cli.proxy import proxy as group

    for name in group.commands:
        if name != "collect":
            assert run_proxy(proxy.folder, name, "--help").status == 0
    for name in group.commands["collect"].commands:
        assert run_proxy(proxy.folder, "collect", name, "--help").status == 0
