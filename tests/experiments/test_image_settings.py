"""Settings of image experiments: what is refused, and what is the same."""

import json
from typing import Any

import pytest
import torch

from spherical_gae.experiments.images import M1M2Experiment, VAEExperiment


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


def test_decoder_of_a_scaled_latent_sees_its_coordinates_times_their_root() -> None:
    """The same weights, as the same numbers are drawn."""
    models = []
    for scaled in (False, True):
        torch.manual_seed(2)
        models.append(VAEExperiment(dim=3, hidden_features=(8,), scaled_latent=scaled).make_model(64))
    z = models[0].prior().sample((5,))
    torch.testing.assert_close(models[1].decoder(z), models[0].decoder(2 * z))
    assert "Scale(factor=2.0)" in repr(models[1])


def test_each_sphere_of_a_product_is_scaled_by_its_own_coordinates() -> None:
    assert "Scale(factor=1.7320508" in repr(VAEExperiment(dim=4, latent="sp", scaled_latent=True).make_model(64))
    model = M1M2Experiment(latent1="sp", dim1=4, scaled_latent=True).make_model(64)
    assert "Scale(factor=1.7320508" in repr(model.decoder1)


@pytest.mark.parametrize("kind", [VAEExperiment, M1M2Experiment])
@pytest.mark.parametrize("values", [{}, {"training": {"epochs": 3}, "hidden_features": []}, {"training": {}, "x": 1}])
def test_other_values_are_no_configuration(kind: Any, values: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError)):
        kind.from_dict(values)
