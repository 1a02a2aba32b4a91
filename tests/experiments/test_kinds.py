import pytest
import torch
from torch_geometric.data import Data

from spherical_gae import DirectedGAE, score_links, split_links
from spherical_gae.data import aged_split, clean_graph, two_sides
from spherical_gae.data.sides import features_by_side
from spherical_gae.evaluation import auc_ap
from spherical_gae.experiments.kinds import check_kind, num_channels, prepared_split, undirected_split
from spherical_gae.experiments.links import model_inputs, train_once
from spherical_gae.experiments.presets import load_preset
from spherical_gae.training.links.masking import weight_of_links


def ring(directed: bool) -> Data:
    nodes = torch.arange(40)
    ahead = [torch.stack([nodes, (nodes + step) % 40]) for step in (1, 2, 3)]
    return clean_graph(Data(edge_index=torch.cat(ahead, dim=1)), directed=directed)


def test_only_directed_splits_become_covers() -> None:
    split = split_links(ring(directed=False))
    assert undirected_split(split) is split
    cover = undirected_split(split_links(ring(directed=True)))
    assert cover.train.double_cover
    assert cover.train.num_nodes == 80
    assert undirected_split(cover) is cover


def test_a_preset_trains_a_directed_split() -> None:
    split, preset = split_links(ring(directed=True)), load_preset("paper").with_changes(latent_dim=4, epochs=3)
    model, scores = train_once(split, preset, "n-vgae", 0, progress=False)
    inputs = model_inputs(undirected_split(split).train)
    positive, turned = (
        score_links(DirectedGAE(model), split.train, split.test[f"{name}_edge_label_index"], inputs=inputs)
        for name in ("pos", "reversed")
    )
    assert (scores["auc_reversed"], scores["ap_reversed"]) == auc_ap(positive, turned)


def test_features_by_side_are_for_presets_that_ask_for_them() -> None:
    data = ring(directed=False)
    data.edge_index = data.edge_index[:, data.edge_index.sum(0) % 2 == 1]
    data.side = two_sides(data)
    split, preset = split_links(data), load_preset("bipartite").with_changes(latent_dim=4, epochs=2)
    assert prepared_split(split, load_preset("frontier")) is split
    prepared = prepared_split(split, preset)
    for part, own in zip(prepared, split, strict=True):
        assert part.x is prepared.train.x
        assert torch.equal(part.x, features_by_side(own.x, data.side))
        assert torch.equal(part.pos_edge_label_index, own.pos_edge_label_index)
    assert num_channels(data, preset) == prepared.train.num_features == 2 * num_channels(data, load_preset("frontier"))
    model, scores = train_once(split, preset, "s-vgae", 0, progress=False)
    inputs, test = model_inputs(prepared.train), split.test
    positive, negative = (
        score_links(model, prepared.train, pairs, inputs=inputs)
        for pairs in (test.pos_edge_label_index, test.neg_edge_label_index)
    )
    assert (scores["auc"], scores["ap"]) == auc_ap(positive, negative)


def test_a_preset_for_two_sides_refuses_a_graph_of_one() -> None:
    with pytest.raises(ValueError, match=r"^preset: given one for bipartite graphs, .* two_sides\(data\) finds them"):
        train_once(split_links(ring(directed=False)), load_preset("bipartite"), "s-vgae", 0)


def test_a_half_life_weighs_links_by_their_age() -> None:
    data = ring(directed=False)
    preset = load_preset("frontier").with_changes(half_life=6.0)
    with pytest.raises(ValueError, match=r"half_life: given 6.0 for a graph without times, allowed: None, or a graph"):
        check_kind(data, preset)
    data.edge_time = (data.edge_index % 40).sum(0)
    split = split_links(data)
    prepared = prepared_split(split, preset)
    expected = aged_split(split, 6.0)
    for part, own in zip(prepared, expected, strict=True):
        assert torch.equal(part.edge_weight, own.edge_weight)
    # What the encoder sees in training, with some links hidden, has these weights too.
    graph = model_inputs(prepared.train)[1]
    assert torch.equal(weight_of_links(graph, prepared.train), prepared.train.edge_weight)
    assert weight_of_links(model_inputs(split.train)[1], split.train) is None


def test_a_half_life_of_directed_links() -> None:
    data = ring(directed=True)
    data.edge_time = torch.arange(data.num_edges)
    split = split_links(data)
    prepared = prepared_split(split, load_preset("paper").with_changes(half_life=30.0))
    assert torch.equal(prepared.train.edge_weight.chunk(2)[0], aged_split(split, 30.0).train.edge_weight)
