"""Training with hard negatives: what the loss is, and what it asks for."""

import math
from pathlib import Path

import pytest
import torch

from spherical_gae import GAEConfig
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.links import gae_config
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.models import VariationalGAE
from spherical_gae.nn import PropagatedEncoder
from spherical_gae.training.links.full_batch import FullBatchRun
from spherical_gae.training.links.loop import kind_of_run
from tests.helpers.link_runs import StopHereError, assert_identical, make_model, small_split, stop_at, train


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


def make_ranking_model(small: LinkSplit) -> VariationalGAE:
    """The preset's model with four coordinates for each factor."""
    preset = load_preset("ranking").with_changes(latent_dim=24)
    return build_model(preset, "s-vgae", small.train.num_features)


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_loss_of_a_model_that_cannot_tell_nodes_apart(small: LinkSplit, weight: float) -> None:
    """All cosines are 1, so that every log-odds is 5: the link may be any of the k + 1 in its list."""
    model = make_model(small, dropout=0.0, latent="f")
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.zero_()
    _, result = train(small, model, config=GAEConfig(1, hard_negatives=7, ranking_weight=weight))
    uniform = math.log1p(math.exp(-5)) + math.log1p(math.exp(5))
    assert result.history["loss"][0] == pytest.approx((1 - weight) * uniform + weight * math.log(8), rel=1e-5)


def test_interrupted_run_is_resumed_bit_for_bit(small: LinkSplit, tmp_path: Path) -> None:
    preset = load_preset("ranking").with_changes(epochs=30)
    config = gae_config(preset)
    assert (config.hard_negatives, config.ranking_weight) == (preset.hard_negatives, preset.ranking_weight)

    changed = {"config": config}
    whole = train(small, make_ranking_model(small), **changed)
    stopped = make_ranking_model(small)
    stop_at(stopped, 55)
    with pytest.raises(StopHereError):
        train(small, stopped, checkpoint=tmp_path / "run.ckpt", **changed)
    resumed = train(small, make_ranking_model(small), checkpoint=tmp_path / "run.ckpt", **changed)
    assert_identical(whole, resumed)


def test_other_kinds_of_graphs_refuse_them(small: LinkSplit) -> None:
    parts = LinkSplit(*(part.clone() for part in small))
    parts.train.batch = (torch.arange(400) > 398).long()
    with pytest.raises(ValueError, match="hard_negatives must be 0 for directed and bipartite graphs"):
        FullBatchRun(make_ranking_model(small), parts, GAEConfig(1, hard_negatives=8), None, 0, torch.device("cpu"))


def test_batches_refuse_them() -> None:
    encoder = PropagatedEncoder(4, (3, 1))
    with pytest.raises(ValueError, match="hard_negatives must be 0 in batches of links, got 8"):
        kind_of_run(encoder, GAEConfig(batch_size=10, hard_negatives=8), num_links=100, is_weighted=False)
