import tempfile
from pathlib import Path

import pytest
import torch
from torch import Tensor

from spherical_gae import GAEConfig, InnerProductDecoder, SphericalGAE
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.links import model_inputs
from spherical_gae.nn import DegreeBiasedDecoder, PropagatedEncoder, node_degree, normalized_adjacency
from spherical_gae.training.links import row_batch
from spherical_gae.training.links.row_batch import RowBatchRun
from tests.helpers.link_runs import small_split

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


def make_run(split: LinkSplit, **settings: object) -> RowBatchRun:
    torch.manual_seed(0)
    encoder = PropagatedEncoder(split.train.num_features, (8, 1), num_steps=(0, 1))
    model = SphericalGAE(encoder, DegreeBiasedDecoder(InnerProductDecoder()))
    config = GAEConfig(**{"epochs": 6, "batch_size": 100} | settings)  # type: ignore[arg-type]
    return RowBatchRun(model, split, config, model_inputs(split.train), 0, CPU)


def as_pairs(links: Tensor) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in links.t().tolist()}


def test_batch_is_a_gather_of_rows_and_degrees(small: LinkSplit) -> None:
    run = make_run(small)
    positives, negatives = small.val.pos_edge_label_index, small.val.neg_edge_label_index[:, :7]
    batch = run.make_batch(positives, negatives)
    degree = node_degree(small.train.edge_index, small.train.num_nodes)
    for pairs, places in ((positives, batch.positives), (negatives, batch.negatives)):
        assert torch.equal(batch.inputs[0][places], run.rows[pairs])
        assert torch.equal(batch.known["degree"][places], degree[pairs])
    assert batch.inputs[0].size(0) == 2 * (positives.size(1) + 7)


def test_mask_hides_what_is_predicted_and_is_kept_as_long_as_asked(small: LinkSplit) -> None:
    run = make_run(small, mask_share=0.25, remask_every=3)
    everything = as_pairs(small.train.edge_index)
    masks = []
    for _ in range(4):
        hidden = run.links_to_predict()
        rows, known = run._visible
        visible = small.train.edge_index[
            :, [pair not in as_pairs(hidden) for pair in map(tuple, small.train.edge_index.sort(0).values.t().tolist())]
        ]
        assert as_pairs(visible) | as_pairs(hidden) == everything
        torch.testing.assert_close(rows, run.model.encoder.precompute(small.train.x, visible))
        assert torch.equal(known["degree"], node_degree(visible, small.train.num_nodes))
        masks.append(as_pairs(hidden))
        run.epoch += 1
    assert masks[0] == masks[1] == masks[2] != masks[3]
    assert len(masks[0]) == round(0.25 * len(everything))
    # Scores are from the graph of all training links.
    torch.testing.assert_close(run.rows, run.model.encoder.precompute(small.train.x, small.train.edge_index))


def test_large_rows_are_mapped_and_train_alike(
    small: LinkSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has no name any more, so that it is gone with the run."""
    in_memory = make_run(small, mask_share=0.2)
    expected = [in_memory.train_step(), in_memory.train_step()]
    monkeypatch.setattr(row_batch, "_MAPPED_ABOVE", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files = []
    original = torch.from_file
    monkeypatch.setattr(torch, "from_file", lambda file, **given: files.append(file) or original(file, **given))
    in_file = make_run(small, mask_share=0.2)
    assert [in_file.train_step(), in_file.train_step()] == expected
    assert len(files) == 3
    assert all(str(tmp_path) in file for file in files)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("weighted", [True, False])
def test_masks_have_weights_if_the_graph_has(small: LinkSplit, weighted: bool) -> None:
    """Weights of the split that the inputs leave out are left out of the masks too."""
    split = LinkSplit(*(part.clone() for part in small))
    train = split.train
    train.edge_weight = 1 + train.edge_index.sum(0) / 100
    weight = train.edge_weight if weighted else None
    graph = normalized_adjacency(train.edge_index, train.num_nodes, edge_weight=weight)
    torch.manual_seed(0)
    model = SphericalGAE(PropagatedEncoder(64, (8, 1)))
    run = RowBatchRun(model, split, GAEConfig(batch_size=50, mask_share=0.3), (train.x, graph), 0, CPU)
    hidden = as_pairs(run.links_to_predict())
    kept = torch.tensor([pair not in hidden for pair in map(tuple, train.edge_index.sort(0).values.t().tolist())])
    visible = train.edge_index[:, kept]
    expected = normalized_adjacency(visible, train.num_nodes, edge_weight=weight[kept] if weighted else None)
    torch.testing.assert_close(run._visible[0], expected @ train.x)


def test_few_links_are_masked_and_the_full_batch_is_refused(small: LinkSplit) -> None:
    few = LinkSplit(*(part.clone() for part in small))
    few.train.pos_edge_label_index = few.train.pos_edge_label_index[:, :5]
    few.train.edge_index = torch.cat([few.train.pos_edge_label_index, few.train.pos_edge_label_index.flip(0)], dim=1)
    run = make_run(few, mask_share=0.15)
    run.step()
    assert run.links_to_predict().size(1) == 1
    with pytest.raises(ValueError, match="batch_size of at least 1 to train in batches, got the full batch"):
        make_run(small, batch_size=0)
