"""Brings the same weights into every rival's format, once."""

import hashlib
import subprocess
from typing import Any

import numpy as np

from harness import fetch, paths, weights
from harness.install import Failure, say
from harness.models import Model

# The published ncnn file of realesr-general-x4v3, which is written here from the project's own file.
GENERAL_BIN = "85ee266b632a765a725425ba6a5620c088c8aa2939a03063b2d83b3462724cc1"


def prepare(model: Model) -> None:
    """Makes the model's .param, .bin, .npz, .onnx and .pth unless they are there."""
    stem = model.stem
    marker = stem.with_name(f"{stem.name}.ready")
    if marker.exists():
        return
    say(f"converting {model.name}")
    stem.parent.mkdir(parents=True, exist_ok=True)
    if model.name in fetch.FILES:
        fetch.fetch(model.name, stem)
    else:
        own = weights.read_safetensors(paths.PROJECT / "models" / f"{model.name}.safetensors")
        weights.write_compact_ncnn(stem, own, model.layers())
        written = stem.with_name(f"{stem.name}.bin").read_bytes()
        if hashlib.sha256(written).hexdigest() != GENERAL_BIN:
            raise Failure(f"the ncnn file written for {model.name} is not the published one")
    tensors: dict[str, Any] = weights.read_ncnn(stem, model.layers())
    np.savez(stem.with_name(f"{stem.name}.npz"), **tensors)
    done = subprocess.run([paths.PYTHON, "-m", "rivals.export", stem], text=True, capture_output=True)
    if done.returncode != 0:
        # ncnn needs no ONNX file, so the comparison goes on with what there is.
        say(f"no ONNX file of {model.name}: {done.stderr.strip().splitlines()[-1:]}")
        return
    marker.touch()
