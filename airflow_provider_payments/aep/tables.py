"""Tables for people: aligned columns of text, or Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import category, east_asian_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["aligned", "markdown", "markdown_cell", "on_a_line"]


def on_a_line(text: str) -> str:
    """Return text with escaped control characters, so that a name in the sandbox cannot begin a new line."""
    return "".join(f"\\x{ord(c):02x}" if category(c) in ("Cc", "Zl", "Zp") else c for c in text)


def aligned(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> Iterator[str]:
    """
    Yield a line with the names of the columns, then a line for each row; the last column is not padded.

    :param rows: the rows.
    :param columns: the members of the rows to show.
    """
    lines = [list(columns), *([on_a_line(str(row[name])) for name in columns] for row in rows)]
    widths = [max(_width(line[at]) for line in lines) for at in range(len(columns) - 1)]
    for line in lines:
        padded = (f"{cell}{' ' * (width - _width(cell))}" for cell, width in zip(line, widths, strict=False))
        yield "  ".join([*padded, line[-1]])


def _width(text: str) -> int:
    """Return how many columns of a terminal a text occupies."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def markdown(rows: Sequence[Sequence[object]], heading: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a Markdown table; line breaks and markup in cells are escaped."""
    for line in (heading, ["---"] * len(heading), *rows):
        yield f"| {' | '.join(markdown_cell(str(cell)) for cell in line)} |"


def markdown_cell(text: str) -> str:
    """Return text for a table cell, or a line, in Markdown."""
    return on_a_line(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")
