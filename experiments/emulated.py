"""Before-and-after studies again, inside the model, with an effect of nothing: what their design alone shows.

A programme that starts at a child's worst moment, or an area that acts after its worst year, sees a fall whatever it does: crises end by
themselves, and the highest of several years is followed by a lower one. Each source is re-run on present practice with the same way
in, the same windows and those who stayed, and nothing is done to anybody. The fall then seen is what the design alone produces. Laid
beside it is the same count without the way in. What a source does not say (how long its windows were, who was let in) is assumed,
said, and varied.
"""

from __future__ import annotations

import csv
import hashlib
import io
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import sim
from experiments import wording
from experiments.analyses.effects import Interval, mean_interval, means
from experiments.measures.story import (
    AUTHORITY,
    LOOKED_AFTER,
    NOT_ENDED,
    POLICE,
    Episodes,
    Story,
    Window,
    years_between,
)
from experiments.options import add_study_options
from experiments.running.ledgers import Arm, in_order, lived
from experiments.running.runner import cores_for
from experiments.running.store import Result, Store, Unusable
from experiments.studies.designs import Replicate, fixed_replicates, replicates
from experiments.studies.folder import RESULTS, checked_name
from experiments.studies.study import PRESENT_PRACTICE, over_years
from sim.dates import date_of, day_of
from sim.errors import InputError
from sim.ledger import Event, digest
from sim.places import read_places
from sim.population import BY_A_LINE, CHILDRENS_HOME
from sim.runs import commit, in_a_sentence, plain, run_key, write_atomically, write_json
from sim.scenario import load_world
from sim.sources import resolve
from sim.terminal import DONE, Parser, progress, say, say_json, whole_number
from sim.world import World

MONTH = 30.4375  # days
YOUNGEST = 12  # age from which a child may be taken in


class Seen(NamedTuple):
    """What a design sees in one run: how many units, and a rate before and after (or a share that it reports)."""

    units: int
    before: float
    after: float

    @property
    def fall(self) -> float:
        """The fall from before to after [per cent]; nan where there was nothing before."""
        return 100.0 * (1.0 - self.after / self.before) if self.before > 0 else float("nan")


@dataclass(frozen=True)
class Design:
    """A study as it was done: its source and figure, who came in and when, what was counted; `see` repeats it on one run.

    `reports` is "fall" for a before-and-after rate and "share" for a share of those who stayed, which is then in `after`.
    """

    id: str
    group: str
    source: str
    title: str
    published: float
    way_in: str
    assumed: str
    see: Callable[[Story, Window], Seen]
    reports: str = "fall"

    def figure(self, seen: Seen) -> float:
        """What such a study would publish of this run [per cent]."""
        return seen.fall if self.reports == "fall" else 100.0 * seen.after


# -- counting --------------------------------------------------------------------------------------------------------------------------


def recorded(story: Story) -> Episodes:
    """Episodes in the police record."""
    return story.keep("recorded by police", lambda: story.episodes.where(story.episodes.has(POLICE)))


def counted(episodes: Episodes, child: NDArray, first: NDArray, last: NDArray) -> NDArray[np.int64]:
    """How many episodes of each child began from its first to its last day, both included."""
    order = np.lexsort((episodes.start, episodes.child))
    children, starts = episodes.child[order], episodes.start[order]
    low, high = np.searchsorted(children, child), np.searchsorted(children, child, side="right")
    return np.array(
        [int(((starts[a:b] >= f) & (starts[a:b] <= t)).sum()) for a, b, f, t in zip(low, high, first.tolist(), last.tolist(), strict=True)],
        dtype=np.int64,
    )


def before_and_after(story: Story, child: NDArray, entry: NDArray, before: int, after: int) -> Seen:
    """Recorded episodes a child-month, in so many days up to each child's entry and after it, of those who stayed to the end."""
    stayed = story.people.left[story.people.at(child)] > entry + after
    child, entry = child[stayed], entry[stayed]
    if not len(child):
        return Seen(0, 0.0, 0.0)
    episodes = recorded(story)
    rates = (
        counted(episodes, child, entry - before + 1, entry).sum() / len(child) / before * MONTH,
        counted(episodes, child, entry + 1, entry + after).sum() / len(child) / after * MONTH,
    )
    return Seen(len(child), *(float(rate) for rate in rates))


