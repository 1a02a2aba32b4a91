"""The von Mises-Fisher law of this library: speed, accuracy, gradients.

    python benchmarks/laws/distributions.py

Speed: ``rsample`` and divergence, forward and backward, in float32 on one thread, each law interleaved with
torch.distributions.Normal at the same (batch, m); medians, and their ratios.  pythae's S-VAE is timed if pythae is
installed.  Then a training step of a variational autoencoder of the size used for MNIST.  Accuracy: what the tables
certify; Kolmogorov-Smirnov tests with a tenth of --size samples and means with all, at concentrations that are no
knots; the gradient of the mean; densities against scipy.  Run the timings on a machine that does nothing else;
``--parts speed`` or ``--parts accuracy`` makes one of them anew and keeps the other.
Writes results/distributions.json and .md, and docs/pictures/distributions.png.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch

from benchmarks.laws.accuracy import (
    CELLS,
    certificates,
    densities,
    gradients,
    law_of_samples,
    power_spherical_moments,
)
from benchmarks.laws.speed import SHAPES, interleaved, loss_steps, scipy_seconds, training_steps
from spherical_gae.training.checkpoint import save_json, write_atomically

HERE = Path(__file__).parents[1]
# The aims for the tabulated law, as ratios to Normal.
AIMS = {(64, 11): 2.4, (2708, 16): 1.5, (100_000, 16): 0.75, (10_000, 256): 0.5}


def speed(rounds: int) -> list[dict[str, Any]]:
    """Seconds of each law at each shape, without and with checks of values."""
    rows = []
    for batch, dim in SHAPES:
        number = max(10, min(1500, rounds * 1_000_000 // (batch * dim)))
        for validate in (False, True):
            normal, *laws = loss_steps(batch, dim, validate).items()
            pairs = {law[0]: interleaved(dict((normal, law)), number) for law in laws}
            rows.append({"batch": batch, "dim": dim, "validate_args": validate, "rounds": number, "seconds": pairs})
        rows[-2]["scipy_sampling_seconds"] = scipy_seconds(batch, dim)
    return rows


def accuracy(size: int) -> dict[str, Any]:
    """How right the samples, the gradients, the tables and the densities are."""
    return {
        "samples": [
            law_of_samples(dim, concentration, size, torch.float32, seed)
            for seed, (dim, concentration) in enumerate(CELLS)
        ],
        "gradients": [gradients(dim, kappa, seed) for seed, (dim, kappa) in enumerate(CELLS, start=100)],
        "certificates": certificates(),
        "against_scipy": densities(),
        "power_spherical_standard_errors": power_spherical_moments(),
    }


def ratio(row: dict[str, Any], law: str) -> float:
    """A law's median over that of the Normal it was interleaved with."""
    pair = row["seconds"][law]
    return pair[law] / pair["normal"]


