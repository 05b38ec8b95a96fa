"""Which inputs matter: Sobol, Morris and PAWN indices by SALib, held against an input that does nothing, and freed from chance.

Every design has a *dummy*, an input that the model never reads; whatever index it gets is made by chance and by the design. An
input whose 95 % interval (bootstrap over the design's blocks) does not lie wholly above the dummy's is "not distinguishable from an
input that does nothing" (the idea: Khorashadi Zadeh et al. 2017, Environmental Modelling & Software 91, doi
10.1016/j.envsoft.2017.02.001). An input that does nothing passes about three times in a thousand, with fewer than 30 blocks three times in
a hundred; so a study of a hundred inputs may name one of those, and an input that just passes deserves a larger study.

Inputs that are known to decide nothing in an outcome, as numbers of a policy that no scenario of it has, are left out of what is said of
it: their columns stay in the design, but no test need find out what is known.

*The correction for chance.* The output of a stochastic model at one point of the design is f(x) + e, where e is what its seeds
made of it. An analysis for deterministic models takes e for an effect of every input at once: with outputs that are nothing but
chance every total index is near 1 rather than 0. With several seeds for each draw the variance of a draw's mean that is chance
can be estimated without bias from the spread within draws, as in one-way analysis of variance, and taken off:

    total variance         D   = Var(mean of a draw)                 V   = D - v
    total index (Jansen)   D_T = E[(A - AB)^2] / 2                   S_T = (D_T - c_T) / V
    first order index      D_1 = E[B (AB - A)]                       S_1 = (D_1 - c_1) / V

where v is the mean variance of a draw's mean by chance, c_T half the variance by chance of A - AB, and c_1 the covariance by
chance of B and AB - A. Where the draws have seeds of their own, c_T = v and c_1 = 0. Where draws share their seeds, chance is
shared too; then v, c_T and c_1 come from the differences within seeds. (The variance of a conditional mean by nested
simulation: Sun, Apley and Staum 2011, Operations Research 59(4), doi 10.1287/opre.1110.0932; indices of stochastic models: Hart,
Alexanderian and Gremaud 2017, SIAM Journal on Scientific Computing 39(4), arXiv 1602.06218; how many seeds and how many draws those of
the conditional mean need: Kouye and Mazo 2022, arXiv 2210.08807. The estimators that are corrected: Saltelli et al. 2010, doi 10.1016/j.cpc.2009.09.018, as SALib has them.)

With one seed for each draw the dummy's own total variance is an estimate of v, since the dummy adds chance and nothing else; it
is used in that case, unless all draws share one seed: the dummy then changes not even chance, and nothing tells chance apart.

*What it says*: how much of the model's spread over the declared ranges goes with each input. *What it does not say*: how
England's figures depend on it; an input with a narrow range scores low however strong it is, and one that is assumed may score
high because we know little. Indices of a policy's difference and of a level may order the inputs quite differently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from experiments import wording
from experiments.analyses.effects import CONFIDENCE, NAN, Interval
from experiments.analyses.outcomes import DUMMY, Design, Outcome
from experiments.analyses.resampling import RESAMPLES, percentiles, resampled, uniforms
from sim.errors import InputError

Floats = NDArray[np.float64]

LEVEL = 0.05  # of the test against inert inputs, for all inputs together (PAWN)
SURE = 0.01  # the level at which anything but chance must be seen before variances are divided up
SLICES = 10  # of an input's range, by PAWN
INERT = 1000  # inert inputs that PAWN is held against
FEW_IN_SLICE, FEW_BLOCKS = 20, 30  # below which it is no finding that nothing is found

FEW_SEEDS = "Each draw has one seed only, so chance is estimated by the inert input; two seeds or more would tell it directly."
ONE_SEED = "All draws share one seed: neither chance nor the inert input can show what is chance here; give each draw two seeds or more."
ALL_CHANCE = "Nothing but chance can be seen: the draws do not differ more than seeds of one draw do, so no index can be told from 0."
NO_DUMMY = "The design has no inert input, so no index is held against one."
NOTHING = "The outcome does not vary at all."
LOW_POWER = "Low power"  # begins the note that says so


@dataclass(frozen=True)
class Index:
    """One index of one input: what SALib gives (`raw`), and freed from chance; None where chance cannot be told."""

    input: str
    name: str
    raw: Interval
    corrected: Interval | None
    beats_dummy: bool

    @property
    def best(self) -> Interval:
        """The one to read."""
        return self.corrected or self.raw


@dataclass(frozen=True)
class Sensitivity:
    """The indices of one outcome by one method; `main` is the name of those by which inputs are ordered."""

    method: str
    main: str
    indices: tuple[Index, ...]
    points: int
    left_out: int
    notes: tuple[str, ...] = field(default=())

    def named(self, name: str) -> dict[str, Index]:
        """The indices of one name, by input."""
        return {each.input: each for each in self.indices if each.name == name}

    @property
    def ordered(self) -> list[str]:
        """The inputs, those that matter most first and the dummy last."""
        main = self.named(self.main)
        return sorted(main, key=lambda name: (name == DUMMY, not main[name].beats_dummy, -main[name].best.value))

    def table(self) -> pd.DataFrame:
        """One row for each index, inputs in order."""
        rank = {name: at for at, name in enumerate(self.ordered)}
        rows = [
            {
                "method": self.method, "input": each.input, "index": each.name, "value": each.best.value, "low_95": each.best.low,
                "high_95": each.best.high, "raw": each.raw.value, "raw_low_95": each.raw.low, "raw_high_95": each.raw.high,
                "is_corrected": each.corrected is not None, "beats_dummy": each.beats_dummy,
            }
            for each in sorted(self.indices, key=lambda each: rank[each.input])
        ]  # fmt: skip
        return pd.DataFrame(rows)


def methods(design: Design) -> list[Callable[[Outcome, Design], Sensitivity]]:
    """The methods that a design allows, for one outcome under one structure; none where it allows none."""
    if design.kind == "morris":
        return [morris]
    of_its_own: list[Callable[[Outcome, Design], Sensitivity]] = [sobol] if design.kind == "sobol" else []
    return [*of_its_own, pawn] if design.is_sample and len(design.independent) >= 2 * SLICES else of_its_own


# -- chance ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Repeated:
    """The outcome at each point of a design, in blocks of points that belong together: shape (blocks, points of a block, seeds).

    `shares_seeds`: the points of a block have the same seeds, in the same order; `one_set`: all blocks have.
    """

    values: Floats
    shares_seeds: bool
    one_set: bool

    @property
    def seeds(self) -> int:
        return self.values.shape[2]

    @cached_property
    def means(self) -> Floats:
        """The mean at each point, shape (blocks, points)."""
        return self.values.mean(axis=2)

    @cached_property
    def around(self) -> Floats:
        """What chance made of each value: its distance from its point's mean, and from its seed's where all have the same seeds.

        Scaled so that the mean of its square over seeds is the variance by chance, without bias.
        """
        values = self.values - self.means[:, :, None]
        points = values.shape[0] * values.shape[1]
        if self.one_set:
            values = values - values.mean(axis=(0, 1))
        lost = (self.seeds - 1) * ((points - 1) / points if self.one_set else 1.0)
        return values * np.sqrt(self.seeds / lost)

    def by_chance(self, one: Floats, other: Floats) -> Floats:
        """The covariance by chance of two means over seeds, of which the distances are given; shape without that of the seeds."""
        return (one * other).mean(axis=-1) / self.seeds


def repeated(outcome: Outcome, block: int, points: int) -> tuple[Repeated, NDArray[np.int64]]:
    """The outcome in whole blocks of `block` successive draws, and which blocks these are; every draw with as many seeds as the fewest has.

    Blocks of which a point is missing are left out. Raises InputError where none is whole.
    """
    by_draw = {int(draw): rows for draw, rows in outcome.rows.groupby("draw")}
    whole = [at for at in range(points // block) if all(draw in by_draw for draw in range(at * block, (at + 1) * block))]
    if len(whole) < 2:
        raise InputError(f"{outcome.label}: fewer than two blocks of {block} draws of the design are complete, so no index can be given; run the study to its end.")
    chosen = [by_draw[draw] for at in whole for draw in range(at * block, (at + 1) * block)]
    fewest = min(len(rows) for rows in chosen)
    values = np.array([rows["value"].to_numpy()[:fewest] for rows in chosen]).reshape(len(whole), block, fewest)
    seeds = np.array([rows["seed"].to_numpy()[:fewest] for rows in chosen]).reshape(values.shape)
    shares = bool((seeds == seeds[:, :1]).all())
    return Repeated(values, shares, shares and bool((seeds == seeds[:1]).all())), np.array(whole)


def is_only_chance(means: Floats, chance: float, degrees: int) -> bool:
    """Whether independent means do not differ more than chance allows (the F test of one-way analysis of variance)."""
    if chance <= 0.0:
        return False
    ratio = float(np.var(means, ddof=1)) / chance
    return bool(ratio < special.fdtri(means.size - 1, max(1, degrees), 1.0 - SURE))


def beats(samples: Floats, design: Design) -> NDArray[np.bool_]:
    """Which inputs' intervals lie wholly above the dummy's, given bootstrap samples, shape (inputs, samples); above 0 where there is none."""
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(samples, (tail, 100.0 - tail), axis=1)
    bar = 0.0 if design.dummy is None else max(0.0, float(high[design.dummy]))
    return np.asarray(low > bar) & (np.arange(len(low)) != design.dummy)


def ask(method: Callable[[Outcome, Design], Sensitivity], outcome: Outcome, design: Design) -> Sensitivity:
    """What a method says of an outcome, without the inputs that are known to decide nothing in it, and with a word why, and on low power."""
    found = method(outcome, design)
    found = replace(found, indices=tuple(each for each in found.indices if each.input not in outcome.inert))
    notes = (*found.notes, left_out(outcome, design), low_power(found, design))
    return replace(found, notes=tuple(filter(None, notes)))


def left_out(outcome: Outcome, design: Design) -> str:
    """Which inputs nothing is said of, and why; "" if there are none."""
    inert = outcome.inert & set(design.inputs)
    if not inert:
        return ""
    where = f"neither {outcome.scenario} nor {outcome.comparator} has, or that both set" if outcome.is_difference else f"{outcome.scenario} does not have, or sets itself"
    return f"{wording.count(len(inert), 'input is', 'inputs are')} left out, as they cannot matter here: numbers of policies that {where}."


def low_power(found: Sensitivity, design: Design) -> str:
    """A warning where no input can be told from one that does nothing, and the study is so small that this says little; else ""."""
    if any(index.beats_dummy for index in found.indices) or NOTHING in found.notes:
        return ""
    of_slices = found.points // SLICES, "draws in each slice of an input's range", FEW_IN_SLICE
    many, of, enough = of_slices if found.method == "PAWN" else (found.points // design.block, "blocks of the design", FEW_BLOCKS)
    if many >= enough:
        return ""
    return f"{LOW_POWER}: with {many} {of} only an input that decides very much can be told, so that none is told does not mean that none matters; more draws are needed."


# -- Sobol -------------------------------------------------------------------------------------------------------------------


def sobol(outcome: Outcome, design: Design) -> Sensitivity:
    """First order and total indices by Saltelli's design, with bootstrap intervals over its blocks."""
    from SALib.analyze.sobol import first_order, total_order  # slow to load

    names, count = design.inputs, len(design.inputs)
    block = design.block
    runs, whole = repeated(outcome, block, len(design.points))
    blocks, notes = len(whole), []
    a, b, ab = runs.means[:, 0], runs.means[:, -1], runs.means[:, 1 : count + 1]
    if np.ptp(runs.means) == 0.0:
        return Sensitivity("Sobol", "total", _nothing(names, ("total", "first order")), blocks * block, len(design.points) - blocks * block, (NOTHING,))
    centre = float(np.concatenate((a, b)).mean())
    a, b, ab = a - centre, b - centre, ab - centre  # the estimates are biased where values are not centred
    at = resampled(blocks, "sobol")
    variance, variances = np.var(np.concatenate((a, b))), np.var(np.concatenate((a[at], b[at])), axis=0)
    raw = {"total": total_order, "first order": first_order}
    values = {name: np.array([of(a, ab[:, j], b) for j in range(count)]) * variance for name, of in raw.items()}
    samples = {name: np.array([of(a[at], ab[at, j], b[at]) for j in range(count)]) * variances for name, of in raw.items()}

    chance, chances = dict.fromkeys(raw, np.zeros(count)), dict.fromkeys(raw, np.zeros((count, 1)))
    noise, noises, is_known, only_chance = 0.0, np.zeros(1), True, False
    if runs.seeds > 1:
        by_block = _chance_of_sobol(runs, count)
        noise, noises = float(by_block["noise"].mean()), by_block["noise"][at].mean(axis=0)
        chance = {name: by_block[name].mean(axis=0) for name in raw}
        chances = {name: by_block[name][at].mean(axis=0).T for name in raw}
        only_chance = is_only_chance(np.concatenate((a, b)), noise, 2 * blocks * (runs.seeds - 1))
    elif runs.one_set:
        is_known, notes = False, [ONE_SEED]
    elif design.dummy is not None:
        noise, noises = float(values["total"][design.dummy]), samples["total"][design.dummy]
        chance, chances = {"total": np.full(count, noise), "first order": np.zeros(count)}, {"total": noises[None, :], "first order": np.zeros((count, 1))}
        notes = [FEW_SEEDS]
        only_chance = bool(variance - noise <= 2.0 * float((variances - noises).std()))
    else:
        is_known = False
    if design.dummy is None:
        notes.append(NO_DUMMY)
    if only_chance:
        notes.append(ALL_CHANCE)

    indices = []
    for name in raw:
        better = beats(samples[name] - (chances[name] if runs.seeds > 1 else 0.0), design)
        for j, each in enumerate(names):
            corrected = None
            if is_known and only_chance:
                corrected = Interval(0.0, NAN, NAN)
            elif is_known:
                left = (samples[name][j] - chances[name][min(j, len(chances[name]) - 1)]) / np.maximum(variances - noises, 1e-9 * variances)
                corrected = percentiles(float((values[name][j] - chance[name][j]) / (variance - noise)), left)
            found = percentiles(float(values[name][j] / variance), samples[name][j] / variances)
            indices.append(Index(each, name, found, corrected, bool(better[j]) and not only_chance))
    return Sensitivity("Sobol", "total", tuple(indices), blocks * block, len(design.points) - blocks * block, tuple(notes))


