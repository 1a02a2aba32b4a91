import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from spherical_gae import GAEConfig
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.links import model_inputs
from tests.helpers.link_runs import EPOCHS, StopHereError, assert_identical, make_model, small_split, stop_at, train


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


def test_validation_and_test_links_are_not_seen(small: LinkSplit) -> None:
    """With the labels of both parts swapped, every loss is the same, and every score the other way round."""
    swapped = LinkSplit(*(part.clone() for part in small))
    for part in swapped[1:]:
        positives, negatives = part.pos_edge_label_index, part.neg_edge_label_index
        part.pos_edge_label_index, part.neg_edge_label_index = negatives, positives
    _, result = train(small, config=GAEConfig(10))
    _, other = train(swapped, config=GAEConfig(10))
    assert other.history["loss"] == result.history["loss"]
    assert other.history["val_auc"] == pytest.approx([1 - auc for auc in result.history["val_auc"]], abs=1e-12)
    assert result.test_last.auc > 0.8
    assert other.test_last.auc == pytest.approx(1 - result.test_last.auc, abs=1e-12)


def test_split_is_left_as_it_was(small: LinkSplit) -> None:
    before = [part.to_dict() for part in small]
    copies = copy.deepcopy(before)
    train(small, config=GAEConfig(1))
    for part, expected in zip(small, copies, strict=True):
        assert all(torch.equal(part[key], value) for key, value in expected.items() if isinstance(value, Tensor))


def test_kl_term_is_the_mean_over_nodes_divided_by_their_number(small: LinkSplit) -> None:
    model = make_model(small, dropout=0.0)
    with torch.no_grad():
        expected = float(model.kl_loss(model.posterior(small.train.x, small.train.edge_index))) / 400
    losses = []
    for weight in (0.0, 1000.0):
        config = GAEConfig(1, kl_weight=weight)
        _, result = train(small, make_model(small, dropout=0.0), config=config)
        losses += result.history["loss"]
    assert (losses[1] - losses[0]) / 1000 == pytest.approx(expected, rel=1e-5)


def test_fresh_negatives_each_epoch_as_many_as_links(small: LinkSplit) -> None:
    model = make_model(small)
    seen: list[Tensor] = []
    model.decoder.register_forward_hook(lambda module, inputs, _: seen.append(inputs[1]) if module.training else None)
    train(small, model, config=GAEConfig(3))
    positives, negatives = seen[::2], seen[1::2]
    links = small.train.pos_edge_label_index
    assert all(torch.equal(pairs, links) for pairs in positives)
    assert [pairs.shape for pairs in negatives] == [links.shape] * 3
    assert not torch.equal(negatives[0], negatives[1])
    linked = {tuple(pair) for pair in small.train.edge_index.t().tolist()}
    assert not linked & {tuple(pair) for pairs in negatives for pair in pairs.t().tolist()}


def test_inputs_go_to_the_encoder(small: LinkSplit) -> None:
    class Scaled(nn.Module):
        def __init__(self, encoder: nn.Module) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, factor: float, x: Tensor, edge_index: Tensor) -> tuple[Tensor, ...]:
            return self.encoder(factor * x, edge_index)

    model = make_model(small)
    model.encoder = Scaled(model.encoder)
    scaled = train(small, model, inputs=(2.0, small.train.x, small.train.edge_index), config=GAEConfig(3))
    doubled = LinkSplit(*(part.clone() for part in small))
    doubled.train.x = 2.0 * small.train.x
    assert scaled[1] == train(doubled, inputs=None, config=GAEConfig(3))[1]


def as_pairs(links: Tensor) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in links.t().tolist()}


@pytest.mark.parametrize("sparse", [True, False])
def test_masked_training_predicts_what_the_encoder_does_not_see(
    small: LinkSplit, sparse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(small, "frontier", dropout=0.0)
    seen: list[set[tuple[int, int]]] = []
    predicted: list[tuple[Tensor, Tensor]] = []
    degrees: list[Tensor] = []

    def see(module: nn.Module, arguments: tuple[Any, Any], _: Any) -> None:
        graph = arguments[1]
        pairs = graph if isinstance(graph, Tensor) else graph.to_dense().nonzero().t()
        seen.append({pair for pair in as_pairs(pairs) if pair[0] != pair[1]})

    def predict(z: Tensor, positives: Tensor, negatives: Tensor, degree: Tensor) -> Tensor:
        predicted.append((positives, negatives))
        degrees.append(degree)
        return type(model).recon_loss(model, z, positives, negatives, degree=degree)

    model.encoder.register_forward_hook(see)
    monkeypatch.setattr(model, "recon_loss", predict)
    config = GAEConfig(3, mask_share=0.2, negatives_per_link=3)
    train(small, model, config=config, inputs=model_inputs(small.train) if sparse else None)
    everything = as_pairs(small.train.edge_index)
    num_hidden = round(0.2 * len(everything))
    for visible, (positives, negatives), degree in zip(seen[:-2:2], predicted, degrees, strict=True):
        assert visible.isdisjoint(as_pairs(positives))
        assert visible | as_pairs(positives) == everything
        assert positives.size(1) == num_hidden
        assert negatives.size(1) == 3 * num_hidden
        assert as_pairs(negatives).isdisjoint(everything)
        assert degree.sum() == 2 * len(visible)
    assert as_pairs(predicted[0][0]) != as_pairs(predicted[1][0])
    # Validation and test see all training links.
    assert all(visible == everything for visible in (*seen[1::2], seen[-1]))


@pytest.mark.slow
def test_masked_training_resumes_bit_for_bit(small: LinkSplit, tmp_path: Path) -> None:
    config = GAEConfig(EPOCHS, mask_share=0.15, negatives_per_link=2)
    expected = train(small, make_model(small, "frontier"), config=config)
    model = make_model(small, "frontier")
    stop_at(model, 2 * 40)
    with pytest.raises(StopHereError):
        train(small, model, config=config, checkpoint=tmp_path / "run.ckpt")
    resumed = train(small, make_model(small, "frontier"), config=config, checkpoint=tmp_path / "run.ckpt")
    assert_identical(resumed, expected)


def test_sparse_inputs_train_as_the_default_ones(small: LinkSplit) -> None:
    """Without dropout, whose masks differ, only the order of sums does."""
    _, default = train(small, make_model(small, dropout=0.0), inputs=None, config=GAEConfig(5))
    _, sparse = train(small, make_model(small, dropout=0.0), config=GAEConfig(5))
    assert sparse.history["loss"] == pytest.approx(default.history["loss"], rel=1e-3)
