"""`/metrics`: what this process (or this node's processes together) counted, and how the line stands, for Prometheus.

Rule: only who shows the token of the settings reads it, and where none is set nobody does. The database is read once a
scrape, in one read transaction of its own that no turn waits for; what cannot be read of it is missing, is said to be,
and the rest is told all the same.
"""

from __future__ import annotations

import hmac
import os
import threading
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version

import structlog
from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Connection

from ivr import standing
from ivr.standing import Allowances, Measured, Missing, Waits
from keys.unavailable import DatabaseUnavailable
from webhooks import metrics, node, spool
from webhooks.door import Exchange, exchange
from webhooks.health import Watch, ailing, free_bytes, watch

KEYS_EVERY_SECONDS = 300.0
"""How often every key's allowance is looked at, at most."""

_log = structlog.get_logger(__name__)

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
    shown.register(_AsItStands(exchange(), here, current_app.extensions["metrics_kept"]))
    return Response(generate_latest(shown), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _AsItStands:
    """What is measured at a scrape: the node, and the line by its database."""

    def __init__(self, here: Exchange, watched: Watch, kept: Kept) -> None:
        self._here, self._watch, self._kept = here, watched, kept

    def collect(self) -> Iterator[Metric]:
        """Every gauge; those of the database are left out where it does not answer, or has no place for them."""
        yield from _of_the_node(self._here, self._watch)
        up = 1
        try:
            with self._here.database.read() as connection:
                found = standing.read(connection, self._here.now())
                keys = standing.fitting(connection, self._kept.keys.read)
        except DatabaseUnavailable:
            up = 0
        yield GaugeMetricFamily("touchtone_database_up", "1 if the database could be read at this scrape.", up)
        if not up:
            return
        missing = {name: each.why for name, each in (*found.items(), ("keys", keys)) if isinstance(each, Missing)}
        self._kept.say(missing)
        yield GaugeMetricFamily(
            "touchtone_measures_missing", "What is left out below, since the schema does not fit.", len(missing)
        )
        yield from _of_the_line(found)
        if isinstance(keys, Allowances):
            yield from _of_the_keys(keys)


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


class Kept:
    """What an app keeps from scrape to scrape: its last look at every key, and what it has said to be missing."""

    def __init__(self) -> None:
        self.keys = Seldom()
        self._said: dict[str, str] = {}

    def say(self, missing: dict[str, str]) -> None:
        """Log what is missing, and why; once, until it is something else."""
        if missing and missing != self._said:
            _log.warning("measures_missing", missing=missing)
        self._said = missing


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


_SHOWN: Mapping[str, tuple[str, str]] = {
    "cases": ("cases_waiting", "Cases that wait for an operator"),
    "claimed": ("cases_claimed", "Cases that an operator has."),
    "call_backs": ("call_backs", "Promised call-backs, late from when they were due"),
    "grants": ("grants_waiting", "Bigger allowances that were asked for"),
    "texts": ("texts_due", "Texts that are due and not sent"),
    "texts_on_their_way": ("texts_on_their_way", "Texts a delivery has claimed."),
    "failed_texts": ("texts_failed", "Texts of a day that did not arrive."),
    "holds": ("holds", "Activations held and not spent, late from when they ran out"),
    "unsealed": ("unsealed_entries", "Entries of the ledger that are not sealed yet"),
    "operators": ("operators", "Operators at the desk, by presence."),
    "unsent_texts": ("texts_unsent", "Texts of a day that we did not send, by reason."),
    "alarms": ("alarms", "Alarms that nobody has seen, by kind."),
}
"""The name, after ours, and the meaning of every measure of the line."""
_LABELS = {"operators": "presence", "unsent_texts": "reason", "alarms": "kind"}


def _of_the_line(found: Mapping[str, Measured | Missing]) -> Iterator[Metric]:
    for measure, (name, meaning) in _SHOWN.items():
        match found[measure]:
            case Waits() as waits:
                yield from _waiting(f"touchtone_{name}", meaning, waits)
            case int(many):
                yield GaugeMetricFamily(f"touchtone_{name}", meaning, many)
            case Mapping() as counts:
                family = GaugeMetricFamily(f"touchtone_{name}", meaning, labels=[_LABELS[measure]])
                for word, many in sorted(counts.items()):
                    family.add_metric([word], many)
                yield family


def _of_the_keys(found: Allowances) -> Iterator[Metric]:
    yield GaugeMetricFamily("touchtone_keys_low", "Keys for ten and more with a tenth or less left.", found.low)
    yield GaugeMetricFamily("touchtone_keys_used_up", "Keys for ten and more with nothing left.", found.used_up)


def _waiting(name: str, meaning: str, found: Waits) -> Iterator[Metric]:
    yield GaugeMetricFamily(name, f"{meaning}: how many.", found.many)
    yield GaugeMetricFamily(f"{name}_oldest_seconds", f"{meaning}: the oldest, in seconds.", found.seconds)
