"""The project keeps its promises: what the README says is there, and no file knows on whose machine it was made."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FINDER = ROOT / ".ci" / "python"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

NOT_OURS = {
    "a path of a machine": r"(?:^|[^a-zA-Z0-9_.-])/(?:root|work|home|farm|Users)/",
    "the address of a package registry": r"https?://[^\s\"'<>]*(?:py"
    r"pi|pythonhosted|npmjs|anaconda|/simple(?:[/\s\"']|$)|\.(?:whl|tgz|deb)\b)",
    "a folder outside the project": r"\.\./shared",
}


def tracked_files() -> list[Path]:
    """What is, or is about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def strangers(text: str) -> list[str]:
    """Each thing in a text that belongs to a machine or a registry, with its line."""
    return [
        f"line {number}: {what}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in NOT_OURS.items()
        if re.search(pattern, line)
    ]


@pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="not a git work tree")
def test_no_file_knows_a_machine_or_a_registry() -> None:
    found = {}
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" not in content[:8000] and (lines := strangers(content.decode("utf-8", errors="replace"))):
            found[str(path.relative_to(ROOT))] = lines
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "cd /ro" + "ot/project",
        "see ('/ho" + "me/somebody/data.csv')",
        "--index-url https://py" + "pi.org/simple",
        "https://files.python" + "hosted.org/packages/x",
        "numpy @ https://example.org/numpy-2.5.5.w" + "hl",
        "read .." + "/shared/model.md",
    ],
)
def test_such_a_line_would_be_seen(text: str) -> None:
    assert strangers(text)


def test_an_ordinary_line_is_left_alone() -> None:
    assert not strangers("https://www.gov.uk/work/missing: a child returns home/or to a placement; run ./home/x")


def fenced(text: str, language: str) -> list[str]:
    """The fenced blocks of one language in a Markdown text."""
    return [block.strip() for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]


def targets() -> dict[str, str]:
    """What make can be asked for, with its description."""
    return dict(re.findall(r"^([a-z-]+):.*?## (.+)$", MAKEFILE, re.MULTILINE))


def test_the_readme_begins_with_the_two_commands() -> None:
    assert fenced(README, "sh")[:2] == ["make run", "make test"]


