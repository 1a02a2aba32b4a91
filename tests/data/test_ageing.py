import math

import pytest
import torch
from torch_geometric.data import Data

from spherical_gae import split_links
from spherical_gae.data import age_weights, aged, aged_split, clean_graph
from spherical_gae.nn.propagation import normalized_adjacency


def growing_ring(num_nodes: int = 40) -> Data:
    """Link k joins k and k + 1 at the time 10 k."""
    nodes = torch.arange(num_nodes)
    return clean_graph(
        Data(edge_index=torch.stack([nodes, (nodes + 1) % num_nodes]), edge_time=10 * nodes, num_nodes=num_nodes)
    )


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.float64])
def test_weights_are_those_of_the_formula(dtype: torch.dtype) -> None:
    time = torch.tensor([3, 7, 12, 12], dtype=dtype)
    expected = [2 ** (-(12 - t) / 4) for t in (3, 7, 12, 12)]
    assert age_weights(time, 4).tolist() == pytest.approx(expected, rel=1e-7)
    assert age_weights(time, 4, now=20).tolist() == pytest.approx([w / 4 for w in expected], rel=1e-7)


def test_ages_of_large_times_are_exact() -> None:
    latest = 1_700_000_000_123_456_789
    time = torch.tensor([latest - 2, latest - 1, latest])
    assert age_weights(time, 1).tolist() == [0.25, 0.5, 1]


def test_the_oldest_links_are_still_links() -> None:
    weight = age_weights(torch.tensor([0.0, 1e6]), 1)
    assert weight.tolist() == [2**-100, 1]


@pytest.mark.parametrize("half_life", [0, -1, math.inf, math.nan])
def test_what_is_no_half_life_is_refused(half_life: float) -> None:
    with pytest.raises(ValueError, match=rf"half_life: given {half_life}, allowed: a finite number above 0"):
        age_weights(torch.tensor([1, 2]), half_life)


def test_times_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="now: given 5, allowed: the time of the latest link, 7, or later"):
        age_weights(torch.tensor([1, 7]), 2, now=5)
    with pytest.raises(ValueError, match="edge_time: given no times"):
        age_weights(torch.tensor([]), 2)
    with pytest.raises(ValueError, match=r"half_life: given 2 for a graph without times, .* time= \(--time\)"):
        aged(Data(edge_index=torch.tensor([[0, 1], [1, 0]])), 2)


def test_weights_multiply_those_that_are_there() -> None:
    data = Data(edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), edge_time=torch.tensor([1, 1, 3, 3]))
    assert aged(data, 1).edge_weight.tolist() == [0.25, 0.25, 1, 1]
    assert data.edge_weight is None
    data.edge_weight = torch.tensor([8.0, 8.0, 3.0, 3.0])
    assert aged(data, 1).edge_weight.tolist() == [2, 2, 3, 3]
    assert data.edge_weight.tolist() == [8, 8, 3, 3]


def test_now_is_the_time_of_the_last_training_link() -> None:
    data = growing_ring()
    split = split_links(data, 0.1, 0.2)
    found = aged_split(split, 20)
    last = split.train.edge_time.max()
    assert last == 270
    assert last < data.edge_time.max()
    for part, own in zip(found, split, strict=True):
        assert part.edge_weight.tolist() == pytest.approx([2 ** (-(270 - t) / 20) for t in own.edge_time.tolist()])
        assert torch.equal(part.edge_index, own.edge_index)
        assert torch.equal(part.pos_edge_label_index, own.pos_edge_label_index)
    assert torch.equal(found.test.neg_edge_label_index, split.test.neg_edge_label_index)
    one_way, other_way = found.train.edge_weight.chunk(2)
    assert torch.equal(one_way, other_way)


def test_a_recent_link_counts_more_in_message_passing() -> None:
    data = aged(
        Data(edge_index=torch.tensor([[0, 1, 0, 2], [1, 0, 2, 0]]), edge_time=torch.tensor([0, 0, 2, 2]), num_nodes=3),
        half_life=1,
    )
    found = normalized_adjacency(data.edge_index, 3, edge_weight=data.edge_weight).to_dense()
    with_loops = torch.tensor([[1, 0.25, 1], [0.25, 1, 0], [1, 0, 1]])
    scale = with_loops.sum(0).rsqrt()
    assert torch.allclose(found, scale[:, None] * with_loops * scale)
    assert found[0, 2] > 2 * found[0, 1]


def test_times_that_are_no_numbers_are_refused() -> None:
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="edge_time: given NaN or infinity, allowed: finite numbers"):
            age_weights(torch.tensor([1.0, wrong]), half_life=1)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int32])
def test_ages_of_narrow_integers_do_not_overflow(dtype: torch.dtype) -> None:
    limits = torch.iinfo(dtype)
    times = torch.tensor([limits.min, 0, limits.max], dtype=dtype)
    expected = age_weights(times.double(), limits.max)
    assert expected[0] < 0.26
    assert age_weights(times, limits.max).equal(expected)
