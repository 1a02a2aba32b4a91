import json
from dataclasses import FrozenInstanceError
from importlib import resources
from typing import Any

import pytest
import torch
from torch import Tensor

from spherical_gae import GCNEncoder, NormalGAE, NormalizedPropagationEncoder, SphericalGAE
from spherical_gae.data.names import DATASETS
from spherical_gae.experiments.names import METHODS
from spherical_gae.experiments.presets import Preset, available_presets, build_model, load_preset
from spherical_gae.nn import (
    BatchNormPropagationEncoder,
    DegreeBiasedDecoder,
    FeatureNeighborEncoder,
    HadamardDecoder,
    PowerSphericalHead,
    ProductOfSpheresHead,
    ProjectedNormalHead,
    SphericalCauchyHead,
)

EDGE_INDEX = torch.tensor([[0, 1], [1, 0]])


def file_of(name: str) -> dict[str, Any]:
    return json.loads((resources.files("spherical_gae.experiments.presets") / f"{name}.json").read_text())


def weights(method: str, seed: int, preset: str = "paper") -> list[Tensor]:
    model = build_model(load_preset(preset).with_changes(latent_dim=24), method, 10, seed)
    return [tensor.clone() for tensor in model.state_dict().values()]


def test_every_file_in_the_package_is_a_preset() -> None:
    files = [
        file.name
        for file in resources.files("spherical_gae.experiments.presets").iterdir()
        if file.name.endswith(".json")
    ]
    assert available_presets() == sorted(name.removesuffix(".json") for name in files)
    assert {"paper", "frontier", "frontier-product"} <= set(available_presets())


@pytest.mark.parametrize("dataset", [None, *DATASETS])
@pytest.mark.parametrize("name", available_presets())
def test_preset_says_what_its_file_says(name: str, dataset: str | None) -> None:
    content = file_of(name)
    preset = load_preset(name, dataset)
    said = {"description": content["description"], **content["settings"]} | content["datasets"].get(dataset, {})
    for setting, value in said.items():
        assert getattr(preset, setting) == (tuple(value) if isinstance(value, list) else value)
    assert Preset(**json.loads(json.dumps(preset.to_dict()))) == preset
    assert preset.description.strip()
    assert "\n" not in preset.description


@pytest.mark.parametrize("name", available_presets())
def test_file_names_existing_data_sets_and_says_how_it_was_chosen(name: str) -> None:
    content = file_of(name)
    assert set(content) == {"description", "settings", "datasets", "selection"}
    assert set(content["datasets"]) <= set(DATASETS)
    assert content["selection"]


def test_citation_graphs_differ_in_dropout_epochs_and_one_decoder_only() -> None:
    """With the inner product everywhere, ``frontier`` is one recipe for all three."""
    for name in available_presets():
        for dataset in ("cora", "citeseer", "pubmed"):
            changed = set(file_of(name)["datasets"].get(dataset, {})) - {"dropout", "epochs"}
            assert changed == ({"decoder"} if (name, dataset) == ("frontier", "pubmed") else set())


def test_unknown_preset_is_refused() -> None:
    names = ", ".join(available_presets())
    with pytest.raises(ValueError, match=rf"preset must be one of {names}, got '\.\./presets/paper'"):
        load_preset("../presets/paper")


def test_changes_make_a_copy() -> None:
    preset = load_preset("paper")
    changed = preset.with_changes(latent_dim=7, epochs=None)
    assert (changed.latent_dim, changed.epochs) == (7, preset.epochs)
    assert changed.with_changes(latent_dim=preset.latent_dim) == preset
    assert preset == load_preset("paper")
    with pytest.raises(FrozenInstanceError):
        preset.epochs = 1  # type: ignore[misc]
    with pytest.raises(TypeError, match="no_such_setting"):
        preset.with_changes(no_such_setting=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "transformer"}, "encoder must be one of gcn, propagation, feature neighbors, .*, got 'tran"),
        ({"decoder": "bilinear"}, "decoder must be one of inner product, hadamard, got 'bilinear'"),
        ({"normal_decoder": "other"}, "normal_decoder must be one of plain, same, got 'other'"),
        ({"latent": "n"}, "latent must be one of s, p, ps, sc, f, plain, got 'n'"),
        ({"latent": "p", "num_factors": 2}, "latent must be s, f or plain on a product of spheres, got 'p'"),
        ({"latent_dim": 1}, "latent_dim must be at least 2, got 1"),
        ({"initial_concentration": "dim"}, "initial_concentration must be a number, 'dimension' or 'paper', got 'dim'"),
        ({"num_factors": 0}, "num_factors must be at least 1, got 0"),
        ({"latent_dim": 8, "num_factors": 3}, "latent_dim must be a multiple of num_factors, 3, .* got 8"),
        ({"latent_dim": 3, "num_factors": 3}, "at least twice it, got 3"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_preset("paper").with_changes(**changes)


def test_settings_reach_the_gcn_model() -> None:
    preset = load_preset("paper").with_changes(
        latent_dim=5, hidden_channels=7, dropout=0.25, min_concentration=0.5, decoder_scale=3.0
    )
    model = build_model(preset, "s-vgae", in_channels=10)
    assert isinstance(model, SphericalGAE)
    assert isinstance(model.encoder, GCNEncoder)
    shapes = {name: tuple(parameter.shape) for name, parameter in model.encoder.named_parameters()}
    assert shapes["hidden.weight"] == (7, 10)
    assert (shapes["outputs.0.weight"], shapes["outputs.1.weight"]) == ((5, 7), (1, 7))
    assert model.encoder.dropout == 0.25
    assert (model.head.min_concentration, model.head.initial_concentration) == (0.5, "paper")
    assert float(model.decoder.scale.detach()) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("latent", "head", "second"),
    [("p", ProjectedNormalHead, 5), ("ps", PowerSphericalHead, 1), ("sc", SphericalCauchyHead, 1)],
)
def test_latent_reaches_the_model(latent: str, head: type, second: int) -> None:
    """The encoder's second output has the head's width; the start has the noise of the smallest concentration."""
    preset = load_preset("paper").with_changes(latent=latent, latent_dim=5, min_concentration=400.0)
    model = build_model(preset, "s-vgae", in_channels=10)
    assert isinstance(model.head, head)
    assert model.encoder.outputs[1].weight.shape[0] == second
    if latent == "p":
        assert model.head.initial_scale == pytest.approx(0.05)
    else:
        assert (model.head.min_concentration, model.head.initial_concentration) == (400.0, "paper")
    with torch.no_grad():
        assert build_model(preset, "n-vgae", in_channels=10).head.min_logstd < 0


