"""`/metrics`: what this process (or this node's processes together) counted, and how the line stands, for Prometheus.

Rule: only who shows the token of the settings reads it, and where none is set nobody does. The database is read once a
scrape, in one read transaction of its own that no turn waits for; where it cannot be read the rest is told all the
same.
"""

from __future__ import annotations

import hmac
import os
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Connection

from ivr import standing
from ivr.standing import Allowances, Standing, Waits
from keys.unavailable import DatabaseUnavailable
from webhooks import metrics, node, spool
from webhooks.door import Exchange, exchange
from webhooks.health import Watch, ailing, free_bytes, watch

KEYS_EVERY_SECONDS = 300.0
"""How often every key's allowance is looked at, at most."""

metrics_page = Blueprint("metrics", __name__)


@metrics_page.get("/metrics")
def scrape() -> Response:
    """All that is counted and measured, in Prometheus' text format."""
    here = watch()
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    known = "" if here is None else here.metrics_token
    if here is None or not known or not hmac.compare_digest(given.encode(), known.encode()):
        metrics.TURNED_AWAY.labels("metrics", "token").inc()
        abort(403)
    shown = CollectorRegistry()
    if node.COUNTED_TOGETHER in os.environ:
        MultiProcessCollector(shown)  # type: ignore[no-untyped-call] # the library does not say
    else:
        shown.register(metrics.COUNTED)  # a registry is a collector of all that is in it
    shown.register(_AsItStands(exchange(), here, current_app.extensions["keys_seldom"]))
    return Response(generate_latest(shown), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _AsItStands:
    """What is measured at a scrape: the node, and the line by its database."""

    def __init__(self, here: Exchange, watched: Watch, keys: Seldom) -> None:
        self._here, self._watch, self._keys = here, watched, keys

    def collect(self) -> Iterator[Metric]:
        """Every gauge; those of the database are left out where it does not answer."""
        yield from _of_the_node(self._here, self._watch)
        up = 1
        try:
            with self._here.database.read() as connection:
                found = standing.read(connection, self._here.now())
                allowances = self._keys.read(connection)
        except DatabaseUnavailable:
            up = 0
        yield GaugeMetricFamily("touchtone_database_up", "1 if the database could be read at this scrape.", up)
        if up:
            yield from _of_the_line(found)
            yield from _of_the_keys(allowances)


class Seldom:
    """The look at every key, kept for a while: of those who scrape one process, one looks and the others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[float, Allowances] | None = None

    def read(self, connection: Connection) -> Allowances:
        """As it stands, or as it stood not long ago."""
        with self._lock:
            now = time.monotonic()
            if self._kept is None or now - self._kept[0] > KEYS_EVERY_SECONDS:
                self._kept = (now, standing.read_allowances(connection))
            return self._kept[1]


def _of_the_node(here: Exchange, watched: Watch) -> Iterator[Metric]:
    build = GaugeMetricFamily("touchtone_build_info", "Which version serves; always 1.", labels=["version"])
    build.add_metric([version("touchtone")], 1)
    yield build
    well = ailing(watched) is None
    yield GaugeMetricFamily("touchtone_node_well", "1 if this node is not leaving, has room and works on.", int(well))
    yield GaugeMetricFamily(
        "touchtone_disk_free_bytes", "Free on the data folder's disk.", free_bytes(watched.data_dir)
    )
    yield GaugeMetricFamily(
        "touchtone_spool_bytes", "Call-back wishes and texts on this node's disk that the database has not got yet.",
        spool.size(here.spool_dir),
    )  # fmt: skip


def _of_the_line(found: Standing) -> Iterator[Metric]:
    yield from _waiting("touchtone_cases_waiting", "Cases that wait for an operator", found.cases)
    yield GaugeMetricFamily("touchtone_cases_claimed", "Cases that an operator has.", found.claimed)
    yield from _waiting("touchtone_call_backs", "Promised call-backs, late from when they were due", found.call_backs)
    yield from _waiting("touchtone_grants_waiting", "Bigger allowances that were asked for", found.grants)
    yield from _waiting("touchtone_texts_due", "Texts that are due and not sent", found.texts)
    yield GaugeMetricFamily("touchtone_texts_on_their_way", "Texts a delivery has claimed.", found.texts_on_their_way)
    yield GaugeMetricFamily("touchtone_texts_failed", "Texts of a day that did not arrive.", found.failed_texts)
    yield from _waiting("touchtone_holds", "Activations held and not spent, late from when they ran out", found.holds)
    yield from _waiting("touchtone_unsealed_entries", "Entries of the ledger that are not sealed yet", found.unsealed)
    for name, meaning, label, counts in (
        ("touchtone_operators", "Operators at the desk, by presence.", "presence", found.operators),
        ("touchtone_texts_unsent", "Texts of a day that we did not send, by reason.", "reason", found.unsent_texts),
        ("touchtone_alarms", "Alarms that nobody has seen, by kind.", "kind", found.alarms),
    ):
        family = GaugeMetricFamily(name, meaning, labels=[label])
        for word, many in sorted(counts.items()):
            family.add_metric([word], many)
        yield family


def _of_the_keys(found: Allowances) -> Iterator[Metric]:
    yield GaugeMetricFamily("touchtone_keys_low", "Keys for ten and more with a tenth or less left.", found.low)
    yield GaugeMetricFamily("touchtone_keys_used_up", "Keys for ten and more with nothing left.", found.used_up)


def _waiting(name: str, meaning: str, found: Waits) -> Iterator[Metric]:
    yield GaugeMetricFamily(name, f"{meaning}: how many.", found.many)
    yield GaugeMetricFamily(f"{name}_oldest_seconds", f"{meaning}: the oldest, in seconds.", found.seconds)
