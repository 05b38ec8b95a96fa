"""Comparisons of scenarios, and measurements of the model.

Exit codes: 0 done, 1 failed, 2 bad input, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from importlib import import_module

from experiments import again, compare
from experiments.running.runner import WorkerDied
from sim.terminal import FAILED, Parser, run_to_its_end

# Commands whose files are read only when they are asked for: the file, its function, that of its options, and what it does.
ON_DEMAND = {
    "sweep": ("sweep", "sweep", "add_arguments", "Run what a study file asks for: scenarios under a design of uncertain numbers."),
    "extend": ("sweep", "extend", "add_extend_arguments", "Add seeds, draws, scenarios or policies to a study, or go on where it was stopped."),
    "analyse": ("analyse", "analyse", "add_arguments", "What a study says: differences, sensitivity, chance and parameters and structure, where it turns, how many runs are enough."),
    "settle": ("settle", "settle", "add_arguments", "Pairs of two scenarios until it is settled which is better, or no longer worth its price."),
    "check": ("again", "check", "add_check_arguments", "Compute a sample of a study's runs again, and compare the bytes."),
    "schema": ("schema", "schema", "add_arguments", "JSON Schemas of scenario, world and study files, with which editors complete and check them."),
    "claims": ("claims.study", "claims", "add_arguments", "The seed report's claims as experiments: each mechanism off, weak, strong."),
    "emulate": ("emulated", "emulate", "add_arguments", "Before-and-after studies again, with an effect of nothing: what their design alone shows."),
    "counterfactual": ("counterfactual", "counterfactual", "add_arguments", "The same children without and with a policy: the net change, and the bookkeeping."),
    "validate": ("validation", "validate", "add_arguments", "What the model says of figures that it was not fitted to, and by authority."),
    "national": ("national", "national", "add_arguments", "What a study of all England costs, on a laptop and on a cluster."),
}


def main(argv: Sequence[str] | None = None) -> int:
    """The program; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)

    def do() -> int:
        if words[:1] == ["bench"]:
            return import_module("experiments.bench.__main__").main(words[1:])  # only here: it brings what nothing else needs
        options = arguments(words[0] if words else "").parse_args(words)
        options.command_line = shlex.join(["python", "-m", "experiments", *words])
        try:
            return options.do(options)
        except WorkerDied:
            print("experiments: a process was ended from outside, perhaps for lack of memory; fewer --cores need less.", file=sys.stderr)
            return FAILED

    return run_to_its_end("experiments", do)


def arguments(wanted: str = "") -> Parser:
    """The commands and their options; of those on demand only the wanted one has its options."""
    told = (__doc__ or "").splitlines()
    parser = Parser(prog="python -m experiments", description=told[0], epilog=told[2])
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for do, add_arguments in ((compare.compare, compare.add_arguments), (again.replay, again.add_replay_arguments)):
        parser.commands.append(do.__name__)
        command = commands.add_parser(do.__name__, help=do.__doc__, description=do.__doc__)
        command.set_defaults(do=do)
        add_arguments(command)
    for name, (file, function, adds, told_of_it) in ON_DEMAND.items():
        parser.commands.append(name)
        command = commands.add_parser(name, help=told_of_it, description=told_of_it)
        if name == wanted:
            module = import_module(f"experiments.{file}")
            command.set_defaults(do=getattr(module, function))
            getattr(module, adds)(command)
    parser.commands.append("bench")
    commands.add_parser("bench", help="Measure speed and memory, also against other programs, and what common random numbers gain.", add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
