"""What a serving process of a licence host is: one process, some threads, the folder named in the environment.

Rule: it opens no connection to anywhere, and needs none of a line's settings.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from webhooks import logs, server
from webhooks.kms_host.answering import Host
from webhooks.kms_host.folder import Folder
from webhooks.kms_host.wsgi import Application, application

FOLDER_VARIABLE = "TOUCHTONE_KMS_FOLDER"
THREADS = 8


def serving() -> Application:
    """The application of the serving process."""
    logs.configure()
    return application(Host(Folder(Path(os.environ[FOLDER_VARIABLE])), lambda: datetime.now(UTC)))


def serve(folder: Folder, host: str, port: int, threads: int = THREADS) -> None:
    """Serve a folder until the process is told to stop."""
    os.environ[FOLDER_VARIABLE] = str(folder.path)
    server.run("webhooks.kms_host.serving:serving", host=host, port=port, workers=1, threads=threads)
