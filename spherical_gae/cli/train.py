"""The command ``train``."""

from __future__ import annotations

import shlex
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spherical_gae import data as graphs
from spherical_gae import experiments, training
from spherical_gae.cli.dataset import absolute, check_names, is_file, place, read_own_graph, with_checksums, with_sides
from spherical_gae.cli.embedding_folder import say_next
from spherical_gae.cli.options import (
    advice_when_stopped,
    fail,
    new_folder,
    refuse_changes,
    saved_config,
    usable_device,
    use_threads,
)
from spherical_gae.cli.reading import as_arguments, read_option, with_reading_options
from spherical_gae.cli.run_folder import first_free, running_in
from spherical_gae.data.names import DATASETS
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.readers.suffixes import GRAPH_SUFFIXES
from spherical_gae.experiments.names import GRAPH_LATENTS
from spherical_gae.experiments.presets import available_presets, load_preset
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.training.launch import launched_processes

if TYPE_CHECKING:
    from torch_geometric.data import Data

    from spherical_gae.data import LinkSplit
    from spherical_gae.experiments import Experiment, ExperimentConfig

_RESULTS = {
    "latent.png": "the picture: an S-VGAE on the sphere S^2, coloured by class if there are classes",
    "embeddings.npy": "the S-VGAE's embeddings, one row for each node",
    "metrics.json": "the scores of every seed",
}
"""What is worth a look in a run folder; a graph of more than 100,000 nodes has no picture."""


