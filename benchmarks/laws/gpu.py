"""Checks and times on a GPU, one command; results as JSON with the device's name.

    python benchmarks/laws/gpu.py

1. All tests that need a GPU.  2. Forward and backward of every preset with CUDA's synchronisation debug mode at
"error": what waits for the device raises, and is reported.  3. ``rsample`` and divergence, forward and backward, over
``Normal``'s.  4. An epoch of every preset on PubMed, and of ``scalable`` on a graph of 20 million links.  ``--device
cpu --quick`` is a dry run of all but the first two on small sizes.  Not run on a GPU yet.  Writes results/gpu.json.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal, kl_divergence
from torch.nn.functional import normalize
from torch_geometric.data import Data

from spherical_gae import HypersphericalUniform, PowerSpherical, VonMisesFisher, load_graph, split_links
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.links import gae_config, model_inputs
from spherical_gae.experiments.presets import available_presets, build_model, load_preset
from spherical_gae.training.checkpoint import save_json
from spherical_gae.training.links.full_batch import FullBatchRun
from spherical_gae.training.links.loop import make_run
from spherical_gae.training.links.run import LinkRun

HERE = Path(__file__).parents[1]
SHAPES = ((1_000_000, 16), (100_000, 256))
LARGE = 20_000_000


def seconds(step: Callable[[], object], device: torch.device, repeats: int) -> float:
    """The median time of a step, the device's work included; the first ones are left out."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return median(times[2:])


def law_times(device: torch.device, shapes: tuple[tuple[int, int], ...], repeats: int) -> dict[str, dict[str, float]]:
    """Seconds of a sample and a divergence, forward and backward, by shape and distribution, and over ``Normal``'s."""
    found = {}
    for batch, dim in shapes:
        loc = normalize(torch.randn(batch, dim, device=device), dim=-1).requires_grad_()
        kappa = (50 * torch.rand(batch, device=device) + 1).requires_grad_()
        scale = torch.rand(batch, dim, device=device).add(0.1).requires_grad_()
        uniform = HypersphericalUniform(dim, device=device, validate_args=False)
        standard = Normal(torch.zeros((), device=device), torch.ones((), device=device), validate_args=False)
        laws: dict[str, tuple[Any, Tensor, Distribution]] = {
            "Normal": (Normal, scale, standard),
            "VonMisesFisher": (VonMisesFisher, kappa, uniform),
            "PowerSpherical": (PowerSpherical, kappa, uniform),
        }
        times = {}
        for name, (kind, parameter, prior) in laws.items():

            def step(
                loc: Tensor = loc, kind: Any = kind, parameter: Tensor = parameter, prior: Distribution = prior
            ) -> None:
                law = kind(loc, parameter, validate_args=False)
                (law.rsample().sum() + kl_divergence(law, prior).sum()).backward()

            times[name] = seconds(step, device, repeats)
        ratios = {f"{name} over Normal": value / times["Normal"] for name, value in times.items() if name != "Normal"}
        found[f"({batch}, {dim})"] = {**times, **ratios}
    return found


def run_of(preset_name: str, dataset: str, split: LinkSplit, device: torch.device) -> LinkRun:
    """A run of a preset on a device."""
    preset = load_preset(preset_name, dataset)
    model = build_model(preset, "s-vgae", split.train.num_features).to(device)
    placed = split.train.clone().to(device)
    return make_run(model, split, gae_config(preset), model_inputs(placed), 0, device)


def synchronisations(dataset: str, split: LinkSplit) -> dict[str, str]:
    """For every preset "none", or where its forward and backward wait for the GPU first."""
    device, found = torch.device("cuda"), {}
    for name in available_presets():
        run = run_of(name, dataset, split, device)
        assert isinstance(run, FullBatchRun)
        run.train_step()  # tables are made once
        model, train = run.model, run.split.train
        torch.cuda.set_sync_debug_mode("error")
        try:
            z = model.encode(*run.inputs)
            known = model.graph_arguments(run.inputs[-1], run.num_nodes)
            links = train.pos_edge_label_index
            loss = model.recon_loss(z, links, links.flip(0), **known) + model.kl_loss()
            loss.backward()
            found[name] = "none"
        except RuntimeError as error:
            found[name] = str(error)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return found


def large_split(links: int) -> LinkSplit:
    """A random graph with ten links for each node and 64 features."""
    generator = torch.Generator().manual_seed(0)
    nodes = links // 10
    ends = torch.randint(0, nodes, (2, links), generator=generator)
    ends = ends[:, ends[0] != ends[1]]
    edge_index = torch.cat([ends, ends.flip(0)], dim=1)
    return split_links(Data(x=torch.rand(nodes, 64, generator=generator), edge_index=edge_index), seed=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--quick", action="store_true", help="small sizes, for a dry run")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()

    device = torch.device(options.device)
    on_gpu = device.type == "cuda"
    report: dict[str, Any] = {
        "command": "python benchmarks/laws/gpu.py",
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "torch": torch.__version__,
    }
    dataset, repeats = ("digits", 2) if options.quick else ("pubmed", 20)
    split = split_links(load_graph(dataset), seed=0)
    if on_gpu:
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "", "-k", "cuda or gpu", "tests"]
        tests = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
        report["tests"] = tests.stdout.strip().splitlines()[-1]
        report["synchronisations"] = synchronisations(dataset, split)
    shapes = ((1000, 16), (100, 256)) if options.quick else SHAPES
    report["laws"] = law_times(device, shapes, repeats)
    report["epochs"] = {
        name: seconds(run_of(name, dataset, split, device).train_step, device, 2) for name in available_presets()
    }
    links = 20_000 if options.quick else LARGE
    run = run_of("scalable", "large", large_split(links), device)
    report["large"] = {"links": links, "epoch": seconds(run.train_step, device, 1)}
    save_json(options.out / "gpu.json", report)


if __name__ == "__main__":
    main()
