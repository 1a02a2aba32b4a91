"""Nearest neighbours by inner product, exact, in bounded memory: of unit vectors the highest cosines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spherical_gae.retrieval.top_k import MAX_SCORES, TopK, blockwise_top_k

Rows = Tensor | npt.NDArray[Any]
"""Vectors in rows: a tensor, or an array, which may be a memory map."""


def nearest_neighbors(
    queries: Rows, database: Rows, k: int, *, exclude: Tensor | None = None, max_scores: int = MAX_SCORES
) -> TopK:
    """The k rows of ``database`` with the highest inner product with each query; exact, nothing is indexed.

    Products are computed on the device of ``queries``, in float64 if one of the two is, else in float32, so that
    rows whose products differ by less than the rounding error may change places.  (So may more, if
    ``torch.set_float32_matmul_precision`` allows products of lower precision.)

    Memory besides the arguments and the result: at most about 28 bytes for each of ``max_scores`` in float32, that is
    120 MB by default, whatever Q and N.  Of a memory map only the rows of one block are copied.

    Args:
        queries: Floating point [Q, m], tensor or array.
        database: Floating point [N, m], tensor or array; ``np.load(path, mmap_mode="r")`` for instance.
        k: Number of rows to find, 1 to N.
        exclude: int64 [2, E], pairs (query, row of the database) to leave out: the query's own row, or known links,
            see ``known_partners``.
        max_scores: Number of products computed at once, at least 1.

    Returns:
        ``(scores [Q, k], indices [Q, k])``, best first, on the device of ``queries``; rows of equal score in
        ascending order; where fewer than k rows are left, the score is -inf and the index -1.

    Raises:
        ValueError: If shapes do not fit, an argument is out of range, or a number is NaN or infinite.

    Example:
        >>> z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [-1.0, 0.0]])
        >>> itself = torch.tensor([[0], [0]])
        >>> nearest_neighbors(z[:1], z, k=2, exclude=itself)
        TopK(scores=tensor([[0.6000, 0.0000]]), indices=tensor([[2, 1]]))
    """
    check_rows(queries, database)
    double = any(str(rows.dtype).endswith("float64") for rows in (queries, database))
    dtype = torch.float64 if double else torch.float32
    device = queries.device if isinstance(queries, Tensor) else torch.device("cpu")

    def score_block(some_queries: slice, some_rows: slice) -> Tensor:
        left = _load("queries", queries[some_queries], dtype, device)
        return left @ _load("database", database[some_rows], dtype, device).t()

    return blockwise_top_k(
        score_block,
        queries.shape[0],
        database.shape[0],
        k,
        exclude=exclude,
        max_scores=max_scores,
        width=database.shape[1],
    )


def check_rows(queries: Rows, database: Rows) -> None:
    """Refuses what are not two sets of vectors of one dimension.

    Raises:
        ValueError: It names the argument, what was given and what is allowed.
    """
    for name, rows in (("queries", queries), ("database", database)):
        floating = rows.is_floating_point() if isinstance(rows, Tensor) else np.issubdtype(rows.dtype, np.floating)
        if rows.ndim != 2 or rows.shape[1] == 0 or not floating:
            raise ValueError(
                f"{name}: given {rows.dtype} of shape {list(rows.shape)}, allowed: floating point of shape [rows, m]"
            )
    if queries.shape[1] != database.shape[1]:
        raise ValueError(
            f"queries: given rows of {queries.shape[1]} coordinates, allowed: {database.shape[1]}, as in database"
        )


def _load(name: str, rows: Rows, dtype: torch.dtype, device: torch.device) -> Tensor:
    if not isinstance(rows, Tensor):
        # A copy: a memory map is read-only, which torch.from_numpy warns of.
        rows = torch.from_numpy(np.array(rows, dtype=np.float64 if dtype == torch.float64 else np.float32))
    rows = rows.detach().to(device, dtype)
    if not bool(rows.isfinite().all()):
        raise ValueError(f"{name}: given a number that is NaN or infinite, allowed: finite numbers")
    return rows
