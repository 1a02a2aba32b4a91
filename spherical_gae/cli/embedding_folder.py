"""What the commands on embeddings share: the folder that ``embed`` writes, tables, and what to try next."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from spherical_gae.cli.options import fail, looking_at
from spherical_gae.data.readers.options import ReadingOptions

if TYPE_CHECKING:
    import pandas as pd

    from spherical_gae.embedding import SphericalGraphEmbedding

_INDENT = " " * 22
VIEW, MANIFEST, CONFIG, CLASSES = "view.html", "embedding.json", "config.json", "classes.json"


def is_one(folder: Path, option: str = "DIR") -> bool:
    """Whether a folder holds what ``embed`` wrote."""
    with looking_at(folder, option):
        return (folder / MANIFEST).is_file()


def load(folder: Path, option: str = "DIR") -> SphericalGraphEmbedding:
    """The estimator in a folder that ``embed`` wrote."""
    if not is_one(folder, option) and (folder / CONFIG).is_file():
        fail(option, f"given {folder}, a run folder of train, allowed: a folder of embed or transform")
    from spherical_gae.embedding import SphericalGraphEmbedding  # Not above: help needs no torch.

    try:
        return SphericalGraphEmbedding.load(folder)
    except (OSError, ValueError) as error:
        fail(option, str(error))


def write(embedding: SphericalGraphEmbedding, folder: Path) -> list[str]:
    """Writes a fitted estimator, and its embeddings for other programs.

    Returns:
        Lines that say what is where, to be printed when all is written: who reads them may stop reading.
    """
    embedding.save(folder)
    np.save(folder / "embeddings.npy", embedding.embedding_)
    frame = embedding.to_frame()
    frame.to_parquet(folder / "embeddings.parquet")
    columns = f"{frame.columns[0]} to z{embedding.embedding_.shape[1] - 1}"
    more = "" if embedding.concentration_ is None else ", and concentration, that of the posterior"
    lines = [f"\nWritten into {folder}:", f"  embeddings.parquet  {len(frame):,} rows by node id: {columns}{more}"]
    floor = embedding.preset_.min_concentration
    if embedding.concentration_ is not None and floor > 1:
        lines.append(f"{_INDENT}(the preset's floor, {floor:g}, holds it near there: it is no measure of certainty)")
    return [
        *lines,
        "  embeddings.npy      the same vectors, in the order of node_ids.json",
        "  embedding.json ...  the model, for SphericalGraphEmbedding.load and the commands below",
    ]


def write_page(embedding: SphericalGraphEmbedding, path: Path, labels: Sequence[Any] | None, **options: Any) -> str:
    """Writes the globe.

    Returns:
        A line that says how it is to be read.

    Raises:
        ImportError: If plotly is not installed.
    """
    from spherical_gae.embedding import write_view

    shown = write_view(embedding, path, labels=labels, **options)
    projection = shown.description.split(". ")[0].removesuffix(".")
    return f"  {path.name:<18}  a globe, for a browser: {projection[0].lower()}{projection[1:]}"


def write_classes(folder: Path, classes: Sequence[Any] | None) -> None:
    """Keeps the classes of the nodes, in their order, where ``saved_classes`` finds them."""
    if classes is not None:
        from spherical_gae.training.checkpoint import save_json  # Not above: help needs no torch.

        save_json(folder / CLASSES, list(classes))


def read_json(path: Path, option: str) -> Any:
    """What a JSON file of a folder holds, None if it is not there; ``option`` named the folder."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        fail(option, f"{path}: {error}")


def saved_classes(folder: Path, num_nodes: int) -> list[Any] | None:
    """The classes that a folder keeps; nodes that came later have none."""
    path = folder / CLASSES
    classes = read_json(path, "DIR")
    if classes is None:
        return None
    if not isinstance(classes, list) or len(classes) > num_nodes:
        fail("DIR", f"{path}: allowed: a list of a class or null for each of the {num_nodes} nodes")
    return [*classes, *[None] * (num_nodes - len(classes))]


def read_classes(path: Path | None, nodes: Iterable[Any], reading: ReadingOptions) -> list[Any] | None:
    """The class of each node from a table with the ids first and the classes next; None where there is none.

    Prints how many nodes have one, and how many ids are of no node.
    """
    if path is None:
        return None
    from spherical_gae.data.readers.class_files import read_node_classes  # Not above: help needs none.

    names = [str(node) for node in nodes]
    known = set(names)
    try:
        label = read_node_classes(
            path, known, header=reading.header, delimiter=reading.delimiter, comment=reading.comment
        )
    except (OSError, ValueError) as error:
        fail("--classes", str(error))
    if not label.keys() & known:
        given = next(iter(label))
        fail("--classes", f"{path}: given ids such as {given!r}, allowed: ids of the graph, such as {names[0]!r}")
    found = [label.get(name) for name in names]
    num_known, num_nodes = sum(name is not None for name in found), len(names)
    line = f"{path.name}: classes of {num_known:,} of {num_nodes:,} nodes."
    if others := [node for node in label if node not in known]:
        line += f" Ids that the graph does not have, not used: {len(others):,}, such as {others[0]!r}."
    typer.echo(f"{line}\n")
    return found


def per_node(question: Callable[[Any, int], pd.DataFrame], nodes: Sequence[str], k: int, name: str) -> pd.DataFrame:
    """One table of what an estimator says of several nodes, with the column ``node`` first.

    Args:
        question: A method of the estimator that gives a table with the column ``node``.
        nodes: The ids.
        k: As for the method.
        name: What the column is called that the method calls ``node``.
    """
    import pandas as pd  # Not above: help needs none.

    parts = []
    for node in nodes:
        try:
            found = question(node, k).rename(columns={"node": name})
        except ValueError as error:
            fail("--node", str(error).removeprefix("node: "))
        found.insert(0, "node", node)
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def print_table(frame: pd.DataFrame) -> None:
    """Prints a table: names to the left, numbers with four decimals, truth as yes."""
    columns = []
    for name in frame.columns:
        values = frame[name].tolist()
        if frame[name].dtype.kind == "f":
            cells = [f"{value:.4f}" for value in values]
        else:
            cells = [("yes" if value else "") if isinstance(value, bool) else on_one_line(value) for value in values]
        width = max(map(len, [str(name), *cells]))
        right = frame[name].dtype.kind == "f"
        columns.append([cell.rjust(width) if right else cell.ljust(width) for cell in (str(name), *cells)])
    for line in zip(*columns, strict=True):
        typer.echo("  ".join(line).rstrip())


def on_one_line(value: Any) -> str:
    """A value as text that does not tear a line: of what cannot be printed the escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def say_next(*commands: tuple[str, str]) -> None:
    """Says what to try next: commands, and what each is for."""
    commands = tuple((on_one_line(command), purpose) for command, purpose in commands)
    width = max(len(command) for command, _ in commands)
    typer.echo("\nNext:")
    for command, purpose in commands:
        typer.echo(f"  spherical-gae {command:<{width}}  {purpose}")