# -- No Wrong Door ---------------------------------------------------------------------------------------------------------------------

OFTEN, LOOK_BACK = 3, 90  # so many recorded episodes in so many days let a child in


def taken_in_at_a_bad_time(story: Story, window: Window, before: int, after: int) -> tuple[NDArray, NDArray]:
    """Children of twelve and over who return from at least their third recorded episode in 90 days, each on the first such day, looked
    after or on the edge of care; early and late enough in the run for both windows."""
    episodes = recorded(story)
    ended = episodes.where((episodes.end != NOT_ENDED) & (episodes.end >= window.first + before) & (episodes.end + after <= window.last))
    often = counted(episodes, ended.child, ended.end - LOOK_BACK, ended.end) >= OFTEN
    ended = ended.where(often)
    old = story.people.ages(ended.child, ended.end.astype(np.int32)) >= YOUNGEST
    ended = ended.where(old)
    order = np.lexsort((ended.end, ended.child))
    child, first = np.unique(ended.child[order], return_index=True)
    return child, ended.end[order][first]


def on_an_ordinary_day(story: Story, window: Window, before: int, after: int) -> tuple[NDArray, NDArray]:
    """Children of twelve and over on one day in the middle, looked after then and when the time before began, whatever had happened to them."""
    day = (window.first + before + window.last - after) // 2
    child = story.people.present(day)
    child = child[story.in_care.on(child, day) & story.in_care.on(child, day - before)]
    child = child[story.people.ages(child, day) >= YOUNGEST]
    return child, np.full(len(child), day)


def _no_wrong_door(months: int, way_in: Callable) -> Callable[[Story, Window], Seen]:
    days = round(months * MONTH)

    def see(story: Story, window: Window) -> Seen:
        child, entry = way_in(story, window, days, days)
        return before_and_after(story, child, entry, days, days)

    return see


# -- casework in Kent ------------------------------------------------------------------------------------------------------------------

CASELOAD, YEAR = 38, 365
BEFORE_KENT, AFTER_KENT = 183, 122  # six months before, four after, as the police counted


def recognised(story: Story, window: Window) -> tuple[NDArray, NDArray]:
    """Children recognised as exploited by a line early and late enough for all windows, in Kent where it is in the world; the day of it."""
    named = story.of(Event.FORM_NAMED, Window(window.first + BEFORE_KENT, window.last - YEAR))
    mine = named["cause"] == BY_A_LINE
    kent = read_places().index("Kent")
    if kent in story.inside:
        mine &= named["home"] == kent
    child, first = np.unique(named["child"][mine], return_index=True)
    return child, named["day"][mine][first].astype(np.int64)


def caseload(child: NDArray, day: NDArray) -> tuple[NDArray, NDArray]:
    """The first so many."""
    order = np.lexsort((child, day))[:CASELOAD]
    return child[order], day[order]


def _exits(story: Story, window: Window) -> Seen:
    """The share of those recognised while they work a line, and still in observation a year later, who are not on one then."""
    child, day = recognised(story, window)
    working = story.on_a_line.on(child, day)
    child, entry = caseload(child[working], day[working])
    stayed = story.people.left[story.people.at(child)] > entry + YEAR
    child, entry = child[stayed], entry[stayed]
    out = ~story.on_a_line.on(child, entry + YEAR)
    return Seen(len(child), 0.0, float(out.mean()) if len(child) else float("nan"))


