"""How many texts a day may go out: to one number, to its neighbours, to one country, in all.

Rule: a text is counted in the transaction that writes it, against every limit or against none, so that neither a pump
of texts nor a loop with another machine costs more than the settings say. Days are UTC's.
"""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, String, Table

from keys.database import metadata

text_counts = Table(
    "text_counts",
    metadata,
    Column("day", Date, primary_key=True),
    Column("scope", String(8), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("texts", Integer, nullable=False),
)
