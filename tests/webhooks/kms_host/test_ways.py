"""A host is activated by telephone, by text, online and by proxy, each time over one served line, as docs/kms.md says.

Everything is a real command, and the hosts that come of it serve a real client.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.shown import blocks
from tests.programs import needs
from tests.webhooks.test_serving import CATALOGUE, free_port, is_ready
from webhooks.bench.kms import _serving

ROOT = Path(__file__).parents[3]
ONLINE, PROXY = blocks("docs/kms.md", "bash")
LINES = """
[[line]]
number = "+15005550006"
name = "Fairway"
country = "US"
locale = "en-US"
text_sender = "+15005550006"
"""


class Customer:
    """A customer who has a host key, a package and a folder for each host, and knows a line."""

    def __init__(self, touchtone, monkeypatch, folder, line):
        self.touchtone, self.monkeypatch, self.folder, self.line = touchtone, monkeypatch, folder, line
        self.key = self.token = None

    def told(self, command, status=0, **variables):
        """What a command of ours answers in JSON."""
        with self.monkeypatch.context() as here:
            for name, value in variables.items():
                here.setenv(name, value)
            *words, into = shlex.split(command) if ">" in command else [*shlex.split(command), None]
            words = [word for word in words if word not in ("touchtone", ">")]
            done = self.touchtone(*words, *([] if "--json" in words else ["--json"]))
        assert done.status == status, (words, done.said, done.sighed)
        if into is not None:
            Path(into).write_text(done.said)
        return done.told


@pytest.fixture
def customer(touchtone, monkeypatch, tmp_path):
    """The customer, and a line that is served meanwhile."""
    monkeypatch.chdir(tmp_path)
    port = free_port()
    line = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("TOUCHTONE_LISTEN", f"127.0.0.1:{port}")
    monkeypatch.setenv("TOUCHTONE_PUBLIC_URL", line)
    (tmp_path / "data" / "lines.toml").write_text(LINES)
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    made = Customer(touchtone, monkeypatch, tmp_path, line)
    made.told("catalog load catalogue.toml")
    made.key = made.told("key issue --product Fairway --agreement NS-1 --type kms_host")["product_key"]
    made.token = made.told("token issue fleet --organisation Nordstern --scope activate --scope read")["token"]
    made.told("key package Fairway:1 --out package.json --line +15005550006")
    made.told("key issue --product Fairway --agreement NS-1 --type kms_client")
    made.told("catalog build Fairway --out build.json")
    with (tmp_path / "log").open("w+") as log:
        server = subprocess.Popen([sys.executable, "-m", "webhooks.cli", "serve"], cwd=ROOT, stderr=log, stdout=log)
        try:
            assert is_ready(line, server)
            yield made
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
        log.seek(0)
        assert "Traceback" not in log.read()


def by_phone(customer, installation_id):
    answer = customer.told(f"call --iid {installation_id.replace(' ', '')}")
    assert answer["outcome"] == "activated"
    return answer["confirmation_id"]


def by_text(customer, installation_id):
    answer = customer.told(f'text "{installation_id}" --wait 60')
    assert answer["outcome"] == "activated"
    assert [text["segments"] for text in answer["received"]] == [1]
    return answer["confirmation_id"]


def online(customer, installation_id):
    variables = {"LINE": customer.line, "TOKEN": customer.token, "IID": installation_id}
    done = subprocess.run(
        ["bash", "-ec", ONLINE.text], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["outcome"] == "activated"
    return " ".join(answer["confirmation_id"])


def by_proxy(customer):
    """What the page says for the host that is to be activated by the console."""
    publisher = customer.told("certificate key")["x"]
    (customer.folder / "token").write_text(customer.token)
    customer.told(f"proxy init --publisher-key={publisher}")
    customer.told(f"proxy connect {customer.line} --token-file token")
    first, *commands = PROXY.lines
    assert first == "mkdir -p reports"
    (customer.folder / "reports").mkdir()
    for command in commands:
        told = customer.told(command, TOUCHTONE_KMS_FOLDER="proxied")
    assert told["state"] == "activated"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@needs("curl")
def test_a_host_is_activated_by_telephone_text_api_and_proxy_and_leases(customer):
    iids = {}
    for way in (*WAYS, "proxied"):
        install = f'kms-host install --package package.json --seed "server {way}" {customer.key}'
        iids[way] = customer.told(install, TOUCHTONE_KMS_FOLDER=way)["installation_id"]
    for way, activate in WAYS.items():
        blocks = activate(customer, iids[way])
        assert len(blocks.split()) == 8
        told = customer.told(f"kms-host confirm {blocks}", TOUCHTONE_KMS_FOLDER=way)
        assert (told["state"], told["confirmation_id"]) == ("activated", blocks)
    by_proxy(customer)

    # Each is a host of its own in the ledger, by the way it came.
    balance = customer.told("key hosts Fairway:1")
    assert (balance["hosts"], balance["posted"], balance["most_reactivated"]) == (4, 4, 0)
    entries = customer.told("ledger entries Fairway:1")
    assert [entry["channel"] for entry in entries if entry["kind"] == "post"] == ["phone", "text", "api", "proxy"]
    assert customer.told("ledger verify")["outcome"] == "sound"
    (mix,) = customer.told("statistics --licences")
    assert (mix["organisation"], mix["host_keys"], mix["hosts"], mix["maks"]) == ("Nordstern", 1, 4, 0)

    # And the one of the console leases, as any.
    environment = {**os.environ, "TOUCHTONE_KMS_FOLDER": str(customer.folder / "proxied")}
    with _serving(("kms-host", "serve"), environment, customer.folder / "kms.log") as host:
        for name in ("1", "2", "3", "4", "5"):
            customer.told(f"device kms begin --build build.json --state {name} --seed desk-{name}")
            ask = f"device kms ask --state {name} --host 127.0.0.1:{host.port}"
            lease = customer.told(ask, status=int(name != "5"))
        assert (lease["outcome"], lease["count"], lease["state"]) == ("leased", 5, "licensed")


WAYS = {"phone": by_phone, "text": by_text, "api": online}
