"""The folder of a sweep: what was asked and by which version, every run with its key, what failed, and the frame of all runs.

    study.json          what was asked; command, versions, commit, source; how far it is
    commands/           every command that added to it, a file each; study.json and README.md list them
    scenarios/          every scenario and the world, resolved
    draws.parquet       the values of the inputs, a row for each draw; points.parquet: the same as points of the unit cube
    plan.parquet        every run: key, scenario, draw, seed, structure
    runs/KEY.parquet    what was measured of a run (see `store`)
    failures/KEY.json   a run that failed: its seed, its error, and the command that shows it failing
    frame.parquet       one row for each run: inputs, switches, measures; for pandas, Polars, DuckDB and R

Whoever computes runs writes here alone: a file is whole under its name or not there, and a run's name is its key. So any number of
processes and machines may share the folder, and `frame` reads several folders as one. study.json, scenarios, tables and runs say by a
checksum whether they are whole, the three tables also of which study they are: no analysis rests on a file that was damaged.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.running.runner import Failure
from experiments.running.store import Store, Unusable, write_parquet
from experiments.studies.designs import Replicate
from experiments.studies.folder import RESTORED, SUM, Recorded, checksum, is_whole, needed, read_json, write_told
from experiments.studies.sampling import DUMMY
from experiments.studies.study import Run, describe_scenario, scenario_from, world_from
from experiments.studies.sweeps import Row, Sweep, sweep_from
from sim.errors import InputError
from sim.parameters import Parameters
from sim.runs import describe_world, in_a_sentence, plain, source_digest, write_atomically, write_json

FORMAT = "countylines sweep, format 1"
STRUCTURE = "structure:"
FIXED = ("world", "seed", "common_seeds")  # a folder has one of each


@dataclass(frozen=True)
class SweepFolder:
    """`results/<name>`, or wherever it was put."""

    path: Path

    @property
    def store(self) -> Store:
        """Its runs."""
        return Store(self.path / "runs")

    @property
    def failures(self) -> Path:
        """Where what failed is told."""
        return self.path / "failures"

    @property
    def info(self) -> Path:
        return self.path / "study.json"

    # -- before the runs ---------------------------------------------------------------------------------------------------

    def open(self, study: Sweep, facts: Mapping[str, Any]) -> list[str]:
        """Make it, and say in it what is about to be run; returns a sentence for each thing that has changed since it was last opened.

        Raises InputError, with nothing changed, if it cannot be written to, or holds a study that this one does not continue.
        """
        before = self._before()
        changed = self._changes(before, study) if before else [f"{self.info} was damaged and is written anew."] if self.info.exists() else []
        study.distinct  # noqa: B018  # now, not with the folder half-made: it may be refused
        with in_a_sentence(self.path):
            for each in (self.store.folder, self.failures, self.path / "scenarios"):
                each.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=each):
                    pass  # it can be written to
        for scenario in study.scenarios:
            write_told(self._scenario(scenario.name), describe_scenario(scenario))
        write_told(self.path / "scenarios" / f"world-{study.world.name}.json", describe_world(study.world))
        for name, table in (("draws", _draws(study)), ("points", _points(study)), ("plan", _plan(study))):
            write_parquet(self.path / f"{name}.parquet", table.replace_schema_metadata({SUM: _sum_of_table(name, described(study), table)}))
        self._keep(facts["command"], (before or {}).get("commands", []))
        self.write_study(study, facts, "running")
        return changed

    def _keep(self, command: str, before: Sequence[str]) -> None:
        """Keep a command in a file of its own, so that no other process that writes here meanwhile can lose it; those of `before` first."""
        folder = self.path / "commands"
        with in_a_sentence(folder):
            folder.mkdir(exist_ok=True)
        for at, each in enumerate(dict.fromkeys([*before, command]), max([time.time_ns(), *(last + 1 for last, _ in self._kept())])):
            path = folder / f"{hashlib.sha256(each.encode(errors='backslashreplace')).hexdigest()[:16]}.json"
            if read_json(path) is None:
                write_json(path, {"kept": at, "command": each})

    def commands(self) -> list[str]:
        """Every command that added to this study, the first one first."""
        return [command for _, command in self._kept()]

    def _kept(self) -> list[tuple[int, str]]:
        """When each command was kept [nanoseconds], and the command."""
        told = [each for each in map(read_json, (self.path / "commands").glob("*.json")) if each]
        return sorted((each["kept"], each["command"]) for each in told if isinstance(each.get("kept"), int) and isinstance(each.get("command"), str))

    def _before(self) -> dict[str, Any] | None:
        """What the folder's study.json says; None if there is none, or it is damaged."""
        told = read_json(self.info)
        if told is None:
            return None
        if told.get("format") != FORMAT:
            raise InputError(f"{self.path} holds another kind of study; give this one another folder with --out.")
        return told if is_whole(told) else None

    def _changes(self, before: Mapping[str, Any], study: Sweep) -> list[str]:
        """What is not as it was. Raises InputError where it is another study."""
        then, now = before["study"], described(study)
        for key in FIXED:
            if then.get(key) != now[key]:
                told = [each.get("name") if isinstance(each, dict) else each for each in (then.get(key), now[key])]
                but = f"has {key.replace('_', ' ')} {told[0]} and not {told[1]}" if told[0] != told[1] else f"has other days or places of {told[1]}"
                raise InputError(f"{self.path} holds another study, which {but}; give this one another folder with --out.")
        if then.get("design", {}).get("method") != now["design"]["method"]:
            raise InputError(f"{self.path} holds another study, which has design {then.get('design', {}).get('method')} and not {now['design']['method']}; give this one another folder with --out.")
        said = []
        if before.get("source") != source_digest():
            said.append("The model has changed since this folder was written: its runs do not count any more, and all are computed again.")
        for scenario in study.scenarios:
            there = read_json(self._scenario(scenario.name))
            if there is not None and {key: there.get(key) for key in ("policies", "parameters")} != json.loads(json.dumps(scenario.resolved())):
                said.append(f"Scenario '{scenario.name}' has changed since this folder was written: its runs are computed again.")
        if then["seeds"] > now["seeds"] or then["design"]["size"] > now["design"]["size"] or set(then["scenarios"]) - set(now["scenarios"]):
            said.append("The study in this folder was larger: runs that are not asked for any more stay in runs/ but leave its frame, until `extend` asks for them again.")
        parts = {"inputs": "Inputs", "design": "The design", "structure": "The structures", "seeds": "The number of seeds", "scenarios": "The scenarios"}
        said += [f"{what} changed since this folder was written: what is missing is computed." for key, what in parts.items() if then.get(key) != now[key]]
        return said

    def _scenario(self, name: str) -> Path:
        return self.path / "scenarios" / f"{name}.json"

    def write_study(self, study: Sweep, facts: Mapping[str, Any], state: str, **more: Any) -> None:
        """`study.json`, and README.md; with every command that is kept by now, whoever gave it."""
        commands: list[str] | None = None
        while commands != (commands := self.commands()):  # another may be kept while these are written
            self._write_text("README.md", _readme(self.path, commands))
            write_told(self.info, {"format": FORMAT, "state": state, "study": study.description(), **facts, "commands": commands, **more})

    def _write_text(self, name: str, text: str) -> None:
        def write(path: Path) -> None:
            path.write_text(text, encoding="utf-8", newline="\n")

        write_atomically(self.path / name, write)

    # -- runs ----------------------------------------------------------------------------------------------------------------

    def there(self, keys: Sequence[str]) -> tuple[set[str], list[str]]:
        """Which of the runs are there, and a sentence for each file that cannot be used. Each file is read to its end."""
        there, said, names = set(), [], self.names()
        for key in keys:
            path = self.store.path(key)
            if path.name not in names:
                continue
            try:
                if self.store.read(key) is not None:
                    there.add(key)
            except Unusable as error:
                said.append(f"{path} cannot be used: {error}; this run is computed again.")
        return there, said

    def names(self) -> set[str]:
        """The names of the files of runs that are there."""
        with in_a_sentence(self.store.folder, "read"):
            return {path.name for path in self.store.folder.glob("*.parquet")}

    def failed(self, failure: Failure) -> None:
        """Tell of a run that failed, at once."""
        write_json(self.failures / f"{failure.run.key}.json", self.described(failure) | {"trace": failure.trace})

    def described(self, failure: Failure) -> dict[str, Any]:
        """A run that failed, and the line that shows it failing again."""
        run = failure.run
        return {
            "key": run.key, "scenario": run.scenario.name, "seed": run.replicate.seed, "error": failure.error,
            "replay": f"python -m experiments replay {self.path.as_posix()} {run.key[:12]}",
        }  # fmt: skip

    def forgive(self, keys: Sequence[str]) -> None:
        """Forget that these runs once failed: they are there now, or are about to be tried again."""
        for key in keys:
            with suppress(OSError):
                (self.failures / f"{key}.json").unlink()

    def told_of_failures(self) -> list[dict[str, Any]]:
        """What is told of runs that failed, in the order of their keys."""
        told = [read_json(path) for path in sorted(self.failures.glob("*.json"))] if self.failures.is_dir() else []
        return [each for each in told if each is not None and isinstance(each.get("key"), str)]

    # -- reading it again ------------------------------------------------------------------------------------------------------

    def told(self) -> dict[str, Any]:
        """What study.json says. Raises InputError if this is not the folder of a sweep."""
        told = read_json(self.info)
        if told is None or told.get("format") != FORMAT:
            raise InputError(f"{self.path} is not the folder of a sweep: it has no study.json that `sweep` or `compare` wrote.")
        if not is_whole(told):
            raise InputError(f"{self.info} is damaged: its content does not match its checksum; {RESTORED}.")
        return told

    def study(self) -> Sweep:
        """The study as it was asked, from what the folder says. Raises InputError if it is damaged."""
        told = self.told()
        try:
            scenarios = [scenario_from(needed(self._scenario(name))) for name in told["study"]["scenarios"]]
            world = world_from(needed(self.path / "scenarios" / f"world-{told['study']['world']['name']}.json"))
            return sweep_from(told["study"], scenarios, world)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise error if isinstance(error, InputError) else InputError(f"{self.info} is damaged; {RESTORED}.") from None

    def table(self, name: str) -> pa.Table:
        """`plan`, `draws` or `points`. Raises InputError if it is damaged."""
        path = self.path / f"{name}.parquet"
        try:
            with path.open("rb") as file:
                table = pq.read_table(file)
            told = (table.schema.metadata or {}).get(SUM.encode(), b"").decode()
        except (OSError, pa.ArrowException, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{path} is missing or damaged ({reason}); {RESTORED}.") from None
        if told != _sum_of_table(name, self.told()["study"], table):
            raise InputError(f"{path} is damaged, or of another study: its content does not match its checksum; {RESTORED}.")
        return table

    def recorded(self, key: str) -> Recorded:
        """The run whose key begins so. Raises InputError."""
        study, plan = self.study(), self.table("plan").to_pylist()
        found = {row["key"]: row for row in plan if row["key"].startswith(key)}
        if len(found) != 1:
            raise InputError(f"{self.path}: {len(found)} of its {len(plan)} runs have a key that begins with '{key}', but it must be one; plan.parquet lists them.")
        ((whole, row),) = found.items()
        structure = tuple(row[STRUCTURE + address] for address in study.structure)
        drawn = self.table("draws").slice(row["draw"], 1).to_pylist()[0]
        parameters, scenarios = study.arms({each.address: _typed(each.address, drawn[each.address]) for each in study.inputs}, structure)
        scenario = next(each for each in scenarios if each.name == row["scenario"])
        run = Run(scenario, Replicate(0, row["seed"], row["draw"], parameters), whole)
        with suppress(Unusable):
            kept = self.store.read(whole)
            return Recorded(run, study.world, kept.digest if kept else None, self.told().get("source", ""))
        return Recorded(run, study.world, None, self.told().get("source", ""))


def described(study: Sweep) -> dict[str, Any]:
    """A study as `study.json` gives it back."""
    told: dict[str, Any] = json.loads(json.dumps(plain(study.description())))
    return told


def _sum_of_table(name: str, study: Mapping[str, Any], table: pa.Table) -> str:
    """A checksum of a table, its name and its study [hex]."""
    sha = hashlib.sha256(checksum({"table": name, "study": study, "columns": [[each.name, str(each.type)] for each in table.schema]}).encode())
    for column in table.columns:
        values = column.to_numpy()
        sha.update("\n".join(values).encode() if values.dtype == object else values.tobytes())
    return sha.hexdigest()


def _typed(address: str, value: float) -> float | int:
    """A value as the declared type has it."""
    group, _, name = address.rpartition(".")
    return int(value) if isinstance(Parameters.registry[group].declared[name].value, int) else float(value)


# -- tables --------------------------------------------------------------------------------------------------------------------


def _draws(study: Sweep) -> pa.Table:
    values, numbers = study.draws.values, np.arange(len(study.draws.values))
    columns = {each.address: pa.array([drawn[each.address] for drawn in values], _type(each.parameter.value)) for each in study.inputs}
    return pa.table({"draw": numbers, **columns, DUMMY: study.draws.points[:, -1]})


def _points(study: Sweep) -> pa.Table:
    columns = {address: study.draws.points[:, k] for k, address in enumerate([*(each.address for each in study.inputs), DUMMY])}
    return pa.table({"draw": np.arange(len(study.draws.points)), **columns})


def _plan(study: Sweep) -> pa.Table:
    rows: Sequence[Row] = study.rows
    structure = {
        STRUCTURE + address: pa.array([row.structure[k] for row in rows], _type(study.structure[address][0]))
        for k, address in enumerate(study.structure)
    }  # fmt: skip
    return pa.table(
        {
            "key": pa.array([row.run.key for row in rows], pa.string()), "scenario": pa.array([row.scenario for row in rows], pa.string()),
            "draw": pa.array([row.draw for row in rows], pa.int64()), "seed": pa.array([row.seed for row in rows], pa.int64()), **structure,
        }
    )  # fmt: skip


def _type(value: float | int) -> pa.DataType:
    return pa.int64() if isinstance(value, int) else pa.float64()


def _readme(path: Path, commands: Sequence[str]) -> str:
    several = " these commands in turn" if len(commands) > 1 else ""
    lines = "\n".join(f"    {command}" for command in commands)
    return f"""# A study of many runs

To rebuild it, with the version and commit that `study.json` names, from the study file{several}:

{lines}

or from this folder alone, whatever has become of the study file since; this also goes on where the study was stopped:

    python -m experiments extend {path.as_posix()}

To compute some of its runs again and compare the bytes:

    python -m experiments check {path.as_posix()}

`frame.parquet` has one row for each run: `pandas.read_parquet`, `polars.read_parquet` and DuckDB read it, and so do R and Stata.
`study.json` says what was asked and lists the commands that added to it; `scenarios/` has every scenario and the world as they were used,
`draws.parquet` the values of the inputs, `points.parquet` the same in the unit cube, `plan.parquet` the key of every run, `runs/` what
was measured of each, `failures/` what failed, each with the command that shows it failing.

All children are invented. No finding may be cited to refuse, delay or end a child's placement or the reporting of a missing child.
"""
