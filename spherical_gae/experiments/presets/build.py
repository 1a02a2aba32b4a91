"""The model of a preset."""

from __future__ import annotations

import torch
from torch import nn

from spherical_gae.experiments.latents import make_graph_head
from spherical_gae.experiments.names import METHODS
from spherical_gae.experiments.presets.settings import Preset
from spherical_gae.models.graph import NormalGAE, SphericalGAE, VariationalGAE
from spherical_gae.nn.decoders import FactorInnerProductDecoder, HadamardDecoder, InnerProductDecoder
from spherical_gae.nn.degree_bias import DegreeBiasedDecoder
from spherical_gae.nn.encoders import BatchNormPropagationEncoder, GCNEncoder, NormalizedPropagationEncoder
from spherical_gae.nn.feature_neighbor_encoder import FeatureNeighborEncoder
from spherical_gae.nn.heads import NormalHead
from spherical_gae.nn.path_decoder import ThreePathDecoder
from spherical_gae.nn.propagated_encoder import PropagatedEncoder


def build_model(preset: Preset, method: str, in_channels: int, seed: int = 0) -> VariationalGAE:
    """Makes a model with freshly drawn weights; torch's global generator is left as it was.

    Args:
        preset: The settings.
        method: ``"s-vgae"`` or ``"n-vgae"``.
        in_channels: Number of node features.
        seed: Seed of the initial weights.

    Raises:
        ValueError: If the method is unknown.

    Example:
        >>> from spherical_gae.experiments import load_preset
        >>> model = build_model(load_preset("paper"), "s-vgae", in_channels=32)
        >>> type(model).__name__
        'SphericalGAE'
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would reseed the accelerators as well.
        torch.default_generator.manual_seed(seed)
        if method == "n-vgae":
            encoder = _encoder(preset, in_channels, NormalHead().parameter_widths(preset.latent_dim))
            return NormalGAE(encoder, None if preset.normal_decoder == "plain" else _decoder(preset, 1))
        if preset.latent != "s":
            head = make_graph_head(
                preset.latent, preset.min_concentration, preset.num_factors, preset.initial_concentration
            )
            encoder = _encoder(preset, in_channels, head.parameter_widths(preset.latent_dim))
            return SphericalGAE(encoder, _decoder(preset, preset.num_factors), head=head)
        return SphericalGAE(
            _encoder(preset, in_channels, (preset.latent_dim, preset.num_factors)),
            _decoder(preset, preset.num_factors),
            min_concentration=preset.min_concentration,
            num_factors=preset.num_factors,
            initial_concentration=preset.initial_concentration,
        )


def _encoder(preset: Preset, in_channels: int, widths: tuple[int, ...]) -> nn.Module:
    if preset.encoder == "gcn":
        return GCNEncoder(in_channels, preset.hidden_channels, widths, preset.dropout)
    if preset.encoder == "propagation":
        return NormalizedPropagationEncoder(in_channels, widths, preset.num_steps, preset.dropout)
    if preset.encoder == "feature neighbors":
        steps = preset.num_steps, preset.num_feature_steps
        return FeatureNeighborEncoder(in_channels, widths, *steps, preset.num_neighbors, preset.dropout)
    if preset.encoder == "propagated features":
        return PropagatedEncoder(in_channels, widths, preset.num_steps, dropout=preset.dropout)
    return BatchNormPropagationEncoder(in_channels, widths, preset.dropout)


def _decoder(preset: Preset, num_factors: int) -> nn.Module:
    decoder: nn.Module
    if preset.decoder == "hadamard":
        decoder = HadamardDecoder(preset.latent_dim)
    elif num_factors == 1:
        decoder = InnerProductDecoder(preset.decoder_scale)
    else:
        decoder = FactorInnerProductDecoder(num_factors, preset.decoder_scale / num_factors)
    if preset.degree_buckets > 0:
        decoder = DegreeBiasedDecoder(decoder, preset.degree_buckets, preset.isolated_bucket)
    return ThreePathDecoder(decoder) if preset.three_paths else decoder
