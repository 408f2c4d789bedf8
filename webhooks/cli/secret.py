"""`touchtone secret`: secrets of the secrets file renewed while the line serves.

Rule: what is renewed is added and nothing that is in use is taken away, so that nodes are restarted one after another.
No secret is printed.
"""

from __future__ import annotations

import click

from webhooks.cli.output import refuse, show


@click.group()
def secret() -> None:
    """Renew secrets of the secrets file."""


@secret.command()
@click.argument("product")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def generation(product: str, as_json: bool) -> None:
    """Add a verification secret for PRODUCT (name or number): its next builds make installations under it.

    Restart every node before such a build is shipped. Machines that are out there go on under theirs.
    """
    from keys import secrets_file
    from keys.products import find_product
    from webhooks import settings
    from webhooks.cli.database import opened, secrets_sentence

    found = settings.load()
    with opened(found, as_json=as_json) as database, database.read() as connection:
        known = find_product(connection, int(product) if product.isdigit() else product)
    if known is None:
        refuse("PRODUCT_UNKNOWN", f"There is no product {product}.", as_json)
    try:
        added = secrets_file.add_generation(found.secrets_file, known.number)
    except KeyError:
        refuse("NO_SECRETS", f"The secrets file holds nothing of {known.name}.", as_json)
    except secrets_file.SecretsFileError as error:
        refuse("SECRETS", secrets_sentence(error), as_json)
    show({"outcome": "added", "product": known.number, "generation": added}, as_json)


@secret.command()
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def pepper(as_json: bool) -> None:
    """Give callers new pseudonyms: opt-outs and blocks stand, what is counted by the day begins anew.

    Restart line and desk afterwards, node by node.
    """
    from keys import secrets_file
    from webhooks import settings
    from webhooks.cli.database import secrets_sentence

    found = settings.load()
    try:
        secrets_file.renew_pepper(found.secrets_file)
    except secrets_file.SecretsFileError as error:
        refuse("SECRETS", secrets_sentence(error), as_json)
    show({"outcome": "renewed"}, as_json)
