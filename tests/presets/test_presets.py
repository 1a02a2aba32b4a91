import json
from dataclasses import FrozenInstanceError
from importlib import resources

import pytest
import torch
from torch import Tensor

from spherical_gae import GCNEncoder, NormalGAE, NormalizedPropagationEncoder, SphericalGAE
from spherical_gae.presets import METHODS, Preset, available_presets, build_model, load_preset

EDGE_INDEX = torch.tensor([[0, 1], [1, 0]])


def weights(method: str, seed: int, preset: str = "gcn") -> list[Tensor]:
    model = build_model(load_preset(preset).with_changes(latent_dim=4), method, 10, seed)
    return [tensor.clone() for tensor in model.state_dict().values()]


def test_every_file_in_the_package_is_a_preset() -> None:
    files = [file.name for file in resources.files("spherical_gae.presets").iterdir() if file.name.endswith(".json")]
    assert available_presets() == sorted(name.removesuffix(".json") for name in files)
    assert {"gcn", "propagation"} <= set(available_presets())


@pytest.mark.parametrize("name", available_presets())
def test_preset_says_what_its_file_says(name: str) -> None:
    text = (resources.files("spherical_gae.presets") / f"{name}.json").read_text()
    preset = load_preset(name)
    assert json.loads(text).items() <= preset.to_dict().items()
    assert Preset(**json.loads(json.dumps(preset.to_dict()))) == preset
    assert preset.description.strip()
    assert "\n" not in preset.description


def test_unknown_preset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"preset must be one of gcn, propagation, got '\.\./presets/gcn'"):
        load_preset("../presets/gcn")


def test_changes_make_a_copy() -> None:
    preset = load_preset("gcn")
    changed = preset.with_changes(latent_dim=7, epochs=None)
    assert (changed.latent_dim, changed.epochs) == (7, preset.epochs)
    assert changed.with_changes(latent_dim=preset.latent_dim) == preset
    assert preset == load_preset("gcn")
    with pytest.raises(FrozenInstanceError):
        preset.epochs = 1  # type: ignore[misc]
    with pytest.raises(TypeError, match="no_such_setting"):
        preset.with_changes(no_such_setting=1)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="encoder must be one of gcn, propagation, got 'transformer'"):
        load_preset("gcn").with_changes(encoder="transformer")
    with pytest.raises(ValueError, match="latent_dim must be at least 2, got 1"):
        load_preset("gcn").with_changes(latent_dim=1)


def test_settings_reach_the_gcn_model() -> None:
    preset = load_preset("gcn").with_changes(
        latent_dim=5, hidden_channels=7, dropout=0.25, min_concentration=0.5, decoder_scale=3.0
    )
    model = build_model(preset, "s-vgae", in_channels=10)
    assert isinstance(model, SphericalGAE)
    assert isinstance(model.encoder, GCNEncoder)
    shapes = {name: tuple(parameter.shape) for name, parameter in model.encoder.named_parameters()}
    assert shapes["hidden.weight"] == (7, 10)
    assert (shapes["outputs.0.weight"], shapes["outputs.1.weight"]) == ((5, 7), (1, 7))
    assert model.encoder.dropout == 0.25
    assert model.head.min_concentration == 0.5
    assert float(model.decoder.scale.detach()) == pytest.approx(3.0)


def test_settings_reach_the_propagation_model() -> None:
    preset = load_preset("propagation").with_changes(latent_dim=5, num_steps=4, dropout=0.125)
    model = build_model(preset, "s-vgae", in_channels=10)
    assert isinstance(model.encoder, NormalizedPropagationEncoder)
    assert (model.encoder.num_steps, model.encoder.dropout) == (4, 0.125)


@pytest.mark.parametrize("name", available_presets())
@pytest.mark.parametrize("method", METHODS)
def test_every_preset_makes_every_method(name: str, method: str) -> None:
    preset = load_preset(name)
    model = build_model(preset, method, in_channels=10)
    assert isinstance(model, {"s-vgae": SphericalGAE, "n-vgae": NormalGAE}[method])
    assert model.encode(torch.rand(2, 10), EDGE_INDEX).shape == (2, preset.latent_dim)
    # The normal model's decoder is the plain inner product: nothing to learn.
    assert any(parameter.requires_grad for parameter in model.decoder.parameters()) is (method == "s-vgae")


def test_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="method must be one of s-vgae, n-vgae, got 'vae'"):
        build_model(load_preset("gcn"), "vae", 10)


@pytest.mark.parametrize("name", available_presets())
@pytest.mark.parametrize("method", METHODS)
def test_weights_depend_on_the_seed_alone(name: str, method: str) -> None:
    first = weights(method, 3, name)
    torch.manual_seed(99)
    again = weights(method, 3, name)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    other = weights(method, 4, name)
    assert any(not torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_generators_are_left_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the accelerators too, which torch.manual_seed would reseed."""
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("reseeded the GPUs"))
    before = torch.get_rng_state()
    weights("s-vgae", 3)
    assert torch.equal(torch.get_rng_state(), before)
