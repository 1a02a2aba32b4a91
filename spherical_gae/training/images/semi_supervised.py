"""Training of M1+M2 on many images, few of them with labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spherical_gae.data.images import ImageSet, binarize
from spherical_gae.models.semi_supervised import M1M2
from spherical_gae.training.callbacks import Callback
from spherical_gae.training.images.batches import BatchRun, VAEConfig, VAEResult, crc32, shuffled_batches
from spherical_gae.training.images.vae import check_data, check_same_event

_CHECKPOINT_EVERY = 5
_VALIDATION_BATCH = 2048


@dataclass(frozen=True)
class M1M2Config(VAEConfig):
    """How to train M1+M2.  The defaults are those of the paper (appendix F.2) where it gives them.

    Attributes:
        batch_size: Images without labels in a batch.
        labelled_batch_size: Images with labels in a batch, at least 1, drawn without replacement; all of them if there
            are fewer.
        alpha: Weight of the classifier's cross-entropy, >= 0.  The paper tries 0.1 to 1.
        style_samples: Samples of z_2 for each z_1 and class, at least 1, see ``M1M2.loss``.

    The objective is that of Kingma et al. (2014, eq. 9) divided by the number N of images without labels: the mean
    bound of these, L / N times the mean bound of the L labelled ones, and alpha times the mean cross-entropy (their
    alpha is this one times N).

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> M1M2Config(max_epochs=50).alpha
        1.0
    """

    batch_size: int = 100
    warm_up: int = 0
    labelled_batch_size: int = 20
    alpha: float = 1.0
    style_samples: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("labelled_batch_size", "style_samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.num_samples != 1:
            raise ValueError(f"num_samples must be 1 for M1+M2, got {self.num_samples}; style_samples is for several")
        if not 0 <= self.alpha < math.inf:
            raise ValueError(f"alpha must be finite and at least 0, got {self.alpha}")


def fit_m1m2(
    model: M1M2,
    unlabelled: Tensor,
    labelled: ImageSet,
    val: ImageSet,
    config: M1M2Config | None = None,
    *,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
) -> VAEResult:
    """Trains M1+M2, and keeps the weights of the best validation accuracy.

    Args:
        model: The model, on the device to train on; on return it holds the best epoch's weights, in
            evaluation mode.
        unlabelled: Images without labels, shape [N, F]; intensities in [0, 1] if ``config.binarize``.
        labelled: Images with labels.
        val: Validation images with labels.
        config: Settings; the defaults if None.
        seed: Seed of all randomness in training; the caller's generators are left as they were.
        checkpoint: File of the state, written every 5 epochs and at the end.  If it exists, training
            resumes from it, with the same result bit for bit as without the interruption.
        progress: Whether to show a progress bar.
        callbacks: Functions ``callback(epoch, figures)``, called after each epoch with the entries of the history, see
            ``CSVLogger`` and ``TensorBoardLogger``.

    Returns:
        The best epoch, its accuracy in [0, 1], and for every epoch the parts of the loss and ``val_accuracy``.

    Raises:
        ValueError: If data are missing or out of range, or the checkpoint is of another run.
        FloatingPointError: If the loss becomes NaN or infinite.

    Example:
        >>> from spherical_gae import M1M2, load_images
        >>> from spherical_gae.data import draw_labelled
        >>> from spherical_gae.nn import NormalHead, VonMisesFisherHead
        >>> images = load_images("digits")
        >>> few = draw_labelled(images.train, 20)
        >>> model = M1M2(3, 3, VonMisesFisherHead(), NormalHead(), in_features=64, hidden_features=16)
        >>> config = M1M2Config(max_epochs=1, batch_size=600)
        >>> result = fit_m1m2(model, images.train.images, few, images.val, config, progress=False)
        >>> result.epochs
        1
    """
    run = M1M2Run(model, unlabelled, labelled, val, config or M1M2Config(), seed)
    return run.run(checkpoint, _CHECKPOINT_EVERY, progress, callbacks)


class M1M2Run(BatchRun):
    """A run of ``fit_m1m2``, for those who need a loop of their own; arguments as there.

    Example:
        >>> from spherical_gae import M1M2, load_images
        >>> from spherical_gae.data import draw_labelled
        >>> from spherical_gae.nn import NormalHead, VonMisesFisherHead
        >>> images = load_images("digits")
        >>> few = draw_labelled(images.train, 20)
        >>> model = M1M2(3, 3, VonMisesFisherHead(), NormalHead(), in_features=64, hidden_features=16)
        >>> run = M1M2Run(model, images.train.images, few, images.val, M1M2Config(max_epochs=2, batch_size=600), seed=0)
        >>> run.step()
        >>> run.epoch
        1
    """

    config: M1M2Config
    model: M1M2

    def __init__(
        self,
        model: M1M2,
        unlabelled: Tensor,
        labelled: ImageSet,
        val: ImageSet,
        config: M1M2Config,
        seed: int,
    ) -> None:
        super().__init__(model, config, seed)
        for name, data in (("unlabelled", unlabelled), ("labelled", labelled.images), ("val", val.images)):
            check_data(name, data, config.binarize, model)
        for name, data in (("labelled", labelled.images), ("val", val.images)):
            check_same_event(name, data, "unlabelled", unlabelled)
        check_labels("labelled", labelled, model.num_classes)
        check_labels("val", val, model.num_classes)
        self.unlabelled = unlabelled.to(self.device)
        self.labelled, self.val = (ImageSet(*(part.to(self.device) for part in data)) for data in (labelled, val))

    def train_epoch(self, kl_weight: float) -> dict[str, Tensor]:
        """One pass over the images without labels."""
        names = ("loss", "unlabelled_bound", "labelled_bound", "cross_entropy")
        totals = torch.zeros(len(names), device=self.device)
        num_points, num_labelled = self.unlabelled.size(0), self.labelled.images.size(0)
        for index in shuffled_batches(num_points, self.config.batch_size, self.device):
            chosen = torch.randperm(num_labelled, device=self.device)[: self.config.labelled_batch_size]
            loss = self.model.loss(
                self._binary(self.unlabelled.index_select(0, index)),
                self._binary(self.labelled.images.index_select(0, chosen)),
                self.labelled.labels.index_select(0, chosen),
                cross_entropy_weight=self.config.alpha,
                labelled_weight=num_labelled / num_points,
                kl_weight=kl_weight,
                style_samples=self.config.style_samples,
            )
            self.update(loss.total)
            totals += torch.stack([part.detach() for part in loss]) * index.numel()
        return dict(zip(names, totals / num_points, strict=True))

    def validate(self) -> tuple[float, dict[str, float]]:
        """The accuracy on the validation images."""
        parts = self._binary(self.val.images).split(_VALIDATION_BATCH)
        model: Any = self.scored
        predicted = torch.cat([model.predict(part) for part in parts])
        right = (predicted == self.val.labels).float().mean().item()
        return right, {"val_accuracy": right}

    def fingerprint(self) -> dict[str, Any]:
        """Checksums of the data."""
        return {
            "unlabelled_crc32": crc32(self.unlabelled),
            "labelled_crc32": crc32(self.labelled.images),
            "labels_crc32": crc32(self.labelled.labels),
            "val_crc32": crc32(self.val.images),
            "val_labels_crc32": crc32(self.val.labels),
        }

    def _binary(self, images: Tensor) -> Tensor:
        return binarize(images) if self.config.binarize else images


def check_labels(name: str, data: ImageSet, num_classes: int) -> None:
    """Refuses labels that are not one class for each image."""
    if data.labels.shape != data.images.shape[:1]:
        raise ValueError(
            f"{name} must hold one label for each of its {data.images.size(0)} images, "
            f"got labels of shape {tuple(data.labels.shape)}"
        )
    if data.labels.dtype != torch.int64:
        raise ValueError(f"{name} must hold int64 labels, got {data.labels.dtype}")
    low, high = (int(value) for value in torch.aminmax(data.labels))
    if low < 0 or high >= num_classes:
        raise ValueError(f"{name} must hold labels from 0 to {num_classes - 1}, got {low} to {high}")
