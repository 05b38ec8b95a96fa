"""The store of what has been lived: a class of fifty that looks at one scenario costs one simulation.

Futures are lived in worker processes, never in the server. Each part of a future is asked for once, whoever asks how often
(single flight), and kept while there is room; what decides a part is its key, so futures share all days before they part. Workers
that live what somebody waits for, and one of low priority for the range over other seeds, end with the server, however it ends.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import shutil
import tempfile
import threading
import weakref
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from concurrent.futures import Future as Promise
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count as counting
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import InputError
from sim.ui import futures, measures
from sim.ui.futures import GREATEST_SEED, Future, Record, Tell
from sim.ui.measures import MEASURES
from sim.ui.shown import Message, Shown
from sim.workers import leave_ctrl_c

MEMORY = 96 * 2**20  # bytes of records that are kept
PAIRS = 48  # of futures of which the messages are kept, compressed
DISK = 1 << 30  # bytes of checkpoints
PATIENCE = 180.0  # seconds after which a part that does not come is given up
SOON, LATER = 0, 1
OTHER_SEEDS = 8
RANGE_CHUNKS = 14  # a year of the range over other seeds
AHEAD = 4  # chunks that are lived ahead of the one that a player gets
GAVE_UP = "The simulation of these days did not end in time; try again, or choose another seed."
ENDED = "A worker that simulates ended unexpectedly; try again."


DO: dict[str, Any] = {"begin": futures.begin, "live": futures.live, "count": futures.count, "get ready": futures.get_ready}

# -- workers -----------------------------------------------------------------------------------------------------------------


def work(line: Connection, folder: Path, low: bool) -> None:
    """A worker: does what comes down the line until its parent is gone."""
    leave_ctrl_c()
    if low and hasattr(os, "nice"):
        os.nice(10)
    with suppress(EOFError, BrokenPipeError):
        while True:
            name, arguments = line.recv()
            line.send(do(name, (*arguments, folder, lambda *told: line.send(("told", told)))))


def do(name: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    """One job: "done" with what it brings, or "failed" with a sentence; a defect of the model must not take the worker away from everybody."""
    try:
        return "done", DO[name](*arguments)
    except InputError as error:
        return "failed", str(error)
    except Exception as error:
        return "failed", f"The simulation failed ({type(error).__name__}: {error})."


@dataclass(order=True)
class Job:
    """Something to do, for whoever waits for the promise."""

    priority: int
    serial: int
    name: str = field(compare=False)
    arguments: tuple[Any, ...] = field(compare=False)
    promise: Promise = field(compare=False)
    listeners: list[Tell] = field(compare=False)
    wanted: Callable[[], bool] = field(compare=False, default=lambda: True)
    once: threading.Lock = field(compare=False, default_factory=threading.Lock)  # shared by a job and its more urgent twin: one of them is done

    def tell(self, *told: Any) -> None:
        """How far it is, to all who wait and want to know."""
        for listener in tuple(self.listeners):
            listener(*told)


class Workers:
    """Some processes, and the queue that they share: what is waited for first, then in the order of asking.

    A process begins with its first job. With a number of 0 everything is done here, in a thread: for tests, and where no process may begin.
    """

    def __init__(self, number: int, folder: Path, low: bool = False):
        self.jobs: queue.PriorityQueue[Job] = queue.PriorityQueue()
        self.folder, self.low, self.here, self.closed = folder, low, number == 0, False
        self.number = max(number, 1)
        self.processes: dict[int, Any] = {}
        for n in range(self.number):
            threading.Thread(target=self._serve, args=(n,), daemon=True, name=f"worker {n}").start()

    def _serve(self, n: int) -> None:
        """A thread for each process: hands it one job after the other."""
        line: Connection | None = None
        while True:
            job = self.jobs.get()
            if not job.once.acquire(blocking=False):
                continue
            if self.closed or not job.wanted():
                job.promise.cancel()
            if not job.promise.set_running_or_notify_cancel():
                continue
            if self.here:
                _settle(job.promise, *do(job.name, (*job.arguments, self.folder, job.tell)))
                continue
            try:
                line = line or self._begin(n)
                line.send((job.name, job.arguments))
                while (said := line.recv())[0] == "told":
                    job.tell(*said[1])
                _settle(job.promise, *said)
            except (EOFError, OSError):
                line = None
                job.promise.set_exception(InputError(ENDED))

    def _begin(self, n: int) -> Connection:
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self.folder, self.low), daemon=True)
        process.start()
        theirs.close()
        self.processes[n] = process
        return mine

    def close(self) -> None:
        """End them all."""
        self.closed = True
        for process in self.processes.values():
            process.kill()


def _settle(promise: Promise, how: str, what: Any) -> None:
    if how == "done":
        promise.set_result(what)
    else:
        promise.set_exception(InputError(what))


# -- the store -----------------------------------------------------------------------------------------------------------------


class Store:
    """Records of futures, lived once and kept while there is room."""

    def __init__(self, workers: int | None = None, folder: Path | None = None, memory: int = MEMORY, disk: int = DISK):
        self.folder = Path(folder or tempfile.mkdtemp(prefix="countylines-room-"))  # only its owner reads and writes it: checkpoints are programs
        self._own_folder = folder is None
        self.memory, self.disk = memory, disk
        self.lived = Counter[str]()  # how often each kind of job was begun; what single flight saves is seen here
        self._serial, self._lock = counting(), threading.RLock()
        self._kept: OrderedDict[tuple[Any, ...], tuple[Promise, Job]] = OrderedDict()
        self._pairs: OrderedDict[tuple[str, str], Pair] = OrderedDict()
        self._queued: set[tuple[Any, ...]] = set()  # what waits in the workers' queue, or is at work
        self._wanted: Counter[str] = Counter()
        number = max(1, min(4, os.cpu_count() or 1)) if workers is None else workers
        self.soon, self.background = Workers(number, self.folder), Workers(min(number, 1), self.folder, low=True)

    def close(self) -> None:
        """End the workers and clear the folder away."""
        self.soon.close()
        self.background.close()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def get_ready(self) -> None:
        """Have every process of the workers that are waited for begin, and load what it needs, before somebody waits for it."""
        for _ in range(self.soon.number - 1):  # the first has something better to do
            self.soon.jobs.put(Job(LATER, next(self._serial), "get ready", (), Promise(), []))

    # -- parts of futures --------------------------------------------------------------------------------------------------

    def begun(self, plan: Future, tell: Tell | None = None) -> Promise:
        """A promise of the record of all that came before the first day shown."""
        plan = plan.until(plan.first_day - 1)
        return self._once(("begin", plan.key), "begin", (plan,), SOON, tell)

    def record(self, plan: Future, chunk: int, priority: int = SOON) -> Promise:
        """A promise of the record of a chunk. Each is lived once, after the chunk before."""
        first, last = plan.days_of(chunk)
        before, plan = plan.until(first - 1), plan.until(last)
        key = ("live", plan.key, chunk)
        with self._lock:
            if key in self._kept or futures.path_of(before, first - 1, self.folder).exists():
                return self._once(key, "live", (plan, chunk), priority)
            return self._once(key, "live", (plan, chunk), priority, after=self.record(plan, chunk - 1, priority) if chunk else self.begun(plan))

    def numbers(self, plan: Future, chunks: int) -> Promise:
        """A promise of the measures alone, in the background; it is broken if by then nobody wants it any more."""
        return self._once(("count", plan.key, chunks), "count", (plan, chunks), LATER)

    def _once(self, key: tuple[Any, ...], name: str, arguments: tuple[Any, ...], priority: int, tell: Tell | None = None, after: Promise | None = None) -> Promise:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                kept, job = self._kept[key]
                if tell is not None and not kept.done():
                    job.listeners.append(tell)
                if priority < job.priority:  # now somebody waits for it
                    job = replace(job, priority=priority, once=job.once)
                    self._kept[key] = kept, job
                    if key in self._queued:
                        self.soon.jobs.put(job)
                return kept
            promise: Promise = Promise()
            job = Job(priority, next(self._serial), name, arguments, promise, [] if tell is None else [tell])
            workers = self.soon
            if name == "count":
                workers, job.wanted = self.background, lambda: self._wanted[replace(arguments[0], seed=0).key] > 0
            self._kept[key] = promise, job
            promise.add_done_callback(lambda done: self._make_room(key, done))
        if after is None:
            self._submit(workers, key)
        else:
            after.add_done_callback(lambda done: self._submit(workers, key) if not failed(done) else promise.set_exception(InputError(_why(done))))
        return promise

    def _submit(self, workers: Workers, key: tuple[Any, ...]) -> None:
        with self._lock:
            job = self._kept[key][1]
            self._queued.add(key)
            self.lived[job.name] += 1
            workers.jobs.put(job)

    def _make_room(self, key: tuple[Any, ...], promise: Promise) -> None:
        """What failed may be asked for again; what is done takes room, and the oldest makes room for it."""
        with self._lock:
            self._queued.discard(key)
            if key in self._kept:
                self._kept[key][1].listeners.clear()  # who waited is told, and may go
            if failed(promise):
                self._kept.pop(key, None)
                return
            sizes = {key: each.result().nbytes for key, (each, _) in self._kept.items() if each.done() and not failed(each)}
            total = sum(sizes.values())
            for old, size in sizes.items():
                if total <= self.memory:
                    break
                if old != key:
                    del self._kept[old]
                    total -= size
        self._clear_disk()

    def _clear_disk(self) -> None:
        """The checkpoints that were longest not gone on from make room."""
        files = []
        for path in self.folder.glob("*.model"):
            with suppress(OSError):
                files.append((path.stat().st_mtime, path.stat().st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.disk:
                break
            with suppress(OSError):
                path.unlink()
                total -= size

    @property
    def nbytes(self) -> int:
        """Memory of what is kept."""
        with self._lock:
            return sum(each.result().nbytes for each, _ in self._kept.values() if each.done() and not failed(each))

    # -- two futures side by side --------------------------------------------------------------------------------------------

    def pair(self, a: Future, b: Future) -> Pair:
        """Two futures, whoever looks at them."""
        with self._lock:
            key = a.key, b.key
            if key not in self._pairs:
                self._pairs[key] = Pair(self, a, b)
            self._pairs.move_to_end(key)
            while len(self._pairs) > PAIRS:
                self._pairs.popitem(last=False)
            return self._pairs[key]

    # -- other seeds -----------------------------------------------------------------------------------------------------------

    def want(self, plans: Iterable[Future], wanted: bool = True) -> None:
        """Somebody looks at these futures, or no longer: other seeds of futures that nobody looks at are not lived."""
        with self._lock:
            for plan in plans:
                self._wanted[replace(plan, seed=0).key] += 1 if wanted else -1
            self._wanted = +self._wanted  # without those that nobody wants


def failed(promise: Promise) -> bool:
    """Is it over, and not well? Never waits."""
    return promise.done() and _is_broken(promise)


def _is_broken(promise: Promise) -> bool:
    return promise.cancelled() or promise.exception() is not None


def _why(promise: Promise) -> str:
    return ENDED if promise.cancelled() else str(promise.exception())


def result(promise: Promise) -> Any:
    """What a promise brings. Raises InputError with a sentence for the page where it does not."""
    try:
        return promise.result(PATIENCE)
    except TimeoutError:
        raise InputError(GAVE_UP) from None
    except CancelledError:
        raise InputError(ENDED) from None


class Pair:
    """The messages of two futures, made once for everybody who looks at them, and kept compressed."""

    def __init__(self, store: Store, a: Future, b: Future):
        self.store, self.a, self.b = store, a, b
        self._lock = threading.Lock()
        self._shown: Shown | None = None
        self._setup = b""
        self._messages: list[list[tuple[dict[str, Any], bytes]]] = []
        self._lock_of_seeds = threading.Lock()
        self._listeners: list[weakref.WeakMethod[Callable[[Pair, bytes], None]]] = []
        self._other: dict[int, Promise] = {}  # the numbers of other seeds, by how many seeds further
        self._ribbons: list[dict[str, Any]] = []

    def setup(self, tell: Tell | None = None) -> dict[str, Any]:
        """The setup. Waits for the warm-up to be lived. Raises InputError."""
        begun = self.store.begun(self.a, tell)
        if self._shown is None:
            for chunk in range(AHEAD):  # the workers go on with the first days at once, however many tabs the server has to tell of the warm-up
                self.ask_for(chunk)
        with self._lock:
            if self._shown is None:
                self._shown = Shown(self.a, self.b, result(begun))
            return self._shown.setup()

    def packed_setup(self, tell: Tell | None = None) -> bytes:
        """The setup as it is sent: written out and compressed once, whoever comes."""
        if not self._setup:
            self._setup = pack(self.setup(tell))
        return self._setup

    def messages(self, chunk: int) -> list[Message]:
        """The two messages of a chunk. Waits until it is lived. Raises InputError."""
        return [(args, zlib.decompress(buffer)) for args, buffer in self.packed_messages(chunk)]

    def packed_messages(self, chunk: int) -> list[Message]:
        """The same, with buffers as they are sent and kept: compressed once, whoever comes."""
        promises = [[self.store.record(plan, n) for plan in (self.a, self.b)] for n in range(len(self._messages), chunk + 1)]
        for ahead in range(chunk + 1, chunk + 1 + AHEAD):
            self.ask_for(ahead)
        if self._shown is None:
            self.setup()
        assert self._shown is not None
        with self._lock:
            for n in range(len(self._messages), chunk + 1):
                ready = promises[n - chunk - 1]
                made = self._shown.take(*(result(promise) for promise in ready))
                self._messages.append([(args, zlib.compress(buffer, 1)) for args, buffer in made])
            return self._messages[chunk]

    def ask_for(self, chunk: int) -> None:
        """Have the next chunk lived while the player plays this one."""
        if chunk < self.a.chunks:
            for plan in (self.a, self.b):
                self.store.record(plan, chunk, LATER)

    def shown(self) -> Shown:
        """Who is shown so far."""
        self.setup()
        assert self._shown is not None
        return self._shown

    def records(self, which: int) -> list[Record]:
        """What is known so far of one of the two futures, in order of days: what came before, then each chunk that is lived."""
        plan, known = (self.a, self.b)[which], [result(self.store.begun(self.a))]
        for chunk in range(len(self._messages)):
            known.append(result(self.store.record(plan, chunk)))
        return known

    # -- the range over other seeds ------------------------------------------------------------------------------------------

    def compare_with_other_seeds(self, listener: Callable[[Pair, bytes], None]) -> None:
        """As other seeds of the left future end in the background, a listener (a method, whose object may go) is told their range, packed."""
        with self._lock_of_seeds:
            self._listeners = [known for known in self._listeners if known() is not None] + [weakref.WeakMethod(listener)]
            asked = [n for n in range(1, OTHER_SEEDS + 1) if n not in self._other or failed(self._other[n])]
            for n in asked:
                other = replace(self.a, seed=(self.a.seed + n) % (GREATEST_SEED + 1))
                self._other[n] = self.store.numbers(other, min(RANGE_CHUNKS, self.a.chunks))
        if ribbons := self.ribbons():
            listener(self, pack({"ribbons": ribbons}))
        me = weakref.ref(self)  # a promise keeps whom it tells; it shall not keep us
        for n in asked:
            self._other[n].add_done_callback(partial(_tell, me))

    def one_more_seed(self) -> None:
        """Another seed has ended: tell the range when their number has doubled, which is when it may have changed much."""
        with self._lock_of_seeds:
            numbers = [measures.as_the_page_counts(promise.result()) for promise in self._other.values() if promise.done() and not failed(promise)]
            if len(numbers) not in (2, 4, OTHER_SEEDS):  # one other seed is no range
                return
            lows, highs = np.min(numbers, axis=0), np.max(numbers, axis=0)
            self._ribbons = [
                {"measure": measure.name, "first": self.a.first_day, "low": rounded(low), "high": rounded(high), "seeds": len(numbers)}
                for measure, low, high in zip(MEASURES, lows, highs, strict=True)
            ]
            listeners = [listener for known in self._listeners if (listener := known()) is not None]
        told = pack({"ribbons": self.ribbons()})
        for listener in listeners:
            listener(self, told)

    def ribbons(self) -> list[dict[str, Any]]:
        """The range of each measure over other seeds of the left future, as far as it is known."""
        return self._ribbons


def _tell(pair: weakref.ref[Pair], promise: Promise) -> None:
    known = pair()
    if known is not None and not failed(promise):
        known.one_more_seed()


def pack(message: dict[str, Any]) -> bytes:
    """A message as it is sent: JSON, compressed; the player unpacks it."""
    return zlib.compress(json.dumps(message, separators=(",", ":")).encode(), 6)


def rounded(values: NDArray[np.float64]) -> list[int]:
    """Counts and pounds, whole: every measure is one of these."""
    return np.rint(values).astype(np.int64).tolist()
