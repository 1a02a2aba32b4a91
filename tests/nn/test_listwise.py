import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from spherical_gae.nn import listwise_loss


def test_is_cross_entropy_of_the_link_among_its_list() -> None:
    torch.manual_seed(0)
    positive, negative = torch.randn(7, dtype=torch.float64), torch.randn(7, 5, dtype=torch.float64)
    scores = torch.cat([positive[:, None], negative], dim=1)
    expected = F.cross_entropy(scores, torch.zeros(7, dtype=torch.long))
    torch.testing.assert_close(listwise_loss(positive, negative), expected)


def test_what_a_list_shares_cancels() -> None:
    positive, negative, shared = torch.randn(4), torch.randn(4, 3), torch.tensor([1.0, -2.0, 0.5, 3.0])
    moved = listwise_loss(positive + shared, negative + shared[:, None])
    torch.testing.assert_close(moved, listwise_loss(positive, negative))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shapes \[P\] and \[P, K\], not empty, got \(2,\) and \(3, 4\)"):
        listwise_loss(torch.zeros(2), torch.zeros(3, 4))
