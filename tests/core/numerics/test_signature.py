"""A decorated forward is the function it was, and its Function works everywhere."""

from __future__ import annotations

import inspect

import torch
from torch.autograd import Function, gradcheck

from spherical_gae.core.numerics.signature import keeps_signature


def cube(x: torch.Tensor, scale: float = 2.0, *, note: str = "") -> torch.Tensor:
    return scale * x**3


def test_is_the_same_function_with_its_signature():
    before = inspect.signature(cube)
    assert keeps_signature(cube) is cube
    assert cube.__signature__ == before == inspect.signature(cube)
    assert cube(torch.tensor(2.0)).item() == 16


class Cube(Function):
    generate_vmap_rule = True

    @staticmethod
    @keeps_signature
    def forward(x: torch.Tensor, scale: float = 2.0) -> torch.Tensor:
        return scale * x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.scale = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * ctx.scale * x**2, None


def test_apply_uses_it():
    """And fills in the default of an argument that is left out."""
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    assert Cube.apply(x).tolist() == [2, 16]
    assert gradcheck(Cube.apply, (x, 3.0))


def test_under_torch_func():
    x = torch.tensor([1.0, 2.0])
    assert torch.func.grad(lambda v: Cube.apply(v, 3.0).sum())(x).tolist() == [9, 36]
    assert torch.func.grad(torch.func.grad(lambda v: Cube.apply(v, 3.0)))(x[1]).item() == 36
    assert torch.vmap(torch.func.grad(lambda v: Cube.apply(v, 1.0)))(x).tolist() == [3, 12]
