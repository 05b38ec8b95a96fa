"""A room in miniature: a small world under the name of the town, futures lived in this process, and a player that notes what it is sent."""

import json
import time
import zlib
from functools import partial

import pytest

from sim.ui import futures, lessons, session
from sim.ui import store as store_of_the_room
from sim.ui.export import Exports
from sim.ui.futures import CHUNK
from sim.ui.session import Session
from sim.ui.store import Store
from tests.worlds import world

SMALL = world(0.02, warm_up=30, days=30 + 2 * CHUNK)


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A store that lives futures here, kept for all tests: what one lived, another finds."""
    made = Store(workers=0, folder=tmp_path_factory.mktemp("room"))
    yield made
    made.close()


@pytest.fixture
def small_town(monkeypatch):
    """The room opens a small world instead of the town."""
    for module in (futures, session):
        monkeypatch.setattr(module, "open_worlds", lambda: {"town": SMALL})
    monkeypatch.setattr(store_of_the_room, "OTHER_SEEDS", 2)
    monkeypatch.setattr(lessons, "every_lesson", list)
    return SMALL


class Player:
    """What a tab is sent, and what it asks for."""

    def __init__(self, store: Store):
        self.sent: list[tuple[str, dict, list[bytes]]] = []
        self.session = Session(store, self._hear, Exports())

    def _hear(self, method, args, buffers):
        """Unpacks a message as the page does."""
        whole = [zlib.decompress(buffer) for buffer in buffers]
        self.sent.append((method, {**args, **json.loads(whole.pop(0))} if "packed" in args else args, whole))

    def __getattr__(self, method):
        return partial(self._ask, method)

    def _ask(self, method, **args):
        self.session.receive(method, args)

    def wait_for(self, method, number=1, seconds=60.0):
        """The newest of so many messages of a kind."""
        until = time.monotonic() + seconds
        while len(found := [args for name, args, _ in list(self.sent) if name == method]) < number:
            problems = [args["text"] for name, args, _ in list(self.sent) if name == "problem"]
            assert method == "problem" or not problems, problems
            assert time.monotonic() < until, f"no {method} came, but {[name for name, _, _ in self.sent]}"
            time.sleep(0.01)
        return found[-1]


@pytest.fixture
def player(store, small_town):
    """A tab."""
    made = Player(store)
    yield made
    made.session.close()
