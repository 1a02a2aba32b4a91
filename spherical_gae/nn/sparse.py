"""A constant sparse matrix whose products are fast forwards and backwards."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from spherical_gae.core.numerics.operators import is_traced

_Matrix = TypeVar("_Matrix", bound="SparseMatrix")

# A product gathers rows of the dense matrix, the transposed one rows of the gradient.  Where they are more than stay in
# a cache, the latter are gathered block by block, and both by the kernel that is fastest then.
_CACHED_ROWS = 8192
_LEAST_ROWS_OF_BLOCK = 1024


@contextmanager
def _without_beta_warning() -> Iterator[None]:
    """PyTorch says once per process that compressed rows are in beta."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support", category=UserWarning)
        yield


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
        # Copies: torch.compile takes no views of the parts of a sparse tensor.
        row, column = (index.clone() for index in entries.indices())
        values = entries.values().clone()
        self.shape: tuple[int, int] = (matrix.shape[0], matrix.shape[1])
        self._rows = _compress(row, self.shape[0]), column
        # The transposes of blocks of rows, one below the other; where there are as many columns as rows, one block.
        blocks, rows_of_block = _blocks(*self.shape)
        column = column + row // rows_of_block * self.shape[1]
        # Stable, so that within a column the rows keep ascending, as compressed storage wants them.
        self._order = torch.argsort(column, stable=True)
        self._columns = _compress(column[self._order], blocks * self.shape[1]), row[self._order]
        self._values = values
        with _without_beta_warning():
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
    def values(self) -> Tensor:
        """The stored entries, in the order of ``indices``, shape [nnz]."""
        return self._values

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
        new = copy.copy(self)
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
        """The product with a dense matrix, see ``matmul``."""
        return self.matmul(dense)

    def matmul(self, dense: Tensor, dropout: float = 0.0) -> Tensor:
        """The product with a dense matrix; unlike ``@``, one that torch.compile takes into its graph.

        Under autocast the dense matrix is taken to this one's dtype: there are no sparse products in half precision.

        Args:
            dense: Shape [C, K], of the dtype of the matrix.
            dropout: Probability in [0, 1] by which entries of the matrix are zeroed, as by ``dropout``.

        Returns:
            Shape [R, K].

        Raises:
            TypeError: If the dtypes differ.
            ValueError: If the shape does not fit.
        """
        if dense.dim() != 2 or dense.shape[0] != self.shape[1]:
            raise ValueError(
                f"the operand must have shape [{self.shape[1]}, K], a row for each column of the matrix, "
                f"got {list(dense.shape)}"
            )
        if torch.is_autocast_enabled(self.device.type):
            dense = dense.to(self.dtype)
        if dense.dtype != self.dtype:
            raise TypeError(f"the operand must have the dtype of the matrix, {self.dtype}, got {dense.dtype}")
        if is_traced(dense):
            values = torch.nn.functional.dropout(self._values, dropout) if dropout > 0 else self._values
            return _traced_product(dense, values, *self._rows, *self._columns, self._order)
        return _Product.apply(dense, self.dropout(dropout))

    def _forward(self, dense: Tensor) -> Tensor:
        return _product(self._layout(self._rows, self._values, self.shape), dense)

    def _backward(self, grad: Tensor) -> Tensor:
        transposed = (self._columns[0].numel() - 1, self.shape[0])
        stacked = _product(self._layout(self._columns, self._values[self._order], transposed), grad)
        return _sum_of_blocks(stacked, self.shape[1])

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


# Schemas in words: torch 2.4 does not read annotations that are text.
@torch.library.custom_op(
    "spherical_gae::sparse_product",
    mutates_args=(),
    schema="(Tensor dense, Tensor values, Tensor row_starts, Tensor columns, Tensor column_starts, Tensor rows, "
    "Tensor order) -> Tensor",
)
def _traced_product(
    dense: Tensor,
    values: Tensor,
    row_starts: Tensor,
    columns: Tensor,
    column_starts: Tensor,
    rows: Tensor,
    order: Tensor,
) -> Tensor:
    """For torch.compile, which knows no compressed rows; all but ``dense`` are constants."""
    shape = row_starts.numel() - 1, dense.shape[0]
    return _product(SparseMatrix._layout((row_starts, columns), values, shape), dense)


