r"""A command run on many hosts by the system's own ssh, so that its config, agents, keys and jump hosts all count.

One rule: no host holds up another, and none is asked for a password: each has its seconds, and what went wrong with it
is told beside its name.

>>> read_hosts(Path("hosts"), "# the bridge\nhelm-1 Helm, port\nadmin@helm-2\n")
[Host(address='helm-1', name='Helm, port'), Host(address='admin@helm-2', name='admin@helm-2')]
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from keys.device.paper import LONGEST_NAME
from webhooks.proxy.faults import FileFault

LARGEST_ANSWER = 64 * 1024
"""Bytes of a host's answer, at most; a report has about 400."""
_LONGEST_ADDRESS = 255


@dataclass(frozen=True, slots=True)
class Host:
    """One machine: `address` as ssh takes it, `name` as the administrator calls it."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What a host printed, or the `trouble` with it in words."""

    host: Host
    printed: bytes
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Ssh:
    """How hosts are reached: `at_once` of them, `seconds` for each in all, `config` instead of the user's own file."""

    at_once: int = 16
    seconds: float = 60.0
    config: Path | None = None
    program: str = "ssh"

    @property
    def is_there(self) -> bool:
        """Whether this machine has the program."""
        return shutil.which(self.program) is not None

    def each(self, hosts: Sequence[Host], command: str, inputs: Sequence[bytes] = ()) -> Iterator[Answered]:
        """Run `command` on every host, with its input if there are any; the answers as they come."""
        with ThreadPoolExecutor(self.at_once) as pool:
            running = [
                pool.submit(self._one, host, command, inputs[number] if inputs else b"")
                for number, host in enumerate(hosts)
            ]
            try:
                for done in as_completed(running):
                    yield done.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, host: Host, command: str, given: bytes) -> Answered:
        words = [self.program, "-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={max(1, int(self.seconds / 2))}"]
        words += ["-F", str(self.config)] if self.config is not None else []
        words += ["--", host.address, command]
        late = threading.Event()
        with tempfile.TemporaryFile() as sighs:
            try:
                ssh = subprocess.Popen(  # noqa: S603 - no shell here, and an address cannot be an option
                    words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sighs
                )
            except OSError as error:
                return Answered(host, b"", f"ssh cannot be run: {error.strerror}")

            def give_up() -> None:
                late.set()
                ssh.kill()

            timer = threading.Timer(self.seconds, give_up)
            timer.start()
            try:
                printed = _talk(ssh, given)
            finally:
                timer.cancel()
            status = ssh.wait()
            sighs.seek(0)
            last = sighs.read(LARGEST_ANSWER).decode("utf-8", "replace").strip().rpartition("\n")[2]
        if late.is_set():
            return Answered(host, b"", f"no answer within {self.seconds:g} seconds")
        if len(printed) > LARGEST_ANSWER:
            return Answered(host, b"", "answers with far more than a report")
        return Answered(host, printed, None if status == 0 else _printable(last) or f"ended with status {status}")


def _talk(ssh: subprocess.Popen[bytes], given: bytes) -> bytes:
    """Give the input, and read what is printed; more than the largest answer ends the conversation."""
    assert ssh.stdin is not None  # both are pipes
    assert ssh.stdout is not None
    try:
        ssh.stdin.write(given)
        ssh.stdin.close()
    except BrokenPipeError:
        pass  # it has ended without reading; its status says why
    printed = ssh.stdout.read(LARGEST_ANSWER + 1)
    if len(printed) > LARGEST_ANSWER:
        ssh.kill()
    ssh.stdout.close()
    return printed


def read_hosts(path: Path, text: str) -> list[Host]:
    """The hosts of a list: one a line, its address, and after a space its name if that is another. Raises FileFault."""
    hosts: list[Host] = []
    for number, line in enumerate(text.splitlines(), 1):
        address, _, name = line.partition("#")[0].strip().partition(" ")
        if not address:
            continue
        if address.startswith("-") or len(address) > _LONGEST_ADDRESS or not address.isprintable():
            raise FileFault(path, number, "is no host's address")
        name = name.strip() or address
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise FileFault(path, number, "has a name that is none")
        if any(name == host.name for host in hosts):
            raise FileFault(path, number, f"calls two hosts {name}")
        hosts.append(Host(address, name))
    return hosts


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:300]
