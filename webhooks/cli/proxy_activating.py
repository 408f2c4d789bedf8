"""`touchtone proxy activate`, `apply` and `reapply`: ask the line for all machines, and hand the answers out.

One rule: a run may be ended at any moment and begun again; nothing is taken twice, and nothing answered is lost.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhooks.cli.output import refuse, show
from webhooks.cli.proxy_folder import as_json_option, in_folder, line_of, opened, tell_faults

if TYPE_CHECKING:
    from webhooks.proxy.activating import Tally
    from webhooks.proxy.asked import Deposit, Line
    from webhooks.proxy.folder import Folder

DEPOSIT_COMMAND = "touchtone device deposit --json --state /var/lib/touchtone/machine.json -"


@click.command()
@in_folder
@click.option("--dry-run", is_flag=True, help="Only say what would be asked for, from which keys.")
@click.option("--again", is_flag=True, help="Also ask again for what was refused.")
@click.option("--anew", is_flag=True, help="Also spend activations on machines that a saved pair would do for.")
@click.option("--patience", default=600.0, show_default=True, help="Seconds without any answer before giving up.")
@as_json_option
def activate(folder: Path, dry_run: bool, again: bool, anew: bool, patience: float, as_json: bool) -> None:
    """Ask the line for every machine that lacks an answer, in one request."""
    from webhooks.proxy import asked

    with opened(folder, as_json) as console:
        with console.database.read() as connection:
            lines = asked.due(connection, _today(), anew=anew, again=again)
            held = [] if anew else asked.reapplicable(connection, _today())
            if dry_run:
                _show_plan(connection, lines, held, as_json)
                return
        if held and not as_json:
            click.echo(f"{_machines(held)} held back: a saved pair will do (touchtone proxy reapply).", err=True)
        tally = ask(console, lines, patience, as_json)
    facts = {**tally.to_facts(), "held_back": len(held)}
    told = ", ".join(f"{number} {code}" for code, number in sorted(tally.refusals.items()))
    show(facts if as_json else {**facts, "refusals": told or None}, as_json)
    if tally.refusals:
        sys.exit(1)


def ask(console: Folder, lines: Sequence[Line], patience: float, as_json: bool) -> Tally:
    """One run over `lines`, with a bar on a terminal. Raises what `Run.ask` raises, and FolderFault."""
    from webhooks.proxy.activating import Run

    line = line_of(console)
    quiet = as_json or not sys.stderr.isatty()
    bar: Any = nullcontext() if quiet else click.progressbar(length=len(lines), label="Activating", file=sys.stderr)
    try:
        with bar as shown:

            def told(_answer: object) -> None:
                if shown is not None:
                    shown.update(1)

            def waiting(seconds: float, reason: str) -> None:
                click.echo(f"\n{reason} Trying again in {seconds:g} s.", err=True)

            run = Run(console.database, line, console.publisher, patience, told, waiting)
            return run.ask(lines)
    finally:
        line.close()


def _handing_out(command: Callable[..., None]) -> Callable[..., None]:
    """The options of `apply` and `reapply`."""
    config = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        as_json_option,
        click.option("--ssh-config", type=config, help="Instead of your own ssh config."),
        click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(1), help="For each host."),
        click.option("--at-once", default=16, show_default=True, type=click.IntRange(1, 128), help="Hosts at once."),
        click.option(
            "--command", "words", default=DEPOSIT_COMMAND, show_default=True, help="What is run on each host."
        ),
        click.option("--ssh", "by_ssh", is_flag=True, help="Deposit them over ssh, where collect found the machines."),
        click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Write a file a machine there."),
        in_folder,
    ):
        command = option(command)
    return command


@click.command()
@_handing_out
def apply(folder: Path, **options: Any) -> None:
    """Hand the answers out to the machines that lack them."""
    from webhooks.proxy.asked import applicable

    with opened(folder, options["as_json"]) as console:
        with console.database.read() as connection:
            deposits = applicable(connection)
        _hand_out(console, deposits, **options)


@click.command()
@_handing_out
def reapply(folder: Path, **options: Any) -> None:
    """Give re-imaged machines the pair they had before: no call, and nothing taken."""
    from webhooks.proxy.asked import reapplicable

    with opened(folder, options["as_json"]) as console:
        with console.database.read() as connection:
            deposits = reapplicable(connection, _today())
        _hand_out(console, deposits, **options)


def _hand_out(
    console: Folder, deposits: Sequence[Deposit], *, to: Path | None, by_ssh: bool, as_json: bool, **how: Any
) -> None:
    if (to is None) == (not by_ssh):
        raise click.UsageError("Say where to: --to FOLDER, or --ssh.")
    for deposit in deposits if not as_json else ():
        if deposit.renamed:
            click.echo(f"{deposit.machine.name}: the pair of {deposit.renamed}, with the same hardware", err=True)
    if to is not None:
        from webhooks.proxy.depositing import write_files

        written = write_files(to, deposits)
        show(
            {"machines": len(deposits), "files": [str(path) for path in written] if as_json else len(written)}, as_json
        )
    else:
        _deposit(console, deposits, as_json, **how)


def _deposit(
    console: Folder,
    deposits: Sequence[Deposit],
    as_json: bool,
    *,
    words: str,
    at_once: int,
    seconds: float,
    ssh_config: Path | None,
) -> None:
    """Over ssh, on the spot; what a machine answers is its newest report."""
    from webhooks.proxy import collecting, depositing
    from webhooks.proxy.over_ssh import Ssh

    ssh = Ssh(at_once, seconds, ssh_config)
    if not ssh.is_there:
        refuse("SSH_MISSING", "There is no ssh on this machine.", as_json)
    answers = list(depositing.over_ssh(ssh, deposits, words))
    with console.database.begin() as connection:
        collected = collecting.take(connection, collecting.over_ssh(answers), datetime.now(UTC))
    without = len(deposits) - len(answers)
    if not as_json:
        tell_faults(collected)
    faults = collected.to_facts()["faults"] if as_json else len(collected.faults)
    show({"machines": len(deposits), "applied": collected.taken, "without_host": without, "faults": faults}, as_json)
    if collected.faults or without:
        sys.exit(1)


def _show_plan(connection: Any, lines: Sequence[Line], held: Sequence[Deposit], as_json: bool) -> None:
    """What a run would take, by key."""
    from keys.installation_id import decode
    from webhooks.proxy.fleet import listed

    of = {machine.installation_id: machine for machine in listed(connection)}
    keys: dict[tuple[int, int], dict[str, Any]] = {}
    for line in lines:
        iid, machine = decode(line.installation_id), of[line.installation_id]
        row = keys.setdefault(
            (iid.product, iid.serial),
            {"product": iid.product, "product_name": None, "last_five": None, "serial": iid.serial, "activations": 0},
        )
        row["product_name"] = row["product_name"] or machine.product_name
        row["last_five"] = row["last_five"] or machine.last_five
        row["activations"] += 1
    plan = list(keys.values())
    if as_json:
        show({"activations": len(lines), "held_back": len(held), "keys": plan}, as_json)
        return
    for row in plan:
        named = row["product_name"] or f"product {row['product']}"
        key = f"the key ending in {row['last_five']}" if row["last_five"] else f"the key with serial {row['serial']}"
        click.echo(f"{row['activations']} of {named}, from {key}")
    click.echo(f"{len(lines)} would be asked for; {_machines(held)} held back, since a saved pair will do.")


def _machines(deposits: Sequence[Deposit]) -> str:
    return "1 machine" if len(deposits) == 1 else f"{len(deposits)} machines"


def _today() -> date:
    return datetime.now(UTC).astimezone().date()
