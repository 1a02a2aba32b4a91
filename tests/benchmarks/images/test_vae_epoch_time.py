import pytest
import torch

from benchmarks.images.vae_epoch_time import BARE, bare_autoencoder, table


def test_ratios_of_the_table() -> None:
    lines = list(table({10: {BARE: 2.0, "n-vae": 2.5, "s-vae": 3.0}}))
    assert len(lines) == 3
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")
    assert lines[2] == "| 10 | 2.00 | 2.50 | 3.00 | 1.20 | 1.50 |"


def test_bare_autoencoder_takes_every_image_once_and_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step for each batch of 64; after some epochs images of two kinds are told apart."""
    torch.manual_seed(0)
    images = torch.zeros(150, 784)
    images[:75, :392] = 1
    losses: list[tuple[int, float]] = []
    loss = torch.nn.functional.binary_cross_entropy_with_logits

    def see(output: torch.Tensor, x: torch.Tensor, reduction: str) -> torch.Tensor:
        value = loss(output, x, reduction=reduction)
        losses.append((len(x), float(value.detach()) / len(x)))
        return value

    monkeypatch.setattr(torch.nn.functional, "binary_cross_entropy_with_logits", see)
    epoch = bare_autoencoder(images, 2)
    for _ in range(20):
        epoch()
    assert [size for size, _ in losses] == [64, 64, 22] * 20
    assert losses[0][1] == pytest.approx(784 * 0.6931, rel=0.05)
    assert losses[-1][1] < 100
