from typing import Any

import pytest
import torch

from spherical_gae import GAEConfig, score_links
from spherical_gae.data import LinkSplit
from spherical_gae.evaluation import auc_ap, criterion_value, hits_at_k, link_ranks
from spherical_gae.experiments.links import model_inputs
from tests.helpers.link_runs import StopHereError, assert_identical, make_model, small_split, stop_at, train


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


@pytest.fixture(scope="module")
def with_own(small: LinkSplit) -> LinkSplit:
    """The same with seven negatives of its own for each validation and test link."""
    parts = [part.clone() for part in small]
    for part in parts[1:]:
        count = part.pos_edge_label_index.size(1)
        part.neg_edge_label_index = torch.randint(400, (count, 7, 2), generator=torch.Generator().manual_seed(count))
    return LinkSplit(*parts)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("select_by", ["auc+ap", "auc", "mrr", "hits@1"])
def test_kept_weights_are_the_best_by_what_was_chosen(
    small: LinkSplit, with_own: LinkSplit, own: bool, select_by: str
) -> None:
    split = with_own if own else small
    model = make_model(split)
    _, result = train(split, model, config=GAEConfig(12, select_by=select_by))
    val = split.val
    inputs = model_inputs(split.train)
    positive, negative = (
        score_links(model, split.train, pairs, inputs=inputs)
        for pairs in (val.pos_edge_label_index, val.neg_edge_label_index)
    )
    value = criterion_value(select_by, positive, negative)
    history = result.history
    by_epoch = {
        "auc+ap": [sum(pair) for pair in zip(history["val_auc"], history["val_ap"], strict=True)],
        "auc": history["val_auc"],
    }.get(select_by) or history[f"val_{select_by}"]
    assert value == max(by_epoch) == by_epoch[result.best_epoch - 1]
    assert by_epoch.index(value) == result.best_epoch - 1
    assert result.val == auc_ap(positive, negative)
    assert len(set(by_epoch)) > 1


def test_the_choice_changes_neither_training_nor_the_default(small: LinkSplit) -> None:
    results = [train(small, config=GAEConfig(12, select_by=name))[1] for name in ("auc+ap", "auc", "mrr", "hits@1")]
    assert train(small, config=GAEConfig(12))[1] == results[0]
    assert list(results[0].history) == ["loss", "val_auc", "val_ap"]
    assert list(results[2].history) == ["loss", "val_auc", "val_ap", "val_mrr"]
    for result in results[1:]:
        assert all(result.history[name] == results[0].history[name] for name in results[0].history)


@pytest.mark.parametrize("own", [False, True])
def test_batches_score_as_the_full_batch_does(small: LinkSplit, with_own: LinkSplit, own: bool) -> None:
    split = with_own if own else small
    model = make_model(split, "scalable")
    _, result = train(split, model, config=GAEConfig(2, batch_size=100, select_by="hits@1"))
    positive, negative = (
        score_links(model, split.train, pairs, inputs=model_inputs(split.train))
        for pairs in (split.val.pos_edge_label_index, split.val.neg_edge_label_index)
    )
    assert max(result.history["val_hits@1"]) == pytest.approx(hits_at_k(positive, negative, 1), abs=0.02)
    assert result.val == pytest.approx(auc_ap(positive, negative), abs=1e-3)
    assert link_ranks(positive, negative).max() > 1


def test_resumed_selects_as_if_it_had_not_been_stopped(small: LinkSplit, tmp_path: Any) -> None:
    config = GAEConfig(40, select_by="mrr")
    expected = train(small, config=config)
    model = make_model(small)
    stop_at(model, 2 * 30)
    with pytest.raises(StopHereError):
        train(small, model, config=config, checkpoint=tmp_path / "run.ckpt")
    assert_identical(train(small, config=config, checkpoint=tmp_path / "run.ckpt"), expected)
    with pytest.raises(ValueError, match=r"select_by"):
        train(small, config=GAEConfig(40), checkpoint=tmp_path / "run.ckpt")


def test_other_choices_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^select_by must be 'auc\+ap', 'auc', 'mrr' or 'hits@K' .* got 'hits'"):
        GAEConfig(select_by="hits")


def test_more_hits_than_negatives_are_refused_before_any_epoch(small: LinkSplit, with_own: LinkSplit) -> None:
    """Every link would be a hit, and the first epoch the best."""
    count = small.val.neg_edge_label_index.size(1)
    with pytest.raises(ValueError, match=rf"^select_by must be at most hits@{count}, .* that all links share"):
        train(small, config=GAEConfig(1, select_by=f"hits@{count + 1}"))
    with pytest.raises(ValueError, match=r"^select_by must be at most hits@7, .* of each link's own, got 'hits@50'"):
        train(with_own, config=GAEConfig(1, select_by="hits@50"))
