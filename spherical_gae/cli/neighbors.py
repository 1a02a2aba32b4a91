"""The command ``neighbors``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from spherical_gae import retrieval
from spherical_gae.cli import embedding_folder
from spherical_gae.cli.options import fail

if TYPE_CHECKING:
    from spherical_gae.retrieval import StoredEmbeddings, TopK

# By how much squared norms may differ, relatively: half precision stays below the first, all others below the second.
_HALF_TOLERANCE, _TOLERANCE = 0.01, 1e-4
_USUAL = 10
# Rows whose norms are computed at once.
_BLOCK = 1 << 16


def neighbors(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of embed, or a run folder with embeddings.npy.")],
    node: Annotated[list[str], typer.Option(help="Id of a node, as in node_ids.json; may be given several times.")],
    k: Annotated[
        int | None,
        typer.Option("-k", help="Number of neighbours, from 1 to the number of other nodes. Default: 10, or all."),
    ] = None,
) -> None:
    """Print the nodes whose embeddings are nearest to those of given nodes, by cosine.

    Reads RUN/embeddings.npy by memory map. Nodes are called by RUN/node_ids.json, a list of ids in the order of the
    rows, if it is there, else by their row numbers from 0.

    If there is RUN/classes.json, which train writes of a graph with classes, the table has the classes of both nodes.

    On a product of K spheres an embedding is K unit vectors in a row; its cosine is the mean of theirs.

    In a folder that embed wrote the links are known: the table says which neighbours are linked already.
    """
    if embedding_folder.is_one(run, "RUN"):
        _of_embedding(run, node, k)
        return
    try:
        stored = retrieval.StoredEmbeddings(run)
    except (OSError, ValueError) as error:
        fail("RUN", str(error))
    k = _checked_k(k, len(stored.rows))
    try:
        rows = [stored.row_of(name) for name in node]
    except KeyError as error:
        fail("--node", error.args[0])
    import torch  # Not above: help needs none.

    itself = torch.tensor([range(len(rows)), rows])
    try:
        found = retrieval.nearest_neighbors(stored.rows[rows], stored.rows, k, exclude=itself)
    except ValueError as error:
        fail("RUN", f"{run / 'embeddings.npy'}: {error}")
    for line in format_neighbors(stored, rows, _as_cosines(run, stored, rows, found), _classes(run, len(stored.rows))):
        typer.echo(line)


def format_neighbors(
    stored: StoredEmbeddings, rows: Sequence[int], found: TopK, classes: Sequence[str | None] | None = None
) -> Iterator[str]:
    """Lines of a table: node, neighbour and cosine, and the classes of both.

    Args:
        stored: The embeddings that were searched.
        rows: The rows that were searched for.
        found: Their neighbours and cosines.
        classes: The class of each row, None for a row without one; None if there are none at all.

    Yields:
        The header, and one line for each neighbour of each node.
    """

    def cells_of(row: int) -> tuple[str, ...]:
        return (embedding_folder.on_one_line(stored.id_of(row)), *([] if classes is None else [classes[row] or "-"]))

    titles = [] if classes is None else ["class"]
    cells = [("node", *titles, "neighbor", *titles, "cosine")]
    for row, cosines, indices in zip(rows, found.scores.tolist(), found.indices.tolist(), strict=True):
        cells += [
            (*cells_of(row), *cells_of(index), f"{cosine:.4f}") for cosine, index in zip(cosines, indices, strict=True)
        ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for *names, cosine in cells:
        yield "".join(f"{name:<{width}}  " for name, width in zip(names, widths, strict=False)) + f"{cosine:>7}"


def _classes(run: Path, num_nodes: int) -> list[str | None] | None:
    """The class of each row, if the run folder names them."""
    path = run / embedding_folder.CLASSES
    classes = embedding_folder.read_json(path, "RUN")
    if classes is None:
        return None
    is_list = isinstance(classes, list) and len(classes) == num_nodes
    if not is_list or not all(name is None or isinstance(name, str) for name in classes):
        fail("RUN", f"{path}: allowed: a list of {num_nodes} classes, text or null, one for each row of embeddings.npy")
    return classes


def _of_embedding(folder: Path, nodes: Sequence[str], k: int | None) -> None:
    """The neighbours by the estimator, which knows the links."""
    embedding = embedding_folder.load(folder, "RUN")
    k = _checked_k(k, len(embedding.node_ids_))
    embedding_folder.print_table(embedding_folder.per_node(embedding.neighbors, nodes, k, "neighbor"))
    place = shlex.quote(str(folder))
    embedding_folder.say_next(
        (f"suggest {place} --node {shlex.quote(nodes[0])}", "the likeliest new links"),
        (f"view {place}", "look at them on a globe"),
    )


def _checked_k(k: int | None, num_nodes: int) -> int:
    if num_nodes < 2:
        fail("RUN", "given the embedding of one node, allowed: at least two")
    if k is None:
        return min(_USUAL, num_nodes - 1)
    if not 1 <= k < num_nodes:
        fail("-k", f"given {k}, allowed: 1 to {num_nodes - 1}, the number of other nodes")
    return k


def _as_cosines(run: Path, stored: StoredEmbeddings, rows: Sequence[int], found: TopK) -> TopK:
    """Inner products over the norms, whose squares are 1 on a sphere and K on a product, but for rounding."""
    import torch  # Not above: help needs none.

    # Of all rows, in one pass over the file: one that was not found may be the nearest by cosine.
    blocks = range(0, len(stored.rows), _BLOCK)
    squares = np.concatenate([np.square(stored.rows[k : k + _BLOCK], dtype=np.float64).sum(1) for k in blocks])
    low, high = float(squares.min()), float(squares.max())
    tolerance = _HALF_TOLERANCE if stored.rows.dtype == np.float16 else _TOLERANCE
    if not 0 < low <= high <= (1 + tolerance) * low:
        fail(
            "RUN",
            f"{run / 'embeddings.npy'}: given rows of squared norms {low:.4g} to {high:.4g}, allowed: one norm for "
            "all, as on a sphere or a product of spheres",
        )
    norms = torch.from_numpy(np.sqrt(squares))
    cosines = found.scores / (norms[rows, None] * norms[found.indices])
    order = cosines.argsort(dim=1, descending=True, stable=True)
    return retrieval.TopK(cosines.gather(1, order), found.indices.gather(1, order))
