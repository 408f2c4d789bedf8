"""What docs/api.md tells the customer's engineer to type is typed, against a line that is served."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keys.refusals import Refusal
from tests.docs.shown import blocks
from tests.programs import needs
from tests.webhooks.test_serving import CATALOGUE, folder, free_port, is_ready, template, touchtone
from webhooks.api.problems import RETURN_FAULTS, Code, status_of

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
VARIABLES, *EXAMPLES = blocks("docs/api.md")

__all__ = ["folder", "template"]


@pytest.fixture
def served(folder):
    """A line that is served, a token and two machines: what the page's variables hold, and how to run a command."""
    (folder / "catalogue.toml").write_text(
        CATALOGUE.replace('format = "standard"', 'format = "standard"\nreturns = 2', 1)
    )
    build = str(folder / "build.json")
    for words in (
        ("catalog", "load", str(folder / "catalogue.toml")),
        ("catalog", "build", "Fairway", "--out", build),
    ):
        assert touchtone(folder, *words).returncode == 0

    def told(*words):
        done = touchtone(folder, *words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    issued = told("key", "issue", "--product", "Fairway", "--agreement", "NS-1", "--granted", "2")
    ids = []
    for name in ("one", "two"):
        words = ("device", "install", "--build", build, "--state", str(folder / name), "--seed", name)
        ids.append(told(*words, issued["product_key"])["installation_id"])
    # The second machine gives its activation back: it is burnt before the line hears of it.
    code = told("device", "return", "--state", str(folder / "two"))["return_code"]
    scopes = [word for scope in ("activate", "read", "request", "return") for word in ("--scope", scope)]
    token = told("token", "issue", "fleet console", "--organisation", "Nordstern", *scopes)["token"]
    port = free_port()
    line = f"http://127.0.0.1:{port}"
    here = {"TOUCHTONE_DATA_DIR": str(folder), "TOUCHTONE_LISTEN": f"127.0.0.1:{port}", "TOUCHTONE_PUBLIC_URL": line}
    with (folder / "log").open("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "webhooks.cli", "serve"], env={**os.environ, **here}, stderr=log, stdout=log
        )
        try:
            assert is_ready(line, server)
            key = f"{issued['product']}-{issued['serial']}"
            yield {"LINE": line, "TOKEN": token, "IID": ids[0], "IID2": ids[1], "CODE2": code, "KEY": key}, told
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
        log.seek(0)
        said = log.read()
    assert "Traceback" not in said
    assert token not in said


@needs("curl")
def test_every_example_does_what_the_page_says(served, tmp_path):
    variables, told = served
    assert VARIABLES.text.startswith("export LINE=")
    answers = []
    for example in EXAMPLES:
        done = subprocess.run(
            ["bash", "-c", example.text], env={**os.environ, **variables}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (example, done.stdout, done.stderr)
        answers.append([json.loads(line) for line in done.stdout.splitlines()])
    described, (one,), lines, (keys,), (key,), (returned,), (asked,), (read,) = answers
    assert described[0]["openapi"] == "3.1.0"
    assert (one["outcome"], one["replay"], len(one["confirmation_id"])) == ("activated", False, 8)
    assert [(each.get("reference"), each.get("replay")) for each in lines[:2]] == [("bridge", True), (None, False)]
    assert lines[0]["confirmation_id"] == one["confirmation_id"]
    assert lines[2] == {"done": True, "activated": 1, "replayed": 1, "refused": 0, "malformed": 0}
    assert [each["id"] for each in keys["keys"]] == [variables["KEY"]]
    assert (key["granted"], key["posted"], key["available"]) == (2, 2, 0)
    assert (returned["outcome"], returned["counted"], returned["key"]["available"]) == ("returned", 1, 1)
    assert (asked["state"], asked["amount"], asked["key"]) == ("asked", 20, variables["KEY"])
    assert read == asked
    file = tmp_path / "certificate"
    file.write_text(one["certificate"])
    assert told("certificate", "check", str(file), "--installation-id", variables["IID"])["outcome"] == "sound"
    machine = ("--state", str(tmp_path / "data" / "one"))
    assert told("device", "confirm", *machine, *one["confirmation_id"])["state"] == "activated"


def test_every_code_stands_in_the_table_under_its_status():
    rows = [row.split("|")[1:3] for row in PAGE.splitlines() if re.match(r"\| \d{3}", row)]
    listed = {code: statuses for statuses, codes in rows for code in re.findall(r"`([A-Z_]+)`", codes)}
    told = {code for code in (*Code, *Refusal, *RETURN_FAULTS) if code is not Refusal.PROOF_WRONG}
    assert set(listed) == {code.value for code in told}
    for code in told:
        assert str(int(status_of(code))) in listed[code.value], code
