"""A link prediction experiment: methods and seeds on one graph, in a run folder that can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data
from tqdm import tqdm

from spherical_gae.core.unit_vectors import unit_direction
from spherical_gae.data.splits import LinkSplit, split_links
from spherical_gae.experiments.baseline import BASELINE, baseline_scores
from spherical_gae.experiments.config import ExperimentConfig
from spherical_gae.experiments.history import gather_histories, write_history
from spherical_gae.experiments.kinds import num_channels, prepared_split
from spherical_gae.experiments.names import MAX_DRAWN_NODES, METHODS
from spherical_gae.experiments.presets import Preset, build_model
from spherical_gae.experiments.provenance import provenance
from spherical_gae.experiments.words import class_names, classes_of_nodes
from spherical_gae.models.graph import VariationalGAE
from spherical_gae.nn.heads import PlainHead
from spherical_gae.nn.propagation import normalized_adjacency, sparse_features
from spherical_gae.plotting.pictures import plot_sphere, save_figure
from spherical_gae.training.checkpoint import (
    OtherRunError,
    load_json,
    load_weights,
    save_array,
    save_json,
    save_weights,
)
from spherical_gae.training.jobs import in_jobs
from spherical_gae.training.links.config import GAEConfig
from spherical_gae.training.links.loop import fit_gae
from spherical_gae.training.processes import Processes, alone

# Above it, a picture would be a blot, and the model for it another long training run.
_AGAIN = "this model is trained again"
_TITLES = {"s-vgae": "S-VGAE", "n-vgae": "N-VGAE"}


def model_inputs(data: Data, device: torch.device | str = "cpu") -> tuple[Any, Any]:
    """Arguments of this package's encoders: features, sparse where that is faster, and the adjacency.

    Args:
        data: Graph with ``x`` [N, F], message passing links ``edge_index`` [2, E] and, optionally, ``edge_weight`` [E].
        device: Where the tensors shall be.
    """
    adjacency = normalized_adjacency(data.edge_index, data.num_nodes, data.x.dtype, data.edge_weight)
    return sparse_features(data.x).to(device), adjacency.to(device)


def gae_config(preset: Preset) -> GAEConfig:
    """The settings of a preset's training.

    Example:
        >>> from spherical_gae.experiments import load_preset
        >>> gae_config(load_preset("frontier", "digits")).epochs
        200
    """
    return GAEConfig(
        preset.epochs,
        preset.learning_rate,
        preset.kl_weight,
        preset.mask_share,
        preset.negatives_per_link,
        preset.batch_size,
        preset.remask_every,
        hard_negatives=preset.hard_negatives,
        ranking_weight=preset.ranking_weight,
    )


def train_once(
    split: LinkSplit,
    preset: Preset,
    method: str,
    seed: int,
    *,
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
    progress: bool = True,
    title: str | None = None,
    history: Path | None = None,
) -> tuple[VariationalGAE, dict[str, Any]]:
    """Trains one model on one split.

    Args:
        split: From ``split_links``; trained on is what ``prepared_split`` makes of it, so that of a directed one the
            model is that of a ``DirectedGAE``.
        preset: The settings.
        method: ``"s-vgae"`` or ``"n-vgae"``.
        seed: Seed of the weights and of the training.
        device: Where to train.
        checkpoint: See ``fit_gae``.
        progress: Whether to show a progress bar.
        title: What the bar is labelled with.
        history: CSV file to write the loss and the validation scores of each epoch into, None for none.

    Returns:
        The model with the best epoch's weights, and its scores: ``auc`` and ``ap`` on the test links at the best
        validation epoch, ``auc_last`` and ``ap_last`` at the last epoch, ``val_auc``, ``val_ap``, ``best_epoch``; of a
        directed graph ``auc_reversed`` and ``ap_reversed``, against the test links turned round.
    """
    split = prepared_split(split, preset)
    model = build_model(preset, method, split.train.num_features, seed).to(device)
    result = fit_gae(
        model,
        split,
        gae_config(preset),
        inputs=model_inputs(split.train, device),
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
        title=title,
    )
    if history is not None:
        write_history(history, result.history)
    scores = {
        **result.test._asdict(),
        **{f"{name}_last": value for name, value in result.test_last._asdict().items()},
        **{f"val_{name}": value for name, value in result.val._asdict().items()},
        "best_epoch": result.best_epoch,
    }
    if result.test_reversed is not None:
        scores |= {f"{name}_reversed": value for name, value in result.test_reversed._asdict().items()}
    return model, scores


class Experiment:
    """Runs a configuration in a folder, cell by cell; what is finished is never computed again.

    The folder holds ``config.json`` (with date and versions), ``metrics.json``,
    ``history.csv`` (loss and validation scores by method, seed and epoch), ``embeddings.npy`` (mean directions of the
    first seed's S-VGAE, of norm 1 or, on a product of K spheres, sqrt(K)), ``node_ids.json`` (the nodes of its rows, if
    the graph has ``node_ids``),
    ``classes.json`` (their classes, if it has ``y``),
    ``latent.png`` (coloured by class if it has ``y``; up to 100,000 nodes), and for every cell
    ``cells/METHOD-SEED.json``, ``.csv`` and ``.safetensors``.
    Of a directed graph, ``embeddings.npy`` and the picture show the nodes as sources, and ``target_embeddings.npy``
    holds them as targets.
    Of several processes of torch.distributed, which train together, the first one writes.  On the full batch, which
    cannot be shared, each of them trains with seeds of its own.

    Args:
        config: What to run.
        folder: The run folder, made if missing.
        device: Where to train.
        progress: Whether to show progress bars.

    Example:
        >>> import tempfile
        >>> from spherical_gae import load_graph
        >>> from spherical_gae.experiments import load_preset
        >>> preset = load_preset("scalable", "digits").with_changes(epochs=1, latent_dim=3)
        >>> config = ExperimentConfig("digits", "scalable", preset, seeds=(0,))
        >>> folder = Path(tempfile.mkdtemp())
        >>> metrics = Experiment(config, folder, progress=False).run(load_graph("digits"))
        >>> sorted(metrics)
        ['cosine', 'dataset', 'n-vgae', 's-vgae', 'seeds']
    """

    def __init__(
        self, config: ExperimentConfig, folder: str | Path, device: torch.device | str = "cpu", progress: bool = True
    ) -> None:
        self.config, self.folder, self.device = config, Path(folder), device
        self.processes = Processes.current()
        self.progress = progress and self.processes.is_first

    def run(self, data: Data, jobs: int = 1) -> dict[str, Any]:
        """Runs what is not there yet.

        Args:
            data: The graph that the configuration names, from ``load_graph`` or ``read_graph``.
            jobs: Number of processes that train seeds side by side, with the same results as one.

        Returns:
            The content of ``metrics.json``.

        Raises:
            OtherRunError: If the folder holds a run of another configuration.
            ValueError: If ``jobs`` is below 1, or above 1 on a device other than the CPU or beside other processes of
                torch.distributed.
        """
        if jobs != 1:
            self._check_jobs(jobs)
        saved = self.folder / "config.json"
        if _are_there(self.processes, saved):
            if ExperimentConfig.from_dict(load_json(saved, "the run starts anew")) != self.config:
                raise OtherRunError(f"{self.folder} holds a run of another configuration, see its config.json")
        elif self.processes.is_first:
            save_json(saved, {**self.config.to_dict(), "made": provenance()})
        first = split_links(data, seed=self.config.seeds[0])
        if self.shares_out_seeds(first.train.pos_edge_label_index.size(1)):
            with alone():
                self._run_seeds(data, self.config.seeds[self.processes.rank :: self.processes.count])
            self.processes.wait()
            if self.processes.is_first:
                with alone():
                    self._write_latents(data, first)
        else:
            if jobs > 1:
                work = partial(_run_seed, self.config, self.folder, data)
                seeds = self.config.seeds
                for _ in tqdm(in_jobs(work, seeds, jobs), "seeds", len(seeds), disable=not self.progress):
                    pass
            self._run_seeds(data, self.config.seeds)
            self._write_latents(data, first)
        metrics = self.processes.agree(self._collect() if self.processes.is_first else {})
        if self.processes.is_first:
            gather_histories(self.folder / "history.csv", {cell: self._cell(*cell, "csv") for cell in self._cells()})
            save_json(self.folder / "metrics.json", metrics)
        return metrics

    def shares_out_seeds(self, num_train_links: int) -> bool:
        """Whether there are several processes, of which each trains with seeds of its own."""
        return self.processes.count > 1 and gae_config(self.config.preset).batch_size_for(num_train_links) == 0

    def _check_jobs(self, jobs: int) -> None:
        if jobs < 1:
            raise ValueError(f"jobs: given {jobs}, allowed: 1 or more")
        if self.processes.count > 1:
            raise ValueError(f"jobs: given {jobs}, allowed: 1 in {self.processes.count} processes of torch.distributed")
        if torch.device(self.device).type != "cpu":
            raise ValueError(f"jobs: given {jobs}, allowed: 1 on {self.device}, which the processes would share")

    def load_model(self, method: str, seed: int, in_channels: int) -> VariationalGAE:
        """A trained model of this folder, in evaluation mode; ``in_channels`` are the graph's ``num_channels``."""
        model = build_model(self.config.preset, method, in_channels, seed)
        model.load_state_dict(load_weights(self._cell(method, seed, "safetensors"), _AGAIN))
        return model.eval()

    def _cells(self) -> Iterator[tuple[str, int]]:
        return product(METHODS, self.config.seeds)

    def _cell(self, method: str, seed: int, kind: str) -> Path:
        return self.folder / "cells" / f"{method}-{seed}.{kind}"

    def _run_seeds(self, data: Data, seeds: Sequence[int]) -> None:
        for seed in seeds:
            split = split_links(data, seed=seed)
            for method in METHODS:
                self._run_cell(split, method, seed)
            if Processes.current().is_first:
                self._run_baseline_cell(split, seed)

    def _run_cell(self, split: LinkSplit, method: str, seed: int) -> None:
        workers = Processes.current()
        result, checkpoint = self._cell(method, seed, "json"), self._cell(method, seed, "ckpt")
        if not _are_there(workers, *(self._cell(method, seed, kind) for kind in ("json", "csv", "safetensors"))):
            model, scores = train_once(
                split,
                self.config.preset,
                method,
                seed,
                device=self.device,
                checkpoint=checkpoint,
                progress=self.progress,
                title=f"{_TITLES[method]}, seed {seed}",
                history=self._cell(method, seed, "csv") if workers.is_first else None,
            )
            if workers.is_first:
                save_weights(model, self._cell(method, seed, "safetensors"))
                save_json(result, scores)
        # Missing, unless a run was stopped right before this line.
        if workers.is_first:
            checkpoint.unlink(missing_ok=True)

    def _run_baseline_cell(self, split: LinkSplit, seed: int) -> None:
        result = self._cell(BASELINE, seed, "json")
        if not result.exists():
            save_json(result, baseline_scores(split))

    def _collect(self) -> dict[str, Any]:
        metrics: dict[str, Any] = {}
        for method in (*METHODS, BASELINE):
            cells = [load_json(self._cell(method, seed, "json"), _AGAIN) for seed in self.config.seeds]
            shared = [name for name in cells[0] if all(name in cell for cell in cells)]
            metrics[method] = {name: [cell[name] for cell in cells] for name in shared}
        return {**metrics, "dataset": self.config.dataset, "seeds": list(self.config.seeds)}

    def _write_latents(self, data: Data, whole: LinkSplit) -> None:
        """Embeddings of the first seed, and a picture of S^2, by a small model of its own if need be."""
        workers, seed = Processes.current(), self.config.seeds[0]
        embeddings, picture = self.folder / "embeddings.npy", self.folder / "latent.png"
        checkpoint = self.folder / "cells" / "picture.ckpt"
        split = prepared_split(whole, self.config.preset)
        if workers.is_first and not embeddings.exists():
            if "node_ids" in data:
                save_json(self.folder / "node_ids.json", data.node_ids)
            if data.y is not None:
                save_json(self.folder / "classes.json", classes_of_nodes(data))
            z = self._embed(self.load_model("s-vgae", seed, split.train.num_features), split)
            # Of a double cover, sources come before targets; what is looked for is written last.
            sources, *targets = (rows.numpy() for rows in z.split(data.num_nodes))
            for rows in targets:
                save_array(self.folder / "target_embeddings.npy", rows)
            save_array(embeddings, sources)
        if data.num_nodes > MAX_DRAWN_NODES:
            return
        if not _are_there(workers, picture):
            model = self._model_on_sphere(whole, data, checkpoint)
            if workers.is_first:
                title = f"{self.config.title}: mean directions of an S-VGAE on S², Hammer projection"
                labels, names = (None, None) if data.y is None else (data.y.numpy(), class_names(data))
                points = self._embed(model, split)[: data.num_nodes].numpy()
                save_figure(plot_sphere(points, labels, names=names), picture, title)
        # Left behind only by a run that was stopped right before this line.
        if workers.is_first:
            checkpoint.unlink(missing_ok=True)

    def _model_on_sphere(self, split: LinkSplit, data: Data, checkpoint: Path) -> VariationalGAE:
        seed = self.config.seeds[0]
        if self.config.preset.latent_dim == 3 and self.config.preset.num_factors == 1:
            return self.load_model("s-vgae", seed, num_channels(data, self.config.preset))
        model, _ = train_once(
            split,
            self.config.preset.on_one_sphere(3),
            "s-vgae",
            seed,
            device=self.device,
            checkpoint=checkpoint,
            progress=self.progress,
            title=f"S-VGAE on S² for the picture, seed {seed}",
        )
        return model.cpu()

    @staticmethod
    @torch.no_grad()
    def _embed(model: VariationalGAE, split: LinkSplit) -> Tensor:
        z = model.eval().encode(*model_inputs(split.train))
        # Of a plain latent, which has any length, the direction.
        return unit_direction(z) if isinstance(model.head, PlainHead) else z


def _are_there(processes: Processes, *paths: Path) -> bool:
    """Whether files were there when the first process looked, so that all go the same way."""
    return processes.agree(all(path.exists() for path in paths))


def _run_seed(config: ExperimentConfig, folder: Path, data: Data, seed: int) -> None:
    """All cells of a seed, in a process of their own."""
    Experiment(config, folder, progress=False)._run_seeds(data, (seed,))
