"""Per-child counterfactuals: the same children without and with a policy, and why only the net figure is a result.

Run A (without) and run B (with) have the same seed and the same numbers, so they hold the same children. *Spared* is who was recruited to
a line only without the policy, *drawn in* who was only with it; the difference of the totals is drawn in less spared, exactly.
*Instead of*: a drawn-in child took a vacancy (a line's position) that a spared child fills without the policy, one for one; all others
who were drawn in are *knock-on*.

How many were spared and drawn in depends on how the chance of A and B is laid side by side, and nothing in the world says how. The
totals of A and of B leave open everything between the bounds of Fréchet. So gross flows are the model's bookkeeping: they are shown
under several couplings, with those bounds, and say nothing about any child.
"""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from experiments import wording
from experiments.analyses.effects import Interval, mean_interval, means
from experiments.compare import study_of
from experiments.measures.story import Story, Window
from experiments.options import add_study_options
from experiments.running.ledgers import Arm, Tables, in_order, lived_side_by_side, refuse_other_numbers
from experiments.running.runner import begins_in_warm_up, cores_for
from experiments.studies.designs import Replicate
from experiments.studies.folder import RESULTS, checked_name
from experiments.studies.study import Study
from sim.errors import InputError
from sim.ledger import Event
from sim.parameters import nearest
from sim.runs import commit, in_a_sentence, versions, write_atomically
from sim.scenario import Scenario
from sim.terminal import DONE, Parser, add, progress, say, say_json, show, table
from sim.world import World

USUAL = "usual"
COUPLINGS: dict[str, tuple[str, str]] = {
    "recruiters": ("recruiter.", "whom recruiters meet is drawn anew with the policy"),
    "exploitation": ("exploitation.", "what follows an approach is drawn anew with the policy"),
    "lines": ("line.", "when lines close and who fills their vacancies is drawn anew with the policy"),
    "missing": ("missing.", "when children go missing, and for how long, is drawn anew with the policy"),
}
"""Families of decisions that may be coupled otherwise, by the beginning of their names. What a child or a place is for life is never
among them: it would be another child."""
DEFAULT = ("recruiters", "exploitation")
GROSS = ("spared", "drawn_in", "instead_of", "knock_on")
Vacancy = tuple[int, int]


# -- two runs ------------------------------------------------------------------------------------------------------------------------


class Flows(NamedTuple):
    """What two runs with the same children differ in: numbers of children."""

    children: int
    without: int  # recruited in run A
    with_policy: int  # recruited in run B
    spared: int
    drawn_in: int
    instead_of: int
    knock_on: int
    least_spared: int
    most_spared: int
    least_drawn_in: int
    most_drawn_in: int

    @property
    def net(self) -> int:
        """The result: how many more children are recruited with the policy."""
        return self.with_policy - self.without


def flows(without: Tables, with_policy: Tables, window: Window) -> Flows:
    """Who was recruited in one run and not in the other, over the days of a window.

    Raises ValueError if the runs do not hold the same children.
    """
    children = _same_children(without, with_policy, window)
    a, b = (_recruited(Story(tables), window) for tables in (without, with_policy))
    spared, drawn_in = set(a) - set(b), set(b) - set(a)
    instead_of = _matched([b[child] for child in sorted(drawn_in)], [a[child] for child in sorted(spared)])
    low_spared, high_spared, low_drawn, high_drawn = bounds(len(a), len(b), children)
    found = Flows(
        children, len(a), len(b), len(spared), len(drawn_in), instead_of, len(drawn_in) - instead_of, low_spared, high_spared, low_drawn, high_drawn
    )
    assert found.net == found.drawn_in - found.spared  # exactly, whatever the coupling
    assert low_spared <= found.spared <= high_spared and low_drawn <= found.drawn_in <= high_drawn
    return found


