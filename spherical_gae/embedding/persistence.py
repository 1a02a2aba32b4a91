"""A fitted embedding in a folder: safetensors and JSON, of a stated version, checked byte by byte when it is read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.checksums import file_sha256
from spherical_gae.data.default_features import default_features
from spherical_gae.data.feature_preparation import FeaturePreparation
from spherical_gae.data.readers.later import FileReading
from spherical_gae.embedding.featureless import HASH, kind_of, row_length
from spherical_gae.embedding.state import EmbeddedGraph
from spherical_gae.experiments.presets import Preset, build_model
from spherical_gae.training.checkpoint import save_json, save_weights, write_atomically

FORMAT, VERSION = "spherical_gae.embedding", 1
MANIFEST, _MODEL, _GRAPH, _IDS = "embedding.json", "model.safetensors", "graph.safetensors", "node_ids.json"
_ENTRIES = {"format", "version", "parameters", "preset", "fit", "graph", "files", "sha256"}
# All but the callbacks, which are code.
_PARAMETERS = (
    "dim",
    "preset",
    "latent",
    "default_features",
    "epochs",
    "patience",
    "val_share",
    "half_life",
    "refit",
    "device",
    "random_state",
    "verbose",
)
# Features that are mostly zeros, as words are, are stored by their entries.
_MAX_DENSITY = 0.2


def save_embedding(embedding: Any, folder: str | Path) -> None:
    """Writes a fitted ``SphericalGraphEmbedding``; the manifest is written last, so that a folder with one is whole.

    Args:
        embedding: The estimator.
        folder: The folder, made if missing; files of an earlier embedding are overwritten, others stay.
    """
    folder, graph = Path(folder), embedding._graph
    # All of it beside the earlier files, which a failure leaves as they are: a full disk above all.
    facts, new = _facts(embedding), {name: folder / f".new-{name}" for name in (_MODEL, _GRAPH, _IDS)}
    try:
        save_weights(embedding.model_, new[_MODEL])
        save_json(new[_IDS], graph.data.node_ids)
        content = safetensors.torch.save(_tensors(graph))
        write_atomically(new[_GRAPH], lambda file: file.write(content))
        manifest = {**facts, "files": {name: file_sha256(path) for name, path in new.items()}}
        (folder / MANIFEST).unlink(missing_ok=True)
        for name, path in new.items():
            path.replace(folder / name)
    except BaseException:
        for path in new.values():
            path.unlink(missing_ok=True)
        raise
    save_json(folder / MANIFEST, {**manifest, "sha256": _own_sha256(manifest)})


def _facts(embedding: Any) -> dict[str, Any]:
    """All of the manifest but the files, as JSON gives it back."""
    graph = embedding._graph
    preparation, reading = graph.data.get("feature_preparation"), graph.data.get("reading")
    parameters = {name: getattr(embedding, name) for name in _PARAMETERS}
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "parameters": {**parameters, "device": str(embedding.device), "random_state": embedding.seed_},
        "preset": embedding.preset_.to_dict(),
        "fit": {
            "best_epoch": embedding.best_epoch_,
            "history": embedding.history_,
            "default_features": embedding.default_features_,
            "report": None if embedding.report_ is None else str(embedding.report_),
        },
        "graph": {
            "name": graph.data.get("name"),
            "num_features": graph.data.num_features,
            "has_default_features": bool(graph.data.get("has_default_features", False)),
            "row_length": row_length(graph.data) if kind_of(graph.data) == HASH else None,
            "label_names": graph.data.get("label_names"),
            "feature_preparation": None if preparation is None else preparation.to_dict(),
            "feature_names": graph.data.get("feature_names"),
            "reading": None if reading is None else reading.to_dict(),
        },
    }
    return json.loads(json.dumps(facts, default=_plain))


def _plain(value: Any) -> Any:
    """A number of NumPy's, as grids of settings have them, as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"given {type(value).__name__}, allowed: what JSON can hold")


