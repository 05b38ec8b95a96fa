"""`bench crn`: what common random numbers gain.

For every policy at full coverage, its effects at an end of their ranges, and four measures: the variance of the policy's difference between
runs with independent seeds over that between runs with the same seed.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from experiments.bench.lines import Line, at_least
from experiments.measures import named, take
from experiments.measures.story import Story, Window
from experiments.running.runner import cores_here
from sim.model import CountyLines
from sim.policies import every_policy
from sim.scenario import PolicyUse, Scenario
from sim.workers import end_with_parent

YEAR = 365
WARM_UP = 60  # days before a policy begins
AT_WORK = 180  # days from then until the year that is measured: who returns in it has been missing already
MEASURES = ("children_missing", "days_missing", "children_recruited", "cost")


def measure(options: Namespace) -> list[Line]:
    """Variance ratios of every policy's difference, independent seeds over common random numbers."""
    variants = list(_variants())[-1:] if options.quick else list(_variants())
    seeds = range(1, (2 if options.quick else options.seeds) + 1)
    tasks = [(name, parameters, seed) for name, parameters in variants for seed in seeds]
    with ProcessPoolExecutor(cores_here(), get_context("spawn"), end_with_parent) as pool:
        found = list(pool.map(_measured, tasks))
    by_variant: dict[tuple[str, tuple], list[tuple[dict, dict]]] = {}
    for (name, parameters, _), pair in zip(tasks, found, strict=True):
        by_variant.setdefault((name, parameters), []).append(pair)
    return [_ratio(name, parameters, measure, pairs) for (name, parameters), pairs in by_variant.items() for measure in MEASURES]


def _variants() -> Iterator[tuple[str, tuple]]:
    """Every policy as it is; and return interviews with substitution off, where nothing but the coupling of chance is at work."""
    for name in every_policy():
        yield name, ()
    yield INTERVIEWS, (("lines.substitution", 0.0),)


STRONG: dict[str, dict[str, float]] = {
    "return_interviews": {"next_episode": 0.80, "lasting": 120, "interviewers": 2.0},
    "relocation": {"contact": 0.2, "going_missing": 0.5, "moves_a_year": 500.0},
    "specialist_foster": {"going_missing": 0.5, "beds": 100.0},
}
"""Effects at an end of their declared ranges: at the default several are so near to nothing that a town year shows no difference at all."""

INTERVIEWS = "return_interviews"


def _measured(task: tuple[str, tuple, int]) -> tuple[dict[str, float], dict[str, float]]:
    """The four measures of a year in which a policy has been at work for a while, without it and with it, of one seed."""
    name, parameters, seed = task
    last = WARM_UP + AT_WORK + YEAR
    base = CountyLines("baseline", "town", seed=seed, parameters=dict(parameters), days=last).run_to(WARM_UP)
    use = PolicyUse(name, {"coverage": 1.0} | STRONG.get(name, {}), begins=WARM_UP + 1)
    other = base.branch(Scenario(name, policies={name: use}))
    return _take(base.run_to(last)), _take(other.run_to(last))


def _take(model: CountyLines) -> dict[str, float]:
    story = Story({name: model.ledger.table(name) for name in model.ledger.tables})
    return take(story, Window(WARM_UP + AT_WORK + 1, WARM_UP + AT_WORK + YEAR), MEASURES)


def _ratio(name: str, parameters: tuple, measure: str, pairs: list[tuple[dict, dict]]) -> Line:
    without, with_policy = (np.array([pair[i][measure] for pair in pairs]) for i in (0, 1))
    difference = with_policy - without
    independent = float(without.var(ddof=1) + with_policy.var(ddof=1))
    paired = float(difference.var(ddof=1))
    title = every_policy()[name].title + (", substitution off" if parameters else "")
    what = f"{title}: {named(measure).label}"
    if not difference.any():  # which is no gain, and meets no goal
        return Line(what, float("nan"), "times", note="no difference in any seed: the policy meets too few such children in a town year")
    ratio = independent / paired if paired > 0.0 else float("inf")
    goal = 10.0 if parameters and measure == "children_missing" else 1.0
    return Line(what, ratio, "times", at_least(goal), _why(ratio, difference))


def _why(ratio: float, difference: np.ndarray) -> str:
    """Why a ratio is low."""
    if ratio < 3.0:
        moved = float(np.abs(difference).mean())
        return (
            f"the policy itself moves {moved:,.1f} on average and by chance meets other children in each seed, and where places, beds and "
            "positions are scarce one child's change becomes another's: that spread is not noise that pairing could take away"
        )
    return ""
