"""A run that is saved on any evening and gone on with is the run that was never interrupted; what cannot be gone on with is said."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sim import CountyLines, InputError, checkpoints
from sim.__main__ import main
from sim.checkpoints import FORMAT, Keeper, read, write
from sim.dates import last_day_of_year
from sim.ledger import STOCKS
from sim.lines import Line
from sim.policies import every_policy
from sim.population import Child
from sim.runs import read_run, run_key
from tests.reproducibility.test_same_again import EVERYTHING, sameness
from tests.worlds import EVENTFUL, lived, world

ROOT = Path(__file__).resolve().parents[2]
OVER_A_YEAR = world(0.01, warm_up=40, days=385)
EVENINGS = {
    "before the first day": 0, "within the warm-up": 17, "policies have begun": 41, "the day before entrants come": 153,
    "31 March": 365, "1 April": 366,
}  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run of everything that was saved on each of the evenings, and went on to its end."""
    folder = tmp_path_factory.mktemp("saved")
    model = CountyLines(EVERYTHING, OVER_A_YEAR, seed=7, parameters=EVENTFUL)
    for day in EVENINGS.values():
        write(model.run_to(day), folder / str(day))
    model.run_model()
    return folder, model


@pytest.mark.parametrize("evening", EVENINGS)
def test_a_run_that_was_saved_goes_on_to_the_same_bytes(saved, evening):
    folder, whole = saved
    model, told = read(folder / str(EVENINGS[evening]))
    assert (model.day, told["day"]) == (EVENINGS[evening],) * 2
    model.run_model()
    assert sameness(model) == sameness(whole)


def test_saving_does_not_disturb(saved):
    assert sameness(saved[1]) == sameness(lived(EVERYTHING, world=OVER_A_YEAR, seed=7, parameters=EVENTFUL))


@pytest.mark.slow
def test_a_town_s_five_years_saved_on_many_evenings_are_the_same(tmp_path):
    town = replace(world(0.02, warm_up=365), name="town", days=last_day_of_year(5))
    whole = lived(EVERYTHING, world=town, seed=3)
    model = CountyLines(EVERYTHING, town, seed=3)
    for day in range(37, town.days, 97):  # gone on with from each, on and on
        write(model.run_to(day), tmp_path / "checkpoint")
        model, _ = read(tmp_path / "checkpoint")
    assert sameness(model.run_to(town.days)) == sameness(whole)


# -- what a researcher holds in hand ---------------------------------------------------------------------------------------


def test_mesa_finds_everybody_and_everything_again(saved):
    folder, _ = saved
    model, _ = read(folder / "366")
    kept = CountyLines(EVERYTHING, OVER_A_YEAR, seed=7, parameters=EVENTFUL).run_to(366)
    assert model.agents_by_type.keys() == kept.agents_by_type.keys() and len(model.agents) == len(kept.agents)
    assert model.agents_by_type[Child] is model.children and {line.model for line in model.agents_by_type[Line]} == {model}
    [child] = model.children.select(lambda c: c.is_looked_after, at_most=1)
    assert child in model.agents and model.children.view(child.row) is child and child.model is model
    with pytest.raises(ValueError, match="read-only"):
        model.children.stage[0] = 1
    assert (model.steps, model.time, model.running) == (kept.steps, kept.time, True)
    assert model.random.random() == kept.random.random() and model.rng.random() == kept.rng.random()
    stocks = model.run_to(370).datacollector.model_vars
    assert set(stocks) == set(STOCKS) and len(stocks["children"]) == 370


class Visitor:
    """Somebody who looks in on a day, by Mesa's own events."""

    def __init__(self, model):
        self.model, self.seen = model, []

    def look(self):
        self.seen.append(self.model.day)


def test_what_was_asked_of_mesa_for_a_later_day_still_happens(tmp_path):
    model = CountyLines("baseline", world(0.005, days=30))
    model.visitor = Visitor(model)
    model.schedule_event(model.visitor.look, at=12)
    write(model.run_to(10), tmp_path / "checkpoint")
    again, _ = read(tmp_path / "checkpoint")
    assert again.run_to(20).visitor.seen == [12] and model.visitor.seen == []


# -- the file --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path):
    """A model on the evening of day 10, and its checkpoint."""
    model = CountyLines("baseline", world(0.005, days=30), seed=5).run_to(10)
    write(model, tmp_path / "checkpoint")
    return model, tmp_path / "checkpoint"


def key_of(model: CountyLines) -> str:
    return run_key(model.run_scenario.resolved(), model.world, model.given, model.draws.seed, model.last_day)


def test_a_checkpoint_says_which_run_it_is_of(small):
    model, path = small
    again, told = read(path, key_of(model))
    assert sameness(again) == sameness(model)
    assert [told[name] for name in ("scenario", "world", "seed", "days", "day")] == ["baseline", "small", 5, 30, 10]


