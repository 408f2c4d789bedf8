"""Wrong tries are looked up by prefix: an index, alone so that nobody waits while it is built."""

from keys.migrations.steps import add_index

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_index("ix_guesses_prefix_at", "guesses", ["prefix", "at"])
