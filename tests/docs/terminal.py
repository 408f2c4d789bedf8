"""A terminal that types what the pages show: in a folder of its own, our commands in this very process.

Rule: a block begins in the folder of its page with the stage's environment and nothing of the block before. What serves
is started, waited for, and goes on till the page is over. Each command ends with 0, or as is said: `# ends with 1`.

- `Terminal.stand_ins`: what stands in a page for what only its reader has (a key, an address), and what it is here, or
  how to find it out once it is needed.
- `Terminal.typed`: what is typed where a command asks, by how the command begins.
- `read_off(name)`: what the commands of the page printed under a name.
- `told(*words)`: runs one of our commands with `--json` and gives the answer, for setting a stage.
"""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests
from click.testing import CliRunner

from tests.docs.shown import ROOT, VARIABLE
from webhooks.cli.main import cli

SERVES = {
    ("serve",): "TOUCHTONE_LISTEN",
    ("desk",): "TOUCHTONE_DESK_LISTEN",
}
"""Commands that go on till they are stopped, and the setting of where each listens."""
TAKES_A_MOMENT = {("ledger", "verify")}
"""Commands whose answer becomes right soon after the line was started, as the page says."""
BY_A_SHELL = set("|;&<$*`(")
DONE = (0, "", "")
"""Exit status, all that was printed, and what of it on standard output."""
OURS = ("TOUCHTONE_", "TWILIO_", "DATABASE_URL")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Terminal:
    """Types commands in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {}
        self.stand_ins = {}
        self.typed = {}
        self._printed = ""
        self._servers = []

    def run(self, block):
        """Type a block, line by line; each ends as the page says."""
        environment = dict(self.environment)
        for line, status in block.typed:
            typed = line
            for shown, here in self.stand_ins.items():
                if shown in typed:
                    typed = typed.replace(shown, here if isinstance(here, str) else here())
            ended, said, _ = self._type(typed, environment)
            self._printed += said
            assert ended == status, f"{block}: {line}\n{said}"

    def _type(self, line, environment):
        words = shlex.split(line)
        if words[0] == "export":
            environment |= dict(word.split("=", 1) for word in words[1:])
            return DONE
        if words[0] == "make":
            # The suite itself is run by `make`: what a target does is not done again, but that there is one.
            return self._by_a_shell(f"make --dry-run --directory {ROOT} {shlex.join(words[1:])}", environment)
        here = dict(environment)
        while VARIABLE.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            here[name] = value
        words[0] = words[0].removeprefix(".venv/bin/")
        if words[0] != "touchtone" or BY_A_SHELL & set(line):
            return self._by_a_shell(line.replace(".venv/bin/", ""), here)
        *words, into = (*words[:-2], words[-1]) if words[-2:-1] == [">"] else (*words, None)
        done = self._ours(words[1:], here)
        if into is not None:
            (self.folder / into).write_text(done[2])
        return done

    def _ours(self, words, environment):
        setting = SERVES.get(tuple(words))
        if setting is not None:
            self._serve(words, environment, setting)
            return DONE
        keys = next((keys for begins, keys in self.typed.items() if " ".join(words).startswith(begins)), None)
        patience = time.monotonic() + (15 if self._servers and tuple(words) in TAKES_A_MOMENT else 0)
        while True:
            done = CliRunner().invoke(cli, words, env=environment, input=keys)
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            if done.exit_code == 0 or time.monotonic() > patience:
                return done.exit_code, done.output, done.stdout
            time.sleep(0.2)

    def _by_a_shell(self, line, environment):
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", line],
            cwd=self.folder,
            env={**os.environ, **environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr, done.stdout

    def _serve(self, words, environment, setting):
        with (self.folder / f"{words[0]}.log").open("w") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "webhooks.cli", *words],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdout=log,
                stderr=log,
            )
        self._servers.append(server)
        url = f"http://{environment[setting]}/healthz"
        patience = time.monotonic() + 60
        while True:
            assert server.poll() is None, (server.returncode, (self.folder / f"{words[0]}.log").read_text())
            with contextlib.suppress(requests.RequestException):
                if requests.get(url, timeout=1).ok:
                    return
            assert time.monotonic() < patience, url
            time.sleep(0.05)

    def read_off(self, named):
        """What the page's commands printed last under this name, as its reader would read it off."""
        return re.findall(rf"^{named} +(.+)$", self._printed, re.MULTILINE)[-1]

    @staticmethod
    def another_address():
        """Where nothing listens yet."""
        return f"127.0.0.1:{free_port()}"

    def serve(self, **environment):
        """Serve the line, for a stage that needs one."""
        self._serve(["serve"], self.environment | environment, "TOUCHTONE_LISTEN")

    def told(self, *words, **environment):
        """What one of our commands answers in JSON."""
        status, said, answer = self._ours([*map(str, words), "--json"], self.environment | environment)
        assert status == 0, said
        return json.loads(answer)

    def close(self):
        """Stop what serves."""
        for server in self._servers:
            server.send_signal(signal.SIGTERM)
        for server in self._servers:
            server.wait(30)
