"""Nearest neighbours by faiss, which is an optional dependency."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spherical_gae.retrieval.nearest import Rows, check_rows
from spherical_gae.retrieval.top_k import MAX_SCORES, TopK, check_search


def faiss_neighbors(
    queries: Rows, database: Rows, k: int, *, exclude: Tensor | None = None, max_scores: int = MAX_SCORES
) -> TopK:
    """What ``nearest_neighbors`` finds, found by faiss: the exact search of an ``IndexFlatIP``, on the CPU.

    The search reads the database where it is, a memory map too, and does not copy it into an index.  Where pairs are
    excluded, faiss is asked for as many rows more as the query with the most of them has: slow if one has many.

    Args:
        queries: Float32 [Q, m], tensor on the CPU or array.
        database: Float32 [N, m], tensor on the CPU or array, rows contiguous; faiss does not check its numbers.
        k: Number of rows to find, 1 to N.
        exclude: int64 [2, E], pairs (query, row of the database) to leave out.
        max_scores: Number of results held at once, at least 1.

    Returns:
        As ``nearest_neighbors``.  Which of the rows of one score are found, if not all are, is faiss's choice.

    Raises:
        ImportError: If faiss is not installed.
        ValueError: If shapes or dtypes do not fit, an argument is out of range, or a query is NaN or infinite.

    Example:
        >>> faiss_neighbors(torch.eye(3)[:1], torch.eye(3), k=1).indices  # needs faiss
        tensor([[0]])
    """
    try:
        import faiss
    except ImportError as error:
        raise ImportError("faiss_neighbors needs faiss: pip install 'spherical-gae[retrieval]'") from error
    check_rows(queries, database)
    left, right = _array("queries", queries), _array("database", database)
    check_search(len(left), len(right), k, exclude, max_scores)
    if not np.isfinite(left).all():
        raise ValueError("queries: given a number that is NaN or infinite, allowed: finite numbers")
    more = 0 if exclude is None or exclude.numel() == 0 else int(exclude[0].bincount().max())
    at_once = max(1, max_scores // (k + more))
    found: list[TopK] = []
    for first in range(0, max(1, len(left)), at_once):
        some = left[first : first + at_once]
        products, rows = faiss.knn(some, right, min(k + more, len(right)), metric=faiss.METRIC_INNER_PRODUCT)
        result = TopK(torch.from_numpy(products), torch.from_numpy(rows))
        if exclude is not None:
            result = _without(result, first, exclude, len(right))
        found.append(_in_order(result, k))
    scores, indices = (torch.cat(parts) for parts in zip(*found, strict=True))
    return TopK(scores, indices.masked_fill_(scores == -math.inf, -1))


def _array(name: str, rows: Rows) -> npt.NDArray[Any]:
    if isinstance(rows, Tensor) and rows.device.type != "cpu":
        raise ValueError(f"{name}: given a tensor on {rows.device}, allowed: the CPU")
    array = rows.detach().numpy() if isinstance(rows, Tensor) else rows
    if array.dtype != np.float32 or not array.flags.c_contiguous:
        layout = "contiguous" if array.flags.c_contiguous else "not contiguous"
        raise ValueError(f"{name}: given {array.dtype}, {layout}, allowed: float32, contiguous, as faiss needs them")
    return array


def _without(found: TopK, first: int, exclude: Tensor, num_rows: int) -> TopK:
    query = torch.arange(first, first + found.indices.size(0))[:, None]
    numbers = exclude.cpu()[0] * num_rows + exclude.cpu()[1]
    left_out = torch.isin(query * num_rows + found.indices, numbers)
    return TopK(found.scores.masked_fill(left_out, -math.inf), found.indices)


def _in_order(found: TopK, k: int) -> TopK:
    indices, order = found.indices.sort(dim=1)
    scores, order = found.scores.gather(1, order).sort(dim=1, descending=True, stable=True)
    return TopK(scores[:, :k], indices.gather(1, order)[:, :k])
