"""What the caller hears, and what comes next: the dialogue, cases, calls and the one turn function."""
