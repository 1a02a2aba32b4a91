"""The command ``spherical-gae``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from torch_geometric.data import Data

from spherical_gae.cli.dataset import absolute, check_names, is_file, place, read_own_graph, with_checksums
from spherical_gae.cli.images import train_m1m2, train_vae
from spherical_gae.cli.neighbors import neighbors
from spherical_gae.cli.options import (
    advice_when_stopped,
    fail,
    make_folder,
    new_folder,
    refuse_changes,
    saved_config,
    usable_device,
    use_threads,
)
from spherical_gae.data.graphs import DATASETS, load_graph
from spherical_gae.data.readers.graph_files import GRAPH_SUFFIXES
from spherical_gae.experiments.links import Experiment, ExperimentConfig, fit_config, format_table
from spherical_gae.experiments.presets import available_presets, build_model, load_preset
from spherical_gae.training.links.loop import kind_of_run
from spherical_gae.training.processes import joined_processes

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Spherical autoencoders, of graphs above all: train them, and see what they reach.",
)


@app.command()
def train(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Option(
            help=f"Graph: {', '.join(DATASETS)}, all but digits downloaded once, checksummed; or a file of your own, "
            f"{', '.join(GRAPH_SUFFIXES)}."
        ),
    ] = "digits",
    features: Annotated[
        Path | None,
        typer.Option(
            help="Node features for a graph of your own: .csv or .tsv with node ids first, or a matrix, .npy or .npz. "
            "Default: those in the graph's file, or random unit vectors."
        ),
    ] = None,
    preset: Annotated[
        str, typer.Option(help=f"Settings of encoder and training: {', '.join(available_presets())}.")
    ] = "frontier",
    seeds: Annotated[
        str, typer.Option(help="Seeds, each with its own split: a number, a range such as 0-9, or a list 0,3,5-7.")
    ] = "0",
    latent_dim: Annotated[
        int | None,
        typer.Option(
            help="Coordinates of an embedding: m for the sphere S^(m-1), at least 2; on a product of spheres a "
            "multiple of their number. Default: the preset's."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs, at least 1. Default: the preset's.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder, new or empty. Default: runs/DATASET-PRESET-TIME.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the run in --out, with its settings; bit for bit with the same --threads."
        ),
    ] = False,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Links in a gradient step, of all processes together; 0: all, the full batch. Default: the preset's, "
            "or by the size of the graph."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:1, ...")] = "cpu",
    threads: Annotated[
        int, typer.Option(help="CPU threads, at least 1. Small graphs gain nothing from more; results may differ.")
    ] = 1,
) -> None:
    """Train S-VGAE and N-VGAE to predict the links of a graph, beside an untrained baseline.

    5% of the links are held out for validation and 10% for testing; message passing sees the training links
    only. Prints test AUC and AP (%) of the epoch with the best validation AUC + AP, mean over the seeds.

    Writes into the run folder: config.json, metrics.json (one entry per seed), embeddings.npy (unit vectors, on a
    product of spheres one for each factor; first seed), node_ids.json (whose they are, if the nodes have ids),
    cells/*.safetensors (weights), latent.png (an S-VGAE on S^2, coloured by class if there are classes).

    Under torchrun, several processes share every batch: torchrun --nproc-per-node 2 -m spherical_gae train --preset
    scalable --batch-size 16384. A run may be resumed with another number of processes.

    Citation graphs are read from the folder SPHERICAL_GAE_DATA if it is set, else from the cache folder.
    """
    if resume:
        folder, config = saved_config(out, ExperimentConfig.from_dict)
        saved = {
            "dataset": config.dataset,
            "features": config.features,
            "preset": config.preset_name,
            "seeds": config.seeds,
            "latent_dim": config.preset.latent_dim,
            "epochs": config.preset.epochs,
            "batch_size": config.preset.batch_size,
        }
        refuse_changes(context, saved, {"dataset": place, "features": absolute, "seeds": parse_seeds})
    else:
        config = _configured(dataset, features, preset, seeds, latent_dim, epochs, batch_size)
        folder = new_folder(out, f"{config.title}-{preset}")
    use_threads(threads)
    target, config = usable_device(device), with_checksums(config)
    data = _loaded(config)
    with joined_processes(target) as processes:
        _check_trainable(config, data)
        folder = processes.agree(folder)
        if processes.is_first:
            make_folder(folder)
        with advice_when_stopped(folder, processes):
            metrics = _run(Experiment(config, folder, target), data)
    if processes.is_first:
        for line in format_table(metrics):
            typer.echo(line)
        typer.echo(f"\nrun folder: {folder}")


app.command("train-vae")(train_vae)
app.command("train-m1m2")(train_m1m2)
app.command("neighbors")(neighbors)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads seeds such as ``0-9`` or ``0,3,5-7``.

    Args:
        text: Numbers from 0 to 2^63 - 1 and ranges of them, separated by commas.

    Returns:
        The seeds in the order given.

    Raises:
        ValueError: If the text is malformed, a range is empty, or a seed is too large or given twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{text!r} is not a number, a range such as 0-9, or a list of them")
        stop = int(last) if dash else int(first)
        if stop < int(first):
            raise ValueError(f"{text!r} holds an empty range")
        if stop >= 2**63:
            raise ValueError(f"{text!r} holds a seed of 2^63 or more")
        seeds.extend(range(int(first), stop + 1))
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{text!r} holds a seed twice")
    return tuple(seeds)


def main() -> None:
    """Runs the command."""
    app(prog_name="spherical-gae")


def _configured(
    dataset: str,
    features: Path | None,
    preset: str,
    seeds: str,
    latent_dim: int | None,
    epochs: int | None,
    batch_size: int | None,
) -> ExperimentConfig:
    check_names(dataset, features)
    if preset not in available_presets():
        fail("--preset", f"given {preset!r}, allowed: {', '.join(available_presets())}")
    if latent_dim is not None and latent_dim < 2:
        fail("--latent-dim", f"given {latent_dim}, allowed: 2 or more")
    if epochs is not None and epochs < 1:
        fail("--epochs", f"given {epochs}, allowed: 1 or more")
    if batch_size is not None and batch_size < 0:
        fail("--batch-size", f"given {batch_size}, allowed: 1 or more, or 0 for the full batch")
    try:
        numbers = parse_seeds(seeds)
    except ValueError as error:
        fail("--seeds", str(error))
    try:
        settings = load_preset(preset, place(dataset)).with_changes(
            latent_dim=latent_dim, epochs=epochs, batch_size=batch_size
        )
    except ValueError as error:
        fail("--latent-dim", str(error))
    return ExperimentConfig(
        place(dataset), preset, settings, numbers, features=None if features is None else absolute(features)
    )


def _check_trainable(config: ExperimentConfig, data: Data) -> None:
    """Refuses settings that cannot be trained with on this graph, or in so many processes, before there is a folder."""
    encoder = build_model(config.preset, "s-vgae", data.num_features).encoder
    num_links = data.edge_index.size(1) // 2
    num_train_links = num_links - int(0.05 * num_links) - int(0.1 * num_links)
    try:
        kind_of_run(encoder, fit_config(config.preset), num_train_links, data.edge_weight is not None)
    except (ImportError, ValueError) as error:
        fail("--batch-size", str(error))


def _run(experiment: Experiment, data: Data) -> dict[str, Any]:
    try:
        return experiment.run(data)
    except FloatingPointError as error:
        fail(
            "--features" if experiment.config.features else "--dataset",
            f"{error}, or scale the features, the largest of which is {float(data.x.abs().max()):.3g}, to about 1",
        )


def _loaded(config: ExperimentConfig) -> Data:
    if is_file(config.dataset):
        return read_own_graph(config)
    try:
        return load_graph(config.dataset)
    except (OSError, ValueError) as error:
        # Missing, damaged (ChecksumError) or out of reach: the message says what to do.
        fail("--dataset", str(error))
