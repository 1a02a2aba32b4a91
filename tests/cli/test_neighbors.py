import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from tests.helpers.cli_calls import assert_refused, call
from tests.helpers.embeddings import fitted

NUM_NODES = 40


def unit_vectors(num_factors: int = 1) -> np.ndarray:
    z = torch.randn(NUM_NODES, num_factors, 4, generator=torch.Generator().manual_seed(0))
    return F.normalize(z, dim=-1).flatten(1).numpy()


def save(folder: Path, z: np.ndarray, ids: Any = None) -> Path:
    np.save(folder / "embeddings.npy", z)
    if ids is not None:
        (folder / "node_ids.json").write_text(json.dumps(ids))
    return folder


def table(result: Any) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    header, *lines = result.stdout.splitlines()
    assert header.split() == ["node", "neighbor", "cosine"]
    return [line.split() for line in lines]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_ten_nearest_by_cosine_and_not_the_node_itself(tmp_path: Path, dtype: type) -> None:
    z = unit_vectors().astype(dtype).astype(np.float64)
    cosine = z @ z[7]
    cosine[7] = -np.inf
    best = np.argsort(-cosine)[:10]
    lines = table(call("neighbors", save(tmp_path, z.astype(dtype)), "--node", 7))
    assert [(node, int(neighbor)) for node, neighbor, _ in lines] == [("7", row) for row in best]
    assert [float(line[2]) for line in lines] == pytest.approx(cosine[best], abs=6e-4 if dtype == np.float16 else 6e-5)


def test_several_nodes_and_ids(tmp_path: Path) -> None:
    ids = [f"paper-{row:03}" if row % 2 else 1_000 - row for row in range(NUM_NODES)]
    z = unit_vectors()
    lines = table(call("neighbors", save(tmp_path, z, ids), "--node", "paper-003", "-k", 3, "--node", "1000"))
    assert [line[0] for line in lines] == ["paper-003"] * 3 + ["1000"] * 3
    for row, found in ((3, lines[:3]), (0, lines[3:])):
        order = np.argsort(-(z @ z[row]))
        assert [line[1] for line in found] == [str(ids[index]) for index in order[1:4]]
        assert order[0] == row


def test_cosine_on_a_product_is_the_mean_over_the_spheres(tmp_path: Path) -> None:
    z = unit_vectors(num_factors=3)
    mean = np.einsum("nkm,km->nk", z.reshape(NUM_NODES, 3, 4), z[5].reshape(3, 4)).mean(1)
    order = np.argsort(-mean)
    lines = table(call("neighbors", save(tmp_path, z), "--node", 5, "-k", NUM_NODES - 1))
    assert [int(line[1]) for line in lines] == order[1:].tolist()
    assert [float(line[2]) for line in lines] == pytest.approx(mean[order[1:]], abs=6e-5)


def test_classes_of_both_nodes_are_named(tmp_path: Path) -> None:
    z = unit_vectors()
    classes = [f"kind {row % 3}" for row in range(NUM_NODES)]
    (save(tmp_path, z) / "classes.json").write_text(json.dumps(classes))
    result = call("neighbors", tmp_path, "--node", 7, "-k", 5)
    assert result.exit_code == 0, result.output
    header, *lines = result.stdout.splitlines()
    assert header.split() == ["node", "class", "neighbor", "class", "cosine"]
    order = np.argsort(-(z @ z[7]))[1:6]
    assert [line.split()[:6] for line in lines] == [["7", "kind", "1", str(row), "kind", str(row % 3)] for row in order]


@pytest.mark.parametrize("text", ["{", "{}", '["a"]', json.dumps([1] * NUM_NODES)])
def test_bad_classes_are_refused(tmp_path: Path, text: str) -> None:
    (save(tmp_path, unit_vectors()) / "classes.json").write_text(text)
    assert_refused(call("neighbors", tmp_path, "--node", 7), "RUN", "classes.json: ")


def test_columns_are_aligned(tmp_path: Path) -> None:
    ids = ["a rather long name", *range(1, NUM_NODES)]
    result = call("neighbors", save(tmp_path, unit_vectors(), ids), "--node", ids[0], "--node", 1, "-k", NUM_NODES - 1)
    lines = result.stdout.splitlines()
    assert len({len(line) for line in lines}) == 1
    start = lines[0].index("neighbor")
    assert {line[start - 2 : start] for line in lines} == {"  "}
    assert not any(line[start].isspace() for line in lines)
    assert any("-0." in line for line in lines)


@pytest.mark.parametrize(
    ("ids", "node", "fragment"),
    [(None, "40", "given '40', allowed: 0 to 39"), (None, "x", "given 'x'"), (range(100, 140), "7", "the 40 ids in")],
)
def test_unknown_node_is_refused(tmp_path: Path, ids: Any, node: str, fragment: str) -> None:
    folder = save(tmp_path, unit_vectors(), None if ids is None else list(ids))
    assert_refused(call("neighbors", folder, "--node", node), "--node", fragment)


