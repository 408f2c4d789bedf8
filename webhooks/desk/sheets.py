"""The queue as pages get it: looked at once for everybody, drawn once a language and choice, and pushed as news of it.

Rule: a sheet holds nothing that is one operator's own, and what did not change is neither drawn nor sent again: two
hundred cases on twenty desks must not slow the line.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import render_template
from sqlalchemy import Connection, func, select

from ivr.lines import Lines
from ivr.queue import desk_events
from webhooks.desk import words
from webhooks.desk.board import TARGET, Board, Row, digest, look
from webhooks.page_texts import languages, reading

Chosen = tuple[str, str, str]
"""Channel and line (by its name) that a page shows alone, "" for all; and the locale it is read in."""
FRESH = timedelta(seconds=1)
PARTS = {"board-said": "_board_said.html", "board-empty": "_board_empty.html", "board-beside": "_board_beside.html"}
"""What stands around the rows, by its id on the page, and its template."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The queue as one choice shows it: rows in order, by handoff, as they are and as they are drawn."""

    mark: str
    rows: dict[int, Row]
    drawn: dict[int, str]
    parts: dict[str, str]


def chosen_of(asked: Mapping[str, str], lines: Lines, locale: str) -> Chosen:
    """What a page of a locale asks to see, from its address; all of what it asks for in vain."""
    channel, line = asked.get("channel", ""), asked.get("line", "")
    known = {each.name for each in lines.all}
    return channel if channel in words.CHANNELS else "", line if line in known else "", locale


class Sheets:
    """One for each app; drawing needs the app's context."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._board: Board | None = None
        self._pages: dict[Chosen, str] = {}
        self._drawn: dict[tuple[str, int], tuple[Row, str]] = {}
        self._sheets: dict[Chosen, tuple[_Sheet, _Sheet | None]] = {}
        self._told: dict[tuple[Chosen, str | None], bytes] = {}

    def board(self, connection: Connection, lines: Lines, now: datetime, *, anew: bool = False) -> Board:
        """The queue as it is now: the last look of the same second, unless something changed or it must be `anew`."""
        newest = connection.execute(select(func.max(desk_events.c.id))).scalar() or 0
        with self._lock:
            last = self._board
            if anew or last is None or last.newest != newest or not timedelta(0) <= now - last.at < FRESH:
                last = self._board = look(connection, lines, newest, now)
                self._pages.clear()
            return last

    def page(self, board: Board, chosen: Chosen) -> str:
        """The part of the queue's page that changes, drawn once for all who look with the same choice."""
        with self._lock:
            page = self._pages.get(chosen) if board is self._board else None
            if page is None:
                rows = _rows(board, chosen)
                page = render_template("_board.html", mark=_mark(board, chosen, rows), **_names(board, chosen, rows))
            if board is self._board:
                self._pages[chosen] = page
            return page

    def push(self, board: Board, choices: Iterable[Chosen]) -> None:
        """Draw the sheet of every choice anew where it is another than before; those of other choices are forgotten."""
        with self._lock:
            drawn: dict[tuple[str, int], tuple[Row, str]] = {}
            sheets: dict[Chosen, tuple[_Sheet, _Sheet | None]] = {}
            for chosen in choices:
                now, before = self._sheets.get(chosen, (None, None))
                rows = {row.handoff_id: row for row in _rows(board, chosen)}
                mark = _mark(board, chosen, rows.values())
                with reading(languages("desk")[chosen[2]]):
                    for handoff_id, row in rows.items():
                        key = chosen[2], handoff_id
                        if key not in drawn:
                            drawn[key] = self._as_drawn(key, row)
                    if now is None or now.mark != mark:
                        names = _names(board, chosen, tuple(rows.values()))
                        parts = {part: render_template(template, **names) for part, template in PARTS.items()}
                        texts = {handoff_id: drawn[chosen[2], handoff_id][1] for handoff_id in rows}
                        now, before = _Sheet(mark, rows, texts, parts), now
                        self._told = {key: told for key, told in self._told.items() if key[0] != chosen}
                sheets[chosen] = (now, before)
            self._sheets, self._drawn = sheets, drawn

    def lacking(self, chosen: Chosen, mark: str) -> tuple[str, bytes]:
        """The mark of the sheet as it was pushed last, and what a page with this mark lacks of it: JSON, or nothing.

        `was` is the mark that the rest goes on from, null where it is the whole; `rows` holds what is new or different.
        """
        with self._lock:
            now, before = self._sheets.get(chosen, (None, None))
            if now is None or now.mark == mark:
                return mark, b""
            known = before if before is not None and before.mark == mark else None
            key = (chosen, None if known is None else mark)
            if key not in self._told:
                self._told[key] = _told(now, known)
            return now.mark, self._told[key]

    def _as_drawn(self, key: tuple[str, int], row: Row) -> tuple[Row, str]:
        """A row, drawn anew where it is another than before. How long it has waited by then, the page counts itself."""
        known = self._drawn.get(key)
        if known is not None and (known[0] is row or known[0] == row):
            return known
        return row, render_template("_board_row.html", row=row, target=int(TARGET.total_seconds()))


def _rows(board: Board, chosen: Chosen) -> tuple[Row, ...]:
    channel, line, _ = chosen
    return board.only(channel, line)


def _told(now: _Sheet, before: _Sheet | None) -> bytes:
    rows, parts = ({}, {}) if before is None else (before.rows, before.parts)
    told = {
        "was": None if before is None else before.mark,
        "is": now.mark,
        "order": list(now.rows),
        "rows": {id_: now.drawn[id_] for id_, row in now.rows.items() if rows.get(id_) != row},
        "parts": {name: part for name, part in now.parts.items() if parts.get(name) != part},
    }
    return json.dumps(told).encode()


def _mark(board: Board, chosen: Chosen, rows: Iterable[Row]) -> str:
    """The same for the same content, in whichever process it is drawn."""
    marks = [row.mark for row in rows]
    return digest((chosen[2], marks, len(board.rows), board.waiting, board.owed, board.present))


def _names(board: Board, chosen: Chosen, rows: tuple[Row, ...]) -> dict[str, object]:
    return {"board": board, "rows": rows, "target": int(TARGET.total_seconds()), "narrowed": any(chosen[:2])}
