"""One cell of mini_batch.py: the S-VGAE of the preset ``scalable`` on one split, in one process or under torchrun."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch

from spherical_gae import fit_gae, load_graph, split_links
from spherical_gae.experiments.links import gae_config, model_inputs
from spherical_gae.experiments.presets import build_model, load_preset
from spherical_gae.training.checkpoint import save_json
from spherical_gae.training.processes import joined_processes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--batch-size", type=int, required=True, help="0: the full batch")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--remask-every", type=int, default=1)
    parser.add_argument("--mask-share", type=float)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    preset = load_preset("scalable", options.dataset).with_changes(epochs=options.epochs, mask_share=options.mask_share)
    config = replace(gae_config(preset), batch_size=options.batch_size, remask_every=options.remask_every)
    split = split_links(load_graph(options.dataset), seed=options.seed)
    with joined_processes(torch.device("cpu")) as processes:
        model = build_model(preset, "s-vgae", split.train.num_features, options.seed)
        start = time.perf_counter()
        result = fit_gae(model, split, config, inputs=model_inputs(split.train), seed=options.seed, progress=False)
        seconds = time.perf_counter() - start
    if processes.is_first:
        found = {
            "processes": processes.count,
            "seed": options.seed,
            **result.test._asdict(),
            **{f"val_{name}": value for name, value in result.val._asdict().items()},
            "best_epoch": result.best_epoch,
            "seconds": seconds,
            "config": asdict(config),
        }
        save_json(options.out, found)


if __name__ == "__main__":
    main()
