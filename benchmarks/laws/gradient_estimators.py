"""Bias and standard deviation of gradient estimators for the von Mises-Fisher law, in kappa and in mu.

    python benchmarks/laws/gradient_estimators.py

Every loss is a function of a.z, a at a fixed angle to mu, so that every moment of every estimator in kappa is a
two-dimensional integral: over the angle to mu, by the trapezoidal rule, and over the tangent's component along a, by
Gauss's rule for its law.  These integrals are what the tables show; the library's own samples, from which the same
moments are estimated, check them.  The Householder estimator in mu is known by samples only.
Writes results/gradient_estimators.json and .md, and docs/pictures/gradient_estimators.png.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import roots_chebyt, roots_gegenbauer
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from spherical_gae.core import VonMisesFisher
from spherical_gae.core.numerics.implicit import angle_velocity
from spherical_gae.core.rejection import rejection_sample
from spherical_gae.plotting.pictures import save_figure
from spherical_gae.training.checkpoint import save_json, write_atomically

HERE = Path(__file__).parents[1]
DIMS = (2, 3, 5, 10, 20, 50, 100)
MU_DIMS = (2, 3, 5, 10, 50)
CONCENTRATIONS = (1.0, 10.0, 100.0)
CHUNK = 20_000
ESTIMATORS = ("proposal", "corrected", "corrected, baseline", "score", "score, mean", "score, optimal", "implicit")
HOUSEHOLDER_ANGLES = (90, 10)
Floats = NDArray[np.float64]


class Loss(NamedTuple):
    """f(z) = function(a.z), with a at an angle to mu."""

    function: Callable[[Tensor], Tensor]
    degrees: float


LOSSES = {
    "mu.z": Loss(lambda x: x, 0),
    "(a.z)^2": Loss(torch.square, 60),
    "log sigmoid(5 a.z)": Loss(lambda x: F.logsigmoid(5 * x), 60),
    "log sigmoid(5 a.z) + 10": Loss(lambda x: F.logsigmoid(5 * x) + 10, 60),
}
MU_LOSSES = {"a.z": Loss(lambda x: x, 60), "log sigmoid(5 a.z)": LOSSES["log sigmoid(5 a.z)"]}


class Nodes:
    """A quadrature for functions of theta and of v, the component of a uniform tangent direction along another."""

    def __init__(self, dim: int, kappa: float) -> None:
        self.dim, self.kappa = dim, kappa
        # In u = log tan(theta / 2) the density is analytic with exponential tails: the trapezoidal rule is exact.
        u = np.linspace(-40, 40, 40_001)
        log_density = -kappa * (1 + np.tanh(u)) - (dim - 1) * np.logaddexp(u, -u)
        density = np.exp(log_density - log_density.max())
        kept = density > 1e-18
        v, v_weights = tangent_rule(dim)
        weights = density[kept, None] / density.sum() * v_weights
        self.weights = torch.from_numpy(weights)
        t = torch.from_numpy(np.exp(u[kept]))
        self.w, self.sine = torch.from_numpy(-np.tanh(u[kept]))[:, None], (2 / (t + 1 / t))[:, None]
        self.v = torch.from_numpy(v)
        self.velocity = angle_velocity(torch.full_like(t, kappa), t, dim)[:, None]
        self.length = self.mean(self.w)

    def mean(self, values: Tensor) -> float:
        """Expectation of values at the nodes."""
        return float((self.weights * values).sum())

    def evaluate(self, loss: Loss) -> tuple[Tensor, Tensor]:
        """f and f' at the nodes."""
        angle = math.radians(loss.degrees)
        x = (math.cos(angle) * self.w + math.sin(angle) * self.sine * self.v).requires_grad_()
        f = loss.function(x)
        return f.detach(), torch.autograd.grad(f.sum(), x)[0]


def tangent_rule(dim: int) -> tuple[Floats, Floats]:
    """Nodes and weights for the density (1 - v^2)^((m - 4) / 2) on [-1, 1]; two points for m = 2."""
    if dim == 2:
        v, weights = np.array([-1.0, 1.0]), np.ones(2)
    else:
        v, weights = roots_chebyt(64) if dim == 3 else roots_gegenbauer(64, (dim - 3) / 2)
    return v, weights / weights.sum()


