"""Work on a Dask cluster: the same pieces as on one machine, lived by the cluster's workers and stored here.

Nothing is scheduled here. Dask gives a piece whose worker died to another one, three times; then the runs of that piece have failed.
A worker needs the same version of the program, and no folder in common with this machine: what was measured comes back, some
kilobytes for each run. `sim/docs/beyond_one_machine.md` shows how a cluster is begun.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from experiments.running.runner import Done, Failure, Report, Work, do
from experiments.running.store import Result, Store
from sim.errors import InputError
from sim.runs import source_digest

PATIENCE = "15s"  # how long a scheduler may take to answer


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the cluster whose scheduler is at `address`, or in the scheduler file of that name. Raises InputError if there is none."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--dask needs dask.distributed, which is not installed; install the extra [cluster], as in: pip install -e '.[cluster]'.") from None
    where = _in_file(Path(address)) if Path(address).is_file() else address
    try:
        client = Client(where, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise InputError(f"--dask is '{address}', where no Dask scheduler answers ({said:.200}).") from None
    try:
        yield client
    finally:
        client.close()


def _in_file(path: Path) -> str:
    """The address that a scheduler file holds. Raises InputError."""
    try:
        address = json.loads(path.read_text(encoding="utf-8"))["address"]
    except (OSError, ValueError, KeyError, TypeError):
        address = None
    if not isinstance(address, str):
        raise InputError(f"--dask is '{path}', which is not what `dask scheduler --scheduler-file` writes.")
    return address


def threads(client: Any) -> int:
    """How many pieces the cluster works on at once; at least 1, as workers may come later."""
    return max(1, sum(client.nthreads().values()))


def execute(works: Sequence[Work], folder: Path, client: Any, tell: Callable[[Done], None], failed: Callable[[Failure], None]) -> list[Failure]:
    """Do all work on the cluster, store each piece as it comes back, and `tell` how far it is; the runs that failed are told and returned.

    Raises InputError where a run cannot be stored, or a worker has another version of the program.
    """
    from distributed import as_completed

    store, days, runs, failures = Store(folder), 0, 0, []
    futures = {client.submit(_live, work, source_digest(), pure=False): work for work in works}
    try:
        for future in as_completed(list(futures), loop=client.loop):
            work = futures.pop(future)
            for what in _answer(future, work):
                if isinstance(what, Failure):
                    failures.append(what)
                    failed(what)
                else:
                    store.write(what)
            days, runs = days + work.days, runs + len(work.runs)
            tell(Done(days, runs))
    finally:
        client.cancel(list(futures))
    return failures


def _answer(future: Any, work: Work) -> list[Result | Failure]:
    """What came back of a piece of work; all of it has failed where its workers died again and again."""
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        return [Failure(run, "KilledWorker: its worker was ended from outside again and again, perhaps for lack of memory.", str(error)) for run in work.runs]


class _Kept:
    """What is measured, until it is sent back."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def write(self, result: Result) -> None:
        self.results.append(result)


def _live(work: Work, source: str) -> list[Result | Failure]:
    """On a worker: do a piece of work."""
    if source_digest() != source:
        raise InputError("a worker of the cluster has another version of sim/ than this machine; install the same there, and begin its workers anew.")
    kept = _Kept()
    failures = do(work, kept, Report(0, [0], [0], SimpleNamespace(value=0)))
    return [*kept.results, *failures]
