"""The kinds of files that are read; apart, so that help on a command needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DELIMITERS: Mapping[str, str] = MappingProxyType({".csv": ",", ".tsv": "\t"})
"""Suffix of a file of delimited text -> its delimiter."""

GRAPH_SUFFIXES = (*DELIMITERS, ".npz", ".graphml")
"""Kinds of files that :func:`~spherical_gae.data.readers.graph_files.read_graph` knows."""
