"""A circle given back: figure 1 of the paper, four latent spaces of data that come from S^1.

    python benchmarks/images/circle.py

Data: ``spherical_gae.data.circle_mixture``, three vMF components on S^1, mapped to R^100 by a fixed non-linear map,
with noise of standard deviation 1: 5,000 points to train, 2,000 to validate, 10,000 to test, the same for all seeds; a
seed draws weights and batches.  Models: an autoencoder, an N-VAE, and an N-VAE with its KL term weighted by 0.1, all in
R^2, and an S-VAE on S^1; MLPs 100-64-32 and back, p(x | z) normal with the true noise, Adam, batches of 128, look-ahead
30, the weights of the best epoch by the validation bound (for the weighted KL, weighted).  Each model's learning rate,
1e-3 or 3e-3, was chosen by the validation bound, in two runs each on data of other seeds; nothing else was tried,
neither of the models nor of the data.

Angle: latents are ``encode``'s, without noise; their angle is the one about their mean in R^2, and about the centre of
the circle on S^1.  Its correlation with the true angle is Fisher & Lee's (1983), which no rotation changes; of both
orientations the better, that is its absolute value.  By ranks: the same of circular ranks, which no monotone change of
the angle changes either.  The data are not uniform: for a uniform aggregated posterior the S-VAE must warp the angle.

Prior: one posterior sample for each test point.  "angle": Kuiper's distance (D+ plus D-, so that the origin does not
matter) of its angle about 0 to the uniform law; "radius": the Kolmogorov-Smirnov distance of its length to the Rayleigh
law, for R^2; "mismatch": the larger.  Of 10,000 samples of the prior itself, Kuiper's is .0125 on average and above
.0175 in 5% of the cases.

Samples: 10,000 decoded draws from the prior; their distance to the nearest point of the noiseless curve, as a share of
the curve's root mean square distance from its centre: the share of samples below 0.1, and the median.

Writes results/circle.json (every cell), .md (the table) and docs/pictures/circle.png (the seed of the best validation
bound of each model).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import kstest, rankdata
from torch import Tensor

from benchmarks.cells import command_line, run_cells, spread, write_results
from spherical_gae.data.circle import NOISE_STD, CircleData, angle_to_plane, circle_mixture, plane_to_features
from spherical_gae.experiments.seeds import parse_seeds
from spherical_gae.models import Autoencoder, NormalVAE, SphericalVAE, VariationalAutoencoder
from spherical_gae.nn.observations import NormalObservation
from spherical_gae.plotting.pictures import save_figure
from spherical_gae.training.images.batches import VAEConfig
from spherical_gae.training.images.vae import fit_vae

HERE = Path(__file__).parents[1]
Floats = NDArray[np.float64]
Model = Autoencoder | VariationalAutoencoder
TITLES = {
    "autoencoder": "autoencoder",
    "n-vae": "N-VAE",
    "n-vae, beta 0.1": "N-VAE, KL weighted by 0.1",
    "s-vae": "S-VAE",
}
HIDDEN_FEATURES = (64, 32)
LEARNING_RATES = {"autoencoder": 3e-3, "n-vae": 1e-3, "n-vae, beta 0.1": 1e-3, "s-vae": 1e-3}
CONFIG = VAEConfig(max_epochs=500, batch_size=128, warm_up=0, look_ahead=30, binarize=False)
SIZES = {"train": 5_000, "val": 2_000, "test": 10_000}
NEAR = 0.1
NUM_SAMPLES = 10_000
NUM_SHOWN = 2_000
COLUMNS = {
    "correlation": "angle: correlation",
    "rank_correlation": "by ranks",
    "angle_distance": "prior: angle",
    "radius_distance": "radius",
    "mismatch": "mismatch",
    "near_share": "samples: near the curve",
    "median_distance": "median distance",
}


class Cell(NamedTuple):
    """One trained model."""

    model: str
    seed: int


class Trained(NamedTuple):
    """What a picture shows of a model: latents of test points, draws from its prior, and these decoded."""

    latents: Floats
    prior: Floats | None
    decoded: Floats | None


def fisher_lee(a: Floats, b: Floats) -> float:
    """Circular correlation of angles, 1 for b = a + c and -1 for b = c - a.  Source: Fisher & Lee (1983), eq. 2.2.

    With independent uniform angles, n times it follows the Laplace law of scale 1 for large n.
    """
    cross = np.stack([np.cos(a), np.sin(a)]) @ np.stack([np.cos(b), np.sin(b)]).T
    spreads = [len(a) ** 2 - abs(np.exp(2j * angle).sum()) ** 2 for angle in (a, b)]
    return float(4 * np.linalg.det(cross) / math.sqrt(spreads[0] * spreads[1]))


def circular_ranks(angle: Floats) -> Floats:
    """Ranks, spread evenly over the circle; another origin of the angle only rotates them."""
    return 2 * np.pi * rankdata(np.mod(angle, 2 * np.pi)) / len(angle)


def kuiper(probabilities: Floats) -> float:
    """Kuiper's distance of a sample to a law, from the law's distribution function at the sample."""
    ordered, steps = np.sort(probabilities), np.arange(len(probabilities) + 1) / len(probabilities)
    return float((steps[1:] - ordered).max() + (ordered - steps[:-1]).max())


def angle_of(points: Floats) -> Floats:
    """Angles of points [N, 2] about 0."""
    return np.arctan2(points[:, 1], points[:, 0])


def true_curve() -> Tensor:
    """The noiseless curve, float32 [4096, 100]: neighbours are at most 0.02 apart."""
    return plane_to_features(angle_to_plane(2 * math.pi * torch.arange(4096, dtype=torch.float64) / 4096)).float()


def curve_radius(curve: Tensor) -> float:
    """The root mean square distance from its centre."""
    return (curve - curve.mean(0)).square().sum(1).mean().sqrt().item()


def distance_to_curve(features: Tensor, curve: Tensor) -> Floats:
    """Distance of each row to the nearest point of the curve, as a share of the curve's radius."""
    nearest = torch.cat([torch.cdist(part, curve).amin(1) for part in features.split(1024)])
    return (nearest / curve_radius(curve)).double().numpy()