def exact_moments(nodes: Nodes, loss: Loss) -> dict[str, Any]:
    """The gradient in kappa, mean and standard deviation of each estimator; the bias that Wood's proposal has alone."""
    f, slope = nodes.evaluate(loss)
    angle = math.radians(loss.degrees)
    by_theta = slope * (math.sin(angle) * nodes.w * nodes.v - math.cos(angle) * nodes.sine)
    score = nodes.w - nodes.length
    implicit = by_theta * nodes.velocity
    wood = -by_theta * nodes.sine / math.hypot(2 * nodes.kappa, nodes.dim - 1)
    x = 2 * nodes.kappa / (nodes.dim - 1 + math.hypot(2 * nodes.kappa, nodes.dim - 1))
    square = (nodes.w - x).square()
    weight = x / (1 + x * x) * (nodes.mean(square) - square)
    # The library, like the paper, inverts the distribution function for m = 3.
    proposal, weight = (implicit, 0 * weight) if nodes.dim == 3 else (wood, weight)
    level = nodes.mean(f)
    best = nodes.mean(f * score.square()) / nodes.mean(score.square())
    samples = {
        "proposal": proposal,
        "corrected": proposal + f * weight,
        "corrected, baseline": proposal + (f - level) * weight,
        "score": f * score,
        "score, mean": (f - level) * score,
        "score, optimal": (f - best) * score,
        "implicit": implicit,
    }
    gradient = nodes.mean((f - level) * score)
    moments = {}
    for name, values in samples.items():
        mean = nodes.mean(values)
        moments[name] = {"mean": mean, "sd": math.sqrt(nodes.mean((values - mean).square()))}
    return {"gradient": gradient, "wood_bias": nodes.mean(wood) / gradient - 1, "level": level, "exact": moments}