def often_missing_and_recognised(story: Story, window: Window) -> tuple[NDArray, NDArray]:
    """Recognised children, each on the first day from then on that it is back from at least its third recorded episode in 90 days."""
    child, day = recognised(story, window)
    episodes = recorded(story)
    entries = []
    for one, since in zip(child.tolist(), day.tolist(), strict=True):
        ends = episodes.end[(episodes.child == one) & (episodes.end != NOT_ENDED)]
        days = np.unique(np.concatenate(([since], ends[(ends >= since) & (ends <= window.last - YEAR)])))
        often = counted(episodes, np.full(len(days), one, dtype=np.uint64), days - LOOK_BACK, days) >= OFTEN
        entries.append(int(days[often][0]) if often.any() else -1)
    entry = np.array(entries, dtype=np.int64)
    return caseload(child[entry > 0], entry[entry > 0])


def _episodes_of_the_caseload(story: Story, window: Window) -> Seen:
    child, entry = often_missing_and_recognised(story, window)
    return before_and_after(story, child, entry, BEFORE_KENT, AFTER_KENT)


# -- Durham's protocol -----------------------------------------------------------------------------------------------------------------


def reports_of_homes(story: Story) -> tuple[NDArray, NDArray, NDArray]:
    """Reports to the police from children's homes of the world: the home, the force of its authority, and the day."""
    episodes = recorded(story)
    last = story.placement(episodes.child, episodes.start)
    inside = (episodes.setting == CHILDRENS_HOME) & (last >= 0)
    home, place = (story.placed[name][last[inside]] for name in ("agent", "place"))
    known = home > 0
    forces = np.array(read_places().police_force)
    return home[known], forces[place[known]], episodes.start[inside][known]


def ten_months(year: int) -> Window:
    """January to October."""
    return Window(day_of(date(year, 1, 1)), day_of(date(year, 10, 31)))


def pairs_of_years(window: Window) -> list[tuple[Window, Window]]:
    """January to October of two years that follow one another, both within the days that count."""
    first, last = date_of(window.first).year, date_of(window.last).year
    pairs = ((ten_months(year), ten_months(year + 1)) for year in range(first, last))
    return [(a, b) for a, b in pairs if a.first >= window.first and b.last <= window.last]


def _area(story: Story, window: Window, choose: Callable[[Sequence[tuple[int, int]]], Sequence[tuple[int, int]]]) -> Seen:
    """Reports from all homes of a force's area before and after it acted; when it acted is chosen from what it had seen."""
    _, force, day = reports_of_homes(story)
    before = after = 0
    areas = np.unique(force)
    for area in areas:
        seen = [tuple(int(part.holds(day[force == area]).sum()) for part in pair) for pair in pairs_of_years(window)]
        for a, b in choose(seen):  # type: ignore[arg-type]
            before, after = before + a, after + b
    return Seen(len(areas), float(before), float(after))


