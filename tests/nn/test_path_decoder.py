import itertools
import math
from pathlib import Path

import networkx as nx
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from spherical_gae import SphericalGAE, SphericalGraphEmbedding
from spherical_gae.data import split_links
from spherical_gae.data.cleaning import clean_graph
from spherical_gae.nn import (
    DegreeBiasedDecoder,
    GCNEncoder,
    InnerProductDecoder,
    PropagatedEncoder,
    ThreePathDecoder,
    most_three_paths,
    normalized_adjacency,
    path_decoder,
    three_paths,
)
from spherical_gae.training import GAEConfig
from spherical_gae.training.links.loop import make_run


def edges_of(graph: nx.Graph) -> Tensor:
    links = torch.tensor(list(graph.edges), dtype=torch.long).t()
    return torch.cat([links, links.flip(0)], dim=1)


def by_enumeration(graph: nx.Graph) -> dict[tuple[int, int], float]:
    """Every path of three links, one after the other."""
    found: dict[tuple[int, int], float] = {}
    for i, j in itertools.permutations(graph, 2):
        total = sum(
            1 / math.sqrt(graph.degree(a) * graph.degree(b))
            for a in graph[i]
            for b in graph[a]
            if a != j and b != i and graph.has_edge(b, j)
        )
        if total > 0:
            found[i, j] = math.log1p(total)
    return found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_paths_are_those_found_one_by_one(seed: int) -> None:
    graph = nx.gnm_random_graph(25, 60, seed=seed)
    edge_index = edges_of(graph)
    expected = by_enumeration(graph)
    with_loop = torch.cat([edge_index, torch.tensor([[3], [3]]), edge_index[:, :1]], dim=1)
    for links in (edge_index, with_loop, normalized_adjacency(edge_index, 25)):
        pairs, values = three_paths(links, 25)
        assert [divmod(pair, 25) for pair in pairs.tolist()] == sorted(expected)
        torch.testing.assert_close(values, torch.tensor([expected[pair] for pair in sorted(expected)]))


def test_own_link_is_on_no_path() -> None:
    """So a pair has the same value with its link and without it."""
    graph = nx.gnm_random_graph(12, 30, seed=3)
    link = next(iter(graph.edges))
    with_link = by_table(graph)
    graph.remove_edge(*link)
    # The degrees are those of the nodes inside, which are not the link's ends.
    assert with_link[link] == pytest.approx(by_table(graph)[link], rel=1e-6)


def by_table(graph: nx.Graph) -> dict[tuple[int, int], float]:
    pairs, values = three_paths(edges_of(graph), len(graph))
    return {divmod(pair, len(graph)): value for pair, value in zip(pairs.tolist(), values.tolist(), strict=True)}


def test_a_triangle_and_a_star_have_none() -> None:
    for graph in (nx.complete_graph(3), nx.star_graph(5)):
        assert three_paths(edges_of(graph), len(graph)).pairs.numel() == 0


def test_most_paths_are_walks_or_pairs() -> None:
    for graph in (nx.path_graph(10), nx.complete_graph(10), nx.gnm_random_graph(30, 60, seed=0)):
        walks = (nx.to_numpy_array(graph, dtype=int) @ nx.to_numpy_array(graph) @ nx.to_numpy_array(graph)).sum()
        assert most_three_paths(edges_of(graph), len(graph)) == min(walks, len(graph) ** 2)


def test_graphs_with_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_decoder, "MAX_PAIRS", 50)
    with pytest.raises(ValueError, match="edge_index: given a graph with up to 100 pairs with a path of three links"):
        three_paths(edges_of(nx.complete_graph(10)), 10)  # of 810 walks
    with pytest.raises(ValueError, match="with up to 64 pairs"):
        three_paths(edges_of(nx.path_graph(10)), 10)


def test_scores_of_pairs_blocks_and_all_agree() -> None:
    graph = nx.gnm_random_graph(15, 30, seed=0)
    edge_index = edges_of(graph)
    torch.manual_seed(0)
    inner = DegreeBiasedDecoder(InnerProductDecoder(bias=0.3))
    decoder, z = ThreePathDecoder(inner), torch.randn(15, 4)
    known = decoder.graph_arguments(edge_index, 15)
    assert set(known) == {"degree", "path_pairs", "path_values"}
    pairs = torch.cartesian_prod(torch.arange(15), torch.arange(15)).t()
    of_inner = inner(z, pairs, sigmoid=False, degree=known["degree"])
    torch.testing.assert_close(decoder(z, pairs, sigmoid=False, **known), of_inner)  # zero at first
    with torch.no_grad():
        decoder.weight.fill_(2.0)
    table = by_table(graph)
    expected = of_inner + 2 * torch.tensor([table.get((i, j), 0.0) for i, j in pairs.t().tolist()])
    torch.testing.assert_close(decoder(z, pairs, sigmoid=False, **known), expected)
    torch.testing.assert_close(decoder(z, pairs, **known), expected.sigmoid())
    torch.testing.assert_close(decoder.forward_all(z, sigmoid=False, **known).view(-1), expected)
    source, target = torch.tensor([7, 0, 7]), torch.tensor([14, 2])
    block = decoder.forward_block(z, source, target, sigmoid=False, **known)
    torch.testing.assert_close(block, expected.view(15, 15)[source][:, target])
    torch.testing.assert_close(decoder.forward_block(z, source, target, **known), block.sigmoid())


