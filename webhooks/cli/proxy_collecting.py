"""`touchtone proxy collect`: reports from many machines, out of a folder, a CSV file, or over ssh.

One rule: what is sound is taken, what is not is told with its file and line, and then the exit status is 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhooks.cli.output import refuse, show
from webhooks.cli.proxy_folder import as_json_option, in_folder, opened, tell_faults

if TYPE_CHECKING:
    from webhooks.proxy.collecting import Found
    from webhooks.proxy.faults import FileFault

REPORT_COMMAND = "touchtone device report --state /var/lib/touchtone/machine.json"


@click.group()
def collect() -> None:
    """Take machines' reports into the list."""


@collect.command()
@in_folder
@as_json_option
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
def folder(folder: Path, as_json: bool, path: Path) -> None:
    """Take every report (*.json) in the folder PATH and below."""
    from webhooks.proxy.collecting import in_folder as found_in

    _take(folder, found_in(path), as_json)


@collect.command()
@in_folder
@as_json_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def csv(folder: Path, as_json: bool, file: Path) -> None:
    """Take every line of the CSV FILE: name and installation_id, if need be product, state, last_five."""
    from webhooks.proxy.collecting import in_csv

    _take(folder, in_csv(file), as_json)


@collect.command()
@in_folder
@click.option("--command", default=REPORT_COMMAND, show_default=True, help="What is run on each host.")
@click.option("--at-once", default=16, show_default=True, type=click.IntRange(1, 128), help="Hosts asked at once.")
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(1), help="For each host in all.")
@click.option(
    "--ssh-config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Instead of your own ssh config."
)
@as_json_option
@click.argument("hosts_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def ssh(
    folder: Path,
    command: str,
    at_once: int,
    seconds: float,
    ssh_config: Path | None,
    as_json: bool,
    hosts_file: Path,
) -> None:
    """Ask every host in HOSTS_FILE: one a line, its address, and after a space its name if that is another."""
    from webhooks.proxy.collecting import over_ssh
    from webhooks.proxy.faults import FileFault
    from webhooks.proxy.over_ssh import Ssh, read_hosts

    asking = Ssh(at_once, seconds, ssh_config)
    if not asking.is_there:
        refuse("SSH_MISSING", "There is no ssh on this machine.", as_json)
    try:
        hosts = read_hosts(hosts_file, hosts_file.read_text(encoding="utf-8"))
    except FileFault as fault:
        refuse("FILE_DAMAGED", f"{fault}.", as_json)
    except UnicodeDecodeError:
        refuse("FILE_DAMAGED", f"{hosts_file} is not UTF-8.", as_json)
    # The hosts answer first: nothing is asked of them inside a transaction.
    found = list(over_ssh(asking.each(hosts, command)))
    _take(folder, found, as_json)


def _take(folder: Path, found: Iterable[Found | FileFault], as_json: bool) -> None:
    from webhooks.proxy.collecting import take

    with opened(folder, as_json) as console, console.database.begin() as connection:
        collected = take(connection, found, datetime.now(UTC))
    if not as_json:
        tell_faults(collected)
    facts = collected.to_facts()
    show(facts if as_json else {**facts, "faults": len(collected.faults)}, as_json)
    if collected.faults:
        sys.exit(1)
