from contextlib import suppress

from torch import nn

from spherical_gae.nn.modes import evaluating


def test_each_part_comes_back_in_the_mode_it_was_in() -> None:
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout().eval(), nn.Dropout()))
    before = [module.training for module in model.modules()]
    assert before.count(False) == 1
    # After an error, too.
    with suppress(KeyError), evaluating(model):
        assert not any(module.training for module in model.modules())
        raise KeyError
    assert [module.training for module in model.modules()] == before