def sampled_gradients(dim: int, kappa: float, loss: Loss, level: float, size: int, seed: int) -> dict[str, Tensor]:
    """Gradients of single samples, by the library."""
    law = VonMisesFisher(torch.eye(dim, dtype=torch.float64)[0], kappa)
    angle = math.radians(loss.degrees)
    a = law.loc * math.cos(angle) + torch.eye(dim, dtype=torch.float64)[1] * math.sin(angle)
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, list[Tensor]] = {}
    for _ in range(size // CHUNK):
        concentration = torch.full((CHUNK,), kappa, dtype=torch.float64, requires_grad=True)
        loc = law.loc.expand(CHUNK, dim)
        z, log_weight = rejection_sample(loc, concentration, generator)
        f = loss.function(z @ a)
        (proposal,) = torch.autograd.grad(f.sum(), concentration, retain_graph=True)
        (weight,) = torch.autograd.grad(log_weight.sum(), concentration)
        f = f.detach()
        posterior = VonMisesFisher(loc, concentration)
        z = posterior.rsample(generator=generator)
        value = loss.function(z @ a)
        (implicit,) = torch.autograd.grad(value.sum(), concentration, retain_graph=True)
        (score,) = torch.autograd.grad(posterior.log_prob(z.detach()).sum(), concentration)
        value = value.detach()
        chunk = {
            "proposal": proposal,
            "corrected": proposal + f * weight,
            "corrected, baseline": proposal + (f - level) * weight,
            "score": value * score,
            "score, mean": (value - level) * score,
            "implicit": implicit,
        }
        for name, values in chunk.items():
            found.setdefault(name, []).append(values)
    return {name: torch.cat(parts) for name, parts in found.items()}


def kappa_cells(size: int) -> Iterator[dict[str, Any]]:
    """Everything about the gradient in kappa, for each m, kappa and loss."""
    for dim in DIMS:
        for kappa in sorted({*CONCENTRATIONS, float(dim)}):
            nodes = Nodes(dim, kappa)
            for seed, (name, loss) in enumerate(LOSSES.items()):
                cell = {"dim": dim, "kappa": kappa, "loss": name, **exact_moments(nodes, loss)}
                cell["sampled"] = {}
                for estimator, values in sampled_gradients(dim, kappa, loss, cell["level"], size, seed).items():
                    mean, sd = values.mean().item(), values.std().item()
                    cell["sampled"][estimator] = {"mean": mean, "error": sd / math.sqrt(len(values)), "sd": sd}
                yield cell


def mu_gradients(way: str, dim: int, kappa: float, loss: Loss, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Tangential gradients of single samples in mu, and the unit tangent towards a.

    The reference e1 of the reflection is at ``way``'s angle to mu; half of a's tangent is in their plane.
    """
    angle, beta = math.radians(loss.degrees), math.radians(int(way.split()[1])) if " " in way else math.pi / 2
    eye = torch.eye(max(dim, 3), dim, dtype=torch.float64)
    mu = math.cos(beta) * eye[0] + math.sin(beta) * eye[1]
    towards = F.normalize(math.cos(beta) * eye[1] - math.sin(beta) * eye[0] + eye[2], dim=0)
    a = math.cos(angle) * mu + math.sin(angle) * towards
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for _ in range(size // CHUNK):
        loc = mu.expand(CHUNK, dim).clone().requires_grad_()
        if way == "transport":
            z = VonMisesFisher(loc, kappa).rsample(generator=generator)
        else:
            start = VonMisesFisher(eye[0], kappa).sample((CHUNK,), generator)
            if way == "projection":
                noise = torch.randn(CHUNK, dim, dtype=torch.float64, generator=generator)
                tangent = F.normalize(noise - (noise * loc).sum(-1, keepdim=True) * loc, dim=-1)
                z = start[:, :1] * loc + start[:, 1:].norm(dim=-1, keepdim=True) * tangent
            else:
                u = F.normalize(eye[0] - loc, dim=-1)
                z = start - 2 * (u * start).sum(-1, keepdim=True) * u
        (gradient,) = torch.autograd.grad(loss.function(z @ a).sum(), loc)
        parts.append(gradient - (gradient @ mu)[:, None] * mu)
    return torch.cat(parts), towards


def mu_cells(size: int) -> Iterator[dict[str, Any]]:
    """Traces of the covariance of the gradient in mu: exact for two ways, sampled for all."""
    ways = ("transport", "projection", *(f"householder {angle}" for angle in HOUSEHOLDER_ANGLES))
    for dim in MU_DIMS:
        for kappa in CONCENTRATIONS:
            nodes = Nodes(dim, kappa)
            for seed, (name, loss) in enumerate(MU_LOSSES.items()):
                angle = math.radians(loss.degrees)
                along, across = math.cos(angle) * nodes.sine, math.sin(angle) * nodes.w
                slope = nodes.evaluate(loss)[1]
                gradient = nodes.mean(slope * (across - along * nodes.v))
                square = across.square() + along.square() - 2 * across * along * nodes.v
                transport = nodes.mean(slope.square() * square) - gradient**2
                spin = nodes.mean((slope * math.sin(angle) * nodes.sine).square() * (1 - nodes.v.square()))
                # E[1 / chi^2] with m - 1 degrees of freedom; infinite for m = 3.
                projection = None if dim == 3 else transport if dim == 2 else transport + spin / (dim - 3)
                exact = {"transport": transport, "projection": projection}
                cell: dict[str, Any] = {"dim": dim, "kappa": kappa, "loss": name, "gradient": gradient, "exact": exact}
                cell["sampled"] = {}
                for way in ways:
                    values, towards = mu_gradients(way, dim, kappa, loss, size, seed)
                    component, distance = values @ towards, (values - values.mean(0)).square().sum(-1)
                    cell["sampled"][way] = {
                        "mean": component.mean().item(),
                        "error": component.std().item() / math.sqrt(len(values)),
                        "trace": distance.mean().item(),
                        "trace_error": distance.std().item() / math.sqrt(len(values)),
                    }
                yield cell


def growth(size: int) -> dict[str, list[float]]:
    """Sampled trace of the projection's covariance on S^2: medians over blocks of ever more samples."""
    values, _ = mu_gradients("projection", 3, 10.0, MU_LOSSES["a.z"], size, 0)
    square = (values - values.mean(0)).square().sum(-1)
    blocks = [10**power for power in (2, 3, 4, 5)]
    medians = [square[: size // block * block].view(-1, block).mean(1).median().item() for block in blocks]
    return {"samples": [float(block) for block in blocks], "median_trace": medians}


def tables(results: dict[str, Any]) -> list[str]:
    """All cells, as Markdown."""
    lines = ["# Gradient estimators of the von Mises-Fisher law", "", f"Made by `{results['command']}`.", ""]
    lines += ["## In kappa", "", "Relative bias of the proposal's pathwise gradient alone, exact and sampled with its"]
    lines += ["standard error; then standard deviations per sample, divided by the absolute gradient.", ""]
    lines += ["| m | kappa | f | gradient | bias | sampled bias | " + " | ".join(ESTIMATORS) + " |"]
    lines += ["|---" * (6 + len(ESTIMATORS)) + "|"]
    for cell in results["kappa"]:
        gradient, scale = cell["gradient"], abs(cell["gradient"])
        bias = round(cell["exact"]["proposal"]["mean"] / gradient - 1, 3) + 0.0  # no -0
        sampled = cell["sampled"]["proposal"]
        measured = f"{sampled['mean'] / gradient - 1:+.3f} ± {sampled['error'] / scale:.3f}"
        relative = " | ".join(f"{cell['exact'][name]['sd'] / scale:.3g}" for name in ESTIMATORS)
        key = f"| {cell['dim']} | {cell['kappa']:g} | {cell['loss']} | {gradient:.3g} "
        lines.append(f"{key}| {bias:+.3f} | {measured} | {relative} |")
    lines += ["", "## In mu", ""]
    lines += ["Trace of the covariance of the tangential gradient: exact for transport and projection,"]
    lines += ["sampled with its standard error for the reflection, by the angle between mu and its reference e1.", ""]
    lines += ["| m | kappa | f | transport | projection | householder 90 | householder 10 |", "|---" * 7 + "|"]
    for cell in results["mu"]:
        exact = " | ".join("infinite" if value is None else f"{value:.3g}" for value in cell["exact"].values())
        reflected = (cell["sampled"][f"householder {angle}"] for angle in HOUSEHOLDER_ANGLES)
        sampled = " | ".join(f"{entry['trace']:.3g} ± {entry['trace_error']:.2g}" for entry in reflected)
        lines.append(f"| {cell['dim']} | {cell['kappa']:g} | {cell['loss']} | {exact} | {sampled} |")
    check = results["check"]
    lines += ["", f"Largest deviation of a sampled mean from the exact one: {check['kappa']:.2f} standard errors of"]
    lines += [f"{check['kappa_number']} in kappa, {check['mu']:.2f} of {check['mu_number']} in mu."]
    lines += [f"Largest relative difference of a sampled standard deviation in kappa: {check['sd']:.3f}."]
    return [*lines, ""]


def deviations(results: dict[str, Any]) -> dict[str, float]:
    """Sampled means against exact ones, in standard errors; the projection on S^2 has none."""
    pairs = [(cell["sampled"][name], cell["exact"][name]) for cell in results["kappa"] for name in cell["sampled"]]
    in_mu = [
        abs(entry["mean"] - cell["gradient"]) / entry["error"]
        for cell in results["mu"]
        for way, entry in cell["sampled"].items()
        if (cell["dim"], way) != (3, "projection")
    ]
    largest = max(abs(sampled["mean"] - exact["mean"]) / sampled["error"] for sampled, exact in pairs)
    sd = max(abs(sampled["sd"] / exact["sd"] - 1) for sampled, exact in pairs)
    return {"kappa": largest, "kappa_number": len(pairs), "mu": max(in_mu), "mu_number": len(in_mu), "sd": sd}


def draw(results: dict[str, Any]) -> Figure:
    """Standard deviations relative to the implicit estimator's at kappa = m, and the bias without correction."""
    figure = Figure(figsize=(13, 7.5), layout="constrained")
    axes = figure.subplots(2, 3)
    for panel, loss in zip(axes.flat, LOSSES, strict=False):
        cells = [cell for cell in results["kappa"] if cell["loss"] == loss and cell["kappa"] == cell["dim"]]
        for name in ("corrected", "corrected, baseline", "score", "score, mean", "score, optimal"):
            ratios = [cell["exact"][name]["sd"] / cell["exact"]["implicit"]["sd"] for cell in cells]
            panel.plot([cell["dim"] for cell in cells], ratios, "o-", markersize=4, label=name)
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set(title=f"f = {loss}, kappa = m", xscale="log", yscale="log", xlabel="m")
        panel.set_ylabel("standard deviation / implicit")
    axes[0, 0].legend(frameon=False, fontsize=9)
    for panel, loss in zip(axes.flat[4:], ("mu.z", "(a.z)^2"), strict=True):
        for label in ("1", "10", "100", "m"):
            cells = [cell for cell in results["kappa"] if cell["loss"] == loss]
            cells = [cell for cell in cells if cell["kappa"] == (cell["dim"] if label == "m" else float(label))]
            bias = [100 * (cell["exact"]["proposal"]["mean"] / cell["gradient"] - 1) for cell in cells]
            panel.plot([cell["dim"] for cell in cells], bias, "o-", markersize=4, label=f"kappa = {label}")
        panel.axhline(0, color="black", linewidth=0.8)
        panel.set(title=f"uncorrected, f = {loss}", xscale="log", xlabel="m", ylabel="bias, % of the gradient")
        panel.legend(frameon=False, fontsize=9)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100_000, help="per cell, a multiple of 20000")
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs" / "pictures")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    if options.samples < CHUNK or options.samples % CHUNK:
        parser.error(f"--samples must be a positive multiple of {CHUNK}, got {options.samples}")
    torch.set_num_threads(1)
    results: dict[str, Any] = {"command": f"python benchmarks/laws/gradient_estimators.py --samples {options.samples}"}
    results["kappa"] = list(kappa_cells(options.samples))
    results["mu"] = list(mu_cells(options.samples))
    results["growth"] = growth(20 * options.samples)
    results["check"] = deviations(results)
    text = "\n".join(tables(results)).encode()
    save_json(options.out / "gradient_estimators.json", results)
    write_atomically(options.out / "gradient_estimators.md", lambda file: file.write(text))
    save_figure(draw(results).axes[0], options.docs / "gradient_estimators.png")


if __name__ == "__main__":
    main()
