"""The stage of each page: what is there before its first command is typed.

Rule: the commands of a page are typed on `a_line`, unless it has a stage of its own in `STAGES`, one line; or they are
typed by a test that holds more against them, which `TYPED_BY` names.

A block that cannot be run by a test is marked right above its fence, `<!-- not run: needs root -->`, with one of
`REASONS`; its commands, options and targets are looked for all the same.
"""

import json
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime

from keys import ledger, seals, secrets_file
from keys.confirming import confirmation_of
from keys.database import Database
from keys.installation_id import decode
from tests.docs.shown import fences

REASONS = {
    "needs a Twilio account",
    "needs another machine",
    "needs a PostgreSQL server",
    "needs Docker",
    "needs root",
    "takes long",
}
"""Why a block may be left out; there is no other reason."""

TYPED_BY = {
    "docs/api.md": ("tests/webhooks/api/test_docs.py",),
    "docs/kms.md": ("tests/webhooks/kms_host/test_guide.py", "tests/webhooks/kms_host/test_ways.py"),
}
"""Pages whose commands are typed by tests of their own, which ask `shown.blocks` for them."""


def toml_of(page):
    """The catalogue that a page shows, as it stands there."""
    return next(text for _, beside, text, _ in fences(page) if beside == "toml") + "\n"


def made_line(terminal):
    """A line that was set up, with the README's catalogue, a key for a hundred, and a build; for others to copy."""
    (terminal.folder / "catalogue.toml").write_text(toml_of("README.md"))
    terminal.told("init", "--text-sender", "+15005550006")
    terminal.told("catalog", "load", "catalogue.toml")
    terminal.told("key", "issue", "--product", "Fairway", "--agreement", "NS-2026-01", "--granted", 100)
    terminal.told("catalog", "build", "Fairway", "--out", "fairway.build.json")


def a_line(_terminal):
    """Nothing more than the line that is there."""


def a_key(terminal):
    """A product key for ten, whole."""
    words = ("key", "issue", "--product", "Fairway", "--agreement", "NS-2026-01", "--granted", 10)
    return terminal.told(*words)["product_key"]


def a_machine(terminal, key, name, state=None):
    """A machine that this key was installed on: its installation ID. Its state is in `name`.json, or `state`.json."""
    file = f"{state or name}.json"
    words = ("device", "install", "--build", "fairway.build.json", "--state", file, "--seed", name, key)
    return terminal.told(*words)["installation_id"]


def secrets_of(terminal):
    """The secrets of the line."""
    return secrets_file.load(terminal.folder / "data" / "secrets.toml")


@contextmanager
def a_transaction(terminal):
    """A write transaction in the line's ledger."""
    database = Database(f"sqlite:///{terminal.folder / 'data' / 'touchtone.db'}")
    with database.begin() as connection:
        yield connection
    database.close()


def activated(terminal, installation_id):
    """Activate a machine, as a call would: its confirmation ID."""
    secrets, iid = secrets_of(terminal), decode(installation_id)
    claim = ledger.Claim(iid, ledger.identify(iid, secrets).generation, "phone", f"call of {installation_id}")
    with a_transaction(terminal) as connection:
        done = ledger.reserve_and_post(connection, claim, now=datetime.now(UTC))
    assert isinstance(done, ledger.Activated), done
    return confirmation_of(done.reservation, iid, secrets)


def in_the_catalogue(terminal, **more):
    """Say more of the product in the catalogue, and load it."""
    text = toml_of("README.md") + "".join(f"{name} = {json.dumps(value)}\n" for name, value in more.items())
    (terminal.folder / "catalogue.toml").write_text(text)
    terminal.told("catalog", "load", "catalogue.toml")


def nothing_yet(terminal):
    """A folder with nothing but the README's catalogue; and the demo's line, served, in a folder below."""
    key = a_key(terminal)
    to_call, to_text = (a_machine(terminal, key, name) for name in ("called", "texted"))
    (terminal.folder / "fairway.build.json").unlink()
    shutil.move(terminal.folder / "data", terminal.folder / "demo")
    (terminal.folder / "data").mkdir()
    shutil.move(terminal.folder / "demo", terminal.folder / "data" / "demo")
    terminal.stand_ins |= {
        "127.0.0.1:8080": terminal.environment["TOUCHTONE_LISTEN"],
        "AC... --auth-token ...": f"AC{'0' * 32} --auth-token {'t' * 32}",
    }
    terminal.serve(TOUCHTONE_DATA_DIR="data/demo")
    terminal.environment["TOUCHTONE_LISTEN"] = terminal.another_address()
    terminal.typed = {
        "call": to_call.replace(" ", "") + "\n" * 9,
        "text": f"{to_text}\n\n",
        "operator add": PASSWORD,
    }


def a_publisher_s_first_day(terminal):
    """A folder with nothing in it: the page writes its own catalogue, and makes its own line."""
    for made in ("data", "fairway.build.json"):
        path = terminal.folder / made
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (terminal.folder / "catalogue.toml").write_text(toml_of("docs/guides/publisher.md"))

    terminal.stand_ins |= {
        "PRODUCT-KEY": lambda: terminal.read_off("product key"),
        "INSTALLATION-ID": lambda: terminal.read_off("installation id"),
        "CONFIRMATION-ID": lambda: terminal.read_off("confirmation id"),
    }
    terminal.typed = {"operator add": PASSWORD}


def an_operator_to_be(terminal):
    """Somebody who chooses a password."""
    terminal.typed = {"operator add": PASSWORD}
    terminal.stand_ins['00" ...'] = f'00" --public-url {terminal.environment["TOUCHTONE_PUBLIC_URL"]}'


