"""Every command that `docs/kms.md` shows an administrator is run here, in its order, over one line and one network."""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest

from keys import ed25519, ledger, secrets_file
from keys.confirming import confirmation_of
from keys.device import asking, leasing
from keys.device.build import ProductBuild
from keys.device.hardware import simulated
from keys.installation_id import decode
from keys.ledger import Claim
from tests.docs.shown import blocks
from webhooks.bench.running import children
from webhooks.kms_host.events import Event
from webhooks.kms_host.register import ClientState
from webhooks.lease_words import _FAULTS, _LEASES, _REFUSALS

PAGE = (Path(__file__).parents[3] / "docs" / "kms.md").read_text("utf-8")
COMMANDS = [shlex.split(line)[1:] for block in blocks("docs/kms.md", "sh") for line in block.lines]
CATALOGUE = """
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
returns = 1
"""
KEY = re.compile(r"(?:[0-9A-Z]{5}-){4}[0-9A-Z]{5}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Administrator:
    """Runs the page's commands, with the keys and addresses of this test in place of the page's."""

    def __init__(self, touchtone, database, folder):
        self.touchtone, self.database, self.folder = touchtone, database, folder
        self.port, self.names = free_port(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.names.bind(("127.0.0.1", 0))
        self.issued, self.served = {}, None

    def run(self, words):
        if words[:2] == ["kms-host", "serve"]:
            self.serve()
            return None
        words = [
            self.issued["mak" if "to-mak" in words else "kms_host"] if KEY.fullmatch(word) else word for word in words
        ]
        words = [f"127.0.0.1:{self.port}" if word == "kms-1.ships.example" else word for word in words]
        if words[:2] == ["kms-host", "confirm"]:
            words = [*words[:2], *self.called()]
        if words[:2] == ["kms-host", "install"]:
            # A test machine may have no identity of its own, as a container has none.
            words = [*words, "--seed", "server room"]
        if "--domain" in words:
            words += ["--name-server", f"127.0.0.1:{self.names.getsockname()[1]}"]
            self.four_others_ask()
            self.answer_one_look_up()
        *words, into = words if ">" in words else [*words, None]
        words = [word for word in words if word != ">"]
        done = self.touchtone(*words, *([] if "--json" in words else ["--json"]))
        assert done.status == 0, (words, done.said, done.sighed)
        if into is not None:
            (self.folder / into).write_text(done.said)
        if words[:2] == ["key", "issue"]:
            self.issued[done.told["type"]] = done.told["product_key"]
        return done.told

    def serve(self):
        command = [sys.executable, "-m", "webhooks.cli", "kms-host", "serve", "--listen", f"127.0.0.1:{self.port}"]
        self.served = subprocess.Popen(
            command, cwd=self.folder, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
        )
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2):
                    return
            except OSError:
                assert self.served.poll() is None
                time.sleep(0.05)
        raise AssertionError("the host did not come up")

    def called(self):
        """The eight blocks, as the line gives them for the installation ID that `kms-host iid` shows."""
        secrets = secrets_file.load(self.folder / "data" / "secrets.toml")
        iid = decode(self.touchtone("kms-host", "iid", "--json").told["installation_id"])
        claim = Claim(iid, ledger.identify(iid, secrets).generation, "phone", "call-1")
        with self.database.begin() as connection:
            done = ledger.reserve_and_post(connection, claim, now=datetime.now(UTC))
        return confirmation_of(done.reservation, iid, secrets)

    def four_others_ask(self):
        build = ProductBuild.from_facts(json.loads((self.folder / "fairway.build.json").read_text()))
        for number in range(4):
            client = leasing.fresh(build, simulated(f"desk-{number}"), f"{number:032x}")
            asking.renew(
                build,
                client,
                simulated(f"desk-{number}"),
                now=lambda: datetime.now(UTC),
                hosts=[f"127.0.0.1:{self.port}"],
                check=ed25519.check,
                name=f"desk-{number}",
            )  # fmt: skip - a call

    def answer_one_look_up(self):
        """Let the name server answer one query, from a thread, with the page's record."""

        def answer():
            sent, whom = self.names.recvfrom(2048)
            query = dns.message.from_wire(sent)
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.AA
            assert query.question[0].name.to_text() == "_touchtone-kms._tcp.ships.example."
            record = f"10 100 {self.port} 127.0.0.1."
            reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "SRV", record))
            self.names.sendto(reply.to_wire(), whom)

        threading.Thread(target=answer, daemon=True).start()

    def kill(self):
        """Kill the host, its worker too: a worker outlives a main process that is killed."""
        for pid in (self.served.pid, *children(self.served.pid)):
            with contextlib.suppress(ProcessLookupError):  # it went between the look and the kill
                os.kill(pid, signal.SIGKILL)
        self.served.wait()

    def close(self):
        self.names.close()
        if self.served is not None:
            self.kill()


