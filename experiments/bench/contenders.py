"""What is measured: `python -m experiments.bench.contenders NAME ARGUMENTS`, a process that has a turn for each line it is given.

Each contender is a generator. Until its first `yield` it gets ready, from there to the next is a turn; what it yields is a function that
tells something about it, called when the turn's time has been taken. Nothing is imported before a contender needs it, so that a process
holds only what is measured; and the model may be another one than that of this clone.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from experiments.bench.timing import ROOT, Turn

YEAR = 365
Tells = Iterator[Callable[[], dict[str, Any]]]


def importing() -> Tells:
    """`import sim`, and nothing else."""
    import sim  # noqa: F401

    yield dict


def model(world: str, days: int, children: int | None = None, inert: float = 0.0) -> Tells:
    """The whole model, so many days a turn, ready on the evening of its first day."""
    import numpy as np

    from sim import CountyLines
    from sim.population import FACTS

    def tell() -> dict[str, Any]:
        rows = it.children.rows
        has_open_record = np.logical_or.reduce([getattr(it.children, name)[rows] >= 0 for name in FACTS if name.endswith("_slot")])
        return {"children": len(rows), "with_open_records": int(has_open_record.sum()), "events": it.ledger.events.size}

    it = CountyLines("baseline", _world(world, children, inert), seed=1, days=YEAR).run_to(1)
    while True:
        yield tell
        it.run_to(it.day + days)


def years(world: str, children: int | None = None, inert: float = 0.0) -> Tells:
    """The whole model, built anew and lived for a year each turn."""
    from sim import CountyLines

    while True:
        CountyLines("baseline", _world(world, children, inert), seed=1, days=YEAR).run_to(YEAR)
        yield dict


def arrays(world: str, children: int | None = None) -> Tells:
    """The model, which tells the bytes of all its arrays that hold something for each child, for each child."""
    import io
    import pickle

    import numpy as np

    from sim import CountyLines

    it = CountyLines("baseline", _world(world, children), seed=1, days=YEAR).run_to(1)
    rows, found = len(it.children.columns["key"]), {}

    class Everything(pickle.Pickler):
        def persistent_id(self, thing: Any) -> None:  # is shown everything that the model holds
            if isinstance(thing, np.ndarray) and thing.ndim and len(thing) == rows:
                found[id(thing)] = thing.nbytes

    Everything(io.BytesIO()).dump(it)
    yield lambda: {"bytes": sum(found.values()) / rows, "arrays": len(found)}


def plain(world: str, children: int, days: int, everybody: bool = False, agents: bool = False) -> Tells:
    """The same rules, an object for each child: the reference, which looks at everybody or keeps lists of the few; or Mesa agents."""
    found = _world(world, children)
    name = _plain_reference()
    kind = importlib.import_module(f"{name}.{'mesa_agents' if agents else 'world'}").England
    england = kind(sorted(found.authorities), found.fraction, 1, YEAR, found.warm_up_days, {}, {}, everybody)
    england.step()
    while True:
        yield lambda: {"children": len(england.present)}
        for _ in range(days):
            england.step()


def epidemic(agents: int, days: int, network: str) -> Tells:
    """Starsim's SIR with its own rates, daily steps."""
    import starsim

    contacts = starsim.RandomNet(n_contacts=4) if network == "RandomNet" else starsim.MixingPool()
    it = starsim.Sim(
        n_agents=agents, diseases=starsim.SIR(), networks=contacts, start="2025-04-01", dur=starsim.days(YEAR), dt=starsim.days(1),
        rand_seed=1, verbose=0,
    )  # fmt: skip
    it.init()
    it.run_one_step()
    while True:
        yield lambda: {"infected": int(it.diseases.sir.infected.sum())}
        for _ in range(days):
            it.run_one_step()


def reading(children: int, times: int) -> Tells:
    """One byte of each child, read so many times a turn."""
    import numpy as np

    column = np.ones(children, dtype=np.uint8)
    while True:
        column.max()
        yield dict
        for _ in range(times):
            column.max()


def copying(size: int, times: int) -> Tells:
    """So many bytes, copied so many times a turn."""
    import numpy as np

    here = np.ones(size, dtype=np.uint8)
    there = here.copy()
    while True:
        yield dict
        for _ in range(times):
            np.copyto(there, here)


CONTENDERS: dict[str, Callable[..., Tells]] = {each.__name__: each for each in (importing, model, years, arrays, plain, epidemic, reading, copying)}


def _world(name: str, children: int | None = None, inert: float = 0.0):
    """A world of the project, or about so many of its children, and so many inert ones for each."""
    from sim.scenario import load_world

    world = load_world(name)
    if children is not None:
        world = replace(world, fraction=children / int(world.places.population_10_17[list(world.authorities)].sum()))
    return replace(world, inert=inert) if inert else world


def _plain_reference() -> str:
    """Import the package `tests/reference` by its path; the name that it has here."""
    path = ROOT / "tests" / "reference" / "__init__.py"
    spec = importlib.util.spec_from_file_location("plain_reference", path, submodule_search_locations=[str(path.parent)])
    assert spec is not None and spec.loader is not None
    package = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    return spec.name


def _peak() -> float:
    """The most memory that this process has ever held [bytes]; NaN on a system that does not say."""
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


def main(name: str, arguments: str) -> None:
    """A turn for each line of standard input, its cost on standard output."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    contender = CONTENDERS[name](**json.loads(arguments))
    for _ in sys.stdin:
        begin = time.process_time()
        tell = next(contender)
        end = time.process_time()
        turn = Turn(end - begin, end, _peak(), {})
        print(json.dumps(turn._replace(told=tell())._asdict()), file=answers, flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # the bench says so
        main(*sys.argv[1:])
