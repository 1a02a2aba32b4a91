"""Seeds from the text of an option."""

from __future__ import annotations

_MOST = 1_000_000


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads seeds such as ``0-9`` or ``0,3,5-7``.

    Args:
        text: Numbers from 0 to 2^63 - 1 and ranges of them, separated by commas.

    Returns:
        The seeds in the order given.

    Raises:
        ValueError: If the text is malformed, a range is empty or of more than a million, or a seed is too large or
            given twice.

    Example:
        >>> parse_seeds("0,3,5-7")
        (0, 3, 5, 6, 7)
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{text!r} is not a number, a range such as 0-9, or a list of them")
        stop = int(last) if dash else int(first)
        if stop < int(first):
            raise ValueError(f"{text!r} holds an empty range")
        if stop >= 2**63:
            raise ValueError(f"{text!r} holds a seed of 2^63 or more")
        if stop - int(first) >= _MOST:
            raise ValueError(f"{text!r} holds more than {_MOST:,} seeds")
        seeds.extend(range(int(first), stop + 1))
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{text!r} holds a seed twice")
    return tuple(seeds)
