"""Weighted inner products of many pairs of rows, without a table of both ends of every pair."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from spherical_gae.nn.modes import in_own_precision
from spherical_gae.nn.pair_pieces import PIECE, ends, may_be_cut
from spherical_gae.nn.sparse import sparse_product

# Numbers in the ends of all pairs above which they no longer stay in a cache: 16 MB in float32.
_LARGE = 1 << 22


def pair_products(z: Tensor, edge_index: Tensor, weight: Tensor) -> Tensor:
    """The weighted inner product of each pair of rows: sum_k weight_k z_ik z_jk.

    For many pairs on a CPU the ends are gathered piece by piece, and the gradient is a product of matrices: with
    G_ij the gradient of pair (i, j), that of z is weight * (G + G^T) z, and that of the weights sum_i z_i * (G z)_i.
    This takes a quarter of the time of gathering all ends, and next to no memory.

    Args:
        z: Rows, shape [N, m].
        edge_index: int64 [2, E], the pairs.
        weight: Shape [m], any sign.

    Returns:
        Shape [E]; twice differentiable in ``z`` and ``weight``.  For many pairs, as said, by reverse mode only: forward
        mode and ``torch.func`` raise there.

    Example:
        >>> z = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> pair_products(z, torch.tensor([[0], [1]]), torch.tensor([1.0, 0.5]))  # 1 * 3 + 2 * 4 / 2
        tensor([7.])
    """
    if edge_index.size(1) * z.size(1) > _LARGE and z.dtype == weight.dtype and may_be_cut(z):
        return _PairProducts.apply(z, edge_index, weight)
    return _gathered(z, edge_index, weight)


def _gathered(z: Tensor, edge_index: Tensor, weight: Tensor) -> Tensor:
    source, target = ends(z, edge_index)
    # Not in half precision, see ``in_own_precision``.
    with in_own_precision(z.device):
        return (source * target) @ weight


class _PairProducts(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, edge_index: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(z, edge_index, weight)
        return torch.cat([_gathered(z, piece, weight) for piece in edge_index.split(PIECE, dim=1)])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        z, edge_index, weight = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _differentiable_gradients(z, edge_index, weight, grad)
        ends = torch.cat([edge_index, edge_index.flip(0)], dim=1)
        order = ends[0].argsort()
        row, column = ends[:, order]
        sums = sparse_product(row, column, torch.cat([grad, grad])[order], z)
        return weight * sums, None, (z * sums).sum(0) / 2


def _differentiable_gradients(
    z: Tensor, edge_index: Tensor, weight: Tensor, grad: Tensor
) -> tuple[Tensor | None, None, Tensor | None]:
    """The gradients of all ends gathered, for those who differentiate them."""
    wanted = [given for given in (z, weight) if given.requires_grad]
    found = iter(torch.autograd.grad(_gathered(z, edge_index, weight), wanted, grad, create_graph=True))
    of_z, of_weight = (next(found) if given.requires_grad else None for given in (z, weight))
    return of_z, None, of_weight
