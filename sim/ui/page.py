"""The page: a Solara application with one part of our own, the player, which draws everything and to which Python sends days.

Solara gives each tab a session and a line to Python; nothing is animated from here. `open_room` is called by the server before the
first visitor comes.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import ipyvue
import reacton
import solara as _solara
import traitlets
from ipyvue.VueTemplateWidget import Events

from sim.errors import InputError
from sim.ui.export import Exports
from sim.ui.session import METHODS, Session
from sim.ui.store import Store

solara: Any = _solara  # it exports without saying so

STATIC = Path(__file__).with_name("static")
MODES = ("room", "lessons", "results", "about")


class Room:
    """What all tabs share."""

    store: Store | None = None
    exports = Exports()


def open_room(store: Store) -> None:
    """Let sessions have their futures from this store."""
    Room.store = store


def only_events(self: Any, _: Any, content: Any, buffers: Any) -> None:
    """What a browser may ask of a widget: the events that the widget names, with data, and nothing else.

    In its place ipyvue lets a message of the browser import any module and call any class of it ("create_widget"), and call any
    method that its state refers to: with that, every visitor could run programs here.
    """
    event = content.get("event") if isinstance(content, dict) else None
    if isinstance(event, str) and event in (self.events or []):
        data = content.get("data", {})
        getattr(self, f"vue_{event}")(data, buffers) if buffers else getattr(self, f"vue_{event}")(data)


Events._handle_event = only_events  # for Solara's own widgets too


class Bridge(ipyvue.VueTemplate):
    """The line between the player and its session."""

    template = traitlets.Unicode().tag(sync=True)
    address = traitlets.Unicode().tag(sync=True)  # of the player's entry
    mode = traitlets.Unicode().tag(sync=True)
    session: Session | None = None

    def vue_ask(self, data: Any) -> None:
        """A message of the player."""
        if self.session is not None and isinstance(data, dict):
            self.session.receive(str(data.get("method", ""))[:40], data.get("args", {}))

    def tell(self, method: str, args: dict[str, Any], buffers: list[bytes]) -> None:
        """A message to the player."""
        self.send({"method": "told", "args": [method, args]}, buffers)


TEMPLATE = """
<template>
  <div class="countylines-room" ref="room"></div>
</template>
<script>
module.exports = {
  mounted() {
    this.waiting = [];
    import(new URL(this.address, location.href).href).then((player) => {
      this.room = player.start(this.$refs.room, {
        mode: this.mode,
        send: (method, args) => this.ask({ method, args }),
        onmessage: (handler) => {
          this.handler = handler;
          this.waiting.splice(0).forEach((message) => handler(...message));
        },
      });
    });
  },
  beforeUnmount() {
    if (this.room && this.room.close) this.room.close();
  },
  methods: {
    jupyter_told(method, args, buffers) {
      if (this.handler) this.handler(method, args, buffers);
      else this.waiting.push([method, args, buffers]);
    },
  },
};
</script>
"""


@cache
def version() -> str:
    """A hash of the player's files: another address when they change, so that browsers may keep them."""
    sha = hashlib.sha256()
    for path in sorted(path for path in STATIC.glob("*") if path.is_file()):
        sha.update(path.name.encode() + path.read_bytes())
    return sha.hexdigest()[:12]


@solara.component
def Player(mode: str) -> None:
    """The player in one of its modes, with a session of its own."""
    solara.Title({"room": "The room", "lessons": "Lessons", "results": "Results", "about": "About"}[mode] + " - countylines")
    element = Bridge.element(template=TEMPLATE, address=f"/room/{version()}/player.js", mode=mode)

    def connect() -> Any:
        bridge: Any = reacton.get_widget(element)
        if Room.store is None:
            raise InputError("The room is not open yet.")
        bridge.session = Session(Room.store, bridge.tell, Room.exports)
        return bridge.session.close

    solara.use_effect(connect, [])


def _page(mode: str) -> Any:
    @solara.component
    def Page() -> None:
        Player(mode)

    return Page


@solara.component
def Layout(children: Any = None) -> Any:
    """Nothing around the player: no bar of Solara's, whose parts have no names for those who cannot see them."""
    return solara.Div(children=children or [], classes=["countylines"])


routes = [solara.Route(path="/" if mode == "room" else mode, component=_page(mode), layout=Layout) for mode in MODES]

__all__ = ["METHODS", "Bridge", "Layout", "Player", "open_room", "routes"]
