"""One run of the model, every number in it, whether policies act, and where runs part.

Each command prints for a reader, or with --json for a program. Exit codes: 0 done, 1 failed, 2 bad input, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from sim import memory
from sim import odd as odd_document
from sim.checkpoints import Keeper
from sim.dates import date_of, first_day_of_year, last_day_of_year, year_of
from sim.declarations import count_sources, describe_parameter, in_a_line
from sim.diverge import Comparison, Parting, compare_folders
from sim.errors import InputError
from sim.ledger import Event, Table
from sim.missing import AUTHORITY, POLICE
from sim.model import CountyLines
from sim.parameters import Parameter, ParameterError, Parameters, every_parameter, nearest
from sim.policies import every_policy
from sim.runs import (
    CHECKPOINT,
    check_folder,
    commit,
    describe_run,
    run_key,
    versions,
    write_atomically,
    write_run,
)
from sim.scenario import Scenario, check_places, load_scenario, load_world
from sim.terminal import (
    DONE,
    FAILED,
    Parser,
    add,
    note,
    progress,
    run_to_its_end,
    say,
    say_json,
    show,
    table,
    whole_number,
)
from sim.verify import CHAIN, MONTH, Findings, More, Pair, Verdict, verify
from sim.world import World

LONGEST_RUN = last_day_of_year(6)


def main(argv: Sequence[str] | None = None) -> int:
    """The program; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)

    def do() -> int:
        options = arguments().parse_args(words)
        options.command_line = shlex.join(["python", "-m", "sim", *words])
        return options.do(options)

    return run_to_its_end("sim", do)


def arguments() -> Parser:
    """The commands and their options."""
    parser = Parser(prog="python -m sim", description=__doc__.splitlines()[0], epilog=__doc__.splitlines()[2])
    parser.add_argument("--version", action=Version, nargs=0, help="the version, and the commit if there is one")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, do: Any) -> Parser:
        parser.commands.append(name)
        made = commands.add_parser(name, help=do.__doc__.splitlines()[0], description=do.__doc__)
        made.set_defaults(do=do)
        return made

    one = command("run", run)
    one.add_argument("scenario", metavar="SCENARIO", help="the name of a file in scenarios/, or the path of a .toml file")
    one.add_argument("--world", required=True, metavar="WORLD", help="the name of a file in scenarios/worlds/, or a path")
    one.add_argument("--seed", required=True, type=whole_number(0), metavar="N", help="names the run's chance: a whole number from 0")
    one.add_argument("--days", type=whole_number(1, LONGEST_RUN), metavar="N", help="how many days; otherwise as the world says")
    one.add_argument("--out", type=Path, metavar="DIR", help="write the ledger's tables and run.json to this new folder")
    one.add_argument("--force", action="store_true", help="replace the run that is in that folder")
    one.add_argument(
        "--checkpoint-every", type=whole_number(1, LONGEST_RUN), metavar="DAYS",
        help="keep the model in DIR/checkpoint every so many days; after a kill the same command goes on from there (it is a pickle, which "
        "can carry any program: only go on from your own)",
    )  # fmt: skip
    one.add_argument(
        "--set", action="append", default=[], dest="settings", metavar="ADDRESS=VALUE", help="another value for a number, whatever the scenario says; may be repeated"
    )
    numbers = command("parameters", parameters)
    numbers.add_argument("group", nargs="?", metavar="GROUP", help="only this group, such as lines or policies.relocation")
    act = command("verify", verify_policies)
    act.add_argument("policies", nargs="*", metavar="POLICY", help="only these; otherwise every policy there is")
    act.add_argument("--world", default="town", metavar="WORLD", help="default: town, about two minutes")
    act.add_argument("--seed", default=1, type=whole_number(0), metavar="N", help="default: 1")
    act.add_argument("--days", default=180, type=whole_number(1, 1461), metavar="N", help="how long each policy is in force; default: 180")
    two = command("diverge", diverge)
    two.add_argument("a", type=Path, metavar="RUN_A", help="a folder that `run --out` wrote")
    two.add_argument("b", type=Path, metavar="RUN_B", help="another")
    told = command("odd", odd)
    told.add_argument("--out", type=Path, metavar="FILE", help="write the document to this file instead of printing it")
    told.add_argument("--docs", action="store_true", help="bring sim/docs up to date: the document, and the counts on its pages")
    room = command("ui", open_the_room)
    room.add_argument("--world", default="town", metavar="WORLD", help="which to open first: one of at most 30,000 children in scenarios/worlds/; default: town")
    room.add_argument("--port", type=whole_number(0, 65535), default=8765, metavar="N", help="default: 8765; 0: any that is free")
    room.add_argument("--host", default="127.0.0.1", metavar="HOST", help="default: this machine only; 0.0.0.0 lets a class on the same network in")
    room.add_argument("--open", action=argparse.BooleanOptionalAction, default=True, help="open a browser")
    for each in (one, numbers, act, two, told):
        each.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser


