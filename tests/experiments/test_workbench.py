"""The model in the Exploratory Modeling Workbench gives what the model itself gives."""

import pickle

import numpy as np
import pytest

from sim import CountyLines, InputError, every_parameter
from tests.experiments.small import INTERVIEWS, world

pytestmark = pytest.mark.slow  # the workbench takes seconds to load

SMALL = world(fraction=0.01, warm_up=4, days=30)
AT_HOME, TRIES, POSITIONS, COVERAGE = "missing.at_home", "exploitation.tries", "lines.positions", "policies.return_interviews.coverage"


def alone(parameters, seed):
    from experiments.measures import take
    from experiments.measures.story import Story, Window

    model = CountyLines(INTERVIEWS, SMALL, seed=seed, parameters=parameters)
    model.run_model()
    return take(Story({name: model.ledger.table(name) for name in model.ledger.tables}), Window(5, 30), ("children_missing",))["children_missing"]


def test_experiments_of_the_workbench_are_runs_of_the_model():
    from ema_workbench import perform_experiments

    from experiments.workbench import workbench_model

    model = workbench_model(INTERVIEWS, SMALL, measures=["children_missing"], uncertainties=[AT_HOME, POSITIONS], levers=[COVERAGE], seeds=(3,))
    experiments, outcomes = perform_experiments(model, scenarios=3, policies=2)
    assert len(experiments) == 6 and outcomes["children_missing"].shape == (6,)
    at_home = next(each for each in every_parameter() if each.address == AT_HOME)
    experiments = experiments.rename(columns={"missing__at_home": AT_HOME, "lines__positions": POSITIONS, "policies__return_interviews__coverage": COVERAGE})
    assert experiments[AT_HOME].between(*at_home.between).all() and (experiments[POSITIONS] % 1 == 0).all()
    row = experiments.iloc[4]
    assert outcomes["children_missing"][4] == model.function(seed=3, **{AT_HOME: row[AT_HOME], POSITIONS: row[POSITIONS], COVERAGE: row[COVERAGE]})["children_missing"]
    whole = {AT_HOME: row[AT_HOME], POSITIONS: int(row[POSITIONS])}
    assert model.function(seed=3, **whole, **{COVERAGE: 1.0})["children_missing"] == alone(whole, 3)


def test_several_seeds_are_averaged():
    from ema_workbench import Sample, perform_experiments

    from experiments.workbench import workbench_model

    model = workbench_model(INTERVIEWS, SMALL, measures=["children_missing"], uncertainties=[AT_HOME], seeds=(1, 2))
    _, outcomes = perform_experiments(model, scenarios=[Sample("one", missing__at_home=0.1)])
    assert outcomes["children_missing"][0] == np.mean([alone({AT_HOME: 0.1}, seed) for seed in (1, 2)])


@pytest.mark.parametrize("name", [AT_HOME, TRIES, POSITIONS, "lines.external"])
def test_draws_have_the_declared_distribution_on_other_processes_too(name):
    from experiments.workbench import Declared

    parameter = next(each for each in every_parameter() if each.address == name)
    frozen = Declared(parameter)()
    for each in (frozen, pickle.loads(pickle.dumps(frozen))):
        assert each.ppf([0.0, 0.2, 0.5, 0.9, 1.0]) == pytest.approx([parameter.quantile(u) for u in (0.0, 0.2, 0.5, 0.9, 1.0)])


def test_by_default_every_uncertain_number_is_drawn_and_a_wrong_name_is_refused():
    from experiments.workbench import name_of, workbench_model

    uncertain = {name_of(each.address) for each in every_parameter() if each.is_uncertain and (not each.group.startswith("policies.") or "return_interviews" in each.group)}
    assert {each.name for each in workbench_model(INTERVIEWS, SMALL).uncertainties} == uncertain
    with pytest.raises(InputError, match=r"nearest known name is 'missing\.at_home'"):
        workbench_model(INTERVIEWS, SMALL, uncertainties=["missing.at_hom"])
