"""`touchtone init`: the data folder, settings, secrets, lines and an empty ledger.

Rule: what stands there already is left alone, so it can be run again at any time, and adds what is missing. It asks
only where somebody sits at a terminal.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhooks.cli.init_questions import IN_SETTINGS, QUESTIONS, REHEARSED, ask, missing
from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from webhooks.settings import Settings

SETTINGS_TEXT = "# Written by `touchtone init`; the environment overrides it. Keep it as private as the secrets file.\n"
LINES_TEXT = "# The numbers the line answers. The first also answers for numbers that do not stand here.\n"
LINE_TEXT = """\
[[line]]
number = {number}
name = {name}
country = {country}
locale = {locale}
call_back_hours = 24
# What its texts come from: a number, or a Messaging Service (MG...). Without it, the line takes and sends none.
{text_sender}
# When operators are at the desk, in time_zone (UTC where none is given). Without it, a person means a call-back.
{desk_hours}
{time_zone}
# days_off = [2026-12-25]
# From how many points of signs on a person looks before anything is activated, and from how many on the key is
# blocked; without them signs are only shown at the desk.
# held_at = 40
# blocked_at = 100
"""
ABOUT = {
    "settings": "how Twilio reaches the line, and whose calls are let in; the environment goes over it",
    "lines": "the numbers the line answers, one [[line]] each, and what else a line may have",
    "secrets": "what product keys and confirmation IDs are made with: keep a copy where nobody else can read it",
    "database": "the ledger, empty until keys are issued; `touchtone db upgrade` after every update",
}
"""What each thing is for, told as it is made."""
ROOT = (
    "Beside the secrets lies issuing-root: put it into a safe once every product has its issuing key (`catalog load`)."
)


@click.command()
@click.option("--public-url", help="How Twilio reaches the line: https://...")
@click.option("--account-sid", help="Your Twilio account (AC...).")
@click.option("--auth-token", help="Its auth token.")
@click.option("--number", help="The line's telephone number, E.164.")
@click.option("--name", help="What callers hear first.")
@click.option("--country", help="The line's country, ISO 3166; else that of its number.")
@click.option("--locale", default="en-US", show_default=True, help="The language the line answers in.")
@click.option("--text-sender", metavar="NUMBER|MG...", help="What its texts come from; without it, it sends none.")
@click.option("--desk-hours", metavar="HOURS", help='When operators are there: "mon-fri 09:00-17:00".')
@click.option("--time-zone", metavar="ZONE", help="Of those hours, such as Europe/Berlin; else UTC.")
@click.option("--rehearsal", is_flag=True, help="A line without an account, to try it: ask nothing, make all up.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def init(as_json: bool, rehearsal: bool, **flags: str | None) -> None:
    """Make the data folder (TOUCHTONE_DATA_DIR) ready to serve: settings, secrets, lines and the database.

    At a terminal it asks for what was not given. Elsewhere it asks nothing: it says which flags are missing, or makes a
    line to rehearse with where no account is spoken of.
    """
    from webhooks import settings

    folder = Path(os.environ.get("TOUCHTONE_DATA_DIR") or "data").resolve()
    given = {name: value for name, value in flags.items() if value is not None}
    for name in IN_SETTINGS:
        if name in given and (why_not := QUESTIONS[name].wrong(given[name])):
            raise settings.SettingError(why_not)
    kept = settings.read_file(folder / "settings.env")
    standing = {**kept, **os.environ}
    unset = {name for name, setting in IN_SETTINGS.items() if not _stands(standing, setting)}
    has_lines = Path(standing.get("TOUCHTONE_LINES_FILE") or folder / "lines.toml").exists()
    wanted = [name for name in QUESTIONS if (name in unset if name in IN_SETTINGS else not has_lines)]
    if wanted and not rehearsal and not as_json and sys.stdin.isatty():
        if not _is_real(given) and len(unset) == len(IN_SETTINGS):
            rehearsal = not click.confirm("Is there an account at Twilio for this line? (No: one to rehearse with.)")
        given = given if rehearsal else ask(given, wanted)
    elif not rehearsal and _is_real(given) and (flags_missing := missing(given, wanted)):
        refuse(
            "FLAGS_MISSING", f"There is no terminal to ask at, so give {' and '.join(flags_missing)} as well.", as_json
        )
    # What was said is kept, also where today's environment says it: tomorrow's may not.
    said = {name for name in IN_SETTINGS if name in given and not _stands(kept, IN_SETTINGS[name])}
    made, found = _make(folder, given, unset | said)
    _upgrade(found)
    told = {"settings": made["settings"], "lines": made["lines"], "secrets": made["secrets"], "database": "up to date"}
    following = _next(found)
    if as_json:
        show({"outcome": "done", "data_folder": str(folder), **told, "next": following}, as_json)
    else:
        _explain(folder, found, told, following)


def _stands(standing: Mapping[str, str], setting: str) -> bool:
    return bool(standing.get(setting) or (setting == "TWILIO_AUTH_TOKEN" and standing.get(f"{setting}_FILE")))


def _is_real(given: Mapping[str, str]) -> bool:
    """Whether what was given speaks of an account, or of an address that the world reaches."""
    from webhooks.twilio_findings import is_reachable

    return bool({"account_sid", "auth_token"} & set(given)) or is_reachable(given.get("public_url", ""))


def _make(folder: Path, given: Mapping[str, str], unset: set[str]) -> tuple[dict[str, str], Settings]:
    """Write what is missing. Gives what became of each thing, and the settings as they are then read."""
    from webhooks import settings
    from webhooks.lines_file import read_catalogues, read_lines

    made_up = {**REHEARSED, "account_sid": "AC" + secrets.token_hex(16), "auth_token": secrets.token_hex(16)}
    added = "".join(
        f"{setting}={given.get(name) or made_up[name]}\n" for name, setting in IN_SETTINGS.items() if name in unset
    )
    made: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _written(folder / "settings.env", SETTINGS_TEXT, added) as made["settings"]:
            found = settings.load()
            catalogues = read_catalogues()
            there = (
                {line.number for line in read_lines(found.lines_file, catalogues).all}
                if found.lines_file.exists()
                else set()
            )
            is_new = not there or ("number" in given and given["number"] not in there)
            with _written(found.lines_file, LINES_TEXT, _line(given) if is_new else "") as made["lines"]:
                read_lines(found.lines_file, catalogues)
        made["secrets"] = _make_secrets(found.secrets_file)
    except OSError as error:
        raise settings.SettingError(f"The data folder {folder} cannot be made ready: {error.strerror}.") from error
    return made, found


def _line(given: Mapping[str, str]) -> str:
    """One `[[line]]`, with what it does not have as comments that say how it would."""
    number = given.get("number") or REHEARSED["number"]

    def field(name: str, example: str) -> str:
        value = given.get(name)
        return f"{'' if value else '# '}{name} = {json.dumps(value or example)}"

    return LINE_TEXT.format(
        number=json.dumps(number),
        name=json.dumps(given.get("name", REHEARSED["name"]), ensure_ascii=False),
        country=json.dumps(given.get("country") or _country(number)),
        locale=json.dumps(given["locale"]),
        text_sender=field("text_sender", number),
        desk_hours=field("desk_hours", "mon-fri 09:00-17:00"),
        time_zone=field("time_zone", "Europe/Berlin"),
    )


def _country(number: str) -> str:
    """The country of a number; the United States where it has none."""
    import phonenumbers

    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or "US"
    except phonenumbers.NumberParseException:
        return "US"


@contextmanager
def _written(path: Path, opening: str, added: str) -> Iterator[str]:
    """Add a text to a private file, made where it is missing; what was added is taken away if the block refuses it."""
    before = path.read_bytes() if path.exists() else None
    if before is None:
        path.touch(mode=0o600)
        path.write_text(opening + added, "utf-8")
    elif added:
        with path.open("ab") as file:
            file.write(("" if before.endswith(b"\n") or not before else "\n").encode() + added.encode())
    try:
        yield "made" if before is None else "added to" if added else "was there"
    except ValueError:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
        raise


def _make_secrets(path: Path) -> str:
    """Fresh secrets unless there are some. A root that stands there is kept; one that is in a safe is not made anew."""
    from keys import secrets_file

    if path.exists():
        return "was there"
    if not secrets_file.root_path(path).exists():
        secrets_file.create_root(secrets_file.root_path(path))
    secrets_file.create(path)
    return "made"


def _upgrade(found: Settings) -> None:
    from keys.migrations.running import upgrade
    from keys.unavailable import DatabaseUnavailable, translated
    from webhooks.app import open_database
    from webhooks.settings import SettingError

    database = open_database(found, patience=60)
    try:
        with translated():
            upgrade(database.engine)
    except DatabaseUnavailable as unavailable:
        raise SettingError(
            f"The database does not answer ({unavailable.cause}); is DATABASE_URL right?"
        ) from unavailable
    finally:
        database.close()


def _next(found: Settings) -> list[str]:
    """The commands that follow, as they are typed."""
    from webhooks.lines_file import read_catalogues, read_lines
    from webhooks.twilio_findings import is_reachable

    program = sys.argv[0] if Path(sys.argv[0]).name == "touchtone" else "touchtone"
    folder = os.environ.get("TOUCHTONE_DATA_DIR")
    real = is_reachable(found.public_url)
    has_desk = any(line.desk is not None for line in read_lines(found.lines_file, read_catalogues()).all)
    first = [f"export TOUCHTONE_DATA_DIR={folder}"] if folder else []
    desk = ['operator add "Anna Berg" --role administrator', "desk"] if has_desk else []
    account = ["twilio connect --dry-run", "twilio connect"] if real else []
    following = ["catalog load catalogue.toml", *account, "serve", *desk, *([] if real else ["call"])]
    return [*first, *(f"{program} {words}" for words in following)]


def _explain(folder: Path, found: Settings, told: Mapping[str, str], following: list[str]) -> None:
    files = {
        "settings": found.settings_file,
        "lines": found.lines_file,
        "secrets": found.secrets_file,
        "database": None,
    }
    click.echo(f"The data folder is {folder}\n")
    for name, became in told.items():
        path = files[name]
        click.echo(f"{path.name if path else name:<14} {became:<11} {ABOUT[name]}")
    click.echo(f"\n{ROOT}\n\nNext (a catalogue as small as can be stands in the README):\n")
    for command in following:
        click.echo(f"  {command}")
