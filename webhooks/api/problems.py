"""What the API answers when it does not do what was asked: problem details (RFC 9457), each with a stable code.

Rule: a program reads `code` and never `detail`. A refusal of the ledger keeps the ledger's word for it; the words of
the API's own stand in `Code`, and none ever changes its meaning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

import msgspec
from flask import Response

from keys.groups import GroupFault
from keys.installation_id import InstallationID, InvalidInstallationID, decode
from keys.refusals import Refusal
from keys.return_code import InvalidReturnCode
from keys.returning import ReturnFault
from webhooks.device_words import said

MEDIA_TYPE = "application/problem+json"


class Code(StrEnum):
    """The API's own reasons, beside those of the ledger."""

    TOKEN_MISSING = "TOKEN_MISSING"  # noqa: S105 - the name of a refusal
    TOKEN_UNKNOWN = "TOKEN_UNKNOWN"  # noqa: S105 - the name of a refusal
    SCOPE_MISSING = "SCOPE_MISSING"
    RATE_LIMITED = "RATE_LIMITED"
    BODY_MALFORMED = "BODY_MALFORMED"
    BODY_INVALID = "BODY_INVALID"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    TYPE_UNSUPPORTED = "TYPE_UNSUPPORTED"
    PARAMETER_INVALID = "PARAMETER_INVALID"
    IDEMPOTENCY_KEY_INVALID = "IDEMPOTENCY_KEY_INVALID"
    IDEMPOTENCY_KEY_USED = "IDEMPOTENCY_KEY_USED"
    INSTALLATION_ID_WRONG = "INSTALLATION_ID_WRONG"
    RETURN_CODE_MALFORMED = "RETURN_CODE_MALFORMED"
    ASKED_ALREADY = "ASKED_ALREADY"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    BATCHES_BUSY = "BATCHES_BUSY"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    REQUEST_FAILED = "REQUEST_FAILED"


_OWN: Mapping[Code, tuple[HTTPStatus, str]] = {
    Code.TOKEN_MISSING: (HTTPStatus.UNAUTHORIZED, "Send a token: Authorization: Bearer ttk_..."),
    Code.TOKEN_UNKNOWN: (HTTPStatus.UNAUTHORIZED, "The token is unknown, expired or revoked."),
    Code.SCOPE_MISSING: (HTTPStatus.FORBIDDEN, "The token may not be used for this."),
    Code.RATE_LIMITED: (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests; come again when Retry-After is over."),
    Code.BODY_MALFORMED: (HTTPStatus.BAD_REQUEST, "The body is no JSON in UTF-8."),
    Code.BODY_INVALID: (HTTPStatus.UNPROCESSABLE_ENTITY, "The body is not as the description has it."),
    Code.BODY_TOO_LARGE: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than this door takes."),
    Code.TYPE_UNSUPPORTED: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json."),
    Code.PARAMETER_INVALID: (HTTPStatus.UNPROCESSABLE_ENTITY, "A parameter is not as the description has it."),
    Code.IDEMPOTENCY_KEY_INVALID: (HTTPStatus.BAD_REQUEST, "An idempotency key has 1 to 255 visible ASCII signs."),
    Code.IDEMPOTENCY_KEY_USED: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This idempotency key was sent with another request; use a new one for a new request.",
    ),
    Code.INSTALLATION_ID_WRONG: (HTTPStatus.UNPROCESSABLE_ENTITY, "That is no installation ID."),
    Code.RETURN_CODE_MALFORMED: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "That is no return code: three blocks of six digits.",
    ),
    Code.ASKED_ALREADY: (HTTPStatus.CONFLICT, "This token waits for an answer about this key already."),
    Code.NOT_FOUND: (HTTPStatus.NOT_FOUND, "There is nothing of yours at this address."),
    Code.METHOD_NOT_ALLOWED: (HTTPStatus.METHOD_NOT_ALLOWED, "This address does not take this method."),
    Code.BATCHES_BUSY: (HTTPStatus.SERVICE_UNAVAILABLE, "As many batches run as may run at once; come again."),
    Code.DATABASE_UNAVAILABLE: (HTTPStatus.SERVICE_UNAVAILABLE, "The line cannot reach its ledger; come again."),
    Code.REQUEST_FAILED: (HTTPStatus.INTERNAL_SERVER_ERROR, "The request failed, and that is a fault of the line."),
}

