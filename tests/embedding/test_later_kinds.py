from pathlib import Path

import networkx as nx
import pytest
import torch
from torch_geometric.data import Batch, Data

from spherical_gae import SphericalGraphEmbedding
from spherical_gae.data import clean_graph
from spherical_gae.embedding.training import hold_out
from tests.helpers.embeddings import fitted


def ring() -> Data:
    ends = torch.arange(12)
    return Data(edge_index=torch.stack([ends, (ends + 1) % 12]), num_nodes=12)


@pytest.fixture(scope="module")
def graphs() -> SphericalGraphEmbedding:
    """Three graphs in one, of 12 nodes each."""
    return fitted(Batch.from_data_list([ring() for _ in range(3)]))


def test_sides_of_later_nodes_follow_from_their_links() -> None:
    graph = nx.davis_southern_women_graph()
    embedding = fitted(graph)
    whole = embedding.extended([("Zoe", "E1"), ("Zoe", "E15"), ("Eve", "E15")])
    side = dict(zip(whole.node_ids_, whole._graph.data.side.tolist(), strict=True))
    assert [side[name] for name in ("Zoe", "Eve", "E15")] == [side["Brenda Rogers"]] * 2 + [side["E2"]]
    assert set(whole.suggest("E15", 50)["node"]) == set(graph.graph["top"])
    with pytest.raises(ValueError, match="graph: given the new nodes 'x', 'y' without a link to a node that is there"):
        embedding.extended([("x", "y")])
    with pytest.raises(ValueError, match="graph: given a link of 'x' and 'E1' within a side"):
        embedding.extended([("x", "E1"), ("x", "Brenda Rogers")])


def test_links_of_a_batch_are_learned_and_suggested_within_each_graph(graphs: SphericalGraphEmbedding) -> None:
    found = graphs.suggest_all(500)
    assert (found["source"] // 12 == found["target"] // 12).all()
    # All pairs but the links of a ring.
    assert len(found) == 3 * (12 * 11 // 2 - 12)
    assert set(graphs.suggest(14, 50)["node"]) == {*range(12, 24)} - {13, 14, 15}


def test_later_nodes_of_a_batch_are_of_the_graph_that_they_are_linked_to(
    graphs: SphericalGraphEmbedding, tmp_path: Path
) -> None:
    graphs.save(tmp_path)
    for embedding in (graphs, SphericalGraphEmbedding.load(tmp_path)):
        whole = embedding.extended([("a", 30), ("b", "a"), ("c", 3)])
        assert whole._graph.data.batch[36:].tolist() == [2, 2, 0]
        assert set(whole.suggest("b", 50)["node"]) == {str(k) for k in range(24, 36)}
        with pytest.raises(ValueError, match=r"graph: given the new nodes 'x' without a link .* in a batch"):
            embedding.extended([("x", "x")])
        with pytest.raises(ValueError, match=r"graph: given a link of .* between two graphs, allowed: in a"):
            embedding.extended([("x", 1), ("x", 13)])


def test_held_out_pairs_of_a_batch_are_within_its_graphs() -> None:
    batch = clean_graph(Batch.from_data_list([ring() for _ in range(3)]))
    split = hold_out(batch, 0.2, seed=0)
    source, target = split.val.neg_edge_label_index // 12
    assert source.numel() == 7
    assert torch.equal(source, target)
    assert torch.equal(split.train.batch, batch.batch)


def test_later_nodes_of_a_batch_of_one_graph_may_be_alone() -> None:
    whole = fitted(Batch.from_data_list([ring()])).extended([("a", "b")])
    assert whole._graph.data.batch.tolist() == [0] * 14
