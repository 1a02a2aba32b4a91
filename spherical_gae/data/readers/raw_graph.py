"""What every reader makes of its file, before it is cleaned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spherical_gae.data.readers.report import ReadReport


@dataclass(frozen=True)
class ColumnPlaces:
    """Where a table of links has its columns, counted from 0.

    Attributes:
        source: The column of the sources.
        target: That of the targets.
        weight: That of the weights; None if there is none.
        num_columns: How many columns there are.
    """

    source: int
    target: int
    weight: int | None
    num_columns: int


@dataclass
class RawGraph:
    """A graph as its file lists it: neither merged nor checked.

    Attributes:
        edge_index: int64 [2, E].
        num_nodes: Number of nodes N.
        report: What was read.
        node_ids: N ids, None for numbered nodes.
        edge_weight: [E], or None.
        edge_time: [E], or None.
        attributes: What the file says of its nodes, N rows; None if it says nothing.
        x: Features that the file holds as a matrix [N, F].
        y: Labels, int64 [N].
        side: Sides of a bipartite graph, int64 [N].
        is_directed: Whether the file says that its edges have a direction; None if it does not say.
        is_one_kind: Whether its nodes were said to be of one kind, whatever the file says.
        prefixes: What was put before the ids of the two columns, as they name nodes of two kinds; None for nothing.
        places: Where the columns of a table are; None if it was none.
        counted_only: Whether the file gives the number of nodes without listing them.
    """

    edge_index: NDArray[np.int64]
    num_nodes: int
    report: ReadReport
    node_ids: list[int] | list[str] | None = None
    edge_weight: NDArray[Any] | None = None
    edge_time: NDArray[Any] | None = None
    attributes: pd.DataFrame | None = field(default=None, repr=False)
    x: NDArray[np.float32] | None = None
    y: NDArray[np.int64] | None = None
    side: NDArray[np.int64] | None = None
    is_directed: bool | None = None
    is_one_kind: bool = False
    prefixes: tuple[str, str] | None = None
    places: ColumnPlaces | None = None
    counted_only: bool = False
