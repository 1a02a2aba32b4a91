"""The commands ``train-vae`` and ``train-m1m2``."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from spherical_gae.cli.options import (
    fail,
    make_folder,
    new_folder,
    refuse_changes,
    refuse_processes,
    saved_config,
    usable_device,
    use_threads,
)
from spherical_gae.data.few_labels import draw_labelled
from spherical_gae.data.images import IMAGE_DATASETS, ImageSplit, load_images
from spherical_gae.experiments.images import (
    LATENTS,
    VAES,
    ImageExperiment,
    M1M2Experiment,
    VAEExperiment,
    make_head,
)
from spherical_gae.training.checkpoint import OtherRunError
from spherical_gae.training.images.batches import BatchConfig
from spherical_gae.training.images.semi_supervised import SemiSupervisedConfig

Dataset = Annotated[
    str, typer.Option(help=f"Images: {', '.join(IMAGE_DATASETS)}. MNIST is downloaded once, checksummed.")
]
Seed = Annotated[int, typer.Option(help="Seed of weights, training and choice of labels, at least 0.")]
Epochs = Annotated[int, typer.Option(help="Number of epochs at most, at least 1.")]
BatchSize = Annotated[int, typer.Option(help="Images in a batch, at least 1.")]
LearningRate = Annotated[float, typer.Option(help="Adam's learning rate, above 0.")]
WarmUp = Annotated[int, typer.Option(help="Epochs over which the KL term's weight grows to 1; 0 for none.")]
LookAhead = Annotated[int, typer.Option(help="Epochs without a better validation score that end training, at least 1.")]
Out = Annotated[Path | None, typer.Option(help="Run folder, new or empty. Default: runs/DATASET-MODEL-TIME.")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with the run in --out, with its settings; bit for bit with the same --threads."
    ),
]
Device = Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:1, ...")]
Threads = Annotated[int, typer.Option(help="CPU threads, at least 1; results may differ.")]


def train_vae(
    context: typer.Context,
    dataset: Dataset = "digits",
    model: Annotated[str, typer.Option(help=f"Model: {', '.join(VAES)}.")] = "s-vae",
    dim: Annotated[int, typer.Option(help="Dimension of the latent manifold: S^dim or R^dim, at least 1.")] = 2,
    seed: Seed = 0,
    epochs: Epochs = 200,
    batch_size: BatchSize = 64,
    learning_rate: LearningRate = 1e-3,
    warm_up: WarmUp = 50,
    look_ahead: LookAhead = 50,
    out: Out = None,
    resume: Resume = False,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Train an S-VAE or N-VAE on images, binarised anew for every batch.

    The weights of the best validation bound are tested: log-likelihood (500 importance samples), bound and its parts.
    The paper's MNIST protocol is --dataset mnist --epochs 1000 --warm-up 100.

    Writes into the run folder: config.json, training.json, model.safetensors, metrics.json, samples.png (decoded draws
    from the prior), latent.png (test images, coloured by class; beyond two dimensions their principal components).
    """
    if resume:
        folder, run = saved_config(out, VAEExperiment.from_dict)
        saved = {"model": run.model, "dim": run.dim, **_saved(run, run.training)}
        refuse_changes(context, saved, {"dataset": str.lower})
    else:
        if model not in VAES:
            fail("--model", f"given {model!r}, allowed: {', '.join(VAES)}")
        _check_common(dataset, seed)
        _check_at_least_one(dim=dim)
        try:
            config = BatchConfig(epochs, batch_size, learning_rate, warm_up, look_ahead)
        except ValueError as error:
            fail(*_blamed(error))
        run = VAEExperiment(dataset.lower(), seed, model, dim, training=config)
        folder = new_folder(out, f"{run.dataset}-{model}")
    _run(run, folder, device, threads)


