"""Distributions about a mean direction whose divergence to the uniform one is tabulated: what differs between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

# In old versions (torch 2.4) log1p of a float32 above 1e38 is infinite on a processor with vector instructions.
_LOG1P_ENDS_EARLY = bool(torch.log1p(torch.tensor([3e38], dtype=torch.float32, device="cpu")).isinf())


class Frame(NamedTuple):
    """A place q in [0, 1] and known terms, with which KL = lead + weight S(q) and dKL/dkappa = slope G(q)."""

    place: Tensor
    lead: Tensor
    weight: Tensor
    slope: Tensor


@dataclass(frozen=True)
class DivergenceFamily(ABC):
    """The divergences in one dimension, for every concentration.

    S and G of ``frame`` are smooth on the closed interval, so that relative accuracy is kept at both ends.

    Args:
        dim: Ambient dimension m.
    """

    dim: int

    @abstractmethod
    def divergence(self, kappa: Array) -> tuple[Array, Array]:
        """The divergence to the uniform law, and its derivative in kappa over kappa, for kappa > 0 and to rounding."""

    @property
    def unit(self) -> float:
        """The concentration that t = kappa / unit measures in, max(a, 1) with a = (m - 1) / 2."""
        return max(0.5 * (self.dim - 1), 1.0)

    @staticmethod
    def frame(t: Tensor, one: Tensor, dim: int) -> Frame:
        """Where a concentration lies in the table.

        By default q = t / (1 + sqrt(1 + t^2)),  KL = (a / 2) log(1 + t^2) + q^2 S(q),  dKL/dkappa = t / (1 + t^2) G(q),
        for what grows as a log kappa.

        Args:
            t: kappa over ``unit``.
            one: 1 on the device of ``t``.
            dim: m.

        Returns:
            Four tensors of the shape of ``t``.
        """
        radius = torch.hypot(t, one)
        q = t / (radius + one)
        # q t = sqrt(1 + t^2) - 1, and neither overflows.
        log_radius = torch.log1p(q * t)
        if _LOG1P_ENDS_EARLY:
            log_radius = torch.where(t < 1e30, log_radius, torch.log(radius))
        return Frame(q, log_radius * (0.5 * (dim - 1)), q * q, t / radius / radius)

    @staticmethod
    def concentration_at(place: Array) -> Array:
        """t of q, for q in (0, 1)."""
        return 2 * place / ((1 - place) * (1 + place))