def a_retired_product(terminal):
    """A product that is retired into escrow, and a machine of it that shows its installation ID."""
    iid = a_machine(terminal, a_key(terminal), "machine")
    in_the_catalogue(terminal, after_retirement="escrow", status="retired")
    terminal.stand_ins |= {
        "age1...": lambda: terminal.read_off("recipient"),
        "100018 914088 831526 ...": iid,
    }


def a_key_with_a_life(terminal):
    """Key 17, with a machine that is lost, one that gave its activation back, and one that breaks too often."""
    in_the_catalogue(terminal, returns=1, most_reactivations=1)
    terminal.told("catalog", "build", "Fairway", "--out", "fairway.build.json")
    keys = [a_key(terminal) for _ in range(2, 18)]
    lost, back = a_machine(terminal, keys[-1], "lost"), a_machine(terminal, keys[0], "back")
    broken = [a_machine(terminal, keys[-1], "broken", f"broken-{time}") for time in range(3)]
    for iid in (lost, *broken[:2]):
        activated(terminal, iid)
    terminal.told("device", "confirm", "--state", "back.json", *activated(terminal, back))
    code = terminal.told("device", "return", "--state", "back.json")["return_code"]
    terminal.stand_ins |= {
        "return INSTALLATION_ID RETURN_CODE": f'return "{back}" "{code}"',
        "INSTALLATION_ID": f'"{lost}"',
        "300217 156230 ...": broken[-1],
    }


def a_sealed_ledger(terminal):
    """A ledger with one activation, all of it sealed, and a signed root."""
    activated(terminal, a_machine(terminal, a_key(terminal), "machine"))
    secrets = secrets_of(terminal)
    with a_transaction(terminal) as connection:
        seals.seal(connection, secrets.ledger_key)
        seals.write_root(connection, secrets, terminal.folder / "data" / "ledger-roots.jsonl", datetime.now(UTC))


def folders_of_a_machine(terminal):
    """Folders for data and copies, where the page has them at the root of a machine; a sealed ledger."""
    a_sealed_ledger(terminal)
    (terminal.folder / "backups").mkdir()
    terminal.stand_ins |= {"/backups": f"{terminal.folder}/backups", "/data": f"{terminal.folder}/data"}


def a_machine_that_names_its_line(terminal):
    """A machine, of a build that names the line."""
    terminal.told("catalog", "build", "Fairway", "--out", "fairway.build.json", "--line", "+15005550006")
    a_machine(terminal, a_key(terminal), "machine")


def a_rehearsal_key(terminal):
    """A key for rehearsals."""
    terminal.stand_ins["PRODUCT-KEY"] = a_key(terminal)


def a_fleet(terminal):
    """The line, served, and a token for it; reports of machines in a folder and a list; and a room with a console."""
    key = a_key(terminal)
    reports, room = terminal.folder / "reports", terminal.folder / "room"
    reports.mkdir()
    room.mkdir()
    for name in ("helm", "winch"):
        a_machine(terminal, key, name)
        report = terminal.told("device", "report", "--state", f"{name}.json", "--name", name)
        (reports / f"{name}.json").write_text(json.dumps(report))
    (terminal.folder / "fleet.csv").write_text(f"name,installation_id\nengine,{a_machine(terminal, key, 'engine')}\n")
    (terminal.folder / "machine.json").write_bytes((terminal.folder / "helm.json").read_bytes())
    scopes = ("--scope", "activate", "--scope", "read")
    token = terminal.told("token", "issue", "console", "--organisation", "Nordstern Shipping", *scopes)["token"]
    (terminal.folder / "token.txt").write_text(token)
    publisher = terminal.told("certificate", "key")["x"]
    terminal.told("proxy", "init", f"--publisher-key={publisher}", "--folder", "room")
    (terminal.folder / "hull.csv").write_text(f"name,installation_id\nhull,{a_machine(terminal, key, 'hull')}\n")
    terminal.told("proxy", "collect", "csv", "hull.csv", "--folder", "room")

    def shown(console):
        """Whoever sits at a terminal is shown the fingerprint of the other console, and says yes to it."""
        return terminal.told("proxy", "status", "--folder", console)["fingerprint"]

    terminal.stand_ins |= {
        "--publisher-key EGnJ...": f"--publisher-key={publisher}",
        "https://line.example.com": terminal.environment["TOUCHTONE_PUBLIC_URL"],
        "touchtone proxy export": "TOUCHTONE_PROXY_DIR=room touchtone proxy export",
        "touchtone proxy import": lambda: f"TOUCHTONE_PROXY_DIR=room touchtone proxy import --from '{shown('proxy')}'",
        "touchtone proxy activate-file": lambda: f"touchtone proxy activate-file --from '{shown('room')}'",
    }
    terminal.serve()


PASSWORD = "correct horse battery staple\n" * 2
STAGES = {
    "README.md": nothing_yet,
    "docs/desk.md": an_operator_to_be,
    "docs/escrow.md": a_retired_product,
    "docs/explained/ledger.md": a_sealed_ledger,
    "docs/guides/publisher.md": a_publisher_s_first_day,
    "docs/leaflet.md": a_machine_that_names_its_line,
    "docs/licensing.md": a_key_with_a_life,
    "docs/operations.md": folders_of_a_machine,
    "docs/upgrading.md": folders_of_a_machine,
    "docs/phone.md": a_rehearsal_key,
    "docs/proxy.md": a_fleet,
}
"""The pages whose stage is another."""
