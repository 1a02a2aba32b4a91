import math

import pytest
import torch
from torch import Tensor

from spherical_gae.nn import SparseMatrix

LAYOUTS = [torch.strided, torch.sparse_coo, torch.sparse_csr, torch.sparse_csc]


def with_holes(rows: int, columns: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    """A matrix of about 30% non-zero entries whose first and last row and column are empty."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(rows, columns, generator=generator, dtype=dtype)
    values[torch.rand(rows, columns, generator=generator) > 0.3] = 0
    values[[0, -1]] = 0
    values[:, [0, -1]] = 0
    return values


def in_layout(dense: Tensor, layout: torch.layout) -> Tensor:
    return dense if layout == torch.strided else dense.to_sparse(layout=layout)


@pytest.mark.filterwarnings("ignore:Sparse CS")
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-15)])
@pytest.mark.parametrize("shape", [(7, 11), (11, 7), (40, 40)])
def test_product_and_gradient_are_the_dense_ones(
    shape: tuple[int, int], dtype: torch.dtype, tolerance: float, layout: torch.layout
) -> None:
    matrix = with_holes(*shape, dtype)
    sparse = SparseMatrix(in_layout(matrix, layout))
    torch.manual_seed(0)
    dense = torch.randn(shape[1], 5, dtype=dtype).requires_grad_()
    weight = torch.randn(shape[0], 5, dtype=dtype)

    (expected,) = torch.autograd.grad((matrix @ dense * weight).sum(), dense)
    product = sparse @ dense
    # Not contiguous, as the gradient of a transposed product is.
    (gradient,) = torch.autograd.grad(product, dense, weight.t().contiguous().t())
    torch.testing.assert_close(product, matrix @ dense, rtol=0, atol=10 * tolerance)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=10 * tolerance)
    assert torch.equal(sparse.to_dense(), matrix)


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-15)])
@pytest.mark.parametrize("shape", [(9000, 6), (8193, 700), (8193, 9000), (6, 9000)])
def test_product_and_gradient_of_many_rows_are_the_dense_ones(
    shape: tuple[int, int], dtype: torch.dtype, tolerance: float, traced: bool
) -> None:
    """Their transposes are multiplied in blocks, the last of which is not full: of 1024, of 1400, of all rows."""
    torch.manual_seed(0)
    row, column = (torch.randint(size, (20_000,)) for size in shape)
    values = torch.randn(20_000, dtype=dtype)
    matrix = SparseMatrix(torch.sparse_coo_tensor(torch.stack([row, column]), values, shape, check_invariants=True))
    # Not contiguous, as weights of linear maps are.
    dense = torch.randn(3, shape[1], dtype=dtype).t().requires_grad_()
    weight = torch.randn(3, shape[0], dtype=dtype).t()

    def product(of: Tensor) -> Tensor:
        return matrix.matmul(of)

    run = torch.compile(product, backend="aot_eager", fullgraph=True) if traced else product
    value = run(dense)
    (gradient,) = torch.autograd.grad(value, dense, weight)
    for actual, (to, source, by) in {value: (row, column, dense), gradient: (column, row, weight)}.items():
        expected = torch.zeros(actual.shape, dtype=torch.float64)
        expected.index_add_(0, to, (values[:, None].double() * by[source].detach().double()))
        torch.testing.assert_close(actual.double(), expected, rtol=10 * tolerance, atol=100 * tolerance)


def test_many_empty_rows_give_zeros() -> None:
    nothing = torch.empty(2, 0, dtype=torch.int64), torch.empty(0)
    matrix = SparseMatrix(torch.sparse_coo_tensor(*nothing, (9000, 5), check_invariants=True))
    dense = torch.randn(5, 2, requires_grad=True)
    product = matrix @ dense
    product.sum().backward()
    assert torch.equal(product, torch.zeros(9000, 2))
    assert torch.equal(dense.grad, torch.zeros(5, 2))


def test_gradcheck() -> None:
    torch.manual_seed(0)
    matrix = SparseMatrix(with_holes(6, 9, torch.float64))
    dense = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda d: matrix @ d, dense)


def test_duplicates_are_summed_in_whatever_order() -> None:
    index = torch.tensor([[2, 0, 2, 1, 2], [1, 3, 1, 0, 0]])
    values = torch.tensor([1.0, 2.0, 10.0, 4.0, 5.0])
    matrix = SparseMatrix(torch.sparse_coo_tensor(index, values, (3, 4), check_invariants=True))
    assert matrix.to_dense().tolist() == [[0, 0, 0, 2], [4, 0, 0, 0], [5, 11, 0, 0]]
    assert matrix.nnz == 4


def test_empty_matrices_give_zeros() -> None:
    dense = torch.ones(4, 2, requires_grad=True)
    product = SparseMatrix(torch.zeros(3, 4)) @ dense
    product.sum().backward()
    assert torch.equal(product, torch.zeros(3, 2))
    assert torch.equal(dense.grad, torch.zeros(4, 2))
    assert (SparseMatrix(torch.zeros(0, 4)) @ dense).shape == (0, 2)


def test_values_are_a_constant() -> None:
    """The matrix takes no gradient, and later changes of the tensor it was made from do not reach it."""
    source = torch.eye(3, requires_grad=True)
    matrix = SparseMatrix(source)
    assert not (matrix @ torch.ones(3, 1)).requires_grad
    with torch.no_grad():
        source.mul_(2)
    assert torch.equal(matrix.to_dense(), torch.eye(3))


def test_second_derivatives_are_refused_rather_than_wrong() -> None:
    dense = torch.ones(3, 1, requires_grad=True)
    (gradient,) = torch.autograd.grad((SparseMatrix(torch.eye(3)) @ dense).square().sum(), dense, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_zeroes_the_share_and_scales_the_rest(p: float) -> None:
    torch.manual_seed(0)
    entries = torch.rand(300, 300) + 1
    dropped = SparseMatrix(entries).dropout(p).to_dense()
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], entries[kept] / (1 - p))
    deviation = math.sqrt(entries.numel() * p * (1 - p))
    assert abs(int((~kept).sum()) - entries.numel() * p) < 4 * deviation


def test_dropout_has_the_same_mask_forwards_and_backwards() -> None:
    torch.manual_seed(1)
    matrix = SparseMatrix(with_holes(30, 20, torch.float64)).dropout(0.5)
    dense = torch.randn(20, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(30, 3, dtype=torch.float64)
    product = matrix @ dense
    (gradient,) = torch.autograd.grad(product, dense, weight)
    torch.testing.assert_close(product, matrix.to_dense() @ dense)
    torch.testing.assert_close(gradient, matrix.to_dense().t() @ weight)


def test_dropout_draws_anew_and_leaves_the_matrix_alone() -> None:
    torch.manual_seed(2)
    matrix = SparseMatrix(torch.ones(20, 20))
    first, second = matrix.dropout(0.5).to_dense(), matrix.dropout(0.5).to_dense()
    assert not torch.equal(first, second)
    assert torch.equal(matrix.to_dense(), torch.ones(20, 20))


def test_dropout_is_the_identity_in_evaluation_and_at_zero() -> None:
    matrix = SparseMatrix(torch.eye(3))
    assert matrix.dropout(0.5, training=False) is matrix
    assert matrix.dropout(0.0) is matrix
    assert torch.equal(matrix.dropout(1.0).to_dense(), torch.zeros(3, 3))


def test_other_entries_are_ordered_by_row_then_column() -> None:
    index = torch.tensor([[2, 0, 2, 1], [1, 3, 0, 0]])
    matrix = SparseMatrix(torch.sparse_coo_tensor(index, torch.ones(4), (3, 4), check_invariants=True))
    changed = matrix.with_values(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert changed.to_dense().tolist() == [[0, 0, 0, 1], [2, 0, 0, 0], [3, 4, 0, 0]]
    assert (changed.shape, changed.nnz) == ((3, 4), 4)
    assert matrix.to_dense().tolist() == [[0, 0, 0, 1], [1, 0, 0, 0], [1, 1, 0, 0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [(7, 11), (11, 7)])
def test_other_entries_hold_forwards_and_backwards(shape: tuple[int, int], dtype: torch.dtype) -> None:
    """Zeros among them and, from a float32 matrix, another dtype; once more on entries already replaced."""
    places = with_holes(*shape, torch.float32) != 0
    matrix = SparseMatrix(places.float())
    torch.manual_seed(0)
    dense = torch.randn(shape[1], 5, dtype=dtype, requires_grad=True)
    weight = torch.randn(shape[0], 5, dtype=dtype)
    for _ in range(2):
        values = torch.randn(matrix.nnz, dtype=dtype)
        values[::3] = 0
        expected = torch.zeros(shape, dtype=dtype)
        expected[places] = values
        matrix = matrix.with_values(values)
        assert matrix.dtype == dtype
        assert torch.equal(matrix.to_dense(), expected)
        product = matrix @ dense
        (gradient,) = torch.autograd.grad(product, dense, weight)
        torch.testing.assert_close(product, expected @ dense)
        torch.testing.assert_close(gradient, expected.t() @ weight)


def test_describes_itself_as_a_tensor_does() -> None:
    matrix = SparseMatrix(with_holes(5, 8, torch.float64))
    assert matrix.shape == (5, 8)
    assert (matrix.size(0), matrix.size(1)) == (5, 8)
    assert matrix.nnz == int(torch.count_nonzero(matrix.to_dense()))
    assert (matrix.dtype, matrix.device.type) == (torch.float64, "cpu")
    assert repr(matrix) == f"SparseMatrix(shape=(5, 8), nnz={matrix.nnz}, dtype=torch.float64)"


def test_to_moves_everything() -> None:
    """Indices and values of both layouts: one that stays behind fails only in the backward pass on a GPU."""
    matrix = SparseMatrix(with_holes(5, 8, torch.float32))
    moved = matrix.to("meta")
    assert (moved.device.type, matrix.device.type) == ("meta", "cpu")
    held = [*moved._rows, *moved._columns, moved._order, moved._values]
    assert {tensor.device.type for tensor in held} == {"meta"}
    assert torch.equal(matrix.to("cpu").to_dense(), matrix.to_dense())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_product_on_cuda() -> None:
    dense = with_holes(40, 30, torch.float32)
    right = torch.randn(30, 4, device="cuda", requires_grad=True)
    product = SparseMatrix(dense).to("cuda").dropout(0.5, training=False) @ right
    product.sum().backward()
    torch.testing.assert_close(product.cpu(), dense @ right.cpu(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(right.grad.cpu(), dense.t() @ torch.ones(40, 4), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_other_than_two_dimensions_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="matrix must be two-dimensional, got shape"):
        SparseMatrix(torch.ones(shape))


def test_operand_that_does_not_fit_is_refused() -> None:
    matrix = SparseMatrix(torch.ones(3, 4))
    with pytest.raises(ValueError, match=r"operand must have shape \[4, K\].* got \[3, 2\]"):
        matrix @ torch.ones(3, 2)
    with pytest.raises(ValueError, match=r"operand must have shape \[4, K\].* got \[4\]"):
        matrix @ torch.ones(4)
    with pytest.raises(TypeError, match=r"dtype of the matrix, torch.float32, got torch.float64"):
        matrix @ torch.ones(4, 2, dtype=torch.float64)
