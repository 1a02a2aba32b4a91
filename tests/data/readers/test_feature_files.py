import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from scipy import sparse

from spherical_gae.data import read_graph
from spherical_gae.data.readers.feature_files import read_features
from tests.helpers.graph_text import PEOPLE, graph_of


@pytest.mark.parametrize("header", ["", "id,height,width\n"])
def test_table(tmp_path: Path, header: str) -> None:
    (tmp_path / "x.csv").write_text(header + "b,1,-2.5\n007,3e2, 4\n")
    given = read_features(tmp_path / "x.csv")
    assert given.ids == ["b", "007"]
    assert given.table.to_numpy().tolist() == [[1, -2.5], [300, 4]]
    assert list(given.table) == (["height", "width"] if header else ["feature 1", "feature 2"])


def test_missing_values_and_text(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("id\tage\ttown\na\tnan\tUlm\nb\t1e300\t\n")
    table = read_features(tmp_path / "x.tsv").table
    assert math.isnan(table["age"][0])
    assert table["age"][1] == 1e300
    assert table["town"].tolist() == ["Ulm", None]


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.uint16, np.bool_])
def test_matrix(tmp_path: Path, dtype: type) -> None:
    x = np.array([[0, 1], [1, 1], [0, 0]], dtype=dtype)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    sparse.save_npz(tmp_path / "sparse.npz", sparse.csr_array(x.astype(np.float64)))
    for name in ("x.npy", "x.npz", "sparse.npz"):
        given = read_features(tmp_path / name)
        assert given.ids is None
        assert given.table.to_numpy(dtype=float).tolist() == x.astype(float).tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "given no nodes"),
        ("id,height\n", "given no nodes"),
        ("a\nb\n", "given 1 column, allowed: a node id and at least one feature"),
        ("a,1\nb,1,2\n", "given 3 columns in line 2, allowed: 2 as in the first"),
        ("a,1\nb,2\nc,tall\n", "given 'tall' in line 3, allowed: a number, as in the other lines"),
        ("a,1\nb,2\na,1\n", "given the node id 'a' in line 3, allowed: one that is new"),
        ("a,1\n,2\n", "given the node id '' in line 2"),
        ("id,f,f\na,1,2\n", "given two columns 'f'"),
    ],
)
def test_malformed_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"x\.csv: {message}"):
        read_features(tmp_path / "x.csv")


