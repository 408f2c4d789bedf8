"""Isolated rooms: a request carried out on removable media, activated at another console, and its answers carried back.

One rule: the room that asks decides what leaves it, and believes nothing that comes back but what the publisher has
signed for an installation that it asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select, update

from keys.device.paper import MachineReport
from keys.errors import BadInput
from keys.groups import digits_of
from keys.installation_id import decode, encode
from webhooks.proxy import asked, sealed_file
from webhooks.proxy.answers import Answer, InvalidAnswer, read_answer
from webhooks.proxy.asked import Line
from webhooks.proxy.faults import FileFault
from webhooks.proxy.fleet import listed
from webhooks.proxy.sealed_file import Sealed
from webhooks.proxy.tables import known_consoles, request_lines, requests

REQUEST, ANSWERS = "request", "answers"
_KIND = "touchtone"


class Privacy(StrEnum):
    """What of the machines leaves the room."""

    ALL = "all"
    """Names, products, states, installation IDs."""
    NO_NAMES = "no-names"
    """A number in place of each name."""
    IDS = "ids"
    """Installation IDs alone, in an order that says nothing; only this console can match them back."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request out of a file: its id, the digest of the file, what it gives away, and the machines as far as told."""

    id: str
    digest: str
    privacy: Privacy
    origin: str
    installation_ids: tuple[str, ...]
    reports: tuple[MachineReport, ...]


def export(connection: Connection, lines: Sequence[Line], privacy: Privacy, seed: bytes, *, now: datetime) -> bytes:
    """The file that asks for `lines`; the request is written down, to know its answers by."""
    request = secrets.token_hex(16)
    heading = {_KIND: REQUEST, "request": request, "privacy": privacy.value, "made_at": now.isoformat()}
    content = sealed_file.seal(heading, _told(connection, lines, privacy), seed)
    digest = sealed_file.unseal(content, "").digest
    connection.execute(requests.insert().values(id=request, digest=digest, privacy=privacy.value, made_at=now))
    rows = [{"request": request, "installation_id": line.installation_id} for line in lines]
    connection.execute(request_lines.insert(), rows)
    return content


def _told(connection: Connection, lines: Sequence[Line], privacy: Privacy) -> list[Mapping[str, Any]]:
    if privacy is Privacy.IDS:
        return [{"installation_id": text} for text in sorted(line.installation_id for line in lines)]
    of = {machine.installation_id: machine for machine in listed(connection)}
    told: list[Mapping[str, Any]] = []
    for line in lines:
        machine = of[line.installation_id]
        facts: dict[str, Any] = {
            "product": machine.product,
            "product_name": machine.product_name,
            "last_five": machine.last_five,
            "state": machine.state,
            "installation_id": line.installation_id,
        }
        named = {"name": machine.name} if privacy is Privacy.ALL else {"number": line.reference}
        told.append({**named, **facts})
    return told


def read_request(content: bytes, file: str) -> tuple[Sealed, Request]:
    """The request in a file. Raises FileFault; whether its origin is known is still to be seen."""
    sealed = sealed_file.unseal(content, file)
    request = _field(sealed.heading, file, REQUEST)
    try:
        privacy = Privacy(sealed.heading.get("privacy", ""))
    except ValueError as error:
        raise FileFault(file, 1, "names no level of privacy that is known here") from error
    ids: list[str] = []
    reports: list[MachineReport] = []
    for number, facts in enumerate(sealed.lines):
        try:
            text = encode(decode(facts["installation_id"]))
            if privacy is Privacy.ALL:
                reports.append(MachineReport.from_facts(facts))
        except (BadInput, KeyError, TypeError) as error:
            raise sealed.fault(file, number, "holds no machine's installation ID") from error
        ids.append(text)
    if not ids or len(set(ids)) != len(ids):
        raise FileFault(file, None, "asks for nothing" if not ids else "asks for an installation twice")
    return sealed, Request(request, sealed.digest, privacy, sealed.signer, tuple(ids), tuple(reports))


def write_answers(connection: Connection, request: Request, seed: bytes, *, now: datetime) -> tuple[bytes, int]:
    """The file of answers to a request, and how many there are."""
    answers = asked.answered(connection, request.installation_ids)
    heading = {
        _KIND: ANSWERS,
        "request": request.id,
        "request_digest": request.digest,
        "made_at": now.isoformat(),
    }
    return sealed_file.seal(heading, [answer.to_facts() for answer in answers], seed), len(answers)


def read_answers(
    connection: Connection, content: bytes, file: str, publisher: bytes
) -> tuple[Sealed, list[Answer], int]:
    """The answers in a file, each checked, and how many installations of the request have none. Raises FileFault."""
    sealed = sealed_file.unseal(content, file)
    request = _field(sealed.heading, file, ANSWERS)
    made = connection.execute(select(requests.c.digest).where(requests.c.id == request)).scalar_one_or_none()
    if made is None or sealed.heading.get("request_digest") != made:
        raise FileFault(file, 1, "answers no request of this console")
    open_ids = set(
        connection.execute(select(request_lines.c.installation_id).where(request_lines.c.request == request)).scalars()
    )
    answers = []
    for number, facts in enumerate(sealed.lines):
        try:
            text = digits_of(facts["installation_id"])
            open_ids.remove(text)
            answers.append(read_answer(facts, text, publisher))
        except InvalidAnswer as error:
            raise sealed.fault(file, number, f"is not the pinned publisher's answer ({error.fault})") from error
        except (BadInput, KeyError, TypeError, AttributeError) as error:
            raise sealed.fault(file, number, "answers what was not asked for, or was answered already") from error
    return sealed, answers, len(open_ids)


def take_answers(connection: Connection, sealed: Sealed, answers: Sequence[Answer], *, now: datetime) -> None:
    """Write down answers that were read from a file."""
    asked.keep(connection, answers, now=now)
    mine = requests.c.id == sealed.heading["request"]
    connection.execute(update(requests).where(mine).values(imported_at=now))


def is_known(connection: Connection, key: str) -> bool:
    """Whether a console's key has been pinned."""
    found = select(func.count()).where(known_consoles.c.public_key == key)
    return bool(connection.execute(found).scalar_one())


def pin(connection: Connection, key: str, *, now: datetime) -> None:
    """Take files that this key signed from now on."""
    if not is_known(connection, key):
        connection.execute(known_consoles.insert().values(public_key=key, pinned_at=now))


def _field(heading: Mapping[str, Any], file: str, kind: str) -> str:
    """The id of the request that a file is, or answers."""
    request = heading.get("request")
    if heading.get(_KIND) != kind or not isinstance(request, str) or not 0 < len(request) <= 32:
        raise FileFault(file, 1, f"is no file of {'requests' if kind == REQUEST else 'answers'}")
    return request
