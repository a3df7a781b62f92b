"""Reads and writes weights: ncnn's pair of files as far as these networks need it, and safetensors."""

import json
import struct
from pathlib import Path

import numpy as np

from harness.install import Failure
from harness.models import Layer

Tensors = dict[str, np.ndarray]
HALF = 0x01306B47
"""ncnn's mark before weights in half precision."""


def read_ncnn(stem: Path, layers: list[Layer]) -> Tensors:
    """The tensors of an ncnn model in single precision, named as in official state dicts.

    The graph itself is not followed: that the same layers in the same order are the same network is what comparing
    the pictures shows.
    """
    graph = stem.with_name(f"{stem.name}.param").read_text().split("\n")
    data = stem.with_name(f"{stem.name}.bin").read_bytes()
    weighted = [words for line in graph[2:] if (words := line.split()) and words[0] in ("Convolution", "PReLU")]
    if len(weighted) != len(layers):
        raise Failure(f"{stem.name} has {len(weighted)} layers with weights instead of {len(layers)}")
    tensors: Tensors = {}
    at = 0

    def take(count: int, kind: str) -> np.ndarray:
        nonlocal at
        values = np.frombuffer(data, kind, count, at)
        at += (values.nbytes + 3) // 4 * 4
        return values.astype(np.float32)

    for words, layer in zip(weighted, layers, strict=True):
        fields = dict(word.split("=", 1) for word in words if "=" in word)
        if words[0] == "PReLU":
            tensors[f"{layer.name}.weight"] = take(int(fields["0"]), "<f4")
            continue
        shape = (layer.outputs, layer.inputs, 3, 3)
        if (int(fields["0"]), int(fields["6"])) != (layer.outputs, int(np.prod(shape))):
            raise Failure(f"{words[1]} of {stem.name} has another shape than {shape}")
        (mark,) = struct.unpack_from("<I", data, at)
        if mark not in (0, HALF):
            raise Failure(f"{words[1]} of {stem.name} has weights of an unknown kind, {mark:#x}")
        at += 4
        tensors[f"{layer.name}.weight"] = take(int(np.prod(shape)), "<f2" if mark == HALF else "<f4").reshape(shape)
        tensors[f"{layer.name}.bias"] = take(layer.outputs, "<f4")
    if at != len(data):
        raise Failure(f"{stem.name}.bin has {len(data) - at} bytes too many")
    return tensors


def read_safetensors(path: Path) -> Tensors:
    """The tensors in the precision in which they are kept."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors: Tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind = {"F16": "<f2", "F32": "<f4"}[entry["dtype"]]
        tensors[name] = np.frombuffer(data[8 + length + begin : 8 + length + end], kind).reshape(entry["shape"])
    return tensors


def write_compact_ncnn(stem: Path, tensors: Tensors, layers: list[Layer]) -> None:
    """Writes a SRVGGNetCompact ×4 as ncnn files with weights in half precision, which is how they are kept."""
    graph = ["Input input 0 1 data", "Split split 1 2 data picture enlarged"]
    data = bytearray()
    value = "picture"
    for index, layer in enumerate(layers):
        weight = tensors[f"{layer.name}.weight"]
        if layer.kind == "prelu":
            graph.append(f"PReLU prelu{index} 1 1 {value} v{index} 0={layer.outputs}")
            data += weight.astype("<f4").tobytes()
        else:
            shape = f"0={layer.outputs} 1=3 4=1 5=1 6={weight.size}"
            graph.append(f"Convolution conv{index} 1 1 {value} v{index} {shape}")
            half = weight.astype("<f2").tobytes()
            data += struct.pack("<I", HALF) + half + bytes(-len(half) % 4)
            data += tensors[f"{layer.name}.bias"].astype("<f4").tobytes()
        value = f"v{index}"
    graph += [
        f"PixelShuffle shuffle 1 1 {value} detail 0=4",
        "Interp enlarge 1 1 enlarged nearest 0=1 1=4.0 2=4.0",
        "BinaryOp add 2 1 detail nearest output",
    ]
    blobs = len(graph) + 1
    text = "\n".join(["7767517", f"{len(graph)} {blobs}", *graph, ""])
    stem.with_name(f"{stem.name}.param").write_text(text)
    stem.with_name(f"{stem.name}.bin").write_bytes(data)
