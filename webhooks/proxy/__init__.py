"""The administrator's console: it collects installation IDs, asks for all at once, and hands out the answers."""