class Version(argparse.Action):
    """Prints the version and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        say(f"countylines {versions()['countylines']}" + (f", commit {commit()}" if commit() else ""))
        parser.exit()


# -- run -----------------------------------------------------------------------------------------------------------------


def run(options: argparse.Namespace) -> int:
    """One run of a scenario; what happened in it, in figures, and its digest."""
    world = load_world(options.world)
    scenario = with_settings(load_scenario(options.scenario), options.settings)
    check_places(scenario, world)
    keeper = _keeper(options, scenario, world)
    if told := memory.check(world, options.days or world.days):
        note(told)
    with keeper.staying():
        model = _lived(keeper, scenario, world, options)
        if options.out:
            how = {"begun": keeper.begun, "seconds": keeper.seconds, "force": options.force, "goes_on": keeper.every is not None}
            info = write_run(model, options.out, options.command_line, **how)
        else:
            info = describe_run(model, model.ledger.digest(), options.command_line)
    figures = figures_by_year(model)
    if options.json:
        brief = {key: value for key, value in info.items() if key not in ("parameters", "codes")}
        say_json(brief | {"seconds": keeper.seconds, "figures": figures, "policies": chains(model), "out": options.out and str(options.out)})
    else:
        _print_run(model, figures, info["digest"], keeper.seconds, options.out)
    return DONE


def _keeper(options: argparse.Namespace, scenario: Scenario, world: World) -> Keeper:
    """Who keeps the run's checkpoints; looks at the folder before anything begins. Raises InputError."""
    every, out = options.checkpoint_every, options.out
    if every and not out:
        raise InputError("--checkpoint-every needs --out DIR, as the checkpoint lies in that folder.")
    if out:
        check_folder(out, options.force, goes_on=bool(every))
    key = run_key(scenario.resolved(), world, {}, options.seed, options.days or world.days)
    return Keeper((out or Path()) / CHECKPOINT, key, every)


def _lived(keeper: Keeper, scenario: Scenario, world: World, options: argparse.Namespace) -> CountyLines:
    """The model on the evening of its last day, begun anew or gone on with."""
    what = f"{scenario.name}, {world.name}"
    model = keeper.found()
    if model is not None:
        note(f"Going on from the evening of day {model.day} ({date_of(model.day)}), which {keeper.path} holds.")
    with progress() as tell:
        tell(f"{what}, beginning", 0, options.days or world.days)
        model = model or CountyLines(scenario, world, options.seed, days=options.days)
        tell(what, model.day, model.last_day)
        while model.day < model.last_day:
            model.step()
            tell(f"{what}, {date_of(model.day)}", model.day, model.last_day)
            keeper.keep(model)
    return model


