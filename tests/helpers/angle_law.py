"""The exact law of the angle to the mean direction, by quadrature in u = log tan(theta / 2).

In u the density, proportional to exp(-kappa tanh u) / cosh(u)^(m-1), has a single mode, is analytic on the whole
line and decays exponentially both ways, for every m and kappa.  The package integrates in theta instead.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

from tests.helpers.reference import reference

# The density is followed until it has fallen by this many e-folds on either side of its mode.
E_FOLDS = 45.0


class AngleLaw:
    """The law of u at dimension m and concentration kappa, given as a Python float."""

    def __init__(self, dim, concentration):
        self.dim, self.concentration = dim, concentration
        ratio = concentration / (dim - 1)
        mode = -np.arctanh(2 * ratio / (1 + np.hypot(1, 2 * ratio)))
        below, above = (self._reach(mode, sign) for sign in (-1, 1))
        self.grid = np.linspace(mode - below, mode + above, 8001)
        density = np.exp(self._log_density(self.grid) - self._log_density(mode))
        # The trapezoidal rule converges exponentially for an analytic function that vanishes at both ends.
        self.weights = density / density.sum()
        self._cdf = CubicSpline(self.grid, self.weights / (self.grid[1] - self.grid[0])).antiderivative()

    def cdf(self, u):
        """P(U <= u) = P(angle <= theta)."""
        return self._cdf(np.clip(u, self.grid[0], self.grid[-1]))

    def quantile(self, probability):
        """The u at which the CDF takes these values, to the spacing of the grid."""
        return np.interp(probability, self._cdf(self.grid), self.grid)

    def mean(self, f):
        """E[f(mu.z)]."""
        return float(self.weights @ f(-np.tanh(self.grid)))

    def mean_slope(self, f):
        """d E[f(mu.z)] / d kappa, which is the covariance of f(mu.z) and mu.z."""
        versine = 1 + np.tanh(self.grid)
        values = f(-np.tanh(self.grid))
        return float(self.weights @ ((values - self.weights @ values) * (self.weights @ versine - versine)))

    def velocity(self, u):
        """d theta / d kappa at fixed probability, from exact differences of the log density."""
        deficit = float(1 - reference(self.dim, self.concentration).mean_resultant_length)
        versine = 2 / (1 + np.exp(-2 * u))
        sign = np.where(versine <= deficit, 1.0, -1.0)  # which tail leaves out the mean
        reach = np.array([self._reach(x, -s) for x, s in zip(u, sign, strict=True)])
        nodes, weights = np.polynomial.legendre.leggauss(16)
        panels = np.linspace(0, 1, 129)
        widths = np.diff(panels)[:, None] / 2
        fractions, weights = ((panels[:-1, None] + widths * (1 + nodes)).ravel(), (widths * weights).ravel())
        step = reach[:, None] * fractions
        rise, log_ratio = self._change(u[:, None], step, sign[:, None])
        distance = np.abs(deficit - versine)[:, None] + np.abs(rise)
        return -reach * ((distance * np.exp(log_ratio)) @ weights) / np.cosh(u)

    def _log_density(self, u):
        log_cosh = np.logaddexp(u, -u) - np.log(2)
        return -self.concentration * (1 + np.tanh(u)) - (self.dim - 1) * log_cosh

    def _change(self, u, step, sign):
        """Changes of cos theta and of the log density from u to u - sign * step, without cancellation."""
        rise = sign * np.sinh(step) / (np.cosh(u) * np.cosh(u - sign * step))
        growth = np.expm1(-step) + (1 - sign * np.tanh(u)) * np.sinh(step)  # cosh(u - sign * step) / cosh u - 1
        return rise, self.concentration * rise - (self.dim - 1) * np.log1p(growth)

    def _reach(self, u, sign):
        """How far in the direction ``sign`` the density falls by the e-folds."""
        low, high = 0.0, 2 * E_FOLDS
        for _ in range(60):
            middle = (low + high) / 2
            if self._change(u, middle, -sign)[1] > -E_FOLDS:
                low = middle
            else:
                high = middle
        return high
