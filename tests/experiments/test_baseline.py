import pytest
import torch
from torch.nn import functional as F  # noqa: N812
from torch_geometric.data import Data
from torch_geometric.utils import subgraph

from spherical_gae import load_graph, split_links
from spherical_gae.data import clean_graph, double_cover
from spherical_gae.evaluation import auc_ap, untrained_embeddings
from spherical_gae.experiments.baseline import baseline_embeddings, baseline_scores, score_baseline


@pytest.fixture(scope="module")
def data() -> Data:
    """The first 300 digits."""
    whole = load_graph("digits")
    edge_index, _ = subgraph(torch.arange(300), whole.edge_index)
    return Data(x=whole.x[:300], y=whole.y[:300], edge_index=edge_index)


def test_baseline_is_the_cosine_of_the_untrained_embeddings(data: Data) -> None:
    split = split_links(data)
    z = untrained_embeddings(split.train)
    cosines = z @ z.t()
    pairs = split.test.pos_edge_label_index, split.test.neg_edge_label_index
    expected = auc_ap(*(cosines[a, b] for a, b in pairs))
    assert score_baseline(split) == pytest.approx(expected, abs=1e-3)
    assert expected.auc > 0.92


def test_baseline_of_features_below_zero_is_without_tf_idf(data: Data) -> None:
    x = data.x - 0.3
    weight = 1.0 + data.edge_index.sum(0)
    adjacency = torch.eye(300).index_put_(tuple(data.edge_index), weight)
    scale = adjacency.sum(1).rsqrt()
    expected = F.normalize((scale[:, None] * adjacency * scale) @ F.normalize(x, dim=1), dim=1)
    z = baseline_embeddings(Data(x=x, edge_index=data.edge_index, edge_weight=weight))
    torch.testing.assert_close(z, expected)
    assert torch.equal(baseline_embeddings(data), untrained_embeddings(data))


def test_baseline_of_a_directed_graph_is_that_of_its_double_cover(data: Data) -> None:
    directed = clean_graph(Data(x=data.x, edge_index=data.edge_index[:, ::3]), directed=True)
    split = split_links(directed)
    z = untrained_embeddings(double_cover(split.train))
    cosines = z[:300] @ z[300:].t()
    positive, negative, turned = (
        cosines[tuple(split.test[f"{name}_edge_label_index"])] for name in ("pos", "neg", "reversed")
    )
    scores = baseline_scores(split)
    assert (scores["auc"], scores["ap"]) == pytest.approx(auc_ap(positive, negative), abs=1e-3)
    assert (scores["auc_reversed"], scores["ap_reversed"]) == pytest.approx(auc_ap(positive, turned), abs=1e-3)
    assert set(scores) == {"auc", "ap", "auc_reversed", "ap_reversed"}


def test_links_of_new_nodes_are_counted() -> None:
    """Node k comes with a link to k - 1: of the last ten links all but the first have a new node as an end, or two."""
    nodes = torch.arange(100)
    path = Data(edge_index=torch.stack([nodes[1:], nodes[:-1]]), edge_time=nodes[1:], num_nodes=100)
    assert baseline_scores(split_links(clean_graph(path)))["share_unseen"] == 1.0
