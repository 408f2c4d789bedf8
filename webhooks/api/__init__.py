"""The API: the door for the programs of organisations, as `docs/api.md` describes it."""