@pytest.mark.parametrize("k", [0, NUM_NODES])
def test_number_of_neighbours_out_of_range_is_refused(tmp_path: Path, k: int) -> None:
    folder = save(tmp_path, unit_vectors())
    assert_refused(
        call("neighbors", folder, "--node", 0, "-k", k), "-k", f"given {k}, allowed: 1 to 39, the number of other nodes"
    )


def test_folder_without_embeddings_is_refused(tmp_path: Path) -> None:
    assert_refused(
        call("neighbors", tmp_path / "none", "--node", 0), "RUN", str(tmp_path / "none" / "embeddings.npy"), "not found"
    )


def test_bad_ids_are_refused(tmp_path: Path) -> None:
    assert_refused(
        call("neighbors", save(tmp_path, unit_vectors(), [1, 2]), "--node", 1),
        "RUN",
        "node_ids.json: given 2 ids, allowed: 40",
    )


def test_embeddings_that_are_not_on_a_sphere_are_refused(tmp_path: Path) -> None:
    z = unit_vectors()
    for factor in (2.0, 0.0):
        longer = z * np.where(np.arange(NUM_NODES) == 3, factor, 1.0)[:, None]
        folder = save(tmp_path, longer.astype(np.float32))
        assert_refused(
            call("neighbors", folder, "--node", 3), "RUN", "given rows of squared norms", "allowed: one norm for all"
        )


def test_embeddings_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    z = unit_vectors()
    z[20, 1] = np.nan
    assert_refused(
        call("neighbors", save(tmp_path, z), "--node", 3), "RUN", "embeddings.npy: database: given a number that is NaN"
    )


def test_a_node_is_required(tmp_path: Path) -> None:
    result = call("neighbors", save(tmp_path, unit_vectors()))
    assert result.exit_code == 2
    assert "--node" in result.stderr


def test_folder_of_an_embedding_says_what_is_linked(tmp_path: Path) -> None:
    embedding = fitted(nx.karate_club_graph())
    embedding.save(tmp_path)
    result = call("neighbors", tmp_path, "--node", 11, "-k", 33)
    assert result.exit_code == 0, result.output
    header, *lines = result.stdout.split("\nNext:\n")[0].splitlines()
    assert header.split() == ["node", "neighbor", "cosine", "linked"]
    found = embedding.neighbors(11, 33)
    assert [line.split()[1:3] for line in lines] == [
        [str(node), f"{cosine:.4f}"] for node, cosine in zip(found["node"], found["cosine"], strict=True)
    ]
    assert [line.split()[1] for line in lines if line.endswith("yes")] == ["0"]
    assert_refused(call("neighbors", tmp_path, "--node", 11, "-k", 34), "-k", "given 34, allowed: 1 to 33")
    assert_refused(call("neighbors", tmp_path, "--node", "x"), "--node", "given the unknown id 'x'")


def test_norms_of_rows_that_were_not_found_are_checked_too(tmp_path: Path) -> None:
    """By inner products row 2 is nearest to row 0; by cosine row 1, which is shorter."""
    np.save(tmp_path / "embeddings.npy", np.array([[1, 0], [0.5, 0], [0.8, 0.6], [0, 1]]))
    result = call("neighbors", tmp_path, "--node", 0, "-k", 1)
    assert_refused(result, "RUN", "given rows of squared norms 0.25 to 1")


def test_by_default_there_are_as_many_as_there_are(tmp_path: Path) -> None:
    lines = table(call("neighbors", save(tmp_path, unit_vectors()[:4]), "--node", 0))
    assert len(lines) == 3


def test_norms_are_divided_by_where_half_precision_leaves_them_apart(tmp_path: Path) -> None:
    """Their inner products are in another order than the cosines."""
    z = np.array([[1.0, 0.0], [1.0, 0.0], [1.003, 0.05], [0.0, 1.0]], np.float16)
    lines = table(call("neighbors", save(tmp_path, z), "--node", 0, "-k", 2))
    assert [line[1:] for line in lines] == [["1", "1.0000"], ["2", "0.9988"]]


def test_norms_that_differ_in_single_precision_are_refused(tmp_path: Path) -> None:
    z = np.array([[1.0, 0.0], [1.0, 0.0], [1.004, 0.0], [0.0, 1.0]], np.float32)
    result = call("neighbors", save(tmp_path, z), "--node", 0)
    assert_refused(result, "RUN", "given rows of squared norms 1 to 1.008, allowed: one norm for all")


def test_one_node_has_no_neighbours(tmp_path: Path) -> None:
    np.save(tmp_path / "embeddings.npy", np.array([[1.0, 0.0]]))
    assert_refused(call("neighbors", tmp_path, "--node", 0), "RUN", "given the embedding of one node")
