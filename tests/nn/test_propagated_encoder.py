from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from spherical_gae.nn import PropagatedEncoder, normalized_adjacency, propagate_features, sparse_features

NUM_NODES, WIDTH = 30, 150


def graph(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Features wider than a block of columns, and links in both directions."""
    generator = torch.Generator().manual_seed(seed)
    links = torch.randint(NUM_NODES, (2, 60), generator=generator)
    links = links[:, links[0] != links[1]].unique(dim=1)
    x = torch.rand(NUM_NODES, WIDTH, generator=generator, dtype=torch.float64)
    return x * (x > 0.9), torch.cat([links, links.flip(0)], dim=1).unique(dim=1)


def dense_adjacency(edge_index: Tensor) -> Tensor:
    matrix = torch.eye(NUM_NODES, dtype=torch.float64)
    matrix[edge_index[0], edge_index[1]] = 1
    scale = matrix.sum(1).rsqrt()
    return scale[:, None] * matrix * scale


@pytest.mark.parametrize("num_steps", [(0,), (1,), (2, 0), (0, 1, 3), (1, 1)])
@pytest.mark.parametrize("kind", ["dense", "sparse", "coo", "file"])
def test_blocks_are_powers_of_the_adjacency(num_steps: tuple[int, ...], kind: str, tmp_path: Path) -> None:
    x, edge_index = graph()
    given: Any = {"sparse": sparse_features(x), "coo": x.to_sparse_coo()}.get(kind, x)
    file = tmp_path / "rows" if kind == "file" else None
    rows = propagate_features(given, edge_index, num_steps, file)
    adjacency = dense_adjacency(edge_index)
    expected = torch.cat([torch.linalg.matrix_power(adjacency, k) @ x for k in num_steps], dim=1)
    torch.testing.assert_close(rows, expected)
    if file is not None:
        stored = torch.from_file(str(file), size=rows.numel(), dtype=rows.dtype)
        assert torch.equal(stored.view_as(rows), rows)


@pytest.mark.parametrize("hidden", [(), (7, 5)])
def test_rows_of_a_batch_are_the_rows_of_all(hidden: tuple[int, ...]) -> None:
    x, edge_index = graph()
    encoder = PropagatedEncoder(WIDTH, (4, 1), (0, 2), hidden).double()
    everything = encoder(x, edge_index)
    rows = encoder.precompute(x, normalized_adjacency(edge_index, NUM_NODES, x.dtype))
    nodes = torch.tensor([5, 0, 29, 5])
    for of_batch, of_all in zip(encoder(rows[nodes]), everything, strict=True):
        torch.testing.assert_close(of_batch, of_all[nodes])


def test_linear_map_commutes_with_the_propagation() -> None:
    """A-hat (X W) + b by dense algebra, from the encoder's own weights."""
    x, edge_index = graph()
    encoder = PropagatedEncoder(WIDTH, (4, 1), (1,)).double()
    weights = [(layer[0].weight, layer[0].bias) for layer in encoder.outputs]
    for found, (weight, bias) in zip(encoder(x, edge_index), weights, strict=True):
        torch.testing.assert_close(found, dense_adjacency(edge_index) @ (x @ weight.t()) + bias)


def test_dropout_in_training_only() -> None:
    x, edge_index = graph()
    encoder = PropagatedEncoder(WIDTH, (4,), dropout=0.5).double()
    rows = encoder.precompute(x, edge_index)
    (once,), (again,) = encoder(rows), encoder(rows)
    assert not torch.equal(once, again)
    encoder.eval()
    assert torch.equal(encoder(rows)[0], encoder(x, edge_index)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_steps": ()}, r"num_steps must be numbers of at least 0, at least one, got \(\)"),
        ({"num_steps": (1, -1)}, r"num_steps must be numbers of at least 0, at least one, got \(1, -1\)"),
        ({"out_channels": ()}, r"widths must be at least 1, .*out_channels=\(\)"),
        ({"in_channels": 0}, "widths must be at least 1, got in_channels=0"),
        ({"hidden_channels": (3, 0)}, r"hidden_channels=\(3, 0\)"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PropagatedEncoder(**{"in_channels": 5, "out_channels": (3, 1)} | arguments)


def test_a_longer_file_is_overwritten_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(bytes(400))
    x, edge_index = torch.tensor([[1.0], [3.0]]), torch.tensor([[0, 1], [1, 0]])
    rows = propagate_features(x, edge_index, (0,), path)
    assert torch.equal(rows, x)
    assert path.stat().st_size == 8


def test_learned_features_get_their_gradient() -> None:
    x, edge_index = graph()
    x.requires_grad_()
    num_steps = (0, 2, 1)
    encoder = PropagatedEncoder(WIDTH, (3, 1), num_steps).double()
    outputs = encoder(x, edge_index)
    torch.testing.assert_close(outputs, encoder(x.detach(), edge_index), rtol=1e-12, atol=1e-12)
    outputs[0].sum().backward()
    powers = [torch.linalg.matrix_power(dense_adjacency(edge_index), step) for step in num_steps]
    rows = torch.cat([power @ x.detach() for power in powers], dim=1).requires_grad_()
    encoder(rows)[0].sum().backward()
    assert rows.grad is not None
    parts = rows.grad.chunk(3, dim=1)
    expected = sum(power.t() @ part for power, part in zip(powers, parts, strict=True))
    torch.testing.assert_close(x.grad, expected, rtol=1e-10, atol=1e-12)


def test_half_precision_is_refused_before_the_file_is_touched(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_bytes(b"kept")
    with pytest.raises(ValueError, match=r"x: given torch.bfloat16, allowed: torch.float32 or torch.float64"):
        propagate_features(torch.ones(2, 1, dtype=torch.bfloat16), torch.tensor([[0, 1], [1, 0]]), (1,), file)
    assert file.read_bytes() == b"kept"
