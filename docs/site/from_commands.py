"""Every command with its arguments and options, asked of click itself.

Rule: what is here is what `--help` says; a command that is added stands on the page without a hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from webhooks.cli.main import cli


def commands() -> str:
    """One section a command of the first level, one below it for each command of a group."""
    return "\n\n".join(section for path, command in walked(cli) for section in _section(path, command))


def walked(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group below a group, in the order of its help, with its path."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from walked(command, (*path, name))


def _section(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    # A heading for each of the first two levels; what is deeper stands below its group.
    yield f"{'#' * min(len(path) + 1, 3)} `touchtone {' '.join(path)}`"
    yield _plain(command.help or "")
    context = click.Context(command, info_name=" ".join(("touchtone", *path)))
    if not isinstance(command, click.Group):
        usage = " ".join(command.collect_usage_pieces(context))
        yield f"```text\ntouchtone {' '.join(path)} {usage}\n```"
    rows = [record for option in command.params if (record := option.get_help_record(context)) is not None]
    rows = [(name, meaning) for name, meaning in rows if name != "--help"]
    if rows:
        lines = [f"| `{_cell(name)}` | {_plain(_cell(meaning))} |" for name, meaning in rows]
        yield "\n".join(["| option | meaning |", "|---|---|", *lines])


def _plain(text: str) -> str:
    """Help as Markdown: paragraphs as they are, no line that click was told not to wrap, no stray mark-up."""
    paragraphs = [" ".join(part.split()) for part in text.replace("\b", "").split("\n\n")]
    return re.sub(r"([<>*_\[\]])", r"\\\1", "\n\n".join(paragraphs)) if "`" not in text else "\n\n".join(paragraphs)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
