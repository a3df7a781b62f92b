"""Writes a model for other rivals: `python -m rivals.export STEM` makes STEM.onnx and STEM.pth of STEM.npz."""

import sys

import torch

from rivals import nets

stem = sys.argv[1]
net = nets.load(stem)
torch.save({"params": net.state_dict()}, f"{stem}.pth")
torch.onnx.export(
    net,
    (torch.zeros(1, 3, 32, 48),),
    f"{stem}.onnx",
    # The older exporter, which needs no further package; rivals fix the size when they load the file.
    dynamo=False,
    input_names=["input"],
    output_names=["output"],
    dynamic_axes={"input": {2: "height", 3: "width"}},
)
