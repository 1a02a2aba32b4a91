from pathlib import Path

import pytest
import torch

from benchmarks.links import methods as link_methods
from benchmarks.links.methods import METHODS, PYG, TRAINED, run_method
from benchmarks.links.pyg_autoencoders import (
    embed,
    inner_product_scores,
    make_model,
    prepare,
    train_embeddings,
    training_step,
)
from spherical_gae import load_graph, split_links
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.presets import Preset, load_preset

UNIFORM = {"auc", "ap", "mrr", "hits_at_10", "ndcg_at_10"}
SCORES = UNIFORM | {f"{name}_connected" for name in UNIFORM} | {"auc_degree_matched", "ap_degree_matched"}
TRAINING = {"auc_last", "ap_last", "val_auc", "val_ap", "best_epoch"}


@pytest.fixture(scope="module")
def split() -> LinkSplit:
    return split_links(load_graph("digits"), seed=1)


@pytest.fixture
def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(name: str, dataset: str | None = None) -> Preset:
        return load_preset(name, dataset).with_changes(epochs=3)

    monkeypatch.setattr(link_methods, "load_preset", short)
    for name, settings in TRAINED.items():
        changes = {key: value for key, value in settings.changes.items() if key != "epochs"}
        monkeypatch.setitem(TRAINED, name, settings._replace(changes=changes))
    monkeypatch.setattr("benchmarks.links.pyg_autoencoders.EPOCHS", 3)


@pytest.mark.slow
@pytest.mark.usefixtures("few_epochs")
@pytest.mark.parametrize("method", METHODS)
def test_a_cell_is_a_function_of_its_arguments(split: LinkSplit, method: str, tmp_path: Path) -> None:
    first = run_method(method, "digits", split, 1, tmp_path / "cell.ckpt")
    torch.manual_seed(99)
    assert run_method(method, "digits", split, 1, tmp_path / "cell.ckpt") == first
    assert list(tmp_path.iterdir()) == []
    trained = method in PYG or method in TRAINED
    expected = SCORES | (TRAINING | {"ece", "brier"} if trained else set())
    # The paper's models have no bias by degree to switch off.
    if method in TRAINED and not method.startswith("paper"):
        expected |= {"auc_bucket_off", "ap_bucket_off"}
    assert set(first) == expected
    assert all(0 <= value <= 1 for name, value in first.items() if name != "best_epoch")


@pytest.mark.usefixtures("few_epochs")
def test_isolated_bucket_is_what_differs(monkeypatch: pytest.MonkeyPatch, split: LinkSplit, tmp_path: Path) -> None:
    used: list[Preset] = []
    original = link_methods.train_once

    def spy(split: LinkSplit, preset: Preset, *rest: object, **options: object) -> object:
        used.append(preset)
        return original(split, preset, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(link_methods, "train_once", spy)
    for method in ("frontier s-vgae", "frontier s-vgae, no isolated bucket"):
        run_method(method, "digits", split, 0, tmp_path / "cell.ckpt")
    assert used[0].isolated_bucket
    assert used[0].with_changes(isolated_bucket=False) == used[1]


@pytest.mark.parametrize("method", PYG)
def test_pyg_embeddings_are_those_of_the_best_validation_epoch(
    split: LinkSplit, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.links.pyg_autoencoders.EPOCHS", 5)
    chosen, best, last = train_embeddings(split, method, seed=3)
    model, train, every = make_model(method, split.train.num_features, 3), prepare(split), []
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(5):
        training_step(model, optimizer, train)
        every.append(embed(model, train))
    sums = [sum(inner_product_scores(z, split.val)) for z in every]
    assert chosen["best_epoch"] == 1 + sums.index(max(sums))
    assert torch.equal(best, every[chosen["best_epoch"] - 1])
    assert torch.equal(last, every[-1])
    assert chosen["val_auc"] + chosen["val_ap"] == max(sums)