def load_embedding(folder: str | Path) -> Any:
    """Reads what ``save_embedding`` wrote.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file was changed, or is of another version or kind; the message names it.
    """
    from spherical_gae.embedding.estimator import SphericalGraphEmbedding

    folder = Path(folder)
    manifest = _read_manifest(folder)
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name}: not found, allowed: the files that were saved together")
        if file_sha256(folder / name) != digest:
            raise ValueError(
                f"{folder / name}: given a file that was changed after it was saved, allowed: the saved one"
            )
    embedding = SphericalGraphEmbedding(**manifest["parameters"])
    embedding.seed_ = embedding.random_state
    embedding.preset_ = Preset(**manifest["preset"])
    facts = manifest["fit"]
    embedding.best_epoch_, embedding.history_, embedding.report_ = (
        facts[name] for name in ("best_epoch", "history", "report")
    )
    model = build_model(embedding.preset_, "s-vgae", manifest["graph"]["num_features"])
    model.load_state_dict(safetensors.torch.load_file(folder / _MODEL))
    embedding.model_ = model.eval()
    embedding.default_features_ = facts["default_features"]
    ids = json.loads((folder / _IDS).read_text())
    embedding._set_graph(_graph(safetensors.torch.load_file(folder / _GRAPH), ids, manifest["graph"]))
    return embedding


def is_embedding(folder: str | Path) -> bool:
    """Whether a folder holds a saved embedding."""
    return (Path(folder) / MANIFEST).is_file()


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found, allowed: a folder that SphericalGraphEmbedding.save wrote")
    try:
        manifest = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError(f"{path}: given another kind of file, allowed: one of the format {FORMAT}")
    if manifest.get("version") != VERSION:
        raise ValueError(f"{path}: given version {manifest.get('version')}, allowed: {VERSION}")
    if manifest.keys() != _ENTRIES:
        odd = ", ".join(sorted(manifest.keys() ^ _ENTRIES))
        raise ValueError(f"{path}: given too much or too little ({odd}), allowed: {', '.join(sorted(_ENTRIES))}")
    if _own_sha256({name: value for name, value in manifest.items() if name != "sha256"}) != manifest["sha256"]:
        raise ValueError(f"{path}: given a file that was changed after it was saved, allowed: the saved one")
    return manifest


def _own_sha256(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _tensors(graph: EmbeddedGraph) -> dict[str, Tensor]:
    data = graph.data
    tensors = {"edge_index": data.edge_index, "z": graph.z, **{f"known.{name}": t for name, t in graph.known.items()}}
    for name, tensor in (
        ("edge_weight", data.edge_weight),
        ("y", data.y),
        ("side", data.get("side")),
        ("batch", data.get("batch")),
        ("eigenvalues", data.get("eigenvalues")),
        ("concentration", graph.concentration),
    ):
        if tensor is not None:
            tensors[name] = tensor
    if kind_of(data) == HASH:
        pass  # they follow from the ids
    elif float(torch.count_nonzero(data.x)) <= _MAX_DENSITY * data.x.numel():
        place = data.x.nonzero()
        tensors |= {"x.place": place, "x.entry": data.x[place[:, 0], place[:, 1]]}
    else:
        tensors["x"] = data.x
    # Copies: safetensors takes no two that share memory, as classes that are the sides do.
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }


def _graph(tensors: dict[str, Tensor], ids: list[Any], facts: dict[str, Any]) -> EmbeddedGraph:
    data = Data(edge_index=tensors["edge_index"], num_nodes=len(ids), node_ids=ids)
    for name in ("edge_weight", "y", "side", "batch"):
        if name in tensors:
            data[name] = tensors[name]
    # Folders of before the names of features were saved have none.
    for name in ("name", "label_names", "feature_names"):
        if facts.get(name) is not None:
            data[name] = facts[name]
    if facts["feature_preparation"] is not None:
        data.feature_preparation = FeaturePreparation.from_dict(facts["feature_preparation"])
    # Folders of before it was saved have none.
    if facts.get("reading") is not None:
        data.reading = FileReading.from_dict(facts["reading"])
    width = facts["num_features"]
    if facts["has_default_features"]:
        data.has_default_features = True
    if "eigenvalues" in tensors:
        data.eigenvalues = tensors["eigenvalues"]
    if kind_of(data) == HASH:
        data.x = facts["row_length"] * default_features(ids, width)
    elif "x" in tensors:
        data.x = tensors["x"]
    else:
        data.x = torch.zeros(len(ids), width)
        data.x[tensors["x.place"][:, 0], tensors["x.place"][:, 1]] = tensors["x.entry"]
    known = {name.removeprefix("known."): tensor for name, tensor in tensors.items() if name.startswith("known.")}
    return EmbeddedGraph(data, tensors["z"], tensors.get("concentration"), known)
