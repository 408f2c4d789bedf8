"""A licence host in a folder, activated by the publisher of `tests.kms`, with a clock that the test moves.

- `Stand(path)`: `.ask(number)` is the answer to a client's request, `.now` its clock, `.events()` what it noted.
"""

from dataclasses import replace
from datetime import UTC, datetime

from keys import ed25519
from keys.device import host
from keys.device.hardware import simulated
from keys.kms import certificate, messages
from keys.kms.messages import Request
from tests.kms import PUBLISHER, answered, key_of, package_of
from webhooks.kms_host.answering import Host
from webhooks.kms_host.folder import Folder, Installed
from webhooks.kms_host.register import Register

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Stand:
    """A host in a folder, activated, with a clock that the test moves."""

    def __init__(self, path, package=None):
        self.now = NOON
        self.package = package or package_of()
        self.folder = Folder(path)
        here = simulated("server room")
        state = host.install(self.package, key_of(), here, nonce=9)
        state = host.deposit(self.package, state, answered(self.package, state))
        self.folder.save(Installed(self.package, state, here))
        self.host = Host(self.folder, lambda: self.now)
        self.asked = 0

    def request(self, number=1, **other):
        self.asked += 1
        request = Request(
            "Harbour", 7, f"{number:032x}", (number % 60 + 1,) * 8, f"{self.asked:032x}", self.now, 5, f"desk-{number}"
        )
        return replace(request, **other)

    def send(self, request):
        text, stated = self.host.answer(messages.write_request(request))
        read = certificate.read(stated, ed25519.public_key(PUBLISHER), ed25519.check)
        return messages.read_answer(text, read.public_key, ed25519.check)

    def ask(self, number=1, **other):
        return self.send(self.request(number, **other))

    def events(self):
        return [event["event"] for event in self.register(lambda register: register.events(100))]

    def register(self, look):
        opened = Register(self.folder.register)
        found = look(opened)
        opened.close()
        return found
