"""High-precision references for the von Mises-Fisher law, independent of the package's formulas."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from mpmath import mp, mpf

mp.dps = 50

DIMS = (2, 3, 4, 5, 8, 10, 16, 20, 32, 50, 64, 100, 128, 256, 512, 1000, 4096, 65536)
CONCENTRATIONS = (0.0, 1e-8, 1e-3, 0.1, 1.0, 5.0, 10.0, 50.0, 100.0, 1e3, 1e4, 1e5, 1e6)


class Reference(NamedTuple):
    """Exact values at one (m, kappa); ``kl_slope`` is dKL / dkappa."""

    log_hyp0f1: mpf
    log_normalizer: mpf
    mean_resultant_length: mpf
    slope: mpf
    kl: mpf
    kl_slope: mpf


@cache
def reference(dim: int, concentration: float) -> Reference:
    """Exact values by summing the power series of 0F1 outwards from its largest term."""
    kappa, m = mpf(concentration), mpf(dim)
    log_area = mp.log(2) + m / 2 * mp.log(mp.pi) - mp.loggamma(m / 2)
    if kappa == 0:
        zero = mpf(0)
        return Reference(zero, -log_area, zero, 1 / m, zero, zero)
    log_value = _log_hyp0f1(m / 2, kappa * kappa / 4)
    # 0F1(b)' = 0F1(b + 1) / b gives A = L' = kappa / m * 0F1(m/2 + 1) / 0F1(m/2).
    length = kappa / m * mp.exp(_log_hyp0f1(m / 2 + 1, kappa * kappa / 4) - log_value)
    slope = 1 - length**2 - (m - 1) / kappa * length
    kl = kappa * length - log_value
    return Reference(log_value, -log_value - log_area, length, slope, kl, kappa * slope)


def _log_hyp0f1(b: mpf, z: mpf) -> mpf:
    # term_j = z^j / (j! (b)_j) peaks where j (j + b - 1) = z.
    peak = int(mp.floor((1 - b + mp.sqrt((b - 1) ** 2 + 4 * z)) / 2))
    log_peak = peak * mp.log(z) - mp.loggamma(peak + 1) - mp.loggamma(b + peak) + mp.loggamma(b)
    tiny = mpf(10) ** (-mp.dps - 5)
    total = term = mpf(1)
    j = peak
    while term > tiny:
        j += 1
        term = term * z / (j * (b + j - 1))
        total += term
    term, j = mpf(1), peak
    while j > 0 and term > tiny:
        term = term * (j * (b + j - 1)) / z
        j -= 1
        total += term
    return log_peak + mp.log(total)
