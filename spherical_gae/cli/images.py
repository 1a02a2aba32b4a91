"""What the commands for images share: options, checks, the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spherical_gae import data, experiments, training
from spherical_gae.cli.options import fail, refuse_processes, usable_device, use_threads
from spherical_gae.cli.run_folder import first_free, running_in
from spherical_gae.data.names import IMAGE_DATASETS

if TYPE_CHECKING:
    from spherical_gae.data import ImageSplit
    from spherical_gae.experiments import ImageExperiment
    from spherical_gae.training import VAEConfig

Dataset = Annotated[
    str, typer.Option(help=f"Images: {', '.join(IMAGE_DATASETS)}. MNIST is downloaded once, checksummed.")
]
Seed = Annotated[int, typer.Option(help="Seed of weights, training and choice of labels, at least 0.")]
Epochs = Annotated[int, typer.Option(help="Number of epochs at most, at least 1.")]
BatchSize = Annotated[int, typer.Option(help="Images in a batch, at least 1.")]
LearningRate = Annotated[float, typer.Option(help="Adam's learning rate, above 0.")]
WarmUp = Annotated[int, typer.Option(help="Epochs over which the KL term's weight grows to 1; 0 for none.")]
LookAhead = Annotated[int, typer.Option(help="Epochs without a better validation score that end training, at least 1.")]
ScaledLatent = Annotated[
    bool,
    typer.Option("--scaled-latent", help="Decode sqrt(m) z in place of a unit vector z of R^m (of M1+M2: z1)."),
]
Out = Annotated[Path | None, typer.Option(help="Run folder, new or empty. Default: runs/DATASET-MODEL-TIME.")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with the run in --out, with its settings; bit for bit with the same --threads."
    ),
]
Device = Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:1, ...")]
Threads = Annotated[int, typer.Option(help="CPU threads, at least 1; results may differ.")]


def settings_of(run: ImageExperiment, config: VAEConfig) -> dict[str, object]:
    """What a resumed run has, by the name of the option."""
    return {
        "dataset": run.dataset,
        "seed": run.seed,
        "epochs": config.max_epochs,
        "batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "warm_up": config.warm_up,
        "look_ahead": config.look_ahead,
    }


def check_common(dataset: str, seed: int) -> None:
    """Refuses a data set or a seed that there is not."""
    if dataset.lower() not in IMAGE_DATASETS:
        fail("--dataset", f"given {dataset!r}, allowed: {', '.join(IMAGE_DATASETS)}")
    if not 0 <= seed < 2**63:
        fail("--seed", f"given {seed}, allowed: 0 to 2^63 - 1")


def check_at_least_one(**values: int) -> None:
    """Refuses numbers below 1."""
    for name, value in values.items():
        if value < 1:
            fail(f"--{name}", f"given {value}, allowed: 1 or more")


def blamed(error: ValueError) -> tuple[str, str]:
    """The option that a configuration's error is about, and the message; its first word is the setting."""
    setting, _, rest = str(error).partition(" ")
    option = {"max_epochs": "epochs", "num_labels": "labels"}.get(setting, setting)
    return f"--{option.replace('_', '-')}", rest


def run_in(run: ImageExperiment, folder: Path, device: str, threads: int, *, is_chosen: bool = True) -> None:
    """Runs an experiment in its folder, and prints its scores; a default folder gets a number if it was taken since."""
    refuse_processes()
    use_threads(threads)
    target, images = usable_device(device), _loaded(run.dataset)
    if isinstance(run, experiments.M1M2Experiment):
        try:
            data.draw_labelled(images.train, run.num_labels, run.seed)
        except ValueError as error:
            fail(*blamed(error))
    folder = folder if is_chosen else first_free(folder)
    command = "train-m1m2" if isinstance(run, experiments.M1M2Experiment) else "train-vae"
    try:
        with running_in(folder, command):
            metrics = run.run(images, folder, target)
    except FloatingPointError as error:
        fail("--learning-rate", str(error))
    except training.OtherRunError as error:
        fail("--out", str(error))
    for name, value in metrics.items():
        if isinstance(value, float | int):
            typer.echo(f"{name:<16} {value:.4g}")
    typer.echo(f"\nrun folder: {folder}")


def _loaded(dataset: str) -> ImageSplit:
    try:
        return data.load_images(dataset)
    except (OSError, ValueError) as error:
        # Missing, damaged (ChecksumError) or out of reach: the message says what to do.
        fail("--dataset", str(error))
