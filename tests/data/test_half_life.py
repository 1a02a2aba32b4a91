import math

import pytest

from spherical_gae.data.half_life import check_half_life
from spherical_gae.experiments.presets import load_preset


@pytest.mark.parametrize("half_life", [0, -1, math.inf, math.nan])
def test_what_is_no_half_life_is_refused(half_life: float) -> None:
    message = rf"half_life: given {half_life}, allowed: a finite number above 0, or None"
    with pytest.raises(ValueError, match=message):
        check_half_life(half_life)
    with pytest.raises(ValueError, match=message):
        load_preset("paper").with_changes(half_life=half_life)


def test_small_and_large_ones_are_half_lives() -> None:
    assert [check_half_life(half_life) for half_life in (1e-300, 1, 1e300)] == [None] * 3