def bounds(without: int, with_policy: int, children: int) -> tuple[int, int, int, int]:
    """Least and most spared, least and most drawn in, that the two totals allow: Fréchet's bounds."""
    return (
        max(0, without - with_policy), min(without, children - with_policy),
        max(0, with_policy - without), min(with_policy, children - without),
    )  # fmt: skip


def _same_children(a: Tables, b: Tables, window: Window) -> int:
    """How many children were in observation in the window; both runs must have the same. Raises ValueError."""
    for name, values in a["children"].items():
        if not np.array_equal(values, b["children"][name]):
            raise ValueError("the two runs do not hold the same children, so they cannot be compared child by child")
    story = Story(a)
    came, left = a["children"], story.of(Event.LEFT)
    return int((came["day"] <= window.last).sum()) - int((left["day"] < window.first).sum())


def _recruited(story: Story, window: Window) -> dict[int, set[Vacancy]]:
    """Children who were recruited in the window, each with the vacancies (line, position) that it filled."""
    filled = story.of(Event.POSITION_FILLED, window)
    vacancies: dict[int, set[Vacancy]] = defaultdict(set)
    for child, line, position in zip(*(filled[name].tolist() for name in ("child", "agent", "serial")), strict=True):
        vacancies[child].add((line, position))  # where nobody of the world fills it, child is 0
    return {child: vacancies[child] for child in np.unique(story.of(Event.RECRUITED, window)["child"]).tolist()}


def _matched(drawn_in: Sequence[set[Vacancy]], spared: Sequence[set[Vacancy]]) -> int:
    """How many drawn-in children can each be set against one spared child whose vacancy they took: a maximum matching."""
    of: dict[Vacancy, list[int]] = defaultdict(list)
    for number, vacancies in enumerate(spared):
        for vacancy in vacancies:
            of[vacancy].append(number)
    pairs = [(row, column) for row, vacancies in enumerate(drawn_in) for vacancy in vacancies for column in of[vacancy]]
    if not pairs:
        return 0
    rows, columns = np.array(sorted(set(pairs))).T
    graph = csr_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(len(drawn_in), len(spared)))
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


# -- many pairs ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """One replicate: the comparator, and one scenario under several couplings."""

    comparator: Scenario
    scenario: Scenario
    couplings: tuple[str, ...]
    world: World
    replicate: Replicate


def do(job: Job) -> dict[str, Flows]:
    """The flows of one replicate under each coupling, the usual one first."""
    arms = [Arm("without", job.comparator), Arm(USUAL, job.scenario)]
    arms += [Arm(name, job.scenario, {COUPLINGS[name][0]: 1}) for name in job.couplings]
    window = Window(job.world.warm_up_days + 1, job.world.days)
    without, *others = lived_side_by_side(arms, job.world, job.replicate)
    return {arm.name: flows(without, tables, window) for arm, tables in zip(arms[1:], others, strict=True)}


@dataclass(frozen=True)
class Bookkeeping:
    """All replicates: flows by coupling, one for each replicate."""

    study: Study
    flows: Mapping[str, Sequence[Flows]]

    def of(self, coupling: str, figure: str) -> Interval:
        """Mean over draws of one figure, with its 95 % interval."""
        return mean_interval(self._by_draw(coupling, figure))

    def of_all(self, coupling: str, figure: str) -> Interval:
        """Mean over draws of one figure, with its least and greatest value in any replicate: what is only counted needs no more."""
        values = [float(getattr(each, figure)) for each in self.flows[coupling]]
        return Interval(float(self._by_draw(coupling, figure).mean()), min(values), max(values))

    def _by_draw(self, coupling: str, figure: str) -> NDArray[np.float64]:
        values = np.array([float(getattr(each, figure)) for each in self.flows[coupling]])
        return means(values, np.array([replicate.draw for replicate in self.study.replicates]))


