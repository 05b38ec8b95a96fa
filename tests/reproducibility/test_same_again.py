"""The same scenario, world and seed are the same, row for row: again, in another process, on another processor, from a branch."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from sim import CountyLines, InputError, recruitment
from sim.ledger import Table
from sim.policies import every_policy
from sim.tables import portions
from tests.worlds import EVENTFUL, lived, rows_until, scenario, world

ROOT = Path(__file__).resolve().parents[2]
SMALL = world(0.03, warm_up=30, days=120)
EVERYTHING = scenario({name: {"coverage": 1.0} for name in every_policy()})

# What a child process runs: a small world with every policy, and what this processor's own logarithms look like.
CHILD = """
import hashlib, json, sys
import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as features
from tests.reproducibility.test_same_again import the_run

x = np.linspace(1e-3, 50.0, 100_001)
print(json.dumps({
    "digest": the_run(), "at work": [name for name in json.loads(sys.argv[1]) if features[name]],
    "log": hashlib.sha256(np.log(x).tobytes()).hexdigest(), "tanh": hashlib.sha256(np.tanh(x).tobytes()).hexdigest(),
}))
"""


def sameness(model: CountyLines) -> str:
    """Of everything that happened, and of every fact about every child to the last bit, what is still to come included."""
    facts = hashlib.sha256()
    for name, column in model.children.columns.items():
        facts.update(name.encode() + np.ascontiguousarray(column).tobytes())
    return f"{model.ledger.digest()} {facts.hexdigest()}"


def the_run(seed: int = 7) -> str:
    return sameness(lived(EVERYTHING, world=SMALL, seed=seed, parameters=EVENTFUL))


@cache
def the_digest() -> str:
    """Of a run made once, for all tests that compare another with it."""
    return the_run()


def test_what_is_done_in_portions_is_the_same(monkeypatch):
    monkeypatch.setattr(portions, "__defaults__", (101,))
    monkeypatch.setattr(recruitment, "TOGETHER", 1)
    assert the_run() == the_digest()


@cache
def in_a_child(*switched_off: str, hashing: str = "0") -> dict:
    """What a new process finds with some of the processor's instructions switched off."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NPY_DISABLE_CPU_FEATURES": " ".join(switched_off), "PYTHONHASHSEED": hashing}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(switched_off)], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# -- again ---------------------------------------------------------------------------------------------------------------


def test_a_run_is_the_same_twice_and_another_seed_is_another():
    assert the_run() == the_digest() != the_run(8)


def test_a_run_is_the_same_whatever_ran_before_it_in_the_process():
    lived(world=world(0.01, days=20), seed=99, parameters=EVENTFUL)
    CountyLines("relocation", world(0.005, days=5))
    assert the_run() == the_digest()


@pytest.mark.slow
def test_runs_are_the_same_on_one_or_two_processes():
    seeds = [7, 8, 9]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as two:
        assert list(two.map(the_run, seeds)) == [the_run(seed) for seed in seeds]


@pytest.mark.slow
def test_a_run_is_the_same_however_python_hashes_text():
    assert in_a_child(hashing="1234567")["digest"] == in_a_child()["digest"] == the_digest()


def test_looking_does_not_disturb():
    """Reading tables, walking over agents and Mesa's own generator leave no trace."""
    model = CountyLines(EVERYTHING, SMALL, seed=7, parameters=EVENTFUL)
    while model.day < model.last_day:
        model.step()
        if model.day % 10 == 0:
            model.ledger.digest()
            model.children.select(lambda c: c.is_missing).shuffle()
            model.agents.agg("unique_id", max)
            model.random.random()
            model.rng.random()
    assert sameness(model) == the_digest()


def test_what_was_entered_in_the_ledger_is_not_changed_afterwards(monkeypatch):
    """The ledger keeps what it is given for a while: it must be the giver's last word."""
    append = Table.append

    def append_copies(self, count, **values):
        append(self, count, **{name: value.copy() if isinstance(value, np.ndarray) else value for name, value in values.items()})

    kept = the_digest()
    monkeypatch.setattr(Table, "append", append_copies)
    assert the_run() == kept


# -- on another processor --------------------------------------------------------------------------------------------------


def dispatched() -> list[str]:
    """The instruction sets that numpy chooses between at run time, simplest first."""
    from numpy._core._multiarray_umath import __cpu_dispatch__

    return list(__cpu_dispatch__)


def here_from(first: str) -> list[str]:
    """Every entry of numpy's dispatch list from one up; skips where this processor has not got it."""
    from numpy._core._multiarray_umath import __cpu_features__

    listed = dispatched()
    if first not in listed:
        pytest.skip(f"this numpy does not choose between processors with and without {first}: {listed}")
    if not __cpu_features__[first]:
        pytest.skip(f"this processor has no {first}")
    return listed[listed.index(first) :]


AVX_512 = next((name for name in ("X86_V4", "AVX512F", "AVX512_SKX") if name in dispatched()), "X86_V4")
AVX_2 = next((name for name in ("X86_V3", "AVX2") if name in dispatched()), "X86_V3")


@pytest.mark.slow
@pytest.mark.parametrize("first", [AVX_512, AVX_2])
def test_a_run_is_the_same_without_the_newer_instructions(first):
    there = in_a_child(*here_from(first))
    assert there["at work"] == [], "the switch took effect"
    assert there["digest"] == the_digest()


@pytest.mark.parametrize(("first", "function"), [(AVX_512, "log"), (AVX_2, "tanh")])
def test_numpy_s_own_functions_are_not_the_same_there(first, function):
    """Why draws.py works with + - x / alone: numpy's logarithm changes with AVX-512, its hyperbolic tangent with AVX2 too."""
    assert in_a_child(*here_from(first))[function] != in_a_child()[function]


# -- from a branch ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warmed_up() -> CountyLines:
    return lived(world=SMALL, seed=7, parameters=EVENTFUL, until=SMALL.warm_up_days)


@pytest.mark.parametrize("name", [*sorted(every_policy()), "everything", "nothing"])
def test_a_branch_is_the_run_of_its_scenario_from_day_1(warmed_up, name):
    use = EVERYTHING if name == "everything" else scenario({} if name == "nothing" else {name: {"coverage": 1.0}})
    branch = warmed_up.branch(use).run_to(SMALL.days)
    alone = the_digest() if name == "everything" else sameness(lived(use, world=SMALL, seed=7, parameters=EVENTFUL))
    assert sameness(branch) == alone


def test_a_branch_leaves_the_tree_as_it_was(warmed_up):
    before = rows_until(warmed_up, SMALL.days)
    for _ in range(2):
        warmed_up.branch(EVERYTHING).run_to(60)
    assert warmed_up.day == SMALL.warm_up_days and rows_until(warmed_up, SMALL.days) == before


@pytest.mark.parametrize("day", [1, 17, 29])
def test_a_branch_may_be_taken_on_any_day_of_the_warm_up(day):
    early = lived(world=SMALL, seed=7, parameters=EVENTFUL, until=day)
    assert sameness(early.branch(EVERYTHING).run_to(SMALL.days)) == the_digest()


def test_what_could_not_have_been_equal_cannot_be_branched(warmed_up):
    with pytest.raises(InputError, match="changes parameters"):
        warmed_up.branch(scenario(parameters={"lines.lag": 5.0}))
    with pytest.raises(InputError, match="begins by day"):
        warmed_up.branch(scenario(["relocation"], begins=SMALL.warm_up_days))
    begun = lived(EVERYTHING, world=SMALL, seed=7, until=SMALL.warm_up_days + 1)
    with pytest.raises(InputError, match="begins by day"):
        begun.branch("baseline")
