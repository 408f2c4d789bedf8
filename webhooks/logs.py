"""Logs: one JSON line an event on standard error, with whatever looks like a number or an ID struck out.

Rule: no log holds a secret, a caller's number, a whole product key or a whole ID, whoever wrote the line; a call is
named by its call SID.

>>> redacted("from +14155550123 with 123456 234567, call CA0123456789abcdef0123456789abcdef")
'from [struck out] with [struck out], call CA0123456789abcdef0123456789abcdef'
>>> redacted("ABCDE-FGHJK-MNPQR-STUVW-XYZ23")
'[struck out]'
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

STRUCK_OUT = "[struck out]"
_SECRETIVE = re.compile(
    r"\b(CA|AC|SM)[0-9a-f]{32}\b"  # kept: the names of calls, accounts and messages
    r"|\+?\d(?:[ .-]?\d){4,}"  # five digits and more: caller numbers, groups, IDs
    r"|\b(?:[0-9A-Z]{5}-){4}[0-9A-Z]{5}\b"  # product keys
)


def redacted(text: str) -> str:
    """The text with caller numbers, runs of digits and product keys struck out."""
    return _SECRETIVE.sub(lambda found: found[0] if found[1] else STRUCK_OUT, text)


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str) and name not in {"timestamp", "level"}:
            event[name] = redacted(value)
    return event


def configure(level: int = logging.INFO) -> None:
    """Send structlog and the standard library's loggers to standard error, redacted. Call it once, at the edge."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
