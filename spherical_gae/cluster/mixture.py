"""A mixture of von Mises-Fisher distributions as a scikit-learn estimator."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClusterMixin, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from spherical_gae.cluster.directions import as_tensor, blocks, checked_directions, in_float64, spread_out, unit_rows
from spherical_gae.cluster.settings import check_columns, check_count, check_tolerance, remember_columns
from spherical_gae.core import VonMisesFisher
from spherical_gae.core.fit import invert_deficit
from spherical_gae.core.numerics.special import log_scaled_normalizer


class Components(NamedTuple):
    """Parameters of the mixture, float64: log weights [K], mean directions [K, m], concentrations [K]."""

    log_weight: Tensor
    loc: Tensor
    concentration: Tensor


class VonMisesFisherMixture(DensityMixin, ClusterMixin, BaseEstimator):
    """sum_k w_k vMF(mu_k, kappa_k), fitted to unit vectors by expectation maximisation  (Banerjee et al. 2005).

    Used as scikit-learn's ``GaussianMixture``.  Points that coincide do not stop it: concentrations are capped.

    Args:
        n_components: Number K of components, at least 1.
        tied: Whether all components have one concentration, which keeps small clusters from being swallowed and sharp
            ones from forming.
        max_concentration: Cap of the concentrations, positive and finite.  Centres closer than about
            2 / sqrt(max_concentration) become one: raise it for sharper clusters.
        n_init: Starts, by k-means++ each, of which the likeliest is kept; at least 1.
        max_iter: Iterations at most, at least 1.
        tol: Gain in the mean log-likelihood, in nats, up to which a start has converged; at least 0.
        random_state: Seed, or ``numpy.random.RandomState``.

    Attributes:
        weights_: w, shape [K].
        means_: mu, unit vectors, shape [K, m].
        concentrations_: kappa, shape [K].
        tied_: Whether they were fitted as one.
        labels_: Likeliest component of each training row, int64 [n].
        lower_bound_: Mean log-likelihood of the training rows, in nats.
        converged_: Whether the best start converged.
        n_iter_: Its iterations.
        n_features_in_: m.
        feature_names_in_: Names of the columns, shape [m], if X had names and all are strings.

    Example:
        >>> from sklearn.preprocessing import normalize
        >>> x = normalize(np.random.default_rng(0).normal(size=(200, 3)) + [4, 0, 0])
        >>> model = VonMisesFisherMixture(2, random_state=0).fit(x)
        >>> model.predict_proba(x).shape, model.means_.shape
        ((200, 2), (2, 3))
    """

    def __init__(
        self,
        n_components: int = 8,
        *,
        tied: bool = False,
        max_concentration: float = 1e6,
        n_init: int = 1,
        max_iter: int = 200,
        tol: float = 1e-5,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.tied = tied
        self.max_concentration = max_concentration
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> VonMisesFisherMixture:  # noqa: N803 (scikit-learn's names)
        """Fits the mixture.

        Args:
            X: Unit vectors, shape [n, m], n at least K.
            y: Not used.

        Returns:
            Itself.

        Raises:
            ValueError: If rows are not unit vectors, there are fewer of them than components, or a setting is out of
                range or of another type.
            TypeError: If some names of columns are strings and others are not.
        """
        points = checked_directions(X)
        check_count("n_components", self.n_components, len(points))
        cap: Any = self.max_concentration
        if not (isinstance(cap, Real) and 0 < float(cap) < math.inf):
            raise ValueError(f"max_concentration must be a number, positive and finite, got {cap!r}")
        check_count("n_init", self.n_init)
        check_count("max_iter", self.max_iter)
        check_tolerance(self.tol)
        remember_columns(self, X)
        random = check_random_state(self.random_state)
        starts = [self._run(points, spread_out(points, self.n_components, random)) for _ in range(self.n_init)]
        components, self.lower_bound_, self.converged_, self.n_iter_ = max(starts, key=lambda start: start[1])
        self.weights_ = components.log_weight.exp().numpy()
        self.means_, self.concentrations_ = components.loc.numpy(), components.concentration.numpy()
        self.tied_, self.n_features_in_ = bool(self.tied), points.shape[1]
        self.labels_ = self._of_log_joint(points, _likeliest).numpy()
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The likeliest component of each row, int64 [n]."""
        return self._of_log_joint(self._checked(X), _likeliest).numpy()

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """P(component | row), shape [n, K]."""
        points = self._checked(X)
        return self._of_log_joint(points, lambda joint: joint.softmax(1).to(points.dtype)).numpy()

    def score_samples(self, X: Any) -> np.ndarray:  # noqa: N803
        """Log density of each row with respect to the surface measure, shape [n]."""
        points = self._checked(X)
        return self._of_log_joint(points, lambda joint: joint.logsumexp(1).to(points.dtype)).numpy()

    def score(self, X: Any, y: Any = None) -> float:  # noqa: N803
        """Mean log density of the rows, in nats."""
        return float(np.mean(self.score_samples(X), dtype=np.float64))

    def bic(self, X: Any) -> float:  # noqa: N803
        """Bayesian information criterion of the rows: lower is better."""
        points = self._checked(X)
        return self._num_parameters() * math.log(len(points)) - 2 * len(points) * self.score(X)

    def aic(self, X: Any) -> float:  # noqa: N803
        """Akaike's information criterion of the rows: lower is better."""
        return 2 * self._num_parameters() - 2 * len(self._checked(X)) * self.score(X)

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Draws rows [n, m] and their components [n], in the order of the components, by ``random_state``."""
        check_is_fitted(self)
        random = check_random_state(self.random_state)
        counts = random.multinomial(n_samples, self.weights_ / self.weights_.sum())
        labels = torch.from_numpy(np.repeat(np.arange(len(counts)), counts))
        generator = torch.Generator().manual_seed(int(random.randint(2**31 - 1)))
        law = VonMisesFisher(as_tensor(self.means_)[labels], as_tensor(self.concentrations_)[labels])
        return law.sample(generator=generator).numpy(), labels.numpy()

    def _num_parameters(self) -> int:
        # Of the fit, not of settings that changed after it.
        count = len(self.weights_)
        return count * (self.n_features_in_ - 1) + (1 if self.tied_ else count) + count - 1

    def _checked(self, x: Any) -> Tensor:
        check_is_fitted(self)
        check_columns(self, x)
        return checked_directions(x, self.n_features_in_)

    def _of_log_joint(self, points: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """A function of log w_k + log p_k(x), float64 [n, K], row by row."""
        weight, loc, concentration = map(as_tensor, (self.weights_, self.means_, self.concentrations_))
        components = Components(weight.log(), loc, concentration)
        bias, directions = _linear(components)
        joints = (torch.addmm(bias, in_float64(points[rows]), directions) for rows in blocks(points, len(bias)))
        return torch.cat([function(joint) for joint in joints])

    def _run(self, points: Tensor, loc: Tensor) -> tuple[Components, float, bool, int]:
        """One start, from mean directions."""
        count, loc = len(loc), in_float64(loc)
        # The spread of all points, each of which belongs to the nearest start.
        nearest = torch.cat([(in_float64(points[rows]) @ loc.T).amax(1) for rows in blocks(points, count)])
        deficit = (1 - nearest).mean().clamp(1e-9, 1).expand(count)
        concentration = invert_deficit(deficit, points.shape[1]).clamp(max=self.max_concentration)
        weight = torch.full((count,), -math.log(count), dtype=torch.float64)
        components, before = Components(weight, loc, concentration), -math.inf
        for iteration in range(1, self.max_iter + 1):
            score, mass, sums = _expectation(points, components)
            if score - before <= self.tol:
                return components, score, True, iteration
            before = score
            components = self._maximised(components, mass, sums)
        return components, _expectation(points, components)[0], False, self.max_iter

    def _maximised(self, before: Components, mass: Tensor, sums: Tensor) -> Components:
        """The likeliest parameters for masses [K] and sums of directions [K, m]."""
        length = torch.linalg.vector_norm(sums, dim=1)
        missing = (mass - length).sum() / mass.sum() if self.tied else 1 - length / mass.clamp(min=1e-300)
        # A component without mass is spread over the sphere, until it is of use.
        deficit = torch.where(mass > 0, missing, 1.0).clamp(1e-15, 1)
        concentration = invert_deficit(deficit, sums.shape[1]).clamp(max=self.max_concentration)
        return Components((mass / mass.sum()).log(), unit_rows(sums, before.loc), concentration)


def _likeliest(joint: Tensor) -> Tensor:
    return joint.argmax(1)


def _linear(components: Components) -> tuple[Tensor, Tensor]:
    """b [K] and V [m, K] with log w_k + log p_k(x) = b_k + (x V)_k."""
    kappa = components.concentration
    bias = components.log_weight + log_scaled_normalizer(kappa, components.loc.shape[1]) - kappa
    return bias, (kappa.unsqueeze(1) * components.loc).T


def _expectation(points: Tensor, components: Components) -> tuple[float, Tensor, Tensor]:
    """Mean log-likelihood, and the components' masses [K] and sums of directions [K, m], float64."""
    bias, directions = _linear(components)
    score = 0.0
    mass = torch.zeros_like(components.concentration)
    sums = torch.zeros_like(components.loc)
    for rows in blocks(points, len(bias)):
        part = in_float64(points[rows])
        joint = torch.addmm(bias, part, directions)
        share = joint.softmax(1)
        # log sum exp = the largest term - the log of its share.
        score += float((joint.amax(1) - share.amax(1).log()).sum())
        mass += share.sum(0)
        sums += share.T @ part
    return score / len(points), mass, sums
