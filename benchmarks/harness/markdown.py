"""Tables in Markdown."""

from collections.abc import Iterable, Sequence

__all__ = ["table"]


def table(
    heads: Sequence[str], rows: Iterable[Iterable[str]], align: str, *, spaced: bool = False
) -> str:
    """Return a table in Markdown.

    `align` has a letter, l or r, for each column; its last letter holds for all further columns.
    `spaced` puts blanks inside the edges of the rule.
    """
    letters = align.ljust(len(heads), align[-1])
    rule = "|".join("---:" if letter == "r" else "---" for letter in letters)
    lines = [f"| {rule} |" if spaced else f"|{rule}|"]
    head, *body = (f"| {' | '.join(cells)} |" for cells in (heads, *rows))
    return "\n".join([head, *lines, *body])
