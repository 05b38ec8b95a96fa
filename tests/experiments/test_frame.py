"""The frame of a study, as pandas, Polars and DuckDB see it; it is written once and read many times, and is never older than its runs."""

import warnings
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import experiments
from experiments.running.store import Result
from experiments.studies import frame as frames
from experiments.studies.folder import Folder
from experiments.studies.frame import open_failures, open_frame
from experiments.studies.sweep_folder import SweepFolder
from experiments.studies.sweeps import Sweep
from sim import InputError, every_parameter
from tests.experiments.small import AT_HOME, COVERAGE, study, sweep

MEASURES = ("children_missing", "cost")


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Sweep, SweepFolder]:
    """A study whose runs nobody has lived: their measures are numbers of their draw, seed and scenario."""
    asked = sweep(size=3, seeds=2, measures=MEASURES)
    folder = SweepFolder(tmp_path / "study")
    folder.open(asked, {"command": "…", "source": "one"})
    for row in asked.rows:
        folder.store.write(Result(row.run.key, "", {("measure", asked.whole.iso, "children_missing"): value_of(row), ("measure", "another", "cost"): 1.0}))
    return asked, folder


def value_of(row) -> float:
    return 100.0 * row.draw + row.seed % 1000 + (0.5 if row.scenario == "interviews" else 0.0)


def test_a_frame_has_a_row_for_each_run_and_says_what_it_is(kept):
    asked, folder = kept
    found = experiments.open_frame(folder.path)
    assert list(found.columns) == ["key", "scenario", "draw", "seed", AT_HOME, COVERAGE, "dummy", "measure:children_missing", "measure:cost"]
    assert list(found["measure:children_missing"]) == [value_of(row) for row in asked.rows]
    assert found["measure:cost"].isna().all()  # measured over other days only
    assert list(found["dummy"]) == [asked.draws.points[row.draw, -1] for row in asked.rows]
    assert found.attrs["units"] == {"children_missing": "children", "cost": "pounds of 2024/25"}
    assert (found.attrs["comparator"], found.attrs["common_seeds"], found.attrs["missing"]) == ("baseline", False, 0)


def test_a_run_that_is_there_for_several_draws_has_a_row_for_each(tmp_path):
    asked = sweep(method="grid", levels=2, inputs=(COVERAGE,), common_seeds=True, measures=MEASURES)
    folder = SweepFolder(tmp_path)
    folder.open(asked, {"command": "…", "source": "one"})
    for key in asked.distinct:
        folder.store.write(Result(key, "", {("measure", asked.whole.iso, "children_missing"): 1.0}))
    found = open_frame(tmp_path)
    assert found.groupby("scenario")["key"].agg(["size", "nunique"]).loc["baseline"].tolist() == [2, 1]
    assert list(found[COVERAGE]) == [0.0, 0.0, 1.0, 1.0]


def test_polars_and_duckdb_read_what_pandas_reads(kept):
    _, folder = kept
    expected = open_frame(folder.path)
    frames.write_frame(folder)
    path = (folder.path / "frame.parquet").as_posix()
    by_polars = pl.read_parquet(path)
    assert by_polars.columns == list(expected.columns)
    assert by_polars["measure:children_missing"].to_list() == list(expected["measure:children_missing"])
    said = duckdb.sql(f"""select scenario, avg("measure:children_missing") as mean from '{path}' group by scenario order by scenario""").fetchall()
    means = expected.groupby("scenario")["measure:children_missing"].mean()
    assert said == [("baseline", pytest.approx(means["baseline"])), ("interviews", pytest.approx(means["interviews"]))]
    assert pd.read_parquet(path).equals(expected)


def test_frames_can_be_merged_and_put_together_and_keep_what_they_say(kept):
    _, folder = kept
    one, other = open_frame(folder.path), open_frame(folder.path)
    assert len(one.merge(other, on="key")) == len(one)
    both = pd.concat([one, other])
    assert np.array_equal(both.attrs["points"], one.attrs["points"])
    assert len(both) == 2 * len(one)


def test_a_written_frame_is_used_while_it_is_of_the_runs_that_are_there(kept, monkeypatch):
    asked, folder = kept
    fresh = open_frame(folder.path)
    frames.write_frame(folder)
    with monkeypatch.context() as patch:
        patch.setattr(frames, "gathered", None)  # which would be needed otherwise
        again = open_frame(folder.path)
    assert again.equals(fresh)
    assert again.attrs.keys() == fresh.attrs.keys()
    assert np.array_equal(again.attrs["points"], fresh.attrs["points"])
    folder.store.path(asked.rows[0].run.key).unlink()
    assert len(open_frame(folder.path)) == len(fresh) - 1


@pytest.mark.parametrize("at", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_damaged_frame_is_not_used(kept, at):
    _, folder = kept
    fresh = open_frame(folder.path)
    frames.write_frame(folder)
    path = folder.path / "frame.parquet"
    whole = bytearray(path.read_bytes())
    whole[int(at * len(whole))] ^= 255
    path.write_bytes(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_frame(folder.path).equals(fresh)


def test_a_frame_of_another_study_or_version_is_not_used(kept):
    asked, folder = kept
    frames.write_frame(folder)
    assert frames._written(folder) is not None
    folder.write_study(asked, {"source": "two"}, "complete")
    assert frames._written(folder) is None
    folder.write_study(sweep(size=3, seeds=2), {"source": "one"}, "complete")
    assert frames._written(folder) is None


def test_runs_that_another_shard_ends_meanwhile_are_in_the_frame_too(kept, monkeypatch):
    asked, folder = kept
    last = folder.store.read(asked.rows[-1].run.key)
    folder.store.path(last.key).unlink()
    write, times = frames.write_parquet, []

    def write_while_others_write(path, table, **options):
        write(path, table, **options)
        times.append(len(table))
        folder.store.write(last)

    monkeypatch.setattr(frames, "write_parquet", write_while_others_write)
    frames.write_frame(folder)
    assert times == [len(asked.rows) - 1, len(asked.rows)]


@pytest.mark.parametrize("fixed", [False, True])
def test_the_runs_of_a_comparison_open_in_the_same_way(tmp_path, fixed):
    asked = study(number=4, fixed=fixed)
    folder = Folder(tmp_path / "compared")
    folder.open(asked, {"command": "…"})
    for run in asked.runs:
        folder.store.write(Result(run.key, "", {("measure", asked.whole.iso, "cost"): 10.0 * run.replicate.number + len(run.scenario.policies)}))
    found = open_frame(folder.path)
    assert list(found["measure:cost"]) == [0.0, 1.0, 10.0, 11.0, 20.0, 21.0, 30.0, 31.0]
    assert list(found["scenario"]) == ["baseline", "interviews"] * 4
    assert found.attrs["points"].shape == (asked.draws, len(found.attrs["inputs"]))
    if not fixed:
        assert list(found[AT_HOME]) == [run.replicate.parameters[AT_HOME] for run in asked.runs]
        place = list(found.attrs["inputs"]).index(AT_HOME)
        at_home = next(each for each in every_parameter() if each.address == AT_HOME)
        assert [at_home.quantile(float(u)) for u in found.attrs["points"][:, place]] == list(found[AT_HOME])[::4]
    assert len(open_failures(folder.path)) == 0


def test_what_is_no_sweep_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not the folder of a sweep"):
        open_frame(tmp_path)
    with pytest.raises(InputError, match="needs the folder"):
        open_frame()
