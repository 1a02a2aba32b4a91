"""Directions of vectors of any length, against float64."""

import pytest
import torch
from torch.autograd import gradcheck

from spherical_gae.core.unit_vectors import unit_direction


@pytest.mark.parametrize("size", [1e-40, 1e-20, 1.0, 1e20, 1e37])
def test_direction_does_not_depend_on_the_length(size: float) -> None:
    raw = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    exact = torch.nn.functional.normalize(raw.double(), dim=-1)
    # Numbers near 1e-40 have few digits.
    torch.testing.assert_close(unit_direction(size * raw).double(), exact, rtol=0, atol=1e-4 if size < 1e-38 else 1e-6)


def test_a_zero_vector_is_the_first_axis_and_its_gradient_is_finite() -> None:
    raw = torch.zeros(2, 3, requires_grad=True)
    unit = unit_direction(raw)
    assert torch.equal(unit, torch.eye(1, 3).expand(2, 3))
    unit.sum().backward()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


def test_gradients() -> None:
    raw = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert gradcheck(unit_direction, raw)
