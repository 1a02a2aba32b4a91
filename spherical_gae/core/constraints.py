"""The support of laws on the unit sphere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import constraints

# Room for the rounding of a vector that was normalised in float32.
NORM_TOLERANCE = 1e-5


class _UnitSphere(constraints.Constraint):
    """Vectors along the last axis with Euclidean norm 1, up to ``NORM_TOLERANCE``."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        """True for each vector of norm 1, shape ``value.shape[:-1]``; NaN is never on the sphere."""
        return (value.norm(dim=-1) - 1).abs() <= NORM_TOLERANCE

    def __repr__(self) -> str:
        return "UnitSphere()"


unit_sphere = _UnitSphere()


def all_true(condition: Tensor) -> bool:
    """Whether it holds everywhere; inside ``torch.func.vmap`` over all of its elements, as torch's own laws ask."""
    return bool(torch._is_all_true(condition))


def shown(value: Tensor, form: str = "") -> str:
    """One number in a message; inside ``torch.func.vmap``, where it cannot be read, what to do instead."""
    try:
        return format(value.item(), form)
    except RuntimeError:
        return "a value that vmap hides (call without vmap to see it)"
