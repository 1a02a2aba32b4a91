"""A constant sparse matrix whose products are fast forwards and backwards."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

_Matrix = TypeVar("_Matrix", bound="SparseMatrix")


class SparseMatrix:
    """A constant matrix kept in compressed rows, together with its transpose.

    ``matrix @ dense`` is differentiable in ``dense``.  PyTorch's own backward of such a product transposes
    anew in every step, which costs several times the product itself; here both layouts are built once.

    Args:
        matrix: Tensor of shape [R, C], dense or in any sparse layout; its values are not differentiated.

    Attributes:
        shape: (R, C).

    Raises:
        ValueError: If ``matrix`` is not two-dimensional.

    Example:
        >>> SparseMatrix(torch.eye(2)) @ torch.ones(2, 1)
        tensor([[1.],
                [1.]])
    """

    def __init__(self, matrix: Tensor) -> None:
        if matrix.dim() != 2:
            raise ValueError(f"matrix must be two-dimensional, got shape {tuple(matrix.shape)}")
        entries = matrix.detach().to_sparse_coo().coalesce()
        (row, column), values = entries.indices(), entries.values()
        self.shape: tuple[int, int] = (matrix.shape[0], matrix.shape[1])
        self._rows = _compress(row, self.shape[0]), column
        # Stable, so that within a column the rows keep ascending, as compressed storage wants them.
        self._order = torch.argsort(column, stable=True)
        self._columns = _compress(column[self._order], self.shape[1]), row[self._order]
        self._values = values
        with warnings.catch_warnings():
            # PyTorch says once per process that compressed rows are in beta.
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support", category=UserWarning)
            self._layout(self._rows, self._values, self.shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, nnz={self.nnz}, dtype={self._values.dtype})"

    @property
    def nnz(self) -> int:
        """Number of stored entries."""
        return self._values.numel()

    @property
    def indices(self) -> Tensor:
        """Row and column of every stored entry, by row, then by column, int64 [2, nnz]."""
        starts, column = self._rows
        row = torch.repeat_interleave(torch.arange(self.shape[0], device=starts.device), starts.diff())
        return torch.stack([row, column])

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the stored entries."""
        return self._values.dtype

    @property
    def device(self) -> torch.device:
        """Device of the stored entries."""
        return self._values.device

    def size(self, dim: int) -> int:
        """Number of rows (0) or columns (1), as ``Tensor.size``."""
        return self.shape[dim]

    def to(self: _Matrix, device: torch.device | str) -> _Matrix:
        """Returns the matrix on ``device``."""
        new = self.with_values(self._values.to(device))
        new._rows = self._rows[0].to(device), self._rows[1].to(device)
        new._columns = self._columns[0].to(device), self._columns[1].to(device)
        new._order = self._order.to(device)
        return new

    def with_values(self: _Matrix, values: Tensor) -> _Matrix:
        """Returns a matrix with the same places and other entries.

        Args:
            values: Entries, shape [nnz], ordered by row, then by column.
        """
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._values = values
        return new

    def dropout(self: _Matrix, p: float, training: bool = True) -> _Matrix:
        """Returns a matrix with entries zeroed with probability ``p``, the others scaled by 1 / (1 - p).

        Zero entries stay zero under dropout, so this equals dropout on the dense matrix.

        Args:
            p: Probability in [0, 1].
            training: If False, or if ``p`` is 0, the matrix itself is returned.
        """
        if not training or p == 0:
            return self
        return self.with_values(torch.nn.functional.dropout(self._values, p))

    def to_dense(self) -> Tensor:
        """The matrix as a dense tensor, shape [R, C]."""
        return self._layout(self._rows, self._values, self.shape).to_dense()

    def __matmul__(self, dense: Tensor) -> Tensor:
        """The product with a dense matrix of the same dtype and shape [C, K], shape [R, K].

        Under autocast the dense matrix is taken to this one's dtype: there are no sparse products in half precision.
        """
        if torch.is_autocast_enabled(self.device.type):
            dense = dense.to(self.dtype)
        if dense.dtype != self.dtype:
            raise TypeError(f"the operand must have the dtype of the matrix, {self.dtype}, got {dense.dtype}")
        return _Product.apply(dense, self)

    def _forward(self, dense: Tensor) -> Tensor:
        return _product(self._layout(self._rows, self._values, self.shape), dense)

    def _backward(self, grad: Tensor) -> Tensor:
        transposed = (self.shape[1], self.shape[0])
        return _product(self._layout(self._columns, self._values[self._order], transposed), grad)

    @staticmethod
    def _layout(index: tuple[Tensor, Tensor], values: Tensor, shape: tuple[int, int]) -> Tensor:
        return torch.sparse_csr_tensor(*index, values, shape, check_invariants=False)


class _Product(Function):
    @staticmethod
    def forward(ctx: Any, dense: Tensor, matrix: SparseMatrix) -> Tensor:
        ctx.matrix = matrix
        return matrix._forward(dense)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.matrix._backward(grad.contiguous()), None


def _product(matrix: Tensor, dense: Tensor) -> Tensor:
    if torch.is_autocast_enabled(dense.device.type):
        with torch.autocast(dense.device.type, enabled=False):
            return _product(matrix, dense)
    # In place: ``matrix @ dense`` fills and copies the result before it computes it, which costs as much again.
    return dense.new_empty(matrix.shape[0], dense.shape[1]).addmm_(matrix, dense, beta=0)


def _compress(sorted_index: Tensor, size: int) -> Tensor:
    """Start of each row among sorted row indices, shape [size + 1]."""
    boundaries = torch.arange(size + 1, device=sorted_index.device)
    return torch.searchsorted(sorted_index.contiguous(), boundaries)
