"""Seconds per epoch of MNIST, one thread, all models interleaved: S-VAE, N-VAE, and a plain autoencoder in bare torch.

    python benchmarks/images/vae_epoch_time.py

An epoch is 50,000 images in batches of 64, 784-256-128 and back, binarised anew for every batch; for the models of
this package it is ``VAERun.train_epoch``, for the autoencoder a plain loop over shuffled indices.  Validation is not
counted.  Each round trains every model for an epoch; figures are medians over all rounds but the first, ratios are of
medians.  Run it on a machine that does nothing else.  Writes results/vae_epoch_time.json and .md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmarks.cells import command_line, use_one_thread, write_results
from spherical_gae.data import load_images
from spherical_gae.models import NormalVAE, SphericalVAE
from spherical_gae.training.images.batches import VAEConfig
from spherical_gae.training.images.vae import VAERun

HERE = Path(__file__).parents[1]
BARE = "autoencoder in bare torch"


def bare_autoencoder(images: Tensor, dim: int) -> Callable[[], object]:
    """An epoch of a plain autoencoder, written as one would without a library."""
    model = nn.Sequential(
        nn.Linear(784, 256),
        nn.ReLU(),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Linear(128, dim),
        nn.Linear(dim, 128),
        nn.ReLU(),
        nn.Linear(128, 256),
        nn.ReLU(),
        nn.Linear(256, 784),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def epoch() -> None:
        for index in torch.randperm(images.size(0)).split(64):
            pixels = images[index]
            x = (torch.rand_like(pixels) < pixels).float()
            loss = F.binary_cross_entropy_with_logits(model(x), x, reduction="sum") / x.size(0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def table(medians: dict[int, dict[str, float]]) -> Iterator[str]:
    """Markdown lines, one for each dimension."""
    yield f"| d | {BARE} | N-VAE | S-VAE | S-VAE / N-VAE | S-VAE / autoencoder |"
    yield "|---" * 6 + "|"
    for dim, found in medians.items():
        bare, normal, spherical = found[BARE], found["n-vae"], found["s-vae"]
        yield (
            f"| {dim} | {bare:.2f} | {normal:.2f} | {spherical:.2f} "
            f"| {spherical / normal:.2f} | {spherical / bare:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dims", nargs="+", type=int, default=[2, 10, 40])
    parser.add_argument("--rounds", type=int, default=6, help="at least 2")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    use_one_thread()
    images = load_images("mnist")
    medians: dict[int, dict[str, float]] = {}
    for dim in options.dims:
        epochs: dict[str, Callable[[], object]] = {BARE: bare_autoencoder(images.train.images, dim)}
        for name, model in (("n-vae", NormalVAE(dim)), ("s-vae", SphericalVAE(dim))):
            run = VAERun(model, images.train.images, images.val.images, VAEConfig(), 0)
            epochs[name] = partial(run.train_epoch, 1.0)
        times: dict[str, list[float]] = {name: [] for name in epochs}
        for _ in range(options.rounds):
            for name, epoch in epochs.items():
                start = time.perf_counter()
                epoch()
                times[name].append(time.perf_counter() - start)
        medians[dim] = {name: statistics.median(found[1:]) for name, found in times.items()}
    command = command_line(parser, options, ("dims", "rounds"))
    report = {"command": command, "seconds": {str(dim): found for dim, found in medians.items()}}
    title = "Median seconds for a training epoch of 50,000 images, one thread."
    write_results(options.out, "vae_epoch_time", report, [title, "", *table(medians)])


if __name__ == "__main__":
    main()
