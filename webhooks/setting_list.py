"""The list of settings: what each is called, what it means, what stands in its place where nothing is said.

Rule: this is the one list. The start reads by it, `touchtone settings` shows it, docs/settings.md is printed from it.

>>> listed("TOUCHTONE_THREADS").default
'8'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

REQUIRED = "required"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name in the environment, what it means, what may stand in it, and its default in words.

    The value of a `secret` one may stand in the file that `NAME_FILE` names, and is never shown.
    """

    name: str
    meaning: str
    takes: str
    default: str = REQUIRED
    secret: bool = False


_NUMBER = "a whole number from 1 to 512"
_SWITCH = "`on` or `off`"
_ADDRESS = "an address and a port"
_MOST = "a whole number of at most six digits; 0 sends none"

GROUPS: tuple[tuple[str, tuple[Setting, ...]], ...] = (
    ("Where things are", (
        Setting("TOUCHTONE_DATA_DIR", "Folder for the SQLite file, settings, secrets, lines and spool.", "a folder",
                "`data`"),
        Setting("DATABASE_URL", "Where the ledger is.",
                "`sqlite:///file` or `postgresql://...`, several hosts allowed",
                "the SQLite file `touchtone.db` in the data folder", secret=True),
        Setting("TOUCHTONE_SECRETS_FILE", "Issuing keys, verification secrets and the line's own keys (mode 0600).",
                "a file", "`secrets.toml` in the data folder"),
        Setting("TOUCHTONE_LINES_FILE", "The numbers the line answers, one `[[line]]` each: number, name, country, "
                "locale, locales ([translating.md](translating.md)), call_back_hours, text_sender, text_countries, "
                "desk_hours (`mon-fri 09:00-17:00`), time_zone, days_off, held_at and blocked_at "
                "([desk.md](desk.md#signs)), outage_url ([twilio.md](twilio.md#when-nothing-of-ours-answers)), speech "
                "([speech.md](speech.md)).", "a file",
                "`lines.toml` in the data folder"),
        Setting("TOUCHTONE_RECORDINGS_DIR", "Recorded prompts, played instead of spoken "
                "([translating.md](translating.md#recordings)).", "a folder", NONE),
    )),
    ("How it is reached", (
        Setting("TOUCHTONE_PUBLIC_URL",
                "The address under which Twilio reaches the line; signatures are checked over it.",
                "an http(s) address with a host"),
        Setting("TOUCHTONE_LISTEN", "Address and port the server binds.", _ADDRESS, "`127.0.0.1:8080`"),
        Setting("TOUCHTONE_WORKERS", "Serving processes; must stay 1 on SQLite.", _NUMBER, "1"),
        Setting("TOUCHTONE_THREADS", "Threads that answer, in each serving process.", _NUMBER, "8"),
        Setting("TOUCHTONE_LEAVE_SECONDS", "After SIGTERM, for how long the line still answers while `/readyz` already "
                "says no: longer than your load balancer takes to notice.", "a whole number up to 300", "0"),
        Setting("TOUCHTONE_DESK_LISTEN", "Address and port the operators' desk binds.", _ADDRESS, "`127.0.0.1:8090`"),
        Setting("TOUCHTONE_DESK_URL", "The address, without `/desk`, under which operators reach the desk.",
                "an http(s) address with a host and no path", "where `TOUCHTONE_DESK_LISTEN` is, by `http`"),
    )),
    ("What is switched on", (
        Setting("TOUCHTONE_PHONE", "The rehearsal telephone as a page at `/phone`, behind a printed token "
                "([phone.md](phone.md)).", _SWITCH, "`off`"),
        Setting("TOUCHTONE_API", "The door for organisations' programs at `/api/v1`, with tokens ([api.md](api.md)).",
                _SWITCH, "`on`"),
        Setting("TOUCHTONE_API_PER_MINUTE", "Requests a minute, at most, with one token.",
                "a whole number from 1 to 99999", "600"),
    )),
    ("What is seen of it", (
        Setting("TOUCHTONE_METRICS_TOKEN", "With it, Prometheus may read `/metrics`; without it, nobody "
                "([operations.md](operations.md#metrics)).", "at least 16 signs", NONE, secret=True),
        Setting("TOUCHTONE_LOG_LEVEL", "From which level on something is logged; `debug` logs every turn.",
                "`debug`, `info`, `warning` or `error`", "`info`"),
        Setting("TOUCHTONE_LOG_FORMAT", "How a line of the log is written.", "`json` or `logfmt`", "`json`"),
        Setting("TOUCHTONE_KEEP_DAYS",
                "Days after which what names a caller is forgotten ([privacy.md](privacy.md)).",
                "a whole number from 31 to 3650", "90"),
    )),
    ("Twilio", (
        Setting("TWILIO_ACCOUNT_SID", "The account whose webhooks are accepted.", "AC and 32 letters and digits"),
        Setting("TWILIO_AUTH_TOKEN", "Signs the webhooks.", "at least 16 signs", secret=True),
        Setting("TWILIO_AUTH_TOKEN_NEXT", "The token being promoted, accepted beside the first while rotating.",
                "at least 16 signs", NONE, secret=True),
        Setting("TWILIO_API_KEY", "With its secret: texts and calls go out by Twilio. Without: to the rehearsal.",
                "SK and 32 letters and digits", NONE),
        Setting("TWILIO_API_SECRET", "The secret of the API key.", "the secret", NONE, secret=True),
    )),
    ("How many texts", (
        Setting("TOUCHTONE_TEXTS_PER_NUMBER", "Texts a day, at most, to one number; a long one counts by its segments.",
                _MOST, "20"),
        Setting("TOUCHTONE_TEXTS_PER_PREFIX", "To numbers that differ in their last three digits only.", _MOST, "60"),
        Setting("TOUCHTONE_TEXTS_PER_COUNTRY", "To one country.", _MOST, "2000"),
        Setting("TOUCHTONE_TEXTS_PER_DAY", "In all.", _MOST, "5000"),
    )),
)  # fmt: skip

SETTINGS: tuple[Setting, ...] = tuple(setting for _, group in GROUPS for setting in group)


def listed(name: str) -> Setting:
    """The setting of a name. Raises StopIteration where there is none."""
    return next(setting for setting in SETTINGS if setting.name == name)


def reference() -> str:
    """The list as the page docs/settings.md: a table a group."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# Settings"
    yield ""
    yield "<!-- Printed by `touchtone settings --markdown > docs/settings.md`; a test holds it equal. -->"
    yield ""
    yield "Settings come from the environment, over `settings.env` in the data folder (`NAME=value`, a line each),"
    yield "which `touchtone init` writes. A secret, marked * below, may also stand in a file that `NAME_FILE` names. A"
    yield "malformed or missing required setting stops the start with one sentence. There are no default secrets."
    yield ""
    yield "`touchtone settings` shows what each is set to, and where; no secret is shown. A change counts from the next"
    yield "start."
    for title, group in GROUPS:
        yield ""
        yield f"## {title}"
        yield ""
        yield "| setting | meaning | takes | default |"
        yield "|---|---|---|---|"
        for setting in group:
            mark = " *" if setting.secret else ""
            yield f"| `{setting.name}`{mark} | {setting.meaning} | {setting.takes} | {setting.default} |"
