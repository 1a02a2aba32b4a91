"""The command ``spherical-gae``."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch_geometric.data import Data

from spherical_gae.data.checksums import ChecksumError
from spherical_gae.data.graphs import DATASETS, load_graph
from spherical_gae.presets import available_presets, load_preset
from spherical_gae.training.experiment import Experiment, ExperimentConfig, format_table

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Spherical graph autoencoders: train them, and see what they reach.",
)


@app.callback()
def _commands() -> None:
    """Makes typer keep ``train`` as a subcommand while it is the only one."""


@app.command()
def train(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Option(help=f"Graph: {', '.join(DATASETS)}. All but digits are downloaded once, checksummed.")
    ] = "digits",
    preset: Annotated[
        str, typer.Option(help=f"Settings of encoder and training: {', '.join(available_presets())}.")
    ] = "gcn",
    seeds: Annotated[
        str, typer.Option(help="Seeds, each with its own split: a number, a range such as 0-9, or a list 0,3,5-7.")
    ] = "0",
    latent_dim: Annotated[
        int | None, typer.Option(help="Coordinates m of an embedding, at least 2; the sphere is S^(m-1). [preset's]")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs, at least 1. [preset's]")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder. [runs/DATASET-PRESET-TIME]", show_default=False)] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, as its config.json says, bit for bit.")
    ] = False,
    device: Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:1, ...")] = "cpu",
) -> None:
    """Train S-VGAE and N-VGAE to predict the links of a graph, beside an untrained baseline.

    5% of the links are held out for validation and 10% for testing; message passing sees the training links
    only. Prints test AUC and AP of the epoch with the best validation AUC + AP.

    Writes into the run folder: config.json, metrics.json (per seed), embeddings.npy (unit norm, first seed),
    cells/*.safetensors (weights), latent.png (an S-VGAE on S^2, coloured by class).

    The real data are read from SPHERICAL_GAE_DATA if it is set, else from the cache folder.
    """
    if resume:
        folder, config = _resumed(out)
        _refuse_changes(context, config)
    else:
        config = _configured(dataset, preset, seeds, latent_dim, epochs)
        folder = out or Path("runs") / f"{config.dataset}-{preset}-{datetime.now():%Y%m%d-%H%M%S}"
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise typer.BadParameter(
                f"{folder} is not empty: choose another folder or add --resume", param_hint="--out"
            )
    experiment = Experiment(config, folder, _usable_device(device))
    metrics = experiment.run(_loaded(config.dataset))
    for line in format_table(metrics):
        typer.echo(line)
    typer.echo(f"\nrun folder: {folder}")


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads seeds such as ``0-9`` or ``0,3,5-7``.

    Args:
        text: Numbers and ranges of numbers >= 0, separated by commas.

    Returns:
        The seeds in the order given.

    Raises:
        ValueError: If the text is malformed, a range is empty, or a seed is given twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{text!r} is not a number, a range such as 0-9, or a list of them")
        stop = int(last) if dash else int(first)
        if stop < int(first):
            raise ValueError(f"{text!r} holds an empty range")
        seeds.extend(range(int(first), stop + 1))
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{text!r} holds a seed twice")
    return tuple(seeds)


def main() -> None:
    """Runs the command."""
    app(prog_name="spherical-gae")


def _configured(dataset: str, preset: str, seeds: str, latent_dim: int | None, epochs: int | None) -> ExperimentConfig:
    name = dataset.lower()
    if name not in DATASETS:
        raise typer.BadParameter(f"must be one of {', '.join(DATASETS)}, got {dataset!r}", param_hint="--dataset")
    if preset not in available_presets():
        allowed = ", ".join(available_presets())
        raise typer.BadParameter(f"must be one of {allowed}, got {preset!r}", param_hint="--preset")
    if latent_dim is not None and latent_dim < 2:
        raise typer.BadParameter(f"must be at least 2, got {latent_dim}", param_hint="--latent-dim")
    if epochs is not None and epochs < 1:
        raise typer.BadParameter(f"must be at least 1, got {epochs}", param_hint="--epochs")
    try:
        numbers = parse_seeds(seeds)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--seeds") from None
    return ExperimentConfig(
        name, preset, load_preset(preset).with_changes(latent_dim=latent_dim, epochs=epochs), numbers
    )


def _resumed(out: Path | None) -> tuple[Path, ExperimentConfig]:
    if out is None:
        raise typer.BadParameter("needs --out, the run folder to go on with", param_hint="--resume")
    config = out / "config.json"
    if not config.is_file():
        raise typer.BadParameter(f"{out} holds no config.json to resume from", param_hint="--resume")
    try:
        return out, ExperimentConfig.from_dict(json.loads(config.read_text()))
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise typer.BadParameter(f"{config} is not a run's configuration: {error!r}", param_hint="--resume") from None


def _refuse_changes(context: typer.Context, config: ExperimentConfig) -> None:
    """A resumed run keeps its settings: an option that says otherwise is an error, not ignored."""
    saved = {
        "dataset": config.dataset,
        "preset": config.preset_name,
        "seeds": config.seeds,
        "latent_dim": config.preset.latent_dim,
        "epochs": config.preset.epochs,
    }
    for name, value in saved.items():
        source = context.get_parameter_source(name)
        if source is None or source.name != "COMMANDLINE":
            continue
        given = context.params[name]
        if value != (parse_seeds(given) if name == "seeds" else given):
            hint = f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"the run to resume has {value!r}, got {given!r}", param_hint=hint)


def _loaded(dataset: str) -> Data:
    try:
        return load_graph(dataset)
    except (OSError, ChecksumError) as error:
        # Missing, damaged or out of reach: the message says what to do.
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None


def _usable_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise typer.BadParameter(f"{name!r} cannot be used here: {reason}", param_hint="--device") from None
    return device