@pytest.fixture
def administrator(touchtone, database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    assert touchtone("catalog", "load", tmp_path / "catalogue.toml").status == 0
    made = Administrator(touchtone, database, tmp_path)
    yield made
    made.close()


def test_the_page_shows_every_command_of_the_host_and_of_its_clients():
    from webhooks.cli.device_kms import kms
    from webhooks.cli.kms_host_watching import kms_host

    shown = {
        tuple(word for word in words[:3] if word.isalpha() or ("-" in word and not word.startswith("--")))
        for words in COMMANDS
    }
    assert {f"kms-host {name}" for name in kms_host.commands} <= {" ".join(words[:2]) for words in shown}
    assert {f"device kms {name}" for name in kms.commands} <= {" ".join(words) for words in shown}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_command_of_the_page_does_what_it_says(administrator):
    told = {}
    for words in COMMANDS:
        if "to-mak" in words:
            issued = administrator.touchtone(
                "key", "issue", "--product", "Fairway", "--agreement", "NS-2026-01", "--granted", 5, "--json"
            )
            administrator.issued["mak"] = issued.told["product_key"]
        told[" ".join(words[:3])] = administrator.run(words)
    assert told["key hosts Fairway:1"]["most_hosts"] == 8
    assert told["kms-host confirm 200023"]["state"] == "activated"
    assert told["kms-host install --again"]["state"] == "awaiting_confirmation"
    assert told["kms-host deposit kms-1.pair.json"]["state"] == "activated"
    for name in ("installation_id", "confirmation_id"):
        assert told["kms-host deposit kms-1.pair.json"][name] == told["kms-host confirm 200023"][name]
    assert told["device kms ask"]["outcome"] == "leased"
    assert told["device kms ask"]["count"] == 5
    assert told["device kms status"]["state"] == "lease_over"  # the last one looks at it in 2099
    assert told["device kms check"]["tried"][-1]["step"] is None
    assert told["kms-host status"]["clients"] == {"leased": 1, "waiting": 4, "gone": 0}
    assert [row["name"] for row in told["kms-host clients --state"]] == [socket.gethostname()]
    assert {row["event"] for row in told["kms-host events --trouble"]} == {"lease_refused"}
    assert told["device kms to-mak"]["licensed_by"] == "mak"
    assert len(told["device iid --state"]["installation_id"].split()) == 9
    assert told["device kms to-kms"]["licensed_by"] == "kms"
    assert told["kms-host return"]["state"] == "returned"
    assert len(told["kms-host return"]["return_code"].split()) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_host_killed_in_the_middle_remembers_its_clients(administrator):
    for words in COMMANDS:
        administrator.run(words)
        if words[:3] == ["device", "kms", "ask"]:
            break
    administrator.kill()
    with pytest.raises(OSError, match=r"refused|reset"):
        urllib.request.urlopen(f"http://127.0.0.1:{administrator.port}/healthz", timeout=2)
    administrator.serve()
    told = administrator.touchtone("kms-host", "status", "--json").told
    assert (told["count"], told["clients"]["leased"]) == (5, 1)
    words = ["device", "kms", "check", "--state", "bridge.json", "--host", "kms-1.ships.example"]
    assert administrator.run(words)["count"] == 5


def test_the_page_has_every_word_of_the_log_every_state_and_every_step():
    for event in Event:
        assert f"| `{event}` |" in PAGE
    for state in ClientState:
        assert f"**{state}**" in PAGE
    steps = {step for words in (_FAULTS, _LEASES, _REFUSALS) for step, _ in words.values()} | {"dns", "reach"}
    table = PAGE.partition("| step |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", re.sub(r"\| [^`|][^|]*\|\n", "|\n", table))) >= steps
