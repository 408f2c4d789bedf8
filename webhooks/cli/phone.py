"""`touchtone phone`: the address of the rehearsal telephone's page, and what its pretend machine installs.

Rule: the token and the product key stand in one file that only its owner reads; this prints the address, never the key.
"""

from __future__ import annotations

from pathlib import Path

import click

from webhooks.cli.output import refuse, show


@click.command()
@click.option(
    "--build",
    "build_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The product's build, as `catalog build` wrote it; goes with PRODUCT_KEY.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.argument("product_key", required=False)
def phone(build_file: Path | None, as_json: bool, product_key: str | None) -> None:
    """Print the address of the page; with --build and PRODUCT_KEY, give its pretend machine a product to install.

    Use a key issued for rehearsals: every activation from the page is taken from its allowance.
    """
    from keys import product_key as product_keys
    from keys.device import store
    from keys.device.build import ProductBuild
    from keys.errors import BadInput
    from webhooks import phone_file, settings
    from webhooks.device_words import said

    if (build_file is None) != (product_key is None):
        raise click.UsageError("--build FILE and PRODUCT_KEY go together.")
    found = settings.load()
    file = phone_file.opened(found.phone_file)
    if build_file is not None and product_key is not None:
        try:
            product_keys.decode(product_key)
            build = ProductBuild.from_facts(store.read(build_file))
        except BadInput as error:
            refuse(*said(error), as_json)
        file = phone_file.keep(found.phone_file, phone_file.Installable(build, product_key))
    installs = file.installable.build.name if file.installable else None
    switched = "on" if found.phone else "off; start the line with TOUCHTONE_PHONE=on"
    show({"address": phone_file.address(found, file), "installs": installs, "switched": switched}, as_json)
