"""Images by name, split into training, validation and test set, and their dynamic binarisation."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor

from spherical_gae.data.mnist import load_mnist
from spherical_gae.data.names import IMAGE_DATASETS

NUM_MNIST_TRAIN = 50_000
"""Images of the published MNIST training set to train on; the other 10,000 validate."""

NUM_DIGITS_HELD_OUT = 300
"""Validation images, and as many test images, of the digits."""


class ImageSet(NamedTuple):
    """Images and what they show.

    Attributes:
        images: Float32 ``[N, F]``, a row of intensities in [0, 1] for each image.
        labels: Int64 ``[N]``.

    Example:
        >>> some = ImageSet(torch.rand(3, 64), torch.tensor([7, 1, 7]))
        >>> some.images[some.labels == 7].shape
        torch.Size([2, 64])
    """

    images: Tensor
    labels: Tensor


class ImageSplit(NamedTuple):
    """Three sets of images, none of which shares an image with another.

    Attributes:
        train: To train on.
        val: For model selection and early stopping.
        test: To report on.

    Example:
        >>> from spherical_gae import load_images
        >>> [len(part.labels) for part in load_images("digits")]
        [1197, 300, 300]
    """

    train: ImageSet
    val: ImageSet
    test: ImageSet


def load_images(name: str, root: str | Path | None = None) -> ImageSplit:
    """Load images with their fixed split.

    ``"mnist"`` has 50,000 training and 10,000 validation images, the first and the last of the
    published training set, and the published 10,000 test images, all 28 x 28. ``"digits"`` has
    scikit-learn's 1,797 images, 8 x 8: with the images sorted by digit (and as published within a
    digit), an even sample of 300 is for testing, an even sample of 300 of the others for validation.
    So each digit has its share to within an image or two, and nothing is random.

    The MNIST files are looked for in ``<root>/MNIST/raw``, with ``.gz`` or without, by the rules of
    :func:`~spherical_gae.data.graphs.load_graph`: a root that was named, by the argument or by the
    environment variable ``SPHERICAL_GAE_DATA``, is only read; without either, what is missing or
    damaged in the user's cache folder is downloaded. Every checksum is verified before parsing.

    Args:
        name: ``"mnist"`` or ``"digits"``, in any case. The digits come with scikit-learn and need no
            root.
        root: The data root; default: ``SPHERICAL_GAE_DATA`` if set, else the cache folder.

    Returns:
        The three sets, each in the published order: images float32 ``[N, 784]`` (MNIST, bytes / 255)
        or ``[N, 64]`` (digits, values / 16), labels int64 ``[N]``, 0 to 9.

    Raises:
        ValueError: The name is none of the above.
        FileNotFoundError: Files are missing in a root that was named.
        ChecksumError: A file is damaged in a root that was named.
        OSError: A download failed.

    Example:
        >>> images = load_images("digits")
        >>> images.train.images.shape, images.test.labels[:3]
        (torch.Size([1197, 64]), tensor([8, 9, 1]))
    """
    key = name.lower()
    if key == "mnist":
        images, labels, test_images, test_labels = load_mnist(root)
        return ImageSplit(
            ImageSet(images[:NUM_MNIST_TRAIN], labels[:NUM_MNIST_TRAIN]),
            ImageSet(images[NUM_MNIST_TRAIN:], labels[NUM_MNIST_TRAIN:]),
            ImageSet(test_images, test_labels),
        )
    if key == "digits":
        return _split_digits()
    raise ValueError(f"name: given {name!r}, allowed: {', '.join(IMAGE_DATASETS)}")


def binarize(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw black and white images: each pixel is 1 with probability its intensity, else 0.

    Drawn anew for every batch, this is the dynamic binarisation of Salakhutdinov and Murray, *On the
    Quantitative Analysis of Deep Belief Networks*, ICML 2008.

    Args:
        images: Intensities in [0, 1], any shape, floating point. A pixel of 0 is never drawn as 1, a
            pixel of 1 always.
        generator: Source of randomness, on the device of ``images``; default: torch's global one.

    Returns:
        Zeros and ones, in the shape, dtype and device of ``images``.

    Raises:
        TypeError: The images are not floating point.

    Example:
        >>> binarize(torch.tensor([0.0, 1.0, 0.0]))
        tensor([0., 1., 0.])
    """
    if not images.is_floating_point():
        raise TypeError(f"images: given {images.dtype}, allowed: floating point, intensities in [0, 1]")
    uniform = torch.rand(images.shape, generator=generator, dtype=images.dtype, device=images.device)
    return uniform.lt_(images)


def _split_digits() -> ImageSplit:
    pixels, digits = load_digits(return_X_y=True)
    images = torch.from_numpy(pixels / 16.0).float()
    labels = torch.from_numpy(digits).long()
    test, others = _even_sample(np.argsort(digits, kind="stable"), NUM_DIGITS_HELD_OUT)
    val, train = _even_sample(others, NUM_DIGITS_HELD_OUT)
    parts = [torch.from_numpy(np.sort(part)) for part in (train, val, test)]
    return ImageSplit(*(ImageSet(images[part], labels[part]) for part in parts))


def _even_sample(items: NDArray[np.intp], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return ``count`` items spaced evenly over the sequence, and the others."""
    drawn = np.diff(np.arange(len(items) + 1) * count // len(items)) == 1
    return items[drawn], items[~drawn]
