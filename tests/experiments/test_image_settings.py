"""Settings of image experiments: what is refused, and what is the same."""

import json
from typing import Any

import pytest

from spherical_gae.experiments.images import VAEExperiment


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "N-VAE"}, "model must be one of s-vae, n-vae, got 'N-VAE'"),
        ({"latent": "n"}, "latent must be one of s, .* got 'n'"),
        ({"prior_components": -1}, "prior_components must be at least 0, got -1"),
        ({"model": "n-vae", "latent": "ps"}, "must be left out beside model 'n-vae'"),
        ({"model": "n-vae", "prior_components": 5}, "must be left out beside model 'n-vae'"),
    ],
)
def test_another_model_than_is_asked_for_is_never_trained(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VAEExperiment(**values)


def test_a_list_of_widths_is_the_same_configuration() -> None:
    experiment = VAEExperiment(hidden_features=[32])  # type: ignore[arg-type]
    assert VAEExperiment.from_dict(json.loads(json.dumps(experiment.to_dict()))) == experiment
