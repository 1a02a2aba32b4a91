import itertools
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import to_undirected

from spherical_gae.data import LinkSplit, load_graph, split_links

Pairs = set[tuple[int, int]]


def ring(num_nodes: int) -> Data:
    nodes = torch.arange(num_nodes)
    edge_index = to_undirected(torch.stack([nodes, nodes.roll(-1)]))
    return Data(x=torch.eye(num_nodes), edge_index=edge_index)


def unordered(edge_index: Tensor) -> list[tuple[int, int]]:
    return [(min(pair), max(pair)) for pair in edge_index.t().tolist()]


def distinct(edge_index: Tensor) -> Pairs:
    """The unordered pairs, after checking that there are no self-pairs and none comes twice."""
    listed = unordered(edge_index)
    assert all(i != j for i, j in listed)
    assert len(set(listed)) == len(listed)
    return set(listed)


def assert_leak_proof(data: Data, split: LinkSplit, val: float, test: float) -> None:
    links = {(i, j) for i, j in unordered(data.edge_index) if i != j}
    train_pos, val_pos, test_pos = (distinct(part.pos_edge_label_index) for part in split)
    assert len(val_pos) == int(val * len(links))
    assert len(test_pos) == int(test * len(links))
    assert train_pos | val_pos | test_pos == links
    assert len(train_pos) + len(val_pos) + len(test_pos) == len(links)

    val_neg, test_neg = (distinct(part.neg_edge_label_index) for part in split[1:])
    assert (len(val_neg), len(test_neg)) == (len(val_pos), len(test_pos))
    assert not val_neg & test_neg
    assert not (val_neg | test_neg) & links
    assert "neg_edge_label_index" not in split.train

    both_directions = {pair for i, j in train_pos for pair in ((i, j), (j, i))}
    for part in split:
        edges = [(i, j) for i, j in part.edge_index.t().tolist()]
        assert len(edges) == len(both_directions)
        assert set(edges) == both_directions
        assert part.num_nodes == data.num_nodes


