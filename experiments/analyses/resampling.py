"""Bootstrap samples that are the same on every machine: chance is looked up here too (see `sim.draws`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.analyses.effects import CONFIDENCE, Interval
from sim.draws import Draws

RESAMPLES = 500


def uniforms(shape: tuple[int, ...], what: str, seed: int = 1) -> NDArray[np.float64]:
    """Numbers evenly spread between 0 and 1, always the same for one name and seed."""
    keys = np.arange(int(np.prod(shape)), dtype=np.uint64)
    return Draws(seed).uniform(f"resampling.{what}", keys).reshape(shape)


def resampled(number: int, what: str, times: int = RESAMPLES) -> NDArray[np.int64]:
    """Which of `number` things each bootstrap sample takes, with replacement, shape (number, times)."""
    return (uniforms((number, times), what) * number).astype(np.int64)


def percentiles(value: float, samples: NDArray[np.float64]) -> Interval:
    """A value with the percentile interval of its bootstrap samples (Efron 1982); nan where they are."""
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(samples, (tail, 100.0 - tail))
    return Interval(value, float(low), float(high))