def train_m1m2(
    context: typer.Context,
    dataset: Dataset = "digits",
    latents: Annotated[
        str,
        typer.Option(
            help="Laws of z1 and z2, s for von Mises-Fisher, n for normal, p for a product of spheres S^2 (an even "
            "dimension): s+n, s+s, s+p, n+n, ..."
        ),
    ] = "s+n",
    dim1: Annotated[int, typer.Option(help="Dimension of z1's manifold, at least 1.")] = 10,
    dim2: Annotated[int, typer.Option(help="Dimension of z2's manifold, at least 1.")] = 10,
    labels: Annotated[int, typer.Option(help="Training images with labels, a multiple of 10.")] = 100,
    alpha: Annotated[float, typer.Option(help="Weight of the classifier's cross-entropy, at least 0.")] = 10.0,
    first_stage_epochs: Annotated[
        int, typer.Option(help="Epochs in which z1's encoder and decoder are trained alone before, at least 0.")
    ] = 0,
    seed: Seed = 0,
    epochs: Epochs = 60,
    batch_size: BatchSize = 100,
    learning_rate: LearningRate = 1e-3,
    warm_up: WarmUp = 0,
    look_ahead: LookAhead = 50,
    out: Out = None,
    resume: Resume = False,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Train M1+M2: classify images with few labels, by two stacked latents trained end to end.

    The weights of the best validation accuracy are tested.  The paper's protocol is --dataset mnist --epochs 1000
    --alpha 1; the few steps of the digits want a larger alpha, which is the default.

    Writes into the run folder: config.json, training.json, model.safetensors, metrics.json, samples.png (a style in
    every row, a class in every column), latent.png (z1 of the test images, coloured by class).
    """
    if resume:
        folder, run = saved_config(out, M1M2Experiment.from_dict)
        own = {
            "latents": f"{run.latent1}+{run.latent2}",
            "dim1": run.dim1,
            "dim2": run.dim2,
            "labels": run.num_labels,
            "alpha": run.training.alpha,
            "first_stage_epochs": run.first_stage_epochs,
        }
        refuse_changes(context, {**own, **_saved(run, run.training)}, {"dataset": str.lower})
    else:
        allowed = ["+".join(pair) for pair in product(LATENTS, repeat=2)]
        if latents not in allowed:
            fail("--latents", f"given {latents!r}, allowed: {', '.join(allowed)}")
        _check_common(dataset, seed)
        _check_at_least_one(dim1=dim1, dim2=dim2, labels=labels)
        if first_stage_epochs < 0:
            fail("--first-stage-epochs", f"given {first_stage_epochs}, allowed: 0 or more")
        try:
            config = SemiSupervisedConfig(epochs, batch_size, learning_rate, warm_up, look_ahead, alpha=alpha)
        except ValueError as error:
            fail(*_blamed(error))
        latent1, latent2 = latents.split("+")
        for option, latent, dim in (("--dim1", latent1, dim1), ("--dim2", latent2, dim2)):
            try:
                make_head(latent, dim)
            except ValueError as error:
                fail(option, str(error))
        run = M1M2Experiment(
            dataset.lower(),
            seed,
            latent1,
            latent2,
            dim1,
            dim2,
            num_labels=labels,
            training=config,
            first_stage_epochs=first_stage_epochs,
        )
        folder = new_folder(out, f"{run.dataset}-m1m2")
    _run(run, folder, device, threads)


def _saved(run: ImageExperiment, training: BatchConfig) -> dict[str, object]:
    return {
        "dataset": run.dataset,
        "seed": run.seed,
        "epochs": training.max_epochs,
        "batch_size": training.batch_size,
        "learning_rate": training.learning_rate,
        "warm_up": training.warm_up,
        "look_ahead": training.look_ahead,
    }


def _check_common(dataset: str, seed: int) -> None:
    if dataset.lower() not in IMAGE_DATASETS:
        fail("--dataset", f"given {dataset!r}, allowed: {', '.join(IMAGE_DATASETS)}")
    if not 0 <= seed < 2**63:
        fail("--seed", f"given {seed}, allowed: 0 to 2^63 - 1")


def _check_at_least_one(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            fail(f"--{name}", f"given {value}, allowed: 1 or more")


def _blamed(error: ValueError) -> tuple[str, str]:
    """The option that a configuration's error is about, and the message; its first word is the setting."""
    setting, _, rest = str(error).partition(" ")
    option = {"max_epochs": "epochs", "num_labels": "labels"}.get(setting, setting)
    return f"--{option.replace('_', '-')}", rest


def _run(run: ImageExperiment, folder: Path, device: str, threads: int) -> None:
    refuse_processes()
    use_threads(threads)
    target, images = usable_device(device), _loaded(run.dataset)
    if isinstance(run, M1M2Experiment):
        try:
            draw_labelled(images.train, run.num_labels, run.seed)
        except ValueError as error:
            fail(*_blamed(error))
    make_folder(folder)
    try:
        metrics = run.run(images, folder, target)
    except FloatingPointError as error:
        fail("--learning-rate", str(error))
    except OtherRunError as error:
        fail("--out", str(error))
    for name, value in metrics.items():
        if isinstance(value, float | int):
            typer.echo(f"{name:<16} {value:.4g}")
    typer.echo(f"\nrun folder: {folder}")


def _loaded(dataset: str) -> ImageSplit:
    try:
        return load_images(dataset)
    except (OSError, ValueError) as error:
        # Missing, damaged (ChecksumError) or out of reach: the message says what to do.
        fail("--dataset", str(error))
