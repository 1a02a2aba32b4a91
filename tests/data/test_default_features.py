from hashlib import blake2b

import networkx as nx
import pytest
import torch
from torch_geometric.data import Data

from spherical_gae import split_links
from spherical_gae.data import clean_graph, default_features, from_networkx
from spherical_gae.evaluation import auc_ap
from spherical_gae.experiments.baseline import score_baseline


def test_random_unit_vectors() -> None:
    """Inner products of independent signs in R^64 have mean 0 and variance 1 / 64, and are uncorrelated."""
    x = default_features(500)
    assert (x.shape, x.dtype) == ((500, 64), torch.float32)
    torch.testing.assert_close(x.norm(dim=1), torch.ones(500))
    i, j = torch.triu_indices(500, 500, offset=1)
    products = (x @ x.t())[i, j]
    assert abs(products.mean().item()) < 4 / (64 * products.numel()) ** 0.5
    assert abs(64 * products.var().item() - 1) < 0.02


def test_deterministic_and_without_the_global_random_state() -> None:
    torch.manual_seed(0)
    state, first = torch.get_rng_state(), default_features(30)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert torch.equal(default_features(30), first)


def test_row_depends_on_its_id_alone() -> None:
    """Bit for bit: of nodes that are added, of the order, and of whether a number is written as text."""
    first = default_features(["ann", "bob", "7"])
    assert torch.equal(default_features([7, "new", "bob", "ann"])[[3, 2, 0]], first)
    assert torch.equal(default_features(9)[7], first[2])
    assert len(torch.unique(default_features(5000), dim=0)) == 5000


def test_signs_are_the_bits_of_the_hash() -> None:
    """The same on every machine: BLAKE2b of the id, most significant bit first."""
    bits = bin(int.from_bytes(blake2b(b"ann", digest_size=16, person=b"spherical_gae").digest(), "big"))[2:].zfill(128)
    expected = torch.tensor([1.0 if bit == "1" else -1.0 for bit in bits]) / 128**0.5
    assert torch.equal(default_features(["ann"], 128)[0], expected)


@pytest.mark.parametrize("num_features", [0, 12, 520])
def test_number_of_features_is_checked(num_features: int) -> None:
    with pytest.raises(ValueError, match=f"num_features: given {num_features}, allowed: multiples of 8 from 8 to 512"):
        default_features(3, num_features)


def test_features_do_not_depend_on_the_links() -> None:
    """Else they might tell of links that are held out."""
    path, star = torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor([[0, 0, 0], [1, 2, 3]])
    assert torch.equal(clean_graph(Data(edge_index=path)).x, clean_graph(Data(edge_index=star)).x)


def test_propagated_features_know_communities() -> None:
    """Their cosine ranks held-out links of a planted partition; that of the features themselves is chance."""
    data = from_networkx(nx.planted_partition_graph(6, 30, 0.4, 0.01, seed=1))
    split = split_links(data, val=0.1, test=0.2, seed=0)
    assert score_baseline(split).auc > 0.65
    pairs = split.test.pos_edge_label_index, split.test.neg_edge_label_index
    assert auc_ap(*((data.x[i] * data.x[j]).sum(1) for i, j in pairs)).auc == pytest.approx(0.5, abs=0.08)
