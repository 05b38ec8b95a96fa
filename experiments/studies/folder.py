"""The folder of a study: what was asked, every scenario as it was used, the replicates, the runs, what was found, and how to rebuild it.

    study.json          what was asked, by which command and version; every run's key and digest; failures
    scenarios/          every scenario and the world, resolved
    replicates.csv      seeds and parameter draws
    runs/               one small file for each run (see `store`)
    measures.parquet    every value: scenario, replicate, window, measure
    differences.csv     every paired difference
    report.html         for reading

study.json says by a checksum whether it is whole, and whether replicates.csv is what was written.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import sim
from experiments.measures import every_measure
from experiments.reports.findings import Findings
from experiments.running.runner import Failure
from experiments.running.store import Result, Store, Unusable, write_parquet
from experiments.studies.designs import Replicate
from experiments.studies.study import PRESENT_PRACTICE, Run, Study, describe_scenario, scenario_from, world_from
from sim.errors import InputError
from sim.parameters import Parameters
from sim.runs import commit, describe_world, in_a_sentence, plain, source_digest, versions, write_atomically, write_json

RESULTS = Path("results")
LONGEST_NAME = 100
FORMAT = "countylines study, format 1"
SUM = "sum"
RESTORED = "give the command in its README.md again (or, of several, all in turn) to restore it"


def default_name(study: Study) -> str:
    """A name that says what is compared, such as "region-2y-baseline-relocation"."""
    years = f"{round(study.whole.days / 365.25)}y"
    also = (["fixed"] if study.fixed else []) + ([f"seed{study.seed}"] if study.seed != 1 else [])
    return "-".join([study.world.name, years, *(scenario.name for scenario in study.scenarios), *also])[:LONGEST_NAME]


def checked_name(name: str) -> str:
    """The name of a study as the name of a folder. Raises InputError."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", name) or len(name) > LONGEST_NAME:
        raise InputError(f"--name is '{name}', but must be up to {LONGEST_NAME} letters, digits and any of . _ + - and not begin with one of the last four.")
    return name


def made_by(command: str) -> dict[str, Any]:
    """By what a study is made."""
    return {
        "command": command, "version": sim.__version__, "commit": commit(), "numpy": np.__version__, "source": source_digest(),
        "versions": versions(), "started": now(),
    }  # fmt: skip


def now() -> str:
    """The moment, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Folder:
    """`results/<name>`."""

    path: Path

    @property
    def store(self) -> Store:
        """Its runs."""
        return Store(self.path / "runs")

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    # -- before the runs ---------------------------------------------------------------------------------------------------

    def open(self, study: Study, facts: Mapping[str, Any]) -> None:
        """Make it, and say in it what is about to be run.

        Raises InputError if it cannot be written to, or holds a study that this one does not continue.
        """
        self._refuse_another(study)
        with in_a_sentence(self.path):
            for each in (self.store.folder, self.path / "scenarios"):
                each.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=each):
                    pass  # it can be written to
        for scenario in study.scenarios:
            write_told(self.path / "scenarios" / f"{scenario.name}.json", describe_scenario(scenario))
        write_told(self.path / "scenarios" / f"world-{study.world.name}.json", describe_world(study.world))
        self._write_text("replicates.csv", _replicates_as_text(study.replicates))
        self._write_text("README.md", _readme(facts["command"]))
        self.write_study(study, facts, {}, [], state="running")

    def _refuse_another(self, study: Study) -> None:
        there = read_json(self.path / "study.json")
        if there is None or (there.get("format") == FORMAT and not is_whole(there)):
            return  # nobody can say what it was; its runs go by their keys
        asked = there.get("study")
        then = asked if isinstance(asked, dict) else {}
        for key, wanted in study.description().items():
            if key in ("world", "seed", "fixed_parameters") and then.get(key) != wanted:
                shown = (then.get(key), wanted)
                told = [value.get("name", value) if isinstance(value, dict) else value for value in shown]
                but = f"has {key.replace('_', ' ')} {told[0]} and not {told[1]}" if told[0] != told[1] else f"has other days or places of {told[1]}"
                raise InputError(f"{self.path} holds another study, which {but}; give this one another --name.")

    # -- runs ----------------------------------------------------------------------------------------------------------------

    def read(self, study: Study) -> tuple[dict[str, Result], list[str]]:
        """The runs that are there, by key, and a sentence for each file that cannot be used."""
        results, said = {}, []
        for run in study.distinct_runs:
            try:
                result = self.store.read(run.key)
            except Unusable as error:
                said.append(f"{self.store.path(run.key)} cannot be used: {error}; this run is computed again.")
                continue
            if result is not None:
                results[run.key] = result
        return results, said

    # -- after the runs --------------------------------------------------------------------------------------------------------

    def write(self, findings: Findings, failures: Sequence[Failure]) -> None:
        """All that was found."""
        from experiments.reports import report  # slow to load, as it draws, and of no use before

        write_parquet(self.path / "measures.parquet", _measures(findings))
        self._write_text("differences.csv", _as_text(differences(findings)))
        self._write_text("report.html", report.write(findings))
        self.write_study(findings.study, findings.facts, findings.results, failures, state="failed" if failures else "complete")

    def write_study(
        self, study: Study, facts: Mapping[str, Any], results: Mapping[str, Result], failures: Sequence[Failure], state: str
    ) -> None:
        """`study.json`."""
        runs = [_described(run, "comparison", results) for run in study.runs]
        runs += [_described(run, "fit", results) for run in study.runs_of_fit]
        told = {key: value for key, value in facts.items() if key != "failures"}
        failed = [describe_failure(failure, self.path) | {"trace": failure.trace} for failure in failures]
        replicates = checksum(_replicates_as_text(study.replicates))
        write_told(self.path / "study.json", {"format": FORMAT, "state": state, "study": study.description(), **told, "replicates": replicates, "runs": runs, "failures": failed})

    def _write_text(self, name: str, text: str) -> None:
        def write(path: Path) -> None:
            path.write_text(text, encoding="utf-8", newline="\n")

        write_atomically(self.path / name, write)


def _described(run: Run, purpose: str, results: Mapping[str, Result]) -> dict[str, Any]:
    return {
        "purpose": purpose, "scenario": run.scenario.name, "replicate": run.replicate.number, "seed": run.replicate.seed,
        "draw": run.replicate.draw, "key": run.key, "digest": results[run.key].digest if run.key in results else None,
    }  # fmt: skip


def describe_failure(failure: Failure, folder: Path) -> dict[str, Any]:
    """A run that failed, and the line that shows it failing again."""
    run = failure.run
    return {
        "scenario": run.scenario.name, "replicate": run.replicate.number, "seed": run.replicate.seed, "key": run.key,
        "error": failure.error, "replay": f"python -m experiments replay {folder.as_posix()} {run.key[:12]}",
    }  # fmt: skip


def _readme(command: str) -> str:
    return f"""# A comparison of scenarios

