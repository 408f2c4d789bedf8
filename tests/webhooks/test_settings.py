"""Settings: what is missing or malformed stops the start with one sentence, and no secret is ever shown."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webhooks.app import open_database, open_secrets
from webhooks.settings import SETTINGS, SettingError, load

TOKEN = "0123456789abcdef0123456789abcdef"
NEXT = "fedcba9876543210fedcba9876543210"
PASSWORD = "correct-horse"


@pytest.fixture
def environ(tmp_path):
    return {
        "TOUCHTONE_DATA_DIR": str(tmp_path / "data"),
        "TOUCHTONE_PUBLIC_URL": "https://line.example/",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": TOKEN,
    }


def sentence(environ, **changed):
    """The one sentence with which the start is refused."""
    given = {name: value for name, value in {**environ, **changed}.items() if value is not None}
    with pytest.raises(SettingError) as refused:
        load(given)
    said = str(refused.value)
    assert said.endswith(".")
    assert "\n" not in said
    assert TOKEN not in said
    assert NEXT not in said
    return said


def test_the_api_is_on_unless_it_is_switched_off_and_its_rate_is_a_number(environ):
    assert load(environ).api
    assert load(environ).api_per_minute == 600
    assert not load({**environ, "TOUCHTONE_API": "off"}).api
    assert "TOUCHTONE_API must be on or off" in sentence(environ, TOUCHTONE_API="yes")
    for wrong in ("0", "-1", "many", "100000"):
        assert "TOUCHTONE_API_PER_MINUTE" in sentence(environ, TOUCHTONE_API_PER_MINUTE=wrong)


def test_a_desk_that_listens_elsewhere_is_reached_there_unless_another_address_is_given(environ):
    assert load(environ).desk_url == "http://127.0.0.1:8090"
    elsewhere = {**environ, "TOUCHTONE_DESK_LISTEN": "10.0.0.7:9191"}
    assert load(elsewhere).desk_url == "http://10.0.0.7:9191"
    assert load({**elsewhere, "TOUCHTONE_DESK_URL": "https://desk.example"}).desk_url == "https://desk.example"


def test_three_settings_are_enough(environ, tmp_path):
    found = load(environ)
    assert found.public_url == "https://line.example"
    assert found.database_url == f"sqlite:///{tmp_path}/data/touchtone.db"
    assert (found.host, found.port, found.workers, found.threads) == ("127.0.0.1", 8080, 1, 8)
    assert found.auth_tokens == (TOKEN,)
    assert {found.secrets_file.parent, found.lines_file.parent, found.spool_dir.parent} == {tmp_path / "data"}


@pytest.mark.parametrize("name", ["TOUCHTONE_PUBLIC_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"])
@pytest.mark.parametrize("value", [None, "", "   "])
def test_what_is_required_and_missing_is_named_with_a_way_to_get_it(environ, name, value):
    said = sentence(environ, **{name: value})
    assert said.startswith(f"{name} is missing")
    assert "touchtone init" in said


MALFORMED = {
    "TOUCHTONE_PUBLIC_URL": [
        "line.example", "ftp://line.example", "https://", "https://line.example?x=1", "https://line.example/#a",
        "https://me:secret@line.example", "https://line.example:99999", "https://line.example:x", "https://[::1",
        "https://line.example:0", "https://li ne.example", "https://l\u00efne.example", "https://line.example/a b",
        "https://line.example:",
    ],
    "TOUCHTONE_LISTEN": ["8080", ":8080", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "a:\u00b2",
                         "a:-1"],
    "TOUCHTONE_WORKERS": ["0", "-1", "x", "1.5", "513", "\u00b2", "9" * 5000],
    "TOUCHTONE_THREADS": ["0", "-1", "x", "1.5", "513", "\u2460"],
    "TOUCHTONE_LEAVE_SECONDS": ["-1", "301", "1.5", "soon"],
    "TOUCHTONE_LOG_LEVEL": ["INFO", "loud", "10"],
    "TOUCHTONE_LOG_FORMAT": ["xml", "JSON"],
    "TOUCHTONE_METRICS_TOKEN": ["short", "with a space in it", "sch\u00f6n lang genug"],
    "TWILIO_ACCOUNT_SID": ["AC123", "SK" + "0" * 32, "AC" + "0" * 33, "AC" + "-" * 32, "AC" + "\u00fc" * 32],
    "TWILIO_AUTH_TOKEN": ["short", "123456789012345"],
    "TWILIO_AUTH_TOKEN_NEXT": ["short"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in MALFORMED.items() for value in values])
def test_what_is_malformed_is_named(environ, name, value):
    assert sentence(environ, **{name: value}).startswith(name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from([setting.name for setting in SETTINGS[2:]]), value=st.text(max_size=30))
def test_no_value_brings_anything_but_settings_or_a_sentence(environ, name, value):
    said = name
    try:
        load({**environ, name: value.replace("\x00", "")})
    except SettingError as refused:
        said = str(refused)
    assert name in said


def test_a_secret_may_stand_in_a_file(environ, tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "next").write_text(NEXT)
    (tmp_path / "url").write_text(f"postgresql://line:{PASSWORD}@db/ledger\n")
    given = {name: value for name, value in environ.items() if name != "TWILIO_AUTH_TOKEN"}
    found = load(
        {
            **given,
            "TWILIO_AUTH_TOKEN_FILE": str(tmp_path / "token"),
            "TWILIO_AUTH_TOKEN_NEXT_FILE": str(tmp_path / "next"),
            "DATABASE_URL_FILE": str(tmp_path / "url"),
            "TOUCHTONE_WORKERS": "4",
        }
    )
    assert found.auth_tokens == (TOKEN, NEXT)
    assert found.database_url == f"postgresql://line:{PASSWORD}@db/ledger"
    assert found.workers == 4


def test_a_setting_and_its_file_are_not_both_given(environ, tmp_path):
    (tmp_path / "token").write_text(NEXT)
    said = sentence(environ, TWILIO_AUTH_TOKEN_FILE=str(tmp_path / "token"))
    assert said == "TWILIO_AUTH_TOKEN and TWILIO_AUTH_TOKEN_FILE are both set; keep one of them."


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_secrets_file_that_cannot_be_read_is_named(environ, tmp_path, content):
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    said = sentence(environ, TWILIO_AUTH_TOKEN=None, TWILIO_AUTH_TOKEN_FILE=str(tmp_path / "token"))
    assert said.startswith("TWILIO_AUTH_TOKEN_FILE names ")
    assert str(tmp_path / "token") in said


def test_what_is_no_secret_is_not_read_from_a_file(environ, tmp_path):
    (tmp_path / "url").write_text("https://other.example")
    assert load({**environ, "TOUCHTONE_PUBLIC_URL_FILE": str(tmp_path / "url")}).public_url == "https://line.example"


def test_two_workers_need_more_than_sqlite(environ):
    assert sentence(environ, TOUCHTONE_WORKERS="2") == (
        "TOUCHTONE_WORKERS must be 1 on SQLite; set DATABASE_URL to PostgreSQL for more."
    )
    sentence(environ, TOUCHTONE_WORKERS="2", DATABASE_URL="sqlite:////var/lib/line.db")
    assert load({**environ, "TOUCHTONE_WORKERS": "2", "DATABASE_URL": "postgresql://db/ledger"}).workers == 2


def test_no_secret_is_shown(environ):
    shown = repr(
        load({**environ, "TWILIO_AUTH_TOKEN_NEXT": NEXT, "DATABASE_URL": f"postgresql://line:{PASSWORD}@db/ledger"})
    )
    assert TOKEN not in shown
    assert NEXT not in shown
    assert PASSWORD not in shown


# The data folder's own file.


@pytest.fixture
def settings_file(tmp_path):
    def write(content):
        (tmp_path / "data").mkdir(exist_ok=True)
        file = tmp_path / "data" / "settings.env"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


def test_the_environment_goes_over_the_folders_file(environ, settings_file):
    settings_file("# a comment\n\n  TOUCHTONE_LISTEN = 0.0.0.0:9000  \nTOUCHTONE_THREADS=3\nTWILIO_AUTH_TOKEN=" + NEXT)
    found = load({**environ, "TOUCHTONE_THREADS": "5"})
    assert (found.host, found.port, found.threads) == ("0.0.0.0", 9000, 5)
    assert found.auth_tokens == (TOKEN,)


def test_a_secret_in_a_named_file_goes_over_the_folders_file(environ, settings_file, tmp_path):
    settings_file(f"TWILIO_AUTH_TOKEN={NEXT}\n")
    (tmp_path / "token").write_text(TOKEN)
    given = {name: value for name, value in environ.items() if name != "TWILIO_AUTH_TOKEN"}
    assert load({**given, "TWILIO_AUTH_TOKEN_FILE": str(tmp_path / "token")}).auth_tokens == (TOKEN,)
    settings_file(f"TWILIO_AUTH_TOKEN_FILE={tmp_path / 'token'}\n")
    assert load({**given, "TWILIO_AUTH_TOKEN": NEXT}).auth_tokens == (NEXT,)


@pytest.mark.parametrize("line", ["TOUCHTONE_LISTEN", "= 5", "1A=5", "A B=5", "export A=5"])
def test_a_line_that_is_no_setting_is_named_by_its_number(environ, settings_file, line):
    file = settings_file(f"# one\n{line}\n")
    assert sentence(environ) == f"{file}, line 2: expected NAME=value."


@pytest.mark.parametrize("content", [b"\xff\xfe", b"A=\xe9\n"])
def test_a_settings_file_that_is_no_text_is_named(environ, settings_file, content):
    file = settings_file(content)
    assert sentence(environ).startswith(f"The settings file {file} cannot be read")


def test_a_folder_in_place_of_the_settings_file_is_named(environ, tmp_path):
    (tmp_path / "data" / "settings.env").mkdir(parents=True)
    assert "settings.env cannot be read" in sentence(environ)


# What the settings lead to.


@pytest.mark.parametrize(
    "url",
    ["mysql://db/x", "x", "://", "sqlite://", "sqlite:///:memory:", "postgresql//db",
     f"postgresql://a:{PASSWORD}@db:port/x", f"postgresql://a:{PASSWORD}@one:x,two/x"],
)  # fmt: skip
def test_a_database_url_that_is_none_is_said_without_its_password(environ, url):
    with pytest.raises(SettingError) as refused:
        open_database(load({**environ, "DATABASE_URL": url})).close()
    assert str(refused.value) == "DATABASE_URL must begin with sqlite:/// (and a file) or postgresql://."


def test_a_secrets_file_that_cannot_be_used_is_said_with_what_to_do(environ):
    found = load(environ)
    with pytest.raises(SettingError, match=r"There is no secrets file .*secrets\.toml; run `touchtone init`\.$"):
        open_secrets(found)
    found.data_dir.mkdir()
    found.secrets_file.write_text('[line]\nledger_key = "abc"\n')
    found.secrets_file.chmod(0o644)
    with pytest.raises(SettingError, match=r"Others can read .*; run `chmod 600 .*`\.$"):
        open_secrets(found)
    found.secrets_file.chmod(0o600)
    with pytest.raises(SettingError, match=r"The secrets file .* is damaged at line\.ledger_key\.$"):
        open_secrets(found)
