"""ONNX Runtime on the processor."""

import numpy as np
import onnxruntime as ort

from rivals.protocol import Task, serve


class OnnxRuntime:
    """A session for a fixed size, with its output allocated beforehand."""

    version = ort.__version__
    at_once = 1

    def __init__(self, task: Task) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = task.threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_free_dimension_override_by_name("height", task.height)
        options.add_free_dimension_override_by_name("width", task.width)
        self.session = ort.InferenceSession(f"{task.stem}.onnx", options, providers=["CPUExecutionProvider"])
        self.result = np.zeros((1, 3, 4 * task.height, 4 * task.width), np.float32)
        self.binding = self.session.io_binding()
        self.binding.bind_cpu_input("input", task.load_picture())
        self.binding.bind_ortvalue_output("output", ort.OrtValue.ortvalue_from_numpy(self.result))

    def run(self, frames: int) -> None:
        for _ in range(frames):
            self.session.run_with_iobinding(self.binding)

    def output(self) -> np.ndarray:
        self.run(1)
        return self.binding.get_outputs()[0].numpy()[0]


if __name__ == "__main__":
    serve(OnnxRuntime)
