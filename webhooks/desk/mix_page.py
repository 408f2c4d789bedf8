"""How organisations are licensed: activations by multiple activation key beside the licence hosts they run.

Rule: it only looks, and names organisations and keys by their last five signs; nothing of it is published.
"""

from __future__ import annotations

from flask import Blueprint, render_template

from ivr.operators import Role
from keys.mix import mixes
from webhooks.desk.guards import here, least

room = Blueprint("mix_page", __name__, url_prefix="/desk")


@room.get("/licences")
@least(Role.SUPERVISOR)
def page() -> str:
    """The page."""
    with here().database.read() as connection:
        found = mixes(connection)
    return render_template("mix.html", mixes=found)
