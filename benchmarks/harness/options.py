"""The options of the programs, and the files that a program writes."""

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from .machine import command

__all__ = ["file_of", "parse_options", "program_parser", "run_program", "write_text"]


def program_parser(
    description: str, quick: str, *, seeds: Sequence[int] = (), **names: Collection[str]
) -> argparse.ArgumentParser:
    """Return a parser with the options that most programs have.

    `quick` says what is left out with ``--quick``. `seeds` is the default of ``--seeds``, an option
    only if there are any. Each of `names` becomes an option that takes some of these names.
    """
    parser = argparse.ArgumentParser(description=description)
    if seeds:
        parser.add_argument("--seeds", nargs="+", type=int, default=list(seeds), metavar="SEED")
    for name, choices in names.items():
        parser.add_argument(f"--{name}", nargs="+", choices=choices, default=list(choices))
    parser.add_argument("--out", type=Path, help="file without suffix")
    parser.add_argument("--quick", action="store_true", help=f"{quick}: does it run?")
    return parser


def parse_options(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None, out: Path
) -> argparse.Namespace:
    """Parse these arguments, or those of the command line.

    The namespace has two more entries: ``out``, by default the file `out` or a quick one beside it,
    and ``command``, the command line without ``--page-only``.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(arguments)
    options.out = options.out or out.with_name(out.name + "_quick" * options.quick)
    options.command = command([each for each in arguments if each != "--page-only"])
    return options


def file_of(out: Path, suffix: str) -> Path:
    """Return the path of a file of a page; the name of a page may have dots of its own."""
    return out.with_name(out.name + suffix)


def write_text(out: Path, page: str) -> None:
    """Write a page to its file, and print it."""
    file_of(out, ".md").write_text(page, encoding="utf-8")
    print(page)


def run_program(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    out: Path,
    run: Callable[[argparse.Namespace, Path], None],
    page_of: Callable[[Path, str], str],
) -> None:
    """Add what is missing to the file of rows, then write the page of this file.

    `run` gets the options and the file, `page_of` the file and the command line. The option
    ``--page-only`` leaves the run out.
    """
    import torch  # takes seconds, which a program that only prints its help need not wait for

    parser.add_argument("--page-only", action="store_true", help="train nothing")
    options = parse_options(parser, arguments, out)
    torch.set_num_threads(1)
    path = file_of(options.out, ".csv")
    if not options.page_only:
        run(options, path)
    write_text(options.out, page_of(path, options.command))