def the_worst(seen: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """The year with the most reports before."""
    return [max(seen)] if seen else []


def every(seen: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """All years."""
    return seen


def _homes(story: Story, window: Window, share: float) -> Seen:
    """Reports from the homes with the most of them in one period, in that and in the next."""
    home, _, day = reports_of_homes(story)
    before = after = units = 0
    for first, second in pairs_of_years(window):
        homes, made = np.unique(home[first.holds(day)], return_counts=True)
        chosen = homes[np.argsort(-made, kind="stable")][: max(1, round(share * len(homes)))] if len(homes) else homes
        mine = np.isin(home, chosen)
        before, after = before + int((first.holds(day) & mine).sum()), after + int((second.holds(day) & mine).sum())
        units += len(chosen)
    return Seen(units, float(before), float(after))


# -- after a bad year ------------------------------------------------------------------------------------------------------------------


def _authorities(story: Story, window: Window, choose: Callable) -> Seen:
    """Incidents in the authorities' own records in a year and in the next; when each acted is chosen from what it had seen."""
    episodes = story.episodes.where(story.episodes.has(AUTHORITY, LOOKED_AFTER))
    years = [year for year in years_between(window.first, window.last) if year.days >= 365]
    before = after = 0
    for place in story.inside:
        by_year = [int(year.holds(episodes.start[episodes.home == place]).sum()) for year in years]
        for a, b in choose(list(pairwise(by_year))):
            before, after = before + a, after + b
    return Seen(len(story.inside), float(before), float(after))


# -- the designs -------------------------------------------------------------------------------------------------------------------------

ASSUMED_NWD = "Assumed: who was let in (three recorded episodes in 90 days), and the windows, which the source gives as the first 18 months against before."
ASSUMED_KENT = "Assumed: recognised in the model is known to the service; each child is followed for a year of its own."
ASSUMED_OFTEN = "Assumed: the same, and three recorded episodes in 90 days, as the children taken in had been missing about that often."
ASSUMED_DURHAM = "Assumed: the same ten months of two years are compared. The source counts reports, not absences."

DESIGNS: tuple[Design, ...] = (
    *(
        Design(f"no_wrong_door_{months}m", "no_wrong_door", "I001", f"No Wrong Door, {months} months before and after", -68.0,
               "On the return from a third recorded episode in 90 days.", ASSUMED_NWD, _no_wrong_door(months, taken_in_at_a_bad_time))
        for months in (3, 6, 12, 18)
    ),
    Design("no_wrong_door_ordinary", "no_wrong_door", "I001", "The same 12 months without the way in", -68.0,
           "All children of twelve and over on one day, looked after then and a year before.", "", _no_wrong_door(12, on_an_ordinary_day)),
    Design("kent_exits", "kent", "I012", "Casework in Kent: out of county lines within a year", 31.0,
           "The first 38 children recognised while they work a line; those still in observation a year later.", ASSUMED_KENT, _exits, "share"),
    Design("kent_episodes", "kent", "cl_exit_1y", "Casework in Kent: missing episodes, six months before and four after", -50.0,
           "The first 38 recognised children who are back from a third recorded episode in 90 days.", ASSUMED_OFTEN, _episodes_of_the_caseload),
    Design("durham_area", "durham", "phil_durham", "Durham's protocol: an area that acts after its worst year", -36.0,
           "All children's homes of a force's area, after the year with the most reports.", ASSUMED_DURHAM, lambda story, window: _area(story, window, the_worst)),
    Design("durham_homes", "durham", "phil_durham", "Durham's protocol: the quarter of homes with the most reports act", -36.0,
           "Homes with the most reports in ten months; each year that there is.", ASSUMED_DURHAM, lambda story, window: _homes(story, window, 0.25)),
    Design("durham_ordinary", "durham", "phil_durham", "The same areas without the way in", -36.0,
           "All children's homes, every year that there is.", "", lambda story, window: _area(story, window, every)),
    Design("after_a_bad_year", "after_a_bad_year", "P05", "Placebo: an authority that adopts something after its worst year", float("nan"),
           "Each authority, after the year with the most recorded incidents of looked-after children.", "", lambda story, window: _authorities(story, window, the_worst)),
    Design("after_any_year", "after_a_bad_year", "P05", "The same after any year", float("nan"),
           "Each authority, every year that there is.", "", lambda story, window: _authorities(story, window, every)),
)  # fmt: skip


# -- running them ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """One run of present practice, seen by every design; its key, and where to keep what is seen."""

    world: World
    replicate: Replicate
    folder: Path

    @property
    def key(self) -> str:
        """What names the run and the designs: equal keys, equal results."""
        run = run_key(PRESENT_PRACTICE.resolved(), self.world, self.replicate.parameters, self.replicate.seed, self.world.days)
        return hashlib.sha256(f"{run} {_asked()}".encode()).hexdigest()

    def seen(self) -> dict[str, Seen] | None:
        """What each design saw, if that is kept."""
        try:
            result = Store(self.folder).read(self.key)
        except Unusable:
            return None
        if result is None:
            return None
        kept = ([result.values["emulated", design.id, name] for name in Seen._fields] for design in DESIGNS)
        return {design.id: Seen(int(units), before, after) for design, (units, before, after) in zip(DESIGNS, kept, strict=True)}


@cache
def _asked() -> str:
    """SHA-256 of this program [hex]."""
    return hashlib.sha256(Path(__file__).read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def do(job: Job) -> None:
    """Live one run in which nothing is done to anybody, and keep what each design sees in it."""
    tables = lived(Arm("nothing", PRESENT_PRACTICE), job.world, job.replicate)
    seen = look(Story(tables), Window(job.world.warm_up_days + 1, job.world.days), [design.id for design in DESIGNS])
    values = {("emulated", id, name): float(value) for id, each in seen.items() for name, value in each._asdict().items()}
    Store(job.folder).write(Result(job.key, digest(dict(tables)), values))


def look(story: Story, window: Window, designs: Sequence[str]) -> dict[str, Seen]:
    """What each design sees."""
    return {design.id: design.see(story, window) for design in DESIGNS if design.id in designs}


def summary(seen: Mapping[str, Sequence[Seen]], draws: NDArray) -> list[dict[str, Any]]:
    """A row for each design: what it would publish, with its interval, when nothing is done."""
    rows = []
    for design in DESIGNS:
        if design.id not in seen:
            continue
        figures = np.array([design.figure(each) for each in seen[design.id]])
        known = ~np.isnan(figures)
        found = mean_interval(means(figures[known], draws[known])) if known.any() else Interval(np.nan, np.nan, np.nan)
        ends = {"seen": found.value, "seen_low": found.low, "seen_high": found.high}
        published = -design.published if design.reports == "fall" else design.published
        rows.append(
            {
                "design": design.id, "group": design.group, "source": design.source, "title": design.title, "reports": design.reports,
                "published": None if np.isnan(published) else published, "units": float(np.mean([each.units for each in seen[design.id]])),
                **{name: float(value) if np.isfinite(value) else None for name, value in ends.items()}, "replicates": int(known.sum()),
                "way_in": design.way_in, "assumed": design.assumed,
            }
        )  # fmt: skip
    return rows


# -- the command -------------------------------------------------------------------------------------------------------------------------


def add_arguments(parser: Parser) -> None:
    """The options of `emulate`."""
    parser.add_argument("--only", action="append", default=[], metavar="STUDY", help=f"{', '.join(groups())}; may be repeated (default: all)")
    parser.add_argument("--years", type=whole_number(4, 5), default=4, metavar="N", help="how long, after the warm-up: 4 or 5, for the longest windows (default: %(default)s)")
    add_study_options(parser, name="emulated", prints="what was found", without={"years"})


def groups() -> list[str]:
    """The studies, each with one or several designs."""
    return list(dict.fromkeys(design.group for design in DESIGNS))


def emulate(options: Namespace) -> int:
    """Before-and-after studies again, with an effect of nothing: what their design alone shows."""
    for name in options.only:
        if name not in groups():
            raise InputError(f"--only '{name}' is not known; the studies are {', '.join(groups())}.")
    chosen = tuple(design.id for design in DESIGNS if not options.only or design.group in options.only)
    world = over_years(load_world(options.world), options.years)
    cores = cores_for(world, options.cores)
    plan = fixed_replicates(options.replicates, seed=options.seed) if options.fixed_parameters else replicates(options.replicates, sim.every_parameter(), seed=options.seed)
    folder = RESULTS / checked_name(options.name or "-".join(["emulated", *options.only]))
    with in_a_sentence(folder):
        (folder / "runs").mkdir(parents=True, exist_ok=True)
    jobs = [Job(world, replicate, folder / "runs") for replicate in plan]
    left = [job for job in jobs if job.seen() is None]
    with progress() as tell:
        in_order(do, left, cores, lambda done: tell("runs", done, len(left)))
    made = [job.seen() or {} for job in jobs]
    seen = {id: [each[id] for each in made] for id in chosen}
    draws = np.array([replicate.draw for replicate in plan])
    told: dict[str, Any] = {
        "facts": {
            "command": options.command_line, "version": sim.__version__, "commit": commit(), "place": wording.place(world),
            "days": Window(world.warm_up_days + 1, world.days).label,
            "replicates": wording.replicates(len(plan), len(set(draws.tolist())), chance_only=options.fixed_parameters),
        },
        "rows": summary(seen, draws),
    }  # fmt: skip
    write(told, seen, plan, folder)
    if options.json:
        say_json({"folder": folder.as_posix(), **told})
    else:
        say("\n".join(in_brief(row) for row in told["rows"]))
        say(f"\nWritten to {folder.as_posix()}: emulated.md to read, emulated.csv, emulated.json.")
    return DONE


def in_brief(row: Mapping[str, Any]) -> str:
    """A line about one design."""
    published = "" if row["published"] is None else f"; published {row['published']:.0f} %"
    return f"{row['title']}: {_figure(row)}{published}".replace(wording.MINUS, "-")


def write(told: Mapping[str, Any], seen: Mapping[str, Sequence[Seen]], plan: Sequence[Replicate], folder: Path) -> None:
    """The page, a row for each design and replicate, and the summary as data."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["design", "replicate", "seed", "draw", *Seen._fields])
    for id, replicates_seen in seen.items():
        for replicate, each in zip(plan, replicates_seen, strict=True):
            rows.writerow([id, replicate.number, replicate.seed, replicate.draw, *each])
    write_json(folder / "emulated.json", told)
    for name, content in (("emulated.csv", text.getvalue()), ("emulated.md", page(plain(told)))):
        _write(folder / name, content)


def _write(path: Path, text: str) -> None:
    def to(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8", newline="\n")

    write_atomically(path, to)


def page(told: Mapping[str, Any]) -> str:
    """What was found, to read."""
    return "\n\n".join(_parts(told["facts"], told["rows"])) + "\n"


def _parts(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "# Before-and-after studies, with an effect of nothing"
    yield (
        "Each published study is repeated inside the model with its own way in, its windows and those who stayed, and *nothing* is done to anybody. The fall "
        "that is seen then is what the design alone produces. It is not an estimate of what the programme did; it says how much of a "
        "published fall one would see without any effect, if the model's children go missing as children do."
    )
    yield f"{facts['place']}, {facts['days']}; {facts['replicates']}. Rebuild it with"
    yield f"    {facts['command']}"
    yield f"(countylines {facts['version']}, commit {facts['commit'] or 'unknown'}.)"
    lines = ["| study | published | seen when nothing is done | units | which says |", "|---|---|---|---|---|"]
    for row in rows:
        published = wording.UNKNOWN if row["published"] is None else f"{_what(row)} {wording.number(row['published'])} %"
        lines.append(f"| {row['title']} | {published} | {_what(row)} {_figure(row)} | {wording.number(row['units'])} | {_says(row)} |")
    yield "\n".join(lines)
    yield "## How each was repeated"
    for row in rows:
        yield f"- *{row['title']}* ({row['source']}: {resolve(row['source'])[0].title}). Way in: {row['way_in']} {row['assumed']}".rstrip()
    yield (
        "A rise is a negative fall. All children are invented; no finding may be cited to refuse, delay or end a child's placement or the reporting of a missing child, "
        "nor to say of a programme that it does nothing."
    )


def _what(row: Mapping[str, Any]) -> str:
    return "fall of" if row["reports"] == "fall" else "share of"


def _figure(row: Mapping[str, Any]) -> str:
    if row["seen"] is None:
        return "nothing to count"
    if row["seen_low"] is None:
        return f"{wording.number(row['seen'])} %"
    return f"{wording.number(row['seen'])} % ({wording.number(row['seen_low'])} to {wording.number(row['seen_high'])})"


def _says(row: Mapping[str, Any]) -> str:
    """What the published figure is against what the design alone shows."""
    if row["published"] is None:
        return "what acting after a bad year shows by itself" if row["design"] == "after_a_bad_year" else "how it is without choosing the year"
    if row["seen"] is None or row["seen_low"] is None:
        return "too little to say"
    if row["published"] > row["seen_high"]:
        return "the published figure is larger than the design alone shows"
    if row["published"] < row["seen_low"]:
        return "the design alone shows more than was published"
    return "the published figure is within what the design alone shows"
