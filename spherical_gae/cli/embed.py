"""The command ``embed``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spherical_gae.cli import embedding_folder
from spherical_gae.cli.options import fail, new_folder, refuse_processes, usable_device, use_threads
from spherical_gae.cli.reading import fail_reading, with_embedding_options
from spherical_gae.cli.run_folder import results_in
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.readers.suffixes import GRAPH_SUFFIXES, stem_of, suffix_of
from spherical_gae.experiments.names import GRAPH_LATENTS
from spherical_gae.experiments.presets import available_presets

if TYPE_CHECKING:
    from torch_geometric.data import Data

    from spherical_gae.embedding import SphericalGraphEmbedding

# All that ``SphericalGraphEmbedding`` takes.
_PRESETS = ["auto", *(name for name in available_presets() if name != "bipartite")]
_FEATURES = {
    "hash": "random signs by a hash of the id, which message passing mixes",
    "spectral": "eigenvectors of the graph, which vary slowly along its links",
}


@with_embedding_options
def embed(
    graph: Annotated[Path, typer.Argument(help=f"A graph: {', '.join(GRAPH_SUFFIXES)}, or packed, .gz.")],
    features: Annotated[
        Path | None,
        typer.Option(
            help="Node features: .csv or .tsv with node ids first, or a matrix, .npy or .npz. Default: those in the "
            "graph's file, or else some made of the links and the ids."
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(help="Classes to colour the globe by: .csv or .tsv, node ids first, classes next."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results, new or empty. Default: runs/GRAPH-embedding-TIME.")
    ] = None,
    preset: Annotated[str, typer.Option(help=f"Settings of model and training: {', '.join(_PRESETS)}.")] = "auto",
    dim: Annotated[
        int | None, typer.Option(help="Coordinates of an embedding, at least 2. Default: the preset's.")
    ] = None,
    latent: Annotated[
        str | None,
        typer.Option(help=f"Distribution of the latents: {', '.join(GRAPH_LATENTS)}. Default: that of the preset."),
    ] = None,
    default_features: Annotated[
        str,
        typer.Option(
            help="What nodes get if there are no features: hash of the id, spectral (eigenvectors of the graph), or "
            "auto, the better of both on the held-out links."
        ),
    ] = "auto",
    epochs: Annotated[
        int | None, typer.Option(help="Epochs at most, at least 1; the best is chosen. Default: the preset's.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a better one, at least 1. Default: never.")
    ] = None,
    val_share: Annotated[
        float | None,
        typer.Option(
            help="Share of the links held out to choose the epoch, in [0, 1); 0: train all epochs. Default: 5%, of "
            "small graphs up to 20%."
        ),
    ] = None,
    half_life: Annotated[
        float | None,
        typer.Option(
            help="Age at which a link counts half, above 0, in the unit of the times; needs --time. Default: all links "
            "count the same."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random, at least 0.")] = 0,
    view: Annotated[bool, typer.Option(help="Write view.html, the globe; needs plotly.")] = True,
    device: Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:1, ...")] = "cpu",
    threads: Annotated[int, typer.Option(help="CPU threads, at least 1.")] = 1,
    *,
    reading: ReadingOptions,
) -> None:
    """Embed all nodes of a graph on the sphere: one unit vector for each.

    Prints what was read. Chooses the number of epochs on a few links that are held out, then trains on all links.

    Writes into the folder: embeddings.parquet and embeddings.npy, the model, and view.html, a globe to look at.
    """
    refuse_processes()
    if suffix_of(graph) not in GRAPH_SUFFIXES:
        fail("GRAPH", f"given {str(graph)!r}, allowed: a file {', '.join(GRAPH_SUFFIXES)}")
    if preset not in _PRESETS:
        fail("--preset", f"given {preset!r}, allowed: {', '.join(_PRESETS)}")
    if latent is not None and latent not in GRAPH_LATENTS:
        fail("--latent", f"given {latent!r}, allowed: {', '.join(GRAPH_LATENTS)}")
    if not 0 <= seed < 2**63:
        fail("--seed", f"given {seed}, allowed: 0 to 2^63 - 1")
    if half_life is not None and reading.time is None:
        fail("--half-life", f"given {half_life}, allowed: with --time, the column or attribute that holds the times")
    if reading.directed:
        fail("--directed", "given, allowed: not with this command, whose models have no direction")
    folder = new_folder(out, f"{stem_of(graph)}-embedding", has_resume=False)
    use_threads(threads)
    target = usable_device(device)
    from spherical_gae.embedding import SphericalGraphEmbedding  # Not above: help needs no torch.

    embedding = SphericalGraphEmbedding(
        dim,
        preset,
        latent=latent,
        default_features=default_features,
        epochs=epochs,
        patience=patience,
        val_share=val_share,
        half_life=half_life,
        device=str(target),
        random_state=seed,
        verbose=True,
    )
    with _named_errors():
        embedding._check()
    data = _read(graph, features, reading)
    if reading.time is not None and half_life is None:
        typer.echo("The times are not used: links are held out at random. With --half-life recent ones count more.\n")
    colors = embedding_folder.read_classes(classes, data.node_ids, reading)
    with results_in(folder, is_chosen=out is not None) as folder:
        with _named_errors():
            embedding.fit(data)
        lines = _write(embedding, folder, colors, graph.name if view else None)
    for line in [*describe(embedding), *lines]:
        typer.echo(line)
    place, node = shlex.quote(str(folder)), shlex.quote(str(embedding.node_ids_[0]))
    embedding_folder.say_next(
        (f"suggest {place} --node {node} -k 10", "the likeliest new links of a node"),
        (f"suggest {place} --all 100", "those of the whole graph"),
        (f"neighbors {place} --node {node}", "the nearest nodes"),
        (f"transform {place} GRAPH", "embed nodes that come later"),
    )


@contextmanager
def _named_errors() -> Iterator[None]:
    """Errors of the estimator, which begin with the argument, end the command under the option's name."""
    try:
        yield
    except (ValueError, FloatingPointError) as error:
        option, text = _option_of(str(error)), str(error)
        fail(option, text.removeprefix(f"{option.removeprefix('--').replace('-', '_')}: ").removesuffix(", or None"))


