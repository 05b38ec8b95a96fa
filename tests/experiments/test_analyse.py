"""A study from its file to the page of its analysis: known answers through the whole path, and what each design allows."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments import wording
from experiments.__main__ import main
from experiments.analyse import as_csv
from experiments.analyses.answers import answers, tables
from experiments.analyses.in_short import in_short
from experiments.running.store import Result
from experiments.studies.frame import open_frame
from experiments.studies.sampling import Input, own_range
from experiments.studies.sweep_folder import SweepFolder
from sim import every_parameter
from sim.terminal import BAD_INPUT, DONE
from tests.experiments.frames import ISHIGAMI, ishigami
from tests.experiments.small import BASELINE, BEDS, INTERVIEWS, sweep, swept

ADDRESSES = ("missing.at_home", "recruitment.peers", "exploitation.tries")


def study(method: str, size: int = 0, *, seeds: int = 1, levels: int = 0, structure=None, scenarios=(BASELINE, INTERVIEWS)):
    """A small study of three numbers that are uniform, so that a draw's point can be told from its values."""
    declared = {each.address: each for each in every_parameter()}
    asked = sweep(*scenarios, method=method, size=size, levels=levels, seeds=seeds, structure=structure or {}, measures=("children_missing", "cost"), common_seeds=method in ("grid", "one_at_a_time"))
    return replace(asked, inputs=tuple(Input(own_range(declared[address], *declared[address].between, "uniform"), is_named=True) for address in ADDRESSES))


def point(row) -> np.ndarray:
    """Where in the unit cube a run's numbers lie."""
    declared = {each.address: each for each in every_parameter()}
    given = row.run.replicate.parameters
    return np.array([[(given[address] - declared[address].between[0]) / (declared[address].between[1] - declared[address].between[0]) for address in ADDRESSES]])


def kept(asked, folder: Path, *, noise: float = 0.0) -> Path:
    """The study's folder, with runs that nobody has lived: Ishigami's function of their numbers, and chance of their seed."""
    made = SweepFolder(folder)
    made.open(asked, {"command": "python -m experiments sweep …", "source": "one"})
    for row in asked.rows:
        value = float(ishigami(point(row))[0]) + noise * np.random.default_rng([row.seed, *row.scenario.encode()]).normal()
        value += {"baseline": 100.0, "interviews": 97.0 + float(np.sum(row.structure))}[row.scenario]
        made.store.write(Result(row.run.key, "", {("measure", asked.whole.iso, "children_missing"): value, ("measure", asked.whole.iso, "cost"): 1e4 * value}))
    return folder


def by_input(rows, index: str) -> list[float]:
    found = {row["input"]: row["value"] for row in rows if row["index"] == index}
    return [found[address] for address in (*ADDRESSES, "dummy")]


@pytest.mark.slow
def test_ishigami_from_the_design_through_the_store_and_the_frame_to_the_indices(tmp_path):
    frame = open_frame(kept(study("sobol", 128, seeds=2, scenarios=(BASELINE,)), tmp_path / "study", noise=2.0))
    made = tables(list(answers(frame, ["children_missing"])))
    rows = [row for row in made["sensitivity"] if row["method"] == "Sobol"]
    for index, known in ISHIGAMI.items():
        np.testing.assert_allclose(by_input(rows, index), known, atol=0.15)
    assert {row["input"] for row in rows if row["index"] == "total" and row["beats_dummy"]} == set(ADDRESSES)
    assert {row["input"] for row in made["scores"] if row["beats_dummy"]} <= set(ADDRESSES)


