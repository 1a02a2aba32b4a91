"""Few labels: a balanced draw of images whose classes a semi-supervised model may know."""

from __future__ import annotations

import torch

from spherical_gae.data.images import ImageSet


def draw_labelled(images: ImageSet, num_labels: int, seed: int = 0) -> ImageSet:
    """Draws images at random, equally many of each class  (Kingma et al. 2014).

    Args:
        images: Images with labels, at least one.
        num_labels: Number of images to draw, a multiple of the number of classes.
        seed: Seed of the draw; torch's global generator is not used.

    Returns:
        The drawn images, class by class.

    Raises:
        ValueError: If there are no images, ``num_labels`` is not a positive multiple of the number of classes, or a
            class has too few images.

    Example:
        >>> from spherical_gae import load_images
        >>> few = draw_labelled(load_images("digits").train, num_labels=20)
        >>> few.labels.bincount()
        tensor([2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    """
    if images.labels.numel() == 0:
        raise ValueError("images must hold at least one image, got none")
    classes, counts = images.labels.cpu().unique(return_counts=True)
    each, rest = divmod(num_labels, len(classes))
    if rest or each < 1:
        raise ValueError(f"num_labels must be a positive multiple of the {len(classes)} classes, got {num_labels}")
    if each > int(counts.min()):
        raise ValueError(
            f"num_labels must be at most {len(classes) * int(counts.min())}, {int(counts.min())} for each class, "
            f"got {num_labels}"
        )
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for value in classes:
        members = (images.labels.cpu() == value).nonzero().squeeze(1)
        chosen.append(members[torch.randperm(members.numel(), generator=generator, device="cpu")[:each]])
    index = torch.cat(chosen).to(images.labels.device)
    return ImageSet(images.images[index], images.labels[index])
