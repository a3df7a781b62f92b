"""The picture that all engines are given, and how far results are apart."""

from pathlib import Path

import numpy as np

from harness.options import Size


def generate(size: Size) -> np.ndarray:
    """Gradients, hard edges, fine waves and noise: RGB planes in 0..1, the same for the same size."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    planes = np.stack([x / width, y / height, 1 - (x + y) / (width + height)])
    planes[:, (x.astype(int) // 16 + y.astype(int) // 16) % 5 == 0] *= 0.25
    disc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2
    planes[:, disc] = 0.5 + 0.4 * np.sin(x * y / 20)[disc]
    noise = np.random.default_rng(1).normal(0, 0.02, planes.shape)
    return np.clip(planes + noise, 0, 1).astype("<f4")


def psnr(path: Path, reference: Path) -> float:
    """Decibels between two raw pictures of `float32`, clipped to 0..1; infinite when they are equal."""
    one, other = (np.clip(np.fromfile(file, "<f4"), 0, 1) for file in (path, reference))
    if one.shape != other.shape:
        raise ValueError(f"the result has {one.size} samples instead of {other.size}")
    error = float(np.mean(np.square(one - other, dtype=np.float64)))
    return float(10 * np.log10(1 / error)) if error > 0 else float("inf")
