"""While batches run, callers are answered: a served line, its batches full, and a call that is taken meanwhile."""

import json
import threading
import time
from dataclasses import replace

import requests

from keys import derivation, secrets_file
from keys.installation_id import InstallationID, encode
from tests.webhooks.api.test_docs import folder, served, template
from tests.webhooks.test_serving import touchtone

__all__ = ["folder", "served", "template"]
LINES = 1500
MOST_SECONDS = 2.4
"""What a turn may take before its caller hears an apology."""


def fleet(home, serial, number):
    """The genuine IDs of one batch's machines, other ones for each number."""
    held = secrets_file.load(home / "secrets.toml").products[1]
    secret = derivation.key_secret(held.issuing_key, serial)
    for nonce in range(LINES):
        bare = InstallationID(1, 1, serial, (number + 1,) * 8, nonce, 0)
        yield encode(replace(bare, proof=derivation.proof_value(held.verification[1], secret, bare)))


def test_a_caller_is_answered_in_time_while_as_many_batches_run_as_may(served, folder):
    variables, told = served
    line, headers = variables["LINE"], {"Authorization": f"Bearer {variables['TOKEN']}"}
    key = told("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", str(3 * LINES))
    ends, busy, over = [], [], threading.Event()

    def run(number):
        lines = [{"installation_id": text} for text in fleet(folder, key["serial"], number)]
        while True:
            answer = requests.post(
                f"{line}/api/v1/activations/batch", json={"lines": lines}, headers=headers, timeout=120
            )
            if answer.status_code != 503:
                ends.append(json.loads(answer.text.splitlines()[-1]))
                return
            busy.append(answer.json()["code"])
            time.sleep(0.1)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    took = []

    def watch():
        while not over.is_set():
            begun = time.monotonic()
            assert requests.get(f"{line}/readyz", timeout=10).ok  # it takes the way of a turn through the database
            took.append(time.monotonic() - begun)
            time.sleep(0.02)

    watching = threading.Thread(target=watch)
    watching.start()
    here = {"TOUCHTONE_LISTEN": line.removeprefix("http://"), "TOUCHTONE_PUBLIC_URL": line}
    called = touchtone(folder, "call", "--iid", variables["IID"], "--json", "--express", **here)
    for thread in threads:
        thread.join(120)
    over.set()
    watching.join(20)
    heard = json.loads(called.stdout)
    assert (heard["outcome"], heard["troubles"]) == ("activated", [])
    assert len(took) > 20
    assert max(took) < MOST_SECONDS
    assert set(busy) == {"BATCHES_BUSY"}
    assert [(end["done"], end["activated"]) for end in ends] == [(True, LINES)] * 3
    assert told("ledger", "balance", f"1:{key['serial']}")["available"] == 0
