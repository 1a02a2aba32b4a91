"""Later files of a graph: read as its first one was, unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from spherical_gae.data.readers.delimited import read_delimited
from spherical_gae.data.readers.files import first_line
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.readers.raw_graph import ColumnPlaces
from spherical_gae.data.readers.suffixes import DELIMITED, TABLES, suffix_of
from spherical_gae.data.readers.tables import open_table

_OF_TABLES = ("source", "target", "delimiter", "comment")


@dataclass(frozen=True)
class FileReading:
    """How a graph's file was read.

    Attributes:
        options: What ``read_graph`` was told.
        header: The names of the columns, if it was a table of text that has a header.
        prefixes: What was put before the ids of its two columns, as they name nodes of two kinds; None for nothing.
        places: Where its columns were, if it was a table.

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
    places: ColumnPlaces | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "options": self.options.to_dict(),
            "header": None if self.header is None else list(self.header),
            "prefixes": None if self.prefixes is None else list(self.prefixes),
            "places": None if self.places is None else asdict(self.places),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FileReading:
        """The inverse of :meth:`to_dict`."""
        # Folders of before they were saved have no prefixes, and no places.
        header, prefixes, places = values["header"], values.get("prefixes"), values.get("places")
        return cls(
            ReadingOptions.from_dict(values["options"]),
            None if header is None else tuple(header),
            None if prefixes is None else tuple(prefixes),
            None if places is None else ColumnPlaces(**places),
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
        none where the first file was said to have none.  Without a header columns are where they were in the first
        file, if there are as many; where this had no weights, neither has the later one.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is no text where its suffix says so.
        """
        suffix, before = suffix_of(path), self.options
        # What networkx writes has a form of its own.
        comment = given.comment if "comment" in given.changed() else before.comment
        has_dicts = suffix in DELIMITED and first_line(Path(path), comment).endswith(b"}")
        names = ("weight", *(("comment",) if has_dicts else _OF_TABLES if suffix in TABLES else ()))
        kept = {name: getattr(before, name) for name in names if name not in given.changed()}
        options = replace(given, **kept)
        if suffix in TABLES and options.bipartite is None:
            options = replace(options, bipartite=self.prefixes is not None)
        if has_dicts or suffix not in DELIMITED:
            return options
        if options.header is None:
            options = replace(options, header=self._header_of(Path(path), options))
        if self.places is not None:
            options = self._by_place(Path(path), options, self.places, "weight" in given.changed())
        return options

    @staticmethod
    def _by_place(path: Path, options: ReadingOptions, places: ColumnPlaces, has_weight: bool) -> ReadingOptions:
        if options.header:
            return options
        told = {"header": options.header, "delimiter": options.delimiter, "comment": options.comment}
        table, _, _ = open_table(path, id_columns=2, **told)  # type: ignore[arg-type]
        if table.names:
            return options
        is_same = len(table.columns) == places.num_columns
        found: dict[str, Any] = {}
        if is_same and options.source is options.target is None:
            found = {"source": places.source + 1, "target": places.target + 1}
        if options.weight == ReadingOptions().weight and not has_weight:
            if places.weight is None:
                found["weight"] = "none"
            elif is_same:
                found["weight"] = places.weight + 1
        return replace(options, **found)

    def _header_of(self, path: Path, options: ReadingOptions) -> bool | None:
        if self.header is not None:
            first = set(read_delimited(path, options.delimiter, options.comment).first)
            if len(first) > 1 and first <= set(self.header):
                return True
        return False if self.options.header is False else None
