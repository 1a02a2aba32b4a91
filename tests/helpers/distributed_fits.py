"""What the tests run in two processes."""

from pathlib import Path
from typing import Any

import torch

from spherical_gae import GAEConfig
from spherical_gae.training.links.mini_batch import LinkBatch
from spherical_gae.training.links.row_batch import RowBatchRun
from spherical_gae.training.processes import Processes
from tests.helpers.link_runs import make_model, small_split, train

CONFIG = GAEConfig(4, batch_size=100, mask_share=0.2, remask_every=2)


def exchange() -> dict[str, Any]:
    """What the processes tell each other."""
    processes = Processes.current()
    found: dict[str, Any] = {"processes": processes}
    for total in (1, 2, 7, 8):
        everything = torch.arange(3.0 * total).view(3, total)
        own = processes.share(everything)[2]
        found[f"own {total}"], found[f"all {total}"] = own, processes.gather(own, total)
    found["mean"] = processes.mean(torch.tensor(10.0 + processes.rank))
    found["agreed"] = processes.agree({"rank": processes.rank})
    found["full batch"] = full_batch_error()
    found["batches"] = batches_of_an_epoch()
    return found


def batches_of_an_epoch() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Links and negatives of the batches that this process makes."""
    split = small_split()
    run = RowBatchRun(make_model(split, "scalable"), split, GAEConfig(batch_size=100), None, 0, torch.device("cpu"))
    seen, make_batch = [], run.make_batch

    def make_and_see(positives: torch.Tensor, negatives: torch.Tensor) -> LinkBatch:
        seen.append((positives, negatives))
        return make_batch(positives, negatives)

    run.make_batch = make_and_see  # type: ignore[method-assign]
    run.train_step()
    return seen


def fit_together(checkpoint: Path | None = None, epochs: int = 4) -> Any:
    """Weights and result of a run on the small split."""
    split = small_split()
    config = GAEConfig(**{**CONFIG.__dict__, "epochs": epochs})
    return train(split, make_model(split, "scalable"), config=config, checkpoint=checkpoint)


def full_batch_error() -> str:
    """What the full batch says in two processes."""
    split = small_split()
    try:
        train(split, make_model(split, "scalable"), config=GAEConfig(1, batch_size=0))
    except ValueError as error:
        return str(error)
    return "no error"
