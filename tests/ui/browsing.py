"""A page that is watched: what it asks for, what it complains about, and what axe finds in it."""

from __future__ import annotations

from typing import Any

import pytest

WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 320, "height": 640}


class Watched:
    """A page of which everything that it asks for and complains about is kept."""

    def __init__(self, browser, **context: Any):
        self.context = browser.new_context(viewport=context.pop("viewport", WIDE), locale="en-GB", **context)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, address: str):
        """The page at an address, when the room has its first day."""
        self.page.goto(address)
        self.page.wait_for_function("globalThis.room?.setup")
        return self.page

    def strangers(self) -> list[str]:
        """What was asked of another machine."""
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1", "ws://127.0.0.1", "http://localhost"))]


def violations(page) -> list[str]:
    """What axe finds against WCAG 2.2, levels A and AA."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed").Axe()
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = axe.run(page, options={"runOnly": {"type": "tag", "values": levels}, "resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]