DAMAGES = {
    "cut short": lambda whole: whole[:-1000],
    "cut short in its first lines": lambda whole: whole[:50],
    "empty": lambda whole: b"",
    "a bit turned in the model": lambda whole: whole[:-500] + bytes([whole[-500] ^ 1]) + whole[-499:],
    "a letter changed in what it says": lambda whole: whole.replace(b'"seed": 5', b'"seed": 6'),
    "another checksum": lambda whole: whole.replace(whole[len(FORMAT) : len(FORMAT) + 64], b"0" * 64),
    "longer": lambda whole: whole + b"more",
    "another file": lambda whole: b"authorities = 'all'\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_said_to_be_damaged_and_what_to_do(small, damage, monkeypatch):
    _, path = small
    monkeypatch.setattr(checkpoints.pickle, "load", lambda file: pytest.fail("a damaged pickle was loaded"))
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(InputError, match=r"checkpoint is damaged, or is no checkpoint: .* delete it, and the same command begins"):
        read(path)


@pytest.mark.parametrize("library", ["python", "numpy", "mesa", "countylines"])
def test_another_version_is_named_and_not_loaded(small, library, monkeypatch):
    _, path = small
    now = checkpoints.versions()
    monkeypatch.setattr(checkpoints, "versions", lambda: now | {library: "0.0"})
    monkeypatch.setattr(checkpoints.pickle, "load", lambda file: pytest.fail("a foreign pickle was loaded"))
    with pytest.raises(InputError, match=rf"by another version of the program \({library} {re.escape(now[library])}, here 0\.0\); delete it"):
        read(path)


def test_other_source_and_another_format_are_refused(small, monkeypatch):
    _, path = small
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "source_digest", lambda: "another")
        with pytest.raises(InputError, match=r"by another version of the program \(the files of sim/ were others\); delete it"):
            read(path)
    path.write_bytes(path.read_bytes().replace(b"format 1\n", b"format 2\n", 1))
    with pytest.raises(InputError, match="by another version of the program; delete it"):
        read(path)


def test_another_run_is_named(small):
    model, path = small
    for other in (CountyLines("baseline", model.world, seed=6), CountyLines("relocation", model.world, seed=5), CountyLines("baseline", model.world, 5, {"lines.lag": 4.0})):
        with pytest.raises(InputError, match=r"of another run \(scenario baseline, world small, seed 5, 30 days, or with other numbers\); name another folder"):
            read(path, key_of(other))


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_one_that_cannot_be_written_leaves_the_one_before(small, problem, monkeypatch):
    model, path = small
    before = path.read_bytes()
    dump = checkpoints.pickle.dump

    def fails(what, file, protocol):
        dump(what, file, protocol)
        raise problem

    monkeypatch.setattr(checkpoints.pickle, "dump", fails)
    with pytest.raises(InputError if isinstance(problem, OSError) else KeyboardInterrupt) as refused:
        write(model.run_to(20), path)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]
    assert isinstance(problem, KeyboardInterrupt) or str(refused.value) == f"{path} cannot be written (No space left on device)."


# -- a run that keeps one ----------------------------------------------------------------------------------------------------


def test_only_the_newest_is_kept_and_none_of_the_last_day(tmp_path):
    model = CountyLines("baseline", world(0.005, days=30), seed=5)
    keeper, days = Keeper(tmp_path / "new" / "checkpoint", key_of(model), 10), []
    while model.day < model.last_day:
        model.step()
        keeper.keep(model)
        days.append([read(path)[0].day for path in tmp_path.glob("new/*")])
    assert days == [[]] * 9 + [[10]] * 10 + [[20]] * 11
    (tmp_path / "new" / ".checkpoint.x.part").write_bytes(b"half")
    again = Keeper(keeper.path, keeper.key, 10)
    found = again.found()
    assert found and found.day == again.day == 20 and again.begun == keeper.begun and again.seconds > 0.0
    assert list((tmp_path / "new").iterdir()) == [keeper.path], "what a killed process left half-written is cleared away"
    assert Keeper(keeper.path, "another", None).found() is None


SMALL = 'authorities = ["Medway"]\nfraction = 0.1\nwarm_up_years = 1\nyears = 1\n'
ASKED = ("run", "early.toml", "--world", "small.toml", "--seed", "3", "--days", "60", "--out", "out")
EVERY = ("--checkpoint-every", "10")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in, with a small world and a scenario whose policies have begun within the run."""
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(SMALL)
    Path("early.toml").write_text("".join(f"[policies.{name}]\ncoverage = 1.0\nbegins = 2025-04-16\n" for name in every_policy()))
    return tmp_path


def stopped(monkeypatch, day: int, *words: str) -> int:
    """The command's exit code, if Ctrl-C comes on the evening of a day."""
    close = CountyLines._close

    def until(model):
        if model.day == day:
            os.kill(os.getpid(), signal.SIGINT)
        close(model)

    with monkeypatch.context() as patch:
        patch.setattr(CountyLines, "_close", until)
        return main([*ASKED, *words])


def what_it_is(folder: str) -> dict[str, object]:
    """Every file of a run to the byte, apart from when it was begun, how long it took, and by which words."""
    files: dict[str, object] = {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.name != "run.json"}
    info = json.loads((Path(folder) / "run.json").read_text())
    return files | {name: value for name, value in info.items() if name not in ("begun", "seconds", "command")}


