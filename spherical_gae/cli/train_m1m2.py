"""The command ``train-m1m2``."""

from __future__ import annotations

from itertools import product
from typing import Annotated

import typer

from spherical_gae import experiments, training
from spherical_gae.cli.images import (
    BatchSize,
    Dataset,
    Device,
    Epochs,
    LearningRate,
    LookAhead,
    Out,
    Resume,
    ScaledLatent,
    Seed,
    Threads,
    WarmUp,
    blamed,
    check_at_least_one,
    check_common,
    run_in,
    settings_of,
)
from spherical_gae.cli.options import fail, new_folder, refuse_changes, saved_config
from spherical_gae.experiments.names import LATENTS


def train_m1m2(
    context: typer.Context,
    dataset: Dataset = "digits",
    latents: Annotated[
        str,
        typer.Option(
            help="Distributions of z1 and z2, such as s+n, p+p, n+n: "
            + ", ".join(f"{name} for {kind}" for name, kind in LATENTS.items())
            + " (an even dimension)."
        ),
    ] = "s+n",
    dim1: Annotated[int, typer.Option(help="Dimension of z1's manifold, at least 1.")] = 10,
    dim2: Annotated[int, typer.Option(help="Dimension of z2's manifold, at least 1.")] = 10,
    labels: Annotated[int, typer.Option(help="Training images with labels, a multiple of 10.")] = 100,
    alpha: Annotated[float, typer.Option(help="Weight of the classifier's cross-entropy, at least 0.")] = 10.0,
    first_stage_epochs: Annotated[
        int, typer.Option(help="Epochs in which z1's encoder and decoder are trained alone before, at least 0.")
    ] = 0,
    scaled_latent: ScaledLatent = False,
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
        folder, run = saved_config(out, experiments.M1M2Experiment.from_dict)
        own = {
            "latents": f"{run.latent1}+{run.latent2}",
            "dim1": run.dim1,
            "dim2": run.dim2,
            "labels": run.num_labels,
            "alpha": run.training.alpha,
            "first_stage_epochs": run.first_stage_epochs,
            "scaled_latent": run.scaled_latent,
        }
        refuse_changes(context, {**own, **settings_of(run, run.training)}, {"dataset": str.lower})
    else:
        allowed = ["+".join(pair) for pair in product(LATENTS, repeat=2)]
        if latents not in allowed:
            fail("--latents", f"given {latents!r}, allowed: {', '.join(allowed)}")
        check_common(dataset, seed)
        check_at_least_one(dim1=dim1, dim2=dim2, labels=labels)
        if first_stage_epochs < 0:
            fail("--first-stage-epochs", f"given {first_stage_epochs}, allowed: 0 or more")
        try:
            config = training.M1M2Config(epochs, batch_size, learning_rate, warm_up, look_ahead, alpha=alpha)
        except ValueError as error:
            fail(*blamed(error))
        latent1, latent2 = latents.split("+")
        if latent1 == "n" and scaled_latent:
            fail("--scaled-latent", f"given, allowed: not beside --latents {latents}, whose z1 is normal")
        for option, latent, dim in (("--dim1", latent1, dim1), ("--dim2", latent2, dim2)):
            try:
                experiments.make_head(latent, dim)
            except ValueError as error:
                fail(option, str(error))
        run = experiments.M1M2Experiment(
            dataset.lower(),
            seed,
            latent1,
            latent2,
            dim1,
            dim2,
            num_labels=labels,
            training=config,
            first_stage_epochs=first_stage_epochs,
            scaled_latent=scaled_latent,
        )
        folder = new_folder(out, f"{run.dataset}-m1m2")
    run_in(run, folder, device, threads, is_chosen=out is not None)
