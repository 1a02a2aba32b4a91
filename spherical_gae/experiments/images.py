"""Experiments on images, each in a run folder that can be resumed: S-VAE, N-VAE, M1+M2."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from spherical_gae.data.few_labels import draw_labelled
from spherical_gae.data.images import ImageSet, ImageSplit, binarize
from spherical_gae.evaluation.vae_scores import score_vae
from spherical_gae.experiments.latents import make_head
from spherical_gae.experiments.names import SPHERICAL_LATENTS
from spherical_gae.experiments.provenance import provenance
from spherical_gae.models.semi_supervised import M1M2
from spherical_gae.models.vae import NormalVAE, SphericalVAE, VariationalAutoencoder
from spherical_gae.nn.default_decoder import latent_scale
from spherical_gae.nn.heads import LatentHead, NormalHead, ProductOfSpheresHead
from spherical_gae.nn.mlp import Scale
from spherical_gae.nn.priors import MixturePrior
from spherical_gae.plotting.pictures import plot_images, plot_plane, plot_sphere, save_figure
from spherical_gae.training.checkpoint import OtherRunError, load_json, load_weights, save_json, save_weights
from spherical_gae.training.images.batches import VAEConfig, VAEResult
from spherical_gae.training.images.semi_supervised import M1M2Config, fit_m1m2
from spherical_gae.training.images.vae import fit_vae

_TEST_SEED = 0
_TEST_BATCH = 2048
_SHOWN_LATENTS = 5000
_AGAIN = "the model is trained again"
_MODELS = ("s-vae", "n-vae")


@dataclass(frozen=True)
class ImageExperiment(ABC):
    """What is run, saved as ``config.json``, and how.

    The folder holds ``config.json``, ``training.json`` (``VAEResult``), ``model.safetensors``, ``metrics.json`` (test
    scores and ``training.json``), ``samples.png``, ``latent.png``, and while it trains ``train.ckpt`` (before it, where
    there is a first stage, ``first_stage.ckpt``).

    Attributes:
        dataset: Name for ``load_images``.
        seed: Seed of weights, training and, with few labels, of their choice.

    Example:
        >>> from spherical_gae.experiments import VAEExperiment
        >>> experiment = VAEExperiment(dataset="digits", dim=5)
        >>> isinstance(experiment, ImageExperiment), experiment.seed
        (True, 0)
    """

    kind: ClassVar[str]

    dataset: str = "digits"
    seed: int = 0

    @classmethod
    @abstractmethod
    def from_dict(cls, values: dict[str, Any]) -> ImageExperiment:
        """The inverse of ``to_dict``."""

    @abstractmethod
    def make_model(self, num_features: int) -> nn.Module:
        """The model before training, with weights from torch's global generator."""

    @abstractmethod
    def fit(self, model: Any, images: ImageSplit, checkpoint: Path, progress: bool) -> VAEResult:
        """Trains the model."""

    @abstractmethod
    def test(self, model: Any, images: ImageSet) -> dict[str, float]:
        """Scores the model on the test images, which are binarised."""

    @abstractmethod
    def latents(self, model: Any, images: Tensor) -> tuple[Tensor, LatentHead]:
        """Centres of the posteriors of binarised images, and the head that they belong to."""

    @abstractmethod
    def samples(self, model: Any) -> Tensor:
        """Images that the model makes up, ten in a row."""

    def run(self, images: ImageSplit, folder: Path, device: torch.device, progress: bool = True) -> dict[str, Any]:
        """Trains and tests in a folder, or goes on with what is there.

        Args:
            images: The images that ``dataset`` names, from ``load_images``.
            folder: The run folder, made if missing.
            device: Where to train.
            progress: Whether to show a progress bar.

        Returns:
            The content of ``metrics.json``.

        Raises:
            OtherRunError: If the folder holds a run of another configuration, or a checkpoint of other data.
        """
        folder = Path(folder)
        saved = folder / "config.json"
        if saved.exists() and not self._is_own(json.loads(saved.read_text())):
            raise OtherRunError(f"{folder} holds a run of another configuration, see its config.json")
        if not saved.exists():
            save_json(saved, {**self.to_dict(), "made": provenance()})
        metrics, training, checkpoint = (folder / name for name in ("metrics.json", "training.json", "train.ckpt"))
        if not training.exists() or not (folder / "model.safetensors").exists():
            self._train(images, folder, device, checkpoint, progress)
        # Missing, unless a run was stopped right before this line.
        checkpoint.unlink(missing_ok=True)
        # The picture that is drawn last tells that all are there.
        if not metrics.exists() or not (folder / "latent.png").exists():
            # On the CPU, so that a run's figures do not depend on where it is looked at.
            model = self.load_model(images, folder)
            test = ImageSet(self._binarized(images.test.images), images.test.labels)
            if not metrics.exists():
                save_json(metrics, {**self.test(model, test), **load_json(training, _AGAIN)})
            self._draw(model, test, folder)
        return load_json(metrics, "it is tested again")

    def _is_own(self, values: dict[str, Any]) -> bool:
        """Whether a folder's configuration is this one; settings that it is too old to have are the defaults."""
        return values["kind"] == self.kind and self.from_dict(values) == self

    def _train(self, images: ImageSplit, folder: Path, device: torch.device, checkpoint: Path, progress: bool) -> None:
        model = self._new_model(images).to(device)
        result = self.fit(model, images, checkpoint, progress)
        save_weights(model, folder / "model.safetensors")
        save_json(folder / "training.json", asdict(result))

    def load_model(self, images: ImageSplit, folder: Path) -> Any:
        """The trained model of a folder, in evaluation mode, on the CPU."""
        model = self._new_model(images)
        model.load_state_dict(load_weights(folder / "model.safetensors", _AGAIN))
        return model.eval()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"kind": self.kind, **asdict(self)}

    def _new_model(self, images: ImageSplit) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            return self.make_model(images.train.images.size(1))

    @staticmethod
    def _binarized(images: Tensor) -> Tensor:
        return binarize(images, torch.Generator().manual_seed(_TEST_SEED))

    @torch.no_grad()
    def _draw(self, model: nn.Module, test: ImageSet, folder: Path) -> None:
        model.eval()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            save_figure(plot_images(self.samples(model).numpy(), 10), folder / "samples.png", "samples")
        latents, head = self.latents(model, test.images[:_SHOWN_LATENTS])
        save_figure(_plot_latents(latents, test.labels[:_SHOWN_LATENTS], head), folder / "latent.png", self._title())

    def _title(self) -> str:
        return f"{self.dataset}: latents of the test images, coloured by class"


