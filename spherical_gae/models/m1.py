"""M1: k nearest neighbours on the latents of a trained variational autoencoder."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from spherical_gae.models.vae import VariationalAutoencoder

Votes = Literal["uniform", "distance"]

_ROWS = 4096


class M1Classifier:
    """Classifies by the nearest labelled points in latent space  (Kingma et al. 2014; Davidson et al. 2018, table 2).

    Points are the centres of their posteriors (``LatentHead.center``); distances are geodesic: angles on the sphere,
    Euclidean in R^d.

    Args:
        model: A trained model; it is put in evaluation mode.
        num_neighbors: Number k of neighbours that vote, at least 1; the paper uses 5.
        weights: What a vote counts: ``"uniform"``, or ``"distance"`` for the inverse of the neighbour's distance, which
            is two to six points better with ten labels for each class of MNIST (docs/results/images.md).

    Attributes:
        neighbors: scikit-learn's classifier, on precomputed distances.

    Raises:
        ValueError: If ``num_neighbors`` is below 1, or ``weights`` is neither.

    Example:
        >>> from spherical_gae import SphericalVAE
        >>> x, y = torch.rand(20, 64).round(), torch.arange(20) % 2
        >>> classifier = M1Classifier(SphericalVAE(dim=2, in_features=64)).fit(x, y)
        >>> classifier.predict(x).shape
        torch.Size([20])
    """

    def __init__(self, model: VariationalAutoencoder, num_neighbors: int = 5, weights: Votes = "uniform") -> None:
        if num_neighbors < 1:
            raise ValueError(f"num_neighbors must be at least 1, got {num_neighbors}")
        if weights not in get_args(Votes):
            raise ValueError(f"weights must be one of {get_args(Votes)}, got {weights!r}")
        self.model = model.eval()
        self.neighbors = KNeighborsClassifier(num_neighbors, weights=weights, metric="precomputed")
        self._latents: Tensor | None = None

    def fit(self, x: Tensor, y: Tensor) -> M1Classifier:
        """Takes in labelled points.  It computes the distances among them, N^2 numbers: 20,000 points take 1.6 GB.

        Args:
            x: Data, shape [N, *event], N at least ``num_neighbors``.
            y: Their classes, int64 [N].

        Returns:
            Itself.

        Raises:
            ValueError: If there are fewer points than neighbours, or not as many classes as points.
        """
        if x.size(0) < self.neighbors.n_neighbors:
            raise ValueError(
                f"x must hold at least num_neighbors = {self.neighbors.n_neighbors} points, got {x.size(0)}"
            )
        _check_classes(x, y)
        self._latents = self._encode(x)
        self.neighbors.fit(self._distances(self._latents), y.cpu().numpy())
        return self

    def predict(self, x: Tensor) -> Tensor:
        """The classes of data [B, *event], B >= 1, int64 [B].

        Raises:
            RuntimeError: Before ``fit``.
        """
        found = [self.neighbors.predict(self._distances(self._encode(part))) for part in x.split(_ROWS)]
        return torch.from_numpy(np.concatenate(found)).to(x.device)

    def score(self, x: Tensor, y: Tensor) -> float:
        """The share of data [B, *event] whose class, int64 [B], is predicted right, in [0, 1].

        Raises:
            ValueError: If there are not as many classes as points.
        """
        _check_classes(x, y)
        return float((self.predict(x) == y.to(x.device)).double().mean())

    @torch.no_grad()
    def _encode(self, x: Tensor) -> Tensor:
        return torch.cat([self.model.head.center(self.model.posterior(part)) for part in x.split(_ROWS)])

    def _distances(self, latents: Tensor) -> NDArray[np.floating]:
        if self._latents is None:
            raise RuntimeError("M1Classifier must be fitted before it predicts: call fit(x, y)")
        return self.model.head.geodesic_distance(latents, self._latents).cpu().numpy()


def _check_classes(x: Tensor, y: Tensor) -> None:
    if y.shape != x.shape[:1]:
        raise ValueError(f"y must have shape {tuple(x.shape[:1])}, one class for each point, got {tuple(y.shape)}")
