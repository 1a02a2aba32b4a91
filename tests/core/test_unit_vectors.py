"""Directions of vectors of any length, against float64."""

import pytest
import torch
from torch.autograd import gradcheck

from spherical_gae.core.unit_vectors import unit_direction, unit_or_zero


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


def test_what_has_no_direction_stays_zero_and_gets_no_gradient() -> None:
    raw = torch.tensor([[3.0, 0.0, -4.0], [0.0, 0.0, 0.0], [1e-13, 0.0, 0.0]], requires_grad=True)
    unit = unit_or_zero(raw)
    torch.testing.assert_close(unit, torch.tensor([[0.6, 0.0, -0.8], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    unit[:, 0].sum().backward()
    assert raw.grad is not None
    # (1 - u u^T) e_1 / 5 for the first.
    torch.testing.assert_close(raw.grad, torch.tensor([[0.128, 0.0, 0.096], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))


def test_other_vectors_are_as_pytorch_normalises_them_bit_for_bit() -> None:
    raw = torch.randn(100, 7, generator=torch.Generator().manual_seed(0))
    assert torch.equal(unit_or_zero(raw), torch.nn.functional.normalize(raw, dim=-1))
