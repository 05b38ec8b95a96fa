"""Runs whose whole ledger is read: each is lived, read at once, and forgotten; what was read of it is kept.

Studies that ask more of a run than its measures (who was where, which child filled which vacancy) use this; comparisons of measures
use `runner` and `store`.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from experiments.measures.story import Columns
from experiments.running.runner import Stopped, WorkerDied
from experiments.studies.designs import Replicate
from sim import CountyLines, InputError, Scenario, World
from sim.workers import leave_ctrl_c

Tables = Mapping[str, Columns]


@dataclass(frozen=True)
class Arm:
    """What a run is given: a scenario, and which decisions look their chance up elsewhere (see `sim.draws.Draws`)."""

    name: str
    scenario: Scenario
    recoupled: Mapping[str, int] = field(default_factory=dict)


def lived(arm: Arm, world: World, replicate: Replicate) -> Tables:
    """The ledger of one arm, all of whose days are lived from the first."""
    model = CountyLines(arm.scenario, world, replicate.seed, replicate.parameters, recoupled=arm.recoupled)
    return tables_of(_live(model, model.last_day))


def lived_side_by_side(arms: Sequence[Arm], world: World, replicate: Replicate) -> Iterator[Tables]:
    """The ledgers of arms that part at the end of the warm-up, which is lived once, with usual chance. Raises InputError if they cannot."""
    warm = CountyLines(Scenario("warm-up", parameters=arms[0].scenario.parameters), world, replicate.seed, replicate.parameters)
    _live(warm, world.warm_up_days)
    for arm in arms:
        model = warm.branch(arm.scenario)
        model.recouple(arm.recoupled)
        yield tables_of(_live(model, model.last_day))


def _live(model: CountyLines, last: int) -> CountyLines:
    """Live until the evening of a day. Raises Stopped where the work was asked to end early."""
    while model.day < last:
        model.step()
        if _stop is not None and _stop.value:
            raise Stopped
    return model


def tables_of(model: CountyLines) -> Tables:
    """A run's ledger."""
    return {name: model.ledger.table(name) for name in model.ledger.tables}


# -- on all cores --------------------------------------------------------------------------------------------------------------------


def each[J, R](do: Callable[[J], R], jobs: Sequence[J], cores: int, tell: Callable[[int], None] = lambda done: None) -> Iterator[tuple[int, R]]:
    """What `do` makes of each job, with the job's number, as they end; `tell` hears how many have. `do` is a function of a module.

    Raises WorkerDied where a process was ended from outside, and whatever `do` raises.
    """
    if min(cores, len(jobs)) <= 1:
        for number, job in enumerate(jobs):
            yield number, do(job)
            tell(number + 1)
        return
    context = multiprocessing.get_context("spawn")  # the same everywhere, and no half-copied state
    stop = context.RawValue("b", 0)
    with ProcessPoolExecutor(min(cores, len(jobs)), context, _begin, (stop,)) as pool:
        try:
            numbers = {pool.submit(do, job): number for number, job in enumerate(jobs)}
            left, done = set(numbers), 0
            while left:
                ended, left = wait(left, return_when=FIRST_COMPLETED)
                for future in ended:
                    done += 1
                    yield numbers[future], future.result()
                    tell(done)
        except BrokenProcessPool:
            raise WorkerDied from None
        except BaseException:
            stop.value = 1
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def in_order[J, R](do: Callable[[J], R], jobs: Sequence[J], cores: int, tell: Callable[[int], None] = lambda done: None) -> list[R]:
    """The same, all of them, in the order of the jobs."""
    made = dict(each(do, jobs, cores, tell))
    return [made[number] for number in range(len(jobs))]


_stop: Any = None  # in a worker: whether the work should end early


def _begin(stop: Any) -> None:
    """A worker begins: it leaves Ctrl-C to the process that started it, and ends when that one has gone."""
    global _stop
    _stop = stop
    leave_ctrl_c()


def refuse_other_numbers(scenarios: Iterable[Scenario], comparator: Scenario) -> None:
    """Scenarios that are to share a warm-up differ by policies alone. Raises InputError."""
    for scenario in scenarios:
        if scenario.parameters != comparator.parameters:
            raise InputError(f"scenario '{scenario.name}' has other numbers than '{comparator.name}'; here they may differ by policies alone.")
