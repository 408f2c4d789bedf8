"""Carrying a client's requests to licence hosts, one host after the other, until one leases.

One rule: whatever comes back is only carried here and judged in `keys.device.leasing`; a host that fails in any way is
dropped and the next is tried, and what the copy already has is never lost by asking.
"""

import http.client
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keys.device import leasing
from keys.device.build import ProductBuild
from keys.device.client import Client, Reply
from keys.device.finding import NoAddress, address
from keys.device.hardware import Hardware
from keys.device.leasing import LeaseDeclined
from keys.kms import messages
from keys.kms.messages import HostFault
from keys.signed import Check

PATIENCE: Final = 5.0
"""Seconds that a host is waited for."""
_MOST_BYTES = 65_536


class HostFailed(Exception):  # noqa: N818 - read aloud in `except`: the host failed
    """A host gave no signed answer: `fault` is its own word for why, None where it was not reached or is none."""

    def __init__(self, fault: HostFault | None, detail: str) -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Tried:
    """One host that was asked: `failure` is None for the one that leased."""

    host: str
    failure: HostFailed | LeaseDeclined | None


Post = Callable[[str, bytes], Reply]
"""From a host's address and a request to its reply. Raises HostFailed."""


def renew(
    build: ProductBuild,
    client: Client,
    hardware: Hardware,
    *,
    now: Callable[[], datetime],
    hosts: Iterable[str],
    check: Check,
    name: str,
    post: Post | None = None,
) -> tuple[Client, list[Tried]]:
    """Ask hosts in order, the one that leased last before all, until one leases; and what became of each.

    The copy that comes back is to be kept either way: it knows when it was last tried.
    """
    tried: list[Tried] = []
    for host in _each_once(client.host, hosts):
        # A nonce of its own for every host: what one was asked is no answer from another.
        client, request = leasing.asked(build, client, hardware, secrets.token_hex(16), now(), name)
        try:
            reply = (post or posted)(host, messages.write_request(request))
            client = leasing.accept(build, client, request, reply, now(), check, host)
        except (HostFailed, LeaseDeclined) as failure:
            tried.append(Tried(host, failure))
            continue
        return client, [*tried, Tried(host, None)]
    return leasing.failed(client, now()), tried


def _each_once(first: str | None, hosts: Iterable[str]) -> Iterator[str]:
    seen = set()
    if first is not None:
        seen.add(first)
        yield first
    for host in hosts:
        if host not in seen:
            seen.add(host)
            yield host


def posted(host: str, request: bytes) -> Reply:
    """The reply of a host to a request. Raises HostFailed."""
    facts = _exchanged(host, "POST", messages.PATH, request)
    match facts:
        case {"answer": str(answer), "certificate": str(certificate)}:
            return Reply(answer, certificate)
        case {"fault": str(word)} if word in list(HostFault):
            raise HostFailed(HostFault(word), word)
    raise HostFailed(None, "what answered is no licence host")


def stands(host: str) -> dict[str, object]:
    """What a host says of itself, unsigned: to look what is wrong, never to trust. Raises HostFailed."""
    return _exchanged(host, "GET", messages.HOST_PATH, None)


def _exchanged(host: str, method: str, path: str, body: bytes | None) -> dict[str, object]:
    """One exchange, whatever the status: what counts stands in the JSON."""
    try:
        where = address(host)
    except NoAddress as error:
        raise HostFailed(None, "no address") from error
    connection = http.client.HTTPConnection(*where, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        facts = json.loads(connection.getresponse().read(_MOST_BYTES))
    except OSError as error:
        raise HostFailed(None, error.strerror or type(error).__name__) from error
    except (http.client.HTTPException, ValueError, RecursionError) as error:
        raise HostFailed(None, "what answered is no licence host") from error
    finally:
        connection.close()
    if not isinstance(facts, dict):
        raise HostFailed(None, "what answered is no licence host")
    return facts
