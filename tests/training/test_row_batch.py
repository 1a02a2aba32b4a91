import pytest
import torch
from link_runs import small_split
from torch import Tensor

from spherical_gae import FitConfig, InnerProductDecoder, SphericalGAE
from spherical_gae.data import LinkSplit
from spherical_gae.nn import DegreeBiasedDecoder, PropagatedEncoder, node_degree
from spherical_gae.training.experiment import model_inputs
from spherical_gae.training.row_batch import RowBatchRun

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


def make_run(split: LinkSplit, file: str | None = None, **settings: object) -> RowBatchRun:
    torch.manual_seed(0)
    encoder = PropagatedEncoder(split.train.num_features, (8, 1), num_steps=(0, 1))
    model = SphericalGAE(encoder, DegreeBiasedDecoder(InnerProductDecoder()))
    config = FitConfig(**{"epochs": 6, "batch_size": 100} | settings)  # type: ignore[arg-type]
    return RowBatchRun(model, split, config, model_inputs(split.train), 0, CPU, file)


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
        torch.testing.assert_close(rows, run.encoder.precompute(small.train.x, visible))
        assert torch.equal(known["degree"], node_degree(visible, small.train.num_nodes))
        masks.append(as_pairs(hidden))
        run.epoch += 1
    assert masks[0] == masks[1] == masks[2] != masks[3]
    assert len(masks[0]) == round(0.25 * len(everything))
    # Scores are from the graph of all training links.
    torch.testing.assert_close(run.rows, run.encoder.precompute(small.train.x, small.train.edge_index))


def test_rows_in_a_file_train_alike(small: LinkSplit, tmp_path: object) -> None:
    in_memory, in_file = make_run(small), make_run(small, f"{tmp_path}/rows")
    assert in_memory.train_step() == in_file.train_step()
