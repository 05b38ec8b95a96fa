"""A pair of futures made up at random, in the form that the page plays: to look at the page, and to test it, without a simulation."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from sim.places import read_places

STATIC = Path(__file__).parents[2] / "sim/ui/static"
STATES = ["at home", "in care", "approached", "on a line", "missing", "in custody or hospital", "not in the world"]
AT_HOME, IN_CARE, APPROACHED, ON_A_LINE, MISSING, HELD = range(6)
FIRST, CHUNK = 366, 28
HOMES = ("Greenwich", "Medway", "Kent")
MARKETS = ("Norfolk", "Southend-on-Sea", "East Sussex", "Essex", "Thurrock", "Kent", "Medway")
MEASURES = [
    ("missing", "Missing now", "children", "stock"), ("on_line", "Exploited by a line now", "children", "stock"),
    ("recruited", "Made to work a line", "children", "flow"), ("identified", "Identified", "children", "flow"),
    ("cost", "Cost", "pounds", "cost"), ("lines", "Lines running now", "lines", "stock"),
]  # fmt: skip

Message = tuple[str, dict[str, Any], list[bytes]]


def number(status: str = "assumed") -> dict[str, Any]:
    """A declared number as the evidence drawer shows it."""
    found = {"title": "Children looked after in England", "publisher": "Department for Education", "year": "2025"} if status == "found" else {"title": "ASSUMED: no source was found", "publisher": "", "year": ""}
    return {"address": "missing.stays", "value": 0.6, "unit": "share", "low": 0.3, "high": 0.9, "status": status, "note": "", "address_of_source": "", **found}


def messages(children: int = 900, days: int = 56, seed: int = 1) -> list[Message]:
    """Setup, cards, lessons, all chunks, a ribbon and a child's story."""
    chance = np.random.default_rng(seed)
    places = read_places()
    index = {name: i for i, name in enumerate(places.name)}
    homes = chance.choice([index[name] for name in HOMES], size=children, p=[0.16, 0.18, 0.66])
    setup = {
        "version": 1, "world": {"name": "town", "title": "Greenwich, Medway and Kent", "fraction": 0.09}, "seed": seed,
        "scale": f"One dot is one child; {children} of 20,551 invented children are drawn.", "first_date": "2025-04-01", "first_day": FIRST, "last_day": FIRST + days - 1,
        "places": [{"id": i, "code": places.code[i], "name": places.name[i], "x": float(places.x_km[i]), "y": float(places.y_km[i]), "population": int(places.population_10_17[i]), "inside": places.name[i] in HOMES} for i in range(len(places))],
        "outline": [], "states": STATES,
        "children": [{"id": i, "key": f"{i:016x}", "home": int(homes[i]), "age": int(chance.integers(10, 18)), "girl": bool(chance.integers(2)), "looked_after_at_start": bool(i % 9 == 0), "from": 1} for i in range(children)],
        "measures": [{"name": n, "label": label, "unit": unit, "kind": kind, "definition": f"{label}, made up.", "source": "Made up.", "evidence": [number("found"), number()]} for n, label, unit, kind in MEASURES],
        "futures": [{"id": "a", "title": "Present practice", "policies": []}, {"id": "b", "title": "One worker who stays", "policies": [{"name": "key_worker", "title": "Key worker", "settings": {"coverage": 0.8, "stays": 0.4}, "changed": {"coverage": 0.8}, "from_day": FIRST, "to_day": None}]}],
    }  # fmt: skip
    sent: list[Message] = [("setup", setup, []), ("cards", {"cards": [card()], "worlds": [{"name": "town", "title": "Greenwich, Medway and Kent"}]}, []), ("lessons", {"lessons": [lesson(days)]}, [])]
    lived = {future: live(np.random.default_rng(seed), index, homes, days, gentler) for future, gentler in (("a", 1.0), ("b", 0.7))}
    for first in range(0, days, CHUNK):
        for future in ("a", "b"):
            sent.append(chunk(future, first, min(CHUNK, days - first), lived[future]))
    low = [8 + 4 * np.sin(day / 9) for day in range(days)]
    sent.append(("ribbons", {"ribbons": [{"measure": "missing", "first": FIRST, "low": low, "high": [x + 9 for x in low], "seeds": 8}]}, []))
    events = [{"day": FIRST + 3, "text": "Approached near school by somebody who runs a line.", "kind": "approached"}, {"day": FIRST + 9, "text": "Groomed: gifts, and a promise of money.", "kind": "groomed"}]
    sent.append(("child", {"id": 4, "futures": {"a": {"events": [*events, {"day": FIRST + 20, "text": "Sent away for five days, to Norfolk.", "kind": "missing"}]}, "b": {"events": events}}}, []))
    return sent


def card() -> dict[str, Any]:
    """One policy card."""
    sliders = [{"name": "coverage", "label": "Coverage", "whole": False, "step": 0.01, "evidence": number() | {"unit": "share of eligible occasions", "low": 0.0, "high": 1.0}}]
    return {"policy": "key_worker", "title": "Relationship-based key worker", "what": "One person who stays, for a child who is exploited or often missing.", "who": "The authority, or a charity it pays.", "evidence": "Uncontrolled for lines; medium for mentoring in general.", "grade": "low", "sliders": sliders}


