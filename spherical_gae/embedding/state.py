"""What a fitted embedding knows of every node."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae.data.cleaning import clean_graph, plain_ids, some
from spherical_gae.embedding.featureless import features_of_later_nodes, kind_of
from spherical_gae.embedding.later_kinds import kinds_of_later_nodes
from spherical_gae.experiments.links import model_inputs
from spherical_gae.models.graph import VariationalGAE

# As the reader of labels gives a node without one.
_NO_CLASS = -1


@dataclass(frozen=True)
class EmbeddedGraph:
    """A graph and the embeddings of its nodes, on the CPU.

    Attributes:
        data: The graph, as ``as_graph`` reads it.
        z: Embeddings as the model's decoder takes them, shape [N, m].
        concentration: Of the nodes' distributions, shape [N] or, one for each of K spheres, [N, K]; None if the
            distribution has none.
        known: What the decoder needs to know of the graph, see ``VariationalGAE.graph_arguments``.
    """

    data: Data
    z: Tensor
    concentration: Tensor | None
    known: dict[str, Tensor]

    @property
    def num_nodes(self) -> int:
        """Number N of nodes."""
        return self.z.size(0)


@torch.no_grad()
def embed_graph(model: VariationalGAE, data: Data) -> EmbeddedGraph:
    """Embeds every node of a graph by its features and all its links."""
    x, adjacency = model_inputs(data)
    posterior = model.eval().posterior(x, adjacency)
    concentration = getattr(getattr(posterior, "factors", posterior), "concentration", None)
    known = model.graph_arguments(adjacency, data.num_nodes)
    return EmbeddedGraph(data, model.head.center(posterior), concentration, known)


def extend_graph(model: VariationalGAE, old: EmbeddedGraph, raw: Data) -> EmbeddedGraph:
    """Embeds nodes that come later; whatever was known of the others stays as it is, bit for bit.

    The model is applied to the graph with all its nodes and links, old and new, and what it says of the new nodes is
    kept.  Nothing is trained.

    Args:
        model: The trained model.
        old: The graph so far.
        raw: Later nodes and their links, from ``raw_graph``: ids that are known mean the nodes that are there.  Links
            between two of these are not used.

    Returns:
        The graph with the new nodes behind the others.

    Raises:
        ValueError: If new nodes have no features although the others do, or other ones, or their links have weights
            although those of the graph have none.
    """
    data = old.data
    num_old, place = old.num_nodes, {str(name): k for k, name in enumerate(data.node_ids)}
    new = [k for k, name in enumerate(raw.node_ids) if str(name) not in place]
    if not new:
        return old
    new_ids = [raw.node_ids[k] for k in new]
    place |= {str(name): num_old + k for k, name in enumerate(new_ids)}
    number = torch.tensor([place[str(name)] for name in raw.node_ids])
    edges = number[raw.edge_index.long()]
    edges, weight = _links_of_new(edges, raw.edge_weight, num_old)
    merged = Data(
        edge_index=torch.cat([data.edge_index, edges], dim=1),
        x=torch.cat([data.x, _features(data, raw, new, new_ids)]),
        num_nodes=num_old + len(new),
    )
    if data.edge_weight is not None:
        merged.edge_weight = torch.cat([data.edge_weight, weight])
    elif bool((weight != 1).any()):
        raise ValueError("graph: given links with weights, allowed: none, as the embedded graph has no weights")
    for name, of_node in kinds_of_later_nodes(data, merged.edge_index, new_ids).items():
        merged[name] = of_node
    if data.y is not None:
        merged.y = torch.cat([data.y, data.y.new_full((len(new_ids),), _NO_CLASS)])
    merged = clean_graph(merged)
    merged.node_ids = plain_ids([*data.node_ids, *new_ids])
    for name in (
        *("has_default_features", "eigenvalues", "name", "label_names"),
        *("feature_preparation", "feature_names", "reading"),
    ):
        if data.get(name) is not None:
            merged[name] = data[name]
    if kind_of(data) is not None:
        merged.x[num_old:] = features_of_later_nodes(data, merged, new_ids)
    whole = embed_graph(model, merged)
    return replace(
        whole,
        z=_with_old(old.z, whole.z),
        concentration=None if old.concentration is None else _with_old(old.concentration, whole.concentration),
        known=_extended(model, old, whole),
    )


def _links_of_new(edges: Tensor, weight: Tensor | None, num_old: int) -> tuple[Tensor, Tensor]:
    """The links that have a new end, and their weights; without weights repeats count once, as they do in fitting."""
    is_new = (edges >= num_old).any(0)
    if weight is not None:
        return edges[:, is_new], weight.float()[is_new]
    edges = edges[:, is_new]
    _, pair = torch.unique(edges.sort(dim=0).values, dim=1, return_inverse=True)
    place = torch.arange(pair.numel())
    first = torch.full_like(place, pair.numel()).scatter_reduce(0, pair, place, "amin")[pair] == place
    return edges[:, first], torch.ones(int(first.sum()))


def _extended(model: VariationalGAE, old: EmbeddedGraph, whole: EmbeddedGraph) -> dict[str, Tensor]:
    """What the decoder knows of the whole graph, but of the nodes that were there what it knew before."""
    of_decoder = getattr(model.decoder, "extended_arguments", None)
    if of_decoder is not None:
        return of_decoder(old.known, whole.known, old.num_nodes, whole.num_nodes)
    return {name: _with_old(values, whole.known[name]) for name, values in old.known.items()}


def _with_old(old: Tensor, whole: Any) -> Tensor:
    return torch.cat([old, whole[old.size(0) :]])


def _features(data: Data, raw: Data, new: list[int], new_ids: list[Any]) -> Tensor:
    width = data.x.size(1)
    if data.get("has_default_features"):
        if raw.x is not None:
            raise ValueError("features: given some for new nodes, allowed: none, as the embedded graph had none")
        return data.x.new_zeros(len(new_ids), width)  # they are made when the links are known
    if raw.x is None:
        raise ValueError(
            f"features: given none for the new nodes {some(new_ids)}, allowed: {width} numbers for each, as the "
            "embedded graph has"
        )
    x = raw.x[torch.tensor(new)].float()
    if x.size(1) != width:
        raise ValueError(f"features: given {x.size(1)} for each new node, allowed: {width}, as the embedded graph has")
    _check_names(raw.get("feature_names"), data.get("feature_names"))
    return x


def _check_names(given: list[str] | None, own: list[str] | None) -> None:
    """Refuses columns that are called otherwise than those of the embedded graph, or in another order."""
    for place, (name, expected) in enumerate(zip(given or [], own or [], strict=False)):
        if name != expected:
            raise ValueError(
                f"features: given {name!r} as column {place}, allowed: {expected!r}, the columns of the embedded graph "
                "in their order"
            )
