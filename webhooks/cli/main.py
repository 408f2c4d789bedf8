"""The `touchtone` command: each group loads its own file only when it is called for, so that `--help` is quick."""

from __future__ import annotations

import importlib
import logging
import sys

import click

COMMANDS = {
    "bench": ("webhooks.cli.bench", "bench", "Measure: check digits, the cost of a turn."),
    "call": ("webhooks.cli.call", "call", "Dial the line with the rehearsal telephone."),
    "caller": ("webhooks.cli.caller", "caller", "Export or erase what is kept about one caller."),
    "case": ("webhooks.cli.case", "case", "Show cases and the call-backs that are promised."),
    "catalog": ("webhooks.cli.catalog", "catalog", "Organisations, agreements and products."),
    "certificate": ("webhooks.cli.certificate", "certificate", "The public key of certificates, and a check of one."),
    "db": ("webhooks.cli.database", "db", "Upgrade, check and copy the database."),
    "demo": ("webhooks.cli.demo", "demo", "A whole activation, from nothing to a machine that accepts."),
    "desk": ("webhooks.cli.desk", "desk", "Serve the operators' desk."),
    "device": ("webhooks.cli.device_kms", "device", "The device side: an offline machine to rehearse with."),
    "diagram": ("webhooks.cli.diagram", "diagram", "Draw the states of a call from the transition table."),
    "escrow": ("webhooks.cli.escrow", "escrow", "Hand a product to a trustee; activate by what was handed over."),
    "init": ("webhooks.cli.init", "init", "Make the data folder, settings and secrets."),
    "key": ("webhooks.cli.key_life", "key", "Issue, show and block product keys."),
    "kms-host": ("webhooks.cli.kms_host_watching", "kms_host", "A licence host on a network, and its clients."),
    "leaflet": ("webhooks.cli.leaflet", "leaflet", "The printed sheet: activate a product by telephone."),
    "ledger": ("webhooks.cli.ledger_back", "ledger", "Balances, entries and their verification."),
    "operator": ("webhooks.cli.operator", "operator", "Who works at the desk, in which role."),
    "phone": ("webhooks.cli.phone", "phone", "The rehearsal telephone's page: its address, its machine's product."),
    "prompts": ("webhooks.cli.prompts", "prompts", "The words of the line: preview, check, what to record."),
    "proxy": ("webhooks.cli.proxy", "proxy", "Activate hundreds of machines from one console."),
    "secret": ("webhooks.cli.secret", "secret", "Renew secrets of the secrets file."),
    "serve": ("webhooks.cli.serve", "serve", "Answer the telephone."),
    "settings": ("webhooks.cli.settings", "settings", "What the line is set to; the list of settings."),
    "statistics": ("webhooks.cli.statistics", "statistics", "Activations by week, without persons."),
    "text": ("webhooks.cli.text", "text", "Text the line with the rehearsal telephone."),
    "token": ("webhooks.cli.token", "token", "Tokens of organisations, for the API."),
    "twilio": (
        "webhooks.cli.twilio_probe",
        "twilio",
        "Check the account at Twilio, and set its webhooks for our lines.",
    ),
}


class LazyGroup(click.Group):
    """A group whose commands are named in `COMMANDS` and imported when first asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All command names, in alphabetical order."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in sorted(COMMANDS)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="touchtone")
def cli() -> None:
    """Touchtone: a telephone activation line that a software publisher runs for its own products."""


def main() -> None:
    """Entry point: one clear sentence and status 1 for a setting that is missing or malformed."""
    from webhooks.settings import SettingError

    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        cli(prog_name="touchtone")
    except SettingError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
