"""Which of two is better: pairs until it is settled, the same whatever happens in between."""

import json
import math

import numpy as np
import pytest

from experiments import settle
from experiments.__main__ import main
from experiments.analyses.effects import Interval
from experiments.analyses.sequence import SoFar, confidence_sequence
from experiments.measures import every_measure, named
from experiments.measures.story import Window
from experiments.running.runner import Failure
from experiments.running.store import Result, Store
from experiments.settle import Pairs, Question, carry_out, said, said_so_far
from experiments.studies.folder import Folder, recorded
from sim import InputError, every_parameter
from sim.terminal import BAD_INPUT, DONE, FAILED, STOPPED
from tests.experiments.small import BASELINE, INTERVIEWS, RESTLESS, world

MISSING = named("children_missing")
COMMAND = "python -m experiments settle …"


def stand_in(works, folder, cores, tell):
    """Values in place of runs: twice as restless is worse by some ten children, more interviews by nothing."""
    for work in works:
        for run in work.runs:
            effect = 10.0 if run.scenario.name == "restless" else 0.0
            value = 100.0 + effect + 6.0 * np.random.default_rng([run.replicate.seed, *run.scenario.name.encode()]).normal()
            window = Window(work.world.warm_up_days + 1, work.world.days)
            Store(folder).write(Result(run.key, "0" * 64, {("measure", window.iso, "children_missing"): value}))
    return []


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    """No run is lived, but in the test of the whole."""
    if "end_to_end" not in request.node.name:
        monkeypatch.setattr(settle, "execute", stand_in)


def question(*scenarios, most=40, difference=0.0, fixed=False, days=24):
    return Question(Pairs(scenarios or (RESTLESS, BASELINE), world(fraction=0.01, warm_up=4, days=days), 0, 1, fixed), MISSING, difference, most)


def settled(asked, path, *, code=DONE):
    folder = Folder(path)
    assert carry_out(asked, folder, COMMAND, 1) == code
    return json.loads((folder.path / "settled.json").read_text()), folder


# -- runs --------------------------------------------------------------------------------------------------------------------


def test_it_ends_when_it_is_settled_and_the_same_command_computes_nothing_again(tmp_path, capsys, monkeypatch):
    verdict, folder = settled(question(fixed=True), tmp_path / "settled")
    assert verdict["is_settled"] and 15 <= verdict["pairs"] < 40
    assert verdict["verdict"].startswith(f"baseline beats restless after {verdict['pairs']} pairs")
    assert 0.0 < verdict["low_95_at_any_time"] < verdict["difference"] < verdict["high_95_at_any_time"]
    assert f"baseline beats restless after {verdict['pairs']} pairs" in capsys.readouterr().out
    pairs = (folder.path / "pairs.csv").read_bytes()
    assert pairs.count(b"\n") == verdict["pairs"] + 1
    told = json.loads((folder.path / "study.json").read_text())
    assert told["state"] == "complete" and all(run["digest"] for run in told["runs"])
    assert recorded(folder.path, told["runs"][-1]["key"]).run.replicate.seed == told["runs"][-1]["seed"]
    monkeypatch.setattr(settle, "execute", lambda works, *_: pytest.fail("a run was computed again") if works else [])
    again, _ = settled(question(fixed=True), folder.path)
    assert again == verdict and (folder.path / "pairs.csv").read_bytes() == pairs


def test_a_higher_price_goes_on_from_what_is_there(tmp_path, monkeypatch):
    first, folder = settled(question(INTERVIEWS, BASELINE, most=16), tmp_path / "settled")
    assert not first["is_settled"] and first["pairs"] == 16
    assert "interviews and baseline are not separable within 16 pairs" in first["verdict"]
    done_before = {path.name for path in folder.store.folder.iterdir()}
    counted = []
    monkeypatch.setattr(settle, "execute", lambda works, *rest: counted.extend(run.key for work in works for run in work.runs) or stand_in(works, *rest))
    settled(question(INTERVIEWS, BASELINE, most=18), folder.path)
    assert len(counted) == 4 and not {f"{key}.parquet" for key in counted} & done_before
    _, other = settled(question(INTERVIEWS, BASELINE, most=18), tmp_path / "afresh")
    assert (other.path / "pairs.csv").read_bytes() == (folder.path / "pairs.csv").read_bytes()


def test_a_run_that_fails_is_said_and_the_other_pairs_go_on(tmp_path, capsys, monkeypatch):
    asked = question(INTERVIEWS, BASELINE, most=16)
    broken = asked.study.of(3).runs[-1]

    def some_fail(works, folder, cores, tell):
        stand_in(works, folder, cores, tell)
        (folder / f"{broken.key}.parquet").unlink()
        return [Failure(broken, "ValueError: cannot be measured", "")]

    monkeypatch.setattr(settle, "execute", some_fail)
    verdict, _ = settled(asked, tmp_path / "settled", code=FAILED)
    assert verdict["pairs"] == 15
    said = capsys.readouterr().err
    assert "cannot be measured" in said and f"replay {(tmp_path / 'settled').as_posix()} {broken.key[:12]}" in said