def test_malformed_matrix_is_refused(tmp_path: Path) -> None:
    for values in (np.ones(3), np.array([["a"]]), np.ones((2, 2), dtype=complex)):
        np.save(tmp_path / "x.npy", values)
        with pytest.raises(ValueError, match=r"x\.npy: given .* of shape .*, allowed: real numbers of shape \[N, F\]"):
            read_features(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", features=np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"x\.npz: given arrays features, allowed: x, or a sparse matrix"):
        read_features(tmp_path / "x.npz")
    with pytest.raises(ValueError, match=r"features: given x\.xls, allowed: a file \.csv, \.tsv, .*\.npy, \.npz"):
        read_features(tmp_path / "x.xls")


def test_ages_and_incomes_are_scaled_with_a_word(tmp_path: Path) -> None:
    data = graph_of(tmp_path, PEOPLE, features="id,age,income\nann,20,3e4\nbob,30,1e6\ncid,40,5e4\n")
    torch.testing.assert_close(data.x[:, 0], torch.tensor([-1.5, 0, 1.5]) / 1.5**0.5)
    torch.testing.assert_close(data.x.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(data.x.std(0, correction=0), torch.ones(2))
    assert "Features standardized, as some values are beyond 10: 'age', 'income'." in str(data.report)
    plain = graph_of(tmp_path, PEOPLE, features="id,age\nann,20\nbob,30\ncid,40\n", standardize=False)
    assert plain.x.tolist() == [[20], [30], [40]]
    assert "training may fail. To scale them: standardize" in plain.report.warnings[0]


@pytest.mark.parametrize(
    ("features", "x"),
    [
        ("id,age\nann,2\nbob,\ncid,4\n", [[2, 0], [3, 1], [4, 0]]),
        ("id,age\nann,2\nbob,NA\ncid,4\n", [[2, 0], [3, 1], [4, 0]]),
        ("id,age\nann,2\nbob,nan\ncid,4\n", [[2, 0], [3, 1], [4, 0]]),
        ("id,town\nann,Ulm\nbob,Bonn\ncid,Ulm\n", [[0, 1], [1, 0], [0, 1]]),
        ("id,town\nann,Ulm\nbob,\ncid,Bonn\n", [[0, 1], [0, 0], [1, 0]]),
        ("id;v\nann;1,5\nbob;2,5\ncid;3,5\n", [[1.5], [2.5], [3.5]]),
        ("id,on\nann,True\nbob,False\ncid,True\n", [[0, 1], [1, 0], [0, 1]]),
    ],
)
def test_blanks_and_categories(tmp_path: Path, features: str, x: list[list[float]]) -> None:
    assert graph_of(tmp_path, PEOPLE, features=features).x.tolist() == x


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("id,age\nann,1\nbob,2\nCid,3\n", "none for the nodes 'cid'.* is 'cid' meant to be 'Cid'"),
        ("id,age\nann,1\nbob,2\n", "none for the nodes 'cid'"),
        ("id,age\nann,1\nbob,2\ncid,3 years\n", "'3 years' in line 4, allowed: a number"),
        ("id,age\nann,1\nbob,2\ncid,3\nann,4\n", "the node id 'ann' in line 5"),
        ("id,age\nann,inf\nbob,2\ncid,3\n", "given inf as 'age' of node 'ann'"),
        ("id,age\nann,1e300\nbob,2\ncid,3\n", r"given 1e\+300 as 'age' of node 'ann', allowed: finite float32"),
        ("id,age\nann,\nbob,\ncid,\n", "no column with values"),
    ],
)
def test_features_that_do_not_fit_are_refused(tmp_path: Path, features: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        graph_of(tmp_path, PEOPLE, features=features)
    assert "x.csv" in str(caught.value)


def test_a_mistyped_id_among_features_is_told(tmp_path: Path) -> None:
    links_ = "anna,bertram\nbertram,carla\n"
    data = graph_of(tmp_path, links_, features="id,age\nanna,1\nbertram,2\ncarla,3\nbertran,4\n")
    assert data.report.num_isolated == 1
    assert "Nodes that only the features name: 1 ('bertran'); they have no link." in str(data.report)
    assert data.report.warnings == ["an id among the features may be mistyped: 'bertran' meant to be 'bertram'?"]


def test_commas_that_may_divide_thousands_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("node\tincome\n1\t999\n2\t1,250\n3\t12,000\n")
    with pytest.raises(ValueError, match="given numbers in column 'income' such as '1,250', whose comma may divide"):
        read_features(tmp_path / "x.tsv")
    (tmp_path / "x.tsv").write_text("node\tincome\n1\t999\n2\t1,25\n3\t12,5\n")
    assert read_features(tmp_path / "x.tsv").table["income"].tolist() == [999, 1.25, 12.5]


def test_hexadecimal_numbers_are_text(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("node,code\n1,0x10\n2,0x20\n")
    assert read_features(tmp_path / "x.csv").table["code"].tolist() == ["0x10", "0x20"]


def test_vectors_of_a_parquet_file_are_spread(tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "b"], "emb": [[1.0, 2.0], [3.0, 4.5]], "age": [20, 30]})
    parquet.write_table(table, tmp_path / "x.parquet")
    given = read_features(tmp_path / "x.parquet")
    assert given.table.to_dict("list") == {"emb.0": [1, 3], "emb.1": [2, 4.5], "age": [20, 30]}
    for wrong in ([[1.0], [3.0, 4.5]], [None, [1.0]], [["x"], ["y"]]):
        parquet.write_table(pa.table({"id": ["a", "b"], "emb": wrong}), tmp_path / "x.parquet")
        with pytest.raises(ValueError, match="in column 'emb', allowed: lists of numbers, all of one length, none mis"):
            read_features(tmp_path / "x.parquet")


