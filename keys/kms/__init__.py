"""The licence host and its clients: what they say to one another, and what opens a host."""
