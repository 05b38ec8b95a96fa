"""Break each mechanism and each policy once, in a copy, and see that some test notices."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from inspect import ismodule
from pathlib import Path

import pytest

from sim import model
from sim.policies import every_policy
from tests.mutation.mutations import EVERY_MUTATION, Mutation

ROOT = Path(__file__).resolve().parents[2]
LARGE = 250  # lines; a mechanism of so many is broken twice at least
IDS = [f"{mutation.file.removesuffix('.py')}: {mutation.what}" for mutation in EVERY_MUTATION]


@pytest.mark.parametrize("mutation", EVERY_MUTATION, ids=IDS)
def test_the_rule_to_be_broken_stands_there_once_and_so_do_the_tests(mutation: Mutation) -> None:
    assert (ROOT / "sim" / mutation.file).read_text(encoding="utf-8").count(mutation.text) == 1
    assert mutation.text != mutation.instead
    for test in mutation.noticed_by:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8") or not name


def test_every_mechanism_and_every_policy_is_broken_once_and_large_ones_more_often() -> None:
    times = Counter(mutation.file for mutation in EVERY_MUTATION)
    mechanisms = [
        Path(mechanism.__file__)
        for mechanism in vars(model).values()
        if ismodule(mechanism) and mechanism.__name__.startswith("sim.") and hasattr(mechanism, "Parameters")
    ]
    assert len(mechanisms) > 10
    for path in mechanisms:
        large = len(path.read_text(encoding="utf-8").splitlines()) > LARGE
        assert times[path.name] >= (2 if large else 1), path.name
    for name in every_policy():
        assert times[f"policies/{name}.py"] >= 1, name
    assert len(set(IDS)) == len(IDS)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project once more, to be broken: never the tree that somebody works in."""
    there = tmp_path_factory.mktemp("copy")
    for folder in ("sim", "scenarios", "experiments", "tests"):
        shutil.copytree(ROOT / folder, there / folder, ignore=shutil.ignore_patterns("__pycache__", "results"))
    shutil.copy(ROOT / "pyproject.toml", there)
    return there


@pytest.fixture
def broken(copy: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The copy with one rule broken, mended again afterwards."""
    mutation: Mutation = request.param
    path = copy / "sim" / mutation.file
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(mutation.text, mutation.instead), encoding="utf-8")
    yield copy
    path.write_text(before, encoding="utf-8")


def run_tests(where: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """These tests in that copy; nothing compiled is kept, because a rule may be broken and mended within one second."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        command,
        cwd=where,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "mutation"), [(mutation, mutation) for mutation in EVERY_MUTATION], ids=IDS, indirect=["broken"]
)
def test_a_broken_rule_is_noticed(broken: Path, mutation: Mutation) -> None:
    done = run_tests(broken, mutation.noticed_by)
    assert done.returncode != 0, f"{mutation.file}: {mutation.what}: broken, and no test notices"
    assert done.returncode == 1 and "failed" in done.stdout, (
        done.stdout + done.stderr
    )  # no test fails merely because it cannot be run


@pytest.mark.slow
def test_in_an_unbroken_copy_the_same_tests_pass(copy: Path) -> None:
    done = run_tests(copy, tuple(sorted({test for mutation in EVERY_MUTATION for test in mutation.noticed_by})))
    assert done.returncode == 0, done.stdout + done.stderr
