"""The runs of a study as a table: one row for each run, one column for each input, switch and measure.

    import experiments
    frame = experiments.open_frame("results/screening")        # a pandas.DataFrame
    frame = experiments.open_frame("shard-1", "shard-2")       # of several folders, as if they were one

Other programs read `frame.parquet` in the study's folder, which has the same columns. Columns: key, scenario, draw, seed; every uncertain
input by its address, and "dummy", which goes nowhere; "structure:" and the address of every switch; "measure:" and the name of every
measure, over all days after the warm-up. Rows go by draw, seed, structure and scenario. Runs that failed are absent; `open_failures`
has them. `frame.attrs` has study, title, why, about (which children, when), design, inputs (address to range), units (measure to unit), points (draws × inputs, in the unit cube),
how many runs are missing, and scenarios: of each its title, its policies, and the inputs that decide nothing in it ("inert"), since it lacks
their policy or has a setting of its own.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments import wording
from experiments.measures import every_measure
from experiments.measures.story import Window
from experiments.running.store import Unusable, measured_by, write_parquet
from experiments.studies.designs import latin_column
from experiments.studies.folder import FORMAT as COMPARISON
from experiments.studies.folder import RESTORED, needed, read_json, replicates_in, told_by
from experiments.studies.sampling import DUMMY
from experiments.studies.study import scenario_from, world_from
from experiments.studies.sweep_folder import STRUCTURE, SweepFolder
from experiments.studies.sweeps import matters_in
from sim import every_parameter
from sim.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MEASURE = "measure:"
ATTRIBUTES = b"countylines"
FRAME = "frame.parquet"
TURNS = 3


class Points:
    """An array that pandas may keep in `attrs`: it compares attributes with `==` when it merges, and copies them with every step."""

    def __init__(self, values: np.ndarray):
        self.values, self.shape = values, values.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype) if copy else np.asarray(self.values, dtype=dtype)

    def __getitem__(self, at: Any) -> Any:
        return self.values[at]

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Points) and np.array_equal(self.values, other.values))

    __hash__ = None  # type: ignore[assignment]

    def __deepcopy__(self, memo: dict[int, Any]) -> Points:
        return self


def open_frame(*folders: str | Path) -> pd.DataFrame:
    """The runs of a study that are there, from its folder, or from several with parts of the same study; of a comparison too.

    A file that is damaged is never used: it is named in a warning, and its run is absent. Raises InputError if a folder is not of a
    study, or holds another one.
    """
    import pandas as pd

    if not folders:
        raise InputError("open_frame needs the folder of a study, such as 'results/NAME'.")
    places = [_folder(Path(folder)) for folder in folders]
    written = _written(places[0]) if len(places) == 1 else None
    table, said = (written, []) if written is not None else gathered(places)
    for sentence in said:
        warnings.warn(sentence, stacklevel=2)
    attributes = json.loads((table.schema.metadata or {})[ATTRIBUTES])
    frame = pd.DataFrame({name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names})
    points = places[0].table("points")
    del attributes["by"]
    attributes["scenarios"] = _scenarios(places[0])
    attributes["points"] = Points(np.column_stack([points.column(name).to_numpy() for name in points.column_names if name != "draw"]))
    frame.attrs = attributes
    return frame


def open_failures(*folders: str | Path) -> pd.DataFrame:
    """The runs that failed: key, scenario, seed, error, and the command that shows it failing."""
    import pandas as pd

    told = [each for folder in folders for each in _folder(Path(folder)).told_of_failures()]
    return pd.DataFrame([{name: each.get(name) for name in ("key", "scenario", "seed", "error", "replay")} for each in told], columns=["key", "scenario", "seed", "error", "replay"])


def gathered(folders: Sequence[SweepFolder]) -> tuple[pa.Table, list[str]]:
    """The frame as an Arrow table, and a sentence for each file that cannot be used."""
    first = folders[0].told()
    for folder in folders[1:]:
        told = folder.told()
        for what, of in (("study", "study"), ("source", "version of the model")):
            if told.get(what) != first.get(what):
                raise InputError(f"{folder.path} and {folders[0].path} cannot be read as one: they are not of the same {of}.")
    asked, plan, draws = first["study"], folders[0].table("plan"), folders[0].table("draws")
    days = asked["world"]
    names = tuple(asked["measures"]) or tuple(measure.name for measure in every_measure())
    values, said = _values(folders, plan.column("key").to_pylist(), names, Window(days["warm_up_days"] + 1, days["days"]))
    there = values[:, -1] == 1.0
    plan, values = plan.filter(pa.array(there)), values[there]
    drawn = draws.take(plan.column("draw"))
    columns: dict[str, Any] = {name: plan.column(name) for name in ("key", "scenario", "draw", "seed")}
    columns |= {name: drawn.column(name) for name in draws.column_names if name != "draw"}
    columns |= {name: plan.column(name) for name in plan.column_names if name.startswith(STRUCTURE)}
    columns |= {MEASURE + name: values[:, k] for k, name in enumerate(names)}
    world = world_from(days)
    attributes = {
        "study": asked["name"], "title": asked.get("title") or asked["name"], "why": asked.get("why", ""),
        "about": f"{wording.place(world)}, {wording.children(world):,} invented children, {Window(days['warm_up_days'] + 1, days['days']).label}", "design": asked["design"]["method"], "levels": asked["design"]["levels"], "common_seeds": asked["common_seeds"],
        "inputs": {**{each["address"]: _range(each) for each in asked["inputs"]}, DUMMY: [0.0, 1.0]},
        "units": {measure.name: measure.unit for measure in every_measure() if measure.name in names},
        "comparator": asked["scenarios"][0], "missing": int((~there).sum()), "by": _by(first),
    }  # fmt: skip
    return pa.table(columns).replace_schema_metadata({ATTRIBUTES: json.dumps(attributes)}), said


def _scenarios(folder: SweepFolder) -> dict[str, dict[str, Any]]:
    """Of each scenario its title, its policies, and the inputs that decide nothing in it. Raises InputError if a file of it is damaged."""
    asked, told = folder.told()["study"], {}
    named = {each["address"] for each in asked["inputs"] if each.get("is_named")}
    for name in asked["scenarios"]:
        path = folder.path / "scenarios" / f"{name}.json"
        try:
            scenario = scenario_from(needed(path))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise error if isinstance(error, InputError) else InputError(f"{path} is missing or damaged; {RESTORED}.") from None
        inert = [each["address"] for each in asked["inputs"] if not matters_in(scenario, each["address"], each["address"] in named)]
        told[name] = {"title": scenario.title or name, "policies": sorted(scenario.policies), "inert": inert}
    return told


def _values(folders: Sequence[SweepFolder], keys: Sequence[str], names: Sequence[str], whole: Window) -> tuple[np.ndarray, list[str]]:
    """The measures of each run, a row each, and in the last column whether it is there; a sentence for each file that cannot be used."""
    values, said = np.full((len(keys), len(names) + 1), np.nan), []
    rows: dict[str, np.ndarray] = {}
    for place, key in enumerate(keys):
        if key not in rows:
            for folder in folders:
                try:
                    result = folder.store.read(key)
                except Unusable as error:
                    said.append(f"{folder.store.path(key)} cannot be used: {error}.")
                    continue
                if result is not None:
                    rows[key] = np.array([*(result.values.get(("measure", whole.iso, name), np.nan) for name in names), 1.0])
                    break
        if key in rows:
            values[place] = rows[key]
    return values, said


def _range(told: dict[str, Any]) -> list[float]:
    """The least and the greatest value of an input."""
    return [min(told["levels"]), max(told["levels"])] if told["levels"] else list(told["between"])


def write_frame(folder: SweepFolder) -> pa.Table:
    """Write `frame.parquet` of all runs that are there, others' too, and give it."""
    for _ in range(TURNS):  # another shard may end meanwhile, and who writes last shall have seen all
        seen = folder.names()
        table, _ = gathered([folder])
        write_parquet(folder.path / FRAME, table, write_page_checksum=True)
        if folder.names() == seen:
            break
    return table


