"""Later files of a graph: read as its first one was, unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spherical_gae.data.readers.delimited import read_delimited
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.readers.suffixes import DELIMITED, TABLES, suffix_of

_OF_TABLES = ("source", "target", "delimiter", "comment")


@dataclass(frozen=True)
class FileReading:
    """How a graph's file was read.

    Attributes:
        options: What ``read_graph`` was told.
        header: The names of the columns, if it was a table of text that has a header.
        prefixes: What was put before the ids of its two columns, as they name nodes of two kinds; None for nothing.

    Example:
        >>> reading = FileReading(ReadingOptions(weight="hours"), ("person", "friend", "hours"))
        >>> FileReading.from_dict(reading.to_dict()) == reading
        True
        >>> reading.for_links("later.parquet", ReadingOptions()).weight
        'hours'
    """

    options: ReadingOptions
    header: tuple[str, ...] | None = None
    prefixes: tuple[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "options": self.options.to_dict(),
            "header": None if self.header is None else list(self.header),
            "prefixes": None if self.prefixes is None else list(self.prefixes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FileReading:
        """The inverse of :meth:`to_dict`."""
        # Folders of before they were saved have no prefixes.
        header, prefixes = values["header"], values.get("prefixes")
        return cls(
            ReadingOptions.from_dict(values["options"]),
            None if header is None else tuple(header),
            None if prefixes is None else tuple(prefixes),
        )

    def for_features(self, given: ReadingOptions) -> ReadingOptions:
        """How a later file of features is read: what is not given is as it was."""
        names = ("delimiter", "comment")
        kept = {name: getattr(self.options, name) for name in names if name not in given.changed()}
        return replace(given, **kept)

    def for_links(self, path: str | Path, given: ReadingOptions) -> ReadingOptions:
        """How a later file of links is read: columns, weights, delimiter and comments that are not given are as before.

        Ids of a graph of two kinds of nodes get what was put before them in the first file, or else nothing.  The first
        line is a header if all its cells are names of columns of the first file; else that is found out, or there is
        none where the first file was said to have none.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is no text where its suffix says so.
        """
        suffix, before = suffix_of(path), self.options
        names = ("weight", *(_OF_TABLES if suffix in TABLES else ()))
        kept = {name: getattr(before, name) for name in names if name not in given.changed()}
        options = replace(given, **kept)
        if suffix in TABLES and options.bipartite is None:
            options = replace(options, bipartite=self.prefixes is not None)
        if options.header is None and suffix in DELIMITED:
            options = replace(options, header=self._header_of(Path(path), options))
        return options

    def _header_of(self, path: Path, options: ReadingOptions) -> bool | None:
        if self.header is not None:
            first = set(read_delimited(path, options.delimiter, options.comment).first)
            if len(first) > 1 and first <= set(self.header):
                return True
        return False if self.options.header is False else None