def with_settings(scenario: Scenario, settings: Sequence[str]) -> Scenario:
    """The scenario with numbers set on the command line, which are stronger than what its file says. Raises InputError."""
    policies, numbers, seen = dict(scenario.policies), dict(scenario.parameters), set()
    for setting in settings:
        address, value = _setting(setting)
        if address in seen:
            raise InputError(f"--set {address} is given twice.")
        seen.add(address)
        group, _, name = address.rpartition(".")
        policy = group.removeprefix("policies.")
        if policy == group:
            numbers[address] = value
        elif policy in policies:
            policies[policy] = replace(policies[policy], settings={**policies[policy].settings, name: value})
        else:
            raise InputError(f"--set {address}: scenario '{scenario.name}' has no policy '{policy}'; it has {', '.join(policies) or 'none'}.")
    return replace(scenario, policies=policies, parameters=numbers)


def _setting(text: str) -> tuple[str, float | int]:
    """An address and its value, checked against the declaration."""
    address, equals, written = text.partition("=")
    if not equals:
        raise InputError(f"--set '{text}' must be ADDRESS=VALUE, such as lines.substitution=0.")
    known = {parameter.address: parameter for parameter in every_parameter()}
    if address not in known:
        raise InputError(f"--set: parameter '{address}' is not known; {nearest(address, known)}.")
    value: Any = written
    for read in (int, float):
        try:
            value = read(written)
            break
        except ValueError:
            continue
    try:
        return address, known[address].check(value, where="--set ")
    except ParameterError as error:
        raise InputError(str(error)) from None


MEASURES = {
    "missing": "children going missing, truly",
    "missing_police_record": "... in the police record",
    "missing_authority_record": "... in the authority's record",
    "episodes": "episodes, truly",
    "newly_working_a_line": "children newly working a line",
    "recognised": "children whose exploitation is recognised",
    "interviews": "return interviews held",
    "looked_after_last_day": "looked after on the last day",
    "cost": "cost of services [£ million of 2024/25]",
}


def figures_by_year(model: CountyLines) -> list[dict[str, Any]]:
    """What happened in each official year, counted in the ledger; a year may be in part."""
    years = range(1, year_of(model.last_day) + 1)
    return [_figures(model, first_day_of_year(y), min(last_day_of_year(y), model.last_day)) for y in years]


def _figures(model: CountyLines, first: int, last: int) -> dict[str, Any]:
    """The measures from one day to another."""
    events, stocks, bills = (_between(model.ledger.tables[name], first, last) for name in ("events", "stocks", "bills"))

    def whom(event: Event, bit: int = 255) -> Any:
        """To whom it happened, once for each time; where `bit` is given, if the row's detail has it."""
        return events["child"][(events["event"] == event) & ((events["detail"] & bit > 0) | (bit == 255))]

    went = Event.WENT_MISSING
    return {
        "from": date_of(first).isoformat(),
        "to": date_of(last).isoformat(),
        "warm_up": last <= model.world.warm_up_days,
        "missing": len(np.unique(whom(went))),
        "missing_police_record": len(np.unique(whom(went, POLICE))),
        "missing_authority_record": len(np.unique(whom(went, AUTHORITY))),
        "episodes": len(whom(went)),
        "newly_working_a_line": len(np.unique(whom(Event.RECRUITED))),
        "recognised": len(whom(Event.IDENTIFIED)),
        "interviews": len(whom(Event.INTERVIEWED)),
        "looked_after_last_day": int(stocks["looked_after"][-1]),
        "cost": round(float(bills["pounds"].sum()) / 1e6, 3),
    }


def _between(table: Table, first: int, last: int) -> dict[str, Any]:
    """The rows of the ledger from one day to another: a slice, as they were entered day by day."""
    rows = table.rows()
    begin, end = np.searchsorted(rows["day"], (first, last + 1))
    return {name: column[begin:end] for name, column in rows.items()}


def _year_in_words(figures: dict[str, Any]) -> str:
    """An official year as it is written, such as "2026-27"; and whether it is not to be used as it is."""
    first = int(figures["from"][:4])
    if not figures["to"].endswith("-03-31"):
        return f"to {figures['to']}"
    return f"{first}-{(first + 1) % 100:02}" + (" (warm-up)" if figures["warm_up"] else "")


