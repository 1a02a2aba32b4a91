"""pyg-lib's sampler is replaced by one that takes whole neighbourhoods, in PyG's own loader."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric import typing as pyg
from torch_geometric.sampler import BaseSampler, EdgeSamplerInput, SamplerOutput
from torch_geometric.utils import k_hop_subgraph

from spherical_gae import GAEConfig, SphericalGAE, fit_gae
from spherical_gae.data import LinkSplit
from spherical_gae.nn import FeatureNeighborEncoder, node_degree
from spherical_gae.training.links.neighbor_batch import NeighborBatchRun
from tests.helpers.link_runs import make_model, small_split

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


class WholeNeighborhoods(BaseSampler):
    """All nodes within so many steps, and all links among them."""

    def __init__(self, edge_index: Tensor, num_nodes: int, num_steps: int) -> None:
        self.edge_index, self.num_nodes, self.num_steps = edge_index, num_nodes, num_steps

    def sample_from_nodes(self, *_: Any, **__: Any) -> SamplerOutput:
        raise NotImplementedError

    def sample_from_edges(self, inputs: EdgeSamplerInput, neg_sampling: Any = None) -> SamplerOutput:
        assert neg_sampling is None
        pairs = torch.stack([inputs.row, inputs.col])
        node, (row, col), _, edge_mask = k_hop_subgraph(
            pairs.unique(), self.num_steps, self.edge_index, relabel_nodes=True, num_nodes=self.num_nodes
        )
        places = torch.searchsorted(node, pairs)
        metadata = (inputs.input_id, places, None, None)
        return SamplerOutput(node, row, col, edge_mask.nonzero().flatten(), metadata=metadata)

    @property
    def edge_permutation(self) -> None:
        return None


def make_run(split: LinkSplit, num_steps: int = 3, preset: str = "paper", **settings: Any) -> NeighborBatchRun:
    """A GCN of two layers needs three steps: the degrees of nodes two steps away depend on the third."""
    sampler = WholeNeighborhoods(split.train.edge_index, split.train.num_nodes, num_steps)
    config = GAEConfig(**{"epochs": 2, "batch_size": 50} | settings)
    return NeighborBatchRun(make_model(split, preset, dropout=0.0), split, config, None, 0, CPU, sampler=sampler)


def test_whole_neighborhoods_give_the_scores_of_the_whole_graph(small: LinkSplit) -> None:
    run = make_run(small, preset="frontier")
    z = run.model.eval().encode(small.train.x, small.train.edge_index)
    degree = node_degree(small.train.edge_index, small.train.num_nodes)
    expected = run.model.test(z, small.val.pos_edge_label_index, small.val.neg_edge_label_index, degree=degree)
    assert run.score(small.val) == pytest.approx(expected, abs=1e-6)


def test_batch_is_a_subgraph_around_its_links(small: LinkSplit) -> None:
    run = make_run(small, num_steps=1)
    positives, negatives = small.val.pos_edge_label_index[:, :3], small.val.neg_edge_label_index[:, :2]
    batch = run.make_batch(positives, negatives)
    x, edge_index = batch.inputs
    for pairs, places in ((positives, batch.positives), (negatives, batch.negatives)):
        assert torch.equal(x[places], small.train.x[pairs])
    near, _, _, mask = k_hop_subgraph(
        torch.cat([positives, negatives], 1).unique(), 1, small.train.edge_index, num_nodes=small.train.num_nodes
    )
    assert torch.equal(x, small.train.x[near])
    assert edge_index.size(1) == int(mask.sum())


def test_trains(small: LinkSplit) -> None:
    run = make_run(small, epochs=5)
    while not run.is_finished:
        run.step()
    loss = run.history["loss"]
    assert loss[-1] < loss[0] - 0.1
    assert run.finish().test.auc > 0.87


def test_without_pyg_lib_the_error_says_what_to_do(small: LinkSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyg, "WITH_PYG_LIB", False)
    with pytest.raises(ImportError, match=r"GCNEncoder .* pyg-lib: install it .* PropagatedEncoder .* batch_size=0"):
        fit_gae(make_model(small), small, GAEConfig(1, batch_size=50), progress=False)


def test_encoder_whose_feature_neighbors_are_those_of_the_whole_graph_is_refused(small: LinkSplit) -> None:
    model = SphericalGAE(FeatureNeighborEncoder(small.train.num_features, (3, 1), (1,), (1,)))
    with pytest.raises(ValueError, match=r"^batch_size must be 0 with a FeatureNeighborEncoder, .* PropagatedEncoder"):
        fit_gae(model, small, GAEConfig(1, batch_size=50), progress=False)


def test_masks_and_weights_are_refused(small: LinkSplit) -> None:
    weighted = LinkSplit(*(part.clone() for part in small))
    weighted.train.edge_weight = torch.full((small.train.num_edges,), 2.0)
    with pytest.raises(ValueError, match="edge_weight must be None where neighbourhoods are sampled, got weights"):
        make_run(weighted)
    with pytest.raises(ValueError, match=r"mask_share must be 0 where neighbourhoods are sampled, got 0.2"):
        make_run(small, mask_share=0.2)