def carry_out(study: Study, couplings: Sequence[str], cores: int, tell: Callable[[int], None] = lambda done: None) -> Bookkeeping:
    """Live every replicate. Raises InputError where the scenarios cannot share a warm-up."""
    scenario = study.policies[0]
    refuse_other_numbers([scenario], study.comparator)
    for each in study.scenarios:
        if begins_in_warm_up(each, study.world):
            raise InputError(f"a policy of '{each.name}' begins in the warm-up, so the runs with and without it have no common beginning.")
    jobs = [Job(study.comparator, scenario, tuple(couplings), study.world, replicate) for replicate in study.replicates]
    made = in_order(do, jobs, cores, tell)
    return Bookkeeping(study, {coupling: [each[coupling] for each in made] for coupling in (USUAL, *couplings)})


# -- the command -----------------------------------------------------------------------------------------------------------------------


def add_arguments(parser: Parser) -> None:
    """The options of `counterfactual`."""
    parser.add_argument("scenario", metavar="SCENARIO", help="a name in scenarios/ or a path: the policy that is asked about")
    parser.add_argument("--comparator", default="baseline", metavar="SCENARIO", help="without it (default: %(default)s)")
    parser.add_argument("--coupling", action="append", metavar="FAMILY", help=f"beside the usual one: {', '.join(COUPLINGS)}; may be repeated (default: {' and '.join(DEFAULT)})")
    add_study_options(parser, name="made of what is compared", prints="the figures, not a table,")


