"""The published description of the API: OpenAPI 3.1, with the schemas of the very types that read and write the bodies.

Rule: every route, every status and every code that can be answered stands here, and nothing else does; a test sends
what a machine can think of and holds the answers to it.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from flask import Blueprint, Response

from webhooks.api import bodies
from webhooks.api.guards import PREFIX, without_token
from webhooks.api.operations import HEADERS, JSON, paths
from webhooks.api.problems import Problem
from webhooks.door import exchange

_TYPES = (
    bodies.ActivationOrder,
    bodies.Activation,
    bodies.BatchOrder,
    bodies.BatchOutcome,
    bodies.BatchEnd,
    bodies.KeyPage,
    bodies.KeyState,
    bodies.ReturnOrder,
    bodies.Returned,
    bodies.AllowanceWish,
    bodies.AllowanceRequest,
    Problem,
)

room = Blueprint("description", __name__)


@room.get("/openapi.json")
@without_token
def openapi() -> Response:
    """The description, for everybody."""
    answer = Response(_encoded(exchange().wording.public_url), content_type=JSON)
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@cache
def _encoded(public_url: str) -> bytes:
    return msgspec.json.encode(description(public_url))


def description(public_url: str) -> dict[str, Any]:
    """The whole description, for a line that is reached under this address."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Touchtone activation API",
            "version": version("touchtone"),
            "description": "Activates installations of your organisation's product keys, one by one or in batches, "
            "and takes activations back.",
        },
        "servers": [{"url": public_url}],
        "security": [{"token": []}],
        "paths": {PREFIX + path: operations for path, operations in paths().items()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "ttk_ and 43 signs."}},
            "headers": HEADERS,
        },
    }