def chains(model: CountyLines) -> list[dict[str, Any]]:
    """How far each policy of the run reached."""
    return [{"policy": p.name, "begins": p.begins, **{link: int(p.counts[link]) for link in CHAIN}} for p in model.policies]


def _print_run(model: CountyLines, figures: list[dict[str, Any]], digest: str, seconds: float, out: Path | None) -> None:
    scenario, world = model.run_scenario, model.world
    say(f"{scenario.title} in {world.name}: {model.last_day} days from {date_of(1)}, seed {model.draws.seed} ({seconds:.1f} seconds).")
    if world.fraction < 1:
        say(f"{world.fraction:.3g} of the children there are simulated, and counted: nothing is scaled up.")
    say()
    years = [_year_in_words(year) for year in figures]
    made = table("", *years, numbers=tuple(years))
    for measure, words in MEASURES.items():
        add(made, words, *(f"{year[measure]:,}" for year in figures))
    show(made)
    if model.policies:
        say("\nOccasions on which a policy could act, reached somebody, and changed something:")
        made = table("policy", "in force", *CHAIN, numbers=tuple(CHAIN))
        for chain in chains(model):
            begins = date_of(chain["begins"])
            when = f"from {begins}" if chain["begins"] <= model.last_day else f"from {begins}, after the run"
            add(made, chain["policy"], when, *(f"{chain[link]:,}" for link in CHAIN))
        show(made)
    say("\nOne run is one draw of chance. What a policy does is a difference over many pairs:\npython -m experiments compare.")
    if out:
        say(f"Written to {out}.")
    say(f"digest {digest}")


# -- parameters ----------------------------------------------------------------------------------------------------------


def parameters(options: argparse.Namespace) -> int:
    """Every number of the model with its unit, its range and its source, and how many are assumed."""
    chosen = _group(options.group)
    described = [describe_parameter(parameter) for parameter in chosen]
    counts = count_sources(chosen)
    if options.json:
        say_json({"parameters": described, "counts": counts})
    else:
        _print_parameters(described, by_group=sys.stdout.isatty())
        say("\n" + in_a_line(counts))
    return DONE


def _group(name: str | None) -> list[Parameter]:
    """The numbers of a group, of the groups below it ("policies"), or all."""
    chosen = [p for p in every_parameter() if name is None or p.group == name or p.group.startswith(f"{name}.")]
    if not chosen:
        known = ["policies", *Parameters.registry]
        raise InputError(f"parameter group '{name}' is not known; {nearest(str(name), known)}.")
    return chosen


def _print_parameters(described: list[dict[str, Any]], by_group: bool) -> None:
    """In a terminal a table for each group, otherwise one for all, a line a number."""
    if not by_group:
        made = table("address", "value", "unit", "low", "high", "drawn", "status", "source", "note", numbers=("value", "low", "high"))
        for each in described:
            add(made, each["address"], *(f"{each[key]:g}" if key != "unit" else each[key] for key in ("value", "unit", "low", "high")),
                each["distribution"], each["status"], _titles(each), each["note"])  # fmt: skip
        show(made)
        return
    for group in dict.fromkeys(each["address"].rpartition(".")[0] for each in described):
        meaning = (Parameters.registry[group].__doc__ or "").splitlines()[0]
        made = table("name", "value", "unit; range and how it is drawn; source", title=f"\n{group}: {meaning}", numbers=("value",))
        for each in described:
            if each["address"].rpartition(".")[0] == group:
                lines = [f"{each['unit']}; {each['low']:g} to {each['high']:g}, {each['distribution']}", each["note"], _titles(each)]
                add(made, each["address"].rpartition(".")[2], f"{each['value']:g}", "\n".join(filter(None, lines)))
        show(made)


def _titles(each: dict[str, Any]) -> str:
    if each["status"] == "assumed":
        return "ASSUMED"
    titles = dict.fromkeys(f"{source['title']} ({source['status']})" for source in each["sources"])
    return "; ".join(titles)


# -- verify --------------------------------------------------------------------------------------------------------------


