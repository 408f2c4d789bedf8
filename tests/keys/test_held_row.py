"""One row that somebody holds, and more who want it than there are threads, while others come and go."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from keys.database import Database
from keys.unavailable import DatabaseUnavailable

THREADS, CALLERS = 8, 40
PATIENCE = 2.4
"""Threads and patience of a line, whose callers are to hear something within three seconds."""
WANTED = text("UPDATE allowances SET pending = pending WHERE key_id = :key")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_whoever_wants_a_row_that_is_held_is_told_in_time_however_many_they_are(database, mak, database_url):
    line, over = Database(database_url, patience=PATIENCE, connections=THREADS + 2), threading.Event()

    def others_come_and_go():
        served = 0
        while not over.wait(0.02):
            with line.begin() as connection:
                connection.execute(text("SELECT 1"))
            served += 1
        return served

    def wants_the_row(since):
        with pytest.raises(DatabaseUnavailable), line.begin() as connection:
            connection.execute(WANTED, {"key": mak.key.id})
        return time.monotonic() - since

    with database.begin() as holder, ThreadPoolExecutor(1) as aside, ThreadPoolExecutor(THREADS) as threads:
        holder.execute(WANTED, {"key": mak.key.id})
        others = aside.submit(others_come_and_go)
        waits = [threads.submit(wants_the_row, time.monotonic()) for _ in range(CALLERS)]
        try:
            slowest = max(wait.result() for wait in waits)
        finally:
            over.set()
    line.close()
    assert slowest < 3.0
    assert others.result() > 0, "nobody else was kept out"
