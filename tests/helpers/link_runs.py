"""Small splits, models and runs of training on links, for the tests of several files."""

import copy
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import subgraph

from spherical_gae import GAEConfig, fit_gae, load_graph, split_links
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.links import model_inputs
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.models import VariationalGAE
from spherical_gae.training import GAEResult

EPOCHS = 60

Outcome = tuple[dict[str, Tensor], GAEResult]


class StopHereError(Exception):
    pass


def small_split(seed: int = 0) -> LinkSplit:
    """The first 400 digits: an epoch takes milliseconds."""
    data = load_graph("digits")
    edge_index, _ = subgraph(torch.arange(400), data.edge_index)
    return split_links(Data(x=data.x[:400], y=data.y[:400], edge_index=edge_index), seed=seed)


def make_model(split: LinkSplit, preset: str = "paper", method: str = "s-vgae", **changes: Any) -> VariationalGAE:
    settings = load_preset(preset).with_changes(latent_dim=8, **changes)
    return build_model(settings, method, split.train.num_features)


def train(split: LinkSplit, model: VariationalGAE | None = None, **arguments: Any) -> Outcome:
    """Weights and result; the model has dropout, and so more randomness to get wrong."""
    model = model or make_model(split)
    arguments = {"config": GAEConfig(EPOCHS), "inputs": model_inputs(split.train), "progress": False} | arguments
    result = fit_gae(model, split, arguments.pop("config"), **arguments)
    return copy.deepcopy(model.state_dict()), result


def assert_identical(first: Outcome, second: Outcome) -> None:
    assert first[1] == second[1]
    assert first[0].keys() == second[0].keys()
    assert all(torch.equal(first[0][name], second[0][name]) for name in first[0])


def stop_at(model: VariationalGAE, call: int) -> None:
    """Makes the encoder raise at its ``call``-th call; an epoch takes two, for training and validation."""
    calls = iter(range(1, call + 1))

    def raise_there(*_: Any) -> None:
        if next(calls) == call:
            raise StopHereError

    model.encoder.register_forward_hook(raise_there)
