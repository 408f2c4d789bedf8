"""How every command answers: plain lines for a person, JSON for a program, one sentence for a refusal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

Shown = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def show(shown: Shown, as_json: bool = False) -> None:
    """Print one mapping, or a list of them, as aligned `name  value` lines or as JSON."""
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False, default=str))
        return
    rows = [shown] if isinstance(shown, Mapping) else list(shown)
    for index, row in enumerate(rows):
        if index:
            click.echo()
        width = max((len(name) for name in row), default=0)
        for name, value in row.items():
            click.echo(f"{name.replace('_', ' '):<{width}}  {as_read(value)}")


def show_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print one mapping a line, these of its values in columns under their names; nothing where there is none."""
    if not rows:
        return
    heads = [name.replace("_", " ") for name in columns]
    lines = [heads, *([as_read(row[name]) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def as_read(value: Any) -> str:
    """A value as a person reads it; what is missing is a dash, and a number is never a yes or a no."""
    match value:
        case None | [] | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{name}: {each}" for name, each in value.items())
    return str(value)


def refuse(outcome: str, sentence: str, as_json: bool = False) -> NoReturn:
    """Say why a command was refused or failed and end with exit status 1.

    `outcome` is the stable code a program reads, `sentence` what a person reads on standard error. What was done and
    how things stand is told in small letters; a refusal is in capitals, whatever room it comes from.
    """
    if as_json:
        click.echo(json.dumps({"outcome": outcome.upper(), "reason": sentence}, ensure_ascii=False))
    else:
        click.echo(sentence, err=True)
    sys.exit(1)
