"""The API as one blueprint: its rooms behind one guard.

Rule: what stands here is described in `description`, and what is described stands here; a test holds them together.
"""

from __future__ import annotations

from flask import Blueprint

from webhooks.api import activations, allowance_requests, batch, description, key_list, returns
from webhooks.api.guards import NOWHERE, PREFIX, close_off, failed, guard, nowhere

rooms = Blueprint("api", __name__, url_prefix=PREFIX)
rooms.before_request(guard)
rooms.after_request(close_off)
rooms.register_error_handler(Exception, failed)
for error in NOWHERE:
    rooms.app_errorhandler(error)(nowhere)
for room in (activations.room, batch.room, key_list.room, allowance_requests.room, returns.room, description.room):
    rooms.register_blueprint(room)
