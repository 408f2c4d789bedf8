"""An administrator's console with machines to look after, and a line to speak to that can be made to fail.

- `proxy(*words)`: runs `touchtone proxy` in a folder of its own; gives exit status, what was printed, the JSON if any.
- `fleet`: makes machines with a key installed: `fleet.machine("helm")`; `.report(folder)` writes their report files.
- `stand_in`: a line on loopback that answers as a line does, but for what a test has told it to do wrong.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from socket import SHUT_RDWR

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from keys import certificate, confirmation_id
from keys.device import hardware, machine
from keys.device.build import ProductBuild
from keys.device.paper import MachineReport, SavedPair
from keys.groups import digits_of
from keys.installation_id import InvalidInstallationID, decode, digest
from keys.product_key import KeyType, encode, make
from webhooks.cli.proxy import proxy as proxy_command

SECRET = b"verification secret of a test..."
KEY = make(KeyType.MAK, 7, 41, b"issuing key of product seven....")
BUILD = ProductBuild(7, "Harbour Pilot", 1, 1, SECRET, 8)
SEED = b"certificate key of a line......."
PUBLISHER = certificate.public_key_text(certificate.public_key(SEED))
TODAY = datetime.now(UTC).date()


@dataclass
class Ran:
    """What a command did: exit status, standard output, standard error, the JSON if it was asked for."""

    status: int
    said: str
    sighed: str
    told: object


def run_proxy(folder, *words, stdin=None):
    """Run `touchtone proxy`; a bug of ours is raised, and not hidden in an exit status."""
    words = [str(word) for word in words]
    at = 2 if words[0] == "collect" else 1
    result = CliRunner().invoke(proxy_command, [*words[:at], "--folder", str(folder), *words[at:]], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    told = json.loads(result.stdout) if "--json" in words and result.stdout else None
    return Ran(result.exit_code, result.stdout, result.stderr, told)


@pytest.fixture
def proxy(tmp_path):
    """The console's command in a folder that is there already."""
    folder = tmp_path / "proxy"

    def run(*words, stdin=None, at=folder):
        return run_proxy(at, *words, stdin=stdin)

    run.folder = folder
    assert run("init", "--publisher-key", PUBLISHER).status == 0
    return run


class Machine:
    """One machine with a product on it."""

    def __init__(self, name, nonce, build=BUILD, key=KEY):
        self.name, self.build, self.key = name, build, key
        self.parts = hardware.simulated(name, model="workstation")
        self.state = machine.install(build, encode(key), self.parts, nonce)

    @property
    def status(self):
        return machine.status(self.build, self.state, self.parts, TODAY).value

    @property
    def iid(self):
        return self.state.installation_id

    def reinstall(self, nonce):
        self.state = machine.install(self.build, encode(self.key), self.parts, nonce)

    def report(self, folder=None):
        facts = MachineReport(
            self.name,
            self.build.product,
            self.build.name,
            self.state.last_five,
            self.status,
            self.iid,
            self.state.confirmation_id,
        ).to_facts()
        if folder is not None:
            folder.mkdir(exist_ok=True)
            (folder / f"{self.name}.json").write_text(json.dumps(facts))
        return facts

    def deposit(self, facts):
        pair = SavedPair.from_facts(facts)
        if pair.installation_id == self.iid:
            self.state = machine.deposit(self.build, self.state, pair.confirmation_id)
        else:
            self.state = machine.deposit_pair(
                self.build, self.state, pair.installation_id, pair.confirmation_id, self.parts, TODAY
            )


@dataclass
class Fleet:
    """Machines by name; the next nonce."""

    machines: dict = field(default_factory=dict)
    nonce: int = 0

    def machine(self, name, **more):
        self.nonce += 1
        self.machines[name] = Machine(name, self.nonce, **more)
        return self.machines[name]

    def many(self, number):
        return [self.machine(f"machine-{index:03d}") for index in range(number)]

    def report(self, folder):
        for each in self.machines.values():
            each.report(folder)
        return folder


@pytest.fixture
def fleet():
    return Fleet()


