"""`python -m webhooks.cli`: the same as `touchtone`."""

from webhooks.cli.main import main

main()