def load_data() -> dict[str, CircleData]:
    """The three parts, each from a seed of its own."""
    return {name: circle_mixture(size, seed) for seed, (name, size) in enumerate(SIZES.items())}


def make_model(cell: Cell) -> Model:
    """The cell's model before training; draws its weights from torch's global generator."""
    torch.manual_seed(cell.seed)
    options: dict[str, Any] = {
        "in_features": plane_to_features(torch.zeros(1, 2)).size(1),
        "hidden_features": HIDDEN_FEATURES,
        "observation": NormalObservation(NOISE_STD),
    }
    if cell.model == "autoencoder":
        return Autoencoder(2, **options)
    return SphericalVAE(1, **options) if cell.model == "s-vae" else NormalVAE(2, **options)


def make_config(model: str, learning_rate: float | None) -> VAEConfig:
    """Settings of a model."""
    rate = LEARNING_RATES[model] if learning_rate is None else learning_rate
    return replace(CONFIG, learning_rate=rate, kl_weight=0.1 if model == "n-vae, beta 0.1" else 1.0)


@torch.no_grad()
def scores(model: Model, test: CircleData) -> dict[str, float | None]:
    """The figures of the table, and the bound's parts, on test data."""
    torch.manual_seed(0)
    latents = model.encode(test.x).double().numpy()
    centered = latents if isinstance(model, SphericalVAE) else latents - latents.mean(0)
    angle, true_angle = angle_of(centered), test.angle.numpy()
    _, reconstruction, kl = model.loss(test.x)
    found: dict[str, float | None] = dict.fromkeys(COLUMNS)
    found["correlation"] = abs(fisher_lee(true_angle, angle))
    found["rank_correlation"] = abs(fisher_lee(circular_ranks(true_angle), circular_ranks(angle)))
    found |= {"reconstruction": reconstruction.item(), "kl": kl.item()}
    if isinstance(model, Autoencoder):
        return found
    samples = model.posterior(test.x).sample().double().numpy()
    distances = {"angle_distance": kuiper(angle_of(samples) / (2 * np.pi) + 0.5)}
    if isinstance(model, NormalVAE):
        distances["radius_distance"] = float(kstest(np.hypot(*samples.T), "rayleigh").statistic)
    to_curve = distance_to_curve(model.sample(NUM_SAMPLES), true_curve())
    return {
        **found,
        **distances,
        "mismatch": max(distances.values()),
        "near_share": float((to_curve < NEAR).mean()),
        "median_distance": float(np.median(to_curve)),
    }


@torch.no_grad()
def shown(model: Model, x: Tensor) -> Trained:
    """What the picture shows: posterior samples (an autoencoder's latents), and as many draws from the prior."""
    torch.manual_seed(0)
    if isinstance(model, Autoencoder):
        return Trained(model.encode(x).double().numpy(), None, None)
    prior = model.prior().sample((len(x),))
    arrays = (model.posterior(x).sample(), prior, model.decode(prior))
    return Trained(*(array.double().numpy() for array in arrays))


def run_cell(cell: Cell, learning_rate: float | None) -> dict[str, Any]:
    """Trains and tests a model; with what a picture needs."""
    data, model = load_data(), make_model(cell)
    config = make_config(cell.model, learning_rate)
    result = fit_vae(model, data["train"].x, data["val"].x, config, seed=cell.seed, progress=False)
    return {
        **cell._asdict(),
        "val_bound": result.best_score,
        "best_epoch": result.best_epoch,
        "epochs": result.epochs,
        **scores(model, data["test"]),
        "shown": shown(model, data["test"].x[:NUM_SHOWN]),
    }


