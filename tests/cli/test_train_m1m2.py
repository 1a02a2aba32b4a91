import json
from pathlib import Path
from typing import Any

import pytest
import torch

from spherical_gae.experiments.images import M1M2Experiment
from tests.helpers.cli_calls import assert_refused_at_once, call

BAD: list[tuple[list[Any], str, list[str]]] = [
    (["--latents", "s"], "--latents", ["'s'", "s+s, s+n, s+p, s+ps, s+sc, s+sp, n+s, n+n, n+p"]),
    (["--latents", "s+x"], "--latents", ["'s+x'", "s+s, s+n, s+p"]),
    (["--dim1", 0], "--dim1", ["given 0", "1 or more"]),
    (["--dim2", -2], "--dim2", ["given -2", "1 or more"]),
    (["--latents", "s+sp", "--dim2", 5], "--dim2", ["must be even", "got 5"]),
    (["--first-stage-epochs", -1], "--first-stage-epochs", ["given -1", "0 or more"]),
    (["--scaled-latent", "--latents", "n+s"], "--scaled-latent", ["not beside --latents n+s"]),
    (["--labels", 0], "--labels", ["given 0", "1 or more"]),
    (["--labels", 15], "--labels", ["got 15", "multiple of the 10 classes"]),
    (["--labels", 100_000], "--labels", ["got 100000", "at most 1160, 116 for each class"]),
]


@pytest.mark.parametrize(("arguments", "option", "fragments"), BAD)
def test_bad_value_is_refused_in_one_line_before_anything_is_done(
    no_training: None, arguments: list[Any], option: str, fragments: list[str]
) -> None:
    assert_refused_at_once(call("train-m1m2", *arguments), option, *fragments)


def test_scaled_latent_multiplies_what_is_decoded_by_the_root_of_its_coordinates(small: None, tmp_path: Path) -> None:
    """And a resumed run keeps it."""
    call("train-m1m2", "--latents", "p+n", "--dim1", 3, "--epochs", 1, "--scaled-latent", "--out", tmp_path / "run")
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    decoder: Any = M1M2Experiment.from_dict(saved).make_model(64).decoder1
    assert decoder[0](torch.ones(1)).item() == 2
    assert call("train-m1m2", "--resume", "--out", tmp_path / "run", "--scaled-latent").exit_code == 0
