import networkx as nx
import pytest
import torch
from scipy.stats import chi2_contingency, chisquare
from torch import Tensor

from spherical_gae.data import sample_non_edges
from spherical_gae.data.degree_matched import DegreeMatchedSampler
from spherical_gae.evaluation import auc_ap

NO_EDGES = torch.empty(2, 0, dtype=torch.long)

# With classes of at least three nodes: {degree 1: 0, 3, 6}, then {2, 3, 4, 4} is closed, and 9, left over, joins it.
DEGREE = torch.tensor([1, 4, 9, 1, 2, 4, 1, 3])
LOW, HIGH = [0, 3, 6], [1, 2, 4, 5, 7]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def preferential_attachment(seed: int, num_nodes: int = 3_000) -> tuple[Tensor, Tensor]:
    """Links, each once, and degrees; the nodes are shuffled, for old nodes have high degrees."""
    graph = nx.barabasi_albert_graph(num_nodes, 3, seed=seed)
    shuffled = torch.randperm(num_nodes, generator=generator(seed))
    links = shuffled[torch.tensor(list(graph.edges)).t()].contiguous()
    return links, torch.bincount(links.flatten(), minlength=num_nodes)


def star(leaves: int) -> tuple[Tensor, Tensor]:
    links = torch.stack([torch.zeros(leaves, dtype=torch.long), torch.arange(1, leaves + 1)])
    return links, torch.bincount(links.flatten())


