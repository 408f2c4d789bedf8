"""`touchtone init`: the data folder, settings, secrets, lines and an empty ledger.

Rule: what stands there already is left alone, so it can be run again at any time.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import click

from webhooks.cli.output import show

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
country = "{country}"
locale = "en-US"
call_back_hours = 24
"""


@click.command()
@click.option("--public-url", default="http://127.0.0.1:8080", show_default=True, help="How Twilio reaches the line.")
@click.option("--account-sid", help="Your Twilio account; without it, one made up for the rehearsal telephone.")
@click.option("--auth-token", help="Its auth token, likewise.")
@click.option("--number", default="+15005550006", show_default=True, help="The line's telephone number, E.164.")
@click.option("--name", default="Activation line", show_default=True, help="What callers hear first.")
@click.option("--country", default="US", show_default=True, help="The line's country, ISO 3166.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def init(as_json: bool, number: str, name: str, country: str, **given: str | None) -> None:
    """Make the data folder (TOUCHTONE_DATA_DIR) ready to serve: settings, secrets, lines and the database."""
    import os

    from keys import secrets_file
    from keys.migrations.running import upgrade
    from webhooks import settings
    from webhooks.app import open_database
    from webhooks.lines_file import read_catalogues, read_lines

    folder = Path(os.environ.get("TOUCHTONE_DATA_DIR") or "data").resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = {}
    made["settings"] = _write(
        folder / "settings.env",
        SETTINGS_TEXT.format(
            public_url=given["public_url"],
            account_sid=given["account_sid"] or "AC" + secrets.token_hex(16),
            auth_token=given["auth_token"] or secrets.token_hex(16),
        ),
    )
    found = settings.load()
    made["lines"] = _write(
        found.lines_file,
        LINES_TEXT.format(number=json.dumps(number), name=json.dumps(name, ensure_ascii=False), country=country),
    )
    read_lines(found.lines_file, read_catalogues())
    made["secrets"] = not found.secrets_file.exists()
    if made["secrets"]:
        secrets_file.create(found.secrets_file)
        secrets_file.create_root(secrets_file.root_path(found.secrets_file))
    database = open_database(found, patience=60)
    upgrade(database.engine)
    database.close()
    told = {name: "made" if new else "was there" for name, new in made.items()}
    show({"outcome": "done", "data_folder": str(folder), **told, "database": "up to date"}, as_json)
    if not as_json:
        root = secrets_file.root_path(found.secrets_file)
        click.echo(f"\nNext: put {root.name} away safely once every product has its issuing key (`catalog load`).")


def _write(path: Path, text: str) -> bool:
    """Write a private file unless it stands there; True where it was written."""
    if path.exists():
        return False
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    return True