def markdown(results: dict[str, Any]) -> str:
    """The tables."""
    names = list(results["speed"][0]["seconds"])
    lines = [
        f"Made by `{results['command']}` on {results['machine']}.",
        "",
        "## `rsample` and divergence, forward and backward: ratio of medians to Normal",
        "",
        "| (batch, m) | values checked | Normal, µs | " + " | ".join(names) + " | aim |",
        "|---" * (len(names) + 4) + "|",
    ]
    for row in results["speed"]:
        base = row["seconds"]["vMF, tabulated"]["normal"]
        ratios = " | ".join(f"{ratio(row, name):.2f}" for name in names)
        shape = (row["batch"], row["dim"])
        checked = "yes" if row["validate_args"] else "no"
        lines.append(f"| {shape} | {checked} | {base * 1e6:.0f} | {ratios} | {AIMS[shape]} |")
    step = results["training_step"]
    sampling = ", ".join(
        f"{row['scipy_sampling_seconds'] * 1e3:.1f} ms at {(row['batch'], row['dim'])}"
        for row in results["speed"]
        if "scipy_sampling_seconds" in row
    )
    lines += [
        "",
        f"scipy's sampler alone, for one law and without gradients: {sampling}.",
        "",
        f"Training step 784-256-128-10 and back, batch 64: normal {step['normal'] * 1e3:.2f} ms, von Mises-Fisher "
        f"{step['vMF, tabulated'] * 1e3:.2f} ms, ratio {step['vMF, tabulated'] / step['normal']:.2f} (aim 1.25).",
        "",
        "## Samples of the angle, float32, at concentrations that are no knots",
        "",
        "| m | kappa | KS, n | p | mean of mu.z, n | off by, standard errors | gradient of the mean: off by, standard "
        "errors | relative |",
        "|---" * 8 + "|",
    ]
    for law, slope in zip(results["samples"], results["gradients"], strict=True):
        lines.append(
            f"| {law['dim']} | {law['concentration']} | {law['ks_size']:.0e} | {law['ks_p']:.3f} | "
            f"{law['mean_size']:.0e} | {law['mean_standard_errors']:+.2f} | {slope['bias_standard_errors']:+.2f} | "
            f"{slope['relative_bias']:+.1e} |"
        )
    lines += [
        "",
        "## What the tables certify",
        "",
        "| law | m | dtype | error of the CDF | relative error of dtheta/dkappa | MB |",
        "|---" * 6 + "|",
    ]
    for row in results["certificates"]:
        lines.append(
            f"| {row['law']} | {row['dim']} | {row['dtype']} | {row['cdf_error']:.1e} | {row['slope_error']:.1e} | "
            f"{row['megabytes']:.1f} |"
        )
    worst = results["against_scipy"]
    lines += [
        "",
        f"Against scipy, largest relative difference: log density {worst['log_prob']:.1e}, "
        f"entropy {worst['entropy']:.1e}.",
        f"Power Spherical samples: means within {results['power_spherical_standard_errors']:.1f} standard errors.",
    ]
    return "\n".join(lines) + "\n"


def plot(results: dict[str, Any], path: Path) -> None:
    """Ratios to Normal by shape."""
    rows = [row for row in results["speed"] if not row["validate_args"]]
    names = list(rows[0]["seconds"])
    figure, axes = plt.subplots(figsize=(7.5, 3.5), layout="constrained")
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        ratios = [ratio(row, name) for row in rows]
        bars = axes.bar([place + i * width for place in range(len(rows))], ratios, width, label=name)
        axes.bar_label(bars, [f"{value:.2g}" for value in ratios], fontsize=7)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(rows))])
    axes.set_xticklabels([f"({row['batch']}, {row['dim']})" for row in rows])
    axes.set_ylabel("time relative to Normal")
    axes.set_xlabel("(batch, m)")
    axes.legend(fontsize=8)
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=150))
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000_000, help="samples of each cell's mean, of a million each")
    parser.add_argument("--rounds", type=int, default=30, help="repetitions of a million numbers")
    parser.add_argument("--parts", nargs="+", default=["speed", "accuracy"], choices=["speed", "accuracy"])
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--figure", type=Path, default=HERE.parent / "docs" / "pictures" / "distributions.png")
    options = parser.parse_args()
    if options.size < 1_000_000 or options.size % 1_000_000:
        parser.error(f"--size must be a multiple of 1000000, got {options.size}")
    torch.set_num_threads(1)
    path = options.out / "distributions.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    missing = [part for part, key in (("speed", "speed"), ("accuracy", "samples")) if key not in results]
    if not {*missing} <= {*options.parts}:
        parser.error(f"--parts must have {' and '.join(missing)}, which {path} does not hold, got {options.parts}")
    results |= {
        "command": f"python benchmarks/laws/distributions.py --size {options.size} --rounds {options.rounds}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, one thread, torch {torch.__version__}",
    }
    if "speed" in options.parts:
        results["speed"] = speed(options.rounds)
        results["training_step"] = interleaved(training_steps(), 10 * options.rounds)
    if "accuracy" in options.parts:
        results |= accuracy(options.size)
    save_json(path, results)
    text = markdown(results)
    write_atomically(options.out / "distributions.md", lambda file: file.write(text.encode()))
    plot(results, options.figure)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