def counterfactual(options: Namespace) -> int:
    """The same children without and with a policy: the net change, and what the model's bookkeeping makes of it."""
    couplings = tuple(dict.fromkeys(options.coupling or DEFAULT))
    for name in couplings:
        if name not in COUPLINGS:
            raise InputError(f"--coupling '{name}' is not known; {nearest(name, COUPLINGS)}.")
    options.scenarios = [options.comparator, options.scenario]
    study = study_of(options)
    cores = cores_for(study.world, options.cores)
    folder = RESULTS / checked_name(options.name or f"counterfactual-{study.world.name}-{study.policies[0].name}"[:100])
    with in_a_sentence(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with progress() as tell:
        days = study.world.warm_up_days + (2 + len(couplings)) * (study.world.days - study.world.warm_up_days)
        found = carry_out(study, couplings, cores, lambda done: tell("replicates", done * days, study.number * days))
    write(found, folder, options.command_line)
    if options.json:
        say_json({"folder": folder.as_posix(), "study": study.description(), "couplings": summary(found)})
    else:
        _print(found, folder)
    return DONE


def summary(found: Bookkeeping) -> dict[str, dict[str, Any]]:
    """Every figure under every coupling, with its interval; None where it has none."""
    figures = ("net", *Flows._fields)
    return {
        coupling: {
            figure: {end: None if np.isnan(value) else value for end, value in vars(found.of(coupling, figure)).items()} for figure in figures
        }
        for coupling in found.flows
    }  # fmt: skip


def write(found: Bookkeeping, folder: Path, command: str) -> None:
    """`flows.csv` with a row for each replicate and coupling, and a page to read."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["coupling", "replicate", "seed", "draw", *Flows._fields, "net"])
    for coupling, replicates in found.flows.items():
        for replicate, each in zip(found.study.replicates, replicates, strict=True):
            rows.writerow([coupling, replicate.number, replicate.seed, replicate.draw, *each, each.net])
    for name, content in (("flows.csv", text.getvalue()), ("counterfactual.md", page(found, command))):
        _write_text(folder / name, content)


def _write_text(path: Path, text: str) -> None:
    def to(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8", newline="\n")

    write_atomically(path, to)


def page(found: Bookkeeping, command: str) -> str:
    """What was found, to read: the net change first, then the bookkeeping and how little it says."""
    study, scenario = found.study, found.study.policies[0]
    net = found.of(USUAL, "net")
    rows = [
        f"| {_name_of(coupling)} | {_said(found.of(coupling, 'net'))} | {' | '.join(_spread(found.of_all(coupling, figure)) for figure in GROSS)} |"
        for coupling in found.flows
    ]  # fmt: skip
    least, most = (
        [wording.number(found.of(USUAL, f"{end}_{kind}").value) for kind in ("spared", "drawn_in")] for end in ("least", "most")
    )
    return f"""# The same children without and with: {scenario.title}

Compared with {study.comparator.title}, in {wording.place(study.world)}, {study.whole.label};
{wording.replicates(study.number, study.draws, chance_only=study.fixed)}. Rebuild it with

    {command}

(countylines {versions()["countylines"]}, commit {commit() or "unknown"}).

## The result: the net change

Children recruited to a line: **{_said(net)}** on average against {wording.number(found.of(USUAL, "without").value)} without the policy. {_verdict(net)}
This is the only figure on this page that may be quoted.

## Model bookkeeping: gross flows

Both runs hold the same invented children. Some are recruited only without the policy (spared), some only with it (drawn in); drawn in less
spared is the net change, exactly, in every pair of runs. *Instead of* counts drawn-in children who took a vacancy that a spared child fills
without the policy; *knock-on* is the rest.

| chance laid side by side | net (95 % interval) | spared (least to most of a replicate) | drawn in | of these: instead of | knock-on |
|---|---|---|---|---|---|
{chr(10).join(rows)}

The net change is the same question under every coupling, answered with more or less noise; the gross flows are not. Nothing in the world says
which coupling is right. Knowing only both totals, anything from {least[0]} to {most[0]} may have been spared and anything from {least[1]} to {most[1]} drawn in.
So the flows say how the model keeps its books. They do not say what a policy does to one child or to how many, and none of them
is a number of children helped. Even without any policy a recoupled run has both flows.

No finding may be cited to refuse, delay or end a child's placement or the reporting of a missing child. All children are invented.
"""


def _name_of(coupling: str) -> str:
    return "all chance shared (usual)" if coupling == USUAL else COUPLINGS[coupling][1]


def _said(interval: Interval) -> str:
    """A mean and its interval."""
    middle = wording.number(interval.value)
    return middle if np.isnan(interval.low) else f"{middle} ({wording.number(interval.low)} to {wording.number(interval.high)})"


def _spread(interval: Interval) -> str:
    """A mean, and the least and greatest replicate."""
    return f"{wording.number(interval.value)} ({interval.low:.0f} to {interval.high:.0f})"


def _verdict(net: Interval) -> str:
    if np.isnan(net.low):
        return "With a single draw there is no interval, so this may be chance."
    if net.value == 0.0 and net.width == 0.0:
        return "The totals do not differ."
    return "The interval excludes no change." if net.excludes_nothing else "The interval contains no change: the policy cannot be told from nothing with so many replicates."


def _print(found: Bookkeeping, folder: Path) -> None:
    say(f"Children recruited to a line, compared with {found.study.comparator.title}: net {_plain(found.of(USUAL, 'net'))}.\n{_verdict(found.of(USUAL, 'net'))}\n")
    say("Model bookkeeping (depends on how chance is laid side by side; not a result):")
    words = [figure.replace("_", " ") for figure in GROSS]
    made = table("coupling", "net (95 %)", *words, numbers=("net (95 %)", *words))
    for coupling in found.flows:
        add(made, coupling, _plain(found.of(coupling, "net")), *(_spread(found.of_all(coupling, figure)) for figure in GROSS))
    limits = ([wording.number(found.of(USUAL, f"{end}_{kind}").value) for end in ("least", "most")] for kind in ("spared", "drawn_in"))
    add(made, "bounds", "", *(" to ".join(ends) for ends in limits), "", "")
    show(made)
    say(f"\nWritten to {folder.as_posix()}.")


def _plain(interval: Interval) -> str:
    return _said(interval).replace(wording.MINUS, "-")
