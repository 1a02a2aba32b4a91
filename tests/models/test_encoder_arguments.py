"""What duck typing would let through is refused by name, before any work."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data, HeteroData

from spherical_gae.data import split_links
from spherical_gae.data.splits import LinkSplit
from spherical_gae.models import SphericalGAE
from spherical_gae.models.encoder_arguments import check_arguments, check_features
from spherical_gae.nn import GCNEncoder
from spherical_gae.training import GAEConfig, fit_gae


@pytest.fixture(scope="module")
def graph() -> Data:
    ends = torch.randint(0, 30, (2, 90), generator=torch.Generator().manual_seed(0))
    return Data(x=torch.ones(30, 4), edge_index=torch.cat([ends, ends.flip(0)], dim=1))


@pytest.fixture
def model() -> SphericalGAE:
    torch.manual_seed(0)
    return SphericalGAE(GCNEncoder(4, 8, (3, 1)))


def hetero() -> HeteroData:
    data = HeteroData()
    data["user"].x, data["film"].x = torch.ones(2, 3), torch.ones(2, 3)
    data["user", "rates", "film"].edge_index = torch.tensor([[0, 1], [1, 0]])
    return data


ONE_OUTPUT = "must return a tuple of tensors, one for each parameter of the head, got one tensor"


class OneOutput(nn.Module):
    """As the encoder of PyG's GAE."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.linear(x)


def with_x(graph: Data, x: Any) -> LinkSplit:
    split = split_links(graph)
    for part in split:
        part.x = x
    return split


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m, g: m.encode(g.x.numpy(), g.edge_index),
            TypeError,
            r"encode: given a NumPy array of shape \[30, 4\]",
        ),
        (lambda m, g: m.encode(g.x, g.edge_index.numpy()), TypeError, "encode: given a NumPy array.*torch.from_numpy"),
        (lambda m, g: m(g.x, edge_index=g.edge_index.numpy()), TypeError, "encode: given a NumPy array"),
        (lambda m, g: m.encode(hetero()), TypeError, "encode must be .* got HeteroData with links .*'rates'"),
        (lambda m, g: m.posterior(hetero(), g.edge_index), TypeError, "got HeteroData"),
        (lambda m, g: SphericalGAE(OneOutput()).encode(g.x, g.edge_index), ValueError, ONE_OUTPUT),
    ],
)
def test_encode(
    graph: Data, model: SphericalGAE, call: Callable[[SphericalGAE, Data], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(model, graph)


@pytest.mark.parametrize(
    ("split", "inputs", "error", "message"),
    [
        (lambda g: g, None, TypeError, "split must be a LinkSplit, got Data: make one by split_links"),
        (lambda g: hetero(), None, TypeError, "split must be a LinkSplit, got HeteroData"),
        (lambda g: LinkSplit(*[hetero()] * 3), None, TypeError, r"split\.train must be .* got HeteroData"),
        (
            lambda g: with_x(g, np.ones((30, 4))),
            None,
            TypeError,
            r"split\.train\.x must be a tensor, got a NumPy array",
        ),
        (lambda g: with_x(g, torch.full((30, 4), torch.nan)), None, ValueError, r"x: given nan at \[0, 0\]"),
        (lambda g: with_x(g, torch.full((30, 4), torch.inf)), None, ValueError, r"x: given inf at \[0, 0\]"),
        (split_links, lambda g: (np.ones((30, 4)), g.edge_index), TypeError, "inputs: given a NumPy array"),
        (split_links, lambda g: (g.x * torch.nan, g.edge_index), ValueError, r"inputs\[0\]: given nan at \[0, 0\]"),
    ],
)
def test_fit_gae(
    graph: Data, model: SphericalGAE, split: Any, inputs: Any, error: type[Exception], message: str
) -> None:
    """Refused before the first epoch: the weights are as they were."""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(error, match=message):
        fit_gae(
            model,
            split(graph),
            GAEConfig(epochs=1),
            inputs=None if inputs is None else inputs(graph),
            progress=False,
        )
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_encoder_of_one_output_is_refused_by_fit_gae(graph: Data) -> None:
    with pytest.raises(ValueError, match=ONE_OUTPUT):
        fit_gae(SphericalGAE(OneOutput()), split_links(graph), GAEConfig(epochs=1), progress=False)


@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_numbers_of_sparse_features_are_looked_at(layout: str) -> None:
    x = torch.eye(3)
    for value, is_right in ((2.0, True), (torch.nan, False), (torch.inf, False)):
        x[1, 2] = value
        sparse = x.to_sparse() if layout == "coo" else x.to_sparse_csr()
        if is_right:
            check_features(sparse)
        else:
            with pytest.raises(ValueError, match=f"x: given {value} in a sparse matrix, allowed: finite numbers"):
                check_features(sparse)


def test_what_is_no_tensor_of_numbers_is_not_looked_at() -> None:
    check_features("anything")
    check_features(torch.arange(3))
    check_features(torch.empty(0, 3))
    check_arguments([torch.ones(2), None, {"a": 1}, Data()])