def test_a_small_study_is_analysed_from_end_to_end(tmp_path, capsys):
    folder = kept(study("latin_hypercube", 24, seeds=2), tmp_path / "study", noise=1.0)
    assert main(["analyse", str(folder), "--measure", "children_missing", "--difference", "2"]) == DONE
    told = capsys.readouterr()
    assert "What each policy changes" in told.out and "interviews less baseline" in told.out and "PAWN" in told.out
    assert "too few independent draws to look for where it turns" in told.err
    out = folder / "analysis"
    assert {path.name for path in out.iterdir()} == {"differences.csv", "split.csv", "sensitivity.csv", "convergence.csv", "analysis.html"}
    (difference,) = csv.DictReader((out / "differences.csv").open(encoding="utf-8"))
    assert float(difference["low_95"]) < -3.0 < float(difference["high_95"]) and difference["draws"] == "24"
    (needed,) = csv.DictReader((out / "convergence.csv").open(encoding="utf-8"))
    assert float(needed["difference"]) == 2.0 and int(needed["pairs"]) <= int(needed["pairs_at_most"])
    page = (out / "analysis.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 4 and 'class="inert"' in page and "not distinguishable from an input that does nothing" in page
    assert "missing.at_home" in page and f"python -m experiments analyse {folder}" in page and "nan" not in page.replace("finance", "")


def test_inputs_that_are_changed_one_at_a_time_are_compared_with_none_changed(tmp_path):
    frame = open_frame(kept(study("one_at_a_time", levels=2, seeds=3, scenarios=(BASELINE,)), tmp_path / "study", noise=1.0))
    made = tables(list(answers(frame, ["children_missing"])))
    assert set(made) == {"responses"}
    rows = made["responses"]
    assert [row["inputs"].split(" ")[0] for row in rows] == [*np.repeat(ADDRESSES, 2), "dummy", "dummy"]
    assert all(row["value"] == row["low_95"] == row["high_95"] == 0.0 for row in rows[-2:])  # the same runs


def test_a_grid_has_its_values_each_with_chance_alone(tmp_path):
    frame = open_frame(kept(study("grid", levels=2, seeds=4), tmp_path / "study", noise=1.0))
    found = list(answers(frame, ["children_missing"], ["interviews"]))
    assert len(found) == 1 and len(found[0].responses) == 8 and {each.seeds for each in found[0].responses} == {4}
    assert all(each.interval.low < each.interval.value < each.interval.high and abs(each.interval.value + 3.0) < 2.0 for each in found[0].responses)


def test_rival_structures_are_told_apart(tmp_path):
    asked = study("latin_hypercube", 16, seeds=2, structure={"services.needs_pooling": (0, 1)})
    (found,) = answers(open_frame(kept(asked, tmp_path / "study", noise=0.1)), ["children_missing"], ["interviews"])
    assert found.split.structures == 2 and found.split.share("structure").value > 0.8
    assert found.split.parts[0].variance == pytest.approx(0.25, rel=0.3)  # one more under one of two
    assert found.outcome.structures == ("services.needs_pooling 0", "services.needs_pooling 1")


BEDS_NUMBER, SET_UP = "policies.specialist_foster.beds", "policies.specialist_foster.set_up"


@pytest.mark.parametrize(("method", "size"), [("latin_hypercube", 48), ("sobol", 16), ("morris", 12)])
def test_numbers_of_policies_that_a_scenario_lacks_are_left_out_where_they_are_known_to_do_nothing(method, size, tmp_path):
    """BEDS sets its number of beds, which the study does not name; so only what the policy costs to set up can matter, and only with it."""
    asked = sweep(BASELINE, BEDS, method=method, size=size, inputs=("missing.at_home",), seeds=2, measures=("children_missing",))
    declared = {each.address: each for each in every_parameter()}
    asked = replace(asked, inputs=(*asked.inputs, Input(declared[BEDS_NUMBER]), Input(declared[SET_UP])))
    made = SweepFolder(tmp_path / "study")
    made.open(asked, {"command": "…"})
    for row in asked.rows:  # as if chance had it that these numbers go with the outcome
        drawn = asked.draws.points[row.draw]
        value = 100.0 + 10.0 * drawn[2] + drawn[1] + (5.0 * drawn[2] if row.scenario == "beds" else 0.0) + np.random.default_rng(row.seed).normal() / 10.0
        made.store.write(Result(row.run.key, "", {("measure", asked.whole.iso, "children_missing"): float(value)}))
    frame = open_frame(made.path)
    assert frame.attrs["scenarios"]["baseline"] == {"title": "Present practice", "policies": [], "inert": [BEDS_NUMBER, SET_UP]}
    assert frame.attrs["scenarios"]["beds"] == {"title": "More specialist beds", "policies": ["specialist_foster"], "inert": [BEDS_NUMBER]}
    level, difference = answers(frame)
    assert level.sensitivity and len(level.sensitivity) == len(difference.sensitivity)
    for _, found in level.sensitivity:
        assert set(found.ordered) == {"missing.at_home", "dummy"}
        assert any("2 inputs are left out" in note and "baseline does not have" in note for note in found.notes)
    for _, found in difference.sensitivity:
        assert set(found.ordered) == {"missing.at_home", SET_UP, "dummy"} and found.ordered[0] == SET_UP and found.named(found.main)[SET_UP].beats_dummy
        assert any("1 input is left out" in note and "neither beds nor baseline has" in note for note in found.notes)
    if method == "latin_hypercube":
        assert {score.input for score in level.scores} == {"missing.at_home", "dummy"}
        assert {limit.input for limit in level.box.limits} <= {"missing.at_home", "dummy"}


def test_a_number_that_is_changed_where_it_does_nothing_has_no_row(tmp_path):
    asked = sweep(BASELINE, INTERVIEWS, method="one_at_a_time", levels=2, seeds=2, measures=("cost",), common_seeds=True)
    made = SweepFolder(tmp_path / "study")
    made.open(asked, {"command": "…"})
    for row in asked.rows:
        made.store.write(Result(row.run.key, "", {("measure", asked.whole.iso, "cost"): float(row.draw)}))
    level, difference = answers(open_frame(made.path))
    named = [{name for response in each.responses for name in response.values} for each in (level, difference)]
    assert named[0] == {"missing.at_home", "dummy"} and named[1] == {"missing.at_home", "policies.return_interviews.coverage", "dummy"}


def test_the_page_begins_with_the_answer_in_plain_words(tmp_path, capsys):
    folder = kept(study("latin_hypercube", 200), tmp_path / "study", noise=0.2)
    assert main(["analyse", str(folder), "--measure", "children_missing", "cost", "--json"]) == DONE
    (paragraph,) = json.loads(capsys.readouterr().out)["answer"]
    assert paragraph.startswith("More interviews (interviews), against Present practice (baseline): 3.01 fewer children go missing (true) (")
    assert "95 % interval 2." in paragraph and "Worse in 0 of 200 draws of what is uncertain." in paragraph
    page = (folder / "analysis" / "analysis.html").read_text(encoding="utf-8")
    assert page.index("The answer in short") < page.index("3.01 fewer children go missing") < page.index("What was run")
    assert "Present practice (baseline) and More interviews (interviews) (the first is the comparator)" in page


def test_where_nothing_is_compared_the_answer_is_the_level_and_the_inputs_that_decide_it_by_their_declared_words(tmp_path):
    frame = open_frame(kept(study("latin_hypercube", 400, scenarios=(BASELINE,)), tmp_path / "study"))
    (paragraph,) = in_short(frame, list(answers(frame, ["children_missing"])))
    assert paragraph.startswith("Present practice (baseline): children going missing (true) is 10")
    assert "What decides this most, of 3 uncertain inputs: " in paragraph
    assert "missing, at home (Over conflict, at 13-14, without crisis; most are never reported; missing.at_home)" in paragraph


@pytest.mark.parametrize(("draws", "is_warned"), [(40, True), (200, False)])
def test_that_nothing_is_found_in_few_draws_is_said_to_be_low_power(draws, is_warned, tmp_path):
    asked = study("latin_hypercube", draws, scenarios=(BASELINE,))
    made = SweepFolder(tmp_path / "study")
    made.open(asked, {"command": "…"})
    for row in asked.rows:
        chance = np.random.default_rng([row.seed, 5]).normal()
        made.store.write(Result(row.run.key, "", {("measure", asked.whole.iso, "children_missing"): float(chance)}))
    frame = open_frame(made.path)
    found = list(answers(frame))
    assert not any(index.beats_dummy for index in found[0].sensitivity[0][1].indices)
    said = [sentence for sentence in in_short(frame, found) if sentence.startswith("Low power: with 4 draws in each slice")]
    assert len(said) == is_warned == any(note.startswith("Low power") for note in found[0].sensitivity[0][1].notes)


def test_a_folder_that_cannot_be_written_to_is_refused_with_a_word_on_out(tmp_path, capsys):
    folder = kept(study("latin_hypercube", 4), tmp_path / "study")
    (folder / "analysis").write_text("a file, as good as a folder that is read-only")
    assert main(["analyse", str(folder)]) == BAD_INPUT
    told = capsys.readouterr()
    assert "analysis cannot be written (Not a directory); say with --out where" in told.err and told.err.count("\n") == 1 and not told.out
    assert main(["analyse", str(folder), "--out", str(tmp_path / "elsewhere")]) == DONE


@pytest.mark.slow
def test_real_runs_of_each_design_are_analysed(tmp_path, capsys):
    for method, size, levels in (("morris", 4, 4), ("sobol", 4, 0), ("latin_hypercube", 20, 0), ("grid", 0, 2), ("one_at_a_time", 0, 2)):
        folder = swept(replace(study(method, size, levels=levels, seeds=2), name=method.replace("_", "-")), tmp_path / method)
        capsys.readouterr()
        assert main(["analyse", str(folder.path), "--json", "--out", str(tmp_path / "out" / method)]) == DONE
        told = json.loads(capsys.readouterr().out)
        wanted = {"responses"} if method in ("grid", "one_at_a_time") else {"sensitivity", "differences", "split"}
        assert wanted <= set(told), (method, set(told))
        assert (tmp_path / "out" / method / "analysis.html").stat().st_size > 10_000


def test_tables_hold_nothing_that_is_no_number():
    assert as_csv([{"a": float("nan"), "b": 1}, {"b": float("inf"), "c": "x"}]) == "a,b,c\n,1,\n,,x\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--measure", "children_mising"], "nearest known name is 'children_missing'"),
        (["--scenario", "interview"], "nearest known name is 'interviews'"),
        (["--difference", "-1"], "must be a number above 0"),
        (["--measures", "cost"], "nearest known name is '--measure'"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, words, said, capsys):
    folder = kept(study("latin_hypercube", 4), tmp_path / "study")
    assert main(["analyse", str(folder), *words]) == BAD_INPUT
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not (folder / "analysis").exists()


