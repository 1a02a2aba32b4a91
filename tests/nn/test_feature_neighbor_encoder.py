from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from spherical_gae import GAEConfig, SphericalGAE, fit_gae, load_graph, split_links
from spherical_gae.data import feature_neighbors
from spherical_gae.nn import (
    FeatureNeighborEncoder,
    NeighborFeatures,
    NormalizedPropagationEncoder,
    SparseMatrix,
    feature_neighbor_encoder,
    normalized_adjacency,
)

NUM_NODES, NUM_FEATURES = 30, 12
STEPS: tuple[tuple[int, ...], tuple[int, ...]] = (0, 2, 1, 0), (0, 0, 1, 3)


@pytest.fixture
def graph() -> tuple[Tensor, Tensor]:
    """Non-negative features and directed links; the last nodes have no links."""
    torch.manual_seed(0)
    return torch.rand(NUM_NODES, NUM_FEATURES), torch.randint(NUM_NODES - 3, (2, 80))


def make(steps: Sequence[int], feature_steps: Sequence[int], **options: Any) -> FeatureNeighborEncoder:
    torch.manual_seed(1)
    widths = (3 * len(steps), len(steps))
    encoder = FeatureNeighborEncoder(NUM_FEATURES, widths, steps, feature_steps, **{"num_neighbors": 4} | options)
    for layer in encoder.outputs:
        assert isinstance(layer, nn.Linear)
        nn.init.normal_(layer.bias)
    return encoder


def test_by_the_formula(graph: tuple[Tensor, Tensor]) -> None:
    x, edge_index = graph
    encoder = make(*STEPS)
    links = normalized_adjacency(edge_index, NUM_NODES).to_dense()
    similar = normalized_adjacency(feature_neighbors(x, 4), NUM_NODES).to_dense()
    direction, concentration = (layer(x) for layer in encoder.outputs)
    for parameter, raw in zip(encoder(x, edge_index), (direction, concentration), strict=True):
        width = raw.size(1) // 4
        assert parameter.shape == raw.shape
        for k, (steps, feature_steps) in enumerate(zip(*STEPS, strict=True)):
            block = raw[:, k * width : (k + 1) * width]
            if width > 1:
                block = block / block.norm(dim=1, keepdim=True)
            for _ in range(feature_steps):
                block = similar @ block
            for _ in range(steps):
                block = links @ block
            torch.testing.assert_close(parameter[:, k * width : (k + 1) * width], block)


def test_without_feature_steps_it_is_its_parent(graph: tuple[Tensor, Tensor]) -> None:
    x, edge_index = graph
    encoder = make((0, 1, 3), (0, 0, 0))
    parent = NormalizedPropagationEncoder(NUM_FEATURES, (9, 3), (0, 1, 3))
    parent.load_state_dict(encoder.state_dict())
    for output, expected in zip(encoder(x, edge_index), parent(x, edge_index), strict=True):
        assert torch.equal(output, expected)


def test_isolated_nodes_are_embedded_with_those_of_similar_words(graph: tuple[Tensor, Tensor]) -> None:
    """Without feature neighbours, an isolated node's direction is that of its own words, whatever the steps."""
    x, edge_index = graph
    own = make((0, 2), (0, 0))(x, edge_index)[0][-1]
    torch.testing.assert_close(own[3:] / own[3:].norm(), make((0, 0), (0, 0))(x, edge_index)[0][-1, 3:])
    with_neighbors = make((0, 2), (0, 1))(x, edge_index)[0][-1]
    assert torch.equal(with_neighbors[:3], own[:3])
    turned = with_neighbors[3:] / with_neighbors[3:].norm() - own[3:] / own[3:].norm()
    assert turned.norm() > 0.05


def test_prepared_and_sparse_inputs_are_the_same(graph: tuple[Tensor, Tensor]) -> None:
    x, edge_index = graph
    x = x * (x > 0.5)
    encoder = make(*STEPS)
    expected = encoder(x, edge_index)
    for given in (encoder.prepare(x), encoder.prepare(SparseMatrix(x)), SparseMatrix(x), x.to_sparse()):
        torch.testing.assert_close(encoder(given, normalized_adjacency(edge_index, NUM_NODES)), expected)


def test_training_searches_the_neighbors_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searches = []

    def counted(x: Tensor, k: int) -> Tensor:
        searches.append(k)
        return feature_neighbors(x, k)

    monkeypatch.setattr(feature_neighbor_encoder, "feature_neighbors", counted)
    split = split_links(load_graph("digits"), seed=0)
    encoder = FeatureNeighborEncoder(split.train.num_features, (6, 2), (1, 1), (0, 1), num_neighbors=3)
    model = SphericalGAE(encoder, num_factors=2)
    result = fit_gae(model, split, GAEConfig(epochs=3, mask_share=0.2), progress=False)
    assert searches == [3]
    # The same scores from features as they are.
    z = model.encode(split.train.x, split.train.edge_index)
    scores = model.test(z, split.test.pos_edge_label_index, split.test.neg_edge_label_index)
    assert scores == pytest.approx(result.test)
    prepared = encoder.prepare(split.train.x)
    assert isinstance(prepared, NeighborFeatures)
    fit_gae(model, split, GAEConfig(epochs=1), inputs=(prepared, split.train.edge_index), progress=False)
    assert len(searches) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feature_steps": (1,)}, r"num_feature_steps must be as many as num_steps, 2, each at least 0, got \(1,\)"),
        ({"feature_steps": (0, -1)}, r"num_feature_steps must be .*, got \(0, -1\)"),
        ({"feature_steps": ()}, r"num_feature_steps must be .*, got \(\)"),
        ({"num_neighbors": 0}, "num_neighbors must be at least 1, got 0"),
        ({"steps": (1, -1)}, r"num_steps must be at least 0, one or several, got \(1, -1\)"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**{"steps": (1, 2), "feature_steps": (0, 1)} | options)
