"""Functions as operators of torch.compile, with their first and their second derivative.

torch.compile can neither trace how a table is built nor keep one apart for each dtype.  And it traces the backward of
an ``autograd.Function`` once: in a second derivative, the first one is silently a constant.  So a compiled program
calls a function that is registered here as one operator, which runs it as it is without torch.compile.  Its derivative
is an operator as well, and the derivative of that one; a third derivative raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor


class _Registered(NamedTuple):
    """``function(*tensors, family, dim)`` returns tensors of the shape of the first one, or of that without an axis."""

    function: Callable[..., tuple[Tensor, ...]]
    num_outputs: int
    drops_last_axis: bool


_FUNCTIONS: dict[str, _Registered] = {}


def register_operator(
    name: str, function: Callable[..., tuple[Tensor, ...]], num_outputs: int = 1, drops_last_axis: bool = False
) -> None:
    """Makes a function known to ``call_operator``.

    Args:
        name: By which it is called.
        function: Of tensors of one shape, of a family's name and of the dimension m.  Differentiable twice, element by
            element or, with ``drops_last_axis``, vector by vector; returns new tensors.
        num_outputs: Number of tensors that it returns.
        drops_last_axis: Whether these lack the last axis of the arguments.
    """
    _FUNCTIONS[name] = _Registered(function, num_outputs, drops_last_axis)


def is_traced(tensor: Tensor) -> bool:
    """Whether torch.compile is at work, so that an operator is to be called."""
    return torch.compiler.is_compiling() or isinstance(tensor, FakeTensor)


def last_size(tensor: Tensor) -> int:
    """Size of the last axis as an integer; torch.jit.trace makes tensors of sizes, by which no table is found."""
    size = tensor.shape[-1]
    return int(size) if isinstance(size, Tensor) else size


def call_operator(name: str, *tensors: Tensor, dim: int, family: str = "") -> list[Tensor]:
    """Calls a registered function as one operator.

    Args:
        name: Its name.
        *tensors: Its arguments, all of one shape.
        dim: m.
        family: Name of the family of distributions, where the function has several.

    Returns:
        Its results.
    """
    return _value(list(tensors), name, family, dim)


@torch.library.custom_op(
    "spherical_gae::value",
    mutates_args=(),
    schema="(Tensor[] inputs, str name, str family, SymInt dim) -> Tensor[]",
)
def _value(inputs: list[Tensor], name: str, family: str, dim: int) -> list[Tensor]:
    # Contiguous, as the fake results are.
    outputs = _FUNCTIONS[name].function(*(x.contiguous() for x in inputs), family, dim)
    return [output.contiguous() for output in outputs]


@torch.library.custom_op(
    "spherical_gae::derivative",
    mutates_args=(),
    schema="(Tensor[] inputs, Tensor[] grads, str name, str family, SymInt dim) -> Tensor[]",
)
def _derivative(inputs: list[Tensor], grads: list[Tensor], name: str, family: str, dim: int) -> list[Tensor]:
    return _owned(_pulled(inputs, grads, name, family, dim))


@torch.library.custom_op(
    "spherical_gae::second_derivative",
    mutates_args=(),
    schema="(Tensor[] inputs, Tensor[] grads, Tensor[] seconds, str name, str family, SymInt dim) -> Tensor[]",
)
def _second_derivative(
    inputs: list[Tensor], grads: list[Tensor], seconds: list[Tensor], name: str, family: str, dim: int
) -> list[Tensor]:
    count = len(inputs)

    def first(*tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(_pulled(tensors[:count], tensors[count:], name, family, dim))

    pull = torch.func.vjp(first, *inputs, *grads)[1]
    return _owned(pull(tuple(seconds)))


def _pulled(inputs: Any, grads: Any, name: str, family: str, dim: int) -> tuple[Tensor, ...]:
    def of_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(_FUNCTIONS[name].function(*tensors, family, dim))

    # torch.func, as plain autograd is off inside an operator.
    pull = torch.func.vjp(of_tensors, *(x.contiguous() for x in inputs))[1]
    return pull(tuple(grads))


def _owned(tensors: tuple[Tensor, ...]) -> list[Tensor]:
    """Contiguous copies: an operator's results must not share memory with its arguments."""
    return [x.clone(memory_format=torch.contiguous_format) for x in tensors]


@_value.register_fake
def _(inputs: list[Tensor], name: str, _family: str, _dim: int) -> list[Tensor]:
    found = _FUNCTIONS[name]
    shape = inputs[0].shape[:-1] if found.drops_last_axis else inputs[0].shape
    return [inputs[0].new_empty(shape) for _ in range(found.num_outputs)]


@_derivative.register_fake
def _(inputs: list[Tensor], _grads: list[Tensor], _name: str, _family: str, _dim: int) -> list[Tensor]:
    return [x.new_empty(x.shape) for x in inputs]


@_second_derivative.register_fake
def _(
    inputs: list[Tensor], grads: list[Tensor], _seconds: list[Tensor], _name: str, _family: str, _dim: int
) -> list[Tensor]:
    return [x.new_empty(x.shape) for x in (*inputs, *grads)]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    *lists, ctx.name, ctx.family, ctx.dim = inputs
    ctx.count = len(lists[0])
    ctx.save_for_backward(*(x for tensors in lists for x in tensors))


def _value_backward(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    found = _derivative(list(ctx.saved_tensors), list(grads), ctx.name, ctx.family, ctx.dim)
    return found, None, None, None


def _derivative_backward(ctx: Any, seconds: list[Tensor]) -> tuple[Any, ...]:
    inputs, grads = list(ctx.saved_tensors[: ctx.count]), list(ctx.saved_tensors[ctx.count :])
    found = _second_derivative(inputs, grads, list(seconds), ctx.name, ctx.family, ctx.dim)
    return found[: ctx.count], found[ctx.count :], None, None, None


_value.register_autograd(_value_backward, setup_context=_keep)
_derivative.register_autograd(_derivative_backward, setup_context=_keep)