def test_types_that_are_no_times_are_refused_by_name(tmp_path: Path) -> None:
    table = pa.table({"source": [1, 2], "target": [2, 3], "at": pa.array([1, 2], pa.time64("us"))})
    parquet.write_table(table, tmp_path / "links.parquet")
    with pytest.raises(ValueError, match=r"given time64\[us\] as times in column 'at', allowed: numbers, dates"):
        read_graph(tmp_path / "links.parquet", time="at")


def test_long_ids_stay_integers_beside_nodes_of_the_features(tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text("1234567890123456789,7\n7,8\n")
    (tmp_path / "x.csv").write_text("id,f\n7,1\n8,2\n1234567890123456789,3\n9,4\n")
    assert read_graph(tmp_path / "links.csv", tmp_path / "x.csv").node_ids == [7, 8, 1234567890123456789, 9]


def test_decimals_after_a_zero_are_no_thousands(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id;x;y\nn0;0,123;-0,500\nn1;1,250;2,375\n")
    assert read_features(tmp_path / "x.csv").table.to_numpy().tolist() == [[0.123, -0.5], [1.25, 2.375]]


def test_labels_are_what_is_written(tmp_path: Path) -> None:
    """Also beside numbers that are features: 02139 and 2139 are two classes; whole numbers are in their order."""
    links = "source,target\na,b\nb,c\nc,d\nd,e\n"
    cells = {"zip": ["02139", "2139", "02139", "2139", "10000"], "count": ["10", "9", "10", "", "2"]}
    rows = enumerate(zip("abcde", *cells.values(), strict=True))
    features = "id,zip,count,age\n" + "".join(f"{','.join(row)},{age}\n" for age, row in rows)
    data = graph_of(tmp_path, links, features=features, labels="zip")
    assert (data.y.tolist(), data.label_names) == ([0, 2, 0, 2, 1], ["02139", "10000", "2139"])
    assert data.x.size(1) == 3  # the counts, whether one is missing, the ages
    data = graph_of(tmp_path, links, features=features, labels="count")
    assert (data.y.tolist(), data.label_names) == ([2, 1, 2, -1, 0], ["2", "9", "10"])


def test_categories_of_a_later_file_may_be_numerals_only(tmp_path: Path) -> None:
    features = "id,code\na,A\nb,B\nc,1\nd,A\ne,B\n"
    first = graph_of(tmp_path, "source,target\na,b\nb,c\nc,d\nd,e\n", features=features)
    assert first.feature_preparation.feature_names == ["code=1", "code=A", "code=B"]
    for suffix, cells in ((".csv", ["1"]), (".parquet", [1])):
        path = tmp_path / f"late{suffix}"
        table = pd.DataFrame({"id": ["z"], "code": cells})
        table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path, index=False)
        given = read_features(path, texts=first.feature_preparation.categories)
        assert first.feature_preparation.transform(given.table).tolist() == [[1, 0, 0]]


def test_ranges_are_categories(tmp_path: Path) -> None:
    """Python's float takes 18_24."""
    (tmp_path / "x.csv").write_text("id,group\na,18_24\nb,25_34\nc,18_24\n")
    assert read_features(tmp_path / "x.csv").table["group"].tolist() == ["18_24", "25_34", "18_24"]


def test_a_vector_may_not_be_called_as_another_column(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    for names in (("v.0", "v"), ("v", "v.0")):
        cells = {"v.0": [1.0, 2.0], "v": [[3.0, 4.0], [5.0, 6.0]]}
        parquet.write_table(pa.table({"id": ["a", "b"], **{name: cells[name] for name in names}}), path)
        with pytest.raises(ValueError, match=r"given two columns 'v\.0', allowed: different names"):
            read_features(path)


def test_unsigned_integers_beyond_int64_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    large = pa.array([2**64 - 2048, 5], pa.uint64())
    parquet.write_table(pa.table({"id": ["a", "b"], "hash": large}), path)
    assert read_features(path).table["hash"].tolist() == [2.0**64 - 2048, 5]
