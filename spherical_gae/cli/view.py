"""The command ``view``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spherical_gae.cli import embedding_folder
from spherical_gae.cli.options import fail
from spherical_gae.cli.reading import refuse_without_file, with_text_options
from spherical_gae.data.readers.options import ReadingOptions


@with_text_options
def view(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that embed or transform wrote.")],
    classes: Annotated[
        Path | None,
        typer.Option(help="Classes to colour by: .csv or .tsv, node ids first, then classes. Default: those of embed."),
    ] = None,
    clusters: Annotated[
        int | None, typer.Option(help="Also colour by so many clusters, at least 2, of a von Mises-Fisher mixture.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The page. Default: view.html in DIR.")] = None,
    launch: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    *,
    reading: ReadingOptions,
) -> None:
    """Write a page to look at: the nodes on a globe, with search, colours, nearest nodes and suggested links.

    It is one HTML file that needs no network.  Classes that were given to embed are colours again, unless others are
    given: --header, --delimiter and --comment are for their file.
    """
    if classes is None:
        refuse_without_file(reading, "no --classes")
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        fail("--out", f"given {str(out)!r}, allowed: a page, .html")
    embedding = embedding_folder.load(folder)
    num_nodes = len(embedding.node_ids_)
    if clusters is not None and not 2 <= clusters <= num_nodes:
        fail("--clusters", f"given {clusters}, allowed: 2 to {num_nodes}, the number of nodes")
    colors = embedding_folder.read_classes(classes, embedding.node_ids_, reading)
    if classes is None:
        colors = embedding_folder.saved_classes(folder, num_nodes)
    groups = None
    if clusters is not None:
        from spherical_gae.cluster import VonMisesFisherMixture

        groups = VonMisesFisherMixture(clusters, random_state=0).fit_predict(embedding.embedding_)
    path = out or folder / embedding_folder.VIEW
    try:
        line = embedding_folder.write_page(embedding, path, colors, clusters=groups, title=folder.resolve().name)
    except ImportError as error:
        fail("view", str(error))
    except OSError as error:
        fail("--out", f"{path} cannot be written: {error.strerror}")
    typer.echo(line)
    typer.echo(f"\nNext: open {path} in a browser; turn it with the mouse, click a node.")
    if launch:
        typer.launch(str(path))
