"""framelift (PyPI `framelift-video`) with the same weights, size, codec and quality as the others, through its own
command line. Its strength is set to 1, that is, the network's result as it is."""

import json
import os
import shutil
import sys
from pathlib import Path

from framelift import models
from framelift.cli import main

task = json.loads(sys.argv[1])
name, stem = task["model"], Path(task["stem"])
weights = stem.parent / "framelift"
if name not in models.MODELS:
    # It knows the architecture but not this model: one more entry in its table.
    models.MODELS[name] = models.ModelSpec(name, f"{name}.pth", "", "srvgg", 4, task["depth"], name)
weights.mkdir(exist_ok=True)
shutil.copyfile(f"{stem}.pth", weights / models.MODELS[name].filename)
arguments = ["--input", task["clip"], "--output", task["result"], "--model", name, "--weights-dir", str(weights)]
arguments += ["--scale", "4", "--ai-strength", "1", "--backend", "openvino", "--device", "cpu"]
arguments += ["--tile", str(task["tile"]), "--torch-threads", str(task["threads"])]
arguments += ["--crf", "16", "--x264-preset", "veryfast", "--encoder", "cpu"]
os.environ["CUDA_VISIBLE_DEVICES"] = ""
sys.exit(main(arguments))
