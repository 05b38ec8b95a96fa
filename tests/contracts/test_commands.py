"""The `python -m sim` commands: what they print and write, and how they refuse: one sentence, exit code 2, nothing half-written."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import sim
from sim.__main__ import main
from sim.ledger import digest
from sim.model import CountyLines
from sim.parameters import every_parameter
from sim.policies import every_policy
from sim.runs import read_run

ROOT = Path(__file__).resolve().parents[2]


PRACTICE = "[parameters]\nmissing.at_home = 0.12\nreporting.home = 0.7\nservices.offered = 0.5\n"


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    furnish()
    return tmp_path


def furnish() -> None:
    """Here: a small world, a practice that leaves much to do, and the same with a policy from day 21."""
    Path("small.toml").write_text('authorities = ["Medway"]\nfraction = 0.2\nwarm_up_years = 1\nyears = 1\n')
    Path("late.toml").write_text(PRACTICE)
    Path("early.toml").write_text(PRACTICE + "[policies.return_interviews]\ncoverage = 1.0\nbegins = 2025-04-21\n")


def run(*words: str) -> list[str]:
    """The arguments of a short run in the small world."""
    return ["run", "baseline", "--world", "small.toml", "--seed", "3", "--days", "25", *words]


def everything_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; an empty folder counts too."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


def refusal(capsys, argv: list[str], folder: Path) -> str:
    """The sentence with which the command refuses, after checking how it does."""
    before = everything_below(folder)
    code = main(argv)
    printed = capsys.readouterr()
    assert code == 2 and printed.out == ""
    assert printed.err.endswith("\n") and printed.err.count("\n") == 1, printed.err
    assert "Traceback" not in printed.err and printed.err.startswith("sim: ") and printed.err.rstrip().endswith(".")
    assert everything_below(folder) == before
    return printed.err


def surroundings() -> dict[str, str]:
    """What a process of its own is given: the program, and Python's usual ways."""
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return usual | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def child(*words: str, **options) -> subprocess.CompletedProcess:
    """The program in a process of its own."""
    command = [sys.executable, "-m", "sim", *words]
    return subprocess.run(command, env=surroundings(), text=True, timeout=120, **({"capture_output": True} | options))


# -- refusals ------------------------------------------------------------------------------------------------------------

