"""Settings: the environment over the data folder's `settings.env`, read once into a frozen record.

Rule: a malformed or missing required setting stops the start with one clear sentence, and nothing has a default secret.
The one list of them is `setting_list`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from ivr.lines import TextLimits
from webhooks import node
from webhooks import setting_values as values
from webhooks.setting_list import SETTINGS, Setting
from webhooks.setting_values import SettingError

__all__ = ["SETTINGS", "Setting", "SettingError", "Settings", "load", "read_file", "sources"]


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
    leave_seconds: int
    phone: bool
    api: bool
    api_per_minute: int
    secrets_file: Path
    lines_file: Path
    recordings_dir: Path | None
    metrics_token: str = field(repr=False)
    log_level: int
    log_format: str
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
    def probe_file(self) -> Path:
        """What is there while `touchtone twilio probe` measures, for the line's processes to see."""
        return self.data_dir / "probe.json"

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
    def node_dir(self) -> Path:
        """What the processes of one `touchtone serve` tell each other: no other on this machine has its address."""
        return self.data_dir / f"{node.NAMED}{socket.gethostname()}-{self.host.replace(':', '.')}-{self.port}"

    @property
    def roots_file(self) -> Path:
        """Where the ledger's signed roots are appended, outside the database."""
        return self.data_dir / "ledger-roots.jsonl"


def sources(environ: Mapping[str, str] | None = None) -> dict[str, tuple[str, str]]:
    """What each setting that is given anywhere holds, and where it was given; a secret's value is left out.

    Raises SettingError where the settings file cannot be read; what is malformed is shown as it stands.
    """
    given = dict(os.environ if environ is None else environ)
    data_dir = _data_dir(given)
    whole = _over(read_file(data_dir / "settings.env"), given)
    found = {}
    for setting in SETTINGS:
        names = [setting.name, f"{setting.name}_FILE"] if setting.secret else [setting.name]
        for name in names:
            if value := whole.get(name, "").strip():
                where = "the environment" if given.get(name) else "settings.env"
                shown = "" if setting.secret and name == setting.name else value
                found[setting.name] = (shown, where if name == setting.name else f"{where}, as {name}")
    return found


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read every setting from `environ` (default: the process's) over the data folder's file.

    Raises SettingError, with a sentence naming the setting, for what is missing or malformed.
    """
    given = dict(os.environ if environ is None else environ)
    data_dir = _data_dir(given)
    given = _over(read_file(data_dir / "settings.env"), given)
    read = {setting.name: _value(given, setting) for setting in SETTINGS}

    host, port = values.listen("TOUCHTONE_LISTEN", read["TOUCHTONE_LISTEN"] or "127.0.0.1:8080")
    desk_host, desk_port = values.listen("TOUCHTONE_DESK_LISTEN", read["TOUCHTONE_DESK_LISTEN"] or "127.0.0.1:8090")
    database_url = read["DATABASE_URL"] or f"sqlite:///{data_dir / 'touchtone.db'}"
    workers = values.count("TOUCHTONE_WORKERS", read["TOUCHTONE_WORKERS"] or "1")
    if workers > 1 and database_url.startswith("sqlite"):
        raise SettingError("TOUCHTONE_WORKERS must be 1 on SQLite; set DATABASE_URL to PostgreSQL for more.")
    phone = values.switch("TOUCHTONE_PHONE", read["TOUCHTONE_PHONE"])
    if phone and workers > 1:
        raise SettingError("TOUCHTONE_PHONE=on needs TOUCHTONE_WORKERS=1: a rehearsed call lives in one process.")
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        public_url=values.address("TOUCHTONE_PUBLIC_URL", read["TOUCHTONE_PUBLIC_URL"]),
        host=host,
        port=port,
        workers=workers,
        threads=values.count("TOUCHTONE_THREADS", read["TOUCHTONE_THREADS"] or "8"),
        leave_seconds=values.seconds("TOUCHTONE_LEAVE_SECONDS", read["TOUCHTONE_LEAVE_SECONDS"] or "0"),
        phone=phone,
        api=values.switch("TOUCHTONE_API", read["TOUCHTONE_API"] or "on"),
        api_per_minute=values.per_minute(read["TOUCHTONE_API_PER_MINUTE"] or "600"),
        secrets_file=Path(read["TOUCHTONE_SECRETS_FILE"] or data_dir / "secrets.toml"),
        lines_file=Path(read["TOUCHTONE_LINES_FILE"] or data_dir / "lines.toml"),
        recordings_dir=Path(given_dir) if (given_dir := read["TOUCHTONE_RECORDINGS_DIR"]) else None,
        metrics_token=values.metrics_token(read["TOUCHTONE_METRICS_TOKEN"]),
        log_level=values.log_level(read["TOUCHTONE_LOG_LEVEL"] or "info"),
        log_format=values.log_format(read["TOUCHTONE_LOG_FORMAT"] or "json"),
        kept=values.kept(read["TOUCHTONE_KEEP_DAYS"] or "90"),
        account_sid=values.account_sid(read["TWILIO_ACCOUNT_SID"]),
        auth_tokens=values.tokens(read["TWILIO_AUTH_TOKEN"], read["TWILIO_AUTH_TOKEN_NEXT"]),
        api_key=values.api_key(read["TWILIO_API_KEY"], read["TWILIO_API_SECRET"]),
        api_secret=read["TWILIO_API_SECRET"],
        text_limits=_text_limits(read),
        desk_host=desk_host,
        desk_port=desk_port,
        desk_url=values.address(
            "TOUCHTONE_DESK_URL", read["TOUCHTONE_DESK_URL"] or values.reached_at(desk_host, desk_port), path=False
        ),
    )


def _data_dir(given: Mapping[str, str]) -> Path:
    return Path(given.get("TOUCHTONE_DATA_DIR") or "data").resolve()


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


def _text_limits(read: Mapping[str, str]) -> TextLimits:
    usual = TextLimits()
    return TextLimits(
        number=values.most("TOUCHTONE_TEXTS_PER_NUMBER", read, usual.number),
        prefix=values.most("TOUCHTONE_TEXTS_PER_PREFIX", read, usual.prefix),
        country=values.most("TOUCHTONE_TEXTS_PER_COUNTRY", read, usual.country),
        day=values.most("TOUCHTONE_TEXTS_PER_DAY", read, usual.day),
    )
