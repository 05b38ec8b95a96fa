"""The day's news: what mechanisms and policies tell each other, gone by the next morning.

Mechanisms do not call one another about what happened to whom; each reads the news of the day and changes the facts it keeps.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sim.tables import NOBODY, Rows, union


class Today:
    """News of one day: rows under a heading, or items of any shape."""

    def __init__(self):
        self.closed_lines: list[int] = []  # by number
        self.opened_lines: list[int] = []
        self._rows: dict[Any, list[Rows]] = defaultdict(list)
        self._items: dict[str, list[tuple]] = defaultdict(list)
        self._numbers: Counter[Any] = Counter()
        self._in_order: set[Any] = set()  # headings whose one array is ascending, each row once

    def give(self, heading: Any, rows: Rows) -> None:
        """Something happened to `rows` today."""
        if len(rows):
            self._rows[heading].append(rows)
            self._in_order.discard(heading)
            self._numbers[heading] += len(rows)

    def rows(self, heading: Any) -> Rows:
        """To whom it happened today so far, ascending, each once."""
        given = self._rows.get(heading)
        if not given:
            return NOBODY
        if len(given) > 1 or heading not in self._in_order:
            given[:] = [union(*given)]
            self._in_order.add(heading)
        return given[0]

    def number(self, heading: Any) -> int:
        """How often it happened today so far; more often than to how many, where it happened to a child twice."""
        return self._numbers[heading]

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
        self._numbers.clear()
        self.closed_lines.clear()
        self.opened_lines.clear()