@torch.library.custom_op(
    "spherical_gae::sparse_product_transposed",
    mutates_args=(),
    schema="(Tensor grad, Tensor values, Tensor row_starts, Tensor column_starts, Tensor rows, Tensor order) -> Tensor",
)
def _traced_transposed(
    grad: Tensor, values: Tensor, row_starts: Tensor, column_starts: Tensor, rows: Tensor, order: Tensor
) -> Tensor:
    shape = column_starts.numel() - 1, row_starts.numel() - 1
    return _product(SparseMatrix._layout((column_starts, rows), values[order], shape), grad.contiguous())


@_traced_product.register_fake
def _(dense: Tensor, _values: Tensor, row_starts: Tensor, *_: Tensor) -> Tensor:
    return dense.new_empty(row_starts.shape[0] - 1, dense.shape[1])


@_traced_transposed.register_fake
def _(grad: Tensor, _values: Tensor, _row_starts: Tensor, column_starts: Tensor, *_: Tensor) -> Tensor:
    return grad.new_empty(column_starts.shape[0] - 1, grad.shape[1])


def _keep_matrix(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    dense, values, row_starts, _, *others = inputs
    ctx.num_columns = dense.shape[0]
    ctx.save_for_backward(values, row_starts, *others)


def _backward_of_traced(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    return _sum_of_blocks(_traced_transposed(grad, *ctx.saved_tensors), ctx.num_columns), *[None] * 6


_traced_product.register_autograd(_backward_of_traced, setup_context=_keep_matrix)


def sparse_product(row: Tensor, column: Tensor, values: Tensor, dense: Tensor) -> Tensor:
    """The product of a square sparse matrix that is used once with a dense one; not differentiable.

    Args:
        row: Row of each entry, int64 [E], ascending.
        column: Column of each entry, int64 [E]; entries that are listed more than once add up.
        values: Shape [E].
        dense: Shape [N, K].

    Returns:
        Shape [N, K].

    Example:
        >>> place = torch.tensor([0]), torch.tensor([1])  # an entry of 5 in the first row, second column
        >>> sparse_product(*place, torch.tensor([5.0]), torch.tensor([[1.0], [2.0]]))
        tensor([[10.],
                [ 0.]])
    """
    size = dense.shape[0]
    with _without_beta_warning():
        return _product(SparseMatrix._layout((_compress(row, size), column), values, (size, size)), dense)


def _product(matrix: Tensor, dense: Tensor) -> Tensor:
    if torch.is_autocast_enabled(dense.device.type):
        with torch.autocast(dense.device.type, enabled=False):
            return _product(matrix, dense)
    if max(matrix.shape) > _CACHED_ROWS and dense.dtype == torch.float32 and dense.device.type == "cpu":
        # Rows are bags of weighted rows: about half of addmm's time (an EPYC's MKL).  For smaller matrices it would be
        # a tenth of an epoch at most, and small graphs keep the bits of their published results.
        return torch.nn.functional.embedding_bag(
            matrix.col_indices(),
            dense.detach().contiguous(),  # other layouts have no fast kernel
            matrix.crow_indices(),
            mode="sum",
            per_sample_weights=matrix.values(),
            include_last_offset=True,
        )
    # In place: ``matrix @ dense`` fills and copies the result before it computes it, which costs as much again.
    return dense.new_empty(matrix.shape[0], dense.shape[1]).addmm_(matrix, dense, beta=0)


def _blocks(num_rows: int, num_columns: int) -> tuple[int, int]:
    """How many blocks the rows are cut into, and the rows of each.

    Stacked, the transposes of blocks have at most about half as many rows as the matrix.
    """
    if num_rows <= _CACHED_ROWS:
        return 1, max(num_rows, 1)
    rows_of_block = max(_LEAST_ROWS_OF_BLOCK, 2 * num_columns)
    return -(-num_rows // rows_of_block), rows_of_block


def _sum_of_blocks(stacked: Tensor, num_columns: int) -> Tensor:
    """The sum of blocks of so many rows each."""
    if stacked.shape[0] == num_columns:
        return stacked
    return stacked.view(-1, num_columns, stacked.shape[1]).sum(0)


def _compress(sorted_index: Tensor, size: int) -> Tensor:
    """Start of each row among sorted row indices, shape [size + 1]."""
    boundaries = torch.arange(size + 1, device=sorted_index.device)
    return torch.searchsorted(sorted_index.contiguous(), boundaries)
