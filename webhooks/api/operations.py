"""The operations of the API, as its description tells them: what each needs, what it answers, what can go wrong.

Rule: a status or a code that an operation can answer stands with it; those that every operation has are added here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ivr.idempotency import LONGEST_KEY
from ivr.tokens import Scope
from keys.refusals import Refusal
from webhooks.api.bodies import LARGEST_PAGE, MOST_LINES, MOST_NUMBER, USUAL_PAGE
from webhooks.api.problems import MEDIA_TYPE, RETURN_FAULTS, Code, Reason, status_of

JSON = "application/json"
LINES = "application/x-ndjson"
_EVERYWHERE = (
    Code.TOKEN_MISSING,
    Code.TOKEN_UNKNOWN,
    Code.SCOPE_MISSING,
    Code.PARAMETER_INVALID,
    Code.RATE_LIMITED,
    Code.DATABASE_UNAVAILABLE,
    Code.REQUEST_FAILED,
)
_WITH_BODY = (
    Code.BODY_MALFORMED,
    Code.BODY_INVALID,
    Code.BODY_TOO_LARGE,
    Code.TYPE_UNSUPPORTED,
    Code.IDEMPOTENCY_KEY_INVALID,
    Code.IDEMPOTENCY_KEY_USED,
)
# A wrong proof is told as an unknown key.
_REFUSALS = tuple(why for why in Refusal if why is not Refusal.PROOF_WRONG)
_TEXT = {"type": "string"}
_KEY_ID = {"type": "string", "pattern": "^[0-9]{1,5}-[0-9]{1,9}$"}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": USUAL_PAGE}
_KEY_OF_REQUEST = {"type": "string", "pattern": f"^[!-~]{{1,{LONGEST_KEY}}}$"}
_LIMITED = ("X-Request-Id", "RateLimit-Policy", "RateLimit")
HEADERS = {
    "X-Request-Id": {"description": "The request's name in the ledger's entries.", "schema": _TEXT},
    "RateLimit-Policy": {"description": "Requests a token may send, and in how many seconds.", "schema": _TEXT},
    "RateLimit": {"description": "Requests left, and seconds until there are more.", "schema": _TEXT},
    "Retry-After": {"description": "Seconds after which to come again.", "schema": {"type": "integer"}},
    "Location": {"description": "Where to read what came of it.", "schema": _TEXT},
    "WWW-Authenticate": {"description": "What is wanted.", "schema": _TEXT},
}


def paths() -> dict[str, Any]:
    """Every path below the API's own, with its operations."""
    return {
        "/activations": {"post": _activate()},
        "/activations/batch": {"post": _activate_batch()},
        "/returns": {"post": _give_back()},
        "/keys": {"get": _list_keys()},
        "/keys/{key}": {"get": _show_key()},
        "/allowance-requests": {"post": _ask_for_more()},
        "/allowance-requests/{number}": {"get": _show_request()},
        "/openapi.json": {"get": _describe()},
    }


def _activate() -> dict[str, Any]:
    return _operation(
        "activate",
        "Activate one installation. The same installation again has the same answer and costs nothing.",
        Scope.ACTIVATE,
        {
            "201": _answer("Activated now.", "Activation"),
            "200": _answer("The same as before; nothing was taken.", "Activation"),
        },
        (*_WITH_BODY, Code.INSTALLATION_ID_WRONG, *_REFUSALS),
        body="ActivationOrder",
    )


def _activate_batch() -> dict[str, Any]:
    lines = {
        "description": "One BatchOutcome a line, in order, and a BatchEnd.",
        "headers": _headers(_LIMITED),
        "content": {LINES: {"schema": _TEXT}},
    }
    return _operation(
        "activateBatch",
        f"Activate up to {MOST_LINES:,} installations, each with an outcome of its own. Outcomes are sent as they are "
        "committed: whoever is cut off sends again what has none.",
        Scope.ACTIVATE,
        {"200": lines},
        (*_WITH_BODY, Code.BATCHES_BUSY),
        body="BatchOrder",
    )


