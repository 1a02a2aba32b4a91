"""The k best items of every query, from scores that come block by block: memory does not grow with their number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

MAX_SCORES = 1 << 22
"""Default number of scores in a block."""
# Items in a block at most: the scores of a query stay in the cache while its best are picked.
_MAX_ITEMS = 1 << 14


class TopK(NamedTuple):
    """The best items of every query, best first.

    Attributes:
        scores: Shape [Q, k], not increasing along a row; -inf where there are fewer than k items to choose from.
        indices: int64 [Q, k]; -1 where there are fewer.  Items of equal score are in ascending order.

    Example:
        >>> from spherical_gae.retrieval import nearest_neighbors
        >>> scores, indices = nearest_neighbors(torch.eye(3)[:1], torch.eye(3), k=2)
        >>> scores, indices
        (tensor([[1., 0.]]), tensor([[0, 1]]))
    """

    scores: Tensor
    indices: Tensor


def blockwise_top_k(
    score_block: Callable[[slice, slice], Tensor],
    num_queries: int,
    num_items: int,
    k: int,
    *,
    exclude: Tensor | None = None,
    max_scores: int = MAX_SCORES,
    width: int = 1,
) -> TopK:
    """The k items of the highest score for every query; of equal scores the items of the lowest index.

    A block has at most ``max_scores`` scores.  Besides what ``score_block`` takes and the result, at most about 20
    bytes are needed for each of them if they are float32, that is 84 MB by default, whatever the numbers of queries
    and items.

    Args:
        score_block: Maps a slice of the queries and a slice of the items to their scores, shape [q, n], the higher
            the better; -inf counts as excluded.  It must be a new tensor: excluded scores are overwritten.
        num_queries: Number of queries Q.
        num_items: Number of items N.
        k: Number of items to find, 1 to N.
        exclude: int64 [2, E], pairs (query, item) to leave out, in any order.
        max_scores: Number of scores in a block, at least 1.  A block holds at least one pair.
        width: Numbers that ``score_block`` needs for a query or an item, at least 1: blocks are made so that those of
            all its queries, or all its items, are not more than ``max_scores`` either.

    Raises:
        ValueError: If an argument is out of range, or a score is NaN.

    Example:
        >>> scores = torch.tensor([[1.0, 3.0, 2.0]])
        >>> blockwise_top_k(lambda queries, items: scores[queries, items].clone(), 1, 3, k=2).indices
        tensor([[1, 2]])
    """
    check_search(num_queries, num_items, k, exclude, max_scores)
    items_at_once = min(num_items, _MAX_ITEMS, max(1, max_scores // width))
    queries_at_once = max(1, max_scores // max(items_at_once, width, 2 * k))
    if exclude is not None:
        exclude = exclude[:, exclude[0].argsort()]
    found: list[TopK] = []
    # At least one block, so that there are a dtype and a device if there is no query.
    for first in range(0, max(1, num_queries), queries_at_once):
        queries = slice(first, min(first + queries_at_once, num_queries))
        ours = None if exclude is None else _of_queries(exclude, queries)
        best: TopK | None = None
        for start in range(0, num_items, items_at_once):
            items = slice(start, min(start + items_at_once, num_items))
            block = score_block(queries, items)
            if ours is not None:
                _leave_out(block, ours, items)
            of_block = _best_of(block, min(k, items.stop - start))
            if bool(of_block.scores[:, 0].isnan().any()):  # NaN counts as the highest
                raise ValueError("scores must be numbers, got NaN")
            of_block = TopK(of_block.scores, of_block.indices + start)
            best = of_block if best is None else _merge(best, of_block, k)
        assert best is not None
        found.append(best)
    scores, indices = (torch.cat(parts) for parts in zip(*found, strict=True))
    return TopK(scores, indices.masked_fill_(scores == -math.inf, -1))


def check_search(num_queries: int, num_items: int, k: int, exclude: Tensor | None, max_scores: int) -> None:
    """Refuses arguments of a search that are out of range, see ``blockwise_top_k``.

    Raises:
        ValueError: It names the argument, what was given and what is allowed.
    """
    if not 1 <= k <= num_items:
        raise ValueError(f"k: given {k}, allowed: 1 to the number of items to choose from, {num_items}")
    if max_scores < 1:
        raise ValueError(f"max_scores: given {max_scores}, allowed: 1 or more")
    if exclude is None:
        return
    if exclude.dim() != 2 or exclude.size(0) != 2 or exclude.dtype != torch.long:
        raise ValueError(
            f"exclude: given {exclude.dtype} of shape {list(exclude.shape)}, allowed: torch.int64 of shape [2, E]"
        )
    for name, numbers, count in (("queries", exclude[0], num_queries), ("items", exclude[1], num_items)):
        if numbers.numel() and not (int(numbers.min()) >= 0 and int(numbers.max()) < count):
            raise ValueError(
                f"exclude: given {name} {int(numbers.min())} to {int(numbers.max())}, allowed: 0 to {count - 1}"
            )


def _of_queries(exclude: Tensor, queries: slice) -> Tensor:
    """The pairs of some queries, which count from the first of these; ``exclude`` is sorted by query."""
    ends = torch.tensor([queries.start, queries.stop], device=exclude.device)
    low, high = torch.searchsorted(exclude[0].contiguous(), ends).tolist()
    return torch.stack([exclude[0, low:high] - queries.start, exclude[1, low:high]])


def _leave_out(block: Tensor, exclude: Tensor, items: slice) -> None:
    inside = (exclude[1] >= items.start) & (exclude[1] < items.stop)
    query, item = exclude[:, inside].to(block.device)
    block[query, item - items.start] = -math.inf


def _best_of(block: Tensor, k: int) -> TopK:
    """The k highest of each row, best first, of equal ones those on the left: ``topk`` promises no order."""
    num_items = block.size(1)
    scores, places = block.topk(min(k + 1, num_items), dim=1)
    if num_items > k:
        cut = (scores[:, k - 1] == scores[:, k]).nonzero().squeeze(1)
        scores, places = scores[:, :k], places[:, :k]
        if cut.numel() > 0:
            places[cut] = _leftmost(block[cut], scores[cut], places[cut])
    # Sorted by place, then, stably, by score.
    places, order = places.sort(dim=1)
    scores, order = scores.gather(1, order).sort(dim=1, descending=True, stable=True)
    return TopK(scores, places.gather(1, order))


def _leftmost(block: Tensor, scores: Tensor, places: Tensor) -> Tensor:
    """Places of the k highest where more than k are at least as high as the k-th: of those equal to it the leftmost."""
    num_items, k = block.size(1), scores.size(1)
    last = scores[:, -1:]
    columns = torch.arange(num_items, dtype=torch.int32, device=block.device)
    equal = torch.where(block == last, columns, num_items).topk(k, largest=False).values.long()
    above = (scores > last).sum(1, keepdim=True)
    position = torch.arange(k, device=block.device) - above
    return torch.where(position < 0, places, equal.gather(1, position.clamp(min=0)))


def _merge(best: TopK, later: TopK, k: int) -> TopK:
    """The k best of two lists; all indices of the second are higher, so that a stable sort keeps the lower first."""
    scores, order = torch.cat([best.scores, later.scores], dim=1).sort(dim=1, descending=True, stable=True)
    indices = torch.cat([best.indices, later.indices], dim=1).gather(1, order)
    return TopK(scores[:, :k].contiguous(), indices[:, :k].contiguous())