@dataclass
class StandIn:
    """A line for one key: the allowance, the answers given, and what it is to do wrong, one entry a request.

    A fault is `("status", 429, {"Retry-After": "0"})`, `("cut", n)` after n lines, or `("change", function)` of a line.
    """

    allowance: int = 1000
    token: str = "ttk_test"
    spent: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    seed: bytes = SEED
    pause: float = 0.0
    url: str = ""

    def answer(self, line):
        facts = {"reference": line["reference"], "replay": False}
        try:
            iid = decode(line["installation_id"])
        except InvalidInstallationID:
            return {**facts, "outcome": "malformed", "code": "INSTALLATION_ID_WRONG"}
        text = digits_of(line["installation_id"])
        replay = text in self.spent
        if not replay and len(self.spent) >= self.allowance:
            return {**facts, "outcome": "refused", "code": "ALLOWANCE_EXHAUSTED"}
        self.spent.setdefault(text, datetime(2026, 11, 25, tzinfo=UTC))
        blocks = confirmation_id.issue(iid, verification_secret=SECRET, key_secret=KEY.secret, blocks=8)
        stated = certificate.Certificate(
            7, "Harbour Pilot", KEY.last_five, digest(iid).hex(), tuple(blocks), None, 0, self.spent[text]
        )
        return {
            **facts,
            "outcome": "activated",
            "replay": replay,
            "confirmation_id": list(blocks),
            "certificate": certificate.sign(stated, self.seed),
        }

    def __call__(self, environ, start_response):
        request = Request(environ)
        return self.respond(request)(environ, start_response)

    def respond(self, request):
        if request.path != "/api/v1/activations/batch" or request.method != "POST":
            return Response(status=404)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return problem(401, "TOKEN_UNKNOWN", "This token is not known.")
        lines = request.get_json()["lines"]
        if not lines:
            return problem(422, "BODY_INVALID", "The body is not as the description has it.")
        self.asked.append(lines)
        fault = self.faults.pop(0) if self.faults and lines else None
        if fault and fault[0] == "status":
            return problem(fault[1], "NOT_NOW", "Not just now.", fault[2])
        return Response(self.told(lines, fault, request.environ["werkzeug.socket"]), mimetype="application/x-ndjson")

    def told(self, lines, fault, socket):
        for number, line in enumerate(lines):
            if fault and fault[0] == "cut" and number == fault[1]:
                socket.shutdown(SHUT_RDWR)
                raise ConnectionError
            facts = {"line": number, **self.answer(line)}
            if fault and fault[0] == "failed" and number == fault[1]:
                yield json.dumps({"done": False, "code": "DATABASE_UNAVAILABLE", "detail": "Come again."}) + "\n"
                return
            if fault and fault[0] == "change":
                facts = fault[1](facts)
            if self.pause:
                time.sleep(self.pause)
            yield json.dumps(facts) + "\n"
        yield json.dumps({"done": True}) + "\n"


def problem(status, code, detail, headers=None):
    body = json.dumps({"status": status, "code": code, "title": code, "detail": detail})
    return Response(body, status, headers or {}, mimetype="application/problem+json")


@pytest.fixture
def stand_in():
    line = StandIn()
    server = make_server("127.0.0.1", 0, line, threaded=True)
    line.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield line
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connected(proxy, stand_in, tmp_path):
    """The console, connected to the stand-in."""
    (tmp_path / "token").write_text(stand_in.token + "\n")
    assert proxy("connect", stand_in.url, "--token-file", tmp_path / "token").status == 0
    stand_in.asked.clear()
    return proxy


@pytest.fixture
def another_console(tmp_path):
    """Makes further consoles."""

    def make(name, publisher=PUBLISHER):
        folder = tmp_path / name
        assert run_proxy(folder, "init", "--publisher-key", publisher).status == 0
        return lambda *words, stdin=None: run_proxy(folder, *words, stdin=stdin)

    return make


@pytest.fixture
def quick(monkeypatch):
    """No wait between tries; how long they would have been."""
    waits = []
    monkeypatch.setattr("webhooks.proxy.activating.time.sleep", waits.append)
    return waits