To rebuild it, with the version and commit that `study.json` names:

    {command}

`report.html` is for reading and needs no other file. `study.json` says what was asked and gives the key and digest of every run;
`scenarios/` has every scenario and the world as they were used, `replicates.csv` the seeds and parameter draws, `measures.parquet`
every value, `differences.csv` every paired difference with its interval, `runs/` one small file for each run.

All children are invented. No finding may be cited to refuse, delay or end a child's placement or the reporting of a missing child.
"""


# -- tables --------------------------------------------------------------------------------------------------------------------------


def _replicates_as_text(replicates: Sequence[Replicate]) -> str:
    """One row for each replicate; a parameter that is not drawn has no column."""
    addresses = list(replicates[0].parameters) if replicates else []
    rows = [[each.number, each.seed, each.draw, *(repr(each.parameters[address]) for address in addresses)] for each in replicates]
    return _as_csv([["replicate", "seed", "draw", *addresses], *rows])


def _as_csv(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _measures(findings: Findings) -> pa.Table:
    """Every value of the compared runs, one row each."""
    columns: dict[str, list[Any]] = {name: [] for name in ("scenario", "replicate", "seed", "draw", "window", "measure", "value")}
    for run in findings.study.runs:
        result = findings.results.get(run.key)
        for (kind, window, name), value in result.values.items() if result else ():
            if kind == "measure":
                row = (run.scenario.name, run.replicate.number, run.replicate.seed, run.replicate.draw, window, name, value)
                for column, each in zip(columns.values(), row, strict=True):
                    column.append(each)
    types = dict.fromkeys(columns, pa.string()) | dict.fromkeys(("replicate", "seed", "draw"), pa.int64()) | {"value": pa.float64()}
    return pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})


def differences(findings: Findings) -> list[dict[str, Any]]:
    """Every paired difference, over all days after the warm-up and over each year; None where a figure cannot be given."""
    study = findings.study
    windows = dict.fromkeys((study.whole, *study.years))
    return [
        {"scenario": scenario.name, "comparator": study.comparator.name, "window": window.iso, "measure": measure.name, "unit": measure.unit}
        | dict(_row_of(findings.effect(scenario, measure, window)))
        for scenario in study.policies
        for window in windows
        for measure in every_measure()
    ]


def _row_of(effect: Any) -> Iterator[tuple[str, Any]]:
    yield from (("pairs", effect.pairs), ("draws", effect.draws))
    figures = {
        "comparator_mean": effect.comparator, "scenario_mean": effect.scenario, "difference": effect.difference.value,
        "low_95": effect.difference.low, "high_95": effect.difference.high, "per_cent": effect.per_cent.value,
        "per_cent_low_95": effect.per_cent.low, "per_cent_high_95": effect.per_cent.high, "chance_part": effect.chance.value,
        "chance_part_low_95": effect.chance.low, "chance_part_high_95": effect.chance.high,
    }  # fmt: skip
    yield from ((name, value if np.isfinite(value) else None) for name, value in figures.items())
    harm = effect.harm
    yield from (("draws_worse", harm.worse if harm else None), ("draws_better", harm.better if harm else None))
    improvement = harm.probability_of_improvement if harm and harm.draws else None
    yield from (("harm_share", harm.interval.value if improvement is not None else None), ("probability_of_improvement", improvement))


def _as_text(rows: Sequence[Mapping[str, Any]]) -> str:
    head = list(rows[0]) if rows else []
    return _as_csv([head, *(["" if row[name] is None else row[name] for name in head] for row in rows)])


# -- reading it again --------------------------------------------------------------------------------------------------------------------


def read_json(path: Path) -> dict[str, Any] | None:
    """What a JSON file says, None if there is none or it is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


