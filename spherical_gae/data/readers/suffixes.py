"""The kinds of files that are read; apart, so that help on a command needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

DELIMITED = (".csv", ".tsv", ".txt", ".edges", ".edgelist")
"""Suffixes of delimited text; what separates the cells is found out."""

PREFERRED_DELIMITERS: Mapping[str, str] = MappingProxyType({".csv": ",", ".tsv": "\t"})
"""Suffix of delimited text -> what its name promises, which decides where several delimiters fit."""

TABLES = (*DELIMITED, ".parquet")
"""Suffixes of tables, one edge or one node a row."""

GRAPH_SUFFIXES = (*TABLES, ".mtx", ".npz", ".npy", ".graphml", ".gexf", ".gml", ".net", ".json")
"""Kinds of files that :func:`~spherical_gae.data.readers.graph_files.read_graph` knows; any may be followed by .gz."""

FEATURE_SUFFIXES = (*TABLES, ".npy", ".npz")
"""Kinds of files of node features; any may be followed by .gz."""


def suffix_of(path: str | Path) -> str:
    """The suffix in lower case, without a final .gz; KONECT's files ``out.NAME`` are .txt.

    Example:
        >>> suffix_of("links.CSV.gz"), suffix_of("out.moreno_crime_crime")
        ('.csv', '.txt')
    """
    name = Path(path).name
    if name.lower().endswith(".gz"):
        name = name[:-3]
    suffix = Path(name).suffix.lower()
    return ".txt" if name.startswith("out.") and suffix not in (*GRAPH_SUFFIXES, *FEATURE_SUFFIXES) else suffix


def stem_of(path: str | Path) -> str:
    """The file's name without its suffix, and without .gz.

    Example:
        >>> stem_of("data/links.csv.gz")
        'links'
    """
    name = Path(path).name
    return Path(name[:-3] if name.lower().endswith(".gz") else name).stem
