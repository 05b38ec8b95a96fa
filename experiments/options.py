"""The options that the commands of studies have in common, declared once: in which world, with what chance, on how many processes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sim.terminal import Parser, whole_number


def add_study_options(
    parser: Parser, *, name: str, prints: str, world: str = "region", without: Collection[str] = ()
) -> None:
    """Add them, but for those in `without`.

    `name` says where the folder's name comes from if none is given, `prints` what `--json` prints, `world` which world is the default.
    """

    def add(option: str, **told: Any) -> None:
        if option not in without:
            parser.add_argument(f"--{option}", **told)

    add("world", default=world, help="which world, a name in scenarios/worlds/ or a path (default: %(default)s)")
    add("replicates", type=whole_number(1, 100_000), default=8, metavar="N", help="pairs of a seed and a parameter draw (default: %(default)s)")
    add("years", type=whole_number(1, 5), metavar="N", help="how long, after the warm-up (default: as the world says)")
    add("seed", type=whole_number(0), default=1, metavar="S", help="the study's seed (default: %(default)s)")
    add("cores", type=whole_number(1, 10_000), metavar="N", help="how many processes (default: all cores)")
    add("fixed-parameters", action="store_true", help="hold every parameter that the scenarios leave alone at its declared value: chance only")
    add("name", metavar="NAME", help=f"folder in results/ (default: {name})")
    add("json", action="store_true", help=f"print {prints} as JSON")
