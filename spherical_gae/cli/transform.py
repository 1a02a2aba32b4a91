"""The command ``transform``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from spherical_gae.cli import embedding_folder
from spherical_gae.cli.options import fail, new_folder
from spherical_gae.cli.reading import fail_reading, refuse_without_links, with_later_options
from spherical_gae.cli.run_folder import results_in
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.readers.suffixes import GRAPH_SUFFIXES, suffix_of

_SHOWN = 10


@with_later_options
def transform(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that embed or transform wrote.")],
    graph: Annotated[
        Path | None,
        typer.Argument(help="The links of later nodes, to each other and to those that are there. Default: none."),
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Features of the later nodes, as for embed, if the embedded graph has features.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results, new or empty. Default: runs/DIR-later-TIME.")
    ] = None,
    *,
    reading: ReadingOptions,
) -> None:
    """Embed nodes that come later, without training; the other nodes' embeddings stay as they are, bit for bit.

    Prints what was read. The links' file is read as the embedded graph's was: options that are given to embed need not
    be given again, and those given here win. An option at its default, such as --weight auto, is as one not given.

    Writes a folder like that of embed, which knows all nodes. Links between nodes that were there already are not used.
    """
    if graph is None and features is None:
        fail("GRAPH", "given neither a graph nor --features, allowed: one of them or both")
    if graph is not None and suffix_of(graph) not in GRAPH_SUFFIXES:
        fail("GRAPH", f"given {str(graph)!r}, allowed: a file {', '.join(GRAPH_SUFFIXES)}")
    if graph is None:
        refuse_without_links(reading)
    target = new_folder(out, f"{folder.resolve().name}-later", has_resume=False)
    embedding = embedding_folder.load(folder)
    # Not above: help needs no torch.
    from spherical_gae.data.readers.node_features import NO_FEATURES
    from spherical_gae.embedding.later_files import later_links

    files = {"GRAPH": None if graph is None else str(graph), "--features": None if features is None else str(features)}
    try:
        links = (
            None if graph is None else later_links(graph, embedding._graph.data, reading, attributes=features is None)
        )
        raw = embedding._later(links, features, reading)
        whole = embedding._extended(raw)
    except (OSError, ValueError) as error:
        fail_reading(error, reading, files)
    later = whole.node_ids_[len(embedding.node_ids_) :]
    if not later:
        fail("GRAPH", f"given no node that {folder} does not know, allowed: at least one")
    classes = embedding_folder.saved_classes(folder, len(whole.node_ids_))
    with results_in(target, is_chosen=out is not None) as target:
        try:
            embedding_folder.write_classes(target, classes)
            lines = embedding_folder.write(whole, target)
        except OSError as error:
            fail("--out", f"{target} cannot be written: {error.strerror or error}")
    # All is written: who reads this may stop reading.
    if links is not None:
        if features is not None:
            links.report.notes = [note for note in links.report.notes if note != NO_FEATURES]
        typer.echo(f"{links.report}\n")
    if notes := raw.get("feature_notes"):
        typer.echo("\n".join(notes) + "\n")
    more = f" and {len(later) - _SHOWN:,} more" if len(later) > _SHOWN else ""
    nodes = "node" if len(later) == 1 else "nodes"
    typer.echo(f"{len(later):,} new {nodes}: {', '.join(map(embedding_folder.on_one_line, later[:_SHOWN]))}{more}.")
    for line in lines:
        typer.echo(line)
    place, node = shlex.quote(str(target)), shlex.quote(str(later[0]))
    embedding_folder.say_next(
        (f"suggest {place} --node {node}", "the likeliest links of a new node"),
        (f"neighbors {place} --node {node}", "the nearest nodes"),
    )
