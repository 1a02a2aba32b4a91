"""The support of distributions on the unit sphere and on products of it, and how an optimiser gets there."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import constraints, transform_to
from torch.distributions.transforms import Transform

from spherical_gae.core.unit_vectors import unit_direction

# Room for the rounding of a vector that was normalised in float32.
NORM_TOLERANCE = 1e-5
# Up to so many numbers of a parameter are printed.
_FEW = 12


class _UnitSphere(constraints.Constraint):
    """Vectors along the last axis with Euclidean norm 1, up to ``NORM_TOLERANCE``.

    Example:
        >>> unit_sphere.check(torch.tensor([[0.6, 0.8], [1.0, 1.0]]))
        tensor([ True, False])
    """

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        """True for each vector of norm 1, shape ``value.shape[:-1]``; NaN is never on the sphere."""
        return (value.norm(dim=-1) - 1).abs() <= NORM_TOLERANCE

    def __repr__(self) -> str:
        return "UnitSphere()"


unit_sphere = _UnitSphere()


class UnitBlocks(constraints.Constraint):
    """Vectors whose K blocks of equal width are unit vectors.

    Args:
        num_factors: Number K of blocks.
    """

    event_dim = 1

    def __init__(self, num_factors: int) -> None:
        self.num_factors = num_factors
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        """True for each vector whose blocks are all on the sphere, shape ``value.shape[:-1]``."""
        return unit_sphere.check(value.unflatten(-1, (self.num_factors, -1))).all(-1)

    def __repr__(self) -> str:
        return "UnitBlocks()"


class NormalizeTransform(Transform):
    """Vectors of any length to unit vectors, block by block: ``transform_to(unit_sphere)``, as ``pyro.param`` asks for.

    Not one to one: all vectors of a direction are mapped to one point, and ``inv`` returns the point itself.  A zero
    block becomes the first axis: samplers ask for the point of 0 as one that is surely allowed.

    Args:
        num_factors: Number of blocks.

    Example:
        >>> transform_to(unit_sphere)(torch.tensor([3.0, 4.0]))
        tensor([0.6000, 0.8000])
    """

    domain = constraints.real_vector
    codomain: constraints.Constraint = unit_sphere
    bijective = False

    def __init__(self, num_factors: int = 1) -> None:
        super().__init__()
        self.num_factors = num_factors
        if num_factors > 1:
            self.codomain = UnitBlocks(num_factors)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NormalizeTransform) and other.num_factors == self.num_factors

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return unit_direction(x.unflatten(-1, (self.num_factors, -1))).flatten(-2)

    def _inverse(self, y: Tensor) -> Tensor:
        return y


transform_to.register(_UnitSphere, lambda constraint: NormalizeTransform())
transform_to.register(UnitBlocks, lambda constraint: NormalizeTransform(constraint.num_factors))


def all_true(condition: Tensor) -> bool:
    """Whether it holds everywhere; inside ``torch.func.vmap`` over all of its elements, as torch's own laws ask."""
    return bool(torch._is_all_true(condition))


def shown(value: Tensor, form: str = "") -> str:
    """One number in a message; inside ``torch.func.vmap``, where it cannot be read, what to do instead."""
    try:
        return format(value.item(), form)
    except RuntimeError:
        return "a value that vmap hides (call without vmap to see it)"


def described(law: Any, *names: str) -> str:
    """A distribution in words: the values of its parameters if they are few, else their shapes."""
    values = [getattr(law, name).detach() for name in names]
    try:
        if any(value.numel() > _FEW for value in values):
            words = [str(tuple(value.shape)) for value in values]
        else:
            words = [str(np.array(value.tolist()).round(4).tolist()) for value in values]
    except (RuntimeError, NotImplementedError):  # inside vmap, or without data
        words = [str(tuple(value.shape)) for value in values]
    parts = (f"{name}: {word}" for name, word in zip(names, words, strict=True))
    return f"{type(law).__name__}({', '.join(parts)})"
