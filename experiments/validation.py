"""The command `validate`: what the model says of figures that were not used in fitting, in results/validation/.

    quantities.csv     the quantities of `quantities`, with an interval over replicates; seen or unseen, and by which row of the evidence
    authorities.csv    five published columns by authority, for checking only (see `official`)
    official.csv       every measure that an official table gives as well, beside the figure that the evidence quotes
    README.md          what was run, and how to run it again
    runs/              one small file for each run

The value is that of present practice with every number at its declared value, mean over two seeds: so the model was fitted. The interval
is where 95 % of further replicates (a seed and a parameter draw) would lie, by Student's t for a single new value; it is widened to hold
the value where the draws lie to one side of it. All are of the last year of the run.
"""

from __future__ import annotations

import csv
import io
import shlex
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

import sim
from experiments.analyses.effects import CONFIDENCE, Interval
from experiments.measures import every_measure
from experiments.options import add_study_options
from experiments.published.official import COUNTS, LEAST, beside_tables, per_cent_of_looked_after
from experiments.published.quantities import every_quantity
from experiments.running.progress import progress
from experiments.running.runner import WorkerDied, cores_for, divide, execute
from experiments.running.store import Result, Store, Unusable
from experiments.studies.folder import RESULTS, checked_name
from experiments.studies.study import PRESENT_PRACTICE, Run, Study, over_years
from sim.places import read_places
from sim.runs import commit, in_a_sentence, write_atomically
from sim.scenario import load_world
from sim.terminal import DONE, FAILED, STOPPED, Parser, say, say_json, whole_number


