from pathlib import Path
from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from spherical_gae import GAEConfig, GCNEncoder, SphericalGAE, fit_gae, score_links
from spherical_gae.data import LinkSplit, link_split
from spherical_gae.experiments.links import model_inputs
from spherical_gae.nn import SparseMatrix, normalized_adjacency
from spherical_gae.training.checkpoint import DamagedFileError
from tests.helpers.link_runs import StopHereError, assert_identical, make_model, small_split, stop_at, train


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_best_epoch_has_the_best_validation_scores(small: LinkSplit, seed: int) -> None:
    model = make_model(small)
    _, result = train(small, model, seed=seed, config=GAEConfig(60, learning_rate=0.02))
    totals = [sum(scores) for scores in zip(result.history["val_auc"], result.history["val_ap"], strict=True)]
    best = totals.index(max(totals))
    assert result.best_epoch == best + 1 < 60
    assert [len(values) for values in result.history.values()] == [60] * 3
    assert result.val == (result.history["val_auc"][best], result.history["val_ap"][best])

    # What is returned is that model, in evaluation mode.
    assert not model.training
    z = model.encode(*model_inputs(small.train))
    for part, scores in ((small.val, result.val), (small.test, result.test)):
        assert model.test(z, part.pos_edge_label_index, part.neg_edge_label_index) == scores
    assert result.test_last != result.test


def test_first_of_equally_good_epochs_is_the_best(small: LinkSplit) -> None:
    weights, result = train(small, config=GAEConfig(5, learning_rate=1e-30))
    assert len(set(result.history["val_auc"])) == 1
    assert result.best_epoch == 1
    assert result.test == result.test_last
    torch.testing.assert_close(weights, dict(make_model(small).state_dict()), rtol=0, atol=1e-20)


def test_patience_ends_a_run_that_is_else_the_same(small: LinkSplit) -> None:
    whole = train(small, config=GAEConfig(30, learning_rate=0.02))
    total = [sum(scores) for scores in zip(whole[1].history["val_auc"], whole[1].history["val_ap"], strict=True)]
    best = 0
    for last in range(30):
        best = max(best, last, key=lambda epoch: (total[epoch], -epoch))
        if last - best == 4:
            break
    assert last < 29
    _, stopped = train(small, config=GAEConfig(30, learning_rate=0.02, patience=4))
    assert stopped.best_epoch == best + 1
    assert stopped.history == {name: values[: last + 1] for name, values in whole[1].history.items()}
    # One that is never used up changes nothing.
    assert_identical(train(small, config=GAEConfig(30, learning_rate=0.02, patience=30)), whole)


def test_patience_counts_on_where_a_run_is_resumed(small: LinkSplit, tmp_path: Path) -> None:
    config = GAEConfig(60, learning_rate=1e-30, patience=40)
    expected = train(small, config=config)
    assert len(expected[1].history["loss"]) == 41
    model = make_model(small)
    stop_at(model, 2 * 33)
    with pytest.raises(StopHereError):
        train(small, model, config=config, checkpoint=tmp_path / "run.ckpt")
    assert_identical(train(small, config=config, checkpoint=tmp_path / "run.ckpt"), expected)