@st.composite
def graphs(draw: st.DrawFn) -> Data:
    """An undirected graph with 10 or more links and at least as many unlinked pairs."""
    num_nodes = draw(st.integers(7, 14))
    pairs = list(itertools.combinations(range(num_nodes), 2))
    links = draw(st.lists(st.sampled_from(pairs), min_size=10, max_size=len(pairs) // 2, unique=True))
    edges = [*links, *((j, i) for i, j in links)]
    extra = draw(st.lists(st.sampled_from(edges), max_size=5))
    loops = [(i, i) for i in draw(st.lists(st.integers(0, num_nodes - 1), max_size=3))]
    listed = draw(st.permutations([*edges, *extra, *loops]))
    return Data(x=torch.eye(num_nodes), edge_index=torch.tensor(listed).t())


@settings(deadline=None)
@given(
    graphs(),
    st.sampled_from([(0.1, 0.1), (0.1, 0.2), (0.3, 0.3), (0.45, 0.45)]),
    st.integers(0, 2**63 - 1),
)
def test_leak_proof(data: Data, fractions: tuple[float, float], seed: int) -> None:
    val, test = fractions
    assert_leak_proof(data, split_links(data, val, test, seed=seed), val, test)


@pytest.mark.parametrize("seed", range(5))
def test_leak_proof_on_digits(seed: int) -> None:
    data = load_graph("digits")
    assert_leak_proof(data, split_links(data, seed=seed), 0.05, 0.1)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cora", "citeseer", pytest.param("pubmed", marks=pytest.mark.slow)])
def test_leak_proof_on_real_data(real_data_root: Path, name: str) -> None:
    data = load_graph(name, real_data_root)
    for seed in range(3):
        assert_leak_proof(data, split_links(data, seed=seed), 0.05, 0.1)


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_positives_are_those_of_pyg(seed: int) -> None:
    data = load_graph("digits")
    transform = RandomLinkSplit(0.05, 0.1, is_undirected=True, split_labels=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        expected = transform(data)
    split = split_links(data, seed=seed)
    for part, pyg in zip(split, expected, strict=True):
        assert torch.equal(part.pos_edge_label_index, pyg.pos_edge_label_index)
    assert torch.equal(split.train.edge_index, expected[0].edge_index)
    # The documented difference: PyG lets the test part see the validation links.
    assert expected[2].edge_index.size(1) == split.test.edge_index.size(1) + 2 * 312


def test_same_seed_same_split_other_seed_other_split() -> None:
    data = load_graph("digits")
    first, again, other = (split_links(data, seed=seed) for seed in (3, 3, 4))
    for part, same, different in zip(first, again, other, strict=True):
        for key in [key for key in part.keys() if key.endswith("label_index")]:  # noqa: SIM118
            assert torch.equal(part[key], same[key])
            assert not torch.equal(part[key], different[key])


def test_order_duplicates_and_self_loops_change_nothing() -> None:
    data = load_graph("digits")
    loops = torch.arange(100).expand(2, -1)
    messy = torch.cat([data.edge_index.flip(1), loops, data.edge_index[:, 50:90]], dim=1)
    clean, cleaned = split_links(data), split_links(Data(x=data.x, edge_index=messy))
    for part, other in zip(clean, cleaned, strict=True):
        assert torch.equal(part.edge_index, other.edge_index)
        assert torch.equal(part.pos_edge_label_index, other.pos_edge_label_index)
    assert torch.equal(clean.test.neg_edge_label_index, cleaned.test.neg_edge_label_index)


def test_random_states_of_the_caller_are_untouched() -> None:
    def states() -> list[bytes]:
        return [
            torch.get_rng_state().numpy().tobytes(),
            repr(random.getstate()).encode(),
            np.random.get_state()[1].tobytes(),  # type: ignore[index]  # noqa: NPY002
        ]

    before = states()
    split_links(ring(40), seed=9)
    assert states() == before


def test_parts_carry_the_graph_and_leave_it_as_it_was() -> None:
    data = load_graph("digits")
    data.edge_attr = torch.ones(data.num_edges)
    edge_index = data.edge_index.clone()
    for part in split_links(data):
        assert part.x is data.x
        assert part.y is data.y
        assert part.name == "digits"
        assert "edge_attr" not in part
    assert torch.equal(data.edge_index, edge_index)
    assert "pos_edge_label_index" not in data


def test_graph_without_features_keeps_its_number_of_nodes() -> None:
    data = Data(edge_index=ring(30).edge_index, num_nodes=35)
    split = split_links(data)
    assert [part.num_nodes for part in split] == [35, 35, 35]
    assert "x" not in split.train


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_split_does_not_depend_on_the_device() -> None:
    data = load_graph("digits")
    for part, other in zip(split_links(data), split_links(data.clone().cuda()), strict=True):
        assert other.edge_index.device.type == "cuda"
        assert torch.equal(part.edge_index, other.edge_index.cpu())
        assert torch.equal(part.pos_edge_label_index, other.pos_edge_label_index.cpu())


@pytest.mark.parametrize("fraction", [0, 0.0, -0.1, 1, 1.0, 5, float("nan")])
@pytest.mark.parametrize("argument", ["val", "test"])
def test_fraction_out_of_range_is_refused(argument: str, fraction: float) -> None:
    with pytest.raises(ValueError, match=f"{argument}: given {fraction}, allowed: a fraction in"):
        split_links(ring(40), **{argument: fraction})  # type: ignore[arg-type]


def test_fractions_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"val \+ test: given 0\.5 \+ 0\.5, allowed: a sum below"):
        split_links(ring(40), 0.5, 0.5)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=f"seed: given {seed}, allowed: 0 to"):
        split_links(ring(40), seed=seed)


def test_directed_graph_is_refused() -> None:
    data = Data(edge_index=ring(40).edge_index[:, 1:], num_nodes=40)
    with pytest.raises(ValueError, match=r"data: given a directed .*utils\.to_undirected"):
        split_links(data)


def test_graph_that_is_too_small_is_refused() -> None:
    assert split_links(ring(20)).val.pos_edge_label_index.size(1) == 1
    with pytest.raises(ValueError, match="data: given 19 links, of which 18 train, 0 val, 1 test"):
        split_links(ring(19))


def test_graph_that_is_too_dense_is_refused() -> None:
    links = torch.combinations(torch.arange(10)).t()  # 45
    data = Data(edge_index=to_undirected(links[:, 3:]), num_nodes=10)
    with pytest.raises(ValueError, match="data: given 3 unlinked pairs, allowed: at least 6"):
        split_links(data)


def test_graph_without_valid_edges_is_refused() -> None:
    with pytest.raises(ValueError, match="data: given no edge_index"):
        split_links(Data(x=torch.eye(3)))
    with pytest.raises(ValueError, match="larger indices than the number of nodes"):
        split_links(Data(edge_index=ring(40).edge_index, num_nodes=39))


def weight_of(i: Tensor, j: Tensor) -> Tensor:
    """A weight that tells the pair."""
    return 1 + torch.minimum(i, j) + 0.001 * torch.maximum(i, j)


@pytest.mark.parametrize("seed", range(3))
def test_every_part_has_the_weights_of_the_training_links(seed: int) -> None:
    data = load_graph("digits")
    plain = split_links(data, seed=seed)
    order = torch.randperm(data.num_edges, generator=torch.Generator().manual_seed(seed))
    edge_index = data.edge_index[:, order]
    loops = torch.arange(9).expand(2, -1)
    edge_index = torch.cat([loops, edge_index], dim=1)
    weighted = split_links(Data(x=data.x, edge_index=edge_index, edge_weight=weight_of(*edge_index)), seed=seed)
    for part, same in zip(weighted, plain, strict=True):
        assert torch.equal(part.edge_weight, weight_of(*part.edge_index))
        # The weights change nothing else.
        assert torch.equal(part.edge_index, same.edge_index)
        assert torch.equal(part.pos_edge_label_index, same.pos_edge_label_index)
        assert "edge_weight" not in same
    assert torch.equal(weighted.test.neg_edge_label_index, plain.test.neg_edge_label_index)


def test_weights_of_duplicates_are_summed() -> None:
    edge_index = ring(20).edge_index.repeat(1, 3)
    weight = torch.cat([torch.full((40,), value) for value in (0.1, 0.2, 0.4)])
    split = split_links(Data(edge_index=edge_index, edge_weight=weight, num_nodes=20))
    torch.testing.assert_close(split.train.edge_weight, torch.full((split.train.num_edges,), 0.7))


def test_integer_weights_become_float32() -> None:
    split = split_links(Data(edge_index=ring(20).edge_index, edge_weight=torch.full((40,), 3), num_nodes=20))
    assert split.train.edge_weight.tolist() == [3.0] * split.train.num_edges
    assert split.train.edge_weight.dtype == torch.float32


def test_weights_that_differ_by_direction_or_are_out_of_range_are_refused() -> None:
    data = ring(40)
    data.edge_weight = torch.ones(80)
    data.edge_weight[3] = 1.1
    with pytest.raises(ValueError, match=r"data: given an edge_weight that differs .*clean_graph"):
        split_links(data)
    data.edge_weight[3] = 0
    with pytest.raises(ValueError, match=r"edge_weight: given 0\.0 for the edge"):
        split_links(data)
    data.edge_weight = torch.ones(79)
    with pytest.raises(ValueError, match=r"edge_weight: given torch.float32 of shape \[79\]"):
        split_links(data)


def two_dense_graphs() -> Data:
    """A complete graph of eight nodes, one that lacks a pair, and a ring of forty nodes."""
    pairs = torch.combinations(torch.arange(8)).t()
    links = torch.cat([pairs, 8 + pairs[:, 1:], 16 + ring(40).edge_index], dim=1)
    return Data(edge_index=to_undirected(links), num_nodes=56, batch=(torch.arange(56) // 8).clamp(max=2))


@pytest.mark.parametrize("seed", range(5))
def test_a_link_without_a_negative_in_its_graph_is_trained_on(seed: int) -> None:
    """Held out, such links told how dense their graphs are: an AUC of 55 to 58 where nothing can be predicted."""
    data = two_dense_graphs()
    split = split_links(data, 0.1, 0.2, seed=seed)
    total = sum(part.pos_edge_label_index.size(1) for part in split)
    assert total == data.num_edges // 2
    assert {pair for part in split for pair in unordered(part.pos_edge_label_index)} == set(unordered(data.edge_index))
    for part in split[1:]:
        positive, negative = (
            torch.bincount(data.batch[pairs[0]], minlength=3)
            for pairs in (part.pos_edge_label_index, part.neg_edge_label_index)
        )
        assert torch.equal(positive, negative)
        assert positive[0] == 0
        assert positive[1] <= 1


def test_links_in_time_cannot_stay_in_training() -> None:
    data = two_dense_graphs()
    data.edge_time = data.edge_index.sum(0) % 10
    with pytest.raises(ValueError, match=r"^data: given \d+ validation and test links more than their graphs have unl"):
        split_links(data, 0.1, 0.2)
