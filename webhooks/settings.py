"""Settings: the environment over the data folder's `settings.env`, read once into a frozen record.

Rule: a malformed or missing required setting stops the start with one clear sentence, and nothing has a default secret.
`SETTINGS` is the one list of them: the README's table is checked against it.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from ivr.lines import TextLimits

LEAST_KEPT = timedelta(days=31)
"""Signs look back thirty days, and so do the statistics after a standstill."""


class SettingError(ValueError):
    """A setting is missing or malformed. Its text is the sentence the person who starts the line reads."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: the name in the environment, its default, whether it is secret, and what it means."""

    name: str
    meaning: str
    default: str | None = None
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting("TOUCHTONE_DATA_DIR", "Folder for the SQLite file, secrets, lines and spool.", "data"),
    Setting("DATABASE_URL", "Where the ledger is.", "sqlite file `touchtone.db` in the data folder", secret=True),
    Setting("TOUCHTONE_PUBLIC_URL", "The address under which Twilio reaches the line; signatures are checked over it."),
    Setting("TOUCHTONE_LISTEN", "Address and port the server binds.", "127.0.0.1:8080"),
    Setting("TOUCHTONE_WORKERS", "Serving processes; must stay 1 on SQLite.", "1"),
    Setting("TOUCHTONE_THREADS", "Threads that answer, in each serving process.", "8"),
    Setting("TOUCHTONE_PHONE", "`on`: the rehearsal telephone as a page at `/phone`, behind a printed token.", "off"),
    Setting("TOUCHTONE_API", "`on`: organisations' programs may activate at `/api/v1`, with tokens.", "on"),
    Setting("TOUCHTONE_API_PER_MINUTE", "Requests a minute, at most, with one token.", "600"),
    Setting("TOUCHTONE_DESK_LISTEN", "Address and port the operators' desk binds.", "127.0.0.1:8090"),
    Setting("TOUCHTONE_DESK_URL", "The address, without `/desk`, under which operators reach the desk.",
            "`http://127.0.0.1:8090`"),
    Setting("TOUCHTONE_SECRETS_FILE", "Issuing keys, verification secrets and the line's own keys (mode 0600).",
            "`secrets.toml` in the data folder"),
    Setting("TOUCHTONE_LINES_FILE", "The numbers the line answers, one `[[line]]` each.",
            "`lines.toml` in the data folder"),
    Setting("TOUCHTONE_KEEP_DAYS", "Days after which what names a caller is forgotten, at least 31.", "90"),
    Setting("TWILIO_ACCOUNT_SID", "The account whose webhooks are accepted (AC and 32 hex digits)."),
    Setting("TWILIO_AUTH_TOKEN", "Signs Twilio's webhooks.", secret=True),
    Setting("TWILIO_AUTH_TOKEN_NEXT", "The token being promoted, accepted beside the first while rotating.", "none",
            secret=True),
    Setting("TWILIO_API_KEY", "With its secret: texts and calls go out by Twilio. Without: to the rehearsal.", "none"),
    Setting("TWILIO_API_SECRET", "The secret of the API key (SK...).", "none", secret=True),
    Setting("TOUCHTONE_TEXTS_PER_NUMBER", "Texts a day, at most, to one number.", "20"),
    Setting("TOUCHTONE_TEXTS_PER_PREFIX", "To numbers that differ in their last three digits only.", "60"),
    Setting("TOUCHTONE_TEXTS_PER_COUNTRY", "To one country.", "2000"),
    Setting("TOUCHTONE_TEXTS_PER_DAY", "In all.", "5000"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. `auth_tokens` holds one token, or two while they are rotated."""

    data_dir: Path
    database_url: str = field(repr=False)
    public_url: str
    host: str
    port: int
    workers: int
    threads: int
    phone: bool
    api: bool
    api_per_minute: int
    secrets_file: Path
    lines_file: Path
    kept: timedelta
    account_sid: str
    auth_tokens: tuple[str, ...] = field(repr=False)
    api_key: str
    api_secret: str = field(repr=False)
    text_limits: TextLimits
    desk_host: str
    desk_port: int
    desk_url: str

    @property
    def rehearsed_texts(self) -> Path:
        """Where texts arrive while there are no credentials to send them with."""
        return self.data_dir / "rehearsal-texts.jsonl"

    @property
    def rehearsed_calls(self) -> Path:
        """What the rehearsal's telephones, in whatever process, tell each other while no credentials ring real ones."""
        return self.data_dir / "rehearsal-calls.jsonl"

    @property
    def settings_file(self) -> Path:
        """The file that `touchtone init` writes and that the environment overrides."""
        return self.data_dir / "settings.env"

    @property
    def phone_file(self) -> Path:
        """What the page at `/phone` works with: its token, and what its pretend machine installs."""
        return self.data_dir / "phone.json"

    @property
    def own_url(self) -> str:
        """The line as this very machine reaches it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        here = "127.0.0.1" if host in {"0.0.0.0", "[::]"} else host  # noqa: S104 - compared, not bound
        return f"http://{here}:{self.port}"

    @property
    def spool_dir(self) -> Path:
        """Where call-back wishes wait while the database is gone."""
        return self.data_dir / "spool"

    @property
    def roots_file(self) -> Path:
        """Where the ledger's signed roots are appended, outside the database."""
        return self.data_dir / "ledger-roots.jsonl"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read every setting from `environ` (default: the process's) over the data folder's file.

    Raises SettingError, with a sentence naming the setting, for what is missing or malformed.
    """
    given = dict(os.environ if environ is None else environ)
    data_dir = Path(given.get("TOUCHTONE_DATA_DIR") or "data").resolve()
    given = _over(read_file(data_dir / "settings.env"), given)
    read = {setting.name: _value(given, setting) for setting in SETTINGS}

    host, port = _listen("TOUCHTONE_LISTEN", read["TOUCHTONE_LISTEN"] or "127.0.0.1:8080")
    desk_host, desk_port = _listen("TOUCHTONE_DESK_LISTEN", read["TOUCHTONE_DESK_LISTEN"] or "127.0.0.1:8090")
    database_url = read["DATABASE_URL"] or f"sqlite:///{data_dir / 'touchtone.db'}"
    workers = _count("TOUCHTONE_WORKERS", read["TOUCHTONE_WORKERS"] or "1")
    if workers > 1 and database_url.startswith("sqlite"):
        raise SettingError("TOUCHTONE_WORKERS must be 1 on SQLite; set DATABASE_URL to PostgreSQL for more.")
    phone = _switch("TOUCHTONE_PHONE", read["TOUCHTONE_PHONE"])
    if phone and workers > 1:
        raise SettingError("TOUCHTONE_PHONE=on needs TOUCHTONE_WORKERS=1: a rehearsed call lives in one process.")
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        public_url=_address("TOUCHTONE_PUBLIC_URL", read["TOUCHTONE_PUBLIC_URL"]),
        host=host,
        port=port,
        workers=workers,
        threads=_count("TOUCHTONE_THREADS", read["TOUCHTONE_THREADS"] or "8"),
        phone=phone,
        api=_switch("TOUCHTONE_API", read["TOUCHTONE_API"] or "on"),
        api_per_minute=_per_minute(read["TOUCHTONE_API_PER_MINUTE"] or "600"),
        secrets_file=Path(read["TOUCHTONE_SECRETS_FILE"] or data_dir / "secrets.toml"),
        lines_file=Path(read["TOUCHTONE_LINES_FILE"] or data_dir / "lines.toml"),
        kept=_kept(read["TOUCHTONE_KEEP_DAYS"] or "90"),
        account_sid=_account_sid(read["TWILIO_ACCOUNT_SID"]),
        auth_tokens=_tokens(read["TWILIO_AUTH_TOKEN"], read["TWILIO_AUTH_TOKEN_NEXT"]),
        api_key=_api_key(read["TWILIO_API_KEY"], read["TWILIO_API_SECRET"]),
        api_secret=read["TWILIO_API_SECRET"],
        text_limits=_text_limits(read),
        desk_host=desk_host,
        desk_port=desk_port,
        desk_url=_address("TOUCHTONE_DESK_URL", read["TOUCHTONE_DESK_URL"] or "http://127.0.0.1:8090", path=False),
    )


def read_file(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines; blank lines and lines that start with `#` are passed over. No file is no settings."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"The settings file {path} cannot be read: {_why(error)}.") from error
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip().isidentifier():
            raise SettingError(f"{path}, line {number}: expected NAME=value.")
        found[name.strip()] = value.strip()
    return found


def _over(file: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment over the file; a secret given in one of its two spellings goes over the other as well."""
    pairs = [{setting.name, f"{setting.name}_FILE"} for setting in SETTINGS if setting.secret]
    hidden = {name for pair in pairs if any(environ.get(name) for name in pair) for name in pair}
    return {**{name: value for name, value in file.items() if name not in hidden}, **environ}


def _value(given: Mapping[str, str], setting: Setting) -> str:
    """The value of one setting; a secret may stand in the file that `NAME_FILE` names."""
    file = given.get(f"{setting.name}_FILE", "") if setting.secret else ""
    if not file:
        return given.get(setting.name, "").strip()
    if given.get(setting.name):
        raise SettingError(f"{setting.name} and {setting.name}_FILE are both set; keep one of them.")
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{setting.name}_FILE names {file}, which cannot be read: {_why(error)}.") from error


def _why(error: OSError | UnicodeDecodeError) -> str:
    return "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.strerror)


def _address(name: str, value: str, *, path: bool = True) -> str:
    if not value:
        raise SettingError(f"{name} is missing; run `touchtone init`, or set it to https://your.host.")
    try:
        parts = urllib.parse.urlsplit(value)
        extra = parts.query or parts.fragment or parts.username or parts.port == 0  # .port raises where out of range
        plain = value.isascii() and value.isprintable() and " " not in value and not parts.netloc.endswith(":")
        extra = extra or (not path and parts.path.strip("/"))
        bad = bool(parts.scheme not in {"http", "https"} or not parts.hostname or extra or not plain)
    except ValueError:
        bad = True
    if bad:
        no = "no query or user" if path else "no path, query or user"
        raise SettingError(f"{name} must be an http(s) address with a host and {no}.")
    return value.rstrip("/")


def _listen(name: str, value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not _is_number(port) or not 0 < int(port) < 65536:
        raise SettingError(f"{name} must be an address and a port, such as 127.0.0.1:8080.")
    return host.strip("[]"), int(port)


def _count(name: str, value: str) -> int:
    if not _is_number(value) or not 1 <= int(value) <= 512:
        raise SettingError(f"{name} must be a whole number from 1 to 512.")
    return int(value)


def _per_minute(value: str) -> int:
    if not _is_number(value) or int(value) < 1:
        raise SettingError("TOUCHTONE_API_PER_MINUTE must be a whole number from 1 to 99999.")
    return int(value)


def _kept(value: str) -> timedelta:
    if not _is_number(value) or not LEAST_KEPT.days <= int(value) <= 3650:
        raise SettingError(f"TOUCHTONE_KEEP_DAYS must be a whole number from {LEAST_KEPT.days} to 3650.")
    return timedelta(days=int(value))


def _is_number(value: str) -> bool:
    """Digits that `int` takes: not those of other scripts, nor as many as it refuses."""
    return value.isascii() and value.isdigit() and len(value) < 6


def _switch(name: str, value: str) -> bool:
    if value not in {"", "on", "off"}:
        raise SettingError(f"{name} must be on or off.")
    return value == "on"


def _account_sid(value: str) -> str:
    if not value:
        raise SettingError("TWILIO_ACCOUNT_SID is missing; run `touchtone init`, or set it to your account's SID.")
    if len(value) != 34 or not value.startswith("AC") or not (value.isascii() and value.isalnum()):
        raise SettingError("TWILIO_ACCOUNT_SID must be AC followed by 32 letters and digits.")
    return value


def _api_key(key: str, secret: str) -> str:
    if bool(key) != bool(secret):
        raise SettingError("TWILIO_API_KEY and TWILIO_API_SECRET go together; set both, or neither.")
    if key and (len(key) != 34 or not key.startswith("SK") or not (key.isascii() and key.isalnum())):
        raise SettingError("TWILIO_API_KEY must be SK followed by 32 letters and digits.")
    return key


def _text_limits(read: Mapping[str, str]) -> TextLimits:
    usual = TextLimits()
    return TextLimits(
        number=_most("TOUCHTONE_TEXTS_PER_NUMBER", read, usual.number),
        prefix=_most("TOUCHTONE_TEXTS_PER_PREFIX", read, usual.prefix),
        country=_most("TOUCHTONE_TEXTS_PER_COUNTRY", read, usual.country),
        day=_most("TOUCHTONE_TEXTS_PER_DAY", read, usual.day),
    )


def _most(name: str, read: Mapping[str, str], default: int) -> int:
    value = read[name] or str(default)
    if not value.isascii() or not value.isdigit() or len(value) > 6:
        raise SettingError(f"{name} must be a whole number of at most six digits; 0 sends none.")
    return int(value)


def _tokens(first: str, following: str) -> tuple[str, ...]:
    if not first:
        raise SettingError("TWILIO_AUTH_TOKEN is missing; run `touchtone init`, or set it to your account's token.")
    for name, token in (("TWILIO_AUTH_TOKEN", first), ("TWILIO_AUTH_TOKEN_NEXT", following or first)):
        if len(token) < 16:
            raise SettingError(f"{name} is too short to be a token; copy it whole.")
    return (first, following) if following else (first,)