def _give_back() -> dict[str, Any]:
    refusals = (Refusal.KEY_UNKNOWN, Refusal.PRODUCT_UNKNOWN, Refusal.KEY_BLOCKED, Refusal.TOO_MANY_TRIES)
    return _operation(
        "giveBack",
        "Give one activation back, with the code that its machine showed. Sent again it is answered again.",
        Scope.RETURN,
        {
            "201": _answer("Returned now.", "Returned"),
            "200": _answer("It had come back before; nothing was counted.", "Returned"),
        },
        (*_WITH_BODY, Code.INSTALLATION_ID_WRONG, Code.RETURN_CODE_MALFORMED, *refusals, *RETURN_FAULTS),
        body="ReturnOrder",
    )


def _list_keys() -> dict[str, Any]:
    return _operation(
        "listKeys",
        "The organisation's product keys, with what is left of each, by product and serial.",
        Scope.READ,
        {"200": _answer("Some keys.", "KeyPage")},
        (),
        parameters=(
            _parameter("limit", "query", _LIMIT, "Keys at most."),
            _parameter("after", "query", _KEY_ID, "The last key of the page before: `next` of its answer."),
        ),
    )


def _show_key() -> dict[str, Any]:
    return _operation(
        "showKey",
        "One product key of the organisation.",
        Scope.READ,
        {"200": _answer("The key.", "KeyState")},
        (Code.NOT_FOUND,),
        parameters=(_parameter("key", "path", _KEY_ID, "Its product's number and its serial."),),
    )


def _ask_for_more() -> dict[str, Any]:
    asked = _answer("Asked for; a person decides.", "AllowanceRequest")
    asked["headers"] |= _headers(("Location",))
    return _operation(
        "askForMore",
        "Ask for a bigger allowance of one of the organisation's keys.",
        Scope.REQUEST,
        {"202": asked},
        (*_WITH_BODY, Code.NOT_FOUND, Code.ASKED_ALREADY),
        body="AllowanceWish",
    )


def _show_request() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 1, "maximum": MOST_NUMBER}
    return _operation(
        "showAllowanceRequest",
        "What the organisation asked for, and what came of it.",
        Scope.REQUEST,
        {"200": _answer("The request as it stands.", "AllowanceRequest")},
        (Code.NOT_FOUND,),
        parameters=(_parameter("number", "path", number, "Its `id`."),),
    )


def _describe() -> dict[str, Any]:
    described = {
        "description": "OpenAPI 3.1.",
        "headers": _headers(("X-Request-Id",)),
        "content": {JSON: {"schema": {"type": "object"}}},
    }
    return {
        "operationId": "describe",
        "summary": "This description, for everybody.",
        "security": [],
        "responses": {"200": described, **_problems((Code.REQUEST_FAILED,))},
    }


def _operation(
    name: str,
    summary: str,
    scope: Scope,
    answers: Mapping[str, Any],
    codes: Iterable[Reason],
    *,
    body: str | None = None,
    parameters: Iterable[dict[str, Any]] = (),
) -> dict[str, Any]:
    """One operation; `body` is the schema of its body, `codes` are its problems beside those of every operation."""
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "description": f"Needs a token with the scope `{scope}`.",
        "parameters": list(parameters),
        "responses": {**answers, **_problems((*_EVERYWHERE, *codes))},
    }
    if body is not None:
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": _ref(body)}}}
        key = _parameter("Idempotency-Key", "header", _KEY_OF_REQUEST, "The same for every try of one request.")
        found["parameters"].append(key)
    return found


def _problems(codes: Iterable[Reason]) -> dict[str, Any]:
    """The problems of an operation by their statuses, each with the codes it may carry."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(status_of(code), []).append(code.value)
    return {
        str(int(status)): {
            "description": " or ".join(f"`{word}`" for word in words),
            "headers": _headers(_of_problem(status)),
            "content": {MEDIA_TYPE: {"schema": _ref("Problem")}},
        }
        for status, words in sorted(by_status.items())
    }


def _of_problem(status: int) -> tuple[str, ...]:
    more = {401: ("WWW-Authenticate",), 403: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
    return ("X-Request-Id", *more.get(status, ()))


def _answer(words: str, schema: str) -> dict[str, Any]:
    return {"description": words, "headers": _headers(_LIMITED), "content": {JSON: {"schema": _ref(schema)}}}


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _parameter(name: str, place: str, schema: Mapping[str, Any], words: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": words}
