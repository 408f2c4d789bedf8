"""`touchtone demo`: from an empty folder to machines that accept its activation, with this program's own commands.

Rule: nothing in it is staged. Each step prints the command it stands for and runs it; calls go over HTTP to a line
that really serves, and a step that does not come out as it should ends the demo with status 1.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import click

CATALOGUE = """\
[[organisation]]
name = "Nordstern Shipping"

[[agreement]]
number = "NS-2026-01"
organisation = "Nordstern Shipping"
programme = "volume"
starts = 2026-01-01

[[product]]
number = 1
name = "Fairway"
format = "standard"
"""
NUMBER = "+15005550006"


@click.command()
@click.option("--serve/--no-serve", default=True, help="Keep the line running at the end.")
@click.option("--port", default=8080, show_default=True, help="Where to serve; any other port where it is taken.")
@click.option(
    "--folder", default="data/demo", show_default=True, type=click.Path(path_type=Path), help="The demo's data folder."
)
def demo(serve: bool, port: int, folder: Path) -> None:
    """Set a line up, activate offline machines by telephone, by text and with a person's help, and show the ledger."""
    from webhooks.cli.demo_serving import free_port, serving
    from webhooks.settings import SETTINGS

    desk_port, port = free_port(8090 if port else 0), free_port(port)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for setting in SETTINGS:  # the demo keeps to its own folder, whatever line the environment speaks of
        os.environ.pop(setting.name, None)
        os.environ.pop(f"{setting.name}_FILE", None)
    os.environ.update(
        TOUCHTONE_DATA_DIR=str(folder),
        TOUCHTONE_LISTEN=f"127.0.0.1:{port}",
        TOUCHTONE_PUBLIC_URL=f"http://127.0.0.1:{port}",
        TOUCHTONE_PHONE="on",
        TOUCHTONE_DESK_LISTEN=f"127.0.0.1:{desk_port}",
        TOUCHTONE_DESK_URL=f"http://127.0.0.1:{desk_port}",
        # Whoever tries the line texts it more often in a day than a caller would.
        TOUCHTONE_TEXTS_PER_NUMBER="2000",
        TOUCHTONE_TEXTS_PER_PREFIX="2000",
    )
    _forget_older_lines(folder / "lines.toml")
    _say("The publisher sets the line up")
    hours = ("--desk-hours", "mon-sun 00:00-24:00")
    named = ("--name", "Nordstern activation line", "--number", NUMBER, "--text-sender", NUMBER)
    _see("init", "--rehearsal", "--public-url", os.environ["TOUCHTONE_PUBLIC_URL"], *named, *hours)
    catalogue = folder / "catalogue.toml"
    catalogue.write_text(CATALOGUE, "utf-8")
    _see("catalog", "load", str(catalogue))
    product_key = _issue()
    build = folder / "fairway.build.json"
    _run("catalog", "build", "Fairway", "--out", str(build), "--line", NUMBER, quiet=True)
    _run("phone", "--build", str(build), product_key, hide=product_key)
    password = _operators(folder)
    with serving(serve=f"http://127.0.0.1:{port}/readyz", desk=f"http://127.0.0.1:{desk_port}/desk/login") as server:
        _activate(folder, build, product_key)
        _activate_by_text(folder, build, product_key)
        _activate_with_help(folder, build, product_key, password)
        if not serve:
            return
        _say("Line and desk go on serving. Try them in a browser, or in another terminal:")
        _how_to_go_on(folder, port, password)
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()


def _issue() -> str:
    issued = _run("key", "issue", "--product", "Fairway", "--agreement", "NS-2026-01", "--granted", "100")
    product_key: str = issued["product_key"]
    return product_key


def _activate(folder: Path, build: Path, product_key: str) -> None:
    """The machine, three calls, and the balance after each."""
    _say("An offline machine installs the key and shows its installation ID")
    name, machine, digits = _install(folder, build, product_key, "bridge")
    _say("Its owner calls the line, reads the ID off the screen, and writes the answer down")
    heard = _call(digits)
    _expect(heard["outcome"] == "activated", "the first call did not activate the machine")
    _confirm(name, machine, heard["confirmation_id"])
    _balance(product_key, 99)
    _say("The same installation calls again: the same answer, and nothing more is taken")
    again = _call(digits)
    _expect(again["confirmation_id"] == heard["confirmation_id"], "the same ID was answered differently")
    _balance(product_key, 99)
    _say("Another call with one wrong digit in group 4: that group alone is asked again")
    slipped = _call(digits, wrong_group=4)
    _expect(slipped["confirmation_id"] == heard["confirmation_id"], "the slip was not mended")
    _balance(product_key, 99)


