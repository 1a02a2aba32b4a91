"""What ``--dataset`` and ``--features`` of ``train`` mean: names, and files of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from spherical_gae import data as graphs
from spherical_gae.cli.options import fail
from spherical_gae.cli.reading import fail_reading, refuse_without_file
from spherical_gae.data.checksums import file_sha256
from spherical_gae.data.names import DATASETS
from spherical_gae.data.readers.options import ReadingOptions
from spherical_gae.data.readers.suffixes import GRAPH_SUFFIXES, suffix_of
from spherical_gae.training.launch import launched_rank

if TYPE_CHECKING:
    from torch_geometric.data import Data

    from spherical_gae.experiments import ExperimentConfig

_MIN_LINKS = 20
"""So that 5% of them, which are held out for validation, are one link."""


def is_file(dataset: str) -> bool:
    """Whether a data set is given by a path, not by a name."""
    return dataset.lower() not in DATASETS


def absolute(path: str | Path) -> str:
    """The path from the root, links followed."""
    return str(Path(path).resolve())


def place(dataset: str) -> str:
    """What ``config.json`` calls a data set: its name in lower case, or its absolute path."""
    return absolute(dataset) if is_file(dataset) else dataset.lower()


def check_names(dataset: str, features: Path | None, reading: ReadingOptions) -> None:
    """Refuses what is neither a name nor the path of a graph, and ways to read a graph that is no file."""
    if is_file(dataset) and suffix_of(dataset) not in GRAPH_SUFFIXES:
        allowed = f"{', '.join(DATASETS)}, or a file {', '.join(GRAPH_SUFFIXES)}"
        fail("--dataset", f"given {dataset!r}, allowed: {allowed}")
    if features is not None and not is_file(dataset):
        fail("--features", f"given {str(features)!r} with the data set {dataset}, allowed: with a file only")
    if not is_file(dataset):
        refuse_without_file(reading, f"the data set {dataset}")


def with_checksums(config: ExperimentConfig) -> ExperimentConfig:
    """The configuration with the checksums of its files; refuses one that has changed since a resumed run began."""
    graph = config.dataset if is_file(config.dataset) else None
    return replace(
        config,
        dataset_sha256=_checksum("--dataset", graph, config.dataset_sha256),
        features_sha256=_checksum("--features", config.features, config.features_sha256),
    )


def read_own_graph(config: ExperimentConfig) -> Data:
    """Reads the graph of a configuration whose data set is a file, and refuses one that cannot be trained on."""
    try:
        data = graphs.read_graph(config.dataset, config.features, **config.reading.to_dict())
        num_links = data.edge_index.size(1) // (1 if data.get("directed") else 2)
        if num_links < _MIN_LINKS:
            raise ValueError(
                f"{config.dataset}: given {num_links} links, too few to hold some out, allowed: {_MIN_LINKS} or more; "
                "`spherical-gae embed` takes fewer"
            )
        # Too many links for as many negatives, and the like: the same for all seeds.
        graphs.split_links(data, seed=config.seeds[0])
    except (OSError, ValueError) as error:
        fail_reading(error, config.reading, {"--dataset": config.dataset, "--features": config.features})
    return data


def with_sides(config: ExperimentConfig, data: Data) -> Data:
    """The graph with the sides that the preset asks for, found by the links where its file does not say them."""
    if not config.preset.features_by_side or data.get("side") is not None:
        return data
    if data.get("directed"):
        fail("--preset", f"given {config.preset_name!r} with --directed, allowed: one of them")
    try:
        data.side = graphs.two_sides(data)
    except ValueError as error:
        fail("--preset", f"given {config.preset_name!r} for {config.dataset}: {str(error).removeprefix('data: ')}")
    if launched_rank() == 0:
        typer.echo(f"Sides were found by the links. {graphs.kind_of_graph(data)}\n")
    return data


def _checksum(option: str, path: str | None, saved: str | None) -> str | None:
    if path is None:
        return None
    try:
        now = file_sha256(Path(path))
    except OSError as error:
        fail(option, f"{path} cannot be read: {error.strerror}")
    if saved not in (None, now):
        fail(option, f"{path} has changed since the run began: its SHA-256 sum was {saved}, and is {now}")
    return now
