"""Asking the network's own name service for its licence hosts; needs the extra `dnspython`.

One rule: what is found is only a list of addresses. Who answers there must prove what it is.
"""

from typing import Final

from keys.device.finding import SERVICE, NotFound, Record

_PATIENCE: Final = 5.0


def looked_up(domain: str, *, name_server: tuple[str, int] | None = None) -> list[Record]:
    """The hosts that a domain's name service names. Raises NotFound.

    The system's name servers are asked, or the one given, as address and port.
    """
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer, Resolver

    name = f"{SERVICE}.{domain.strip('.')}."
    try:
        resolver = Resolver(configure=name_server is None)
        if name_server is not None:
            resolver.nameservers, resolver.port = [name_server[0]], name_server[1]
        found = resolver.resolve(name, "SRV", lifetime=_PATIENCE)
    except (NXDOMAIN, NoAnswer) as error:
        raise NotFound(name, answered=True) from error
    except DNSException as error:
        raise NotFound(name, answered=False) from error
    # A target of "." means: this service is not offered here.
    records = [
        Record(one.priority, one.weight, one.target.to_text(), one.port) for one in found if len(one.target.labels) > 1
    ]
    if not records:
        raise NotFound(name, answered=True)
    return records
