"""Where a request comes from, as far as that can be told.

Rule: only a proxy on this very machine is believed when it names somebody else.
"""

from __future__ import annotations

import ipaddress

from flask import request


def address_of_request() -> str:
    """The last hop that a proxy on this machine names, else whoever connected."""
    peer = request.remote_addr or ""
    if peer in {"127.0.0.1", "::1"}:
        named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        try:
            return str(ipaddress.ip_address(named))
        except ValueError:
            return peer
    return peer