def lesson(days: int) -> dict[str, Any]:
    """One short lesson."""
    source = {"id": "K140", "title": "County Lines are changing to become more localised", "publisher": "The Conversation", "year": "2021/22", "address": ""}
    return {
        "id": "one_worker_who_stays", "title": "One worker who stays", "summary": "What changes when one person stays.", "minutes": 10,
        "scenes": [
            {"title": "Before", "day": FIRST, "text": "A town at the beginning of the year.\n\nNobody has been told anything.", "question": "Who would notice first?", "notes": "Let two people speak.", "sources": [source]},
            {"title": "Predict", "day": FIRST + 10, "show": "a", "people": "on a line", "text": "Half a year on.", "predict": {"measure": "missing", "ask": "How many children are missing in the right future?", "until": FIRST + min(40, days - 1), "after": "Compare the range."}},
        ],
    }  # fmt: skip


def live(chance, index, homes, days: int, risk: float):
    """Places and states by day, arcs and numbers."""
    n = len(homes)
    state, place = np.zeros((days, n), np.uint8), np.tile(homes.astype(np.uint8), (days, 1))
    state[:, ::9] = IN_CARE
    place[:, ::27] = index["East Sussex"]
    markets = [index[name] for name in MARKETS]
    numbers = np.zeros((len(MEASURES), days), np.float32)
    for child in range(0, n, 4):
        day = int(chance.integers(0, days))
        draw, market, length = chance.random(), markets[chance.integers(len(markets))], int(chance.integers(3, 20))
        if draw > 0.5 * risk:
            continue
        if draw < 0.12:
            state[day : day + 6, child] = APPROACHED
            state[day + 6 : day + 6 + length, child] = ON_A_LINE
            state[day + 9 : day + 9 + length // 3, child] = MISSING
            place[day + 9 : day + 9 + length // 3, child] = market
            numbers[2, day] += 1
        elif draw < 0.17:
            state[day : day + length, child] = HELD
        else:
            state[day : day + 1 + length // 5, child] = MISSING
    lines = [(line, index[HOMES[line % 3]] if line % 2 else index["Greenwich"], markets[line % len(markets)]) for line in range(9)]
    on_lines = (state == ON_A_LINE).sum(axis=1)
    arcs = [[(line, start, end, int(on_lines[day] * (line + 1) / 45)) for line, start, end in lines] for day in range(days)]
    numbers[0], numbers[1], numbers[3] = (state == MISSING).sum(axis=1), on_lines, numbers[2] * 0.4
    numbers[4], numbers[5] = 41000 * (1.1 if risk < 1 else 1.0) + 900 * numbers[0], len(lines)
    return place, state, arcs, numbers


def chunk(future: str, first: int, days: int, lived) -> Message:
    """Some days as a header and one buffer."""
    place, state, arcs, numbers = lived
    rows = [row for day in arcs[first : first + days] for row in day]
    header = {"future": future, "first": FIRST + first, "days": days, "n": place.shape[1], "arcs": [len(day) for day in arcs[first : first + days]], "measures": len(MEASURES)}
    parts = [place[first : first + days], state[first : first + days], np.array(rows, dtype="<u2"), np.ascontiguousarray(numbers[:, first : first + days], dtype="<f4")]
    return "chunk", header, [b"".join(part.tobytes() for part in parts)]


def packed(data: bytes) -> str:
    """Bytes as gzip in base64."""
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def page(sent: list[Message]) -> str:
    """One HTML file that plays the messages, as the page's own export does."""
    chunks = [{"args": args, "buffer": packed(buffers[0])} for method, args, buffers in sent if method == "chunk"]
    stories = {args["id"]: args for method, args, _ in sent if method == "child"}
    rest = [[method, args] for method, args, _ in sent if method not in ("setup", "chunk", "child")]
    taken = {"setup": sent[0][1], "chunks": chunks, "stories": packed(json.dumps(stories).encode()), "messages": rest}
    modules = {f"./{path.name}": path.read_text() for path in STATIC.glob("*.js")}
    names = {name: f"countylines/{name[2:]}" for name in modules}
    for name, text in modules.items():
        for relative, bare in names.items():
            text = text.replace(f'from "{relative}"', f'from "{bare}"')
        modules[name] = "data:text/javascript;base64," + base64.b64encode(text.encode()).decode()
    imports = json.dumps({"imports": {names[name]: address for name, address in modules.items()}})
    css = (STATIC / "vendor/uPlot.min.css").read_text() + (STATIC / "style.css").read_text()
    return f"""<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>countylines</title><style>{css}</style>
<script>{(STATIC / "vendor/uPlot.iife.min.js").read_text()}</script><script type="importmap">{imports}</script></head>
<body><div id="room"></div><script type="application/json" id="taken-away">{json.dumps(taken, default=float).replace("</", "<\\/")}</script>
<script type="module">import {{ start }} from "countylines/player.js"; globalThis.room = await start(document.getElementById("room"), {{ takenAway: true }});</script>
</body></html>"""


if __name__ == "__main__":
    import sys

    Path(sys.argv[1]).write_text(page(messages(*(int(word) for word in sys.argv[2:]))))
