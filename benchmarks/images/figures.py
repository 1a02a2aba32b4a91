"""The paper's figures of MNIST models, from the weights of mnist_unsupervised.py and mnist_semi_supervised.py.

    python benchmarks/images/figures.py

- docs/pictures/mnist_latent.png (fig. 2): test digits in the plane of an N-VAE and on the sphere of an S-VAE, d = 2.
- docs/pictures/sphere_area.png (fig. 6): surface area of the unit sphere against its dimension.
- docs/pictures/mnist_samples.png (fig. 7, 8): decoded draws from the prior, both models, all dimensions.
- docs/pictures/mnist_manifold.png (fig. 9): decoded latents on a grid, d = 2: quantiles of the normal law in each
  direction, longitude and latitude on the sphere.
- docs/pictures/mnist_analogies.png (fig. 10): the style z_2 of a test image, decoded with every class, M1+M2 of S+N
  at (50, 50).

All models are those of seed 0.  A figure whose models are not there is left out, with a line that says so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import gammaln
from torch import Tensor

from benchmarks.images import mnist_semi_supervised, mnist_unsupervised
from benchmarks.images.mnist_unsupervised import DIMS
from spherical_gae.data import binarize, load_images
from spherical_gae.experiments.names import VAE_MODELS
from spherical_gae.models import VariationalAutoencoder
from spherical_gae.plotting.pictures import plot_images, plot_plane, plot_sphere
from spherical_gae.training.checkpoint import write_atomically

DOCS = Path(__file__).parents[2] / "docs" / "pictures"
NAMES = {"n-vae": "N-VAE", "s-vae": "S-VAE"}


def load_vae(model: str, dim: int, work: Path) -> VariationalAutoencoder:
    """The model of seed 0."""
    cell = mnist_unsupervised.Cell(model, dim, 0)
    return cell.experiment.load_model(load_images("mnist"), cell.folder(work / "mnist"))


def latent_spaces(work: Path) -> Figure:
    """Fig. 2."""
    test = load_images("mnist").test
    x = binarize(test.images[:5000], torch.Generator().manual_seed(0))
    labels = test.labels[:5000].numpy()
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    plane, sphere = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="hammer")
    with torch.no_grad():
        plot_plane(load_vae("n-vae", 2, work).posterior(x).mode.numpy(), labels, plane).set_title("N-VAE, R²")
        plot_sphere(load_vae("s-vae", 2, work).posterior(x).mode.numpy(), labels, sphere).set_title("S-VAE, S²")
    return figure


def sphere_area(work: Path) -> Figure:
    """Fig. 6: 2 pi^(m/2) / Gamma(m/2), m = d + 1."""
    dim = np.arange(1, 51)
    half = (dim + 1) / 2
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    ax = figure.add_subplot()
    ax.plot(dim, 2 * np.exp(half * np.log(np.pi) - gammaln(half)), marker=".")
    ax.set_xlabel("dimension d of the sphere")
    ax.set_ylabel("surface area of the unit sphere")
    ax.grid(True, linewidth=0.4, alpha=0.6)
    return figure


def samples(work: Path) -> Figure:
    """Fig. 7 and 8."""
    figure = Figure(figsize=(16, 7), layout="constrained")
    axes: list[list[Axes]] = figure.subplots(len(VAE_MODELS), len(DIMS))
    for row, model in zip(axes, NAMES, strict=True):
        for ax, dim in zip(row, DIMS, strict=True):
            torch.manual_seed(0)
            plot_images(load_vae(model, dim, work).sample(64).numpy(), 8, ax).set_title(f"{NAMES[model]}, d = {dim}")
    return figure


def manifold(work: Path) -> Figure:
    """Fig. 9."""
    figure = Figure(figsize=(13, 6.8), layout="constrained")
    axes: list[Axes] = figure.subplots(1, 2)
    grids = {"n-vae": normal_grid(20), "s-vae": sphere_grid(20)}
    for ax, (model, grid) in zip(axes, grids.items(), strict=True):
        with torch.no_grad():
            plot_images(load_vae(model, 2, work).decode(grid).numpy(), 20, ax)
    axes[0].set_title("N-VAE: quantiles of the normal prior")
    axes[1].set_title("S-VAE: longitude and sine of the latitude, equal areas")
    return figure


def normal_grid(side: int) -> Tensor:
    """Points of R^2 at equal steps of the normal law's quantiles, row by row, shape [side^2, 2]."""
    quantiles = torch.special.ndtri((torch.arange(side) + 0.5) / side)
    return torch.cartesian_prod(quantiles.flip(0), quantiles).flip(1)


def sphere_grid(side: int) -> Tensor:
    """Points of S^2 at equal steps of the sine of the latitude, and of the longitude, shape [side^2, 3]."""
    sine = 1 - 2 * (torch.arange(side) + 0.5) / side
    longitude = 2 * torch.pi * (torch.arange(side) + 0.5) / side - torch.pi
    z, angle = torch.cartesian_prod(sine, longitude).unbind(1)
    radius = (1 - z.square()).sqrt()
    return torch.stack([radius * angle.cos(), radius * angle.sin(), z], dim=1)


def analogies(work: Path) -> Figure:
    """Fig. 10: the first column is the test image."""
    images = load_images("mnist")
    cell = mnist_semi_supervised.Cell("s+n", "50,50", 0)
    model = cell.experiment.load_model(images, cell.folder(work / "m1m2"))
    x = binarize(images.test.images[:10], torch.Generator().manual_seed(0))
    style = model.style(x, model.predict(x))
    classes = torch.arange(model.num_classes)
    decoded = model.generate(style.repeat_interleave(10, dim=0), classes.repeat(10)).view(10, 10, -1)
    sheet = torch.cat([x.unsqueeze(1), torch.ones_like(x).unsqueeze(1), decoded], dim=1).flatten(0, 1)
    figure = Figure(figsize=(7, 6), layout="constrained")
    plot_images(sheet.numpy(), 12, figure.add_subplot()).set_title("a test image, and its style with every class")
    return figure


FIGURES: dict[str, Callable[[Path], Figure]] = {
    "mnist_latent": latent_spaces,
    "sphere_area": sphere_area,
    "mnist_samples": samples,
    "mnist_manifold": manifold,
    "mnist_analogies": analogies,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, default=Path(__file__).parents[1] / "work", help="where run folders are kept"
    )
    parser.add_argument("--out", type=Path, default=DOCS, help="where the figures go")
    options = parser.parse_args()
    for name, draw in FIGURES.items():
        try:
            figure = draw(options.work)
        except FileNotFoundError as error:
            sys.stdout.write(f"{name}.png left out: {error}\n")
            continue
        path = options.out / f"{name}.png"
        write_atomically(path, partial(figure.savefig, format="png", dpi=110))
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
