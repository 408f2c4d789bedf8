"""Logs: one line an event on standard error, with whatever looks like a number or an ID struck out.

Rule: no log holds a secret, a caller's number, a whole product key or a whole ID, whoever wrote the line; a call is
named by its call SID.

>>> redacted("from +14155550123 with 123456 234567, call CA0123456789abcdef0123456789abcdef")
'from [struck out] with [struck out], call CA0123456789abcdef0123456789abcdef'
>>> redacted("ABCDE-FGHJK-MNPQR-STUVW-XYZ23")
'[struck out]'
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

STRUCK_OUT = "[struck out]"
_SECRETIVE = re.compile(
    r"\b(CA|AC|SM|MM|MG|RQ)[0-9a-f]{32}\b"  # kept: the names of calls, accounts, messages and requests
    r"|\+?\d(?:[ .-]?\d){4,}"  # five digits and more: caller numbers, groups, IDs
    r"|\b(?:[0-9A-Za-z]{5}[- ]?){4}[0-9A-Za-z]{5}\b"  # product keys
    r"|\bttk_[0-9A-Za-z_-]+"  # tokens
)


def redacted(text: str) -> str:
    """The text with caller numbers, runs of digits and product keys struck out."""
    return _SECRETIVE.sub(lambda found: found[0] if found[1] else STRUCK_OUT, text)


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    kept = {name: event.pop(name) for name in ("timestamp", "level") if name in event}
    struck = _struck(dict(event))
    event.clear()
    event.update({**kept, **struck})
    return event


def _struck(value: Any) -> Any:
    """The value with every text in it redacted, names in a mapping and whole numbers too."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if redacted(str(value)) == str(value) else STRUCK_OUT
    if isinstance(value, Mapping):
        return {_struck(name): _struck(inside) for name, inside in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_struck(inside) for inside in value]
    return value if value is None or isinstance(value, bool | float) else redacted(str(value))


_RENDERERS: Mapping[str, Callable[[], Any]] = {
    "json": structlog.processors.JSONRenderer,
    "logfmt": lambda: structlog.processors.LogfmtRenderer(
        key_order=["timestamp", "level", "event"], bool_as_flag=False
    ),
}


def tells_all() -> bool:
    """Whether what is only to be seen at level `debug` is logged: to ask costs a twentieth of a line that is not."""
    return logging.getLogger().isEnabledFor(logging.DEBUG)


class _Kindly:
    """A stream that a log line is lost on rather than a call: a full disk or a broken pipe raises nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def configure(level: int = logging.INFO, written_as: str = "json") -> None:
    """Send structlog and the standard library's loggers to standard error, redacted. Call it once, at the edge.

    `written_as`: "json", or "logfmt" (`event=turn_taken level=debug`), which people read more easily.
    """
    stream: Any = _Kindly(sys.stderr)
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    written: list[Any] = [_redact, _RENDERERS[written_as]()]
    structlog.configure(
        processors=[*shared, *written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
