"""Presets: the settings of a link prediction model as data, one JSON file each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from importlib import resources
from typing import Any

from spherical_gae.data.half_life import check_half_life
from spherical_gae.experiments.names import FACTOR_LATENTS, GRAPH_LATENTS
from spherical_gae.nn.initial_concentration import InitialConcentration, check_initial_concentration

ENCODERS = ("gcn", "propagation", "feature neighbors", "batch-norm propagation", "propagated features")
DECODERS = ("inner product", "hadamard")


@dataclass(frozen=True)
class Preset:
    """Settings of a link prediction model and of its training.

    Attributes:
        description: One line for a reader.
        encoder: ``"gcn"``, ``"propagation"``, ``"feature neighbors"``, ``"batch-norm propagation"`` or
            ``"propagated features"``.
        latent_dim: Coordinates of an embedding, at least 2 for each factor: a sphere of m coordinates is S^(m-1).
        dropout: Dropout in the encoder, in [0, 1).
        epochs: Number of epochs.
        learning_rate: Adam's learning rate.
        kl_weight: Weight of the KL term, see ``GAEConfig``.
        min_concentration: Smallest concentration of the S-VGAE.
        initial_concentration: Where it starts, see ``SphericalGAE``.
        decoder_scale: Initial scale of the inner product; on a product of spheres the sum of the factors' scales.
        hidden_channels: Hidden width of the GCN.
        num_steps: Propagation steps of the ``"propagation"`` and ``"feature neighbors"`` encoders: one number, or one
            for each block of the latent, for instance for each factor.  Of ``"propagated features"``: those that a
            node sees, side by side.
        num_feature_steps: Steps of the ``"feature neighbors"`` encoder among these, as many as ``num_steps``.
        num_neighbors: Number of a node's feature neighbours.
        features_by_side: Whether the features of a bipartite graph are others on each side, see ``features_by_side``.
        num_factors: Number of spheres that the S-VGAE's latent is a product of.
        latent: Distribution of the S-VGAE's latents: ``"s"`` for von Mises-Fisher, ``"f"`` for a direction without
            noise, ``"plain"`` for a vector without noise that is not normalised; on one sphere also ``"p"`` for
            projected normal, ``"ps"`` for Power Spherical, ``"sc"`` for spherical Cauchy.
        decoder: ``"inner product"`` or ``"hadamard"``.
        degree_buckets: Number of learned biases by degree, see ``DegreeBias``; 0 for none.
        isolated_bucket: Whether isolated nodes have a bias of their own.
        three_paths: Whether the decoder sees the paths of three links between two nodes, see ``ThreePathDecoder``.
        mask_share: See ``GAEConfig``.
        negatives_per_link: See ``GAEConfig``.
        hard_negatives: See ``GAEConfig``.
        ranking_weight: See ``GAEConfig``.
        batch_size: See ``GAEConfig``.
        remask_every: See ``GAEConfig``.
        half_life: Age at which a link counts half in message passing, in the unit of the graph's times, see
            :func:`~spherical_gae.data.ageing.aged_split`; None where all links count the same.
        normal_decoder: The N-VGAE's decoder: ``"plain"`` for the inner product of Kipf & Welling with nothing to
            learn, ``"same"`` for the S-VGAE's (of one factor).

    Raises:
        ValueError: If a name is unknown, or ``latent_dim`` and ``num_factors`` do not fit.

    Example:
        >>> from spherical_gae.experiments import load_preset
        >>> load_preset("paper").with_changes(epochs=10).epochs
        10
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
    initial_concentration: InitialConcentration = "paper"
    hidden_channels: int = 32
    num_steps: tuple[int, ...] = (1,)
    num_feature_steps: tuple[int, ...] = ()
    num_neighbors: int = 20
    features_by_side: bool = False
    num_factors: int = 1
    latent: str = "s"
    decoder: str = "inner product"
    degree_buckets: int = 0
    isolated_bucket: bool = True
    three_paths: bool = False
    mask_share: float = 0.0
    negatives_per_link: int = 1
    hard_negatives: int = 0
    ranking_weight: float = 0.5
    batch_size: int | None = None
    remask_every: int = 1
    half_life: float | None = None
    normal_decoder: str = "plain"

    def __post_init__(self) -> None:
        # JSON knows lists only.
        object.__setattr__(self, "num_steps", tuple(self.num_steps))
        object.__setattr__(self, "num_feature_steps", tuple(self.num_feature_steps))
        for name, allowed in (
            ("encoder", ENCODERS),
            ("decoder", DECODERS),
            ("normal_decoder", ("plain", "same")),
            ("latent", GRAPH_LATENTS),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        check_initial_concentration(self.initial_concentration)
        if self.half_life is not None:
            check_half_life(self.half_life)
        if self.num_factors > 1 and self.latent not in FACTOR_LATENTS:
            raise ValueError(
                f"latent must be {', '.join(FACTOR_LATENTS[:-1])} or {FACTOR_LATENTS[-1]} on a product of spheres, "
                f"got {self.latent!r}"
            )
        if self.num_factors < 1:
            raise ValueError(f"num_factors must be at least 1, got {self.num_factors}")
        if self.latent_dim < 2:
            raise ValueError(f"latent_dim must be at least 2, got {self.latent_dim}")
        if self.latent_dim % self.num_factors or self.latent_dim < 2 * self.num_factors:
            raise ValueError(
                f"latent_dim must be a multiple of num_factors, {self.num_factors}, and at least twice it, "
                f"got {self.latent_dim}"
            )

    def with_changes(self, **changes: Any) -> Preset:
        """Returns a copy with every change that is not None."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def on_one_sphere(self, dim: int) -> Preset:
        """Returns a copy whose latent is a single sphere of ``dim`` coordinates; of several steps, the most."""
        return replace(
            self,
            latent_dim=dim,
            num_factors=1,
            num_steps=(max(self.num_steps),),
            num_feature_steps=tuple(sorted(self.num_feature_steps)[-1:]),
        )

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        steps = {"num_steps": list(self.num_steps), "num_feature_steps": list(self.num_feature_steps)}
        return {**asdict(self), **steps}


def available_presets() -> list[str]:
    """Names of the presets, sorted.

    Example:
        >>> "frontier" in available_presets()
        True
    """
    files = resources.files(__package__).iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def load_preset(name: str, dataset: str | None = None) -> Preset:
    """Reads a preset.

    A preset is a JSON file of this folder: ``description``, ``settings``, what is different for a data set in
    ``datasets``, and, for the reader, how they were chosen in ``selection``.

    Args:
        name: One of ``available_presets()``.
        dataset: Name of the data set, in any case; the settings for all of them if None, or if the file has none for
            it.

    Raises:
        ValueError: If there is no such preset.

    Example:
        >>> load_preset("frontier", "pubmed").decoder
        'hadamard'
    """
    if name not in available_presets():
        raise ValueError(f"preset must be one of {', '.join(available_presets())}, got {name!r}")
    content = json.loads((resources.files(__package__) / f"{name}.json").read_text())
    settings = {**content["settings"], **content.get("datasets", {}).get((dataset or "").lower(), {})}
    return Preset(description=content["description"], **settings)