def add_arguments(parser: Parser) -> None:
    """The options of `validate`."""
    parser.add_argument("--replicates", type=whole_number(2, 100_000), default=8, metavar="N", help="pairs of a seed and a parameter draw (default: %(default)s)")
    parser.add_argument("--authorities-world", default="england", help="of the results by authority; what it lacks stays empty (default: %(default)s)")
    parser.add_argument("--authorities-years", type=whole_number(1, 5), default=1, metavar="N", help="how long, after the warm-up (default: %(default)s)")
    parser.add_argument("--authorities-replicates", type=whole_number(2, 100_000), default=4, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--name", default="validation", metavar="NAME", help="folder in results/ (default: %(default)s)")
    add_study_options(parser, name="validation", prints="the quantities", without={"replicates", "fixed-parameters", "name"})


def main(argv: Sequence[str]) -> int:
    """The command by itself; returns its exit code. Raises InputError."""
    parser = Parser(prog="python -m experiments validate", description=(__doc__ or "").splitlines()[0])
    add_arguments(parser)
    options = parser.parse_args(list(argv))
    options.command_line = shlex.join(["python", "-m", "experiments", "validate", *argv])
    return validate(options)


def validate(options: Namespace) -> int:
    """Compute the runs that are lacking, and write the tables."""
    folder = RESULTS / checked_name(options.name)
    studies = {
        "quantities": _study(options.world, options.years, options.replicates, options.seed),
        "authorities": _study(options.authorities_world, options.authorities_years, options.authorities_replicates, options.seed),
    }
    cores = min(cores_for(study.world, options.cores) for study in studies.values())
    with in_a_sentence(folder):
        (folder / "runs").mkdir(parents=True, exist_ok=True)
    store = Store(folder / "runs")
    try:
        failures = [failure for study in studies.values() for failure in _compute(study, store, cores)]
    except KeyboardInterrupt:
        _tell(f"Stopped. The runs that had ended are kept in {store.folder.as_posix()}; the same command goes on from there.")
        return STOPPED
    except WorkerDied:
        _tell("A process was ended from outside, perhaps for lack of memory; the same command goes on, and --cores 1 would need less.")
        return FAILED
    for failure in failures:
        _tell(f"A run failed: seed {failure.run.replicate.seed}: {failure.error}")
    if failures:
        return FAILED
    found = {name: Found(study, store) for name, study in studies.items()}
    quantities = quantity_rows(found["quantities"])
    _write(folder / "quantities.csv", quantities)
    _write(folder / "authorities.csv", authority_rows(found["authorities"]))
    _write(folder / "official.csv", official_rows(found["quantities"]))
    _write_text(folder / "README.md", _readme(options.command_line, found))
    if options.json:
        say_json({"folder": folder.as_posix(), "quantities": quantities})
    else:
        say(f"{len(quantities)} quantities, {sum(row['seen'] == 'unseen' for row in quantities)} of them unseen: {(folder / 'quantities.csv').as_posix()}")
    return DONE


# -- runs -----------------------------------------------------------------------------------------------------------------------


def _study(world: str, years: int | None, replicates: int, seed: int) -> Study:
    return Study((PRESENT_PRACTICE,), over_years(load_world(world), years), replicates, seed)


def _compute(study: Study, store: Store, cores: int) -> list[Any]:
    """Compute the runs that are lacking; those that failed."""
    missing = [run for run in study.distinct_runs if _kept(store, run) is None]
    works = divide(missing, study.world, cores)
    if works:
        _tell(f"{study.world.name}: {len(missing)} runs of {study.world.days} days each. Ctrl-C is safe.")
    with progress(sum(work.days for work in works), len(missing)) as tell:
        return execute(works, store.folder, cores, tell)


def _kept(store: Store, run: Run) -> Result | None:
    try:
        return store.read(run.key)
    except Unusable:
        return None


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Found:
    """What the runs of a study gave in their last year: the fitted ones, and the replicates."""

    def __init__(self, study: Study, store: Store):
        self.study, self.year = study, study.years[-1].iso
        self.fit = [result for run in study.runs_of_fit if (result := _kept(store, run))]
        self.drawn = [result for run in study.runs if (result := _kept(store, run))]

    def names(self, kind: str) -> list[str]:
        """What there is of a kind."""
        return [name for of, year, name in self.fit[0].values if of == kind and year == self.year]

    def values(self, kind: str, name: str, results: Sequence[Result]) -> NDArray[np.float64]:
        """The values of one thing over some results; those that are not defined are left out."""
        values = np.array([result.values.get((kind, self.year, name), np.nan) for result in results], dtype=np.float64)
        return values[~np.isnan(values)]

    def interval(self, kind: str, name: str, most: float = np.inf) -> Interval:
        """The fitted value, and where 95 % of further replicates would lie."""
        return further(self.values(kind, name, self.fit), self.values(kind, name, self.drawn), most)


def further(fit: NDArray, drawn: NDArray, most: float = np.inf) -> Interval:
    """The mean of `fit`, and where 95 % of values like `drawn` lie, within 0 and `most`; nan where there are too few."""
    value = float(fit.mean()) if len(fit) else np.nan
    if len(drawn) < 2:
        return Interval(value, np.nan, np.nan)
    t = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(drawn) - 1))
    half = t * float(drawn.std(ddof=1)) * (1.0 + 1.0 / len(drawn)) ** 0.5
    low, high = max(0.0, float(drawn.mean()) - half), min(most, float(drawn.mean()) + half)
    return Interval(value, float(np.fmin(low, value)), float(np.fmax(high, value)))


# -- tables -----------------------------------------------------------------------------------------------------------------------


def quantity_rows(found: Found) -> list[dict[str, Any]]:
    """The rows of quantities.csv."""
    rows = []
    groups = [name.split("|") for name in found.names("quantity")]
    for quantity in every_quantity():
        most = 100.0 if quantity.unit == "per cent" else np.inf
        for group in (group for id, group in groups if id == quantity.id):
            interval = found.interval("quantity", f"{quantity.id}|{group}", most)
            row = quantity.rows.get(group, "")
            suppressed = quantity.id == "lines_by_destination" and not interval.value >= LEAST
            told = {"id": quantity.id, "measure": quantity.measure, "group": group, "unit": quantity.unit, "base": quantity.base}
            rows.append(told | _figures(interval, suppressed) | {"replicates": str(len(found.drawn)), "seen": "seen" if row else "unseen", "row": row})
    return rows