def test_settings_reach_the_product_model() -> None:
    preset = load_preset("frontier-product").with_changes(
        encoder="propagation",
        latent_dim=12,
        num_factors=3,
        num_steps=(4, 0, 2),
        dropout=0.125,
        degree_buckets=5,
        decoder_scale=6.0,
    )
    model = build_model(preset, "s-vgae", in_channels=10)
    assert isinstance(model.encoder, NormalizedPropagationEncoder)
    assert (model.encoder.num_steps, model.encoder.dropout) == ((4, 0, 2), 0.125)
    assert isinstance(model.head, ProductOfSpheresHead)
    assert model.head.num_factors == 3
    assert isinstance(model.decoder, DegreeBiasedDecoder)
    assert model.decoder.degree_bias.bias.shape == (5,)
    torch.testing.assert_close(model.decoder.decoder.scale.detach(), torch.full((3,), 2.0))


def test_settings_reach_the_model_with_feature_neighbors() -> None:
    preset = load_preset("frontier-product").with_changes(
        num_steps=(3, 0), num_feature_steps=(0, 2), num_neighbors=7, dropout=0.125
    )
    encoder = build_model(preset.with_changes(latent_dim=12, num_factors=2), "s-vgae", in_channels=10).encoder
    assert isinstance(encoder, FeatureNeighborEncoder)
    assert (encoder.num_steps, encoder.num_feature_steps) == ((3, 0), (0, 2))
    assert (encoder.num_neighbors, encoder.dropout) == (7, 0.125)
    sphere = preset.on_one_sphere(3)
    assert (sphere.latent_dim, sphere.num_factors) == (3, 1)
    assert (sphere.num_steps, sphere.num_feature_steps) == ((3,), (2,))
    build_model(sphere, "s-vgae", in_channels=10)


@pytest.mark.parametrize("latent", ["s", "ps", "sc"])
def test_start_of_the_concentration_reaches_the_head(latent: str) -> None:
    preset = load_preset("paper").with_changes(latent=latent, initial_concentration=70.0)
    assert build_model(preset, "s-vgae", in_channels=10).head.initial_concentration == 70.0


@pytest.mark.parametrize("name", available_presets())
def test_presets_keep_the_start_of_the_published_results(name: str) -> None:
    assert load_preset(name).initial_concentration == "paper"


def test_isolated_bucket_is_separately_switchable() -> None:
    for isolated in (True, False):
        model = build_model(load_preset("frontier").with_changes(isolated_bucket=isolated), "s-vgae", 10)
        assert model.decoder.degree_bias.isolated is isolated


def test_other_encoder_and_decoder() -> None:
    preset = load_preset("frontier").with_changes(
        encoder="batch-norm propagation", decoder="hadamard", degree_buckets=0
    )
    model = build_model(preset, "s-vgae", in_channels=10)
    assert isinstance(model.encoder, BatchNormPropagationEncoder)
    assert isinstance(model.decoder, HadamardDecoder)


def test_on_one_sphere() -> None:
    preset = load_preset("frontier-product").on_one_sphere(3)
    assert (preset.latent_dim, preset.num_factors) == (3, 1)
    assert (preset.num_steps, preset.num_feature_steps) == ((3,), (1,))
    assert load_preset("frontier").on_one_sphere(3).num_feature_steps == ()


@pytest.mark.parametrize("name", available_presets())
@pytest.mark.parametrize("method", METHODS)
def test_every_preset_makes_every_method(name: str, method: str) -> None:
    preset = load_preset(name)
    model = build_model(preset, method, in_channels=10)
    assert isinstance(model, {"s-vgae": SphericalGAE, "n-vgae": NormalGAE}[method])
    z = model.encode(torch.rand(2, 10), EDGE_INDEX)
    assert z.shape == (2, preset.latent_dim)
    if method == "s-vgae":
        norms = z.unflatten(-1, (preset.num_factors, -1)).norm(dim=-1)
        torch.testing.assert_close(norms, torch.ones(2, preset.num_factors))
    # The paper's normal model decodes by the plain inner product: nothing to learn.
    learns = any(parameter.requires_grad for parameter in model.decoder.parameters())
    assert learns is (method == "s-vgae" or preset.normal_decoder == "same")


def test_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="method must be one of s-vgae, n-vgae, got 'vae'"):
        build_model(load_preset("paper"), "vae", 10)


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


def test_settings_of_a_data_set_are_its_own_in_any_case() -> None:
    assert load_preset("frontier", "PubMed") == load_preset("frontier", "pubmed")
    assert load_preset("frontier", "PubMed") != load_preset("frontier")