POLICY = "[policies.relocation]\n"
BAD_FILES = {
    "misspelt key": ("policy = 1\n", ["key 'policy'", "'policies'"]),
    "misspelt setting": (POLICY + "coverige = 0.5\n", ["policies.relocation.coverige", "'coverage'"]),
    "misspelt policy": ("[policies.relocatoin]\n", ["'relocatoin'", "'relocation'"]),
    "misspelt parameter": ("[parameters.lines]\nsubstitutoin = 1\n", ["lines.substitutoin", "'substitution'"]),
    "misspelt group": ("[parameters.linse]\nsubstitution = 1\n", ["'linse'", "'lines'"]),
    "wrong type": (POLICY + 'coverage = "half"\n', ["policies.relocation.coverage", "'half'", "not a number", "0 to 1"]),
    "a table for a number": (POLICY + "coverage = { low = 0 }\n", ["policies.relocation.coverage", "not a number", "0 to 1"]),
    "out of range": (POLICY + "coverage = 1.2\n", ["policies.relocation.coverage", "1.2", "0 to 1 share of eligible occasions"]),
    "not a number": (POLICY + "coverage = nan\n", ["policies.relocation.coverage", "nan", "finite", "0 to 1"]),
    "infinite": (POLICY + "coverage = inf\n", ["policies.relocation.coverage", "inf", "finite", "0 to 1"]),
    "unknown place": (POLICY + 'where = ["Greenwitch"]\n', ["policies.relocation.where", "'Greenwitch'", "Greenwich"]),
    "a place outside the world": (POLICY + 'where = ["Leeds"]\n', ["policies.relocation.where", "Leeds", "Medway"]),
    "negative capacity": (POLICY + "moves_a_year = -5\n", ["policies.relocation.moves_a_year", "-5", "0 to 500 moves"]),
    "absurd capacity": ("[policies.specialist_foster]\nbeds = 1e9\n", ["policies.specialist_foster.beds", "1000000000", "0 to 200 beds"]),
    "invalid TOML": ("[policies.relocation\n", ["not valid TOML", "line 1"]),
    "invalid UTF-8": (b"title = \"caf\xe9\"\n", ["not UTF-8", "byte"]),
    "a world in it": ('world = "town"\n', ["'world'", "--world"]),
    "text for a date": (POLICY + 'begins = "soon"\n', ["policies.relocation.begins", "'soon'", "2025-04-01"]),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_scenario_is_refused_with_file_key_value_and_what_is_allowed(inputs, capsys, case):
    text, told = BAD_FILES[case]
    Path("bad.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    sentence = refusal(capsys, ["run", "bad.toml", "--world", "small.toml", "--seed", "1", "--days", "5", "--out", "new"], inputs)
    assert [part for part in ("bad", *told) if part not in sentence] == []


BAD_WORLDS = {
    "fraction 0": ("fraction = 0.0\n", ["'fraction'", "0.0", "above 0"]),
    "negative fraction": ("fraction = -0.5\n", ["'fraction'", "-0.5", "above 0"]),
    "fraction that is no number": ("fraction = nan\n", ["'fraction'", "nan", "above 0"]),
    "fraction of nobody": ("fraction = 1e-9\n", ["'fraction'", "1e-09", "at least 20"]),
    "no years": ("years = 0\n", ["'years'", "0", "1 to 5"]),
    "a policy in it": ("[policies.relocation]\n", ["'policies'", "scenario"]),
}


@pytest.mark.parametrize("case", BAD_WORLDS)
def test_a_bad_world_is_refused_with_file_key_value_and_what_is_allowed(inputs, capsys, case):
    text, told = BAD_WORLDS[case]
    Path("badworld.toml").write_text('authorities = ["Medway"]\n' + text)
    sentence = refusal(capsys, ["run", "baseline", "--world", "badworld.toml", "--seed", "1", "--out", "new"], inputs)
    assert [part for part in ("badworld.toml", *told) if part not in sentence] == []


BAD_COMMANDS = {
    "no command": ([], ["run, parameters, verify, diverge"]),
    "misspelt command": (["rnu"], ["'rnu'", "nearest known name is 'run'"]),
    "misspelt option": (["run", "baseline", "--wrold", "small.toml", "--seed", "1"], ["'--wrold'", "'--world'"]),
    "option cut short": (["run", "baseline", "--wor", "small.toml", "--seed", "1"], ["'--wor'", "'--world'"]),
    "no world": (["run", "baseline", "--seed", "1"], ["--world"]),
    "an argument too many": (run("more"), ["more"]),
    "days 0": (["run", "baseline", "--world", "small.toml", "--seed", "1", "--days", "0"], ["--days", "'0'", "1 to 2191"]),
    "too many days": (["run", "baseline", "--world", "small.toml", "--seed", "1", "--days", "9999"], ["--days", "'9999'", "1 to 2191"]),
    "negative seed": (["run", "baseline", "--world", "small.toml", "--seed", "-1"], ["--seed", "'-1'", "from 0"]),
    "seed that is no number": (["run", "baseline", "--world", "small.toml", "--seed", "one"], ["--seed", "'one'", "from 0"]),
    "unknown scenario": (["run", "relocatoin", "--world", "small.toml", "--seed", "1"], ["'relocatoin'", "'relocation'"]),
    "unknown world": (["run", "baseline", "--world", "twon", "--seed", "1"], ["'twon'", "'town'"]),
    "missing file": (["run", "./erly.toml", "--world", "small.toml", "--seed", "1"], ["erly.toml", "does not exist"]),
    "missing file in a folder": (["run", "here/erly.toml", "--world", "small.toml", "--seed", "1"], ["here/erly.toml", "does not exist", "here/early.toml"]),
    "folder for a file": (["run", "here", "--world", "small.toml", "--seed", "1"], ["here", "is a folder", ".toml"]),
    "folder that ends in .toml": (["run", "folder.toml", "--world", "small.toml", "--seed", "1"], ["folder.toml", "is a folder"]),
    "file of another kind": (["run", "notes.txt", "--world", "small.toml", "--seed", "1"], ["notes.txt", ".toml"]),
    "--set misspelt": (run("--set", "lines.substitutoin=1"), ["lines.substitutoin", "'lines.substitution'"]),
    "--set without value": (run("--set", "lines.substitution"), ["--set", "ADDRESS=VALUE"]),
    "--set nan": (run("--set", "lines.substitution=nan"), ["--set lines.substitution", "nan", "0 to 1"]),
    "--set text": (run("--set", "lines.substitution=all"), ["--set lines.substitution", "'all'", "0 to 1"]),
    "--set out of range": (run("--set", "lines.substitution=-1"), ["--set lines.substitution", "-1", "0 to 1"]),
    "--set a policy that is not there": (run("--set", "policies.relocation.coverage=1"), ["policies.relocation.coverage", "'baseline'"]),
    "--set twice": (run("--set", "lines.lag=2", "--set", "lines.lag=3"), ["lines.lag", "twice"]),
    "--out below a file": (run("--out", "notes.txt/out"), ["notes.txt/out", "file"]),
    "--out far below a file": (run("--out", "notes.txt/a/b/c"), ["notes.txt/a/b/c", "file"]),
    "--out is a file": (run("--out", "notes.txt"), ["notes.txt", "file"]),
    "--out is somebody's": (run("--out", "here"), ["here", "not empty", "early.toml"]),
    "--out is somebody's, with force": (run("--out", "here", "--force"), ["here", "not empty", "early.toml"]),
    "--out has a name too long": (run("--out", "a/" + "x" * 300), ["name too long"]),
    "--out is where we are": (run("--out", "."), ["current folder"]),
    "unknown group": (["parameters", "linse"], ["'linse'", "'lines'"]),
    "unknown policy": (["verify", "relocatoin", "--world", "small.toml"], ["'relocatoin'", "'relocation'"]),
    "no run": (["diverge", "here", "here"], ["here", "run.json"]),
    "no folder": (["diverge", "nowhere", "here"], ["nowhere", "not a folder"]),
}


@pytest.mark.parametrize("case", BAD_COMMANDS)
def test_a_bad_command_is_refused_in_a_sentence(inputs, capsys, case):
    Path("here").mkdir()
    Path("here/early.toml").write_text("")
    Path("folder.toml").mkdir()
    Path("notes.txt").write_text("notes")
    argv, told = BAD_COMMANDS[case]
    sentence = refusal(capsys, argv, inputs).lower()
    assert [part for part in told if part.lower() not in sentence] == []


@pytest.mark.parametrize("folder", ["notes.txt/out", "notes.txt", "a/" + "x" * 300], ids=lambda name: name[:20])
def test_the_folder_is_looked_at_before_the_run_begins(inputs, capsys, monkeypatch, folder):
    monkeypatch.setattr(CountyLines, "step", lambda self: pytest.fail("the run began"))
    Path("notes.txt").write_text("notes")
    refusal(capsys, run("--out", folder), inputs)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of a process are a matter of POSIX")
def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(inputs):
    import resource

    before = everything_below(inputs)
    ended = child(*run("--out", "new/run"), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)))
    assert ended.returncode == 2 and ended.stdout == ""
    assert re.fullmatch(r"sim: new/run cannot be written \(.+\)\.\n", ended.stderr), ended.stderr
    assert everything_below(inputs) == before