_REFUSED: Mapping[Refusal, tuple[HTTPStatus, str]] = {
    Refusal.KEY_UNKNOWN: (HTTPStatus.NOT_FOUND, "No product key of yours made this installation ID."),
    Refusal.PRODUCT_UNKNOWN: (HTTPStatus.NOT_FOUND, "The line has no product of this installation ID's number."),
    Refusal.KEY_BLOCKED: (HTTPStatus.FORBIDDEN, "The product key is blocked."),
    Refusal.KEY_EXPIRED: (HTTPStatus.FORBIDDEN, "The product key has expired."),
    Refusal.KEY_TYPE_NOT_ALLOWED: (HTTPStatus.FORBIDDEN, "Product keys of this type are not activated here."),
    Refusal.AGREEMENT_INACTIVE: (HTTPStatus.FORBIDDEN, "The agreement of the product key is not active."),
    Refusal.CHANNEL_NOT_ALLOWED: (HTTPStatus.FORBIDDEN, "The product may not be activated this way."),
    Refusal.LICENSING_NOT_ALLOWED: (HTTPStatus.FORBIDDEN, "The product key is not for copies of this kind."),
    Refusal.ALLOWANCE_EXHAUSTED: (HTTPStatus.CONFLICT, "The product key's allowance is used up."),
    Refusal.HOSTS_EXHAUSTED: (HTTPStatus.CONFLICT, "The host key has activated as many licence hosts as it may."),
    Refusal.HOST_REACTIVATIONS_EXHAUSTED: (
        HTTPStatus.CONFLICT,
        "This licence host was activated again as often as it may be.",
    ),
    Refusal.TOO_MANY_REACTIVATIONS: (HTTPStatus.CONFLICT, "This machine was activated again too often."),
    Refusal.HOLD_GONE: (HTTPStatus.CONFLICT, "What was held for this installation has run out."),
    Refusal.HELD_FOR_REVIEW: (HTTPStatus.CONFLICT, "A person of the publisher's looks at this first; ask again."),
    Refusal.PRODUCT_RETIRED: (HTTPStatus.GONE, "The product is not activated any more."),
    Refusal.IID_RETURNED: (HTTPStatus.GONE, "This activation was returned; the machine needs a new installation ID."),
    Refusal.FORMAT_NOT_OF_PRODUCT: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The installation ID is of a format that its product does not use.",
    ),
    Refusal.TOO_MANY_TRIES: (HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong installation IDs came with this token."),
}
_NOT_RETURNED: Mapping[ReturnFault, tuple[HTTPStatus, str]] = {
    ReturnFault.RETURN_CODE_WRONG: (HTTPStatus.CONFLICT, "That is not the return code of this installation."),
    ReturnFault.NOT_ACTIVATED: (HTTPStatus.CONFLICT, "This installation has no activation to give back."),
    ReturnFault.RETURNS_OFF: (HTTPStatus.FORBIDDEN, "Activations of this product are not taken back."),
    ReturnFault.TOO_MANY_RETURNS: (
        HTTPStatus.CONFLICT,
        "As many of this key came back as its product allows within a period; the code stays good.",
    ),
}
RETURN_FAULTS = tuple(_NOT_RETURNED)
"""What a return alone can be answered with; the other faults of one are refusals of the ledger."""
_OTHERWISE = (HTTPStatus.CONFLICT, "The ledger refuses this.")


class Group(msgspec.Struct, frozen=True):
    """One wrong group of an installation ID, or block of a return code: from 1, null where the whole is wrong."""

    group: int | None
    fault: str
    place: int | None
    found: str | int | None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a request was not done. `groups` names what is wrong with an ID or a code, one by one."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    groups: list[Group] | None = None


Reason = Code | Refusal | ReturnFault


class ProblemError(Exception):
    """A request ends with this problem; `headers` go along with it."""

    def __init__(
        self,
        code: Reason,
        detail: str | None = None,
        *,
        groups: list[Group] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code.value)
        self.code = code
        self.detail = detail
        self.groups = groups
        self.headers = dict(headers or {})


def status_of(code: Reason) -> HTTPStatus:
    """The status that a code is answered with."""
    return _known(code)[0]


def detail_of(code: Reason) -> str:
    """One sentence for a person."""
    return _known(code)[1]


def _known(code: Reason) -> tuple[HTTPStatus, str]:
    if isinstance(code, Code):
        return _OWN[code]
    known = _NOT_RETURNED.get(code) if isinstance(code, ReturnFault) else _REFUSED.get(code)
    return known or _OTHERWISE


def response_of(error: ProblemError) -> Response:
    """A problem as it is answered."""
    status, detail = _known(error.code)
    body = Problem(
        type=f"urn:problem-type:touchtone:{error.code}",
        title=error.code.replace("_", " ").capitalize(),
        status=status,
        detail=error.detail or detail,
        code=error.code,
        groups=error.groups,
    )
    return Response(msgspec.json.encode(body), status, headers=error.headers, content_type=MEDIA_TYPE)


def wrong_id(error: InvalidInstallationID) -> ProblemError:
    """The problem of a text that is no installation ID."""
    return ProblemError(Code.INSTALLATION_ID_WRONG, said(error)[1], groups=groups_of(error.faults))


def installation_of(text: str) -> InstallationID:
    """The installation ID that a text spells. Raises ProblemError, which names each wrong group."""
    try:
        return decode(text)
    except InvalidInstallationID as error:
        raise wrong_id(error) from error


def wrong_code(error: InvalidReturnCode) -> ProblemError:
    """The problem of a text that is no return code."""
    return ProblemError(Code.RETURN_CODE_MALFORMED, groups=groups_of(error.faults))


def groups_of(faults: tuple[GroupFault, ...]) -> list[Group]:
    """Each fault as it is told."""
    return [Group(each.group, each.fault.value, each.place, each.found) for each in faults]


def waiting(seconds: float) -> dict[str, str]:
    """The header that says when to come again: whole seconds, at least one."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
