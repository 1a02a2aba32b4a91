"""Presets: the settings of a link prediction model as data, one JSON file each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from importlib import resources
from typing import Any

import torch
from torch import nn

from spherical_gae.models.graph import NormalGAE, SphericalGAE, VariationalGAE
from spherical_gae.nn.decoders import InnerProductDecoder
from spherical_gae.nn.encoders import GCNEncoder, NormalizedPropagationEncoder

METHODS = ("s-vgae", "n-vgae")
ENCODERS = ("gcn", "propagation")


@dataclass(frozen=True)
class Preset:
    """Settings of a link prediction model and of its training.

    Attributes:
        description: One line for a reader.
        encoder: ``"gcn"`` or ``"propagation"``.
        latent_dim: Coordinates of an embedding, m >= 2: the S-VGAE's sphere is S^(m-1) in R^m.
        dropout: Dropout in the encoder, in [0, 1).
        epochs: Number of epochs.
        learning_rate: Adam's learning rate.
        kl_weight: Weight of the KL term, see ``FitConfig``.
        min_concentration: Smallest concentration of the S-VGAE.
        decoder_scale: Initial scale of the S-VGAE's decoder; the N-VGAE's is a plain inner product.
        hidden_channels: Hidden width of the GCN.
        num_steps: Propagation steps of the ``"propagation"`` encoder.

    Raises:
        ValueError: If the encoder is unknown or ``latent_dim`` is below 2.
    """

    description: str
    encoder: str
    latent_dim: int
    dropout: float
    epochs: int
    learning_rate: float
    kl_weight: float
    min_concentration: float
    decoder_scale: float
    hidden_channels: int = 32
    num_steps: int = 1

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            raise ValueError(f"encoder must be one of {', '.join(ENCODERS)}, got {self.encoder!r}")
        if self.latent_dim < 2:
            raise ValueError(f"latent_dim must be at least 2, got {self.latent_dim}")

    def with_changes(self, **changes: Any) -> Preset:
        """Returns a copy with every change that is not None."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        return asdict(self)


def available_presets() -> list[str]:
    """Names of the presets, sorted."""
    files = resources.files(__package__).iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def load_preset(name: str) -> Preset:
    """Reads a preset.

    Args:
        name: One of ``available_presets()``.

    Raises:
        ValueError: If there is no such preset.
    """
    if name not in available_presets():
        raise ValueError(f"preset must be one of {', '.join(available_presets())}, got {name!r}")
    return Preset(**json.loads((resources.files(__package__) / f"{name}.json").read_text()))


def build_model(preset: Preset, method: str, in_channels: int, seed: int = 0) -> VariationalGAE:
    """Makes a model with freshly drawn weights; torch's global generator is left as it was.

    Args:
        preset: The settings.
        method: ``"s-vgae"`` or ``"n-vgae"``.
        in_channels: Number of node features.
        seed: Seed of the initial weights.

    Raises:
        ValueError: If the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    m = preset.latent_dim
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would reseed the accelerators as well.
        torch.default_generator.manual_seed(seed)
        if method == "n-vgae":
            return NormalGAE(_build_encoder(preset, in_channels, (m, m)))
        return SphericalGAE(
            _build_encoder(preset, in_channels, (m, 1)),
            InnerProductDecoder(scale=preset.decoder_scale),
            min_concentration=preset.min_concentration,
        )


def _build_encoder(preset: Preset, in_channels: int, widths: tuple[int, int]) -> nn.Module:
    if preset.encoder == "gcn":
        return GCNEncoder(in_channels, preset.hidden_channels, widths, preset.dropout)
    return NormalizedPropagationEncoder(in_channels, widths, preset.num_steps, preset.dropout)
