"""Training steps by torch.compile: one graph, and eager's figures."""

from collections.abc import Iterator

import pytest
import torch

from spherical_gae import GAEConfig
from spherical_gae.data import LinkSplit
from spherical_gae.experiments.links import gae_config, model_inputs
from spherical_gae.experiments.presets import available_presets, load_preset
from spherical_gae.training.links.full_batch import FullBatchRun
from tests.helpers.link_runs import assert_identical, make_model, small_split, train

pytestmark = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
ARGUMENTS = [(name, "s-vgae") for name in available_presets()] + [("paper", "n-vgae")]


@pytest.fixture(scope="module")
def small() -> LinkSplit:
    return small_split()


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def make_run(split: LinkSplit, preset: str, method: str) -> FullBatchRun:
    settings = load_preset(preset)
    torch.manual_seed(0)
    factors, steps, feature_steps = settings.num_factors, settings.num_steps, settings.num_feature_steps
    if factors > 2:
        factors, steps, feature_steps = 2, (1, 0), (0, 1)
    model = make_model(split, preset, method, num_factors=factors, num_steps=steps, num_feature_steps=feature_steps)
    return FullBatchRun(model, split, gae_config(settings), model_inputs(split.train), 0, torch.device("cpu"))


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "method"), ARGUMENTS, ids=["-".join(pair) for pair in ARGUMENTS])
def test_training_steps_of_every_preset_are_one_graph(small: LinkSplit, preset: str, method: str) -> None:
    """Without a graph break, the losses of three steps are those without compile, on the same random numbers."""
    losses = []
    for is_compiled in (False, True):
        run = make_run(small, preset, method)
        if is_compiled:
            run.compiled_loss = torch.compile(run.whole_loss, fullgraph=True, backend="aot_eager")
        else:
            run.compiled_loss = run.whole_loss
        torch.manual_seed(0)
        losses.append([run.train_step() for _ in range(3)])
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert len(set(losses[0])) == 3


@pytest.mark.slow
def test_fit_gae_compiles(small: LinkSplit, tmp_path) -> None:
    """A compiled run resumes bit for bit, and is none that one without compile continues."""
    path, arguments = tmp_path / "run.ckpt", {"compile": "aot_eager", "config": GAEConfig(5)}
    whole = train(small, **arguments)
    assert whole[1].history["loss"][-1] < whole[1].history["loss"][0]
    torch._dynamo.reset()
    assert_identical(train(small, checkpoint=path, **arguments), whole)
    with pytest.raises(ValueError, match=r"made by another run: .*backend"):
        train(small, checkpoint=path, config=GAEConfig(5))


def test_batches_of_links_are_not_compiled(small: LinkSplit) -> None:
    with pytest.raises(ValueError, match=r"compile must be False in batches of links: .*batch_size=0"):
        train(small, make_model(small, "scalable"), compile=True, config=GAEConfig(2, batch_size=64))
