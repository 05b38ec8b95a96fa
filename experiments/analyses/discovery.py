"""Under which assumptions does a policy do harm, and which inputs tell: scenario discovery (PRIM) and feature scores.

*Scenario discovery* looks for a box, a few inputs each within a part of its range, in which the draws of interest are dense: those
in which a policy makes things worse, or those with the worst outcomes. *Coverage* is the share of all such draws that lie in the box,
*density* the share of the box's draws that are such, and the quasi-p value of a limit how often a box without it would be as dense by
chance (PRIM: Friedman and Fisher 1999; its use here: Bryant and Lempert 2010, doi 10.1016/j.techfore.2009.08.002). It searches far
and wide, so a limit is only believed if its quasi-p value survives division by the number of inputs, and none on an input that
does nothing is.

*Feature scores* are how much each input helps a forest of extremely randomised trees to tell the outcome (Jaxa-Rozen and Kwakkel
2018, doi 10.1016/j.envsoft.2018.06.011). They are held against those of inputs that do nothing, made by drawing the inert one
anew, as in Boruta (Kursa and Rudnicki 2010, doi 10.18637/jss.v036.i11).

Neither looks at inputs that are known to decide nothing in an outcome, as numbers of a policy that no scenario of it has.

Both are those of `ema_workbench`, the library that researchers of deep uncertainty know and keep up; it needs scikit-learn and
statsmodels and takes seconds to load, so it is an extra, `[analysis]`, and read only here and in `experiments.workbench`.

*What it says*: where, among the study's assumptions, the model's answer turns. *What it does not say*: how probable that part is in
England, or that there is no other box; and one draw's outcome has chance in it, which makes boxes blunt.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_integer_dtype

from experiments import wording
from experiments.analyses.effects import NAN, Interval
from experiments.analyses.outcomes import DUMMY, STRUCTURE, Outcome
from experiments.analyses.resampling import uniforms
from experiments.analyses.sensitivity import LEVEL
from sim.errors import InputError

FEWEST, MOST_OF_ALL = 0.05, 0.95  # shares of draws of interest between which a box can be looked for
WORST = 0.25  # the share of draws that counts as worst, where nothing can be said to do harm
ENOUGH = 40  # draws
FORESTS, TREES, INERT = 10, 100, 10  # forests, trees of each, and inert inputs in each


Range = tuple[float, float] | tuple[str, ...]
"""From and to, or the names of positions."""


def range_in_words(inside: Range) -> str:
    """A range as one says it."""
    low, *others = inside
    if isinstance(low, str):
        return " or ".join(str(each) for each in inside)
    return f"{wording.number(low)} to {wording.number(float(others[0]))}"


@dataclass(frozen=True)
class Limit:
    """A part of an input's range, or some of a switch's positions; `whole` is what the study has."""

    input: str
    inside: Range
    whole: Range
    quasi_p: float
    is_believed: bool


@dataclass(frozen=True)
class Box:
    """Where the draws of interest are dense; without limits if there is no such place."""

    of_interest: str
    share: float
    draws: int
    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float
    steps: pd.DataFrame  # the peeling: coverage, density, mass and number of limits of each box on the way

    def in_words(self, label: str) -> str:
        """Where the draws of interest are dense, in a sentence."""
        begin = f"{label}: {self.of_interest} ({wording.share(self.share)} of {wording.count(self.draws, 'draw')})"
        believed = [f"{limit.input} {range_in_words(limit.inside)}" for limit in self.limits if limit.is_believed]
        if not believed:
            return f"{begin}; no place among the assumptions in which these are dense can be told from what so wide a search finds by chance."
        return (
            f"{begin}, above all with {wording.people(believed)}: there {wording.share(self.density)} of draws are such, and "
            f"{wording.share(self.coverage)} of all such draws lie there."
        )


@dataclass(frozen=True)
class Score:
    """How much an input helps to tell the outcome: the mean of the forests with their least and greatest."""

    input: str
    score: Interval
    beats_dummy: bool


def is_there() -> bool:
    """Whether ema_workbench is installed."""
    from importlib.util import find_spec

    return find_spec("ema_workbench") is not None


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without what the workbench says of parts of it that are not installed."""
    if not is_there():
        raise InputError("scenario discovery and feature scores need ema_workbench; install the extra [analysis] of this project.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.getLogger("EMA").setLevel(logging.WARNING)


def inputs_of(frame: pd.DataFrame, outcome: Outcome) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """The values of each draw's inputs and switches, those that vary and can matter, and the outcome's mean over seeds.

    A draw under each structure is a row; its switches are inputs too.
    """
    switches = [name for name in frame.columns if name.startswith(STRUCTURE)]
    names = [*(name for name in frame.attrs["inputs"] if name not in outcome.inert), *switches]
    means = outcome.rows.groupby(["structure", "draw"])["value"].mean()
    rows = frame.drop_duplicates(["draw", *switches]).copy()
    parts = [name.removeprefix(STRUCTURE) + " " + rows[name].astype(str) for name in switches]
    rows["of"] = parts[0].str.cat(parts[1:], sep=", ") if parts else means.index.get_level_values(0)[0]
    values = rows.set_index(["of", "draw"]).reindex(means.index)[names].reset_index(drop=True)
    varied = {name: column for name, column in values.items() if column.nunique() > 1}
    # whole numbers as others: the workbench pastes halves into their columns, which pandas refuses
    return pd.DataFrame({name: column.astype(np.float64) if is_integer_dtype(column) else column for name, column in varied.items()}), means.to_numpy()


def of_interest(outcome: Outcome, values: NDArray[np.float64]) -> tuple[str, NDArray[np.bool_]]:
    """Which draws to look for: those in which a policy makes things worse, if there are some and not nearly all; else the worst quarter."""
    better = outcome.measure.better
    worse = values > 0.0 if better == "fewer" else values < 0.0
    if outcome.is_difference and better and FEWEST <= worse.mean() <= MOST_OF_ALL:
        return f"{outcome.scenario} makes it worse", worse
    bad = -values if better == "more" else values
    return f"the {WORST:.0%} of draws with the {'lowest' if better == 'more' else 'highest'} values".replace("%", " %"), bad > np.quantile(bad, 1.0 - WORST)


def discover(frame: pd.DataFrame, outcome: Outcome) -> Box:
    """The box in which the draws of interest are dense. Raises InputError without ema_workbench, or where there are too few draws."""
    inputs, values = _enough(frame, outcome)
    what, wanted = of_interest(outcome, values)
    share, nothing = float(wanted.mean()), pd.DataFrame(columns=["coverage", "density", "mass", "limits"])
    if not 0.0 < share < 1.0:
        return Box(what, share, len(values), (), NAN, NAN, NAN, nothing)
    with _quietly():
        from ema_workbench.analysis.prim import Prim

        box = Prim(inputs, wanted).find_box()
    steps = box.peeling_trajectory[["coverage", "density", "mass", "res_dim"]].rename(columns={"res_dim": "limits"})
    at = int((2.0 * steps["coverage"] * steps["density"] / (steps["coverage"] + steps["density"])).fillna(0.0).to_numpy().argmax())
    limits = tuple(sorted(_limits(box, at, inputs), key=lambda each: each.quasi_p))
    coverage, density, mass = (float(steps[name].iloc[at]) for name in ("coverage", "density", "mass"))
    return Box(what, share, len(values), limits, coverage, density, mass, steps)


def _limits(box: object, at: int, inputs: pd.DataFrame) -> Iterator[Limit]:
    """What the box at a step of the peeling restricts."""
    whole, limits = box.box_lims[0], box.box_lims[at]  # type: ignore[attr-defined]
    bar = LEVEL / (2 * len(inputs.columns))  # each input has two ends
    for name, quasi_p in box.p_values[at].items():  # type: ignore[attr-defined]
        tested = [p for p in quasi_p if p >= 0.0]  # -1 stands for an end that is not restricted
        least = min(tested, default=NAN)
        yield Limit(name, _range(limits[name]), _range(whole[name]), least, name != DUMMY and least < bar)


def _range(column: pd.Series) -> Range:
    """What the workbench says of one input: its least and greatest value, or twice the set of its positions."""
    low, high = column
    return tuple(sorted(str(each) for each in low)) if isinstance(low, set) else (float(low), float(high))


def scores(frame: pd.DataFrame, outcome: Outcome) -> list[Score]:
    """How much each input helps to tell the outcome, those that help most first. Raises InputError as `discover` does."""
    inputs, values = _enough(frame, outcome)
    with _quietly():
        from ema_workbench.analysis import RuleInductionType
        from ema_workbench.analysis.feature_scoring import get_ex_feature_scores

        found = []
        for turn in range(FORESTS):
            inert = uniforms((len(values), INERT), "inert inputs", seed=turn)
            with_inert = pd.concat([inputs, pd.DataFrame(inert, columns=[f"inert {k}" for k in range(INERT)])], axis=1)
            table, _ = get_ex_feature_scores(with_inert, values, mode=RuleInductionType.REGRESSION, nr_trees=TREES, oob_score=False, random_state=turn)
            found.append(table.iloc[:, 0])
    by_forest = pd.concat(found, axis=1)
    nothing = by_forest.loc[[f"inert {k}" for k in range(INERT)]].to_numpy()
    bar = nothing.mean() + _sigmas(len(inputs.columns)) * nothing.std(ddof=1)
    told = [
        Score(name, Interval(float(row.mean()), float(row.min()), float(row.max())), name != DUMMY and bool(row.mean() > bar))
        for name, row in by_forest.loc[list(inputs.columns)].iterrows()
    ]
    return sorted(told, key=lambda each: (each.input == DUMMY, not each.beats_dummy, -each.score.value))


def _sigmas(inputs: int) -> float:
    """How many standard deviations above the inert inputs' mean an input must lie."""
    from scipy.special import ndtri

    return float(ndtri(1.0 - LEVEL / max(1, inputs)))


def _enough(frame: pd.DataFrame, outcome: Outcome) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    inputs, values = inputs_of(frame, outcome)
    if len(values) < ENOUGH or not len(inputs.columns):
        raise InputError(f"{outcome.label}: {len(values)} draws are too few to look for a place among the assumptions; {ENOUGH} are needed.")
    return inputs, values