def test_every_make_command_in_the_documents_is_a_target_and_the_readme_names_all() -> None:
    named = set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b(?=[`\n])", README))
    assert named == targets().keys()
    assert targets().keys() == set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[0].split())


def test_the_windows_commands_compare_what_make_run_compares() -> None:
    scenarios, world, years = (
        re.search(rf"^{name} *= *(.+)$", MAKEFILE, re.MULTILINE)[1] for name in ("SCENARIOS", "WORLD", "YEARS")
    )
    windows = fenced(README, "bat")[0]
    assert f"compare {scenarios} --world {world} --years {years}" in windows
    assert "-c constraints.txt" in windows


@pytest.mark.parametrize("package", ["sim", "experiments"])
def test_the_commands_in_the_readme_exist(package: str) -> None:
    named = set(re.findall(rf"python -m {package} ([a-z]+)", README))
    command = [sys.executable, "-m", package, "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    assert named
    assert [each for each in named if not re.search(rf"\b{each}\b", told)] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / document).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def normal(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", name)[0]).lower()


def test_constraints_are_pins_of_everything_we_ask_for() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin)] == []
    names = [normal(pin) for pin in pins]
    assert len(names) == len(set(names))
    extras = PROJECT["project"]["optional-dependencies"].values()
    asked = PROJECT["project"]["dependencies"] + [each for extra in extras for each in extra]
    assert {normal(each) for each in asked} - {PROJECT["project"]["name"]} <= set(names)  # an extra may ask for another of our own


def libraries(paths: Iterable[Path]) -> set[str]:
    """What these files import that is neither Python's nor ours."""
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"sim", "experiments"}


def test_every_library_that_is_imported_is_declared_and_those_of_an_extra_stay_in_its_files() -> None:
    declared = {normal(each) for each in PROJECT["project"]["dependencies"]}
    bench = {normal(each) for each in PROJECT["project"]["optional-dependencies"]["bench"]}
    paths = {*(ROOT / "sim").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")}
    of_bench = {path for path in paths if path.is_relative_to(ROOT / "experiments" / "bench")}
    cluster = {normal(each) for each in PROJECT["project"]["optional-dependencies"]["cluster"]}
    of_cluster = {ROOT / "experiments" / "running" / "cluster.py"}
    assert {normal(each) for each in libraries(of_cluster)} <= declared | cluster
    analysis = {normal(each) for each in PROJECT["project"]["optional-dependencies"]["analysis"]}
    of_workbench = {ROOT / "experiments" / "analyses" / "discovery.py", ROOT / "experiments" / "workbench.py"}
    assert {normal(each) for each in libraries(of_workbench)} <= declared | analysis
    room = {normal(each) for each in PROJECT["project"]["optional-dependencies"]["ui"]} | {"solara"}  # which solara-ui and solara-server bring
    of_room = {ROOT / "sim" / "ui" / "page.py", ROOT / "sim" / "ui" / "serve.py"}
    assert {normal(each) for each in libraries(of_room)} <= declared | room
    assert {normal(each) for each in libraries(paths - of_bench - of_cluster - of_workbench - of_room)} <= declared
    assert libraries(of_bench) <= declared | bench | room


def test_one_version_everywhere() -> None:
    version = PROJECT["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[1] == version


# -- the finder of an interpreter ----------------------------------------------------------------------------------

on_unix = pytest.mark.skipif(os.name == "nt" or not Path("/bin/sh").exists(), reason="the finder is for make, on Unix")


def stand_in(path: Path, before: str = "pass") -> Path:
    """A command that runs this Python, after `before` was done to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c 'import sys; {before}; exec(sys.argv[1])' \"$2\"\n")
    path.chmod(0o755)
    return path


def find(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the finder where only tmp_path/bin is on the PATH, and tmp_path is home."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    return subprocess.run(
        ["/bin/sh", str(FINDER)],
        env={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


OLD = "sys.version_info = (3, 11, 7)"
BARE = 'sys.modules["ensurepip"] = None'
HERE = getattr(sys, "_base_executable", sys.executable)


@on_unix
def test_only_an_old_python_is_said_in_one_sentence(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3", OLD)
    answer = find(tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.count("\n") == 1
    assert "Python 3.12 or newer is needed" in answer.stderr
    assert "python3 is 3.11" in answer.stderr


@on_unix
def test_no_python_at_all_is_said_too(tmp_path: Path) -> None:
    answer = find(tmp_path)
    assert answer.returncode == 2
    assert "Python 3.12 or newer is needed" in answer.stderr


@on_unix
def test_a_python_that_cannot_make_environments_is_passed_over(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3.13", BARE)
    answer = find(tmp_path)
    assert answer.returncode == 2
    assert "python3.13 is 3." in answer.stderr
    assert "without the module venv" in answer.stderr
    stand_in(tmp_path / "bin" / "python3")
    assert find(tmp_path).stdout.strip() == HERE


@on_unix
def test_the_named_python_is_used(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3", OLD)
    named = stand_in(tmp_path / "with a space" / "mine")
    answer = find(tmp_path, PYTHON=str(named))
    assert (answer.returncode, answer.stdout.strip(), answer.stderr) == (0, HERE, "")


@on_unix
def test_a_named_python_that_is_too_old_is_told_and_another_looked_for(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3.12")
    named = stand_in(tmp_path / "mine", OLD)
    answer = find(tmp_path, PYTHON=str(named))
    assert (answer.returncode, answer.stdout.strip()) == (0, HERE)
    assert f"PYTHON={named} is not" in answer.stderr


@on_unix
@pytest.mark.parametrize("where", [".pyenv", "elsewhere"])
def test_a_shim_that_fails_does_not_hide_what_pyenv_has(tmp_path: Path, where: str) -> None:
    shim = tmp_path / "bin" / "python3.13"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    stand_in(tmp_path / where / "versions" / "3.9.18" / "bin" / "python", OLD)
    stand_in(tmp_path / where / "versions" / "3.13.0" / "bin" / "python")
    answer = find(tmp_path, PYENV_ROOT=str(tmp_path / where))
    assert (answer.returncode, answer.stdout.strip()) == (0, HERE)