def _write(
    embedding: SphericalGraphEmbedding, folder: Path, colors: Sequence[Any] | None, title: str | None
) -> list[str]:
    """Writes all files, with a page if there is a title for it; returns what to say of them."""
    try:
        embedding_folder.write_classes(folder, colors)
        lines = embedding_folder.write(embedding, folder)
        if title is not None:
            lines.append(embedding_folder.write_page(embedding, folder / embedding_folder.VIEW, colors, title=title))
    except ImportError as error:
        lines.append(f"  (no {embedding_folder.VIEW}: {error})")
    except OSError as error:
        fail("--out", f"{folder} cannot be written: {error.strerror or error}")
    return lines


def describe(embedding: SphericalGraphEmbedding) -> list[str]:
    """What was trained, and how well it predicts the links that were held out."""
    from spherical_gae.experiments.words import FEW_TEST_LINKS, counted  # Not above: help needs no torch.

    preset, history = embedding.preset_, embedding.history_
    spheres = "" if preset.num_factors == 1 else f" on {preset.num_factors} spheres"
    lines = [f"\nEmbedded {len(embedding.node_ids_):,} nodes: {preset.latent_dim} coordinates{spheres}."]
    if embedding.default_features_ is not None:
        lines.append(f"The graph has no features; the nodes got: {_FEATURES[embedding.default_features_]}.")
    if "val_auc" not in history:
        return [*lines, f"Trained on all links for {counted(embedding.best_epoch_, 'epoch')}."]
    auc, ap = (100 * history[name][embedding.best_epoch_ - 1] for name in ("val_auc", "val_ap"))
    held = _num_held_out(embedding)
    lines.append(
        f"On {counted(held, 'held-out link')}, after {counted(embedding.best_epoch_, 'epoch')}, the best: "
        f"AUC {auc:.1f}, AP {ap:.1f} (50: chance)."
    )
    if held < FEW_TEST_LINKS:
        lines.append(
            f"Warning: only {counted(held, 'held-out link')}: these scores mean little. Another --seed holds out "
            "others."
        )
    return [*lines, "Then trained anew for as long, on all links."]


def _num_held_out(embedding: SphericalGraphEmbedding) -> int:
    from spherical_gae.embedding.training import default_share, num_held_out  # Not above: help needs no torch.

    num_links = embedding._graph.data.edge_index.size(1) // 2
    share = embedding.val_share
    return num_held_out(num_links, default_share(num_links) if share is None else share)


def _read(graph: Path, features: Path | None, reading: ReadingOptions) -> Data:
    from spherical_gae.data import read_graph

    try:
        data = read_graph(graph, features, **reading.to_dict())
    except (OSError, ValueError) as error:
        files = {"GRAPH": str(graph), "--features": None if features is None else str(features)}
        fail_reading(error, reading, files)
    typer.echo(str(data.report))
    if data.get("node_ids") is None:
        data.node_ids = list(range(data.num_nodes))
    return data


def _option_of(message: str) -> str:
    """The option that an error of the estimator is about: its messages begin with the argument."""
    name = message.split(":")[0].split(" must")[0]
    known = {"preset": "--preset", "dim": "--dim", "latent_dim": "--dim", "latent": "--latent", "epochs": "--epochs"}
    known["default_features"] = "--default-features"
    known["half_life"] = "--half-life"
    return {**known, "patience": "--patience", "val_share": "--val-share"}.get(name, "GRAPH")
