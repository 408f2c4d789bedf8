"""A licence host beside a bare Flask view on the same server: renewals a second, and memory with many clients.

Rule: both are real processes with as many threads, loaded in turns in one run; only the ratio travels. The host's
clients are distinct, and every request has its own nonce.
"""

from __future__ import annotations

import os
import secrets
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from keys import confirmation_id, derivation, ed25519
from keys.device import host, host_package
from keys.device.build import ProductBuild
from keys.device.hardware import simulated
from keys.device.host_package import Licence
from keys.groups import grouped
from keys.installation_id import decode
from keys.kms import certificate, messages
from keys.kms.certificate import HostCertificate
from keys.product_key import KeyType, encode, make
from webhooks.bench import load, machine, running
from webhooks.bench.figures import table
from webhooks.bench.load import Sent
from webhooks.kms_host.folder import Folder, Installed

FAMILY, PRODUCT, SERIAL, THREADS = "Bench", 1, 1, 8
_ISSUING, _PUBLISHER, _VERIFICATION = b"i" * 32, b"p" * 32, b"v" * 32
_ANSWER = b'"certificate":'


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: so many clients, which first ask and then renew; rounds of `requests` alternate."""

    clients: int = 10_000
    connections: tuple[int, ...] = (1, 32)
    rounds: int = 5
    requests: int = 2_000


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second at so many connections: the medians of host and bare view, and of the rounds' own ratios."""

    connections: int
    host: float
    view: float
    ratio: float
    p99_milliseconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What came out."""

    machine: dict[str, str]
    clients: int
    rates: tuple[Rate, ...]
    megabytes_idle: float
    megabytes: float

    def as_facts(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def bare_view() -> Flask:
    """The least that answers such a request with Flask: the body is read, a fixed answer of the same size given."""
    app = Flask("bare view", static_folder=None)
    body = '{"answer":"' + "a" * 620 + '","certificate":"' + "c" * 380 + '"}'

    @app.post(messages.PATH)
    def lease() -> Response:
        request.get_data()
        return Response(body, content_type="application/json")

    @app.get("/healthz")
    def health() -> Response:
        return Response("{}", content_type="application/json")

    return app


def measure(plan: Plan, say: Callable[[str], None]) -> Report:
    """Start both, load them in turns, and weigh the host. Raises NotStartedError and WrongAnswerError."""
    with tempfile.TemporaryDirectory(prefix="touchtone-bench-") as name:
        folder = Path(name)
        facts = machine.facts(folder)
        _activated(Folder(folder / "host"))
        environment = {**os.environ, "TOUCHTONE_KMS_FOLDER": str(folder / "host")}
        with (
            _serving(("kms-host", "serve"), environment, folder / "host.log") as ours,
            _serving(("bench", "bare-view"), environment, folder / "view.log") as view,
        ):
            idle = ours.worker_megabytes()
            say(f"{plan.clients} clients ask for the first time.")
            _first_requests(ours.port, plan.clients)
            rates = tuple(_rate(plan, ours.port, view.port, connections, say) for connections in plan.connections)
            return Report(facts, plan.clients, rates, idle, ours.worker_megabytes())


def _serving(words: Sequence[str], environment: dict[str, str], log: Path) -> Any:
    return running.serving(*words, environment=environment, log=log, listen="TOUCHTONE_KMS_LISTEN", ready="/healthz")


def _first_requests(port: int, clients: int) -> None:
    """Every client asks once: some are refused below the threshold, and count from then on."""
    load.run(port, [[_request(number) for number in range(1, clients + 1)]])


def _rate(plan: Plan, ours: int, view: int, connections: int, say: Callable[[str], None]) -> Rate:
    rates: dict[int, list[float]] = {ours: [], view: []}
    latencies: list[float] = []
    for round_number in range(plan.rounds):
        say(f"{connections} connections, round {round_number + 1} of {plan.rounds}.")
        # Who begins changes from round to round.
        for port in (ours, view) if round_number % 2 else (view, ours):
            numbers = [secrets.randbelow(plan.clients) + 1 for _ in range(plan.requests)]
            queues = [[_request(number) for number in numbers[place::connections]] for place in range(connections)]
            timed = load.run(port, queues)
            rates[port].append(len(timed.latencies) / timed.seconds)
            if port == ours:
                latencies += timed.latencies
    ratios = [mine / bare for mine, bare in zip(rates[ours], rates[view], strict=True)]
    p99 = statistics.quantiles(latencies, n=100)[98] * 1000
    medians = statistics.median(rates[ours]), statistics.median(rates[view]), statistics.median(ratios)
    return Rate(connections, *medians, p99)


def _request(number: int) -> Sent:
    asked = messages.Request(
        FAMILY,
        PRODUCT,
        f"{number:032x}",
        (number % 63 + 1,) * 8,
        secrets.token_hex(16),
        datetime.now(UTC),
        5,
        f"pc-{number}",
    )
    body = messages.write_request(asked)
    head = f"POST {messages.PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("ascii") + body, _ANSWER


def _activated(folder: Folder) -> None:
    """Install and activate a host in a folder, with secrets that are good for nothing else."""
    key = make(KeyType.KMS_HOST, PRODUCT, SERIAL, _ISSUING)
    seed, share = derivation.host_seed(_ISSUING, SERIAL), derivation.host_share(_ISSUING, SERIAL)
    stated = HostCertificate(FAMILY, PRODUCT, SERIAL, ed25519.public_key(seed), 5, None)
    licence = Licence(seed, certificate.write(stated, ed25519.signer(_PUBLISHER)))
    build = ProductBuild(PRODUCT, FAMILY, 1, 1, _VERIFICATION, 8)
    package = host_package.seal(
        build, FAMILY, SERIAL, licence, key_secret=key.secret, share=share, nonce=secrets.token_bytes(12)
    )
    here = simulated("bench")
    state = host.install(package, encode(key), here, nonce=1)
    blocks = confirmation_id.issue(
        decode(state.installation_id),
        verification_secret=_VERIFICATION,
        key_secret=key.secret,
        blocks=8,
        scheme=confirmation_id.SHARE_SCHEME,
        share=share,
    )
    folder.save(Installed(package, host.deposit(package, state, grouped(blocks)), here))


def told(report: Report, *, markdown: bool = False) -> str:
    """The report, to read."""
    body = [
        (
            str(one.connections),
            f"{one.host:,.0f}",
            f"{one.view:,.0f}",
            f"{one.ratio:.2f}",
            f"{one.p99_milliseconds:.1f}",
        )
        for one in report.rates
    ]
    rates = table(("connections", "renewals/s", "bare view/s", "of the view", "p99, ms"), body, markdown=markdown)
    memory = (
        f"Memory of the serving process: {report.megabytes_idle:.0f} MB at its start, {report.megabytes:.0f} MB with "
        f"{report.clients:,} clients."
    )
    return f"{rates}\n\n{memory}\n\n{table(('machine', ''), list(report.machine.items()), markdown=markdown)}"
