"""A function of the two ends of each pair, without a table of both ends of every pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from spherical_gae.core.numerics.operators import is_traced

# Pairs at once, so that their ends stay in a cache.
PIECE = 1024


def of_pairs(function: Callable[..., Tensor], z: Tensor, edge_index: Tensor, *parameters: Tensor) -> Tensor:
    """Applies a function to the two rows of each pair.

    On a CPU many pairs are taken piece by piece, and once more for the gradient, which takes half the time of gathering
    all ends, and next to no memory.

    Args:
        function: Maps rows [P, m], rows [P, m] and the parameters to values [P], each pair for itself; it must use all
            of them, and no other tensor that is differentiated.
        z: Rows, shape [N, m].
        edge_index: int64 [2, E], the pairs.
        *parameters: All other tensors that the function is differentiated in.

    Returns:
        Shape [E]; twice differentiable.  For many pairs, as said, by reverse mode only: forward mode and ``torch.func``
        raise there.

    Example:
        >>> z = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> of_pairs(lambda source, target: (source * target).sum(-1), z, torch.tensor([[0], [1]]))
        tensor([11.])
    """
    if edge_index.size(1) <= 4 * PIECE or not may_be_cut(z):
        return function(*ends(z, edge_index), *parameters)
    return _OfPairs.apply(function, edge_index, z, *parameters)


def ends(z: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of both ends of each pair, shape [E, m] each."""
    return z.index_select(0, edge_index[0]), z.index_select(0, edge_index[1])


def may_be_cut(z: Tensor) -> bool:
    """Whether pairs of these rows may be taken piece by piece.

    A compiler or a trace sees one length of the list of pairs, and another device or dtype has other kernels.
    """
    plain = z.device.type == "cpu" and z.dtype in (torch.float32, torch.float64)
    return plain and not is_traced(z) and not torch.jit.is_tracing() and not torch.is_autocast_enabled("cpu")


class _OfPairs(Function):
    @staticmethod
    def forward(
        ctx: Any, function: Callable[..., Tensor], edge_index: Tensor, z: Tensor, *parameters: Tensor
    ) -> Tensor:
        ctx.function = function
        ctx.save_for_backward(edge_index, z, *parameters)
        return torch.cat([function(*ends(z, piece), *parameters) for piece in edge_index.split(PIECE, dim=1)])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        edge_index, z, *parameters = ctx.saved_tensors
        if torch.is_grad_enabled():  # for those who differentiate the gradients
            wanted = [given for given in (z, *parameters) if given.requires_grad]
            value = ctx.function(*ends(z, edge_index), *parameters)
            found = iter(torch.autograd.grad(value, wanted, grad, create_graph=True))
            return None, None, *(next(found) if given.requires_grad else None for given in (z, *parameters))
        return None, None, *_gradients(ctx.function, edge_index, z, parameters, grad)


def _gradients(
    function: Callable[..., Tensor], edge_index: Tensor, z: Tensor, parameters: list[Tensor], grad: Tensor
) -> list[Tensor]:
    """The gradients in ``z`` and the parameters, the wanted ones and the others."""
    totals = [torch.zeros_like(parameter) for parameter in parameters]
    of_ends = z.new_empty(2, edge_index.size(1), z.size(1))
    pieces = zip(edge_index.split(PIECE, dim=1), grad.split(PIECE), of_ends.split(PIECE, dim=1), strict=True)
    for pairs, on_piece, of_piece in pieces:
        given = [tensor.detach().requires_grad_() for tensor in (*ends(z, pairs), *parameters)]
        with torch.enable_grad():
            value = function(*given)
        of_piece[0], of_piece[1], *of_parameters = torch.autograd.grad(value, given, on_piece)
        for total, part in zip(totals, of_parameters, strict=True):
            total += part
    return [_sums(of_ends.flatten(0, 1), edge_index.flatten(), z.size(0)), *totals]


def _sums(rows: Tensor, group: Tensor, num_groups: int) -> Tensor:
    """The sum of the rows of each group, shape [num_groups, m]; a third of the time of ``index_add_``."""
    by_group, order = group.sort()
    starts = torch.searchsorted(by_group, torch.arange(num_groups + 1))
    return torch.nn.functional.embedding_bag(order, rows, starts, mode="sum", include_last_offset=True)
