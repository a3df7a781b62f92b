"""OpenVINO on the processor, in single precision, for latency (all threads on a frame) or throughput."""

import numpy as np
import openvino as ov

from rivals.protocol import Task, serve


def settings(mode: str, threads: int) -> dict[str, object]:
    """`mode` is `latency` or `throughput`."""
    return {
        "PERFORMANCE_HINT": mode.upper(),
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
    }


class OpenVino:
    """A compiled model of a fixed size and as many requests as its hint asks for."""

    version = ov.__version__

    def __init__(self, task: Task) -> None:
        core = ov.Core()
        model = core.read_model(f"{task.stem}.onnx")
        model.reshape([1, 3, task.height, task.width])
        compiled = core.compile_model(model, "CPU", settings(task.mode, task.threads))
        if compiled.get_property("INFERENCE_PRECISION_HINT") != ov.Type.f32:
            raise RuntimeError("OpenVINO does not compute in single precision")
        self.at_once = 1 if task.mode == "latency" else compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self.queue = ov.AsyncInferQueue(compiled, self.at_once)
        picture = ov.Tensor(task.load_picture())
        for request in self.queue:
            request.set_input_tensor(picture)

    def run(self, frames: int) -> None:
        for _ in range(frames):
            self.queue.start_async()
        self.queue.wait_all()

    def output(self) -> np.ndarray:
        request = self.queue[0]
        request.infer()
        return request.get_output_tensor().data[0]


if __name__ == "__main__":
    serve(OpenVino)