def _activate_by_text(folder: Path, build: Path, product_key: str) -> None:
    """A second machine, activated by text, with a slip that is mended on the way."""
    _say("A second machine installs the same key; its owner texts the ID, with one wrong digit in group 4")
    name, machine, digits = _install(folder, build, product_key, "engine-room")
    groups = digits.split()
    wrong = [*groups[:3], groups[3][:2] + str((int(groups[3][2]) + 1) % 10) + groups[3][3:], *groups[4:]]
    asked = _text(" ".join(wrong))["received"]
    _expect(len(asked) == 1, "the text was not answered once")
    offered = groups[3] in asked[0]["body"]
    _say("Only one ID of a real machine is that near, so it is offered" if offered else "Group 4 alone is asked again")
    answered = _text("1" if offered else groups[3])
    _expect(answered["outcome"] == "activated", "the texts did not activate the machine")
    _confirm(name, machine, answered["confirmation_id"])
    _balance(product_key, 98)


def _activate_with_help(folder: Path, build: Path, product_key: str, password: str) -> None:
    """A third machine, whose owner gets stuck and is helped at the desk."""
    from webhooks import settings
    from webhooks.cli import demo_desk

    _say("A third machine; its owner reads group 4 wrong three times, and is put through to the desk")
    name, machine, digits = _install(folder, build, product_key, "wheelhouse")
    heard = demo_desk.escalate(tuple(digits.split()), NUMBER, settings.load().desk_url, password)
    _expect(heard["outcome"] == "activated", "the call that was helped did not activate the machine")
    _confirm(name, machine, heard["confirmation_id"])
    _balance(product_key, 97)


def _operators(folder: Path) -> str:
    """The password of both who work at the demo's desk; an earlier demo may have added them."""
    from webhooks.cli import demo_desk

    file = folder / "desk-password"
    password = demo_desk.password_in(file)
    for name, role, phone in (
        (demo_desk.NAME, "administrator", "+14155550188"),
        (demo_desk.COLLEAGUE, "supervisor", "+14155550189"),
    ):
        limit = str(demo_desk.GRANT_LIMITS[name])
        facts = ("--role", role, "--grant-limit", limit, "--phone", phone, "--password-file", str(file))
        _run("operator", "add", name, *facts, quiet=True, may_fail=True)
    return password


def _install(folder: Path, build: Path, product_key: str, place: str) -> tuple[str, Path, str]:
    """A new machine: its name, the file of its state, and the installation ID on its screen."""
    name = f"{place}-{int(time.time())}"
    machine = folder / f"{name}.json"
    where = ("--build", str(build), "--state", str(machine), "--seed", name)
    installed = _run("device", "install", *where, product_key, hide=product_key)
    return name, machine, installed["installation_id"]


def _confirm(name: str, machine: Path, confirmation_id: str) -> None:
    _run("device", "confirm", "--state", str(machine), *confirmation_id.split())
    status = _run("device", "status", "--state", str(machine), "--seed", name)
    _expect(status["state"] == "activated", "the machine did not accept the confirmation ID")


def _balance(product_key: str, available: int) -> None:
    found = _run("ledger", "balance", product_key, hide=product_key)
    _expect(found["available"] == available, f"{available} should be left")


def _call(digits: str, wrong_group: int = 0) -> dict[str, Any]:
    """Dial and print the call as it happens; the outcome is what was heard."""
    from webhooks.cli.call import line_of, print_entry, told
    from webhooks.rehearsal.dialling import Terms, dial
    from webhooks.rehearsal.scripted import Mood, ScriptedCaller

    groups = tuple(digits.split())
    slip = f" --wrong-group {wrong_group}" if wrong_group else ""
    click.secho(f"\n$ touchtone call --iid '{digits}'{slip}", bold=True)
    line = line_of()
    record = dial(
        line.url,
        auth_token=line.auth_token,
        public_url=line.public_url,
        caller_number="+14155550123",
        line_number=NUMBER,
        caller=ScriptedCaller(groups, Mood(wrong_group=wrong_group)),
        terms=Terms(account_sid=line.account_sid),
        on_line=print_entry,
    )
    _expect(not record.problems and not record.troubles, "the line answered with a faulty document")
    return told(record)


