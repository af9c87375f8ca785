"""Augments a batch on its device, with an independent choice for every image."""

import torch
from torch.nn import functional as F


def augment(images: torch.Tensor, crop_padding: int, flip: bool, generator: torch.Generator) -> torch.Tensor:
    """Random crops of padded images, then random horizontal flips.

    Args:
        images: (B, 3, H, W) uint8.
        crop_padding: black pixels added on every side before cropping back to the original size; 0: no crop.
        flip: whether each image is mirrored with probability one half.
        generator: a CPU generator.
    """
    if crop_padding:
        images = _crop(F.pad(images, (crop_padding,) * 4), images.shape[2:], crop_padding, generator)
    if flip:
        mirrored = torch.rand(len(images), generator=generator) < 0.5
        images = torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(3), images)
    return images


def _crop(padded: torch.Tensor, size: torch.Size, padding: int, generator: torch.Generator) -> torch.Tensor:
    offsets = torch.randint(2 * padding + 1, (2, len(padded), 1), generator=generator).to(padded.device)
    rows = offsets[0] + torch.arange(size[0], device=padded.device)
    columns = offsets[1] + torch.arange(size[1], device=padded.device)
    batch = torch.arange(len(padded), device=padded.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
