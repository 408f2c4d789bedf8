"""The first row from a moment on, in a table whose rows are written in the order of their ids.

The rule it keeps: it needs no index but that on the ids. A row may be out of order by as long as its transaction took,
so whoever asks allows for that.
"""

from datetime import datetime

from sqlalchemy import Connection, Table, func, select


def first_since(connection: Connection, table: Table, when: str, at: datetime) -> int:
    """The id of the first row whose column `when` is `at` or later; one past the last id where there is none."""
    low, high = 1, int(connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            select(table.c.id, table.c[when]).where(table.c.id >= middle).order_by(table.c.id).limit(1)
        ).one()
        low, high = (row[0] + 1, high) if row[1] < at else (low, middle)
    return low
