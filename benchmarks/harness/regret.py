"""The options of the pages that judge a choice of lam by its regret."""

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

__all__ = ["parse_options", "regret_parser"]


def regret_parser(
    description: str,
    tasks: Collection[str],
    methods: Collection[str],
    *,
    seeds: Sequence[int],
    quick: str,
) -> argparse.ArgumentParser:
    """Return the parser of a page; `seeds` is its default, `quick` says what is left out then."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", nargs="+", type=int, default=list(seeds), metavar="SEED")
    parser.add_argument("--tasks", nargs="+", choices=tasks, default=list(tasks))
    parser.add_argument("--methods", nargs="+", choices=methods, default=list(methods))
    parser.add_argument("--out", type=Path, help="file without suffix")
    parser.add_argument("--quick", action="store_true", help=f"{quick}: does it run?")
    parser.add_argument("--page-only", action="store_true", help="train nothing")
    return parser


def parse_options(
    parser: argparse.ArgumentParser, arguments: Sequence[str], out: Path
) -> argparse.Namespace:
    """Parse the options; `out` is the file without suffix where none is given."""
    options = parser.parse_args(arguments)
    options.out = options.out or out.with_name(out.name + ("_quick" if options.quick else ""))
    return options
