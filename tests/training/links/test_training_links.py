"""Links to predict that message passing does not see, and how often a node is an end of a negative."""

import copy

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from spherical_gae import GAEConfig
from spherical_gae.data import LinkSplit, clean_graph, split_links
from spherical_gae.data.kinds import negative_sampler
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.training.links.loop import make_run
from spherical_gae.training.links.training_links import all_training_links, end_weights, unlisted_links
from tests.helpers.link_runs import small_split

CPU = torch.device("cpu")


def half_seen(split: LinkSplit) -> LinkSplit:
    """Message passing sees every other training link."""
    train = copy.copy(split.train)
    train.edge_index = to_undirected(train.pos_edge_label_index[:, ::2])
    return LinkSplit(train, *split[1:])


def numbers(pairs: Tensor) -> Tensor:
    return pairs.amin(0) * 1000 + pairs.amax(0)


@pytest.mark.parametrize(("preset", "batch_size"), [("paper", 0), ("scalable", 100)])
def test_links_that_message_passing_does_not_see_are_no_negatives(preset: str, batch_size: int) -> None:
    split = half_seen(small_split())
    model = build_model(load_preset(preset).with_changes(latent_dim=8), "s-vgae", split.train.num_features)
    run = make_run(model, split, GAEConfig(2, batch_size=batch_size), None, 0, CPU)
    negatives = run.sampler.sample(200_000)
    assert not torch.isin(numbers(negatives), numbers(split.train.pos_edge_label_index)).any()
    with pytest.raises(ValueError, match="mask_share must be 0 where message passing does not see all links"):
        make_run(model, split, GAEConfig(2, batch_size=batch_size, mask_share=0.5), None, 0, CPU)


def test_all_links_are_those_of_message_passing_where_it_lists_them() -> None:
    split = small_split()
    assert all_training_links(split.train) is split.train.edge_index
    seen = half_seen(split).train
    assert unlisted_links(seen).size(1) == seen.pos_edge_label_index.size(1) // 2
    assert set(numbers(all_training_links(seen)).tolist()) == set(numbers(split.train.edge_index).tolist())


def bipartite() -> Data:
    """990 users and 10 items."""
    generator = torch.Generator().manual_seed(0)
    users, items = (torch.randint(count, (3000,), generator=generator) for count in (990, 10))
    ends = torch.stack([users, 990 + items])
    side = (torch.arange(1000) >= 990).long()
    return clean_graph(Data(edge_index=ends, num_nodes=1000, x=torch.rand(1000, 4), side=side))


def of_unequal_graphs() -> Data:
    """A ring of 900 nodes, and 60 nodes of which every second pair is linked."""
    ring = torch.arange(900)
    dense = 900 + torch.combinations(torch.arange(60))[::2].t()
    links = torch.cat([torch.stack([ring, (ring + 1) % 900]), dense], dim=1)
    batch = (torch.arange(960) >= 900).long()
    return clean_graph(Data(edge_index=links, num_nodes=960, x=torch.rand(960, 4), batch=batch))


@pytest.mark.parametrize("make", [bipartite, of_unequal_graphs])
def test_weighted_mean_over_the_ends_of_negatives_is_that_over_the_nodes(make: type) -> None:
    train = split_links(make()).train
    kinds = train.side if "side" in train else train.batch
    sampler = negative_sampler(train)
    weight = end_weights(train, sampler)
    assert weight is not None
    ends = sampler.sample(200_000, torch.Generator().manual_seed(0))
    of_nodes = torch.where(kinds == 1, 10.0, 0.5)
    plain, weighted = of_nodes[ends].mean(), (weight * of_nodes)[ends].mean()
    assert weighted.item() == pytest.approx(of_nodes.mean().item(), rel=0.02)
    assert abs(plain - of_nodes.mean()) > 3


def test_one_graph_of_one_kind_needs_no_weights() -> None:
    train = small_split().train
    assert end_weights(train, negative_sampler(train)) is None
