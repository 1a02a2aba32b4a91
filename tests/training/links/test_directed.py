"""Training of a ``DirectedGAE``: it is that of an undirected model on the double cover."""

from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from spherical_gae import DirectedGAE, GAEConfig, fit_gae, score_links, split_links
from spherical_gae.data import LinkSplit, checked_split, clean_graph, cover_split
from spherical_gae.evaluation import auc_ap
from spherical_gae.experiments.links import model_inputs
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.models import VariationalGAE
from spherical_gae.training.links.all_links import train_on_all_links


@pytest.fixture(scope="module")
def split() -> LinkSplit:
    """Three blocks, links from each to the next."""
    generator = torch.Generator().manual_seed(0)
    source, target = torch.randint(90, (2, 2400), generator=generator)
    edges = torch.stack([source, target])[:, (source % 3 + 1) % 3 == target % 3]
    return split_links(clean_graph(Data(edge_index=edges, num_nodes=90), directed=True))


def undirected_model(split: LinkSplit, preset: str = "frontier", **changes: Any) -> VariationalGAE:
    settings = load_preset(preset).with_changes(latent_dim=8, dropout=0.5, **changes)
    return build_model(settings, "s-vgae", 2 * split.train.num_features)


# Slow, and with half of the features hidden: nodes are random to it, and what it can learn by heart it does at once.
CONFIG = GAEConfig(60, mask_share=0.15, learning_rate=0.005)


def test_test_links_are_held_against_themselves_turned_round_too(split: LinkSplit) -> None:
    model = DirectedGAE(undirected_model(split))
    result = fit_gae(model, split, CONFIG, progress=False)
    assert not model.training
    positive, negative, turned = (
        score_links(model, split.train, split.test[f"{name}_edge_label_index"]) for name in ("pos", "neg", "reversed")
    )
    assert result.test == auc_ap(positive, negative)
    assert result.test_reversed == auc_ap(positive, turned)
    # A third of the negatives lead from a block to the next, too: 5 / 6 is what knowing the blocks is worth.
    assert 0.8 < result.test.auc < 0.9
    assert result.test_reversed.auc > 0.95


def test_training_is_that_of_the_cover(split: LinkSplit) -> None:
    config = GAEConfig(3, mask_share=0.15)
    result = fit_gae(DirectedGAE(undirected_model(split)), split, config, progress=False)
    assert fit_gae(undirected_model(split), cover_split(split), config, progress=False) == result


def test_batches_train_it_too(split: LinkSplit) -> None:
    model = DirectedGAE(undirected_model(split, "scalable", num_steps=(0, 1, 2)))
    config = GAEConfig(20, batch_size=128, learning_rate=0.02)
    result = fit_gae(model, split, config, inputs=model_inputs(cover_split(split).train), progress=False)
    assert result.test.auc > 0.6
    assert result.test_reversed is not None
    assert result.test_reversed.auc > 0.7


def test_links_in_both_directions_only_have_no_column() -> None:
    edges = torch.combinations(torch.arange(12)).t()[:, ::2]
    both = clean_graph(Data(edge_index=torch.cat([edges, edges.flip(0)], 1), num_nodes=12), directed=True)
    split = split_links(both, 0.2, 0.2)
    result = fit_gae(DirectedGAE(undirected_model(split)), split, GAEConfig(2), progress=False)
    assert result.test_reversed is None


def test_a_model_of_the_other_kind_is_refused_before_any_work(split: LinkSplit) -> None:
    model = undirected_model(split)
    model.encoder.register_forward_hook(lambda *_: pytest.fail("encoded"))
    with pytest.raises(ValueError, match=r"^split must be undirected for SphericalGAE, got a directed one: take"):
        fit_gae(model, split, progress=False)
    with pytest.raises(ValueError, match=r"^train must be undirected for SphericalGAE, got a directed one"):
        train_on_all_links(model, split.train, GAEConfig(1), progress=False)
    undirected = split_links(clean_graph(split.train, directed=False))
    with pytest.raises(ValueError, match=r"^split must be directed for a DirectedGAE, got an undirected one: set data"):
        fit_gae(DirectedGAE(model), undirected, progress=False)


def test_reversed_pairs_out_of_range_are_refused(split: LinkSplit) -> None:
    test = split.test.clone()
    test.reversed_edge_label_index = test.reversed_edge_label_index + 80
    with pytest.raises(ValueError, match=r"^split.test.reversed_edge_label_index: given nodes \d+ to 1\d\d, allowed"):
        checked_split(split._replace(test=test))