@dataclass(frozen=True)
class VAEExperiment(ImageExperiment):
    """An S-VAE or N-VAE.

    Attributes:
        model: ``"s-vae"`` or ``"n-vae"``.
        dim: Dimension of the latent's manifold.
        hidden_features: Widths of the encoder's hidden layers, reversed in the decoder.
        training: Settings of ``fit_vae``.
        scaled_latent: Whether the decoder sees sqrt(m) z in place of z, m the latent's coordinates, see ``Scale``.
        latent: Distribution of an S-VAE's latents, see ``make_head``.
        prior_components: Number of components of a learned mixture prior of an S-VAE, of the latent's kind, see
            ``MixturePrior``; 0 for the uniform prior.

    Raises:
        ValueError: If ``model`` or ``latent`` is another name, ``prior_components`` is negative, or a latent or prior
            of the sphere is asked for beside ``"n-vae"``.

    Example:
        >>> experiment = VAEExperiment(model="s-vae", dim=5)
        >>> VAEExperiment.from_dict(experiment.to_dict()) == experiment
        True
    """

    kind: ClassVar[str] = "vae"

    model: str = "s-vae"
    dim: int = 2
    hidden_features: tuple[int, ...] = (256, 128)
    training: VAEConfig = field(default_factory=VAEConfig)
    scaled_latent: bool = False
    latent: str = "s"
    prior_components: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden_features", tuple(self.hidden_features))
        if self.model not in _MODELS:
            raise ValueError(f"model must be one of {', '.join(_MODELS)}, got {self.model!r}")
        if self.latent not in SPHERICAL_LATENTS:
            raise ValueError(f"latent must be one of {', '.join(SPHERICAL_LATENTS)}, got {self.latent!r}")
        if self.prior_components < 0:
            raise ValueError(f"prior_components must be at least 0, got {self.prior_components}")
        if self.model == "n-vae" and (self.latent, self.prior_components) != ("s", 0):
            raise ValueError("latent and prior_components must be left out beside model 'n-vae', which has no sphere")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> VAEExperiment:
        """The inverse of ``to_dict``."""
        values = {key: value for key, value in values.items() if key not in ("kind", "made")}
        values["training"] = VAEConfig(**values["training"])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**super().to_dict(), "hidden_features": list(self.hidden_features)}

    def make_model(self, num_features: int) -> VariationalAutoencoder:
        """See ``ImageExperiment``."""
        if self.model == "n-vae":
            model: VariationalAutoencoder = NormalVAE(self.dim, num_features, self.hidden_features)
        else:
            head = make_head(self.latent, self.dim)
            prior = None
            if self.prior_components:
                prior = MixturePrior(self.prior_components, head.coordinates(self.dim), head)
            model = SphericalVAE(self.dim, num_features, self.hidden_features, head=head, prior=prior)
        if self.scaled_latent:
            model.decoder = nn.Sequential(Scale(latent_scale(model.head, model.latent_features)), model.decoder)
        return model

    def fit(self, model: Any, images: ImageSplit, checkpoint: Path, progress: bool) -> VAEResult:
        """See ``ImageExperiment``."""
        data = images.train.images, images.val.images
        return fit_vae(model, *data, self.training, seed=self.seed, checkpoint=checkpoint, progress=progress)

    def test(self, model: Any, images: ImageSet) -> dict[str, float]:
        """The columns of the paper's table 1."""
        return score_vae(model, images.images)._asdict()

    def latents(self, model: Any, images: Tensor) -> tuple[Tensor, LatentHead]:
        """See ``ImageExperiment``."""
        return model.encode(images), model.head

    def samples(self, model: Any) -> Tensor:
        """Decoded draws from the prior."""
        return model.sample(100)