def _chance_of_sobol(runs: Repeated, count: int) -> dict[str, Floats]:
    """For each block: the variance by chance of a mean, and the parts by chance of both indices' numerators, shape (blocks, inputs)."""
    around = runs.around
    a, b, ab = around[:, :1], around[:, -1:], around[:, 1 : count + 1]
    if runs.shares_seeds:
        total, first = runs.by_chance(ab - a, ab - a) / 2.0, runs.by_chance(np.broadcast_to(b, ab.shape), ab - a)
    else:
        total, first = (runs.by_chance(a, a) + runs.by_chance(ab, ab)) / 2.0, np.zeros((len(around), count))
    noise = (runs.by_chance(a, a) + runs.by_chance(b, b))[:, 0] / 2.0
    return {"noise": noise, "total": total, "first order": first}


def _nothing(names: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[Index, ...]:
    nil = Interval(0.0, NAN, NAN)
    return tuple(Index(each, kind, nil, nil, False) for kind in kinds for each in names)


# -- Morris ------------------------------------------------------------------------------------------------------------------


def morris(outcome: Outcome, design: Design) -> Sensitivity:
    """Elementary effects over trajectories: of a step through an input's range, in the outcome's unit.

    `mu star` is the mean size of an effect and `mu` the mean effect (both as SALib has them); `root mean square` is the size by
    which inputs are held against the dummy, since the square of an effect has a part by chance that can be taken off; `sigma` says
    whether an effect depends on the others or is not linear, and is freed from chance likewise.
    """
    from SALib.analyze import morris as salib  # slow to load

    names, count = design.inputs, len(design.inputs)
    runs, whole = repeated(outcome, design.block, len(design.points))
    trajectories = len(whole)
    x = design.points.reshape(-1, count + 1, count)[whole]
    effects, chance = _effects(x, runs)
    levels = _levels(x)
    found = salib.analyze(design.problem, x.reshape(-1, count), runs.means.reshape(-1), num_levels=levels, num_resamples=10, seed=1)
    at, notes = resampled(trajectories, "morris"), []
    if runs.seeds == 1 and not runs.one_set and design.dummy is not None:
        chance, notes = np.repeat(effects[:, [design.dummy]] ** 2, count, axis=1), [FEW_SEEDS]
    is_known = runs.seeds > 1 or bool(notes)
    if runs.seeds == 1 and runs.one_set:
        notes.append(ONE_SEED)
    if design.dummy is None:
        notes.append(NO_DUMMY)
    if np.ptp(runs.means) == 0.0:
        notes = [NOTHING]

    better = beats((effects**2 - (chance if runs.seeds > 1 else 0.0))[at].mean(axis=0).T, design)
    spread = effects[at].var(axis=0, ddof=1).T  # shape (inputs, samples)
    indices = []
    for j, each in enumerate(names):
        sizes = np.abs(effects[at, j]).mean(axis=0)
        indices.append(Index(each, "mu star", percentiles(float(found["mu_star"][j]), sizes), None, bool(better[j])))
        indices.append(Index(each, "mu", percentiles(float(found["mu"][j]), effects[at, j].mean(axis=0)), None, bool(better[j])))
        for name, value, samples, part in (
            ("root mean square", effects[:, j] ** 2, (effects[at, j] ** 2).mean(axis=0), chance),
            ("sigma", np.full(1, found["sigma"][j] ** 2), spread[j], chance),
        ):
            raw = percentiles(float(np.sqrt(value.mean())), np.sqrt(samples))
            left, lefts = value.mean() - part[:, j].mean(), samples - part[at, j].mean(axis=0)
            free = percentiles(_root(left), np.sqrt(np.maximum(lefts, 0.0))) if is_known else None
            indices.append(Index(each, name, raw, free, bool(better[j])))
    points = trajectories * (count + 1)
    return Sensitivity("Morris", "root mean square", tuple(indices), points, len(design.points) - points, tuple(notes))


def _root(square: float) -> float:
    return float(np.sqrt(max(0.0, square)))


def _effects(x: Floats, runs: Repeated) -> tuple[Floats, Floats]:
    """The effect of each step, and the variance by chance of it, shape (trajectories, inputs)."""
    step, change = np.diff(x, axis=1), np.diff(runs.means, axis=1)
    moved = np.abs(step).argmax(axis=2)  # which input each step moves
    size = np.take_along_axis(step, moved[:, :, None], axis=2)[:, :, 0]
    chance = np.zeros_like(change)
    if runs.seeds > 1:
        around = runs.around
        before, after = around[:, :-1], around[:, 1:]
        by_chance = runs.by_chance
        chance = by_chance(after - before, after - before) if runs.shares_seeds else by_chance(after, after) + by_chance(before, before)
    effects, parts = np.empty_like(change), np.empty_like(change)
    np.put_along_axis(effects, moved, change / size, axis=1)
    np.put_along_axis(parts, moved, chance / size**2, axis=1)
    return effects, parts


def _levels(x: Floats) -> int:
    """How many levels the design has, from the size of its steps (levels / 2 of the levels' distances)."""
    step = float(np.abs(np.diff(x, axis=1)).max())
    return round(2.0 * step / (2.0 * step - 1.0))


# -- PAWN --------------------------------------------------------------------------------------------------------------------


def pawn(outcome: Outcome, design: Design) -> Sensitivity:
    """The distance between the distribution of the outcome and that within slices of an input's range (median of the slices).

    It speaks of the whole distribution, not of its variance, and needs no design of its own; of a Sobol design the independent
    points are taken. Chance cannot be taken off, but does the same to inert inputs: a thousand are made by putting an inert
    input's slices elsewhere, and an input must exceed nearly all of them.
    """
    from SALib.analyze import pawn as salib  # slow to load

    at = design.independent
    means = outcome.rows.groupby("draw")["value"].mean()
    there = np.array([draw for draw in at if draw in means.index], dtype=np.int64)
    if len(there) < 2 * SLICES:
        raise InputError(f"{outcome.label}: {len(there)} draws are too few for PAWN, which needs {2 * SLICES}; run the study to its end.")
    tested = [j for j, name in enumerate(design.inputs) if name not in outcome.inert]  # the fewer, the lower the bar
    design = Design(design.kind, tuple(design.inputs[j] for j in tested), design.points[:, tested])
    x, y = design.points[there], means.loc[there].to_numpy()
    if np.ptp(y) == 0.0:
        return Sensitivity("PAWN", "median distance", _nothing(design.inputs, ("median distance",)), len(there), len(at) - len(there), (NOTHING,))
    found = salib.analyze(design.problem, x, y, S=SLICES, seed=1)["median"]
    inert = np.sort([distance(each, y) for each in uniforms((INERT, len(y)), "inert input")])
    bar = inert[int(np.ceil((1.0 - LEVEL / max(1, len(design.inputs) - 1)) * (INERT - 1)))]
    rows, indices = resampled(len(y), "pawn", RESAMPLES // 5), []
    for j, name in enumerate(design.inputs):
        better, interval = name != DUMMY and bool(found[j] > bar), Interval(float(found[j]), NAN, NAN)
        if name == DUMMY:  # what inert inputs have, up to the most conspicuous of as many
            interval = Interval(interval.value, min(interval.value, float(inert[int(0.025 * INERT)])), max(interval.value, bar))
        elif better:  # of the others an interval would say nothing more
            samples = np.array([distance(x[r, j], y[r]) for r in rows.T])
            interval = percentiles(float(found[j]), samples + (found[j] - samples.mean()))  # resampled distances are too large, as if of fewer draws
        indices.append(Index(name, "median distance", interval, None, better))
    notes = (f"An inert input has a median distance of {inert.mean():.3f} here, and below {bar:.3f} even if it is the most conspicuous of {len(design.inputs)}.",)
    return Sensitivity("PAWN", "median distance", tuple(indices), len(there), len(at) - len(there), notes)


def distance(x: Floats, y: Floats) -> float:
    """PAWN's index of one input as SALib computes it, for the many samples that SALib would take minutes for."""
    edges = np.quantile(x, np.arange(0, 1 + 1 / SLICES, 1 / SLICES))
    order = np.argsort(y, kind="stable")
    slices = np.searchsorted(edges, x[order], side="right") - 1
    inside = slices[:, None] == np.arange(SLICES)
    sizes = inside.sum(axis=0)
    last = np.append(np.diff(y[order]) > 0.0, True)  # distributions are compared after the last of equal values
    share = np.cumsum(inside, axis=0)[last][:, sizes > 0] / sizes[sizes > 0]
    whole = (np.flatnonzero(last) + 1) / len(y)
    return float(np.median(np.abs(share - whole[:, None]).max(axis=0)))
