"""What separates the cells of a text, found out by its first lines."""

from __future__ import annotations

import re
from pathlib import Path

from spherical_gae.data.readers.suffixes import PREFERRED_DELIMITERS, suffix_of

BLANKS = " "
"""The delimiter that stands for any number of blanks and tabs."""
DELIMITER_NAMES = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "vertical bars", BLANKS: "blanks"}
"""Delimiters that are found out -> what the report calls them."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of a line; quotes are understood where they are right."""
    if delimiter == BLANKS:
        return re.findall(r'"(?:[^"]|"")*"(?=\s|$)|\S+', line)
    if '"' not in line:
        return line.split(delimiter)
    return re.findall(
        rf'(?:^|{re.escape(delimiter)})(\s*"(?:[^"]|"")*"\s*(?={re.escape(delimiter)}|$)|[^{re.escape(delimiter)}]*)',
        line,
    )


def found_delimiter(path: Path, lines: list[str]) -> str:
    """What separates the cells.

    Args:
        path: The file; its suffix decides where several delimiters fit.
        lines: Its first lines that are not blank.

    Raises:
        ValueError: If nothing decides between two.
    """
    preferred = PREFERRED_DELIMITERS.get(suffix_of(path))
    candidates = list(DELIMITER_NAMES)
    counts = {one: [len(cells_of(line, one)) for line in lines] for one in candidates}
    fitting = [one for one in candidates if lines and len(set(counts[one])) == 1 and counts[one][0] > 1]
    if "," in fitting and len(fitting) > 1:
        # 0;1;2,5 is one of numbers with a decimal comma.
        others = [one for one in fitting if one != "," and _commas_are_decimal(lines, one)]
        if others:
            return others[0]
    pair = _rivals(fitting, preferred)
    if pair:
        raise ValueError(
            f"{path}: given lines that {' and '.join(DELIMITER_NAMES[one] for one in pair)} both divide into equal "
            f"numbers of cells, such as {lines[0][:60]!r}; say which by delimiter= (--delimiter)"
        )
    if preferred and preferred in fitting:
        return preferred
    proper = [one for one in fitting if one != BLANKS] or fitting
    if proper:
        return proper[0]
    # Lines of different lengths: the error shall name the line, so take what divides most of them.
    found = [one for one in candidates if any(count > 1 for count in counts[one])]
    if preferred and (preferred in found or not found):
        return preferred
    return max(
        [one for one in found if one != BLANKS] or found or [","], key=lambda one: sum(c > 1 for c in counts[one])
    )


def _rivals(fitting: list[str], preferred: str | None) -> tuple[str, str] | None:
    """Two signs between which nothing decides."""
    pairs = [(",", ";"), (",", "|"), (";", "|")]
    if preferred == ",":
        pairs.append((",", "\t"))
    return next((pair for pair in pairs if {*pair} <= {*fitting}), None)


def _commas_are_decimal(lines: list[str], delimiter: str) -> bool:
    cells = [
        (column, cell.strip())
        for line in lines[1:] or lines
        for column, cell in enumerate(cells_of(line, delimiter))
        if "," in cell
    ]
    return bool(cells) and all(column > 1 and _DECIMAL_COMMA.fullmatch(cell) for column, cell in cells)
