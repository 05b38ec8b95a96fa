"""Comparisons of scenarios, and measurements of the model.

Exit codes: 0 done, 1 failed, 2 bad input, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from importlib import import_module

from experiments import compare
from sim.terminal import Parser, run_to_its_end


def main(argv: Sequence[str] | None = None) -> int:
    """The program; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)

    def do() -> int:
        if words[:1] == ["bench"]:
            return import_module("experiments.bench").main(words[1:])  # only here: it brings what nothing else needs
        options = arguments().parse_args(words)
        options.command_line = shlex.join(["python", "-m", "experiments", *words])
        return options.do(options)

    return run_to_its_end("experiments", do)


def arguments() -> Parser:
    """The commands and their options."""
    told = (__doc__ or "").splitlines()
    parser = Parser(prog="python -m experiments", description=told[0], epilog=told[2])
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for do, add_arguments in ((compare.compare, compare.add_arguments), (compare.replay, compare.add_replay_arguments)):
        parser.commands.append(do.__name__)
        command = commands.add_parser(do.__name__, help=do.__doc__, description=do.__doc__)
        command.set_defaults(do=do)
        add_arguments(command)
    parser.commands.append("bench")
    commands.add_parser("bench", help="Measure speed, memory, and what common random numbers gain.", add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
