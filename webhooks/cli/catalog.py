"""`touchtone catalog`: what may be activated, loaded from a file and shown.

One rule: a file is loaded whole or not at all, and what is wrong with it is said by file, line and field.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.database import opened, secrets_sentence
from webhooks.cli.output import refuse, show

if TYPE_CHECKING:
    from keys.catalog import Catalogue, Item
    from keys.catalog_file import Problem
    from keys.catalog_loading import Difference
    from webhooks.settings import Settings

_WORDS = {
    "syntax": "this is not TOML",
    "unknown_table": "no such table",
    "unknown_field": "no such field",
    "missing": "is missing",
    "wrong_type": "is of the wrong kind",
    "not_one_of": "is not one of the words allowed",
    "out_of_range": "is out of range",
    "duplicate": "stands here twice",
    "unknown_organisation": "names no organisation of this file",
    "unknown_product": "names no product of this file",
    "ends_before_start": "ends before it starts",
    "not_in_format": "is not possible in this format",
    "without_escrow": 'goes with after_retirement = "escrow" alone',
    "other_licensing": "names a product of another licensing class than the suite's",
    "suite_in_suite": "names a suite",
}


@click.group()
def catalog() -> None:
    """Organisations, agreements and products."""


@catalog.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def load(file: Path, dry_run: bool, as_json: bool) -> None:
    """Load a catalogue from FILE (TOML): adds and changes, never takes away.

    A product that is new to the line gets its issuing key and first verification secret, if the issuing root stands
    beside the secrets file.
    """
    from keys import catalog_loading
    from webhooks import settings as settings_room

    catalogue = _read(file, as_json)
    settings = settings_room.load()
    with opened(settings, as_json=as_json) as database:
        try:
            if dry_run:
                with database.read() as connection:
                    differences = catalog_loading.differences(connection, catalogue)
            else:
                with database.begin() as connection:
                    differences = catalog_loading.load(connection, catalogue)
        except catalog_loading.FormatFixedError as error:
            refuse("FORMAT_FIXED", f"{file}: product {error.product}: keys are issued, its format stays.", as_json)
    without = [] if dry_run else _give_secrets(settings, catalogue, as_json)
    outcome = "would_load" if dry_run else "loaded"
    changes = [_told(difference) for difference in differences]
    if as_json:
        show({"outcome": outcome, "changes": changes, "products_without_secrets": without}, as_json)
        return
    for change in changes:
        show({change["change"]: change["name"], **change["fields"]})
    click.echo(f"{len(changes)} change{'' if len(changes) == 1 else 's'}{', nothing stored' if dry_run else ''}")
    for number in without:
        click.echo(f"Product {number} has no issuing key: put the issuing root beside the secrets file and load again.")


@catalog.command()
@click.argument("product")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@click.option("--line", help="The telephone number that the product shows, E.164.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def build(product: str, out: Path, line: str | None, as_json: bool) -> None:
    """Write what a publisher builds into PRODUCT (its number or name): a secret file, for `device install`.

    The suites it is sold in are built in with it.
    """
    from keys.catalog import product_build
    from keys.device import store
    from keys.products import find_product, suites_of
    from keys.volume import edition
    from webhooks import settings as settings_room
    from webhooks.cli.database import secrets_of

    settings = settings_room.load()
    with opened(settings, as_json=as_json) as database, database.read() as connection:
        found = find_product(connection, int(product) if product.isdigit() else product)
        if found is None:
            refuse("PRODUCT_UNKNOWN", f"There is no product {product}.", as_json)
        secrets = secrets_of(settings, as_json=as_json)
        suites = suites_of(connection, found.number)
        for each in (found, *suites):
            if each.number not in secrets.products:
                refuse("NO_ISSUING_KEY", f"Product {each.number} has no issuing key; see `catalog load`.", as_json)
        volume = edition(connection, secrets, found)
    made = product_build(found, secrets, line=line, suites=suites)
    store.write(out, replace(made, volume=volume).to_facts())
    family = None if volume is None else volume.family
    facts = {"outcome": "written", "product": found.number, "name": found.name, "leased_in_family": family}
    facts |= {"in_suites": [suite.name for suite in suites]}
    show({**facts, "file": str(out)}, as_json)


@catalog.command("show")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def show_catalogue(as_json: bool) -> None:
    """Show the catalogue as it is in the database; a product whose day has come is shown as retired."""
    from keys import catalog as catalog_room
    from webhooks import settings as settings_room

    with opened(settings_room.load(), as_json=as_json) as database, database.read() as connection:
        whole = catalog_room.current(connection)
    parts = {part.name: [_facts(item) for item in getattr(whole, part.name)] for part in fields(whole)}
    if as_json:
        show(parts, as_json)
        return
    for name, rows in parts.items():
        click.echo(f"{name}:" if rows else f"{name}: -")
        show(rows)
        click.echo()


def _read(file: Path, as_json: bool) -> Catalogue:
    from keys import catalog_file

    try:
        return catalog_file.read(file.read_text("utf-8"))
    except UnicodeDecodeError:
        refuse("CATALOGUE_WRONG", f"{file}: this is not UTF-8 text.", as_json)
    except catalog_file.CatalogueFileError as error:
        refuse("CATALOGUE_WRONG", "\n".join(_sentence(file, problem) for problem in error.problems), as_json)


def _sentence(file: Path, problem: Problem) -> str:
    field = f"{problem.field}: " if problem.field else ""
    allowed = f" (allowed: {problem.allowed})" if problem.allowed else ""
    return f"{file}:{problem.line}: {field}{_WORDS[problem.fault]}{allowed}"


def _give_secrets(settings: Settings, catalogue: Catalogue, as_json: bool) -> list[int]:
    """Give every product of the catalogue its secrets; the numbers of those that got none, the root being away."""
    from keys import secrets_file

    try:
        known = secrets_file.load(settings.secrets_file).products
        new = [product.number for product in catalogue.products if product.number not in known]
        if not new:
            return []
        try:
            root = secrets_file.load_root(secrets_file.root_path(settings.secrets_file))
        except secrets_file.SecretsFileMissingError:
            return new
        for number in new:
            secrets_file.add_product(settings.secrets_file, number, root)
    except secrets_file.SecretsFileError as error:
        refuse("SECRETS_UNUSABLE", secrets_sentence(error), as_json)
    return []


def _told(difference: Difference) -> dict[str, Any]:
    from keys.catalog import named

    item = difference.item
    kind = type(item).__name__.lower()
    changed = {field: f"{old} -> {new}" for field, (old, new) in difference.changes.items()}
    return {"change": f"{'new' if difference.added else 'changed'} {kind}", "name": named(item), "fields": changed}


def _facts(item: Item) -> dict[str, Any]:
    from keys.products import Product

    facts = {part.name: getattr(item, part.name) for part in fields(item)}
    if isinstance(item, Product):
        facts["status"] = item.status_on(datetime.now(UTC).date())
    return {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
