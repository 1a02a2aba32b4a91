"""Edge lists in .csv and .tsv files."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.readers.delimited import read_number, read_rows

# As Python writes them, and of at most 18 digits: 007 is a string, lest it be confused with 7.
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_HEADER = ["source", "target", "weight"]


def read_edge_list(path: Path) -> Data:
    """Reads edges, one a line: two node ids and, in all lines or none, a weight.

    A first line ``source,target`` or ``source,target,weight`` is a header.  Ids are any text; if all are integers (as
    Python writes them, without leading zeros), they become int.  The nodes are sorted, integers by value, other ids as
    str, so that the order of the lines changes nothing.  A node without links is listed as linked to itself.

    The lines are read one by one, 10^6 of them in about 2.5 s; larger graphs are faster as .npz.

    Args:
        path: A .csv or .tsv file.

    Returns:
        ``Data`` with ``edge_index`` (int64 [2, E], as listed), ``num_nodes``, ``node_ids`` and, for three columns,
        ``edge_weight`` (float64 [E]); neither merged nor checked, see ``clean_graph``.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If there is no edge, a line has another number of columns than the first or not two or three, an id
            is empty, a weight not a number, or the first line looks like a header of another name.
    """
    rows = _without_header(read_rows(path))
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{path}: given no edges, allowed: at least one")
    width = len(first[1])
    if width not in (2, 3):
        raise ValueError(f"{path}: given {width} columns, allowed: source, target and, optionally, weight")
    number_of: dict[str, int] = {}
    ends, weights = array("q"), array("d")
    for line, row in chain([first], rows):
        if len(row) != width:
            raise ValueError(f"{path}: given {len(row)} columns in line {line}, allowed: {width} as in the first")
        source, target, *weight = row
        if not (source and target):
            raise ValueError(f"{path}: given an empty node id in line {line}, allowed: any text")
        ends.append(number_of.setdefault(source, len(number_of)))
        ends.append(number_of.setdefault(target, len(number_of)))
        if weight:
            weights.append(read_number(path, line, weight[0]))
    _refuse_unknown_header(path, first[1][:2], number_of)
    node_ids, edge_index = _sorted_nodes(list(number_of), torch.from_numpy(np.array(ends)).view(-1, 2).t())
    raw = Data(edge_index=edge_index, num_nodes=len(node_ids), node_ids=node_ids)
    if width == 3:
        raw.edge_weight = torch.from_numpy(np.array(weights))
    return raw


def typed_ids(texts: list[str]) -> list[int] | list[str]:
    """Ids as int if all are integers, else as they are."""
    return [int(text) for text in texts] if all(map(_INTEGER.fullmatch, texts)) else texts


def _without_header(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    for first in rows:
        if [cell.lower() for cell in first[1]] not in (_HEADER[:2], _HEADER):
            yield first
        break
    yield from rows


def _refuse_unknown_header(path: Path, first: list[str], ids: dict[str, int]) -> None:
    others = ids.keys() - set(first)
    if others and not any(map(_INTEGER.fullmatch, first)) and all(map(_INTEGER.fullmatch, others)):
        raise ValueError(
            f"{path}: given {first[0]!r} and {first[1]!r} in the first line and integers in all others, allowed: "
            "a header named source,target or source,target,weight, or none"
        )


def _sorted_nodes(texts: list[str], edge_index: Tensor) -> tuple[list[int] | list[str], Tensor]:
    node_ids = typed_ids(texts)
    order = sorted(range(len(node_ids)), key=node_ids.__getitem__)
    place = torch.empty(len(order), dtype=torch.long)
    place[torch.tensor(order)] = torch.arange(len(order))
    return [node_ids[k] for k in order], place[edge_index]  # type: ignore[return-value]
