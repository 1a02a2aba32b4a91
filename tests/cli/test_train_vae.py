import json
from pathlib import Path
from typing import Any

import pytest
import torch

from spherical_gae.experiments.images import VAEExperiment
from tests.helpers.cli_calls import assert_refused_at_once, call

BAD: list[tuple[list[Any], str, list[str]]] = [
    (["--model", "vae"], "--model", ["'vae'", "s-vae, n-vae"]),
    (["--dim", 0], "--dim", ["given 0", "1 or more"]),
    (["--latent", "n"], "--latent", ["'n'", "s, p, ps, sc, sp"]),
    (["--latent", "p", "--model", "n-vae"], "--latent", ["'p'", "none beside --model n-vae"]),
    (["--latent", "sp", "--dim", 3], "--dim", ["must be even", "got 3"]),
    (["--scaled-latent", "--model", "n-vae"], "--scaled-latent", ["not beside --model n-vae"]),
]


@pytest.mark.parametrize(("arguments", "option", "fragments"), BAD)
def test_bad_value_is_refused_in_one_line_before_anything_is_done(
    no_training: None, arguments: list[Any], option: str, fragments: list[str]
) -> None:
    assert_refused_at_once(call("train-vae", *arguments), option, *fragments)


def test_scaled_latent_multiplies_what_is_decoded_by_the_root_of_its_coordinates(small: None, tmp_path: Path) -> None:
    """And a resumed run keeps it."""
    call("train-vae", "--dim", 3, "--epochs", 1, "--scaled-latent", "--out", tmp_path / "run")
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    decoder: Any = VAEExperiment.from_dict(saved).make_model(64).decoder
    assert decoder[0](torch.ones(1)).item() == 2
    assert call("train-vae", "--resume", "--out", tmp_path / "run", "--scaled-latent").exit_code == 0
