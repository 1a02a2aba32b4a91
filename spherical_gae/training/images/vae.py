"""Training of (variational) autoencoders on data held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spherical_gae.data.images import binarize
from spherical_gae.models.autoencoder import Autoencoder
from spherical_gae.models.vae import VAELoss, VariationalAutoencoder
from spherical_gae.nn.observations import BernoulliObservation
from spherical_gae.training.callbacks import Callback
from spherical_gae.training.images.batches import BatchRun, VAEConfig, VAEResult, crc32, shuffled_batches

_CHECKPOINT_EVERY = 10
_VALIDATION_BATCH = 2048


def fit_vae(
    model: VariationalAutoencoder | Autoencoder,
    train: Tensor,
    val: Tensor,
    config: VAEConfig | None = None,
    *,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
) -> VAEResult:
    """Trains an autoencoder, and keeps the weights of the best validation epoch.

    Each step takes one Adam step on ``model.loss`` of a batch, with a linear warm-up of the KL term; training ends when
    the validation bound, with the KL term at its full weight, has not risen for ``config.look_ahead`` epochs.

    Args:
        model: The model, on the device to train on; on return it holds the best epoch's weights, in
            evaluation mode.
        train: Training data, shape [N, *event]; intensities in [0, 1] if ``config.binarize``.
        val: Validation data, shape [V, *event], likewise.
        config: Settings; the defaults if None.
        seed: Seed of all randomness in training; the caller's generators are left as they were.
        checkpoint: File of the state, written every 10 epochs and at the end.  If it exists, training
            resumes from it, with the same result bit for bit as without the interruption.
        progress: Whether to show a progress bar.
        callbacks: Functions ``callback(epoch, figures)``, called after each epoch with the entries of the history, see
            ``CSVLogger`` and ``TensorBoardLogger``.

    Returns:
        The best epoch, its bound in nats (per data point), and for every epoch ``loss``, ``reconstruction`` and ``kl``
        in training, and ``val_bound``.

    Raises:
        ValueError: If there are no data, they are not in [0, 1] although ``config.binarize`` or although the model has
            a Bernoulli observation, or the checkpoint was made with other settings, on other data, or for another kind
            of model.
        FloatingPointError: If the loss becomes NaN or infinite.

    Example:
        >>> from spherical_gae import SphericalVAE, load_images
        >>> images = load_images("digits")
        >>> model = SphericalVAE(dim=2, in_features=64, hidden_features=(16,))
        >>> config = VAEConfig(max_epochs=1, warm_up=0)
        >>> result = fit_vae(model, images.train.images, images.val.images, config, progress=False)
        >>> result.epochs
        1
    """
    config = config or VAEConfig()
    run = VAERun(model, train, val, config, seed)
    return run.run(checkpoint, _CHECKPOINT_EVERY, progress, callbacks)


class VAERun(BatchRun):
    """A run of ``fit_vae``, for those who need a loop of their own; arguments as there.

    Example:
        >>> from spherical_gae import SphericalVAE, load_images
        >>> images = load_images("digits")
        >>> model = SphericalVAE(dim=2, in_features=64, hidden_features=(16,))
        >>> run = VAERun(model, images.train.images, images.val.images, VAEConfig(max_epochs=2, warm_up=0), seed=0)
        >>> run.step()
        >>> run.epoch, run.is_finished
        (1, False)
    """

    def __init__(
        self,
        model: VariationalAutoencoder | Autoencoder,
        train: Tensor,
        val: Tensor,
        config: VAEConfig,
        seed: int,
    ) -> None:
        if config.num_samples > 1 and not isinstance(model, VariationalAutoencoder):
            raise ValueError(f"num_samples must be 1 for {type(model).__name__}, which has no posterior to draw from")
        super().__init__(model, config, seed)
        for name, data in (("train", train), ("val", val)):
            check_data(name, data, config.binarize, model)
        check_same_event("val", val, "train", train)
        self.train_data, self.val_data = train.to(self.device), val.to(self.device)

    def train_epoch(self, kl_weight: float) -> dict[str, Tensor]:
        """One pass over the training data."""
        totals = torch.zeros(3, device=self.device)
        num_points = self.train_data.size(0)
        for index in shuffled_batches(num_points, self.config.batch_size, self.device):
            loss = self._loss(self.model, self.train_data.index_select(0, index), kl_weight)
            self.update(loss.total)
            totals += torch.stack([part.detach() for part in loss]) * index.numel()
        return dict(zip(("loss", "reconstruction", "kl"), totals / num_points, strict=True))

    def validate(self) -> tuple[float, dict[str, float]]:
        """The evidence lower bound on the validation data, one sample for each."""
        total = torch.zeros((), device=self.device)
        for part in self.val_data.split(_VALIDATION_BATCH):
            total -= self._loss(self.scored, part, self.config.kl_weight).total * part.size(0)
        bound = total.item() / self.val_data.size(0)
        return bound, {"val_bound": bound}

    def fingerprint(self) -> dict[str, Any]:
        """Checksums of the data."""
        return {"train_crc32": crc32(self.train_data), "val_crc32": crc32(self.val_data)}

    def _loss(self, model: Any, data: Tensor, kl_weight: float) -> VAELoss:
        several = {"num_samples": self.config.num_samples} if self.config.num_samples > 1 else {}
        return model.loss(binarize(data) if self.config.binarize else data, kl_weight, **several)


def check_data(name: str, data: Tensor, intensities: bool, model: nn.Module) -> None:
    """Refuses data without points or of another dtype than the model's, and values outside [0, 1] if intensities.

    Likewise for a model of Bernoulli pixels, whatever the data are.
    """
    if data.dim() < 2 or data.numel() == 0:
        raise ValueError(f"{name} must have shape [N, *event] with at least one entry, got {tuple(data.shape)}")
    dtype = next(model.parameters()).dtype
    if data.dtype != dtype:
        raise ValueError(f"{name} must have the dtype of the model, {dtype}, got {data.dtype}")
    low, high = torch.aminmax(data)
    if intensities and not (low >= 0 and high <= 1):
        raise ValueError(
            f"{name} must hold intensities in [0, 1] to be binarised, got values from {low:.3g} to {high:.3g}; "
            f"for real data set binarize=False and take a NormalObservation"
        )
    if not bool(torch.isfinite(low) & torch.isfinite(high)):
        raise ValueError(f"{name} must hold finite numbers, got {data[~data.isfinite()][0].item()}")
    if isinstance(getattr(model, "observation", None), BernoulliObservation) and (low < 0 or high > 1):
        # Its "bound" would have no meaning, and no limit.
        raise ValueError(
            f"{name} must hold values in [0, 1] for a BernoulliObservation, got values from {low:.3g} to {high:.3g}; "
            f"for real data take a NormalObservation"
        )


def check_same_event(name: str, data: Tensor, other_name: str, other: Tensor) -> None:
    """Refuses data whose points have another shape than others."""
    if data.shape[1:] != other.shape[1:]:
        raise ValueError(
            f"{name} must have points of the shape of {other_name}'s, {tuple(other.shape[1:])}, "
            f"got {tuple(data.shape[1:])}"
        )
