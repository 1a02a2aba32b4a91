import networkx as nx
import pytest
import torch
from torch_geometric.data import Data

from spherical_gae import split_links
from spherical_gae.data import clean_graph, default_features, from_networkx
from spherical_gae.evaluation import auc_ap
from spherical_gae.experiments.links import score_baseline


def test_uniform_unit_vectors() -> None:
    """Inner products of uniform unit vectors in R^64 have mean 0 and variance 1 / 64, and are uncorrelated."""
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