def draw(chosen: dict[str, Trained], angle: Floats) -> Axes:
    """The circle and the latent spaces above; the data and the decoded prior samples, in a plane, below."""
    figure = Figure(figsize=(17, 7.4), layout="constrained")
    axes = figure.subplots(2, 1 + len(chosen))
    curve = true_curve().double().numpy()
    # The plane of the curve's two principal components.
    center, plane = curve.mean(0), np.linalg.svd(curve - curve.mean(0), full_matrices=False)[2][:2].T
    colors: dict[str, Any] = {"c": angle, "cmap": "hsv", "vmin": -np.pi, "vmax": np.pi, "s": 5, "linewidths": 0}
    gray: dict[str, Any] = {"color": "0.72", "s": 5, "linewidths": 0}
    # Points on a circle hide each other: they are drawn with radii that are spread at random.
    spread = 1 + 0.05 * (np.random.default_rng(0).random(len(angle)) - 0.5)[:, None]
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    axes[0, 0].scatter(*(spread * circle).T, **colors)
    axes[0, 0].set_title("the data's circle")
    data = circle_mixture(SIZES["test"], list(SIZES).index("test")).x[: len(angle)].double().numpy()
    axes[1, 0].scatter(*((data - center) @ plane).T, **colors)
    axes[1, 0].set_title("data, first two components of the curve")
    for column, (name, found) in enumerate(chosen.items(), start=1):
        top, bottom = axes[:, column]
        on_circle = name == "s-vae"
        if found.prior is not None:
            outside = 1.15 * spread if on_circle else 1
            top.scatter(*(outside * found.prior).T, **gray)
        top.scatter(*((spread if on_circle else 1) * found.latents).T, **colors)
        top.set_title(TITLES[name] + (", S¹" if on_circle else ", R²"))
        if found.prior is None:
            top.set_xlabel("no prior")
            bottom.set_axis_off()
            continue
        top.set_xlabel("gray: prior" + (", drawn outside the circle" if on_circle else ""))
        assert found.decoded is not None
        bottom.scatter(*((found.decoded - center) @ plane).T, **gray | {"color": "C0"})
        bottom.set_title("decoded prior samples")
    for ax in axes.flat:
        ax.set_aspect("equal")
    for ax in (ax for ax in axes[1] if ax.axison):
        ax.plot(*((np.concatenate([curve, curve[:1]]) - center) @ plane).T, color="black", linewidth=0.8)
        ax.set(xlim=(-11, 11), ylim=(-11, 11))
    return axes[0, 0]


def table(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Markdown lines: each model's figures, and the parts of its bound."""
    yield f"| model | seeds | {' | '.join(COLUMNS.values())} | RE | KL |"
    yield "|---" * (4 + len(COLUMNS)) + "|"
    for model, title in TITLES.items():
        found = [cell for cell in cells if cell["model"] == model]
        if found:
            digits = dict.fromkeys(COLUMNS, 3) | {"reconstruction": 2, "kl": 2}
            columns = ((name, [cell[name] for cell in found if cell[name] is not None]) for name in digits)
            values = (spread(column, digits[name]) if column else "-" for name, column in columns)
            yield f"| {title} | {len(found)} | {' | '.join(values)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-4", help="such as 0-4 or 0,3,5")
    parser.add_argument("--learning_rate", type=float, help="for all models, in place of the chosen ones")
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs" / "pictures", help="where the picture goes")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where the results go")
    options = parser.parse_args()

    cells = [Cell(*values) for values in product(TITLES, parse_seeds(options.seeds))]
    results = run_cells(cells, partial(run_cell, learning_rate=options.learning_rate), options.jobs)
    pictures = [result.pop("shown") for result in results]
    best = {
        model: max((i for i, cell in enumerate(cells) if cell.model == model), key=lambda i: results[i]["val_bound"])
        for model in TITLES
    }
    report = {
        "command": command_line(parser, options, ("seeds", "learning_rate")),
        "configs": {model: asdict(make_config(model, options.learning_rate)) for model in TITLES},
        "hidden_features": HIDDEN_FEATURES,
        "shown_seeds": {model: cells[i].seed for model, i in best.items()},
        "cells": results,
    }
    title = "Test data, mean ± standard deviation over the seeds; the script's head explains the columns."
    write_results(options.out, "circle", report, [title, "", *table(results)])
    angle = load_data()["test"].angle.numpy()[:NUM_SHOWN]
    save_figure(draw({model: pictures[i] for model, i in best.items()}, angle), options.docs / "circle.png")


if __name__ == "__main__":
    main()
