"""County drug lines, exploited children who go missing, and the services that answer, in England.

    import sim
    model = sim.CountyLines(scenario="baseline", world="town", seed=1)
    model.run_model()
    model.ledger.digest()
"""

from sim.errors import InputError
from sim.model import CountyLines
from sim.parameters import every_parameter
from sim.policies import every_policy
from sim.population import Child, Cohort
from sim.scenario import Scenario, load_scenario, load_world
from sim.world import World

every_policy()  # the numbers that policies declare are among `every_parameter` from here on

__version__ = "0.1.0"
__all__ = [
    "Child", "Cohort", "CountyLines", "InputError", "Scenario", "World", "every_parameter", "every_policy", "load_scenario",
    "load_world",
]  # fmt: skip