def draws_of(sampler: DegreeMatchedSampler, i: int, j: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    first, second = sampler.sample(torch.tensor([[i], [j]]).expand(2, count), generator(seed))
    return first, second


@pytest.mark.parametrize("seed", range(3))
def test_non_edges_of_the_same_degrees_where_classes_are_large(seed: int) -> None:
    links, degree = preferential_attachment(seed)
    negatives = DegreeMatchedSampler(links, degree).sample(links, generator(seed))
    assert negatives.shape == links.shape
    assert negatives.dtype == torch.long
    linked = {frozenset(pair) for pair in links.t().tolist()}
    assert all(i != j and frozenset((i, j)) not in linked for i, j in negatives.t().tolist())
    too_few = torch.bincount(degree)[degree] < 20
    exact = degree < degree[too_few].min()
    both = exact[links]
    assert both.double().mean() > 0.5
    assert torch.equal(degree[negatives][both], degree[links][both])


def test_every_degree_is_matched_with_classes_of_one() -> None:
    ring, double_ring = (nx.circulant_graph(9, steps).edges for steps in ([1], [1, 2]))
    links = torch.tensor([*ring, *((i + 9, j + 9) for i, j in double_ring)]).t()
    degree = torch.bincount(links.flatten())
    assert degree.unique().tolist() == [2, 4]
    negatives = DegreeMatchedSampler(links, degree, min_class=1).sample(links, generator())
    assert torch.equal(degree[negatives], degree[links])


@pytest.mark.parametrize(
    ("min_class", "classes"), [(3, [LOW, HIGH]), (2, [LOW, [4, 7], [1, 2, 5]]), (1, [LOW, [1, 5], [2], [4], [7]])]
)
def test_small_classes_are_merged_with_the_next_higher_degree(min_class: int, classes: list[list[int]]) -> None:
    sampler = DegreeMatchedSampler(NO_EDGES, DEGREE, min_class)
    for number, members in enumerate(classes):
        other = classes[number - 1]
        for node in members:
            replaced, others = draws_of(sampler, node, other[0], 400, seed=node)
            assert replaced.unique().tolist() == members
            assert others.unique().tolist() == other


@pytest.mark.parametrize("min_class", [8, 9, 1_000])
def test_one_class_where_there_are_too_few_nodes(min_class: int) -> None:
    sampler = DegreeMatchedSampler(NO_EDGES, DEGREE, min_class)
    assert draws_of(sampler, 0, 2, 2_000, seed=0)[0].unique().tolist() == list(range(8))


def test_draws_within_a_class_are_in_proportion_to_the_degree() -> None:
    sampler = DegreeMatchedSampler(NO_EDGES, DEGREE, min_class=3)
    low, high = draws_of(sampler, 6, 4, 20_000, seed=1)
    # Two classes without links between them: nothing is rejected, and the ends are independent.
    table = torch.stack([torch.bincount(high[low == node], minlength=8)[HIGH] for node in LOW]).numpy()
    assert table.sum() == 20_000
    assert chisquare(table.sum(1)).pvalue > 0.001
    weights = DEGREE[HIGH].double().numpy()
    assert chisquare(table.sum(0), weights / weights.sum() * 20_000).pvalue > 0.001
    assert chi2_contingency(table).pvalue > 0.001


def test_nodes_without_links_count_alike() -> None:
    sampler = DegreeMatchedSampler(NO_EDGES, torch.tensor([0, 5, 0, 5, 0, 5, 0]), min_class=3)
    first, _ = draws_of(sampler, 2, 1, 8_000, seed=2)
    counts = torch.bincount(first, minlength=7)
    assert counts[1::2].sum() == 0
    assert chisquare(counts[0::2].numpy()).pvalue > 0.001


def test_ends_keep_their_places() -> None:
    sampler = DegreeMatchedSampler(NO_EDGES, DEGREE, min_class=3)
    first, second = sampler.sample(torch.tensor([[0, 1, 3, 2], [5, 6, 0, 4]]), generator(3))
    assert [node in LOW for node in first.tolist()] == [True, False, True, False]
    assert [node in LOW for node in second.tolist()] == [False, True, True, False]


@pytest.mark.parametrize("seed", range(3))
def test_knowing_degrees_gains_nothing(seed: int) -> None:
    links, degree = preferential_attachment(seed)
    matched = DegreeMatchedSampler(links, degree).sample(links, generator(seed))
    uniform = sample_non_edges(links, degree.numel(), links.size(1), generator(seed))
    # What a model with a bias per degree could learn: popular is likelier, with whims of its own.
    whims = 0.4 * torch.randn(int(degree.max()) + 1, generator=generator(seed), dtype=torch.float64)
    for popularity in (degree.double(), degree.double().log() + whims[degree]):
        scores = popularity[links].sum(0)
        # Standard deviation of the AUC of 9,000 links where nothing is matched: .0043.
        assert auc_ap(scores, popularity[matched].sum(0)).auc == pytest.approx(0.5, abs=0.01)
        assert auc_ap(scores, popularity[uniform].sum(0)).auc > 0.7


def test_direction_of_the_known_links_does_not_matter() -> None:
    links, degree = preferential_attachment(0, num_nodes=200)
    expected = DegreeMatchedSampler(links, degree).sample(links, generator(4))
    for edge_index in (links.flip(0), torch.cat([links, links.flip(0)], dim=1)):
        assert torch.equal(DegreeMatchedSampler(edge_index, degree.float()).sample(links, generator(4)), expected)


def test_no_unlinked_pair_of_like_degrees_is_refused_and_a_larger_class_helps() -> None:
    links, degree = star(5)
    message = "edge_index: given 5 links for which no unlinked pair of like degrees was found in 100 draws, allowed: .*"
    with pytest.raises(ValueError, match=f"{message} a larger min_class may help"):
        DegreeMatchedSampler(links, degree, min_class=1).sample(links, generator())
    negatives = DegreeMatchedSampler(links, degree, min_class=6).sample(links, generator())
    assert (negatives > 0).all()


def test_only_links_without_a_negative_are_counted_in_the_error() -> None:
    links, degree = star(5)
    more = torch.tensor([[1], [2]]).expand(2, 30)  # Pairs of leaves: these have negatives.
    with pytest.raises(ValueError, match="edge_index: given 5 links for which"):
        DegreeMatchedSampler(links, degree, min_class=1).sample(torch.cat([more, links], dim=1), generator())


@pytest.mark.parametrize("min_class", [0, -1])
def test_class_of_no_nodes_is_refused(min_class: int) -> None:
    with pytest.raises(ValueError, match=f"min_class must be at least 1, got {min_class}"):
        DegreeMatchedSampler(NO_EDGES, DEGREE, min_class)


def test_no_links_no_negatives() -> None:
    assert DegreeMatchedSampler(NO_EDGES, DEGREE).sample(NO_EDGES).shape == (2, 0)


def test_generator_decides_and_the_global_state_stays() -> None:
    links, degree = preferential_attachment(1, num_nodes=200)
    sampler = DegreeMatchedSampler(links, degree)
    before = torch.get_rng_state()
    first, again, other = (sampler.sample(links, generator(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        assert torch.equal(sampler.sample(links), first)
