from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from spherical_gae import split_links
from spherical_gae.data.splits.temporal import cut_by_time


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-5, 20), min_size=5, max_size=60), st.floats(0.05, 0.4), st.floats(0.05, 0.4))
def test_parts_are_apart_in_time_and_cuts_are_the_nearest(times: list[int], val: float, test: float) -> None:
    edge_time = torch.tensor(times)
    links = torch.arange(len(times))
    if len(set(times)) < 3:
        with pytest.raises(ValueError, match=r"^data.edge_time: given [12] different times, allowed: at least 3"):
            cut_by_time(edge_time, links, val, test)
        return
    parts = cut_by_time(edge_time, links, val, test)
    assert sorted(torch.cat(parts).tolist()) == links.tolist()
    assert all(part.numel() for part in parts)
    for earlier, later in pairwise(parts):
        assert edge_time[earlier].max() < edge_time[later].min()
    # No other cut between two times, with one left for validation, comes nearer to the share of the test.
    ordered = sorted(times)
    cuts = [k for k in range(1, len(times)) if ordered[k] != ordered[k - 1]][1:]
    wanted = int(test * len(times))
    assert abs(parts[2].numel() - wanted) == min(abs(len(times) - cut - wanted) for cut in cuts)


def graph(edges: list[tuple[int, int, float]], directed: bool = False, num_nodes: int = 30) -> Data:
    ends = torch.tensor([edge[:2] for edge in edges]).t()
    time = torch.tensor([edge[2] for edge in edges])
    if directed:
        return Data(edge_index=ends, edge_time=time, num_nodes=num_nodes, directed=True)
    return Data(edge_index=torch.cat([ends, ends.flip(0)], 1), edge_time=time.repeat(2), num_nodes=num_nodes)


@pytest.mark.parametrize("directed", [False, True])
def test_split_by_time_of_a_path_that_grows(directed: bool) -> None:
    split = split_links(graph([(k, k + 1, float(k)) for k in range(20)], directed), 0.1, 0.2)
    assert split.train.pos_edge_label_index.t().tolist() == [[k, k + 1] for k in range(14)]
    assert split.val.pos_edge_label_index.t().tolist() == [[14, 15], [15, 16]]
    assert split.test.pos_edge_label_index.t().tolist() == [[k, k + 1] for k in range(16, 20)]
    times = [float(k) for k in range(14)]
    assert split.train.edge_time.tolist() == (times if directed else times * 2)
    # Every later link has an end that no training link has.
    assert split.val.is_unseen.tolist() == [True, True]
    assert split.test.is_unseen.tolist() == [True] * 4


def test_unseen_are_links_with_an_end_that_training_lacks() -> None:
    edges = [(0, 1, 0.0), (1, 2, 1.0), (2, 3, 2.0), (3, 4, 3.0), (0, 2, 4.0), (4, 5, 5.0), (0, 3, 6.0), (6, 7, 7.0)]
    split = split_links(graph(edges), 0.25, 0.25)
    assert split.val.pos_edge_label_index.t().tolist() == [[0, 2], [4, 5]]
    assert split.val.is_unseen.tolist() == [False, True]
    assert split.test.is_unseen.tolist() == [False, True]


def test_a_link_that_comes_again_counts_from_its_first_time_on() -> None:
    edges = [(0, 1, 5.0), (1, 2, 1.0), (2, 3, 2.0), (3, 4, 3.0), (1, 0, 0.0), (2, 1, 9.0), (4, 5, 4.0)]
    split = split_links(graph(edges), 0.2, 0.2)
    assert split.train.pos_edge_label_index.t().tolist() == [[0, 1], [1, 2], [2, 3]]
    assert split.test.pos_edge_label_index.t().tolist() == [[4, 5]]


def test_the_seed_moves_the_negatives_only() -> None:
    data = graph([(k, k + 1, float(k)) for k in range(20)])
    first, second = split_links(data, 0.1, 0.2, seed=0), split_links(data, 0.1, 0.2, seed=1)
    assert torch.equal(first.test.pos_edge_label_index, second.test.pos_edge_label_index)
    assert not torch.equal(first.test.neg_edge_label_index, second.test.neg_edge_label_index)


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (torch.zeros(14), "given 1 different times, allowed: at least 3"),
        (torch.tensor([0, 1] * 7), "given 1 different times"),
        (torch.full((14,), torch.nan), "given NaN or infinity"),
        (torch.full((14,), torch.inf), "given NaN or infinity"),
        (torch.zeros(7), r"given torch.float32 of shape \[7\], allowed: a number for each edge, shape \[14\]"),
        (torch.zeros(14, 2), r"given torch.float32 of shape \[14, 2\]"),
        (torch.zeros(14, dtype=torch.bool), r"given torch.bool of shape \[14\]"),
    ],
)
def test_times_that_are_none_are_refused(time: torch.Tensor, message: str) -> None:
    path = to_undirected(torch.tensor([[0, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 7]]))
    order = (path[0] > path[1]).long().argsort(stable=True)
    with pytest.raises(ValueError, match=rf"^data.edge_time: {message}"):
        split_links(Data(edge_index=path[:, order], num_nodes=8, edge_time=time), 0.2, 0.2)