def authority_rows(found: Found) -> list[dict[str, Any]]:
    """The rows of authorities.csv: all 151 authorities in the order of their codes; empty where suppressed, or outside the world."""
    places, per_child = read_places(), per_cent_of_looked_after()
    rows = []
    for a, code in enumerate(places.code):
        row: dict[str, Any] = {"la_code": code}
        for name in COUNTS:
            interval = found.interval("authority", f"{code}|{name}")
            suppressed = not interval.value >= LEAST
            if name == "looked_after_missing_percent":
                interval = interval.times(float(per_child[a]))
            row |= {f"{name}{end}": figure for end, figure in zip(("", "_low", "_high"), _figures(interval, suppressed).values(), strict=True)}
        rows.append(row)
    return rows


def official_rows(found: Found) -> list[dict[str, Any]]:
    """The rows of official.csv."""
    values = {each.name: found.interval("measure", each.name) for each in every_measure() if each.official}
    rows = []
    for row in beside_tables({name: interval.value for name, interval in values.items()}):
        at = list(row).index("model")
        figures = _figures(values[row["measure"]])
        items = list(row.items())
        rows.append(dict([*items[:at], ("model", figures["value"]), ("low", figures["low"]), ("high", figures["high"]), *items[at + 1 :]]))
    return rows


def _figures(interval: Interval, suppressed: bool = False) -> dict[str, str]:
    """Value, low and high as text; empty where suppressed or unknown."""
    numbers = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {name: "" if suppressed or np.isnan(number) else f"{number:.6g}" for name, number in numbers.items()}


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write_text(path, text.getvalue())


def _write_text(path: Path, text: str) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8", newline="\n")

    write_atomically(path, write)


def _world(study: Study) -> str:
    world = study.world
    part = "" if world.fraction == 1.0 else f", {world.fraction:g} of the children (counts are scaled up)"
    return f"world `{world.name}`, {len(world.authorities)} authorities{part}, the year {study.years[-1].label}"


def _readme(command: str, found: Mapping[str, Found]) -> str:
    quantities, authorities = found["quantities"], found["authorities"]
    return f"""# Validation: what the model says of figures that it was not fitted to

To make it again, with version {sim.__version__}, commit {commit()}:

    {command}

Present practice, the last year of the runs. *Value*: every number at its declared value, mean of {len(quantities.fit)} seeds.
*Low* and *high*: where 95 % of further replicates (a seed and a draw of the uncertain numbers) would lie, by Student's t for one new value,
widened to hold the value. Made on {datetime.now(UTC).date()}.

- `quantities.csv`: {_world(quantities.study)}, {len(quantities.drawn)} replicates. Counts are scaled to England as the targets are.
  *seen*: a row or note of the evidence gives the figure, or a range within which it was set (`row` says which); only unseen ones are
  validation. Of the time from a return to the next incident a note (M008) says that the risk is highest in the weeks after, without a figure.
- `authorities.csv`: {_world(authorities.study)}, {len(authorities.drawn)} replicates. `looked_after_missing_percent`: looked-after
  children aged 10 to 17 with an incident in the authority's record, over its published looked-after children of all ages on 31 March times
  115,410 / 81,770. The others are assessments that name the factor, of children aged 10 to 17. By responsible authority.
- `official.csv`: measures of world `{quantities.study.world.name}` beside what the evidence quotes of official tables. Counts are the
  world's own, not England's; the published figures are mostly of ages 0 to 17.

Authority results are for checking the model alone. All children are invented; a value says nothing about an authority's work, and nobody
may rank places by it. What rests on fewer than {LEAST} is left empty, as is what the world does not hold. No finding may be cited to
refuse, delay or end a child's placement or the reporting of a missing child.
"""
