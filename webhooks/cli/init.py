"""`touchtone init`: the data folder, settings, secrets, lines and an empty ledger.

Rule: what stands there already is left alone, so it can be run again at any time.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhooks.cli.output import show

if TYPE_CHECKING:
    from webhooks.settings import Settings

SETTINGS_TEXT = """\
# Written by `touchtone init`; the environment overrides it. Keep it as private as the secrets file.
TOUCHTONE_PUBLIC_URL={public_url}
TWILIO_ACCOUNT_SID={account_sid}
TWILIO_AUTH_TOKEN={auth_token}
"""
LINES_TEXT = """\
# The numbers the line answers. The first one also answers for numbers that stand here not at all.
[[line]]
number = {number}
name = {name}
country = {country}
locale = "en-US"
call_back_hours = 24
# What its texts come from: a number, or a Messaging Service (MG...). Without it, the line takes and sends none.
{text_sender}
# When operators are at the desk, in time_zone (UTC where none is given). Without it, a person means a call-back.
{desk_hours}
# time_zone = "Europe/Berlin"
# days_off = [2026-12-25]
# From how many points of signs on a person looks before anything is activated, and from how many on the key is
# blocked; without them signs are only shown at the desk.
# held_at = 40
# blocked_at = 100
"""


@click.command()
@click.option("--public-url", default="http://127.0.0.1:8080", show_default=True, help="How Twilio reaches the line.")
@click.option("--account-sid", help="Your Twilio account; without it, one made up for the rehearsal telephone.")
@click.option("--auth-token", help="Its auth token, likewise.")
@click.option("--number", default="+15005550006", show_default=True, help="The line's telephone number, E.164.")
@click.option("--name", default="Activation line", show_default=True, help="What callers hear first.")
@click.option("--country", default="US", show_default=True, help="The line's country, ISO 3166.")
@click.option("--text-sender", metavar="NUMBER|MG...", help="What its texts come from; without it, it sends none.")
@click.option("--desk-hours", metavar="HOURS", help='When operators are there, in UTC: "mon-fri 09:00-17:00".')
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def init(as_json: bool, number: str, name: str, country: str, **given: str | None) -> None:
    """Make the data folder (TOUCHTONE_DATA_DIR) ready to serve: settings, secrets, lines and the database."""
    import os

    from webhooks import settings
    from webhooks.lines_file import read_catalogues, read_lines

    folder = Path(os.environ.get("TOUCHTONE_DATA_DIR") or "data").resolve()
    settings_text = SETTINGS_TEXT.format(
        public_url=given["public_url"],
        account_sid=given["account_sid"] or "AC" + secrets.token_hex(16),
        auth_token=given["auth_token"] or secrets.token_hex(16),
    )
    sender, hours = given["text_sender"], given["desk_hours"]
    lines_text = LINES_TEXT.format(
        number=json.dumps(number),
        name=json.dumps(name, ensure_ascii=False),
        country=json.dumps(country),
        text_sender=f"{'' if sender else '# '}text_sender = {json.dumps(sender or number)}",
        desk_hours=f"{'' if hours else '# '}desk_hours = {json.dumps(hours or 'mon-fri 09:00-17:00')}",
    )
    made = {}
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _written(folder / "settings.env", settings_text) as made["settings"]:
            found = settings.load()
            with _written(found.lines_file, lines_text) as made["lines"]:
                read_lines(found.lines_file, read_catalogues())
        made["secrets"] = _make_secrets(found.secrets_file)
    except OSError as error:
        raise settings.SettingError(f"The data folder {folder} cannot be made ready: {error.strerror}.") from error
    _upgrade(found)
    told = {name: "made" if new else "was there" for name, new in made.items()}
    show({"outcome": "done", "data_folder": str(folder), **told, "database": "up to date"}, as_json)
    if not as_json:
        click.echo("\nNext: put issuing-root away safely once every product has its issuing key (`catalog load`).")


@contextmanager
def _written(path: Path, text: str) -> Iterator[bool]:
    """Write a private file unless it stands there, and tell; it is taken away again where the block refuses it."""
    made = not path.exists()
    if made:
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")
    try:
        yield made
    except ValueError:
        if made:
            path.unlink()
        raise


def _make_secrets(path: Path) -> bool:
    """Fresh secrets unless there are some. A root that stands there is kept; one that is in a safe is not made anew."""
    from keys import secrets_file

    if path.exists():
        return False
    if not secrets_file.root_path(path).exists():
        secrets_file.create_root(secrets_file.root_path(path))
    secrets_file.create(path)
    return True


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
