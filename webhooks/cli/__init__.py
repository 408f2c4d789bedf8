"""The `touchtone` command line."""