@dataclass(frozen=True)
class M1M2Experiment(ImageExperiment):
    """M1+M2.

    Attributes:
        latent1: Distribution of z_1, see ``make_head``.
        latent2: Distribution of z_2, likewise.
        dim1: Dimension of z_1's manifold.
        dim2: Dimension of z_2's manifold.
        hidden_features: Width of the hidden layers.
        num_labels: Number of training images whose labels are known, equally many of each class.
        training: Settings of ``fit_m1m2``.
        first_stage_epochs: Epochs in which encoder and decoder of z_1 are trained alone before, see
            ``M1M2.first_stage``: all of its bound from the start, otherwise as a ``VAEExperiment``.
        scaled_latent: Whether the decoder of x sees sqrt(m_1) z_1 in place of z_1, see ``Scale``.

    Example:
        >>> experiment = M1M2Experiment(latent1="s", latent2="n", dim1=5, dim2=5, num_labels=50)
        >>> experiment.make_model(num_features=64).num_classes
        10
    """

    kind: ClassVar[str] = "m1m2"

    latent1: str = "s"
    latent2: str = "n"
    dim1: int = 10
    dim2: int = 10
    hidden_features: int = 500
    num_labels: int = 100
    training: M1M2Config = field(default_factory=M1M2Config)
    first_stage_epochs: int = 0
    scaled_latent: bool = False

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> M1M2Experiment:
        """The inverse of ``to_dict``."""
        values = {key: value for key, value in values.items() if key not in ("kind", "made")}
        values["training"] = M1M2Config(**values["training"])
        return cls(**values)

    def make_model(self, num_features: int) -> M1M2:
        """See ``ImageExperiment``."""
        heads = make_head(self.latent1, self.dim1), make_head(self.latent2, self.dim2)
        model = M1M2(self.dim1, self.dim2, *heads, num_features, hidden_features=self.hidden_features)
        if self.scaled_latent:
            scale = latent_scale(model.head1, model.head1.coordinates(self.dim1))
            model.decoder1 = nn.Sequential(Scale(scale), model.decoder1)
        return model

    def fit(self, model: Any, images: ImageSplit, checkpoint: Path, progress: bool) -> VAEResult:
        """See ``ImageExperiment``."""
        labelled = draw_labelled(images.train, self.num_labels, self.seed)
        first = checkpoint.with_name("first_stage.ckpt")
        if self.first_stage_epochs:
            config = VAEConfig(self.first_stage_epochs, warm_up=0, binarize=self.training.binarize)
            data = images.train.images, images.val.images
            fit_vae(model.first_stage(), *data, config, seed=self.seed, checkpoint=first, progress=progress)
        result = fit_m1m2(
            model,
            images.train.images,
            labelled,
            images.val,
            self.training,
            seed=self.seed,
            checkpoint=checkpoint,
            progress=progress,
        )
        first.unlink(missing_ok=True)
        return result

    def test(self, model: Any, images: ImageSet) -> dict[str, float]:
        """The share of test images whose class is predicted right."""
        predicted = torch.cat([model.predict(part) for part in images.images.split(_TEST_BATCH)])
        return {"accuracy": float((predicted == images.labels).double().mean())}

    def latents(self, model: Any, images: Tensor) -> tuple[Tensor, LatentHead]:
        """Of z_1."""
        return model.center(images), model.head1

    def samples(self, model: Any) -> Tensor:
        """A style in every row, a class in every column."""
        styles = model.sample_styles(10).repeat_interleave(model.num_classes, dim=0)
        return model.generate(styles, torch.arange(model.num_classes).repeat(10))


def _plot_latents(latents: Tensor, labels: Tensor, head: LatentHead) -> Any:
    """S^2 in a Hammer projection, R^1 and R^2 as they are, all others by their first two principal components."""
    points, classes = latents.numpy(), labels.numpy()
    if points.shape[1] == 3 and not isinstance(head, (NormalHead, ProductOfSpheresHead)):
        return plot_sphere(points, classes)
    if points.shape[1] == 1:
        points = np.hstack([points, np.zeros_like(points)])
    elif points.shape[1] > 2:
        points = PCA(2, svd_solver="full").fit_transform(points.astype(np.float64))
    return plot_plane(points, classes)
