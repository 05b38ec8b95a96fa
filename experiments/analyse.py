"""Analyse a study: everything that its design allows, as tables in the terminal, a CSV for each analysis, and a page."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from experiments import wording
from experiments.analyses import answers as asking
from experiments.analyses.answers import Answers
from experiments.analyses.convergence import pairs_in_words
from experiments.analyses.outcomes import DUMMY
from experiments.analyses.sensitivity import Sensitivity
from sim.errors import InputError
from sim.runs import in_a_sentence, reason, write_atomically
from sim.terminal import DONE, Parser, add, note, positive_number, say, say_json, show, table

INERT = "not distinguishable from an input that does nothing"
SHOWN = 8  # inputs of each outcome in the terminal
PAGE = "analysis.html"


def add_arguments(parser: Parser) -> None:
    """The options of `analyse`."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="the folder of a study, or several with parts of one study")
    parser.add_argument("--measure", nargs="+", default=[], metavar="M", help="which measures (default: those of a report's first page)")
    parser.add_argument("--scenario", nargs="+", default=[], metavar="S", help="which scenarios (default: all)")
    parser.add_argument("--difference", nargs="+", type=positive_number, default=[], metavar="D", help="of which differences to say how many pairs find them (default: 1 to 20 per cent)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the tables and the page go (default: analysis/ in the first folder)")
    parser.add_argument("--json", action="store_true", help="print all tables as JSON")


def analyse(options: Namespace) -> int:
    """Analyse a study: differences, sensitivity, split of uncertainty, scenario discovery, convergence."""
    from experiments.analyses import in_short, page  # draws
    from experiments.studies.frame import open_failures, open_frame

    frame = open_frame(*options.folders)
    folder = options.out or options.folders[0] / "analysis"
    hint = "" if options.out else "; say with --out where the tables and the page shall go"
    refuse_read_only(folder, hint)
    failed = len(open_failures(*options.folders))
    with Console(stderr=True, force_jupyter=False).status("") as status:
        found = list(asking.answers(frame, options.measure, options.scenario, options.difference, lambda what: status.update(escape(what))))
    tables, short = asking.tables(found), in_short.in_short(frame, found)
    write(folder, {f"{name}.csv": as_csv(rows) for name, rows in tables.items()} | {PAGE: page.write(frame, found, short, failed, options.command_line)})
    if options.json:
        say_json({"folder": folder.as_posix(), "answer": short, **{name: [_finite(row) for row in rows] for name, rows in tables.items()}})
        return DONE
    for paragraph in short:
        say(wording.plain(paragraph))
    say()
    show_all(found)
    for sentence in dict.fromkeys(sentence for each in found for sentence in each.said):
        note(sentence)
    if failed or frame.attrs.get("missing"):
        note(f"{frame.attrs.get('missing', 0)} runs of this study are not there, {failed} of them because they failed; what rests on them is left out.")
    say()
    say(f"Page and tables: {(folder / PAGE).as_posix()}")
    return DONE


def refuse_read_only(folder: Path, hint: str) -> None:
    """Before anything is computed: raises InputError, with a hint, where the folder cannot be made or written to; leaves nothing there."""
    there = folder
    try:
        while not there.exists() and there != there.parent:
            there = there.parent
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({reason(error)}){hint}.") from None


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write these texts into a folder, each whole or not at all. Raises InputError where the system refuses."""
    with in_a_sentence(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():

        def put(path: Path, text: str = text) -> None:
            path.write_text(text, encoding="utf-8", newline="\n")

        write_atomically(folder / name, put)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; empty where a figure cannot be given."""
    head = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_finite(row).get(name) for name in head] for row in rows)
    return text.getvalue()


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}


# -- in the terminal -----------------------------------------------------------------------------------------------------------


def show_all(found: Sequence[Answers]) -> None:
    """The main figures; the rest is in the tables and on the page."""
    _show_differences([each for each in found if each.difference])
    _show_split([each for each in found if each.split])
    for each in found:
        for structure, sensitivity in each.sensitivity:
            if sensitivity.method == each.sensitivity[0][1].method:  # the others are on the page
                _show_sensitivity(each, structure, sensitivity)
    _show_boxes([each for each in found if each.box])
    _show_convergence([each for each in found if each.convergence])
    for each in found:
        if each.responses:
            _show_responses(each)