def test_ctrl_c_leaves_a_checkpoint_and_the_same_command_goes_on_from_it(here, monkeypatch, capsys):
    assert main([*ASKED[:-1], "whole"]) == 0
    capsys.readouterr()
    assert stopped(monkeypatch, 35, *EVERY) == 130
    assert capsys.readouterr().err == f"sim: stopped by Ctrl-C; {Path('out/checkpoint')} holds the evening of day 30, and the same command goes on from there.\n"
    assert [path.name for path in Path("out").iterdir()] == ["checkpoint"]
    assert main([*ASKED, *EVERY]) == 0
    assert capsys.readouterr().err == f"Going on from the evening of day 30 (2025-04-30), which {Path('out/checkpoint')} holds.\n"
    assert what_it_is("out") == what_it_is("whole")
    assert sorted(path.name for path in here.iterdir()) == ["early.toml", "out", "small.toml", "whole"]


def test_before_the_first_checkpoint_ctrl_c_leaves_nothing(here, monkeypatch, capsys):
    assert stopped(monkeypatch, 5, *EVERY) == 130
    assert "nothing was left half-written" in capsys.readouterr().err and not Path("out").exists()


def test_a_run_is_replaced_by_one_with_checkpoints_only_when_it_has_ended(here, monkeypatch, capsys):
    assert main([*ASKED, "--set", "lines.lag=3"]) == 0
    before = what_it_is("out")
    assert main([*ASKED, *EVERY]) == 2 and "holds a run already" in capsys.readouterr().err
    assert stopped(monkeypatch, 35, *EVERY, "--force") == 130
    assert {name: content for name, content in what_it_is("out").items() if name != "checkpoint"} == before
    assert main([*ASKED, *EVERY, "--force"]) == 0
    assert what_it_is("out") != before and "checkpoint" not in what_it_is("out") and read_run(Path("out"))


REFUSED = {
    "no folder": (("run", "early.toml", "--world", "small.toml", "--seed", "3", *EVERY), ["--checkpoint-every", "--out"]),
    "never": ((*ASKED, "--checkpoint-every", "0"), ["--checkpoint-every", "'0'", "from 1"]),
    "another seed": ((*ASKED, "--seed", "4", *EVERY), ["another run", "seed 3"]),
    "another scenario": ((*ASKED, "--set", "lines.lag=3", *EVERY), ["another run", "scenario early"]),
    "another length": ((*ASKED, "--days", "70", *EVERY), ["another run", "60 days"]),
    "without the option": (ASKED, ["holds the checkpoint of a run that has not ended", "--checkpoint-every"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_belong_to_the_checkpoint_is_refused_in_a_sentence(here, monkeypatch, capsys, case):
    assert stopped(monkeypatch, 25, *EVERY) == 130
    capsys.readouterr()
    before = Path("out/checkpoint").read_bytes()
    argv, told = REFUSED[case]
    assert main(list(argv)) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and [part for part in told if part not in printed.err] == []
    assert Path("out/checkpoint").read_bytes() == before and len(list(Path("out").iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of a process are a matter of POSIX")
def test_a_full_disk_is_said_with_what_there_is_to_go_on_from(here, monkeypatch, capsys):
    import resource

    assert stopped(monkeypatch, 25, *EVERY) == 130
    before = Path("out/checkpoint").read_bytes()
    ended = child(*ASKED, *EVERY, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    assert ended.returncode == 2 and "Traceback" not in ended.stderr
    going_on, said = ended.stderr.splitlines()
    assert "evening of day 20" in going_on
    assert re.fullmatch(r"sim: out.checkpoint cannot be written \(.+\); out.checkpoint holds the evening of day 20, and the same command goes on from there\.", said)
    assert Path("out/checkpoint").read_bytes() == before and len(list(Path("out").iterdir())) == 1


def child(*words: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "sim", *words], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300, **options)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills otherwise")
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been(here, capsys):
    """kill -9 of the real command, whatever it is doing, until it comes through."""
    asked = (*ASKED[:-3], "300", "--out", "out", "--checkpoint-every", "3")
    assert main([*asked[:-3], "whole"]) == 0
    kills, newest = 0, 0
    while True:
        process = subprocess.Popen([sys.executable, "-m", "sim", *asked], env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 300
        while process.poll() is None and day_of("out/checkpoint") == newest and time.monotonic() < until:
            time.sleep(0.01)
        if kills == 4:
            break
        time.sleep(0.02 * kills)
        process.kill()
        said = process.communicate()[1]
        assert f"Going on from the evening of day {newest}" in said or not kills
        kills, newest = kills + 1, day_of("out/checkpoint")
        assert newest < 300 - 3
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert what_it_is("out") == what_it_is("whole")
    assert sorted(path.name for path in here.iterdir()) == ["early.toml", "out", "small.toml", "whole"]


def day_of(path: str) -> int:
    """The day of a checkpoint by its third line, 0 if there is none yet."""
    try:
        return json.loads(Path(path).read_bytes().split(b"\n", 3)[2])["day"]
    except FileNotFoundError:
        return 0