def verify_policies(options: argparse.Namespace) -> int:
    """Does every policy act, do pairs meet where they say, and does more of a number make more of the work?

    Each link of a policy's chain is counted at full coverage; coverage 0 must equal the baseline to the byte and cost nothing. Pairs
    that have nothing in common must not depend on which acts first; of the others it is said whether they do. Then mechanical
    quantities at both ends of the numbers for which a policy declares them.
    """
    names = options.policies or list(every_policy())
    for name in names:
        if name not in every_policy():
            raise InputError(f"policy '{name}' is not known; {nearest(name, every_policy())}.")
    world = load_world(options.world)
    with progress() as tell:
        found = verify(dict.fromkeys(names), world, options.seed, options.days, tell)
    verdicts = found.policies
    failed = [verdict for verdict in verdicts if verdict.failures]
    if options.json:
        about = {"world": world.name, "seed": options.seed, "days_in_force": options.days, "month_before": MONTH}
        say_json(about | found.as_dict())
    else:
        _print_verdicts(verdicts)
        say(f"\nAt full coverage and capacity in {world.name}, {options.days} days in force, seed {options.seed}; against the baseline with the same chance.")
        say("Eligible, reached and changed count occasions; outcome counts children of whom the ledger\ntells another story. At 0: coverage 0 equals the baseline. Before: nothing differs before the policy begins.")
        _print_pairs(found.pairs, found)
        _print_more(found.more)
        say("")
        for failure in found.failures:
            say(failure)
        say("Every policy acts." if not failed else f"{len(failed)} of {len(verdicts)} failed.")
    return FAILED if found.failures else DONE


def _print_pairs(pairs: list[Pair], found: Findings) -> None:
    """Pairs that meet, one by one; of the others, how many there are."""
    apart = [pair for pair in pairs if not pair.meet_at]
    if len(apart) < len(pairs):
        say("\nPairs that take hold of the same thing; does it matter which acts first in a day?")
        made = table("policies", "meet at", "matters")
        for pair in pairs:
            if pair.meet_at:
                add(made, " + ".join(pair.policies), ", ".join(pair.meet_at), "yes" if pair.order_matters else "no")
        show(made)
    if pairs:
        well = sum(not pair.failures for pair in apart)
        say(f"{well} of {len(apart)} pairs without anything in common: the same bytes whichever acts first, and each turns what it turns alone.")
        said = "the same bytes" if found.file_order_is_nothing else "NOT the same"
        say(f"All of them named forwards and backwards in the scenario: {said}.")


def _print_more(more: list[More]) -> None:
    if not more:
        return
    say("\nMechanical quantities at the low and the high end of a policy's number:")
    made = table("number", "quantity", "low end", "high end", "declared", "verdict", numbers=("low end", "high end"))
    for each in more:
        declared = "not less" if each.sign > 0 else "not more"
        verdict = "FAILS" if each.failures else "same" if each.low == each.high else "unknown" if isnan(each.low + each.high) else "holds"
        add(made, each.number.removeprefix("policies."), each.quantity, f"{each.low:,.3g}", f"{each.high:,.3g}", declared, verdict)
    show(made)


def _print_verdicts(verdicts: list[Verdict]) -> None:
    checks = ("at 0", "before")
    made = table("policy", *CHAIN, "outcome", *checks, "verdict", numbers=(*CHAIN, "outcome"))
    for each in verdicts:
        counts = [f"{count:,}" for count in (*each.chain.values(), each.children)]
        yes = ["yes" if holds else "NO" for holds in (each.absent_is_baseline, each.quiet_before)]
        add(made, each.policy, *counts, *yes, "FAILS" if each.failures else "acts")
    show(made)
    say("\nOutcome by what differs; a child may be in several columns:")
    kinds = tuple(verdicts[0].outcomes)
    made = table("policy", *kinds, numbers=kinds)
    for each in verdicts:
        add(made, each.policy, *(f"{count:,}" for count in each.outcomes.values()))
    show(made)


# -- diverge -------------------------------------------------------------------------------------------------------------