@with_reading_options
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
            "Default: those in the graph's file, or random signs by a hash of each id."
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
    latent: Annotated[
        str | None,
        typer.Option(
            help=f"Distribution of the S-VGAE's latents on one sphere: {', '.join(GRAPH_LATENTS)} for "
            f"{', '.join(GRAPH_LATENTS.values())}. Default: the preset's."
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
    half_life: Annotated[
        float | None,
        typer.Option(
            help="Age at which a link counts half in message passing, above 0, in the unit of the times; needs --time. "
            "Default: all links count the same."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:1, ...")] = "cpu",
    threads: Annotated[
        int, typer.Option(help="CPU threads, at least 1. Small graphs gain nothing from more; results may differ.")
    ] = 1,
    jobs: Annotated[
        int,
        typer.Option(help="Processes that train seeds side by side, each with --threads; the results are the same."),
    ] = 1,
    *,
    reading: ReadingOptions,
) -> None:
    """Train S-VGAE and N-VGAE to predict the links of a graph, beside an untrained baseline.

    It first prints what was read; of a file of your own also what was left out and why.

    5% of the links are held out for validation and 10% for testing; message passing sees the training links
    only. Prints test AUC and AP (%) of the epoch with the best validation AUC + AP, mean over the seeds.

    With --directed, links are predicted with their direction: each node has two embeddings, as a source and as a
    target, and the test links are also held against themselves turned round (the columns "reversed"). With --time,
    links are split by time, and with --half-life recent ones count more. Of a bipartite graph, only pairs across the
    two sides are negatives; --preset bipartite has weights of its own for the features of each side, and finds the
    sides by the links if the file does not say.

    Writes into the run folder: config.json (settings, versions, date), metrics.json (one entry per seed), history.csv
    (loss and validation scores of each epoch), embeddings.npy (unit vectors, on a product of spheres one for each
    factor; first seed), node_ids.json (whose they are, if the nodes have ids), classes.json (if they have classes),
    cells/*.safetensors (weights), latent.png (an S-VGAE on S^2, coloured by class if there are classes). With
    --directed, embeddings.npy and the picture hold sources, target_embeddings.npy targets.

    Under torchrun, several processes share every batch: torchrun --nproc-per-node 2 -m spherical_gae train --preset
    scalable --batch-size 16384. On the full batch, which small graphs have, each process trains other seeds. A run may
    be resumed with another number of processes.

    Citation graphs are read from the folder SPHERICAL_GAE_DATA if it is set, else from the cache folder.
    """
    if resume:
        folder, config = saved_config(out, experiments.ExperimentConfig.from_dict)
        saved = {
            "dataset": config.dataset,
            "features": config.features,
            "preset": config.preset_name,
            "seeds": config.seeds,
            "latent_dim": config.preset.latent_dim,
            "latent": config.preset.latent,
            "epochs": config.preset.epochs,
            "batch_size": config.preset.batch_size,
            "half_life": config.preset.half_life,
            **asdict(config.reading),
        }
        read = {name: partial(read_option, name) for name in asdict(config.reading)}
        refuse_changes(context, saved, {**read, "dataset": place, "features": absolute, "seeds": parse_seeds})
    else:
        config = _configured(
            dataset, features, reading, preset, seeds, latent_dim, latent, epochs, batch_size, half_life
        )
        folder = new_folder(out, f"{config.title}-{preset}")
    use_threads(threads)
    if jobs < 1:
        fail("--jobs", f"given {jobs}, allowed: 1 or more")
    if jobs > 1 and launched_processes() > 1:
        fail("--jobs", f"given {jobs}, allowed: 1 under torchrun, which has started {launched_processes()} processes")
    target, config = usable_device(device), with_checksums(config)
    if jobs > 1 and target.type != "cpu":
        fail("--jobs", f"given {jobs}, allowed: 1 on {target}, which the processes would share")
    data = with_sides(config, _loaded(config))
    split = graphs.split_links(data, seed=config.seeds[0])
    with training.joined_processes(target) as processes:
        experiment = experiments.Experiment(config, folder, target)
        shared_out = experiment.shares_out_seeds(split.train.pos_edge_label_index.size(1))
        with training.alone() if shared_out else nullcontext():
            _check_trainable(config, data)
        if processes.is_first and out is None:
            folder = first_free(folder)
        folder = processes.agree(folder)
        experiment = experiments.Experiment(config, folder, target)
        held = running_in(folder, "train") if processes.is_first else nullcontext()
        with held, advice_when_stopped(folder, processes):
            if processes.is_first:
                _say_what_was_read(config, data, split, processes.count if shared_out else 1)
            metrics = _run(experiment, data, jobs)
    if processes.is_first:
        _say_what_came_out(config, data, metrics, folder)


def _say_what_was_read(config: ExperimentConfig, data: Data, split: LinkSplit, num_sharing: int) -> None:
    if "report" in data:
        typer.echo(f"{data.report}\n{graphs.kind_of_graph(data)}\n")
    for line in experiments.describe_graph(data, split, config.title):
        typer.echo(line)
    typer.echo(f"Preset: {config.preset_name}, {experiments.counted(config.preset.epochs, 'epoch')}.")
    if num_sharing > 1:
        typer.echo(f"{num_sharing} processes: each trains other ones of the {len(config.seeds)} seeds.")
    typer.echo("")


def _say_what_came_out(config: ExperimentConfig, data: Data, metrics: dict[str, Any], folder: Path) -> None:
    for line in experiments.format_table(metrics):
        typer.echo(line)
    typer.echo("")
    for line in experiments.explain_table(len(config.seeds), bool(data.get("directed"))):
        typer.echo(line)
    typer.echo(f"\nrun folder: {folder}")
    for name, content in _RESULTS.items():
        if (folder / name).exists():
            typer.echo(f"  {name:<14}  {content}")
    node = data.node_ids[0] if "node_ids" in data else 0
    features = ["--features", config.features] if config.features else []
    # Models of embed have no direction; it says that it drops those of the file.
    age = config.preset.half_life
    half_life = [] if age is None else ["--half-life", f"{age:g}"]
    own = [config.dataset, *features, *as_arguments(replace(config.reading, directed=False)), *half_life]
    graph = shlex.join(own) if is_file(config.dataset) else "YOUR_EDGES.csv"
    say_next(
        (f"neighbors {shlex.quote(str(folder))} --node {shlex.quote(str(node))}", "the nodes that are nearest to one"),
        (f"embed {graph}", "embed all nodes of a graph; then `suggest` names new links"),
    )


def _configured(
    dataset: str,
    features: Path | None,
    reading: ReadingOptions,
    preset: str,
    seeds: str,
    latent_dim: int | None,
    latent: str | None,
    epochs: int | None,
    batch_size: int | None,
    half_life: float | None,
) -> ExperimentConfig:
    check_names(dataset, features, reading)
    if preset not in available_presets():
        fail("--preset", f"given {preset!r}, allowed: {', '.join(available_presets())}")
    if latent_dim is not None and latent_dim < 2:
        fail("--latent-dim", f"given {latent_dim}, allowed: 2 or more")
    if latent is not None and latent not in GRAPH_LATENTS:
        fail("--latent", f"given {latent!r}, allowed: {', '.join(GRAPH_LATENTS)}")
    if epochs is not None and epochs < 1:
        fail("--epochs", f"given {epochs}, allowed: 1 or more")
    if batch_size is not None and batch_size < 0:
        fail("--batch-size", f"given {batch_size}, allowed: 1 or more, or 0 for the full batch")
    if half_life is not None and reading.time is None:
        fail("--half-life", f"given {half_life}, allowed: with --time, the column or attribute that holds the times")
    try:
        numbers = parse_seeds(seeds)
    except ValueError as error:
        fail("--seeds", str(error))
    try:
        settings = load_preset(preset, place(dataset)).with_changes(
            latent_dim=latent_dim, latent=latent, epochs=epochs, batch_size=batch_size, half_life=half_life
        )
    except ValueError as error:
        named = {"latent must": "--latent", "half_life:": "--half-life"}
        option = next((o for start, o in named.items() if str(error).startswith(start)), "--latent-dim")
        fail(option, str(error).removeprefix("half_life: "))
    return experiments.ExperimentConfig(
        place(dataset),
        preset,
        settings,
        numbers,
        features=None if features is None else absolute(features),
        reading=reading,
    )


def _check_trainable(config: ExperimentConfig, data: Data) -> None:
    """Refuses settings that cannot be trained with on this graph, or in so many processes, before there is a folder."""
    try:
        experiments.check_kind(data, config.preset)
    except ValueError as error:
        fail("--preset", f"given {config.preset_name!r}: {str(error).removeprefix('preset: ')}")
    encoder = experiments.build_model(config.preset, "s-vgae", experiments.num_channels(data, config.preset)).encoder
    num_links = data.edge_index.size(1) // (1 if data.get("directed") else 2)
    num_train_links = num_links - int(0.05 * num_links) - int(0.1 * num_links)
    try:
        training.kind_of_run(
            encoder,
            experiments.gae_config(config.preset),
            num_train_links,
            data.edge_weight is not None or config.preset.half_life is not None,
        )
    except (ImportError, ValueError) as error:
        fail("--batch-size", str(error))


def _run(experiment: Experiment, data: Data, jobs: int) -> dict[str, Any]:
    try:
        return experiment.run(data, jobs)
    except BrokenProcessPool:
        fail(
            "--jobs",
            f"one of {jobs} processes was ended from outside, perhaps for lack of memory; finished cells are kept: go "
            f"on with --resume --out {shlex.quote(str(experiment.folder))} and fewer jobs",
        )
    except training.OtherRunError as error:
        fail("--out", str(error))
    except FloatingPointError as error:
        fail(
            "--features" if experiment.config.features else "--dataset",
            f"{error}, or scale the features, the largest of which is {float(data.x.abs().max()):.3g}, to about 1",
        )


def _loaded(config: ExperimentConfig) -> Data:
    if is_file(config.dataset):
        return read_own_graph(config)
    try:
        return graphs.load_graph(config.dataset)
    except (OSError, ValueError) as error:
        # Missing, damaged (ChecksumError) or out of reach: the message says what to do.
        fail("--dataset", str(error))