def test_callbacks_see_the_history(small: LinkSplit) -> None:
    seen: list[tuple[int, dict[str, float]]] = []
    with_callbacks = train(small, config=GAEConfig(3), callbacks=[lambda *figures: seen.append(figures)])
    assert_identical(with_callbacks, train(small, config=GAEConfig(3)))
    history = with_callbacks[1].history
    assert seen == [(k + 1, {name: values[k] for name, values in history.items()}) for k in range(3)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_bad_loss_names_the_epoch(small: LinkSplit, value: float) -> None:
    model = make_model(small)
    calls = iter(range(100))
    # Calls 0 to 3 are two epochs; the next one trains in the third.
    model.decoder.register_forward_hook(lambda *_: _[2] + value if next(calls) >= 8 else None)
    with pytest.raises(FloatingPointError, match=r"the loss became (nan|inf) in epoch 3"):
        train(small, model)


def test_weights_that_blow_up_name_the_epoch(small: LinkSplit) -> None:
    with pytest.raises(FloatingPointError, match="the embeddings became NaN or infinite in epoch 1"):
        train(small, config=GAEConfig(5, learning_rate=1e20))


def test_checkpoint_of_other_validation_or_test_links_is_refused(tmp_path: Path) -> None:
    """The epoch was chosen by the former; the latter may have been those."""
    ring = torch.stack([torch.arange(30), (torch.arange(30) + 1) % 30])
    data = Data(x=torch.rand(30, 4, generator=torch.Generator().manual_seed(0)), edge_index=ring[:, :0])

    def fit(val: list[int], test: list[int], negatives: list[list[int]]) -> None:
        links = {"train": ring[:, :20], "val": ring[:, val], "test": ring[:, test]}
        split = link_split(data, **links, val_negatives=negatives, test_negatives=[[0, 3], [7, 11]])
        model = SphericalGAE(GCNEncoder(4, 8, (3, 1)))
        fit_gae(model, split, GAEConfig(epochs=3), progress=False, checkpoint=tmp_path / "run.ckpt")

    fit([20, 21], [22, 23], [[0, 1], [5, 9]])
    fit([20, 21], [22, 23], [[0, 1], [5, 9]])
    for others in (([24, 25], [22, 23]), ([20, 21], [24, 25]), ([24, 25], [20, 21])):
        with pytest.raises(ValueError, match=r"val_crc32|test_crc32"):
            fit(*others, [[0, 1], [5, 9]])
    with pytest.raises(ValueError, match="val_crc32"):
        fit([20, 21], [22, 23], [[0, 1], [5, 10]])


def test_checkpoint_of_other_inputs_is_refused(small: LinkSplit, tmp_path: Path) -> None:
    """What the encoder sees belongs to the run: the features, however they are stored, and the links."""

    def run(name: str, split: LinkSplit = small, **arguments: Any) -> dict[str, list[float]]:
        result = fit_gae(
            make_model(split), split, GAEConfig(2), checkpoint=tmp_path / name, progress=False, **arguments
        )
        return result.history

    train = small.train
    fewer = LinkSplit(*(part.clone() for part in small))
    is_first = (train.edge_index.sort(dim=0).values == train.edge_index[:, :1].sort(dim=0).values).all(0)
    fewer.train.edge_index = train.edge_index[:, ~is_first]
    x, adjacency = model_inputs(train)
    sparse = SparseMatrix(train.x)
    before = {
        "plain": run("plain"),
        "prepared": run("prepared", inputs=(x, adjacency)),
        "sparse": run("sparse", inputs=(sparse, train.edge_index)),
    }
    others: list[tuple[str, dict[str, Any]]] = [
        ("plain", {"inputs": (torch.zeros_like(train.x), train.edge_index)}),
        ("plain", {"split": fewer}),
        ("prepared", {"inputs": (x, normalized_adjacency(fewer.train.edge_index, train.num_nodes))}),
        ("sparse", {"inputs": (sparse.with_values(2 * sparse.values), train.edge_index)}),
    ]
    for name, arguments in others:
        with pytest.raises(ValueError, match="was made by another run: inputs_crc32"):
            run(name, **arguments)
    assert run("plain") == before["plain"]
    assert run("prepared", inputs=model_inputs(train)) == before["prepared"]
    assert run("sparse", inputs=(SparseMatrix(train.x), train.edge_index)) == before["sparse"]


def test_weights_of_the_links_are_seen(small: LinkSplit) -> None:
    """By the encoders of this package; one that could not see them is refused."""
    weighted = LinkSplit(*(part.clone() for part in small))
    weighted.train.edge_weight = 1 + weighted.train.edge_index.sum(0) / 10
    config = GAEConfig(2)

    def run(**arguments: Any) -> Any:
        model = make_model(small)
        history = fit_gae(model, weighted, config, progress=False, **arguments).history
        return history, score_links(model, weighted.train, [[0, 1], [2, 3]])

    train = weighted.train
    adjacency = normalized_adjacency(train.edge_index, train.num_nodes, edge_weight=train.edge_weight)
    (history, scores), (expected, same) = run(), run(inputs=(train.x, adjacency))
    assert history == expected
    assert scores.equal(same)
    assert run(inputs=(train.x, train.edge_index))[0] != history

    class OfAnother(torch.nn.Module):
        def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return x, x[:, :1]

    model = SphericalGAE(OfAnother())
    with pytest.raises(ValueError, match=r"^split\.train\.edge_weight: given weights, which a OfAnother is not told"):
        fit_gae(model, weighted, config, progress=False)
    with pytest.raises(ValueError, match=r"^data\.edge_weight: given weights, which a OfAnother is not told"):
        score_links(model, train, [[0], [1]])
    assert score_links(model, train, [[0], [1]], inputs=(train.x, train.edge_index)).shape == (1,)


def test_weights_of_a_model_are_no_checkpoint(tmp_path: Path) -> None:
    split = small_split()
    model = make_model(split, "paper")
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(DamagedFileError, match=r"checkpoint: given .*weights\.pt, which holds no state of a training"):
        train(split, model, config=GAEConfig(epochs=1), checkpoint=tmp_path / "weights.pt")