def diverge(options: argparse.Namespace) -> int:
    """The first day, decision and child at which two runs part, and whether what differs between them explains it."""
    found = compare_folders(options.a, options.b)
    if options.json:
        runs = {name: {key: info[key] for key in ("digest", "seed", "days")} for name, info in (("a", found.a), ("b", found.b))}
        partings = {name: each and each.as_dict() for name, each in (("parting", found.parting), ("first_child", found.first_child))}
        say_json({"equal": found.parting is None, "last_day": found.last_day, "runs": runs} | partings)
    else:
        _print_comparison(found, options.a, options.b)
    return DONE


def _print_comparison(found: Comparison, a: Path, b: Path) -> None:
    parting = found.parting
    if parting is None:
        if found.same_length:
            say(f"The runs are equal: digest {found.a['digest']}.")
        else:
            say(f"The runs are equal as far as both go, to day {found.last_day} ({date_of(found.last_day)}).")
        return
    say(f"A: {a}, {_brief(found.a)}\nB: {b}, {_brief(found.b)}\n")
    _print_parting("They part", parting)
    say(f"Rows of that day in one run only: {parting.rows_that_day:,}. On all days before: none.\n")
    if found.first_child:
        _print_parting("The first child of whom they tell another story is met", found.first_child)
        say()
    if parting.reasons:
        say("What differs between the runs and had taken hold by then:")
        for why in parting.reasons:
            say(f"- {why}")
    else:
        say("Nothing that the runs say of themselves explains it: this is a defect, please report it with both folders.")


def _print_parting(what: str, parting: Parting) -> None:
    child, agent = (f", {kind}{key}" if key else "" for kind, key in (("child ", parting.child), ("", parting.agent)))
    say(f"{what} on day {parting.day} ({parting.date}), at {parting.decision}: {parting.what}{child}{agent}.")
    for name, row in (("A", parting.a), ("B", parting.b)):
        say(f"  {name} has {_there(row)}")


def _brief(info: dict[str, Any]) -> str:
    return f"scenario {info['scenario']['name']}, world {info['world']['name']}, seed {info['seed']}, {info['days']} days"


def _there(row: dict[str, Any] | None) -> str:
    if row is None:
        return "nothing of the kind"
    return ", ".join(f"{name} {value}" for name, value in row.items() if value != "" and name not in ("event", "child", "agent"))


# -- ui ------------------------------------------------------------------------------------------------------------------


def open_the_room(options: argparse.Namespace) -> int:
    """The room: a browser page in which trainers show the dynamics, and two futures side by side; Ctrl-C closes it."""
    from sim.ui.serve import ui  # slow to load, and of no use before

    return ui(options)


# -- odd -----------------------------------------------------------------------------------------------------------------


def odd(options: argparse.Namespace) -> int:
    """The model described by the ODD protocol, from its own declarations, as Markdown."""
    measures, targets = _declared_by_experiments()
    if options.json:
        say_json(odd_document.describe(measures, targets))
        return DONE
    text = odd_document.document(measures, targets)
    if options.docs:
        page = odd_document.DOCS / "what_this_model_can_and_cannot_say.md"
        _write(odd_document.DOCS / "odd.md", text)
        _write(page, odd_document.counted(page.read_text(encoding="utf-8")))
    if options.out:
        _write(options.out, text)
    elif not options.docs:
        say(text.rstrip("\n"))
    return DONE


def _declared_by_experiments() -> tuple[Sequence[Any], Sequence[Any]]:
    """The measures and the targets, where the experiments lie beside the model; the model itself needs none and imports none."""
    if importlib.util.find_spec("experiments") is None:
        return (), ()
    measures, targets = (importlib.import_module(f"experiments.{name}") for name in ("measures", "published.targets"))
    return measures.every_measure(), targets.every_target()


def _write(path: Path, text: str) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8", newline="\n")

    write_atomically(path, write)
    say(f"Written to {path}.")


if __name__ == "__main__":
    sys.exit(main())
