"""ncnn on the processor, everything in single precision."""

from pathlib import Path

import ncnn
import numpy as np

from rivals.protocol import Task, serve


def options(threads: int) -> ncnn.Option:
    """Single precision throughout; Winograd stays on, as it is by default."""
    option = ncnn.Option()
    option.num_threads = threads
    option.use_vulkan_compute = False
    option.use_fp16_packed = option.use_fp16_storage = option.use_fp16_arithmetic = False
    option.use_bf16_packed = option.use_bf16_storage = False
    option.use_int8_inference = option.use_int8_packed = option.use_int8_storage = option.use_int8_arithmetic = False
    return option


def load_net(stem: str, threads: int) -> ncnn.Net:
    """A model ready to run."""
    net = ncnn.Net()
    net.opt = options(threads)
    if net.load_param(f"{stem}.param") != 0 or net.load_model(f"{stem}.bin") != 0:
        raise RuntimeError(f"ncnn cannot load {Path(stem).name}")
    return net


def infer(net: ncnn.Net, picture: ncnn.Mat) -> ncnn.Mat:
    """One frame."""
    extractor = net.create_extractor()
    extractor.input("data", picture)
    code, result = extractor.extract("output")
    if code != 0:
        raise RuntimeError(f"ncnn stopped with {code}")
    return result


class Ncnn:
    """A net and its input."""

    version = ncnn.__version__
    at_once = 1

    def __init__(self, task: Task) -> None:
        self.net = load_net(task.stem, task.threads)
        # A Mat does not keep the array alive over which it is made.
        planes = task.load_picture()[0]
        self.picture = ncnn.Mat(planes).clone()

    def run(self, frames: int) -> None:
        for _ in range(frames):
            infer(self.net, self.picture)

    def output(self) -> np.ndarray:
        return np.array(infer(self.net, self.picture))


if __name__ == "__main__":
    serve(Ncnn)