def test_gradient_of_the_weight_is_the_sum_of_the_values() -> None:
    graph = nx.cycle_graph(4)
    decoder = ThreePathDecoder(InnerProductDecoder())
    known = decoder.graph_arguments(edges_of(graph), 4)
    pairs = torch.tensor([[0, 0, 1], [1, 2, 2]])
    decoder(torch.zeros(4, 2), pairs, sigmoid=False, **known).sum().backward()
    assert decoder.weight.grad is not None
    # Around the square there is one path for each side, and none across it.
    assert decoder.weight.grad.item() == pytest.approx(2 * math.log(1.5))
    decoder.reset_parameters()
    assert decoder.weight.item() == 0


def test_masked_links_stay_on_the_paths() -> None:
    graph = nx.gnm_random_graph(15, 40, seed=1)
    edge_index = edges_of(graph)
    decoder = ThreePathDecoder(DegreeBiasedDecoder(InnerProductDecoder()))
    whole = decoder.graph_arguments(edge_index, 15)
    model = SphericalGAE(GCNEncoder(3, 4, (3, 1)), decoder)
    masked = model.masked_arguments(edge_index[:, ::2], 15, whole)
    assert masked["path_pairs"] is whole["path_pairs"]
    assert masked["degree"].tolist() == torch.bincount(edge_index[1, ::2], minlength=15).tolist()
    plain = SphericalGAE(GCNEncoder(3, 4, (3, 1)))
    assert plain.masked_arguments(edge_index, 15, {}) == {}


def test_later_nodes_change_nothing_between_earlier_ones() -> None:
    graph = nx.gnm_random_graph(20, 50, seed=2)
    decoder = ThreePathDecoder(DegreeBiasedDecoder(InnerProductDecoder()))
    old = decoder.graph_arguments(edges_of(graph.subgraph(range(14))), 14)
    whole = decoder.graph_arguments(edges_of(graph), 20)
    known = decoder.extended_arguments(old, whole, 14, 20)
    before = {divmod(p, 14): v for p, v in zip(old["path_pairs"].tolist(), old["path_values"].tolist(), strict=True)}
    after = {divmod(p, 20): v for p, v in zip(known["path_pairs"].tolist(), known["path_values"].tolist(), strict=True)}
    now = {divmod(p, 20): v for p, v in zip(whole["path_pairs"].tolist(), whole["path_values"].tolist(), strict=True)}
    assert list(after) == sorted(after)
    assert {pair: value for pair, value in after.items() if max(pair) < 14} == before
    assert {pair: value for pair, value in after.items() if max(pair) >= 14} == {
        pair: value for pair, value in now.items() if max(pair) >= 14
    }
    assert known["degree"].tolist() == [*old["degree"].tolist(), *whole["degree"][14:].tolist()]


def test_paths_are_not_counted_twice() -> None:
    with pytest.raises(ValueError, match="decoder: given one that counts the paths already"):
        ThreePathDecoder(ThreePathDecoder(InnerProductDecoder()))


def test_batches_of_links_are_refused() -> None:
    graph = nx.gnm_random_graph(30, 90, seed=0)
    split = split_links(clean_graph(Data(edge_index=edges_of(graph), x=torch.rand(30, 4))), 0.1, 0.1, seed=0)
    model = SphericalGAE(PropagatedEncoder(4, (3, 1), (1,)), ThreePathDecoder(InnerProductDecoder()))
    with pytest.raises(ValueError, match="batch_size: given 16, allowed: 0 with a ThreePathDecoder"):
        make_run(model, split, GAEConfig(batch_size=16), None, 0, torch.device("cpu"))


def test_an_embedding_with_paths_is_saved_and_extended(tmp_path: Path) -> None:
    graph = nx.les_miserables_graph()
    links = [(a, b) for a, b in graph.edges if "Cosette" not in (a, b)]
    embedding = SphericalGraphEmbedding(dim=24, preset="ranking", epochs=3, random_state=0).fit(nx.Graph(links))
    assert isinstance(embedding.model_.decoder, ThreePathDecoder)
    embedding.save(tmp_path / "saved")
    loaded = SphericalGraphEmbedding.load(tmp_path / "saved")
    pairs = [("Valjean", "Fantine"), ("Javert", "Marius")]
    assert loaded.score_links(pairs).tolist() == embedding.score_links(pairs).tolist()
    more = loaded.extended(nx.Graph([("Cosette", "Valjean"), ("Cosette", "Marius")]))
    assert more.score_links(pairs).tolist() == embedding.score_links(pairs).tolist()
    assert len(more.suggest("Cosette", k=3)) == 3
