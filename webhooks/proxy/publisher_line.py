"""The publisher's line as the console reaches it: one request for many installations, answered line by line.

One rule: what the line has answered is handed on at once. Whatever happens then, it has happened to the rest only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import requests

from webhooks.proxy.asked import Line

MOST_LINES = 10_000
"""Lines of one request, at most."""
PATH = "/api/v1/activations/batch"
_NOTHING_ASKED = "BODY_INVALID"
"""What the line says to a request without lines, once it has taken the token."""
_LONGEST_WAIT = 600.0
_CONNECT, _READ = 10.0, 120.0


class TurnedAway(RuntimeError):  # noqa: N818 - names what happened
    """The line does not serve this request, and asking again will not help: `code` and `reason` say why."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class NotNow(RuntimeError):  # noqa: N818 - names what happened
    """The line cannot be reached, is busy, or was cut off; `seconds` is when it wants to be asked again, if it said."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class PublisherLine:
    """A line at `url`, spoken to with `token`; `authorities` is a file of certificates to trust beside no others."""

    def __init__(self, url: str, token: str, authorities: str | None = None) -> None:
        self.url = url
        self._wire = requests.Session()
        self._wire.headers.update({"Authorization": f"Bearer {token}", "User-Agent": "touchtone-proxy"})
        self._wire.verify = authorities or True

    def close(self) -> None:
        """Let go of the connection."""
        self._wire.close()

    def ask(self, lines: Sequence[Line]) -> Iterator[tuple[Line, Mapping[str, Any]]]:
        """The answer to each line, as it arrives and in their order. Raises TurnedAway, NotNow."""
        body = [{"installation_id": line.installation_id, "reference": str(line.reference)} for line in lines]
        try:
            with self._wire.post(
                f"{self.url}{PATH}",
                json={"lines": body},
                timeout=(_CONNECT, _READ),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code != requests.codes.ok:
                    raise _problem(response)
                yield from _matched(lines, response.iter_lines(chunk_size=8192))
        except requests.exceptions.SSLError as error:
            raise TurnedAway("line_not_trusted", "The line's certificate is not trusted here.") from error
        except (requests.RequestException, OSError) as error:
            raise NotNow("The line cannot be reached, or the connection was cut off.") from error

    def knock(self) -> None:
        """See whether the line is there and takes the token. Raises TurnedAway, NotNow."""
        try:
            for _ in self.ask(()):
                pass
        except TurnedAway as answer:
            if answer.code != _NOTHING_ASKED:
                raise


def _matched(lines: Sequence[Line], told: Iterator[bytes]) -> Iterator[tuple[Line, Mapping[str, Any]]]:
    """Each answer with the line it is for. Raises TurnedAway for what is no answer, NotNow if it ends too early."""
    waiting = iter(lines)
    for text in told:
        if not text.strip():
            continue
        try:
            facts = json.loads(text)
        except (ValueError, RecursionError) as error:
            # The last line of a connection that was cut off is torn.
            raise NotNow("The answer was cut off.") from error
        if isinstance(facts, dict) and "done" in facts:
            if facts["done"] is not True:
                raise NotNow(str(facts.get("detail") or "The line could not go on.")[:500])
            if next(waiting, None) is not None:
                raise TurnedAway("answer_incomplete", "The line has left installations without an answer.")
            return
        line = next(waiting, None)
        if not isinstance(facts, dict) or line is None or facts.get("reference") != str(line.reference):
            raise TurnedAway("answer_strange", "The line has answered with something else than was asked for.")
        yield line, facts
    raise NotNow("The answer was cut off.")


def _problem(response: requests.Response) -> TurnedAway | NotNow:
    """What another status than 200 means."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    problem = problem if isinstance(problem, dict) else {}
    code = str(problem.get("code") or f"http_{response.status_code}")[:64]
    said = str(problem.get("detail") or problem.get("title") or f"The line answered {response.status_code}.")[:500]
    if response.status_code in {408, 425, 429} or response.status_code >= 500:
        return NotNow(said, _seconds(response.headers.get("Retry-After")))
    return TurnedAway(code, said)


def _seconds(text: str | None) -> float | None:
    """A Retry-After in seconds; a date, or nonsense, counts as not said."""
    return min(float(text), _LONGEST_WAIT) if text is not None and text.isascii() and text.isdigit() else None
