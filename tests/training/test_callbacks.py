import csv
import sys
from pathlib import Path

import pytest

from spherical_gae.training import CSVLogger, TensorBoardLogger
from spherical_gae.training.callbacks import call_all


def lines_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_what_one_callback_does_to_the_figures_is_its_own() -> None:
    seen = []
    call_all(
        [lambda epoch, figures: figures.clear(), lambda epoch, figures: seen.append((epoch, figures))], 3, {"a": 1}
    )
    assert seen == [(3, {"a": 1})]


def test_resumed_log_has_each_epoch_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.csv"
    first = CSVLogger(path)
    for epoch in (1, 2, 3):
        first(epoch, {"loss": epoch / 3, "val_auc": 0.5})
    # The checkpoint was that of epoch 1.
    second = CSVLogger(path)
    second(2, {"loss": 9.0, "val_auc": 0.75})
    assert lines_of(path) == [["epoch", "loss", "val_auc"], ["1", repr(1 / 3), "0.5"], ["2", "9.0", "0.75"]]


def test_new_run_starts_a_new_log(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    CSVLogger(path)(1, {"loss": 1.0})
    CSVLogger(path)(1, {"other": 2.0})
    assert lines_of(path) == [["epoch", "other"], ["1", "2.0"]]


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    logger = CSVLogger(path)
    logger(1, {"loss": 1.0})
    with pytest.raises(ValueError, match="figures: given other, allowed: loss as before"):
        logger(2, {"other": 1.0})
    with pytest.raises(ValueError, match=r"log\.csv: given columns epoch, loss, allowed: epoch, other"):
        CSVLogger(path)(2, {"other": 1.0})
    assert lines_of(path) == [["epoch", "loss"], ["1", "1.0"]]


def test_one_logger_of_two_runs_has_each_epoch_once(tmp_path: Path) -> None:
    """As in a notebook, where a run is given up, and resumed with the same object."""
    logger = CSVLogger(tmp_path / "log.csv")
    for first, last, loss in ((1, 4, 1.0), (3, 5, 2.0)):
        for epoch in range(first, last + 1):
            logger(epoch, {"loss": loss})
    assert lines_of(tmp_path / "log.csv")[1:] == [[str(k), "1.0" if k < 3 else "2.0"] for k in range(1, 6)]
    logger(1, {"other": 3.0})
    assert lines_of(tmp_path / "log.csv") == [["epoch", "other"], ["1", "3.0"]]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_tensorboard_reads_what_was_written_and_a_resumed_epoch_once(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    first = TensorBoardLogger(tmp_path)
    for epoch in (1, 2, 3):
        first(epoch, {"loss": float(epoch)})
    # The same object goes on, or another one.
    first(3, {"loss": 0.5})
    first.close()
    second = TensorBoardLogger(tmp_path)
    second(3, {"loss": 0.25})
    second.close()
    events = event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 1.0), (2, 2.0), (3, 0.25)]


def test_missing_tensorboard_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        TensorBoardLogger(tmp_path)


def test_an_empty_file_is_a_new_log(tmp_path: Path) -> None:
    (tmp_path / "log.csv").touch()
    CSVLogger(tmp_path / "log.csv")(3, {"loss": 1.0})
    assert lines_of(tmp_path / "log.csv") == [["epoch", "loss"], ["3", "1.0"]]
