"""The day's news: what mechanisms and policies tell each other, gone by the next morning.

Mechanisms do not call one another about what happened to whom; each reads the news of the day and changes the facts it keeps.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sim.tables import NOBODY, Rows, union


class Today:
    """News of one day: rows under a heading, or items of any shape."""

    def __init__(self):
        self.closed_lines: list[int] = []  # by number
        self.opened_lines: list[int] = []
        self._rows: dict[Any, list[Rows]] = defaultdict(list)
        self._items: dict[str, list[tuple]] = defaultdict(list)
        self._in_order: dict[Any, Rows] = {}  # what was asked for since it was last given: ascending, each row once

    def give(self, heading: Any, rows: Rows) -> None:
        """Something happened to `rows` today."""
        if len(rows):
            self._rows[heading].append(rows)
            self._in_order.pop(heading, None)

    def rows(self, heading: Any) -> Rows:
        """To whom it happened today so far, ascending, each once."""
        if heading not in self._rows:
            return NOBODY
        if heading not in self._in_order:
            self._in_order[heading] = union(*self._rows[heading])
        return self._in_order[heading]

    def number(self, heading: Any) -> int:
        """How often it happened today so far; more often than to how many, where it happened to a child twice."""
        return sum(len(rows) for rows in self._rows.get(heading, ()))

    def post(self, heading: str, item: tuple) -> None:
        """An item of news with more to it than rows."""
        self._items[heading].append(item)

    def get(self, heading: str) -> list[tuple]:
        """The items posted under a heading today so far."""
        return self._items.get(heading, [])

    def turn(self) -> None:
        """A new morning."""
        self._rows.clear()
        self._items.clear()
        self._in_order.clear()
        self.closed_lines.clear()
        self.opened_lines.clear()
