"""The operators' desk: its own application, cookie and login, over the line's database."""
