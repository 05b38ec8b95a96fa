"""`bench room`: the browser's server under a class of people who look at it, each a client that speaks the page's own protocol.

Where there is a Chromium and Playwright, what it does for a picture is measured too (`drawing`). The rest is what the server gives: the first page, the wait after a change of policy,
memory of tabs that stand open and of tabs that come and go, and fifty who play the same lesson at once. Waits are on the clock, so they hold for a
machine that does nothing else; the load before is told.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import psutil

from experiments.bench import drawing
from experiments.bench.lines import Line, at_most
from experiments.bench.timing import ROOT, ContenderDied
from sim.errors import InputError

MEGABYTE = 1e6
PATIENCE = 120.0  # seconds for any one answer
FIRST_DAY, CHUNK = 366, 28
OTHERS = [{"name": "return_interviews", "settings": {"coverage": 0.9}, "from_day": FIRST_DAY}, {"name": "key_worker", "settings": {}, "from_day": FIRST_DAY}]


class Sizes(NamedTuple):
    """How many, of what is measured."""

    idle: int
    playing: int
    chunks: int  # that each who plays asks for
    pause: float  # seconds between them: the days of a chunk at eight a second
    waves: int
    in_a_wave: int
    changes: int


WHOLE, QUICK = Sizes(50, 50, 6, 3.5, 6, 25, 5), Sizes(2, 2, 2, 0.1, 2, 2, 1)


def measure(options: Namespace) -> list[Line]:
    """Everything, with one server."""
    try:
        import websockets  # noqa: F401
    except ModuleNotFoundError:
        raise InputError("bench room needs the browser's packages; 'make ui' installs them, or: pip install 'countylines[ui]'.") from None
    sizes = QUICK if options.quick else WHOLE
    with Room() as room:
        lines = asyncio.run(_measured(room, sizes))
        return lines + drawing.measure(f"http://{room.host}")


async def _measured(room: Room, sizes: Sizes) -> list[Line]:
    began = time.perf_counter()
    weight = room.load_page()
    tab = await Tab.opened(room)
    first_page = time.perf_counter() - began
    await tab.start(seed=1)
    first_picture = time.perf_counter() - began
    await tab.need(FIRST_DAY + 3 * CHUNK)
    spent = room.processor(workers=True)
    changes = [await tab.change(coverage) for coverage in np.linspace(0.1, 0.9, sizes.changes)]
    spent = room.processor(workers=True) - spent
    await tab.close()
    await asyncio.sleep(1.0)
    before = room.memory()
    idle = [await Tab.opened(room) for _ in range(sizes.idle)]
    for each in idle:
        await each.start(seed=1, rest=True)
    await asyncio.sleep(2.0)
    each_idle = (room.memory() - before) / sizes.idle
    process = room.memory()
    await asyncio.gather(*(each.close() for each in idle))
    waits, processor = await _lesson(room, sizes)
    waves = await _waves(room, sizes)
    return [
        Line("the server's start", room.start, "s", None, "until it says that the room is open, on the clock"),
        Line("first page", first_page, "s", at_most(5.0), f"the page, all that it loads ({weight / MEGABYTE:.1f} MB as sent) and its line to Python, from a server just started; drawing apart"),
        Line("first picture of a server just started", first_picture, "s", None, "with building the town and living the year before, in a worker"),
        Line("from a change of policy to the first picture", float(np.median(changes)), "s", at_most(2.0), f"median of {sizes.changes}: 28 new days lived, and both futures of 3,000 children sent anew"),
        Line("... processor time behind it", spent / sizes.changes, "s", None, "of the server and its workers, the one for other seeds apart; with the months that are lived ahead"),
        Line("memory of a tab that stands open", each_idle / MEGABYTE, "MB", at_most(2.0, 1.0), f"mean of {sizes.idle}, with the days that it was sent"),
        Line(f"the server with {sizes.idle} tabs", process / MEGABYTE, "MB", None, f"the workers apart, of which each has {room.workers_memory() / MEGABYTE:.0f} MB"),
        Line(f"{sizes.playing} tabs on one lesson: wait for a chunk, 95 of 100", float(np.quantile(waits, 0.95)), "s", at_most(1.0), f"median {np.median(waits):.2f} s, longest {np.max(waits):.2f} s; {len(waits):,} chunks of a future nobody had seen, each tab at 8 days a second"),
        Line("... processor time of the server for a tab's chunk", 1e3 * processor, "ms", None, "the simulation apart"),
        Line(f"memory after {sizes.waves} waves of {sizes.in_a_wave} tabs", waves / MEGABYTE, "MB more", at_most(10.0), "against after the first wave"),
    ]  # fmt: skip


async def _lesson(room: Room, sizes: Sizes) -> tuple[list[float], float]:
    """Fifty open the same two futures, which nobody has seen, and play; how long each waited for each chunk beyond the first."""
    tabs = [await Tab.opened(room) for _ in range(sizes.playing)]
    await asyncio.gather(*(tab.start(seed=2) for tab in tabs))
    before, waits = room.processor(), []

    async def play(tab: Tab, n: int) -> None:
        await asyncio.sleep(sizes.pause * n / len(tabs))
        for chunk in range(3, 3 + sizes.chunks):  # the player has what is sixty days ahead
            asked = time.perf_counter()
            await tab.need(FIRST_DAY + chunk * CHUNK)
            waits.append(time.perf_counter() - asked)
            await asyncio.sleep(max(0.0, sizes.pause - waits[-1]))

    await asyncio.gather(*(play(tab, n) for n, tab in enumerate(tabs)))
    processor = (room.processor() - before) / len(waits)
    await asyncio.gather(*(tab.close() for tab in tabs))
    return waits, processor


async def _waves(room: Room, sizes: Sizes) -> float:
    """Tabs come, play and go, wave after wave; how much more memory the server has after the last than after the first [bytes]."""
    after = []
    for _ in range(sizes.waves):
        tabs = [await Tab.opened(room) for _ in range(sizes.in_a_wave)]
        await asyncio.gather(*(tab.start(seed=1) for tab in tabs))
        await asyncio.gather(*(tab.close() for tab in tabs))
        await asyncio.sleep(3.0)  # closed sessions are cleared away
        after.append(room.memory())
    return float(after[-1] - after[0])


class Room:
    """`python -m sim ui` in a process of its own, at any port that is free. To be used in a `with`."""

    def __enter__(self) -> Room:
        began = time.perf_counter()
        command = [sys.executable, "-m", "sim", "ui", "--port", "0", "--no-open"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        found = re.search(r"http://([\w.:]+)/", self.process.stdout.readline())
        if found is None:
            raise ContenderDied("the room did not open.")
        self.host, self.start, self.cookie = found[1], time.perf_counter() - began, ""
        self.seen = psutil.Process(self.process.pid)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()

    def memory(self) -> int:
        """Of the server alone [bytes]."""
        return int(self.seen.memory_info().rss)

    def workers_memory(self) -> float:
        """Mean over the workers that there are [bytes]."""
        workers = [child.memory_info().rss for child in self.seen.children() if child.memory_info().rss > 50 * MEGABYTE]
        return float(np.mean(workers)) if workers else 0.0

    def processor(self, workers: bool = False) -> float:
        """Processor time so far of the server alone, or with those workers for whom somebody waits [s]."""
        total = 0.0
        for process in (self.seen, *(self.seen.children() if workers else ())):
            if process is self.seen or process.nice() == self.seen.nice():
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def load_page(self) -> int:
        """Get the page and what it names, as a browser does that has been here never; bytes as sent."""
        request = urllib.request.Request(f"http://{self.host}/", headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            self.cookie = "; ".join(cookie.partition(";")[0] for cookie in answer.headers.get_all("set-cookie"))
            body = answer.read()
            page = (gzip.decompress(body) if answer.headers["content-encoding"] == "gzip" else body).decode()
        total = len(body)
        named = set(re.findall(r"""(?:src|href)=["'](/[^"']+)["']""", page)) | {f"/room/{name}" for name in os.listdir(ROOT / "sim" / "ui" / "static") if name.endswith((".js", ".css"))}
        for path in sorted(named):
            with suppress(urllib.error.HTTPError), urllib.request.urlopen(urllib.request.Request(f"http://{self.host}{path}", headers={"Accept-Encoding": "gzip"}), timeout=PATIENCE) as answer:
                total += len(answer.read())
        return total


class Tab:
    """A browser's tab as the server sees one: Jupyter's protocol over a websocket, and in it the page's own messages."""

    def __init__(self, room: Room):
        self.room, self.kernel, self.page = room, str(uuid.uuid4()), str(uuid.uuid4())
        self.bridge = ""
        self.chunks: dict[tuple[str, int], int] = {}  # the last day of each chunk of this setup, by future and first day
        self.setups = 0
        self.line: Any = None
        self.reading: asyncio.Task[None]
        self._news = asyncio.Event()

    @classmethod
    async def opened(cls, room: Room) -> Tab:
        """Open a tab on the first page, until the player could start."""
        from websockets.asyncio.client import connect
        from websockets.typing import Origin

        tab = cls(room)
        address = f"ws://{room.host}/jupyter/api/kernels/{tab.kernel}/channels?session_id={tab.page}"
        tab.line = await connect(address, origin=Origin(f"http://{room.host}"), additional_headers={"Cookie": room.cookie}, max_size=None)
        tab.reading = asyncio.create_task(tab._read())
        await tab._send("kernel_info_request", {})
        control = str(uuid.uuid4())
        await tab._send("comm_open", {"comm_id": control, "target_name": "solara.control", "data": {}})
        await tab._send("comm_msg", {"comm_id": control, "data": {"method": "run", "args": {"path": "/", "appName": None}}})
        await tab._until(lambda: tab.bridge)
        return tab

    async def start(self, seed: int, rest: bool = False) -> None:
        """Two futures of the town, until their first days are there."""
        policies = OTHERS if not rest else OTHERS[:1]
        await self._ask("start", {"world": "town", "seed": seed, "policies_a": [], "policies_b": policies})
        await self._until(lambda: len(self.chunks) >= 2)

    async def change(self, coverage: float) -> float:
        """A policy of the second future changes on a day in its second month, after both were seen; the wait until that day is there in both [s]."""
        today = FIRST_DAY + CHUNK + 9
        await self.need(today)
        before, asked = self.setups, time.perf_counter()
        change = {"policy": "relocation", "settings": {"coverage": float(coverage)}, "from_day": today, "future": "b", "day": today}
        await self._ask("change", change)
        await self._until(lambda: self.setups > before and self._has(today))
        return time.perf_counter() - asked

    async def need(self, day: int) -> None:
        """A day of both futures, as the player asks for it."""
        await self._ask("need", {"first": day})
        await self._until(lambda: self._has(day))

    def _has(self, day: int) -> bool:
        return all(any(name == future and first <= day <= last for (future, first), last in self.chunks.items()) for name in "ab")

    async def close(self) -> None:
        """As a browser does when a tab is closed."""
        self.reading.cancel()
        await self.line.close()
        request = urllib.request.Request(f"http://{self.room.host}/_solara/api/close/{self.kernel}?session_id={self.page}", data=b"", method="POST", headers={"Cookie": self.room.cookie})
        with suppress(urllib.error.HTTPError):
            await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=PATIENCE).close())

    async def _ask(self, method: str, args: dict[str, Any]) -> None:
        await self._send("comm_msg", {"comm_id": self.bridge, "data": {"method": "custom", "content": {"event": "ask", "data": {"method": method, "args": args}}}})

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        header = {"msg_id": str(uuid.uuid4()), "username": "", "session": self.page, "msg_type": kind, "version": "5.3"}
        await self.line.send(json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}))

    async def _read(self) -> None:
        async for message in self.line:
            self._hear(decoded(message)["content"])
            self._news.set()

    def _hear(self, content: dict[str, Any]) -> None:
        data = content.get("data", {})
        if "address" in data.get("state", {}) and "mode" in data["state"]:
            self.bridge = content["comm_id"]
        if content.get("comm_id") != self.bridge or data.get("method") != "custom":
            return
        method, args = data["content"]["args"]
        if method == "setup":
            self.setups += 1
            self.chunks.clear()
        elif method == "chunk":
            self.chunks[args["future"], args["first"]] = args["first"] + args["days"] - 1
        elif method == "problem":
            raise ContenderDied(f"the room said: {args['text']}")

    async def _until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                if self.reading.done():
                    self.reading.result()
                    raise ContenderDied("the room closed a tab.")
                self._news.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 1.0)


def decoded(message: str | bytes) -> dict[str, Any]:
    """A message of Jupyter's protocol: JSON, alone or before its buffers."""
    if isinstance(message, str):
        return json.loads(message)
    number = int.from_bytes(message[:4], "big")
    starts = [int.from_bytes(message[4 * n + 4 : 4 * n + 8], "big") for n in range(number)]
    return json.loads(message[starts[0] : starts[1] if number > 1 else None])