def _written(folder: SweepFolder) -> pa.Table | None:
    """What `frame.parquet` holds, if it is whole, and of just the runs that are there, as this version would read them."""
    try:
        with (folder.path / FRAME).open("rb") as file:
            table = pq.read_table(file, page_checksum_verification=True)
        told = json.loads(table.schema.metadata[ATTRIBUTES])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None
    if told["by"] != _by(folder.told()):
        return None
    asked = set(folder.table("plan").column("key").to_pylist())
    there = {name.removesuffix(".parquet") for name in folder.names()} & asked
    return table if there == set(table.column("key").to_pylist()) else None


def _by(study: dict[str, Any]) -> str:
    """What a frame depends on beside the runs."""
    return hashlib.sha256(json.dumps([study["study"], study.get("source", ""), measured_by()], sort_keys=True).encode()).hexdigest()


# -- of a comparison ---------------------------------------------------------------------------------------------------------


class _Comparison(SweepFolder):
    """The folder of a comparison, which says the same in other words: its replicates are draws of a Latin hypercube."""

    def told(self) -> dict[str, Any]:
        told, declared = told_by(self.path), {each.address: each for each in every_parameter()}
        inputs = [{"address": address, "between": list(declared[address].between), "levels": []} for address in self._addresses()]
        asked = {
            "name": self.path.name, "scenarios": told["study"]["scenarios"], "world": told["study"]["world"], "seed": told["study"]["seed"],
            "design": {"method": "latin_hypercube", "levels": 0}, "inputs": inputs, "common_seeds": False, "measures": [],
        }  # fmt: skip
        return {"study": asked, "source": told.get("source", ""), "runs": told["runs"], "failures": told["failures"]}

    def table(self, name: str) -> pa.Table:
        if name == "plan":
            scenarios = self.told()["study"]["scenarios"]
            runs = [run for run in self.told()["runs"] if run["purpose"] == "comparison"]
            runs.sort(key=lambda run: (run["draw"], run["seed"], scenarios.index(run["scenario"])))
            return pa.table({column: pa.array([run[column] for run in runs]) for column in ("key", "scenario", "draw", "seed")})
        rows = {int(row["draw"]): row for row in self._replicates()}  # two seeds of a draw have the same values
        number, seed = len(rows), self.told()["study"]["seed"]
        columns = {address: latin_column(seed, address, number) for address in (*self._addresses(), DUMMY)}
        if name == "draws":
            columns |= {address: np.array([float(row[address]) for row in rows.values()]) for address in self._addresses()}
        return pa.table({"draw": np.arange(number), **columns})

    def told_of_failures(self) -> list[dict[str, Any]]:
        return self.told()["failures"]

    def _addresses(self) -> list[str]:
        return [name for name in self._replicates()[0] if name not in ("replicate", "seed", "draw")]

    def _replicates(self) -> list[dict[str, str]]:
        return replicates_in(self.path)


def _folder(path: Path) -> SweepFolder:
    """The folder of a sweep or of a comparison."""
    told = read_json(path / "study.json") or {}
    return _Comparison(path) if told.get("format") == COMPARISON else SweepFolder(path)