def _show_differences(found: Sequence[Answers]) -> None:
    if not found:
        return
    heads = ("Outcome", "Difference", "95 %, t", "95 %, bootstrap", "Per cent", "Worse in draws")
    drawn = table(*heads, title="What each policy changes", numbers=heads[1:])
    for each in found:
        assert each.difference is not None
        effect, unit = each.difference.effect, each.outcome.measure.unit
        add(
            drawn, each.outcome.label, wording.plain(wording.change(effect.difference.value, unit)) + (" *" if effect.is_separable else ""),
            wording.plain(wording.span(effect.difference, unit)), wording.plain(wording.span(each.difference.bootstrap, unit)),
            wording.plain(wording.per_cent(effect.per_cent.value)), wording.plain(wording.harm(effect.harm)),
        )  # fmt: skip
    show(drawn)
    say("* the interval excludes no change")
    say()


def _show_split(found: Sequence[Answers]) -> None:
    if not found:
        return
    heads = ("Outcome", "Structure", "Parameters", "Chance")
    drawn = table(*heads, title="Of the variance of a run, how much is structure, parameters, chance", numbers=heads[1:])
    for each in found:
        assert each.split is not None
        add(drawn, each.outcome.label, *(_with_ends(part.share.value, part.share.low, part.share.high) for part in each.split.parts))
    show(drawn)
    say()


def _with_ends(value: float, low: float, high: float) -> str:
    ends = "" if math.isnan(low) else f" ({wording.share(low)} to {wording.share(high)})"
    return wording.plain(wording.share(value) + ends)


def _show_sensitivity(each: Answers, structure: str, found: Sensitivity) -> None:
    heads = ("Input", found.main.capitalize(), "95 %", "Raw", "")
    where = f", {structure}" if len(each.outcome.structures) > 1 else ""
    drawn = table(*heads, title=f"{found.method}: {each.outcome.label}{where} ({wording.count(found.points, 'point')})", numbers=heads[1:4])
    main = found.named(found.main)
    matter = [name for name in found.ordered if main[name].beats_dummy]
    shown = [name for name in found.ordered if name != DUMMY][: min(SHOWN, len(matter) + 2)]
    for name in [*shown, *([DUMMY] if DUMMY in main else [])]:
        index = main[name]
        style = "" if index.beats_dummy else "bright_black"
        cells = (
            name, wording.number(index.best.value), _ends(index.best.low, index.best.high), wording.number(index.raw.value),
            "" if index.beats_dummy else "the input that does nothing" if name == DUMMY else INERT,
        )  # fmt: skip
        add(drawn, *(Text(wording.plain(cell), style=style) for cell in cells))
    show(drawn)
    rest = [name for name in main if name not in shown and name != DUMMY]
    if rest:
        say(f"{len(rest)} more inputs, {sum(not main[name].beats_dummy for name in rest)} of them {INERT}.")
    for sentence in found.notes:
        say(sentence)
    say()


def _ends(low: float, high: float) -> str:
    return wording.UNKNOWN if math.isnan(low) else f"{wording.number(low)} to {wording.number(high)}"


def _show_boxes(found: Sequence[Answers]) -> None:
    for each in found:
        assert each.box is not None
        say(wording.plain(each.box.in_words(each.outcome.label)))
        say()


def _show_convergence(found: Sequence[Answers]) -> None:
    if not found:
        return
    heads = ("Outcome", "Difference", "Per cent", "Pairs", "At most", "Part of chance")
    drawn = table(*heads, title="Pairs of runs, each with a draw of its own, that find a difference in four of five studies", numbers=heads[1:])
    for each in found:
        pilot = each.convergence
        assert pilot is not None
        for at, needed in enumerate(pilot.needed):
            add(
                drawn, each.outcome.label if at == 0 else "", wording.plain(wording.figure(needed.difference, each.outcome.measure.unit)),
                wording.plain(wording.number(needed.per_cent)), pairs_in_words(needed.pairs), pairs_in_words(needed.at_most),
                wording.plain(wording.share(pilot.part_of_chance)) if at == 0 else "",
            )  # fmt: skip
    show(drawn)
    say("At most: if the spread is as wide as so small a pilot allows (95 % confidence).")


def _show_responses(each: Answers) -> None:
    what = "Change when one input is set" if each.responses and len(each.responses[0].values) <= 1 else "At each draw of the study"
    drawn = table("Inputs", "Value", "95 %", "Seeds", title=f"{what}: {each.outcome.label} [{each.outcome.measure.unit}]", numbers=("Value", "95 %", "Seeds"))
    for response in each.responses:
        inputs = ", ".join(f"{name} {value:g}" for name, value in response.values.items() if name != DUMMY) or "nothing (the inert input)"
        add(drawn, inputs, wording.plain(wording.number(response.interval.value)), wording.plain(_ends(response.interval.low, response.interval.high)), response.seeds)
    show(drawn)
    say()
