import math
from collections import Counter

import pytest
import torch
from torch import Tensor, nn

from spherical_gae.models import M1Classifier, NormalVAE, SphericalVAE, VariationalAutoencoder, m1
from spherical_gae.models.m1 import Votes


class Identity(nn.Module):
    """The data are the raw directions or means themselves."""

    def __init__(self, second_width: int) -> None:
        super().__init__()
        self.second_width = second_width

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x.new_zeros(len(x), self.second_width)


def spherical(dim: int) -> SphericalVAE:
    return SphericalVAE(dim, encoder=Identity(1), decoder=nn.Linear(dim + 1, 1))


def normal(dim: int) -> NormalVAE:
    return NormalVAE(dim, encoder=Identity(dim), decoder=nn.Linear(dim, 1))


def polar(degrees: list[float], radius: list[float]) -> Tensor:
    angle = torch.tensor(degrees) * math.pi / 180
    return torch.tensor(radius)[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)


def test_neighbours_on_the_sphere_are_by_angle() -> None:
    """Of directions of unlike lengths, which the plane's distance would take for neighbours."""
    x, y = polar([10, 12, 60, 70], [100, 50, 1, 1.2]), torch.tensor([4, 4, 7, 7])
    query = polar([0, 75, 350], [1, 90, 0.5])
    assert M1Classifier(spherical(1), 2).fit(x, y).predict(query).tolist() == [4, 7, 4]
    assert M1Classifier(normal(2), 2).fit(x, y).predict(query).tolist() == [7, 4, 7]


def vote(distances: list[float], y: list[int], k: int, weights: Votes = "uniform") -> int:
    """The class of the most votes among the k nearest, the smallest of those that tie."""
    nearest = sorted(range(len(y)), key=distances.__getitem__)[:k]
    votes: Counter[int] = Counter()
    for i in nearest:
        votes[y[i]] += 1 if weights == "uniform" else 1 / distances[i]  # type: ignore[assignment]
    return min(votes, key=lambda label: (-votes[label], label))


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("num_neighbors", [1, 2, 5, 40])
@pytest.mark.parametrize("kind", ["spherical", "normal"])
def test_agrees_with_a_vote_by_hand(
    kind: str, num_neighbors: int, weights: Votes, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    x, query = torch.randn(40, 4), torch.randn(60, 4)
    y = torch.randint(3, (40,)) * 5
    model: VariationalAutoencoder = spherical(3) if kind == "spherical" else normal(4)
    expected = []
    for point in query.double().tolist():
        if kind == "spherical":
            distances = [
                math.acos(
                    sum(a * b for a, b in zip(point, other, strict=True)) / math.hypot(*point) / math.hypot(*other)
                )
                for other in x.double().tolist()
            ]
        else:
            distances = [math.dist(point, other) for other in x.double().tolist()]
        expected.append(vote(distances, y.tolist(), num_neighbors, weights))
    assert M1Classifier(model, num_neighbors, weights).fit(x, y).predict(query).tolist() == expected
    # In batches, the last one smaller.
    monkeypatch.setattr(m1, "_ROWS", 7)
    classifier = M1Classifier(model, num_neighbors, weights).fit(x, y)
    assert classifier.predict(query).tolist() == expected
    share = sum(a == b for a, b in zip(expected, [0, 5, 10] * 20, strict=True)) / 60
    assert classifier.score(query, torch.tensor([0, 5, 10] * 20)) == pytest.approx(share, abs=1e-12)


def test_five_neighbours_by_default_at_the_modes() -> None:
    torch.manual_seed(0)
    model = SphericalVAE(2, 8, (6,))
    assert model.training
    classifier = M1Classifier(model)
    assert not model.training
    x = torch.rand(30, 8)
    classifier.fit(x, torch.arange(30) % 3)
    assert classifier.neighbors.n_neighbors == 5
    assert torch.equal(classifier.predict(x), classifier.predict(x))
    # Not its own class at distance 0, but the majority of five.
    distances = classifier.model.head.geodesic_distance(model.encode(x), model.encode(x))
    expected = [vote(row, (torch.arange(30) % 3).tolist(), 5) for row in distances.tolist()]
    assert classifier.predict(x).tolist() == expected
    assert expected != (torch.arange(30) % 3).tolist()


def test_one_neighbour_knows_its_own_points() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(30, 3), torch.randint(6, (30,))
    classifier = M1Classifier(spherical(2), 1).fit(x, y)
    assert classifier.score(x, y) == 1.0
    # Opposite points are the farthest of all.
    near = (-x).div(x.norm(dim=1, keepdim=True)) @ x.div(x.norm(dim=1, keepdim=True)).t()
    assert classifier.predict(-x).tolist() == y[near.argmax(1)].tolist()
    # Fitted again, the old points are forgotten.
    assert classifier.fit(x[:4], torch.tensor([7, 7, 8, 8])).predict(x[:4]).tolist() == [7, 7, 8, 8]
    assert set(classifier.predict(x).tolist()) == {7, 8}


@pytest.mark.parametrize("num_neighbors", [0, -1])
def test_neighbours_below_one_are_refused(num_neighbors: int) -> None:
    with pytest.raises(ValueError, match=f"num_neighbors must be at least 1, got {num_neighbors}"):
        M1Classifier(spherical(2), num_neighbors)


def test_nearer_neighbours_outvote_more_numerous_ones() -> None:
    x, y = torch.tensor([[0.0], [3.0], [3.5]]), torch.tensor([1, 2, 2])
    query = torch.tensor([[0.5], [2.5], [3.0]])
    assert M1Classifier(normal(1), 3).fit(x, y).predict(query).tolist() == [2, 2, 2]
    # The last at distance 0 of a labelled point.
    assert M1Classifier(normal(1), 3, "distance").fit(x, y).predict(query).tolist() == [1, 2, 2]


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights must be one of \('uniform', 'distance'\), got 'rank'"):
        M1Classifier(spherical(2), 5, "rank")  # type: ignore[arg-type]


def test_wrong_numbers_of_points_are_refused() -> None:
    classifier = M1Classifier(spherical(2), 3)
    with pytest.raises(ValueError, match="x must hold at least num_neighbors = 3 points, got 2"):
        classifier.fit(torch.ones(2, 3), torch.zeros(2, dtype=torch.long))
    for shape in ((4,), (3, 1), ()):
        with pytest.raises(ValueError, match=r"y must have shape \(3,\), one class for each point, got"):
            classifier.fit(torch.ones(3, 3), torch.zeros(shape, dtype=torch.long))


def test_prediction_before_fitting_is_refused() -> None:
    with pytest.raises(RuntimeError, match="must be fitted before it predicts"):
        M1Classifier(spherical(2)).predict(torch.ones(2, 3))


@pytest.mark.parametrize("shape", [(6, 1), (1,), (5,)])
def test_score_refuses_classes_of_another_shape(shape: tuple[int, ...]) -> None:
    """They were compared with all points."""
    x, y = torch.rand(6, 3), torch.arange(6) % 2
    classifier = M1Classifier(spherical(2), num_neighbors=1).fit(x, y)
    assert classifier.score(x, y) == 1
    with pytest.raises(ValueError, match=r"y must have shape \(6,\), one class for each point"):
        classifier.score(x, torch.zeros(shape, dtype=torch.long))