def _text(body: str) -> dict[str, Any]:
    """Text the line with this program's own command, print what goes and what comes, and give what it told."""
    from webhooks.cli.text import as_printed

    # Without a confirmation ID its status is 1, which here is no failure.
    told = _run("text", body, quiet=True, may_fail=True)
    _expect(not told["troubles"], "the line did not take a text")
    for who in ("sent", "received"):
        for text in told[who]:
            click.echo(as_printed("you" if who == "sent" else "line", text))
    return told


def _see(*words: str) -> None:
    """Run one of our commands, with all that it prints for a person."""
    from webhooks.cli.main import cli

    _typed(*words)
    try:
        cli.main(list(words), prog_name="touchtone", standalone_mode=False)
    except SystemExit as end:
        _expect(not end.code, f"`touchtone {words[0]}` failed")


def _run(*words: str, hide: str | None = None, quiet: bool = False, may_fail: bool = False) -> dict[str, Any]:
    """Run one of our commands and return what it answers; of `hide`, a product key, the last signs are shown."""
    from webhooks.cli.main import cli
    from webhooks.cli.output import show

    _typed(*words, hide=hide)
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught):
        try:
            cli.main([*words, "--json"], prog_name="touchtone", standalone_mode=False)
        except SystemExit as end:
            _expect(may_fail or not end.code, f"`touchtone {words[0]}` failed: {caught.getvalue().strip()}")
    answer = json.loads(caught.getvalue())
    if not quiet:
        show(answer)
    return dict(answer) if isinstance(answer, dict) else {"rows": answer}


def _typed(*words: str, hide: str | None = None) -> None:
    """Show a command as a person would type it."""
    typed = " ".join(f"'{word}'" if " " in word else word for word in words)
    click.secho(f"\n$ touchtone {typed.replace(hide, '*****-' * 4 + hide[-5:]) if hide else typed}", bold=True)


def _how_to_go_on(folder: Path, port: int, password: str) -> None:
    from webhooks import phone_file, settings
    from webhooks.cli import demo_desk

    found, limit = settings.load(), demo_desk.GRANT_LIMITS[demo_desk.NAME]
    address = phone_file.address(found, phone_file.opened(found.phone_file))
    here = f"TOUCHTONE_DATA_DIR={folder} TOUCHTONE_LISTEN=127.0.0.1:{port} TOUCHTONE_PUBLIC_URL={found.public_url}"
    for sentence in (
        f"  {address}    # in a browser: a telephone that calls and texts, and a machine to activate",
        f"  {found.desk_url}/desk    # in another window: the desk; name {demo_desk.NAME}, password {password}",
        "  Both sides by yourself: dial in the first window, press 0 at any prompt, and see the call come to the desk.",
        f"  A second person, in a private window: the desk again; name {demo_desk.COLLEAGUE}, the same password.",
        f"  They decide where {demo_desk.NAME} grants more than {limit} activations, and can be brought into a talk.",
        "  The telephones of both are played: they are picked up, and press 1, by themselves.",
        f"  export {here}",
        "  .venv/bin/touchtone call                 # dial it yourself; type keys, Enter alone is silence, h hangs up",
        "  .venv/bin/touchtone text                 # text it yourself; Enter sends, an empty line looks for news",
        "  .venv/bin/touchtone case list            # who waits for a call back",
        "  .venv/bin/touchtone ledger entries       # what the ledger wrote down",
        "  .venv/bin/touchtone ledger verify        # and that it adds up",
        "Stop both with Ctrl-C.",
    ):
        click.echo(sentence)


def _forget_older_lines(file: Path) -> None:
    """A demo of a version that knew no texts, or no desk, left a file of lines without; `init` keeps what it finds."""
    if file.exists() and not all(word in file.read_text("utf-8") for word in ("text_sender", "\ndesk_hours")):
        file.unlink()


def _say(sentence: str) -> None:
    click.secho(f"\n== {sentence}", fg="cyan", bold=True)


def _expect(holds: bool, complaint: str) -> None:
    if not holds:
        click.secho(f"The demo stops: {complaint}.", fg="red", err=True)
        sys.exit(1)