def test_a_folder_without_a_study_and_a_study_without_runs_are_refused(tmp_path, capsys):
    assert main(["analyse", str(tmp_path)]) == BAD_INPUT
    made = SweepFolder(tmp_path / "study")
    made.open(study("latin_hypercube", 4), {"command": "…", "source": "one"})
    assert main(["analyse", str(made.path)]) == BAD_INPUT
    first, second = capsys.readouterr().err.splitlines()
    assert "is not the folder of a" in first and "has no run yet" in second


def test_the_page_says_what_was_asked_of_which_children_and_when(tmp_path, capsys):
    asked = replace(sweep(size=4), title="Does it <hold>?", why="Somebody\nmust know.")
    folder = SweepFolder(tmp_path / "study")
    folder.open(asked, {"command": "…"})
    for run in dict.fromkeys(row.run.key for row in asked.rows):
        folder.store.write(Result(run, "", {("measure", asked.whole.iso, "cost"): 1.0}))
    assert main(["analyse", str(folder.path), "--measure", "cost"]) == 0
    page = (folder.path / "analysis" / "analysis.html").read_text(encoding="utf-8")
    assert "<h1>Does it &lt;hold&gt;?</h1>" in page
    assert "Somebody must know." in page
    assert f"{wording.children(asked.world):,} invented children, {asked.whole.label}" in page
