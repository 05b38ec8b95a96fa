"""One tab: what it looks at, what the player asked for, and what it was sent.

What comes from a browser is checked here: known names, numbers in their ranges, short texts, and not too much of it. A thread of the
session answers in order; whatever goes wrong there is told as one sentence, and the session goes on.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from sim.errors import InputError
from sim.ui import cards, child, export, lessons, results
from sim.ui.futures import Future, future, open_worlds
from sim.ui.store import Pair, Store

AHEAD = 60  # days beyond the one asked for that are sent without being asked
WAITING = 50  # messages of one tab that may wait; a browser that sends more is not our player
MOST_USES = 40  # of policies in one future
USUAL = [{"name": "return_interviews", "settings": {"coverage": 0.9}}, {"name": "key_worker", "settings": {"coverage": 0.6}}]
Send = Callable[[str, dict[str, Any], list[bytes]], None]


class Session:
    """What one tab looks at. `send(method, args, buffers)` reaches its player."""

    def __init__(self, store: Store, send: Send, exports: export.Exports):
        self.store, self._send, self.exports = store, send, exports
        self._asked: queue.Queue[tuple[str, Any] | None] = queue.Queue()
        self._sending = threading.RLock()
        self.pair: Pair | None = None
        self.sent = 0  # chunks
        self.followed: int | None = None
        self.closed = False
        self.thread = threading.Thread(target=self._answer, daemon=True)
        self.thread.start()

    # -- from the player -----------------------------------------------------------------------------------------------------

    def receive(self, method: str, args: Any) -> None:
        """A message of the player. Never raises: what cannot be is told to the player."""
        if self._asked.qsize() >= WAITING:
            self.tell("That was too much at once; wait a moment.")
        elif method not in METHODS or not isinstance(args, Mapping):
            self.tell("The page sent something that the room does not know; load it again.")
        elif method == "alive":  # at once: the thread that answers may be waiting for days to be lived
            n = args.get("n")
            self.send("alive", {"n": n if isinstance(n, (int, float)) else 0})
        else:
            self._asked.put((method, dict(args)))

    def close(self) -> None:
        """The tab is gone."""
        if not self.closed:
            self.closed = True
            self._look_at(None)
            self._asked.put(None)

    def _answer(self) -> None:
        while (asked := self._asked.get()) is not None and not self.closed:
            method, args = asked
            try:
                METHODS[method](self, args)
            except InputError as error:
                self.tell(str(error))
            except Exception as error:  # a defect here must not end the tab
                self.tell(f"Something went wrong here ({type(error).__name__}); load the page again.")

    # -- to the player -------------------------------------------------------------------------------------------------------

    def send(self, method: str, args: dict[str, Any], *buffers: bytes) -> None:
        """A message to the player, if there still is one. Buffers are compressed; with "packed" in `args` the first holds the rest of them, as JSON."""
        with self._sending, suppress(Exception):  # the tab may be closing while we send; there is nobody to tell
            if not self.closed:
                self._send(method, args, list(buffers))

    def tell(self, text: str) -> None:
        """One sentence to show."""
        self.send("problem", {"text": text})

    def _progress(self, text: str, done: int, total: int) -> None:
        self.send("progress", {"text": text, "done": done, "total": total})

    # -- what the player may ask ---------------------------------------------------------------------------------------------

    def start(self, args: dict[str, Any]) -> None:
        """Two futures of one world and one seed, each with its policies: a list of name, settings, and from which day to which."""
        mode = args.get("mode", "room")
        if mode == "results":
            self.send("results", {"studies": results.studies()})
        elif mode == "lessons":
            self.send("lessons", {"lessons": lessons.every_lesson()})
        elif mode != "about":
            lesson = lessons.lesson(args["lesson"]) if args.get("lesson") is not None else {}
            plan = future(args.get("world", lesson.get("world", "town")), args.get("seed", lesson.get("seed", 1)))
            a, b = (planned(plan, args.get(f"policies_{name}", lesson.get(name, usual))) for name, usual in (("a", []), ("b", USUAL)))
            self._show(a, b, _day(args, "day", a))

    def change(self, args: dict[str, Any]) -> None:
        """From some day on, a policy with these settings in one future; or, with settings None, no longer."""
        pair, which = self._pair(), args.get("future", "b")
        if which not in ("a", "b"):
            raise InputError(f"future is {which!r:.20}, but must be 'a' or 'b'.")
        both, day = {"a": pair.a, "b": pair.b}, args.get("from_day", pair.a.first_day)
        both[which] = both[which].changed(args.get("policy", ""), args.get("settings"), day)
        self._show(both["a"], both["b"], _day(args, "day", pair.a), from_day=day)

    def _show(self, a: Future, b: Future, day: int, from_day: int | None = None) -> None:
        pair = self.store.pair(a, b)
        setup = pair.packed_setup(self._progress)
        self._look_at(pair)
        self.sent, self.followed = 0, None
        self.send("setup", {"packed": True} | ({} if from_day is None else {"from_day": from_day}), setup)
        if from_day is None:
            self.send("cards", {"cards": cards.every_card(), "worlds": _worlds()})
            self.send("lessons", {"lessons": lessons.every_lesson()})
        self._send_until(day)
        pair.compare_with_other_seeds(self._tell_range)

    def need(self, args: dict[str, Any]) -> None:
        """Everything up to the chunk that holds a day, and a little further."""
        self._send_until(_day(args, "first", self._pair().a))

    def _send_until(self, day: int) -> None:
        pair = self._pair()
        until = min(pair.a.chunk_of(min(day + AHEAD, pair.a.last_day)), pair.a.chunks - 1)
        while self.sent <= until and not self.closed and not self._has_changed(pair):
            for args, buffer in pair.packed_messages(self.sent):
                self.send("chunk", args, buffer)
            self.sent += 1
            if self.followed is not None:
                self._tell_story()

    def _has_changed(self, pair: Pair) -> bool:
        """The next that the player asked for is another pair of futures: what is left of this one need not be sent."""
        with self._asked.mutex:
            return any(asked is None or asked[0] in ("start", "change") for asked in self._asked.queue)

    def follow(self, args: dict[str, Any]) -> None:
        """A child through both futures; its story grows with the chunks that are sent."""
        pair, who = self._pair(), args.get("id")
        if who is None:
            self.followed = None
            return
        number = len(pair.shown().key)
        if isinstance(who, bool) or not isinstance(who, int) or not 0 <= who < number:
            raise InputError(f"id is {who!r:.20}, but must be a whole number from 0 to {number - 1}.")
        self.followed = who
        self._tell_story()

    def _tell_story(self) -> None:
        assert self.followed is not None
        self.send("child", child.story(self._pair(), self.followed))

    def take_away(self, args: dict[str, Any]) -> None:
        """A year of both futures in one HTML file."""
        pair = self._pair()
        threading.Thread(target=self._export, args=(pair,), daemon=True).start()

    def _export(self, pair: Pair) -> None:
        try:
            messages = [("lessons", {"lessons": lessons_of(pair.a, pair.b)}), ("ribbons", {"ribbons": pair.ribbons()})]
            self.send("export", self.exports.make(pair, partial(self._progress, "The file to take away is being made"), messages))
        except InputError as error:
            self.tell(str(error))
        except Exception as error:  # or the page would wait for ever
            self.tell(f"The file could not be made ({type(error).__name__}).")

    # -- the range over other seeds --------------------------------------------------------------------------------------------

    def _look_at(self, pair: Pair | None) -> None:
        if self.pair is not None:
            self.store.want((self.pair.a, self.pair.b), wanted=False)
        self.pair = pair
        if pair is not None:
            self.store.want((pair.a, pair.b))

    def _tell_range(self, pair: Pair, ribbons: bytes) -> None:
        if self.pair is pair:
            self.send("ribbons", {"packed": True}, ribbons)

    def _pair(self) -> Pair:
        if self.pair is None:
            raise InputError("Nothing is shown yet; start with a world and a seed.")
        return self.pair


METHODS: dict[str, Callable[[Session, dict[str, Any]], None]] = {
    "start": Session.start, "change": Session.change, "need": Session.need, "follow": Session.follow, "export": Session.take_away,
    "alive": lambda *_: None,
}  # fmt: skip


def _day(args: Mapping[str, Any], name: str, plan: Future) -> int:
    """A day that the player names; the first one shown if it names none, and never beyond the last."""
    day = args.get(name, plan.first_day)
    if isinstance(day, bool) or not isinstance(day, (int, float)) or not abs(day) < 1e6:
        raise InputError(f"{name} is {day!r:.20}, but must be a day.")
    return min(max(int(day), plan.first_day), plan.last_day)


def planned(plan: Future, policies: Any) -> Future:
    """A future with the policies that a page or a link names. Raises InputError."""
    if not isinstance(policies, list) or len(policies) > MOST_USES or not all(isinstance(use, Mapping) for use in policies):
        raise InputError(f"policies must be a list of at most {MOST_USES} uses of policies.")
    for use in sorted(policies, key=lambda use: _day(use, "from_day", plan)):
        name = use.get("name", use.get("policy", ""))
        plan = plan.changed(name, use.get("settings") or {}, use.get("from_day", plan.first_day))
        if use.get("to_day") is not None:
            plan = plan.changed(name, None, use["to_day"])
    return plan


def lessons_of(a: Future, b: Future) -> list[dict[str, Any]]:
    """The lessons whose two futures these are: the texts of another would speak of a policy that is not there."""
    plan = replace(a, uses=())
    return [
        lesson for lesson in lessons.every_lesson()
        if (lesson["world"], lesson["seed"]) == (a.world.name, a.seed) and all(planned(plan, lesson[name]) == future for name, future in (("a", a), ("b", b)))
    ]  # fmt: skip


def _worlds() -> list[dict[str, str]]:
    return [{"name": name, "title": ", ".join(world.places.name[a] for a in world.authorities)} for name, world in open_worlds().items()]
