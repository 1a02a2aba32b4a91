import torch

from benchmarks.links.cold_start import both_ways, kept_graph, take_out
from spherical_gae.data import load_graph


def test_links_of_the_nodes_that_are_taken_out_are_given_or_tested() -> None:
    data = load_graph("digits")
    start = take_out(data, seed=1)
    assert start.new.numel() == round(data.num_nodes / 10)
    assert torch.equal(torch.cat([start.old, start.new]).sort().values, torch.arange(data.num_nodes))
    is_new = torch.zeros(data.num_nodes, dtype=torch.bool)
    is_new[start.new] = True
    assert not is_new[start.kept].any()
    assert is_new[start.given[0]].all()
    assert is_new[start.positive[0]].all()
    assert start.positive.size(1) - start.given.size(1) in (0, 1)
    links = both_ways(torch.cat([start.kept, start.given, start.positive], dim=1))
    number = (links[0] * data.num_nodes + links[1]).sort().values
    assert torch.equal(number, (data.edge_index[0] * data.num_nodes + data.edge_index[1]).sort().values)


def test_non_links_keep_the_new_node() -> None:
    data = load_graph("digits")
    start = take_out(data, seed=1)
    assert torch.equal(start.negative[0], start.positive[0])
    source, target = start.negative
    assert not torch.isin(
        source * data.num_nodes + target, data.edge_index[0] * data.num_nodes + data.edge_index[1]
    ).any()
    assert bool((source != target).all())


def test_kept_nodes_are_numbered_anew_and_named_as_before() -> None:
    data = load_graph("digits")
    start = take_out(data, seed=1)
    graph = kept_graph(data, start)
    names = torch.tensor(graph.node_ids)
    assert torch.equal(names[graph.edge_index], both_ways(start.kept))
    assert torch.equal(graph.x, data.x[names])
