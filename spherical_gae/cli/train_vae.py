"""The command ``train-vae``."""

from __future__ import annotations

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
from spherical_gae.experiments.names import LATENTS, SPHERICAL_LATENTS, VAE_MODELS


def train_vae(
    context: typer.Context,
    dataset: Dataset = "digits",
    model: Annotated[str, typer.Option(help=f"Model: {', '.join(VAE_MODELS)}.")] = "s-vae",
    latent: Annotated[
        str,
        typer.Option(
            help="Distribution of an S-VAE's latents: "
            + ", ".join(f"{name} for {LATENTS[name]}" for name in SPHERICAL_LATENTS)
            + "."
        ),
    ] = "s",
    dim: Annotated[int, typer.Option(help="Dimension of the latent manifold: S^dim or R^dim, at least 1.")] = 2,
    scaled_latent: ScaledLatent = False,
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
        folder, run = saved_config(out, experiments.VAEExperiment.from_dict)
        own = {"model": run.model, "latent": run.latent, "dim": run.dim, "scaled_latent": run.scaled_latent}
        refuse_changes(context, {**own, **settings_of(run, run.training)}, {"dataset": str.lower})
    else:
        if model not in VAE_MODELS:
            fail("--model", f"given {model!r}, allowed: {', '.join(VAE_MODELS)}")
        if latent not in SPHERICAL_LATENTS:
            fail("--latent", f"given {latent!r}, allowed: {', '.join(SPHERICAL_LATENTS)}")
        if model == "n-vae" and latent != "s":
            fail("--latent", f"given {latent!r}, allowed: none beside --model n-vae, whose latents are normal")
        if model == "n-vae" and scaled_latent:
            fail("--scaled-latent", "given, allowed: not beside --model n-vae, whose latents are normal")
        check_common(dataset, seed)
        check_at_least_one(dim=dim)
        try:
            config = training.VAEConfig(epochs, batch_size, learning_rate, warm_up, look_ahead)
        except ValueError as error:
            fail(*blamed(error))
        run = experiments.VAEExperiment(
            dataset.lower(), seed, model, dim, training=config, scaled_latent=scaled_latent, latent=latent
        )
        try:
            run.make_model(1)
        except ValueError as error:
            fail("--dim", str(error))
        folder = new_folder(out, f"{run.dataset}-{model}" + ("" if latent == "s" else f"-{latent}"))
    run_in(run, folder, device, threads, is_chosen=out is not None)