def test_the_program_refuses_as_a_process_too(inputs):
    ended = child("run", "baselin", "--world", "small.toml", "--seed", "1")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("sim: scenario 'baselin' is not known; the nearest known name is 'baseline'") and ended.stderr.count("\n") == 1


# -- ends ------------------------------------------------------------------------------------------------------------------


def test_ctrl_c_ends_with_one_line_and_leaves_nothing(inputs, capsys, monkeypatch):
    lived = CountyLines.step

    def step(model):
        lived(model)
        if model.day == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(CountyLines, "step", step)
    before = everything_below(inputs)
    assert main(run("--out", "new")) == 130
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and "Ctrl-C" in printed.err
    assert everything_below(inputs) == before


def test_a_reader_who_leaves_is_no_error():
    process = subprocess.Popen([sys.executable, "-m", "sim", "parameters", "costs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=surroundings())
    assert process.stdout and process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), said) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_said():
    with open("/dev/full", "w") as full:
        ended = child("parameters", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert ended.returncode == 2
    assert ended.stderr.startswith("sim: the output cannot be written (") and ended.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [[], ["run"], ["parameters"], ["verify"], ["diverge"]], ids=" ".join)
def test_every_command_has_help(capsys, command):
    assert main([*command, "--help"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("usage: python -m sim") and printed.err == ""
    assert not command or "--json" in printed.out


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert sim.__version__ in capsys.readouterr().out


# -- run -------------------------------------------------------------------------------------------------------------------


def test_a_run_is_the_same_twice_and_in_a_process_of_its_own(inputs, capsys):
    digests = []
    for _ in range(2):
        assert main(run("--json")) == 0
        digests.append(json.loads(capsys.readouterr().out)["digest"])
    ended = child(*run())
    assert ended.returncode == 0 and ended.stderr == ""
    digests.append(ended.stdout.split()[-1])
    model = CountyLines("baseline", "small.toml", seed=3, days=25)
    model.run_model()
    assert set(digests) == {model.ledger.digest()}


def test_what_a_run_writes_is_what_it_lived(inputs, capsys):
    assert main(run("--out", "new/run")) == 0
    printed = capsys.readouterr().out
    tables, info = read_run(Path("new/run"))
    assert digest(tables) == info["digest"] == printed.split()[-1]
    assert sorted(path.name for path in Path("new/run").iterdir()) == ["bills.parquet", "children.parquet", "counts.parquet", "events.parquet", "run.json", "stocks.parquet"]
    assert list(Path("new").iterdir()) == [Path("new/run")]
    assert info["command"] == "python -m sim run baseline --world small.toml --seed 3 --days 25 --out new/run"
    assert (info["seed"], info["days"], info["world"]["fraction"], info["scenario"]["name"]) == (3, 25, 0.2, "baseline")


def test_paths_may_hold_anything(inputs, capsys):
    names = ["with space", "ünïcode", "looks:like/an.uri", "%41"] + (["not utf-8 \udcff"] if sys.platform == "linux" else [])
    for name in names:
        assert main(run("--days", "1", "--out", name)) == 0
        assert main(["diverge", name, name, "--json"]) == 0
        assert "--out" in read_run(Path(name))[1]["command"]
    capsys.readouterr()


def test_an_earlier_run_is_replaced_only_with_force(inputs, capsys):
    assert main(run("--out", "new")) == 0
    assert "--force" in refusal(capsys_after(capsys), run("--out", "new"), inputs)
    first = read_run(Path("new"))[1]["digest"]
    assert main([*run("--out", "new", "--force"), "--set", "missing.at_home=0.12"]) == 0
    assert read_run(Path("new"))[1]["digest"] != first
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


def capsys_after(capsys):
    """What was printed so far is done with."""
    capsys.readouterr()
    return capsys


def test_figures_are_counted_in_the_ledger(inputs, capsys):
    assert main(run("--json")) == 0
    [year] = json.loads(capsys.readouterr().out)["figures"]
    model = CountyLines("baseline", "small.toml", seed=3, days=25)
    model.run_model()
    events = model.ledger.table("events")
    went = events["event"] == sim.ledger.Event.WENT_MISSING
    assert year["episodes"] == went.sum() > 0
    assert year["missing"] == len(set(events["child"][went].tolist()))
    assert year["missing_police_record"] == len(set(events["child"][went & (events["detail"] & 1 > 0)].tolist()))
    assert year["looked_after_last_day"] == model.ledger.table("stocks")["looked_after"][-1]
    assert year["cost"] == pytest.approx(model.ledger.table("bills")["pounds"].sum() / 1e6, abs=0.001)
    assert (year["from"], year["to"], year["warm_up"]) == ("2025-04-01", "2025-04-25", True)


def test_set_is_stronger_than_the_file_and_equals_a_file_that_says_so(inputs, capsys):
    Path("other.toml").write_text(PRACTICE + "lines.lag = 3\n[policies.return_interviews]\ncoverage = 0.5\nbegins = 2025-04-21\n")
    digests = []
    for words in (["early.toml", "--set", "policies.return_interviews.coverage=0.5", "--set", "lines.lag=3"], ["other.toml"], ["early.toml"]):
        assert main(["run", *words, "--world", "small.toml", "--seed", "3", "--days", "40", "--json"]) == 0
        info = json.loads(capsys.readouterr().out)
        digests.append((info["digest"], info["key"]))
    assert digests[0] == digests[1] and digests[0][0] != digests[2][0] and digests[0][1] != digests[2][1]


def test_the_summary_says_how_far_a_policy_reached(inputs, capsys):
    assert main(["run", "early.toml", "--world", "small.toml", "--seed", "3", "--days", "60"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"return_interviews +from 2025-04-21 +[1-9]\d* +[1-9]", printed), printed
    assert main(["run", "early_intervention", "--world", "small.toml", "--seed", "3", "--days", "10"]) == 0
    assert "after the run" in capsys.readouterr().out


# -- parameters --------------------------------------------------------------------------------------------------------------


def test_every_declared_number_is_listed_with_what_is_known_of_it(capsys):
    declared = {parameter.address: parameter for parameter in every_parameter()}
    assert {f"policies.{name}.coverage" for name in every_policy()} <= set(declared)
    assert main(["parameters", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    listed = {each["address"]: each for each in told["parameters"]}
    assert list(listed) == list(declared) and len(listed) == len(told["parameters"])
    for address, parameter in declared.items():
        each = listed[address]
        assert (each["value"], each["unit"], each["distribution"]) == (parameter.value, parameter.unit, parameter.distribution)
        assert (each["low"], each["high"]) == parameter.between and all(source["title"] for source in each["sources"])
        assert (each["status"] == "assumed") == parameter.is_assumed
    counts = told["counts"]
    assert counts["numbers"] == len(declared) == counts["assumed"] + counts["found"] + counts["recalled"]
    assert counts["assumed"] == sum(parameter.is_assumed for parameter in declared.values()) > 0


def test_the_table_has_a_line_for_every_number_and_counts_the_assumed(capsys):
    assert main(["parameters"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["address", "value", "unit", "low", "high", "drawn", "status", "source", "note"]
    declared = list(every_parameter())
    assert [line.split()[0] for line in lines[: len(declared)]] == [parameter.address for parameter in declared]
    assert f"{len(declared)} numbers: {sum(parameter.is_assumed for parameter in declared)} ASSUMED" in lines[-1]


@pytest.mark.parametrize("group", ["lines", "policies.relocation", "policies"])
def test_a_group_is_listed_alone(capsys, group):
    assert main(["parameters", group, "--json"]) == 0
    listed = [each["address"] for each in json.loads(capsys.readouterr().out)["parameters"]]
    assert listed == [p.address for p in every_parameter() if p.address.startswith(f"{group}.")] != []


def test_a_terminal_gets_a_table_for_each_group(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    assert main(["parameters", "policies.relocation"]) == 0
    printed = capsys.readouterr().out
    assert "policies.relocation: How much relocation, and what it may do." in printed and "0 to 500, fixed" in printed


# -- diverge -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Four runs: a practice, the same again, with another seed, and with a policy from day 21."""
    folder = tmp_path_factory.mktemp("runs")
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        furnish()
        for name, scenario, seed in (("a", "late", "3"), ("b", "late", "3"), ("c", "late", "4"), ("d", "early", "3")):
            assert main(["run", f"{scenario}.toml", "--world", "small.toml", "--seed", seed, "--days", "60", "--out", name]) == 0
    return folder


@pytest.fixture
def written(folders, monkeypatch):
    """Where the runs are."""
    monkeypatch.chdir(folders)


def told(capsys, *words: str) -> dict:
    assert main(["diverge", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_equal_runs_are_said_to_be_equal(written, capsys):
    assert told(capsys, "a", "b")["equal"]
    assert main(["diverge", "a", "b"]) == 0
    assert capsys.readouterr().out == f"The runs are equal: digest {read_run(Path('a'))[1]['digest']}.\n"


def test_two_seeds_part_on_the_first_day(written, capsys):
    found = told(capsys, "a", "c")
    assert not found["equal"] and found["parting"]["day"] == 1
    assert found["parting"]["reasons"] == ["the seeds differ: 3 and 4"]


def rows_of(folder: str) -> list[tuple]:
    """Every event of a run, as tuples."""
    return list(zip(*(column.tolist() for column in read_run(Path(folder))[0]["events"].values()), strict=True))


def test_a_policy_parts_from_the_baseline_where_the_ledgers_part_and_not_before_it_begins(written, capsys):
    a, d = (Counter(rows_of(folder)) for folder in "ad")
    alone = list(((a - d) + (d - a)).elements())
    found = told(capsys, "a", "d")
    parting = found["parting"]
    assert parting["day"] == min(row[0] for row in alone) >= 21
    assert (parting["day"], sim.ledger.Event[parting["event"]], int(parting["child"], 16)) in {row[:3] for row in alone}
    assert parting["explained"] and parting["reasons"] == ["policy return_interviews is in B only and began on day 21 (2025-04-21)"]
    assert main(["diverge", "a", "d"]) == 0
    printed = capsys.readouterr().out
    assert f"They part on day {parting['day']} ({parting['date']}), at {parting['decision']}: {parting['event']}, child {parting['child']}" in printed
    assert "began on day 21 (2025-04-21)" in printed


def test_runs_of_different_length_are_compared_as_far_as_both_go(written, capsys):
    assert main(["run", "late.toml", "--world", "small.toml", "--seed", "3", "--days", "25", "--out", "short"]) == 0
    capsys.readouterr()
    found = told(capsys, "a", "short")
    assert found["equal"] and found["last_day"] == 25
    assert main(["diverge", "a", "short"]) == 0
    assert "as far as both go, to day 25 (2025-04-25)" in capsys.readouterr().out


# -- verify ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def practice(inputs):
    """A world small enough for a test in which a policy has somebody to serve."""
    Path("practice.toml").write_text('authorities = ["Medway", "Greenwich"]\nfraction = 0.2\nwarm_up_years = 1\nyears = 1\n')
    return ["verify", "return_interviews", "--world", "practice.toml", "--days", "40"]


def test_a_policy_that_acts_passes(practice, capsys):
    assert main([*practice, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["all_act"] and not found["failures"] and [each["policy"] for each in found["policies"]] == ["return_interviews"]
    [each] = found["policies"]
    assert min(each[link] for link in ("eligible", "reached", "changed", "outcome")) > 0
    assert each["coverage_0_equals_baseline"] and each["nothing_before_it_begins"] and each["failures"] == []


def test_a_policy_that_does_nothing_fails(practice, capsys, monkeypatch):
    monkeypatch.setattr(every_policy()["return_interviews"], "act", lambda self, model: None)
    assert main(practice) == 1
    printed = capsys.readouterr().out
    assert "return_interviews: nobody was eligible; nobody was reached; nothing was changed" in printed
    assert "1 of 1 failed." in printed and "FAILS" in printed


@pytest.mark.slow
def test_every_policy_acts_on_the_region(capsys):
    assert main(["verify", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["policy"] for each in found["policies"]} == set(every_policy()) and found["all_act"]
