import json
from dataclasses import replace

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
