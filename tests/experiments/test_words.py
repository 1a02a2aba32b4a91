import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from spherical_gae import split_links
from spherical_gae.data import clean_graph
from spherical_gae.experiments.words import (
    FEW_TEST_LINKS,
    class_names,
    classes_of_nodes,
    describe_graph,
    explain_table,
    format_table,
)


def ring(num_nodes: int) -> Data:
    nodes = torch.arange(num_nodes)
    return Data(edge_index=to_undirected(torch.stack([nodes, (nodes + 1) % num_nodes])), num_nodes=num_nodes)


def test_graph_without_features_and_classes_is_said_to_have_none() -> None:
    data = clean_graph(ring(600))
    lines = list(describe_graph(data, split_links(data), "ring"))
    assert lines == [
        "ring: 600 nodes, 600 links, no weights.",
        f"Features: none were given; each node gets {data.num_features} random signs by a hash of its id.",
        "Classes: none.",
        "Held out: 30 links to choose the epoch, 60 to test. The model is trained on the other 510.",
    ]


def test_weights_features_and_classes_are_named() -> None:
    data = ring(600)
    data.x, data.y = torch.rand(600, 3), torch.arange(600) % 2
    data.edge_weight, data.label_names = torch.full((1200,), 2.0), ["cat", "dog"]
    first, second, third, _ = describe_graph(data, split_links(data), "pets")
    assert first == "pets: 600 nodes, 600 links, with weights."
    assert second == "Features: 3 for each node."
    assert third.startswith("Classes: 2 (cat, dog).")


@pytest.mark.parametrize(("num_links", "warned"), [(10 * FEW_TEST_LINKS - 1, True), (10 * FEW_TEST_LINKS, False)])
def test_few_test_links_are_warned_of(num_links: int, warned: bool) -> None:
    data = clean_graph(ring(num_links))
    lines = list(describe_graph(data, split_links(data), "ring"))
    assert lines[-1].startswith("Warning: only 49 test links") == warned


def test_classes_that_are_not_there_are_not_named() -> None:
    data = Data(y=torch.tensor([2, 0, 2, -1]), label_names=["a", "b", "c"])
    assert class_names(data) == ["no class", "a", "c"]
    assert classes_of_nodes(data) == ["c", "a", "c", None]
    signs = Data(y=torch.tensor([0, 1, -1]), label_names=["-1", "1"])
    assert (class_names(signs), classes_of_nodes(signs)) == (["no class", "-1", "1"], ["-1", "1", None])
    assert class_names(Data(y=torch.tensor([5, 3]))) == ["3", "5"]


def test_table_shows_percent_mean_and_sample_deviation() -> None:
    metrics = {
        "s-vgae": {"auc": [0.9, 0.92], "ap": [0.5, 0.5]},
        "n-vgae": {"auc": [0.8], "ap": [0.7004]},
        "cosine": {"auc": [1.0, 0.0, 0.5], "ap": [0.1, 0.2, 0.3]},
    }
    header, *lines = format_table(metrics)
    assert header.split() == ["method", "AUC", "AP"]
    assert [line.split() for line in lines] == [
        ["s-vgae", "91.0", "±", "1.4", "50.0", "±", "0.0"],
        ["n-vgae", "80.0", "70.0"],
        ["cosine", "50.0", "±", "50.0", "20.0", "±", "10.0"],
    ]
    assert len({len(line) for line in (header, *lines)}) == 1


def test_every_row_of_the_table_is_explained() -> None:
    rows = {name: {"auc": [0.5], "ap": [0.5]} for name in ("s-vgae", "n-vgae", "cosine")}
    named = [line.split()[0] for line in list(format_table(rows))[1:]]
    *lines, columns = explain_table(1)
    assert [line.split()[0] for line in lines] == named
    assert columns.startswith("AUC, AP")
    assert "standard deviation" not in columns
    assert "over 10 seeds" in list(explain_table(10))[-1]
