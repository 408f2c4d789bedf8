"""A customer's network on the loopback: a name server, licence hosts on addresses of their own, and their clients.

- `network`: `.host(n)` installs and serves a host on 127.0.0.n+1, activated by a telephone call to the real line;
  `.copy(name)` starts a copy; `.clock` moves the time of all of them, line, hosts and clients.
- `stand`: one host alone, without a network; see `tests.kms_stand`.
"""

import socket
import threading
from dataclasses import replace

import dns.flags
import dns.message
import dns.rrset
import pytest
from werkzeug.serving import make_server

from keys import ed25519, volume
from keys.catalog import product_build
from keys.device import asking, host, leasing
from keys.device.finding import ordered
from keys.device.hardware import simulated
from keys.device.name_service import looked_up
from keys.groups import split
from keys.product_key import KeyType
from tests.kms_stand import Stand
from webhooks.app import create_app
from webhooks.kms_host.answering import Host
from webhooks.kms_host.folder import Folder, Installed
from webhooks.kms_host.register import Register
from webhooks.kms_host.wsgi import application
from webhooks.rehearsal.dialling import Outcome, Terms, dial
from webhooks.rehearsal.scripted import ScriptedCaller
from webhooks.rehearsal.wsgi import InProcess

DOMAIN = "ships.example"


class NameServer:
    """A small name server: `records` are the SRV texts of the one service."""

    def __init__(self):
        self.records = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = self._socket.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sent, whom = self._socket.recvfrom(2048)
            except OSError:
                return
            query = dns.message.from_wire(sent)
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.AA
            if self.records:
                reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "SRV", *self.records))
            else:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            self._socket.sendto(reply.to_wire(), whom)

    def close(self):
        self._socket.close()


class ServedHost:
    """One licence host, served on an address of its own."""

    def __init__(self, network, number, folder):
        self.network, self.folder = network, Folder(folder)
        self.hardware = simulated(f"server room {number}")
        state = host.install(network.package, network.host_key.text, self.hardware, nonce=number)
        self.folder.save(Installed(network.package, state, self.hardware))
        self.host = Host(self.folder, network.now)
        self.server = make_server(f"127.0.0.{number + 1}", 0, application(self.host), threaded=True)
        self.address = f"127.0.0.{number + 1}:{self.server.server_port}"
        # The name of a host that is an address too: nobody has to resolve it.
        self.record = f"{number} 0 {self.server.server_port} 127.0.0.{number + 1}."
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def activate(self):
        """Call the line, key the installation ID, write the answer down, and deposit it."""
        whole = self.folder.load()
        record = self.network.call(whole.state.installation_id)
        assert record.outcome is Outcome.ACTIVATED, record.refusal
        state = host.deposit(whole.package, whole.state, record.confirmation_id)
        self.folder.save(replace(whole, state=state))

    def events(self):
        register = Register(self.folder.register)
        found = [event["event"] for event in register.events(500)]
        register.close()
        return found

    def kill(self):
        self.server.shutdown()
        self.server.server_close()


class Copy:
    """One leased copy on the network."""

    def __init__(self, network, name):
        self.network, self.name, self.hardware = network, name, simulated(name)
        self.client = leasing.fresh(network.build, self.hardware, f"{len(network.copies):032x}")

    def ask(self, post=None):
        """Look hosts up and ask them; what became of each."""
        found = ordered(looked_up(DOMAIN, name_server=self.network.names.address))
        self.client, tried = asking.renew(
            self.network.build,
            self.client,
            self.hardware,
            now=self.network.now,
            hosts=[record.address for record in found],
            check=ed25519.check,
            name=self.name,
            post=post,
        )
        return tried

    @property
    def standing(self):
        return leasing.standing(self.network.build, self.client, self.hardware, self.network.now(), ed25519.check)

    @property
    def status(self):
        return self.standing.status.value


class Network:
    """Everything that one customer has, and the line they call."""

    def __init__(self, database, exchange, secrets, catalogue, issue_key, clock, folder):
        self.clock, self.folder, self.exchange = clock, folder, exchange
        self.line = InProcess(create_app(exchange))
        product = catalogue.products[0]
        self.host_key = issue_key(1, 60, KeyType.KMS_HOST)
        self.client_key = issue_key(1, 0, KeyType.KMS_CLIENT)
        with database.read() as connection:
            self.package = volume.package_for(connection, secrets, product, self.host_key.key, nonce=b"n" * 12)
            edition = volume.edition(connection, secrets, product)
        self.build = replace(product_build(product, secrets), volume=edition)
        self.names = NameServer()
        self.hosts, self.copies = [], []

    def now(self):
        return self.clock.now

    def host(self, number):
        made = ServedHost(self, number, self.folder / f"host-{number}")
        self.hosts.append(made)
        self.names.records.append(made.record)
        return made

    def copy(self, name):
        made = Copy(self, name)
        self.copies.append(made)
        return made

    def call(self, installation_id):
        return dial(
            self.exchange.wording.public_url,
            auth_token=self.exchange.auth_tokens[0],
            public_url=self.exchange.wording.public_url,
            caller_number="+14155550123",
            line_number=self.exchange.lines.all[0].number,
            caller=ScriptedCaller(split(installation_id)),
            terms=Terms(transport=self.line, account_sid=self.exchange.account_sid),
        )

    def close(self):
        for one in self.hosts:
            one.kill()
            one.host.close()
        self.names.close()


@pytest.fixture
def network(database, exchange, secrets, catalogue, issue_key, clock, tmp_path):
    made = Network(database, exchange, secrets, catalogue, issue_key, clock, tmp_path)
    yield made
    made.close()


@pytest.fixture
def stand(tmp_path):
    made = Stand(tmp_path / "host")
    yield made
    made.host.close()
