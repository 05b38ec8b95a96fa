"""The parts of a variance, against simulations of which the parts are known."""

import numpy as np
import pandas as pd
import pytest

from experiments.analyses.outcomes import Outcome, level, measures_of
from experiments.analyses.split import cells_of, components, split
from experiments.measures import Measure
from tests.experiments.frames import design, frame

Y = Measure("y", "y", "units", "", "", lambda story, window: 0.0)
STRUCTURE = np.array([-1.0, 0.0, 4.0])  # variance 4.667
TRUE = (STRUCTURE.var(), 4.0 + 1.0, 9.0)


def study(rng, *, crossed, common_seeds, draws=12, seeds=3):
    """Runs under three structures: parameters of variance 4 (and 1 that a structure has for itself), chance of variance 9."""
    of_draw = rng.normal(0.0, 2.0, draws)
    common = rng.normal(0.0, 2.0, seeds) if common_seeds else np.zeros(seeds)
    rows = []
    for at, shift in enumerate(STRUCTURE):
        own = of_draw if crossed else rng.normal(0.0, 2.0, draws)
        values = shift + (own + rng.normal(0.0, 1.0, draws))[:, None] + common + rng.normal(0.0, np.sqrt(5.0) if common_seeds else 3.0, (draws, seeds))
        for d in range(draws):
            for k in range(seeds):
                rows.append((f"rival {at}", d if crossed else at * draws + d, k if common_seeds else 1000 * at + 10 * d + k, values[d, k]))
    return Outcome(Y, "present", "", pd.DataFrame(rows, columns=["structure", "draw", "seed", "value"]))


@pytest.mark.slow
@pytest.mark.parametrize("common_seeds", [False, True], ids=["seeds of their own", "the same seeds"])
@pytest.mark.parametrize("crossed", [True, False], ids=["the same draws", "draws of their own"])
def test_the_parts_are_estimated_without_bias(crossed, common_seeds):
    rng = np.random.default_rng(5)
    found = np.array([_components(study(rng, crossed=crossed, common_seeds=common_seeds)) for _ in range(300)])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - TRUE) < 3.5 * error)
    assert np.all(error < 0.25)  # so that the test could fail


def _components(outcome):
    cells = cells_of(outcome)
    return components(cells, np.ones((cells.means.shape[1], 1)))[:, 0]


def test_shares_add_up_and_have_intervals():
    result = split(study(np.random.default_rng(1), crossed=True, common_seeds=False, draws=60))
    assert sum(part.share.value for part in result.parts) == pytest.approx(1.0)
    total = sum(TRUE)
    for part, true in zip(result.parts, TRUE, strict=True):
        assert part.share.low < true / total < part.share.high
    assert (result.structures, result.draws, result.runs) == (3, 60, 540)
    assert result.notes == ()


def test_what_a_study_cannot_tell_is_said():
    made = frame("latin_hypercube", design("latin_hypercube", 20), lambda x: x[:, 0], noise=0.1)
    result = split(level(made, *measures_of(made), "present"))
    assert np.isnan(result.share("structure").value) and np.isnan(result.share("chance").value)
    assert result.share("parameters").value == 1.0
    assert len(result.notes) == 2


def test_chance_alone_is_all_chance():
    made = frame("latin_hypercube", design("latin_hypercube", 200), lambda x: 0.0 * x[:, 0], noise=1.0, seeds=2)
    assert split(level(made, *measures_of(made), "present")).share("chance").value > 0.85
