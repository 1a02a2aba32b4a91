"""Forward mode over forward mode for ``torch.autograd.Function``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from torch import Tensor
from torch._C import _functorch
from torch.autograd.forward_ad import _set_fwd_grad_enabled

Jvp = Callable[..., Any]


def differentiable_jvp(jvp: Jvp) -> Jvp:
    """Decorates the ``jvp`` of a Function, so that ``torch.func.jvp`` differentiates it in turn.

    torch calls a ``jvp`` with forward mode switched off, for all levels of ``torch.func``: the derivative of a
    derivative silently is 0.  Here it is on, and the saved tensors are those of the level below, of which the tangents
    are functions.

    Args:
        jvp: As of a Function, of ``ctx`` and the tangents; below ``staticmethod``.

    Returns:
        The decorated function.
    """

    @wraps(jvp)
    def at_level_below(ctx: Any, *tangents: Any) -> Any:
        levels = [
            i.level() for i in _functorch.get_interpreter_stack() or () if i.key() == _functorch.TransformType.Jvp
        ]
        if not levels:
            return jvp(ctx, *tangents)
        with _set_fwd_grad_enabled(True):
            return jvp(_Below(ctx, levels[-1]), *tangents)

    return at_level_below


class _Below:
    """A Function's context whose saved tensors are those of the level below."""

    def __init__(self, ctx: Any, level: int) -> None:
        self._ctx = ctx
        self.saved_tensors = tuple(_below(x, level) for x in ctx.saved_tensors)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)


def _below(x: Tensor, level: int) -> Tensor:
    if _functorch.is_batchedtensor(x):
        inner = _below(_functorch.get_unwrapped(x), level)
        return _functorch._add_batch_dim(inner, _functorch.maybe_get_bdim(x), _functorch.maybe_get_level(x))
    if _functorch.is_gradtrackingtensor(x) and _functorch.maybe_get_level(x) == level:
        return _functorch._unwrap_for_grad(x, level)
    return x
