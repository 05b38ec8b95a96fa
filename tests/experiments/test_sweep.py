"""Sweeps: each run once, whatever happens in between; shards, growth, failures, damage, and what has changed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments import again
from experiments import sweep as sweeping
from experiments.__main__ import main
from experiments.measures import take
from experiments.measures.story import Story, Window
from experiments.running import runner
from experiments.running.store import Result, Store
from experiments.studies.frame import open_failures, open_frame
from experiments.studies.study_file import with_policies
from experiments.studies.sweep_folder import SweepFolder
from experiments.sweep import Shard
from experiments.sweep import shard as read_shard
from sim import CountyLines, InputError
from sim.ledger import digest
from sim.terminal import FAILED, STOPPED
from tests.experiments.small import AT_HOME, BASELINE, BEDS, COVERAGE, INTERVIEWS, RESTLESS, bytes_of, sweep, swept

ROOT = Path(__file__).resolve().parents[2]
POOLING = "services.needs_pooling"


def measured_in_brief(model: CountyLines, key: str) -> Result:
    """One measure, as all five hundred of a run of some days take longer than its days."""
    tables = {name: model.ledger.table(name) for name in model.ledger.tables}
    window = Window(model.world.warm_up_days + 1, model.last_day)
    return Result(key, digest(tables), {("measure", window.iso, name): value for name, value in take(Story(tables), window, ("children_missing",)).items()})


@pytest.fixture(autouse=True)
def brief(request, monkeypatch):
    """Runs are measured in brief, but in the test that goes from end to end."""
    if "end_to_end" not in request.node.name:
        for module in (runner, again):
            monkeypatch.setattr(module, "measure_run", measured_in_brief)


def told(folder: SweepFolder) -> dict:
    return json.loads(folder.info.read_text(encoding="utf-8"))


# -- which runs ----------------------------------------------------------------------------------------------------------------


def test_rows_go_by_draw_seed_structure_and_scenario():
    asked = sweep(size=2, seeds=2, structure={POOLING: (0, 1)})
    order = [(row.draw, row.seed, row.structure, [scenario.name for scenario in asked.scenarios].index(row.scenario)) for row in asked.rows]
    assert order == sorted(order)
    assert len(order) == len(asked.distinct) == 2 * 2 * 2 * 2


def test_a_draw_sets_numbers_of_mechanisms_and_of_the_policies_that_a_scenario_has():
    asked = sweep(size=3, structure={POOLING: (0,)})
    for row in asked.rows:
        drawn = asked.draws.values[row.draw]
        assert row.run.replicate.parameters == {AT_HOME: drawn[AT_HOME], POOLING: 0}
        settings = {name: dict(use.settings) for name, use in row.run.scenario.policies.items()}
        assert settings == ({"return_interviews": {"coverage": drawn[COVERAGE]}} if row.scenario == "interviews" else {})


def test_a_scenarios_own_setting_stays_where_the_study_does_not_name_the_number():
    asked = sweep(size=2)
    asked = replace(asked, inputs=tuple(replace(each, is_named=False) for each in asked.inputs))
    assert {row.run.scenario.policies["return_interviews"].settings["coverage"] for row in asked.rows if row.scenario == "interviews"} == {1.0}


def test_a_grid_over_a_policys_numbers_needs_the_comparator_once_for_each_seed():
    asked = sweep(method="grid", levels=5, inputs=(COVERAGE,), common_seeds=True, seeds=2)
    assert len(asked.rows) == 5 * 2 * 2
    assert len(asked.distinct) == 5 * 2 + 2
    works = runner.divide([row.run for row in asked.distinct.values()], asked.world, 1)
    assert len(works) == 2  # and all points of a seed share a warm-up


@pytest.mark.parametrize("common", [False, True])
def test_more_draws_and_seeds_leave_every_run_as_it_was(common):
    small, large = sweep(size=2, seeds=1, common_seeds=common), sweep(size=5, seeds=3, common_seeds=common)
    assert set(small.distinct) < set(large.distinct)


def test_draws_share_their_seeds_or_have_their_own():
    assert {row.seed for row in sweep(size=3, seeds=2, common_seeds=True).rows} == {1, 2}
    own = sweep(size=3, seeds=2)
    assert len({row.seed for row in own.rows}) == 6


def test_a_study_without_end_is_refused():
    with pytest.raises(InputError, match="would have 4,000,000 runs"):
        _ = sweep(size=1000, seeds=2000).rows


@pytest.mark.parametrize("of", [2, 3, 7])
def test_every_run_is_in_one_shard_and_stays_there_when_the_study_grows(of):
    small, large = sweep(size=4, seeds=2), sweep(size=8, seeds=3)
    parts = [{key for key, row in large.distinct.items() if Shard(k, of).has(row.turn)} for k in range(1, of + 1)]
    assert sum(map(len, parts)) == len(large.distinct) == len(set().union(*parts))
    for k, part in enumerate(parts, 1):
        assert {key for key, row in small.distinct.items() if Shard(k, of).has(row.turn)} == part & set(small.distinct)


def test_what_a_folder_says_is_the_study_again(tmp_path):
    asked = sweep(INTERVIEWS, BEDS, size=2, structure={POOLING: (0, 1)}, measures=("children_missing",))
    folder = SweepFolder(tmp_path / "study")
    folder.open(asked, {"command": "…"})
    again = folder.study()
    assert again.description() == asked.description()
    assert list(again.distinct) == list(asked.distinct)


# -- the same, whatever happens ---------------------------------------------------------------------------------------------------


def test_a_study_from_end_to_end(tmp_path, capsys):
    asked = sweep(size=2, structure={POOLING: (0, 1)})
    folder = swept(asked, tmp_path / "study")
    assert (told(folder)["state"], told(folder)["runs_there"]) == ("complete", 8)
    frame = open_frame(folder.path)
    assert list(frame["key"]) == [row.run.key for row in asked.rows]
    assert list(frame["draw"]) == [0] * 4 + [1] * 4
    assert list(frame[AT_HOME]) == [asked.draws.values[row.draw][AT_HOME] for row in asked.rows]
    assert list(frame["structure:" + POOLING]) == [row.structure[0] for row in asked.rows]
    assert np.array_equal(frame.attrs["points"], asked.draws.points)
    assert frame.attrs["inputs"] == {AT_HOME: [0.03, 0.12], COVERAGE: [0.0, 1.0], "dummy": [0.0, 1.0]}
    assert (frame.attrs["study"], frame.attrs["design"], frame.attrs["missing"]) == ("small", "latin_hypercube", 0)
    row = asked.rows[3]
    alone = CountyLines(row.run.scenario, asked.world, row.seed, row.run.replicate.parameters)
    alone.run_model()
    kept = folder.store.read(row.run.key)
    assert kept is not None
    assert kept.digest == alone.ledger.digest()
    assert frame["measure:children_missing"][3] == kept.values["measure", asked.whole.iso, "children_missing"]
    capsys.readouterr()
    assert main(["check", str(folder.path), "--runs", "2"]) == 0
    assert "2 of 2 runs" in capsys.readouterr().out
    assert main(["replay", str(folder.path), row.run.key[:12]]) == 0
    assert "the same as in the study" in capsys.readouterr().out


def test_shards_in_one_folder_or_in_several_are_the_whole_study(tmp_path):
    asked = sweep(size=3)
    whole = swept(asked, tmp_path / "whole")
    for k in (1, 2):
        together = swept(asked, tmp_path / "together", shard=f"{k}/2")
    assert bytes_of(together) == bytes_of(whole)
    apart = [swept(asked, tmp_path / f"part-{k}", shard=f"{k}/2").path for k in (1, 2)]
    frame = open_frame(*apart)
    assert frame.equals(open_frame(whole.path))
    assert frame.attrs["missing"] == 0
    assert open_frame(apart[0]).attrs["missing"] == 2
    with pytest.raises(InputError, match="cannot be read as one"):
        open_frame(whole.path, swept(sweep(size=2), tmp_path / "another").path)


def test_a_stopped_study_goes_on_and_ends_as_if_it_had_not_been(tmp_path, monkeypatch, capsys):
    asked, write = sweep(size=2), Store.write

    def write_or_stop(self, result):
        if len(list(self.folder.iterdir())) == 3:
            raise KeyboardInterrupt
        write(self, result)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", write_or_stop)
        folder = swept(asked, tmp_path / "stopped", code=STOPPED)
    assert "3 of 4 runs are kept" in capsys.readouterr().err
    assert open_frame(folder.path).attrs["missing"] == 1
    swept(asked, folder.path)
    assert told(folder)["runs_computed"] == 1
    assert bytes_of(folder) == bytes_of(swept(asked, tmp_path / "whole"))


def test_damaged_runs_are_named_never_used_and_computed_again(tmp_path, capsys):
    asked = sweep(size=2)
    folder = swept(asked, tmp_path / "study")
    before = bytes_of(folder)
    keys = list(asked.distinct)
    folder.store.path(keys[0]).write_bytes(b"PAR1")
    folder.store.path(keys[2]).write_bytes(before[f"{keys[2]}.parquet"][:-9])
    (folder.path / "frame.parquet").write_bytes(before["frame.parquet"][:-200] + b"!" + before["frame.parquet"][-199:])
    with pytest.warns(UserWarning, match="cannot be used") as warned:
        frame = open_frame(folder.path)
    assert [key in str(warning.message) for key, warning in zip((keys[0], keys[2]), warned, strict=True)] == [True, True]
    assert list(frame["key"]) == [keys[1], keys[3]]
    capsys.readouterr()
    swept(asked, folder.path)
    said = capsys.readouterr().err
    assert [f"{key}.parquet cannot be used" in said for key in keys] == [True, False, True, False]
    assert told(folder)["runs_computed"] == 2
    assert bytes_of(folder) == before


def test_a_run_that_fails_is_told_of_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    asked, measure = sweep(size=2), runner.measure_run
    lost = list(asked.distinct)[1]

    def measure_or_fail(model, key):
        if key == lost:
            raise RuntimeError("a home was lost")
        return measure(model, key)

    with monkeypatch.context() as patch:
        patch.setattr(runner, "measure_run", measure_or_fail)
        folder = swept(asked, tmp_path / "study", code=FAILED)
    said = f"python -m experiments replay {folder.path.as_posix()} {lost[:12]}"
    assert said in capsys.readouterr().err
    failure = json.loads((folder.failures / f"{lost}.json").read_text(encoding="utf-8"))
    assert (failure["key"], failure["seed"], failure["replay"]) == (lost, asked.distinct[lost].seed, said)
    assert "RuntimeError: a home was lost" in failure["error"]
    assert "measure_run" in failure["trace"]
    assert (told(folder)["state"], told(folder)["failures"]) == ("failed", [lost])
    assert lost not in set(open_frame(folder.path)["key"])
    assert list(open_failures(folder.path)["key"]) == [lost]
    assert main(["replay", str(folder.path), lost[:12]]) == 0  # here it does not fail
    swept(asked, folder.path)
    assert told(folder)["state"] == "complete"
    assert not list(folder.failures.iterdir())


@pytest.mark.parametrize(("deaths", "code"), [(2, 0), (3, FAILED)])
def test_a_study_whose_processes_are_ended_from_outside_tries_again_but_not_for_ever(tmp_path, monkeypatch, capsys, deaths, code):
    times = iter(range(deaths))

    def die_at_first(works, folder, cores, tell, failed):
        if next(times, None) is not None:
            runner.execute(works[:1], folder, cores, tell, failed)
            raise runner.WorkerDied
        return runner.execute(works, folder, cores, tell, failed)

    monkeypatch.setattr(sweeping, "execute", die_at_first)
    folder = swept(sweep(BASELINE, size=4), tmp_path / "study", code=code)
    assert len(list(folder.store.folder.iterdir())) == (4 if code == 0 else 3)
    said = capsys.readouterr().err
    assert ("3 of 4 runs are kept" in said) == (code == FAILED)
    assert said.count("ended from outside") == deaths


# -- growing, and what has changed --------------------------------------------------------------------------------------------------


def test_extending_computes_only_what_is_missing(tmp_path):
    folder = swept(sweep(size=2), tmp_path / "study")
    before = set(bytes_of(folder)) - {"frame.parquet"}
    assert main(["extend", str(folder.path), "--draws", "3", "--policies", "key_worker", "--cores", "1"]) == 0
    assert told(folder)["runs_computed"] == 2 + 3
    assert before < set(bytes_of(folder))
    assert main(["extend", str(folder.path), "--seeds", "2", "--cores", "1"]) == 0
    assert told(folder)["runs_computed"] == 9
    assert open_frame(folder.path).groupby("draw").size().tolist() == [6, 6, 6]
    assert main(["extend", str(folder.path), "--cores", "1"]) == 0
    assert told(folder)["runs_computed"] == 0
    assert [command.split()[3] for command in told(folder)["commands"]] == ["sweep", "extend", "extend", "extend"]


def test_a_further_policy_brings_its_uncertain_numbers_to_a_latin_hypercube_and_to_no_other_design():
    asked = replace(sweep(size=2), patterns=("policies.*",))
    more = asked.extended(scenarios=[replace(BEDS, policies=dict(BEDS.policies))])
    assert {each.address.split(".")[1] for each in more.inputs if each.address.startswith("policies.")} == {"return_interviews", "specialist_foster"}
    assert set(asked.distinct) - set(more.distinct) == {key for key, row in asked.distinct.items() if row.scenario == "interviews"}
    sobol = replace(asked, design=replace(asked.design, method="sobol"))
    assert sobol.extended(scenarios=[BEDS]).inputs == sobol.inputs


@pytest.mark.parametrize(("less", "said"), [({"seeds": 1}, "only adds"), ({"size": 1}, "only adds"), ({"scenarios": [INTERVIEWS]}, "already")])
def test_extending_never_takes_away(less, said):
    with pytest.raises(InputError, match=said):
        sweep(size=2, seeds=2).extended(**less)


def test_a_changed_scenario_is_noticed_and_its_runs_computed_again(tmp_path, capsys):
    folder = swept(sweep(size=2, inputs=(AT_HOME,)), tmp_path / "study")
    use = replace(INTERVIEWS.policies["return_interviews"], settings={"coverage": 0.5})
    capsys.readouterr()
    swept(sweep(BASELINE, replace(INTERVIEWS, policies={"return_interviews": use}), size=2, inputs=(AT_HOME,)), folder.path)
    assert "Scenario 'interviews' has changed" in capsys.readouterr().err
    assert told(folder)["runs_computed"] == 2
    assert len(open_frame(folder.path)) == 4


def test_a_changed_model_is_noticed_and_all_is_computed_again(tmp_path, monkeypatch, capsys):
    folder = swept(sweep(size=2), tmp_path / "study")
    for module in ("sim.runs", "experiments.studies.folder", "experiments.studies.sweep_folder"):
        monkeypatch.setattr(f"{module}.source_digest", lambda: "another")
    capsys.readouterr()
    swept(sweep(size=2), folder.path)
    assert "The model has changed since this folder was written" in capsys.readouterr().err
    assert told(folder)["runs_computed"] == 4
    assert len(list(folder.store.folder.iterdir())) == 8
    assert len(open_frame(folder.path)) == 4


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 2}, "has seed 1 and not 2"), ({"common_seeds": True}, "has common seeds False and not True"),
        ({"method": "morris"}, "has design latin_hypercube and not morris"),
    ],
)  # fmt: skip
def test_another_study_in_the_same_folder_is_refused(tmp_path, other, said):
    folder = SweepFolder(tmp_path)
    folder.open(sweep(), {"command": "…"})
    before = folder.info.read_bytes()
    with pytest.raises(InputError, match=said):
        folder.open(sweep(**other), {"command": "…"})
    with pytest.raises(InputError, match="other days or places"):
        folder.open(replace(sweep(), world=replace(sweep().world, days=50)), {"command": "…"})
    assert folder.info.read_bytes() == before


def test_a_sweep_does_not_take_the_folder_of_a_comparison(tmp_path):
    (tmp_path / "study.json").write_text('{"format": "countylines study, format 1"}', encoding="utf-8")
    with pytest.raises(InputError, match="another kind of study"):
        SweepFolder(tmp_path).open(sweep(), {"command": "…"})


def test_a_scenario_that_sets_what_is_to_be_varied_is_refused(tmp_path):
    from experiments.studies.study_file import refuse_fixed

    with pytest.raises(InputError, match=r"'missing.at_home' is to be varied, but scenario 'restless' sets it to 0.09"):
        refuse_fixed(sweep(BASELINE, RESTLESS), "mine.toml")


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2", "1/0"])
def test_a_shard_that_is_none_is_refused(text):
    with pytest.raises(Exception, match="must be a shard"):
        read_shard(text)


def test_a_scenario_that_was_changed_in_the_folder_is_not_trusted(tmp_path):
    folder = SweepFolder(tmp_path / "study")
    folder.open(sweep(), {"command": "…"})
    path = folder.path / "scenarios" / "interviews.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"return_interviews"', '"relocation"'), encoding="utf-8")
    with pytest.raises(InputError, match=r"interviews.json is damaged: its content does not match its checksum"):
        folder.study()


@pytest.mark.parametrize("what", ["study.json", "plan.parquet", "scenarios/interviews.json", "scenarios/world-small.json"])
@pytest.mark.parametrize("damage", [None, b"", b"{}"])
def test_a_damaged_folder_is_said_in_one_sentence(tmp_path, what, damage, capsys):
    folder = SweepFolder(tmp_path / "study")
    folder.open(sweep(), {"command": "…"})
    folder.store.path("ab" * 32).write_bytes(b"")
    (folder.path / what).unlink() if damage is None else (folder.path / what).write_bytes(damage)
    capsys.readouterr()
    for command in (["check"], ["replay"], ["extend"]):
        more = ["ab"] if command == ["replay"] else []
        if command == ["extend"] and what == "plan.parquet":
            continue  # which it writes anew
        assert main([*command, str(folder.path), *more]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "Traceback" not in said


def _changed(table, name):
    """The table with one value changed, and all that it says of itself kept."""
    column = table.column(name).to_pylist()
    column[0] = "0" * 64 if isinstance(column[0], str) else column[0] + 1
    return table.set_column(table.column_names.index(name), name, pa.array(column, table.schema.field(name).type))


@pytest.mark.parametrize("damage", ["shortened", "changed", "of another name", "of another study"])
@pytest.mark.parametrize("name", ["plan", "draws", "points"])
def test_a_table_that_is_whole_but_not_what_was_written_is_never_used(tmp_path, name, damage, capsys):
    folder, other = SweepFolder(tmp_path / "study"), SweepFolder(tmp_path / "other")
    folder.open(sweep(), {"command": "…"})
    other.open(sweep(seed=5), {"command": "…"})
    folder.store.path("ab" * 32).write_bytes(b"")
    path = folder.path / f"{name}.parquet"
    table = pq.read_table(path)
    if damage.startswith("of another"):
        path.write_bytes((folder.path / f"{'draws' if name == 'plan' else 'plan'}.parquet" if damage == "of another name" else other.path / path.name).read_bytes())
    else:
        pq.write_table(table.slice(0, 1) if damage == "shortened" else _changed(table, "draw"), path)
    capsys.readouterr()
    with pytest.raises(InputError, match=rf"{name}.parquet is damaged, or of another study"):
        open_frame(folder.path)
    if name == "plan":
        assert main(["check", str(folder.path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    folder.open(sweep(), {"command": "…"})
    assert folder.table(name).num_rows == table.num_rows  # restored


@pytest.mark.parametrize("damage", [{"study": None}, {"study": {"design": None}}, {"study": {"seeds": "two"}}, {"study": {"inputs": 5}}, {"commands": 3}])
def test_a_study_json_with_other_things_in_it_is_damaged(tmp_path, damage, capsys):
    folder = SweepFolder(tmp_path / "study")
    folder.open(sweep(), {"command": "…"})
    told = json.loads(folder.info.read_text(encoding="utf-8"))
    for key, value in damage.items():
        told[key] = {**told[key], **value} if isinstance(value, dict) else value
    folder.info.write_text(json.dumps(told), encoding="utf-8")
    for command in ("check", "extend", "analyse"):
        assert main([command, str(folder.path)]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "study.json is damaged: its content does not match its checksum" in said
    assert folder.open(sweep(), {"command": "…"}) == [f"{folder.info} was damaged and is written anew."]
    assert folder.study() == sweep()


def test_a_study_that_is_extended_while_it_runs_stays_extended(tmp_path, monkeypatch, capsys):
    folder, small, large = SweepFolder(tmp_path), sweep(), sweep().extended(seeds=2)
    compute = sweeping._compute

    def compute_while_another_extends(study, *rest):
        done = compute(study, *rest)
        if study == small:
            swept(large, tmp_path)
        return done

    monkeypatch.setattr(sweeping, "_compute", compute_while_another_extends)
    swept(small, tmp_path)
    assert "was meanwhile extended by another command" in capsys.readouterr().err
    assert folder.study() == large
    assert len(open_frame(tmp_path)) == len(large.rows)


def test_the_readme_of_an_extended_study_has_all_commands_and_a_study_that_shrinks_says_so(tmp_path):
    folder, small = SweepFolder(tmp_path), sweep()
    folder.open(small, {"command": "sweep it"})
    folder.open(small.extended(seeds=2), {"command": "extend it"})
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "these commands in turn:\n\n    sweep it\n    extend it\n" in readme
    assert not [said for said in folder.open(small.extended(seeds=3), {"command": "extend it more"}) if "was larger" in said]
    assert [said for said in folder.open(small, {"command": "sweep it"}) if said.startswith("The study in this folder was larger")]


def test_a_folder_in_the_place_of_a_run_is_refused_in_one_sentence_that_names_it(tmp_path, capsys):
    folder = SweepFolder(tmp_path / "study")
    folder.open(sweep(), {"command": "…"})
    place = folder.store.path(next(iter(sweep().distinct)))
    place.mkdir()
    assert main(["extend", str(folder.path), "--cores", "1"]) == 2
    assert f"experiments: {place} is a folder, but must be the file of a run; take it away.\n" in capsys.readouterr().err


def test_shards_that_begin_at_once_do_not_lose_one_anothers_command(tmp_path, monkeypatch):
    write, commands = SweepFolder.write_study, ["shard 1", "shard 2", "shard 3"]
    waiting = commands[1:]

    def write_when_another_has_come(self, *rest, **more):
        if waiting:
            SweepFolder(tmp_path).open(sweep(), {"command": waiting.pop(0)})
        write(self, *rest, **more)

    monkeypatch.setattr(SweepFolder, "write_study", write_when_another_has_come)
    folder = SweepFolder(tmp_path)
    folder.open(sweep(), {"command": commands[0]})
    assert told(folder)["commands"] == commands
    assert all(f"\n    {command}\n" in (tmp_path / "README.md").read_text(encoding="utf-8") for command in commands)


def test_one_structure_and_two_are_counted_as_one_says_it(tmp_path, capsys):
    for values, said in (((0,), "1 structure,"), ((0, 1), "2 structures,")):
        sweeping.announce(sweep(structure={"services.needs_pooling": values}), SweepFolder(tmp_path))
        assert said in capsys.readouterr().err


def test_the_same_policies_in_another_order_are_not_added(tmp_path, capsys):
    folder = SweepFolder(tmp_path)
    folder.open(sweep(BASELINE, with_policies(BASELINE, "key_worker+relocation", ""), inputs=(AT_HOME,)), {"command": "…"})
    assert main(["extend", str(tmp_path), "--policies", "relocation+key_worker", "--cores", "1"]) == 2
    assert "'key_worker+relocation' and 'relocation+key_worker' are the same policies in another order" in capsys.readouterr().err
