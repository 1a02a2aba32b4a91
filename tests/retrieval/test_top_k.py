import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spherical_gae.retrieval import TopK, blockwise_top_k, top_k

INF = math.inf


def brute_force(scores: Tensor, k: int, exclude: Tensor | None = None) -> tuple[list[list[float]], list[list[int]]]:
    """Python's sort: by falling score, then by index."""
    left_out = set() if exclude is None else set(map(tuple, exclude.t().tolist()))
    all_scores, all_indices = [], []
    for query, row in enumerate(scores.tolist()):
        kept = [(-score, item) for item, score in enumerate(row) if (query, item) not in left_out and score > -INF]
        best = sorted(kept)[:k] + [(INF, -1)] * (k - len(kept))
        all_scores.append([-score for score, _ in best])
        all_indices.append([item for _, item in best])
    return all_scores, all_indices


def search(scores: Tensor, k: int, exclude: Tensor | None = None, max_scores: int = top_k.MAX_SCORES) -> TopK:
    def block(queries: slice, items: slice) -> Tensor:
        return scores[queries, items].clone()

    return blockwise_top_k(block, *scores.shape, k, exclude=exclude, max_scores=max_scores)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_brute_force_with_ties_and_exclusions(data: st.DataObject) -> None:
    """Few different scores, so that ties lie across every border: of blocks, and of the k best."""
    num_queries, num_items = data.draw(st.integers(0, 6)), data.draw(st.integers(1, 30))
    k, max_scores = data.draw(st.integers(1, num_items)), data.draw(st.integers(1, 200))
    num_values = data.draw(st.sampled_from([1, 2, 4, 1_000]))
    source = torch.Generator().manual_seed(data.draw(st.integers(0, 10_000)))
    scores = torch.randint(num_values, (num_queries, num_items), generator=source).double()
    share = data.draw(st.sampled_from([0.0, 0.3, 0.9]))
    exclude = (torch.rand(scores.shape, generator=source) < share).nonzero().t()
    exclude = exclude[:, torch.randperm(exclude.size(1), generator=source)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(top_k, "_MAX_ITEMS", data.draw(st.sampled_from([1, 3, 7, 100])))
        found = search(scores, k, exclude if share else None, max_scores)
    assert found.scores.shape == found.indices.shape == (num_queries, k)
    assert (found.scores.tolist(), found.indices.tolist()) == brute_force(scores, k, exclude)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_blocks_do_not_matter(dtype: torch.dtype) -> None:
    scores = torch.randn(40, 500, generator=torch.Generator().manual_seed(0), dtype=dtype)
    expected = scores.sort(dim=1, descending=True)
    for max_scores in (1, 17, 500, 1_000_000):
        found = search(scores, 9, max_scores=max_scores)
        assert torch.equal(found.scores, expected.values[:, :9])
        assert torch.equal(found.indices, expected.indices[:, :9])
        assert found.scores.dtype == dtype


@pytest.mark.parametrize(
    ("max_scores", "width", "k"), [(100, 1, 3), (100, 20, 3), (100, 1, 20), (1, 64, 3), (64, 8, 1)]
)
def test_blocks_are_no_larger_than_asked(max_scores: int, width: int, k: int) -> None:
    """Also the numbers for its queries, for its items, and for the lists that are merged; one of each at least."""
    seen = torch.zeros(30, 50, dtype=torch.long)

    def block(queries: slice, items: slice) -> Tensor:
        rows, columns = queries.stop - queries.start, items.stop - items.start
        assert rows * columns <= max(max_scores, 1)
        assert rows == 1 or rows * max(width, 2 * k) <= max_scores
        assert columns == 1 or columns * width <= max_scores
        seen[queries, items] += 1
        return torch.zeros(rows, columns)

    blockwise_top_k(block, 30, 50, k, max_scores=max_scores, width=width)
    assert (seen == 1).all()


def test_equal_scores_all_over_give_the_first_items() -> None:
    found = search(torch.zeros(3, 50_000), 5)
    assert found.indices.tolist() == [[0, 1, 2, 3, 4]] * 3


def test_infinite_scores_and_those_excluded_by_the_caller() -> None:
    found = search(torch.tensor([[-INF, INF, 1.0, INF, -INF]]), 4)
    assert found.scores.tolist() == [[INF, INF, 1, -INF]]
    assert found.indices.tolist() == [[1, 3, 2, -1]]


@pytest.mark.parametrize("place", [0, 20_000])
def test_nan_is_refused(place: int) -> None:
    scores = torch.zeros(2, 20_001)
    scores[1, place] = math.nan
    with pytest.raises(ValueError, match="scores must be numbers, got NaN"):
        search(scores, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k: given 0, allowed: 1 to the number of items to choose from, 5"),
        ({"k": 6}, "k: given 6, allowed: 1 to the number of items to choose from, 5"),
        ({"max_scores": 0}, "max_scores: given 0, allowed: 1 or more"),
        ({"exclude": torch.zeros(2, 3)}, "exclude: given torch.float32 of shape [2, 3], allowed: torch.int64 of shape"),
        ({"exclude": torch.zeros(3, 2, dtype=torch.long)}, "exclude: given torch.int64 of shape [3, 2], allowed: "),
        ({"exclude": torch.tensor([[0, 4], [0, 0]])}, "exclude: given queries 0 to 4, allowed: 0 to 3"),
        ({"exclude": torch.tensor([[0, -1], [0, 0]])}, "exclude: given queries -1 to 0, allowed: 0 to 3"),
        ({"exclude": torch.tensor([[0], [5]])}, "exclude: given items 5 to 5, allowed: 0 to 4"),
    ],
)
def test_out_of_range_is_refused_before_anything_is_scored(arguments: dict[str, object], message: str) -> None:
    def block(queries: slice, items: slice) -> Tensor:
        raise AssertionError("scored before the arguments were checked")

    with pytest.raises(ValueError, match=re.escape(message)):
        blockwise_top_k(block, 4, 5, **{"k": 2, **arguments})  # type: ignore[arg-type]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_agrees() -> None:
    scores = torch.randint(50, (20, 3_000), generator=torch.Generator().manual_seed(0)).float()
    exclude = torch.randint(20, (2, 40), generator=torch.Generator().manual_seed(1))
    found = search(scores.cuda(), 10, exclude)
    assert found.indices.device.type == "cuda"
    assert (found.scores.tolist(), found.indices.tolist()) == brute_force(scores, 10, exclude)
