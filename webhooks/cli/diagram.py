"""`touchtone diagram`: the states of a call, drawn from the table that the dialogue is held to."""

from __future__ import annotations

import click


@click.command()
def diagram() -> None:
    """Print the states of a call as a Mermaid diagram."""
    from ivr.transitions import diagram as drawn

    click.echo(drawn())
