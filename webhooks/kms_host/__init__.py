"""The licence host on a customer's network: one process, one folder, no line and no database server."""
