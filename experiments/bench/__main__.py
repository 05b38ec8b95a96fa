"""`python -m experiments bench [SECTION ...]`: what the model costs, and what common random numbers gain.

Everything that is compared is a ratio within one run, because machines differ and one machine differs from minute to minute; seconds are
printed for orientation, with the machine, and never asserted. Each section goes to the terminal as a table, and takes the place of its
earlier figures in `results/bench/bench.json`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

from experiments.bench import lines
from experiments.bench.timing import ROOT, ContenderDied
from sim.errors import InputError
from sim.terminal import DONE, FAILED, Parser, say_json, whole_number

SECTIONS = {  # the file, and what it measures
    "speed": ("speed", "a town's year against the reference and against the first model; to begin; memory"),
    "scale": ("scale", "England's year, whole process; cost by population and by activity; two cores"),
    "others": ("others", "against the plain reference, Mesa agents, Starsim, and the machine's floor"),
    "studies": ("studies", "a study of many runs: two cores against one, memory, overhead of runner and store"),
    "room": ("room", "the browser's server: first page, change of policy, memory of tabs, fifty on one lesson"),
    "crn": ("common_random_numbers", "what common random numbers gain, for every policy"),
}
FILE = ROOT / "results" / "bench" / "bench.json"


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog="python -m experiments bench", description="Measure speed and memory, also against other programs, and what common random numbers gain.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {'; '.join(f'{name}: {what}' for name, (_, what) in SECTIONS.items())} (default: all)")
    parser.add_argument("--seeds", type=whole_number(4, 1000), default=8, metavar="N", help="seeds for `crn` (default: %(default)s)")
    parser.add_argument("--runs", type=whole_number(100, 1_000_000), default=1000, metavar="N", help="runs of the study in `studies` (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="very small sizes, to see whether it works: the figures mean nothing, and are not kept")
    parser.add_argument("--json", action="store_true", help="print the lines as JSON instead of tables")
    options = parser.parse_args(list(argv))
    for name in options.sections:
        if name not in SECTIONS:
            raise InputError(f"section '{name}' is not known; the sections are {', '.join(SECTIONS)}.")
    lines.read(FILE)  # now, not after minutes: can it be added to?
    measured = {}
    try:
        for name in options.sections or SECTIONS:
            file, what = SECTIONS[name]
            print(f"bench: {name}: {what} ...", file=sys.stderr)
            here = lines.machine()
            found = import_module(f"experiments.bench.{file}").measure(options)
            if options.quick:
                found = [replace(line, goal=None) for line in found]  # figures that mean nothing meet no goal, nor miss one
            measured[name] = lines.as_data(found, here)
            if not options.quick:
                lines.write(FILE, name, measured[name])
            if not options.json:
                lines.show_lines(f"{name} (quick: the figures mean nothing)" if options.quick else name, found, here)
    except ContenderDied as error:
        print(f"experiments bench: {error} Perhaps for lack of memory.", file=sys.stderr)
        return FAILED
    if options.json:
        say_json(measured)
    return DONE