def test_ctrl_c_keeps_what_there_is(tmp_path, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(settle, "execute", stop)
    assert carry_out(question(), Folder(tmp_path / "settled"), COMMAND, 1) == STOPPED
    assert "The same command goes on from there" in capsys.readouterr().err


def test_the_folder_of_a_comparison_is_left_alone(tmp_path):
    (tmp_path / "study.json").write_text('{"study": {"world": {}}}')
    with pytest.raises(InputError, match="holds a comparison that `settle` did not make"):
        carry_out(question(), Folder(tmp_path), COMMAND, 1)


@pytest.mark.slow
def test_end_to_end(tmp_path, monkeypatch, capsys):
    """The command itself, on two cores, with real runs; one of them is lived again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text('authorities = ["Greenwich", "Medway", "Kent"]\nfraction = 0.005\nwarm_up_years = 1\nyears = 1\n')
    (tmp_path / "restless.toml").write_text('title = "Half as restless again"\n[parameters.missing]\nat_home = 0.12\n')
    words = ["restless.toml", "baseline", "--world", "small.toml", "--fixed-parameters", "--most-pairs", "40", "--cores", "2", "--name", "one", "--json"]
    assert main(["settle", *words]) == DONE
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["is_settled"] and verdict["verdict"].startswith("baseline beats restless after ")
    run = json.loads((tmp_path / "results/one/study.json").read_text())["runs"][-1]
    assert main(["replay", "results/one", run["key"][:12]]) == DONE
    assert "the same as in the study" in capsys.readouterr().out


# -- pairs -------------------------------------------------------------------------------------------------------------------


def test_pairs_are_independent_draws_from_the_declared_distributions_and_more_leave_the_first_as_they_were():
    few, many = (question().study.of(number).replicates for number in (5, 200))
    assert few == many[:5]
    assert len({each.seed for each in many}) == len({each.draw for each in many}) == 200
    at_home = next(each for each in every_parameter() if each.address == "missing.at_home")
    values = np.sort([each.parameters["missing.at_home"] for each in many])
    expected = np.array([at_home.quantile((k + 0.5) / 200) for k in range(200)])
    assert np.abs(values - expected).max() < 0.12 * (at_home.between[1] - at_home.between[0])
    first, second = (np.array([each.parameters[name] for each in many], dtype=float) for name in ("missing.at_home", "recruitment.peers"))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.2
    assert question(fixed=True).study.of(2).replicates[0].parameters == {}


# -- words -------------------------------------------------------------------------------------------------------------------


def course(mean, low, high, pairs=37, deviation=10.0):
    return [SoFar(pairs, Interval(mean, low, high), deviation)]


def test_the_verdict_in_words():
    asked = question(difference=5.0, most=100)
    words = lambda *so_far, of=asked, **more: said(of, course(*so_far, **more))  # noqa: E731
    assert words(-12.3, -20.0, -4.0).startswith("restless beats baseline after 37 pairs: children going missing (true), restless less baseline, is −12.3")
    assert words(12.3, 4.0, 20.0).startswith("baseline beats restless after 37 pairs")
    assert "but by less than 5" in words(2.0, 1.0, 3.0)
    assert words(0.0, -1.0, 3.0).startswith("restless and baseline differ by less than 5 after 37 pairs")
    separate = words(0.5, -9.0, 10.0)
    assert separate.startswith("restless and baseline are not separable within 37 pairs; the difference (") and "between −9 and +10. About " in separate
    assert "No number of pairs worth paying for" in words(0.0, -9.0, 9.0, of=question())
    assert "too few for an interval" in words(1.0, -math.inf, math.inf, pairs=3)
    assert "is 0 in every pair" in words(0.0, -math.inf, math.inf, deviation=0.0)
    unsaid = Question(asked.study, next(each for each in every_measure() if not each.better), 0.0, 100)
    assert said(unsaid, course(12.3, 4.0, 20.0)).startswith("restless has more than baseline after 37 pairs")


def test_how_it_stands_in_words():
    asked = question(most=100)
    assert said_so_far(asked, []) == "No pair has a value yet."
    assert "about " in said_so_far(asked, course(-5.0, -13.0, 3.0, pairs=20)) and "would settle it" in said_so_far(asked, course(-5.0, -13.0, 3.0, pairs=20))
    assert "more than the 100 allowed" in said_so_far(asked, course(-0.5, -13.0, 3.0, pairs=20))


def test_it_ends_at_the_first_pair_that_answers_however_many_were_run():
    asked = question(most=100)
    rng = np.random.default_rng(1)
    pairs = [settle.Pair(None, float(value), 0.0) for value in rng.normal(2.0, 1.0, 80)]
    ended = asked.course(pairs)
    assert ended[-1].is_settled and not ended[-2].is_settled
    assert ended == list(confidence_sequence([pair.difference for pair in pairs]))[: len(ended)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["baseline"], "missing: B"),
        (["baseline", "baseline"], "'baseline' is given twice"),
        (["baseline", "relocaton"], "nearest known name is 'relocation'"),
        (["baseline", "relocation", "--measure", "children_mising"], "nearest known name is 'children_missing'"),
        (["baseline", "relocation", "--most-pairs", "1"], "whole number from 2"),
        (["baseline", "relocation", "--difference", "0"], "'0' must be a number above 0"),
        (["baseline", "relocation", "--world", "twon"], "nearest known name is 'town'"),
        (["baseline", "relocation", "--years", "9"], "must be a whole number from 1 to 5"),
    ],
)
def test_bad_input_is_one_sentence(words, said, capsys):
    assert main(["settle", *words]) == BAD_INPUT
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
