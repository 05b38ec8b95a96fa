"""What the browser does for one picture of the room: both maps side by side, with 3,000 children each.

The page's own modules draw a made-up world in the machine's Chromium, without a screen and mostly without a graphics card: the worst case. Frames
a second depend on what else runs, so the measure is the processor time of a frame.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

import psutil

from experiments.bench.lines import Line, at_most

CHILDREN, DAYS, FRAMES = 3000, 60, 400
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
DRAW = """async ([children, days, frames]) => {
  const { Future } = await import("/room/days.js");
  const { Layout, MapView } = await import("/room/map.js");
  let lot = 1;
  const chance = () => (lot = Math.imul(lot, 1103515245) + 12345 >>> 0) / 4294967296;
  const places = Array.from({ length: 151 }, (_, id) => ({ id, name: `Place ${id}`, x: 300 * chance(), y: 500 * chance(), population: 30000, inside: id < 3 }));
  const people = Array.from({ length: children }, (_, id) => ({ id, home: id % 3 }));
  const layout = new Layout({ places, outline: [], children: people });
  layout.fit(700, 500, 1, "places");
  const lived = () => {
    const future = new Future(1, days, people, []);
    const bytes = new Uint8Array(2 * days * children + 8 * 40 * days);
    const state = new Uint8Array(children);
    const place = Uint8Array.from({ length: children }, (_, i) => i % 3);
    for (let day = 0; day < days; day++) for (let i = 0; i < children; i++) {
      if (chance() < 0.02) { // sixty a day go somewhere else
        state[i] = 6 * chance();
        place[i] = state[i] > 1 ? 151 * chance() : i % 3;
      }
      bytes[day * children + i] = place[i];
      bytes[(days + day) * children + i] = state[i];
    }
    const arcs = new DataView(bytes.buffer, 2 * days * children);
    for (let k = 0; k < 40 * days; k++) [k % 40, k % 3, (7 * k) % 151, k % 9].forEach((value, n) => arcs.setUint16(8 * k + 2 * n, value, true));
    future.add({ first: 1, days, n: children, arcs: new Array(days).fill(40), measures: 0 }, bytes);
    return future;
  };
  const maps = [lived(), lived()].map((future) => ({ future, view: new MapView(document.createElement("canvas"), layout) }));
  const times = [];
  for (let k = 0; k < frames; k++) {
    const begun = performance.now();
    for (const { future, view } of maps) {
      view.draw(future, 1 + (8 * k / 60) % (days - 2), 4); // eight days a second
      view.context.getImageData(0, 0, 1, 1); // it is drawn, and not only wished for
    }
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  return times[frames >> 1];
}"""


def measure(address: str) -> list[Line]:
    """The work for a frame, with the player of the room at an address; nothing where there is no Chromium or nobody to drive it."""
    chromium: Any = next((path for name in NAMES if (path := shutil.which(name))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return []
    if chromium is None:
        return []
    with sync_playwright() as playwright:
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"] if is_root else [])
        page = browser.new_page()
        page.goto(f"{address}/room/days.js")  # any page of the room's will do
        page.evaluate(DRAW, [CHILDREN, DAYS, 30])  # it is compiled
        before = _processor_time()
        median = page.evaluate(DRAW, [CHILDREN, DAYS, FRAMES])
        spent = 1e3 * (_processor_time() - before) / FRAMES
        browser.close()
    note = f"processor time of the whole browser, mean of {FRAMES} at 8 days a second, with making up the days; on the clock, median {median:.1f} ms"
    return [Line(f"a picture of two maps, {CHILDREN:,} children each", spent, "ms", at_most(16.0), note)]


def _processor_time() -> float:
    """Of all processes that this one has started [s]."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True) if "chrom" in child.name()]
    return sum(each.user + each.system for each in times)
