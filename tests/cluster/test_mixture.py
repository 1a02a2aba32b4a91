"""The mixture against a brute-force EM, planted clusters, torch's own mixture, and scikit-learn's conventions."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import normalize
from torch.distributions import Categorical, MixtureSameFamily

from spherical_gae.cluster import VonMisesFisherMixture
from spherical_gae.core import VonMisesFisher
from spherical_gae.core.fit import fit_von_mises_fisher
from spherical_gae.evaluation import clustering_scores
from tests.helpers.places import seeded
from tests.helpers.tight_clusters import two_tight_clusters

WEIGHTS, CONCENTRATIONS = (0.2, 0.3, 0.5), (10.0, 30.0, 100.0)


def planted(size: int = 20_000, dim: int = 5, dtype: torch.dtype = torch.float64) -> tuple[np.ndarray, np.ndarray]:
    """Three components about the first axes."""
    labels = torch.multinomial(torch.tensor(WEIGHTS), size, replacement=True, generator=seeded(1))
    loc = torch.eye(dim, dtype=torch.float64)[labels]
    law = VonMisesFisher(loc, torch.tensor(CONCENTRATIONS, dtype=torch.float64)[labels])
    return law.sample(generator=seeded(2)).to(dtype).numpy(), labels.numpy()


def brute_force(x: np.ndarray, loc: torch.Tensor, steps: int) -> tuple[list[float], list[VonMisesFisher], torch.Tensor]:
    """EM by the densities and the fit of each component, one after the other."""
    points, count = torch.from_numpy(x), len(loc)
    spread = (1 - (points @ loc.T).amax(1)).mean()
    # As the start's concentration solves 1 - A = spread, it is that of points at this distance.
    angle = math.acos(1 - float(spread))
    pair = torch.tensor([[math.cos(angle), math.sin(angle)], [math.cos(angle), -math.sin(angle)]], dtype=torch.float64)
    pair = torch.nn.functional.pad(pair, (0, x.shape[1] - 2))
    start = fit_von_mises_fisher(pair)[1]
    laws = [VonMisesFisher(mu, start) for mu in loc]
    weight, scores = torch.full((count,), 1 / count, dtype=torch.float64), []
    for _ in range(steps):
        joint = torch.stack([w.log() + law.log_prob(points) for w, law in zip(weight, laws, strict=True)], 1)
        scores.append(float(joint.logsumexp(1).mean()))
        share = joint.softmax(1)
        weight = share.mean(0)
        laws = [VonMisesFisher(*fit_von_mises_fisher(points, share[:, k])) for k in range(count)]
    return scores, laws, weight


@pytest.mark.slow
def test_steps_are_those_of_a_brute_force_em() -> None:
    x, _ = planted(500)
    loc = torch.from_numpy(x[[3, 50, 400]])
    model = VonMisesFisherMixture(3, max_iter=6, tol=-math.inf)
    components, score, converged, iterations = model._run(torch.from_numpy(x), loc)
    scores, laws, weight = brute_force(x, loc, 7)
    assert (converged, iterations) == (False, 6)
    assert score == pytest.approx(scores[6], rel=1e-9)
    assert all(a < b + 1e-12 for a, b in itertools.pairwise(scores))
    laws, weight = brute_force(x, loc, 6)[1:]
    torch.testing.assert_close(components.log_weight.exp(), weight, rtol=1e-7, atol=0)
    torch.testing.assert_close(components.loc, torch.stack([law.loc for law in laws]), rtol=0, atol=1e-8)
    expected = torch.stack([law.concentration for law in laws])
    torch.testing.assert_close(components.concentration, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finds_planted_components(dtype: torch.dtype) -> None:
    """Weights, directions and concentrations within 5 standard errors, from any start of the best of five."""
    x, labels = planted(dtype=dtype)
    model = VonMisesFisherMixture(3, n_init=5, random_state=0).fit(x)
    order = model.means_.argmax(1)
    assert sorted(order) == [0, 1, 2]
    assert model.converged_
    counts = np.bincount(labels)[order]
    error = np.sqrt(np.array(WEIGHTS)[order] / len(x))
    assert (np.abs(model.weights_ - np.array(WEIGHTS)[order]) < 5 * error).all()
    kappa = np.array(CONCENTRATIONS)[order]
    # Var(kappa) is about 2 kappa^2 / ((m - 1) n), var(angle) about (m - 1) / (kappa n).
    assert (np.abs(model.concentrations_ / kappa - 1) < 5 * np.sqrt(2 / (4 * counts)) * 1.5).all()
    angles = np.arccos(np.clip(model.means_[np.arange(3), order], -1, 1))
    assert (angles < 5 * np.sqrt(4 / (kappa * counts)) * 1.5).all()
    truth = MixtureSameFamily(
        Categorical(torch.tensor(WEIGHTS)), VonMisesFisher(torch.eye(5)[:3], torch.tensor(CONCENTRATIONS))
    )
    assert model.lower_bound_ >= float(truth.log_prob(torch.from_numpy(x).float()).double().mean()) - 1e-4
    assert normalized_mutual_info_score(labels, model.labels_) > 0.95


def test_densities_are_those_of_torchs_mixture() -> None:
    x, _ = planted(300)
    model = VonMisesFisherMixture(3, random_state=0).fit(x)
    components = VonMisesFisher(torch.from_numpy(model.means_), torch.from_numpy(model.concentrations_))
    law = MixtureSameFamily(Categorical(torch.from_numpy(model.weights_)), components)
    expected = law.log_prob(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model.score_samples(x), expected, rtol=1e-10, atol=1e-10)
    assert model.score(x) == pytest.approx(expected.mean())
    assert model.score(x) == pytest.approx(model.lower_bound_, abs=1e-4)
    proba = model.predict_proba(x)
    np.testing.assert_allclose(proba.sum(1), 1)
    assert (proba.argmax(1) == model.predict(x)).all()
    assert (model.predict(x) == model.labels_).all()
    parameters = 3 * 4 + 3 + 2
    assert model.bic(x) == pytest.approx(parameters * math.log(300) - 2 * 300 * expected.mean())
    assert model.aic(x) == pytest.approx(2 * parameters - 2 * 300 * expected.mean())


@pytest.mark.slow
def test_bic_finds_the_number_of_components() -> None:
    x, _ = planted(3000)
    scores = [VonMisesFisherMixture(k, n_init=3, random_state=0).fit(x).bic(x) for k in (1, 2, 3, 4, 5)]
    assert int(np.argmin(scores)) == 2


def test_tied_components_have_one_concentration() -> None:
    """That of the pooled distances: for a planted one within 5 standard errors."""
    labels = torch.arange(6000) % 3
    x = VonMisesFisher(torch.eye(4, dtype=torch.float64)[labels], 40.0).sample(generator=seeded(0)).numpy()
    model = VonMisesFisherMixture(3, tied=True, n_init=3, random_state=0).fit(x)
    assert len(set(model.concentrations_)) == 1
    assert abs(model.concentrations_[0] / 40 - 1) < 5 * math.sqrt(2 / (3 * 6000))
    assert model._num_parameters() == 3 * 3 + 1 + 2


def test_points_that_coincide_do_not_stop_it() -> None:
    """One component on them has the largest concentration that is allowed."""
    x, _ = planted(200)
    x = np.vstack([x, np.tile([[0.0, 0, 0, 0, 1.0]], (100, 1))])
    model = VonMisesFisherMixture(4, max_concentration=1e4, n_init=3, random_state=0).fit(x)
    assert np.isfinite(model.lower_bound_)
    assert model.concentrations_.max() == 1e4
    assert len(set(model.predict(x[200:]))) == 1
    same = VonMisesFisherMixture(2, max_concentration=1e4, random_state=0).fit(x[200:])
    assert np.isfinite(same.score(x[200:]))


def test_a_score_that_stands_still_has_converged() -> None:
    """Of antipodal points: their mean is 0, and each iteration gives the uniform distribution."""
    model = VonMisesFisherMixture(1, tol=0.0, random_state=0).fit(np.array([[1.0, 0, 0], [-1.0, 0, 0]]))
    assert model.converged_
    assert model.n_iter_ < 5
    assert model.score(np.eye(3)) == pytest.approx(-math.log(4 * math.pi))


@pytest.mark.parametrize("tied", [False, True])
def test_settings_changed_after_the_fit_do_not_change_it(tied: bool) -> None:
    x, _ = planted(300)
    model = VonMisesFisherMixture(3, tied=tied, random_state=0).fit(x)
    bic, aic, drawn = model.bic(x), model.aic(x), model.sample(10)
    model.set_params(n_components=5, tied=not tied, max_concentration=2.0)
    assert (model.bic(x), model.aic(x)) == (bic, aic)
    for again, before in zip(model.sample(10), drawn, strict=True):
        assert np.array_equal(again, before)


def test_samples_follow_the_fit() -> None:
    x, _ = planted(2000)
    model = VonMisesFisherMixture(3, n_init=3, random_state=0).fit(x)
    drawn, labels = model.sample(20_000)
    assert drawn.shape == (20_000, 5)
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, atol=1e-12)
    shares = np.bincount(labels, minlength=3) / 20_000
    assert (np.abs(shares - model.weights_) < 5 * np.sqrt(model.weights_ / 20_000)).all()
    again = VonMisesFisherMixture(3, n_init=3, random_state=1).fit(drawn)
    assert again.lower_bound_ == pytest.approx(model.score(drawn), abs=0.01)


def test_follows_scikit_learns_conventions() -> None:
    x, _ = planted(300)
    model = VonMisesFisherMixture(3, tied=True, random_state=0)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    first, second = model.fit(x), copy.fit(x)
    assert np.array_equal(first.means_, second.means_)
    search = GridSearchCV(VonMisesFisherMixture(random_state=0, n_init=3), {"n_components": [1, 3]}, cv=3).fit(x)
    assert search.best_params_ == {"n_components": 3}
    assert np.array_equal(
        VonMisesFisherMixture(3, random_state=0).fit_predict(x[:50]), model.set_params(tied=False).fit(x[:50]).labels_
    )


def documents(num_topics: int = 4, per_topic: int = 60) -> tuple[list[str], np.ndarray]:
    """Texts of 5 to 60 words: two thirds from a vocabulary that all topics share, the rest from their own; by Zipf."""
    random = np.random.default_rng(0)
    frequency = 1 / np.arange(1, 81)
    texts, topics = [], np.repeat(np.arange(num_topics), per_topic)
    for topic in topics:
        ranks = random.choice(80, size=random.integers(5, 61), p=frequency / frequency.sum())
        own = random.random(len(ranks)) < 1 / 3
        texts.append(
            " ".join(
                f"topic{topic}word{rank}" if mine else f"word{rank}" for rank, mine in zip(ranks, own, strict=True)
            )
        )
    return texts, topics


def test_topics_of_texts_are_found_whatever_their_length() -> None:
    """tf-idf of 240 texts. They do not lie about their centres as a normal distribution: their lengths differ."""
    texts, topics = documents()
    x = TfidfVectorizer().fit_transform(texts).toarray()
    model = VonMisesFisherMixture(4, tied=True, n_init=3, random_state=0).fit(x)
    assert clustering_scores(topics, model.labels_).accuracy > 0.95
    # What was not seen in training: the same words, by the same weights.
    assert model.predict(x[::7]).tolist() == model.labels_[::7].tolist()


def test_real_digits_are_grouped_as_well_as_by_their_classes_alone() -> None:
    """Normalised pixels of ten digits: mutual information with the classes above .65, where chance is 0."""
    digits = load_digits()
    labels = VonMisesFisherMixture(10, tied=True, n_init=3, random_state=0).fit_predict(normalize(digits.data))
    assert normalized_mutual_info_score(digits.target, labels) > 0.65


@pytest.mark.parametrize(
    ("settings", "x", "message"),
    [
        ({}, 2 * np.eye(3), r"X must hold unit vectors, within 1e-05, got a norm of 2 in row 0: .*normalize\(X\)"),
        ({}, np.ones((5, 1)), "X must have at least 2 features, got 1"),
        ({"n_components": 4}, np.eye(3), "n_components must be an integer from 1 to the number of rows, 3, got 4"),
        ({"n_components": 0}, np.eye(3), "n_components must be an integer from 1 to the number of rows, 3, got 0"),
        ({"n_components": 1, "n_init": 0}, np.eye(3), "n_init must be an integer of at least 1, got 0"),
        ({"n_components": 1, "max_iter": 0}, np.eye(3), "max_iter must be an integer of at least 1, got 0"),
        ({"n_components": 1, "tol": float("nan")}, np.eye(3), "tol must be a number, 0 or more, got nan"),
        ({"n_components": 2.5}, np.eye(3), r"n_components must be an integer from 1 .* 3, got 2\.5"),
        ({"n_components": "2"}, np.eye(3), "n_components must be an integer from 1 .* 3, got '2'"),
        ({"max_concentration": 0.0}, np.eye(3), r"max_concentration must be a number, positive and finite, got 0\.0"),
        ({"max_concentration": "1"}, np.eye(3), "max_concentration must be a number, positive and finite, got '1'"),
    ],
)
def test_wrong_data_and_settings_are_named(settings: dict[str, Any], x: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        VonMisesFisherMixture(**{"n_components": 2, **settings}).fit(x)


def test_rows_of_another_width_are_refused() -> None:
    model = VonMisesFisherMixture(1).fit(np.eye(3))
    with pytest.raises(ValueError, match=r"^X must have 3 features, got 4"):
        model.predict(np.eye(4))


@pytest.mark.parametrize(("dim", "count", "concentration"), [(3, 20_000, 1e4), (16, 130_000, 1e4), (3, 130_000, 1e3)])
def test_concentrated_components_in_float32(dim: int, count: int, concentration: float) -> None:
    """About an axis, where float32 sums of numbers near 1 round all one way."""
    law = VonMisesFisher(torch.eye(dim, dtype=torch.float64)[0], concentration)
    points = law.sample((count,), torch.Generator().manual_seed(1))
    expected = VonMisesFisher.fit(points).concentration.item()
    for dtype in (torch.float32, torch.float64):
        found = VonMisesFisherMixture(1, random_state=0).fit(points.to(dtype))
        assert found.concentrations_[0] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("separation", [1e-5, 1e-4, 3e-4, 1e-3])
def test_finds_tight_clusters_in_float32(separation: float) -> None:
    """Where the cap of the concentrations lets it; variances of 400 rows by 7 axes are right to 4 %."""
    x, labels = two_tight_clusters(separation, np.float32)
    model = VonMisesFisherMixture(2, max_concentration=1e15, random_state=0).fit(x)
    assert adjusted_rand_score(labels, model.labels_) == 1
    assert np.array_equal(model.predict(x), model.labels_)
    np.testing.assert_allclose(model.concentrations_, (30 / separation) ** 2, rtol=0.15)
    assert model.predict_proba(x).dtype == model.score_samples(x).dtype == np.float32


def test_the_cap_of_concentrations_decides_what_becomes_one_cluster() -> None:
    """Below 2 / sqrt(cap) the likeliest centres of two clusters coincide, in any dtype."""
    limit = 2 / math.sqrt(1e6)
    for dtype in (np.float32, np.float64):
        x, labels = two_tight_clusters(2 * limit, dtype)
        assert adjusted_rand_score(labels, VonMisesFisherMixture(2, random_state=0).fit_predict(x)) == 1
        means = VonMisesFisherMixture(2, random_state=0).fit(two_tight_clusters(limit / 2, dtype)[0]).means_
        assert np.linalg.norm(means[0] - means[1]) < limit / 100


@pytest.mark.parametrize("concentration", [1e4, 1e6, 1e8])
def test_densities_from_float32_keep_their_digits(concentration: float) -> None:
    """Rows in float32 are off by about 6e-8, log densities by that times sqrt(concentration) at a typical row."""
    law = VonMisesFisher(torch.eye(4, dtype=torch.float64)[0], concentration)
    points = law.sample((500,), seeded(3))
    model = VonMisesFisherMixture(1, max_concentration=1e10).fit(points)
    error = np.abs(model.score_samples(points.float()) - model.score_samples(points)).max()
    assert error < 4 * 6e-8 * math.sqrt(concentration) + 1e-6


def test_rows_that_are_a_little_too_long_are_normalised() -> None:
    law = VonMisesFisher(torch.eye(3, dtype=torch.float64)[0], 2e4)
    points = law.sample((2000,), torch.Generator().manual_seed(1))
    expected = VonMisesFisherMixture(1, random_state=0).fit(points).concentrations_[0]
    for factor in (1 + 5e-6, 1 - 5e-6):
        found = VonMisesFisherMixture(1, random_state=0).fit(factor * points).concentrations_[0]
        assert found == pytest.approx(expected, rel=1e-6)