@dataclass(frozen=True)
class Recorded:
    """A run as a study's folder describes it: enough to run it again."""

    run: Run
    world: Any
    digest: str | None
    source: str


def told_by(path: Path) -> dict[str, Any]:
    """What study.json says. Raises InputError if this is not the folder of a comparison."""
    data = read_json(path / "study.json")
    if data is None or data.get("format") != FORMAT:
        raise InputError(f"{path} is not the folder of a study: it has no study.json that `compare` or `sweep` wrote.")
    if not is_whole(data):
        raise InputError(f"{path / 'study.json'} is damaged: its content does not match its checksum; {RESTORED}.")
    return data


def write_told(path: Path, told: Mapping[str, Any]) -> None:
    """What a folder says of its study, as JSON that says by a checksum whether it is whole."""
    as_read = json.loads(json.dumps(plain(told)))
    write_json(path, as_read | {SUM: checksum(as_read)})


def is_whole(told: dict[str, Any]) -> bool:
    """Whether that, read again, is what was written; its checksum is taken out."""
    return bool(told.pop(SUM, None) == checksum(told))


def checksum(told: Any) -> str:
    """SHA-256 of plain data [hex]."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def replicates_in(path: Path) -> list[dict[str, str]]:
    """The rows of a comparison's replicates.csv. Raises InputError if it is not what was written."""
    try:
        text = (path / "replicates.csv").read_bytes().decode()
    except (OSError, ValueError) as error:
        raise InputError(f"{path / 'replicates.csv'} is missing or damaged ({getattr(error, 'strerror', None) or 'it is not UTF-8 text'}); {RESTORED}.") from None
    if checksum(text) != told_by(path).get("replicates"):
        raise InputError(f"{path / 'replicates.csv'} is damaged, or of another study: its content does not match its checksum; {RESTORED}.")
    return list(csv.DictReader(io.StringIO(text)))


def recorded(path: Path, key: str) -> Recorded:
    """The run of a study whose key begins so. Raises InputError."""
    data = told_by(path)
    found = {run["key"]: run for run in data["runs"] if run["key"].startswith(key)}
    if len(found) != 1:
        raise InputError(f"{path}: {len(found)} of its {len(data['runs'])} runs have a key that begins with '{key}', but it must be one; study.json lists them.")
    run = next(iter(found.values()))
    world = needed(path / "scenarios" / f"world-{data['study']['world']['name']}.json")
    is_fit = run["purpose"] == "fit"
    told = {} if is_fit else needed(path / "scenarios" / f"{run['scenario']}.json")
    parameters = {} if is_fit else _parameters_of(path, run["replicate"])
    try:
        scenario, there = PRESENT_PRACTICE if is_fit else scenario_from(told), world_from(world)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError(f"{path / 'scenarios'} has a damaged file; {RESTORED}.") from None
    replicate = Replicate(run["replicate"], run["seed"], run["draw"], parameters)
    return Recorded(Run(scenario, replicate, run["key"]), there, run["digest"], data.get("source", ""))


def needed(path: Path) -> dict[str, Any]:
    """What a scenario's or a world's file in a study's folder says. Raises InputError if it is not what was written."""
    data = read_json(path)
    if data is None:
        raise InputError(f"{path} is missing or damaged; {RESTORED}.")
    if not is_whole(data):
        raise InputError(f"{path} is damaged: its content does not match its checksum; {RESTORED}.")
    return data


def _parameters_of(path: Path, number: int) -> dict[str, float | int]:
    """The parameter draw of one replicate."""
    row = {row["replicate"]: row for row in replicates_in(path)}[str(number)]
    declared = {each.address: each for group in Parameters.registry.values() for each in group.declared.values()}
    addresses = [name for name in row if name not in ("replicate", "seed", "draw")]
    return {address: int(row[address]) if isinstance(declared[address].value, int) else float(row[address]) for address in addresses}


