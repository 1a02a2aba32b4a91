import json
from dataclasses import replace
from typing import Any

import pytest

from spherical_gae.experiments import ExperimentConfig, load_preset


def test_configuration_goes_through_json() -> None:
    config = ExperimentConfig("digits", "paper", load_preset("paper").with_changes(epochs=4), (2, 0))
    saved = json.loads(json.dumps(config.to_dict()))
    assert ExperimentConfig.from_dict(saved) == config
    # What else a run folder's file has is no part of it.
    assert ExperimentConfig.from_dict({**saved, "made": {"date": "2026-01-01"}}) == config
    assert (saved["seeds"], saved["preset_name"], saved["preset"]["epochs"]) == ([2, 0], "paper", 4)
    own = replace(config, dataset="/a/b.csv", features="/a/x.npy", dataset_sha256="1", features_sha256="2")
    assert ExperimentConfig.from_dict(json.loads(json.dumps(own.to_dict()))) == own
    assert (config.title, own.title) == ("digits", "b")


@pytest.mark.parametrize("seeds", [[0, 1], range(2), (0, 1)])
def test_seeds_of_any_sequence_are_one_configuration(seeds: Any) -> None:
    config = ExperimentConfig("digits", "frontier", load_preset("frontier", "digits"), seeds)
    assert config.seeds == (0, 1)
    assert ExperimentConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("seeds", [(), (0, 0), (1, -1)])
def test_seeds_that_cannot_be_are_refused(seeds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"seeds must be at least one, all different, none negative, got \("):
        ExperimentConfig("digits", "frontier", load_preset("frontier", "digits"), seeds)
