"""The command ``suggest``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from spherical_gae.cli import embedding_folder
from spherical_gae.cli.options import fail

_USUAL = 10


def suggest(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that embed or transform wrote.")],
    node: Annotated[list[str] | None, typer.Option(help="Id of a node; may be given several times.")] = None,
    k: Annotated[
        int | None, typer.Option("-k", help="Number of suggestions for each node, at least 1. Default: 10.")
    ] = None,
    whole: Annotated[
        int | None, typer.Option("--all", metavar="K", help="Instead: the K likeliest new links of the whole graph.")
    ] = None,
) -> None:
    """Print the likeliest new links, of given nodes or of the whole graph.

    A probability is relative: .5 is what is as likely a link as a non-link among those that training showed.
    """
    if bool(node) == (whole is not None):
        fail("--node", "given both or none of --node and --all, allowed: one of them")
    if k is not None and (k < 1 or whole is not None):
        fail("-k", f"given {k}, allowed: 1 or more, with --node; --all K says how many by itself")
    if whole is not None and whole < 1:
        fail("--all", f"given {whole}, allowed: 1 or more")
    embedding = embedding_folder.load(folder)
    if whole is not None:
        table = embedding.suggest_all(whole)
    else:
        table = embedding_folder.per_node(embedding.suggest, node or [], k or _USUAL, "suggestion")
    embedding_folder.print_table(table)
    if len(table):
        first = shlex.quote(str(table.iloc[0, 0]))
        place = shlex.quote(str(folder))
        embedding_folder.say_next(
            (f"neighbors {place} --node {first}", "the nearest nodes, linked or not"),
            (f"view {place}", "look at them on a globe"),
        )
