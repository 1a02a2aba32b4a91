import numpy as np
import pytest

from spherical_gae.nn.initial_concentration import check_initial_concentration


@pytest.mark.parametrize("value", [2, 0.5, np.int64(16), np.float32(2), "dimension", "paper"])
def test_numbers_and_names_pass(value: object) -> None:
    check_initial_concentration(value)


@pytest.mark.parametrize("value", [True, None, "large", [1.0]])
def test_anything_else_is_refused_by_name(value: object) -> None:
    with pytest.raises(ValueError, match=r"^initial_concentration must be a number, 'dimension' or 'paper', got"):
        check_initial_concentration(value)
