"""Take it away: both futures, a year, in one HTML file that plays with no Python and no network."""

from __future__ import annotations

import base64
import gzip
import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import __version__
from sim.errors import InputError
from sim.ui import child

if TYPE_CHECKING:
    from sim.ui.store import Pair

STATIC = Path(__file__).with_name("static")
CLASSIC = ("vendor/uPlot.iife.min.js",)  # scripts of others that are no modules
STYLES = ("vendor/uPlot.min.css", "style.css")
ENTRY = "player.js"
YEAR = 365  # days
STORIES = 60  # children whose story the file tells: those of whom most is to be told
KEPT = 12  # files that can still be fetched
POLICY = "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
IMPORT = re.compile(r"""((?:from|import)\s*\(?\s*["'])\./([\w.-]+\.js)(["'])""")


class Exports:
    """The files that were made, kept for a while, each under a name that cannot be guessed."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def make(self, pair: Pair, tell: Callable[[int, int], None], messages: list[tuple[str, dict[str, Any]]] | None = None) -> dict[str, str]:
        """Make the file of two futures; where it can be fetched, and the name to keep it under. Raises InputError."""
        page = file_of(pair, tell, messages or [])
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._files[token] = gzip.compress(page.encode(), 6)
            while len(self._files) > KEPT:
                self._files.popitem(last=False)
        return {"address": f"/export/{token}.html", "name": f"countylines-{pair.a.world.name}-{pair.a.seed}.html"}

    def get(self, token: str) -> bytes | None:
        """A file, compressed by gzip; None if there is none of this name any more."""
        with self._lock:
            return self._files.get(token)


def file_of(pair: Pair, tell: Callable[[int, int], None], messages: list[tuple[str, dict[str, Any]]]) -> str:
    """The file as text. Waits until the year is lived."""
    chunks = min(-(-YEAR // 28), pair.a.chunks)
    told = []
    for n in range(chunks):
        told += [{"args": args, "buffer": packed(buffer)} for args, buffer in pair.messages(n)]
        tell(n + 1, chunks)
    setup = pair.setup() | {"last_day": pair.a.days_of(chunks - 1)[1]}
    data = {
        "setup": setup, "chunks": told, "stories": packed(json.dumps(stories(pair), separators=(",", ":")).encode()), "messages": messages,
        "title": f"{setup['futures'][0]['title']} and {setup['futures'][1]['title']}", "made": date.today().isoformat(), "program": f"countylines {__version__}",
    }  # fmt: skip
    return page_of(data)


def stories(pair: Pair) -> dict[int, dict[str, Any]]:
    """The stories of the children of whom most is to be told, by id."""
    shown = pair.shown()
    eventful: dict[int, int] = {}
    for record in pair.records(0)[1:] + pair.records(1)[1:]:
        for key in record.events["child"].tolist():
            eventful[key] = eventful.get(key, 0) + 1
    ids = {int(key): n for n, key in enumerate(shown.key)}
    chosen = sorted((key for key in eventful if key in ids), key=lambda key: (-eventful[key], key))[:STORIES]
    return {ids[key]: child.story(pair, ids[key]) for key in chosen}


def packed(content: bytes) -> str:
    """Bytes as text: base64 of gzip, the same for the same bytes."""
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()


def page_of(data: dict[str, Any]) -> str:
    """One page with everything in it. Raises InputError where the player's files are missing."""
    modules = {path.name: _rewritten(_text(path)) for path in sorted(STATIC.glob("*.js"))}
    if ENTRY not in modules:
        raise InputError("The player's files are missing from this installation; install it again.")
    addresses = {f"room/{name}": f"data:text/javascript;base64,{base64.b64encode(text.encode()).decode()}" for name, text in modules.items()}
    styles = "\n".join(_text(STATIC / name) for name in STYLES if (STATIC / name).exists())
    classic = "\n".join(f"<script>{_text(STATIC / name)}</script>" for name in CLASSIC if (STATIC / name).exists())
    return f"""<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{escape(POLICY, quote=False)}">
<meta name="referrer" content="no-referrer">
<title>{escape(data["title"])} - countylines</title>
<style>{styles}</style>
<script type="importmap">{_json({"imports": addresses})}</script>
</head>
<body>
<div id="room"></div>
<script type="application/json" id="taken-away">{_json(data)}</script>
{classic}
<script type="module">
import {{ start }} from "room/{ENTRY}";
start(document.getElementById("room"), {{ takenAway: true }});
</script>
</body>
</html>
"""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _rewritten(text: str) -> str:
    """A module that imports the others by names that the page's import map knows: from a data address nothing is beside it."""
    return IMPORT.sub(r"\1room/\2\3", text)


def _json(what: Any) -> str:
    """Data inside a script element: no text in it may end the element."""
    return json.dumps(what, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
