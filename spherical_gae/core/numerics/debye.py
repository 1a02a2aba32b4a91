"""The uniform (Debye) expansion of log I_v in exact rationals, and its evaluation by Horner.

Olver's uniform expansion (DLMF 10.41.3) reads, with s = sqrt(v^2 + kappa^2) and p = v / s,

    I_v(kappa) ~ exp(eta) / sqrt(2 pi s) * sum_k U_k(p) / v^k.

Its logarithm is again a series in 1/s, whose coefficients are polynomials in y = (kappa / s)^2 = 1 - p^2:

    log sum_k U_k(p) / v^k = sum_k D_k(y) / s^k.

Written this way nothing is singular at v = 0, so one set of coefficients serves every dimension.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from torch import Tensor

Polynomial = tuple[Fraction, ...]
Rows = tuple[tuple[float, ...], ...]

_ONE = Fraction(1)


class DebyeCoefficients(NamedTuple):
    """Coefficients of the log-Debye polynomials; row k - 1 belongs to 1 / s^k, powers of y ascend.

    Attributes:
        value: (D_k(y) - D_k(0)) / y.
        first: E_k(y) / y, where E_k s^-k = kappa d/dkappa (D_k s^-k).
        second: (F_k(y) - E_k(y)) / y, where F_k s^-k = kappa d/dkappa (E_k s^-k).
        constant: D_k(0), the coefficients of Stirling's series; zero for even k.
    """

    value: Rows
    first: Rows
    second: Rows
    constant: tuple[float, ...]

    def first_terms(self, terms: int) -> DebyeCoefficients:
        """Those up to 1 / s^terms, which a longer series does not change."""
        return DebyeCoefficients(self.value[:terms], self.first[:terms], self.second[:terms], self.constant[:terms])


def debye_coefficients(terms: int) -> DebyeCoefficients:
    """Returns the log-Debye coefficients up to 1 / s^terms.

    Args:
        terms: Number of terms, at least 1.

    Returns:
        The coefficients, rounded once from exact rationals.
    """
    value, first, second, constant = [], [], [], []
    for k, log_term in enumerate(_log_series(_debye_polynomials(terms)), start=1):
        once = _kappa_derivative(log_term, k)
        twice = _kappa_derivative(once, k)
        constant.append(float(log_term[0]))
        value.append(_divided_by_y(log_term))
        first.append(_divided_by_y(once))
        second.append(_divided_by_y(_add(twice, once, -_ONE)))
    return DebyeCoefficients(tuple(value), tuple(first), tuple(second), tuple(constant))


def horner_series(rows: Rows, y: Tensor, inverse_radius: Tensor) -> Tensor:
    """Evaluates sum_k row_k(y) / s^k by Horner in both variables.

    Args:
        rows: Polynomial coefficients, one ascending row for every power of 1 / s from 1 on.
        y: (kappa / s)^2, in [0, 1], any shape.
        inverse_radius: 1 / s, same shape.

    Returns:
        The sum, same shape; differentiable any number of times.
    """
    total: Tensor | None = None
    for row in reversed(rows):
        inner = horner(row, y)
        total = inner if total is None else total * inverse_radius + inner
    assert total is not None
    return total * inverse_radius


def horner(row: tuple[float, ...], y: Tensor) -> Tensor:
    """Evaluates one polynomial with ascending coefficients at ``y``, any shape."""
    if len(row) == 1:
        return y.new_full((), row[0]).expand_as(y)
    result = y * row[-1] + row[-2]
    for coefficient in row[-3::-1]:
        result = result * y + coefficient
    return result


def _debye_polynomials(terms: int) -> list[Polynomial]:
    """U_0 .. U_terms in ascending powers of p (DLMF 10.41.9)."""
    polynomials: list[Polynomial] = [(_ONE,)]
    half = Fraction(1, 2)
    for _ in range(terms):
        previous = polynomials[-1]
        slope = _multiply((Fraction(0), Fraction(0), half, Fraction(0), -half), _derivative(previous))
        integrand = _multiply((_ONE, Fraction(0), Fraction(-5)), previous)
        integral = (Fraction(0), *(c / (8 * (i + 1)) for i, c in enumerate(integrand)))
        polynomials.append(_add(slope, integral))
    return polynomials


def _log_series(polynomials: list[Polynomial]) -> list[Polynomial]:
    """D_1 .. D_K in ascending powers of y, from the series of a logarithm."""
    # U_k(p) = p^k W_k(p^2), and p / v = 1 / s turns the series into one in 1 / s.
    reduced = [u[k::2] for k, u in enumerate(polynomials)]
    logs: list[Polynomial] = []
    for k in range(1, len(polynomials)):
        total = tuple(k * c for c in reduced[k])
        for j in range(1, k):
            product = _multiply(tuple(j * c for c in logs[j - 1]), reduced[k - j])
            total = _add(total, product, -_ONE)
        logs.append(tuple(c / k for c in total))
    return [_in_complement(poly) for poly in logs]


def _kappa_derivative(poly: Polynomial, k: int) -> Polynomial:
    """The polynomial of kappa d/dkappa (poly(y) s^-k) s^k = 2 y (1 - y) poly' - k y poly."""
    slope = _multiply((Fraction(0), Fraction(2), Fraction(-2)), _derivative(poly))
    return _add(slope, _multiply((Fraction(0), Fraction(k)), poly), -_ONE)


def _in_complement(poly: Polynomial) -> Polynomial:
    """Rewrites a polynomial in q as one in y = 1 - q."""
    result: Polynomial = (Fraction(0),)
    power: Polynomial = (_ONE,)
    for coefficient in poly:
        result = _add(result, tuple(coefficient * c for c in power))
        power = _multiply(power, (_ONE, -_ONE))
    return result


def _divided_by_y(poly: Polynomial) -> tuple[float, ...]:
    """Drops the constant and one power of y, and trailing zeros."""
    row = list(poly[1:]) or [Fraction(0)]
    while len(row) > 1 and row[-1] == 0:
        row.pop()
    return tuple(float(c) for c in row)


def _derivative(poly: Polynomial) -> Polynomial:
    return tuple(i * c for i, c in enumerate(poly))[1:] or (Fraction(0),)


def _multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    result = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        if x:
            for j, y in enumerate(b):
                result[i + j] += x * y
    return tuple(result)


def _add(a: Polynomial, b: Polynomial, factor: Fraction = _ONE) -> Polynomial:
    size = max(len(a), len(b))
    left = a + (Fraction(0),) * (size - len(a))
    right = b + (Fraction(0),) * (size - len(b))
    return tuple(x + factor * y for x, y in zip(left, right, strict=True))
