"""Hand-made frames, as `experiments.studies.frame.open_frame` gives them: a function of known answers in place of the model."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from SALib.sample import latin, morris, sobol

Floats = np.ndarray
NAMES = ("one", "two", "three", "dummy")
SAMPLERS = {
    "sobol": lambda problem, size: sobol.sample(problem, size, calc_second_order=False, seed=7),
    "morris": lambda problem, size: morris.sample(problem, size, num_levels=4, seed=7),
    "latin_hypercube": lambda problem, size: latin.sample(problem, size, seed=7),
}
ISHIGAMI = {"first order": (0.3139, 0.4424, 0.0, 0.0), "total": (0.5576, 0.4424, 0.2437, 0.0)}
"""Its indices for a = 7, b = 0.1 (Ishigami and Homma 1990; as in SALib's documentation), and those of an inert input."""
ISHIGAMI_VARIANCE = 13.8445


def ishigami(x: Floats) -> Floats:
    """Ishigami's function of the first three inputs, each from -pi to pi."""
    a, b, c = (np.pi * (2.0 * x[:, k] - 1.0) for k in range(3))
    return np.sin(a) + 7.0 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def design(kind: str, size: int, names: Sequence[str] = NAMES) -> Floats:
    """Points of one of SALib's designs in the unit hypercube."""
    return SAMPLERS[kind]({"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}, size)


def frame(
    kind: str,
    points: Floats,
    of: Callable[[Floats], Floats],
    *,
    noise: float = 0.0,
    seeds: int = 1,
    one_set: bool = False,
    names: Sequence[str] = NAMES,
    policy: Callable[[Floats], Floats] | None = None,
    structures: Sequence[tuple[str, float]] = (),
    chance: int = 1,
) -> pd.DataFrame:
    """A study of one measure, `y`, of a comparator and, if given, a policy that adds to it.

    `noise` is the standard deviation of normal chance, drawn for each run; with `one_set` the seeds are the same for all draws, and
    half of that variance belongs to the seed alone. `structures` add a constant each.
    """
    rng = np.random.default_rng(chance)
    draws, level = len(points), of(points)
    common = rng.normal(size=seeds) * noise * np.sqrt(0.5 if one_set else 0.0)
    rows = []
    for structure, added in structures or (("", 0.0),):
        for scenario, change in (("present", 0.0), ("policy", policy(points) if policy else None)):
            if change is None:
                continue
            own = rng.normal(size=(draws, seeds)) * noise * np.sqrt(0.5 if one_set else 1.0)
            values = (level + added + change)[:, None] + common + own
            seed = np.tile(np.arange(seeds), (draws, 1)) if one_set else np.arange(draws * seeds).reshape(draws, seeds)
            told = {"scenario": scenario, "draw": np.repeat(np.arange(draws), seeds), "seed": seed.ravel(), "measure:y": values.ravel()}
            told |= {name: np.repeat(points[:, k], seeds) for k, name in enumerate(names)}
            told |= {"structure:rival": structure} if structures else {}
            rows.append(pd.DataFrame(told))
    made = pd.concat(rows).sort_values(["draw", "seed", "scenario"], kind="stable").reset_index(drop=True)
    made.insert(0, "key", [f"{k:064x}" for k in range(len(made))])
    made.attrs = {
        "study": "hand-made", "design": kind, "inputs": {name: [0.0, 1.0] for name in names}, "units": {"y": "units"}, "points": points,
        "comparator": "present", "levels": 4 if kind == "morris" else 0, "common_seeds": one_set, "missing": 0,
    }  # fmt: skip
    return made
