"""Small studies for the tests: some hundred children for a few weeks, so that a run takes a fraction of a second."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from experiments.studies.folder import Folder
from experiments.studies.sampling import Design, Input
from experiments.studies.study import Study
from experiments.studies.sweep_folder import SweepFolder
from experiments.studies.sweeps import Sweep
from experiments.sweep import carry_out as carry_out_sweep
from experiments.sweep import shard as read_shard
from sim import Scenario, World, every_parameter, load_world
from sim.scenario import PolicyUse

REGION = load_world("region")
BASELINE = Scenario("baseline", "Present practice")
INTERVIEWS = Scenario("interviews", "More interviews", policies={"return_interviews": PolicyUse("return_interviews", {"coverage": 1.0})})
BEDS = Scenario("beds", "More specialist beds", policies={"specialist_foster": PolicyUse("specialist_foster", {"coverage": 1.0, "beds": 200.0})})
RESTLESS = Scenario("restless", "Twice as restless", parameters={"missing.at_home": 0.09})  # changes a parameter: cannot share a warm-up
EARLY = Scenario("early", "Beds from the first week", policies={"specialist_foster": PolicyUse("specialist_foster", {"beds": 200.0}, begins=7)})


def world(*, fraction: float = 0.02, warm_up: int = 20, days: int = 80) -> World:
    """A small part of the region's children for some weeks."""
    return World("small", REGION.authorities, fraction, warm_up, days)


def study(*scenarios: Scenario, number: int = 4, fixed: bool = False, seed: int = 1, days: int = 80) -> Study:
    """A study of these scenarios (of present practice and more interviews if none is named)."""
    return Study(scenarios or (BASELINE, INTERVIEWS), world(days=days), number, seed, fixed)


def done(asked: Study, path: Path, *, cores: int = 1, code: int = 0, page: bool = False) -> Folder:
    """The folder of a study that was carried out; the page itself is left empty unless asked for, as drawing takes a second."""
    from experiments.compare import carry_out
    from experiments.reports import report  # slow to load, and of no use to sweeps

    folder = Folder(path)
    with pytest.MonkeyPatch.context() as patch:
        if not page:
            patch.setattr(report, "write", lambda findings: "")
        assert carry_out(asked, folder, "python -m experiments compare …", cores) == code
    return folder


def same_files(one: Folder, other: Folder) -> list[str]:
    """Which of the files that depend on nothing but the study are there, and equal to the byte."""
    names = [f"runs/{path.name}" for path in one.store.folder.iterdir()]
    names += ["measures.parquet", "differences.csv", "replicates.csv", "report.html"]
    assert sorted(path.name for path in one.store.folder.iterdir()) == sorted(path.name for path in other.store.folder.iterdir())
    return [name for name in names if (one.path / name).read_bytes() == (other.path / name).read_bytes()]


# -- sweeps -------------------------------------------------------------------------------------------------------------------

PEERS, AT_HOME, COVERAGE = "recruitment.peers", "missing.at_home", "policies.return_interviews.coverage"


def sweep(*scenarios: Scenario, method: str = "latin_hypercube", size: int = 2, inputs: tuple[str, ...] = (AT_HOME, COVERAGE), levels: int = 0, **more: Any) -> Sweep:
    """A small sweep of these scenarios (of present practice and more interviews if none is named); the inputs are named ones."""
    declared = {each.address: each for each in every_parameter()}
    drawn = tuple(Input(declared[address], is_named=True) for address in inputs)
    return Sweep("small", scenarios or (BASELINE, INTERVIEWS), world(fraction=0.003, warm_up=4, days=12), Design(method, size, levels), drawn, **more)


def swept(asked: Sweep, path: Path, *, code: int = 0, cores: int = 1, shard: str = "1/1", dask: str | None = None) -> SweepFolder:
    """The folder of a sweep that was carried out."""
    options = Namespace(cores=cores, shard=read_shard(shard), dask=dask, command_line="python -m experiments sweep …")
    folder = SweepFolder(path)
    assert carry_out_sweep(asked, folder, options) == code
    return folder


def bytes_of(folder: SweepFolder) -> dict[str, bytes]:
    """Every file of a sweep that depends on nothing but the study."""
    tables = [folder.path / f"{name}.parquet" for name in ("draws", "points", "plan", "frame")]
    return {path.name: path.read_bytes() for path in (*folder.store.folder.iterdir(), *tables) if path.exists()}
