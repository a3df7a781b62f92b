"""OpenVINO with several requests at once; conversions from and to 8 bits are part of its compiled model."""

import threading
from collections.abc import Callable

import numpy as np
import openvino as ov
from openvino import opset13
from openvino.preprocess import PrePostProcessor

from rivals.openvino import settings
from rivals.stage import Deliver


def to_bytes(output: ov.Output) -> ov.Output:
    """0..1 to 0..255, clipped and rounded."""
    scaled = opset13.multiply(opset13.clamp(output, 0.0, 1.0), opset13.constant(np.float32(255)))
    return opset13.round(scaled, "half_to_even").output(0)


class OpenVinoStage:
    """A compiled model and its requests. Results are copied, since a request goes on to its next frame."""

    def __init__(self, task: dict) -> None:
        core = ov.Core()
        model = core.read_model(f"{task['stem']}.onnx")
        model.reshape([1, 3, task["height"], task["width"]])
        steps = PrePostProcessor(model)
        steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        steps.input().model().set_layout(ov.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
        steps.output().model().set_layout(ov.Layout("NCHW"))
        steps.output().postprocess().custom(to_bytes)
        steps.output().tensor().set_layout(ov.Layout("NHWC")).set_element_type(ov.Type.u8)
        compiled = core.compile_model(steps.build(), "CPU", settings("throughput", task["threads"]))
        self.queue = ov.AsyncInferQueue(compiled)
        self.shape = (1, task["height"], task["width"], 3)
        # Results that wait for the encoder are bounded.
        self.room = threading.Semaphore(2 * len(self.queue) + 2)

    def start(self, deliver: Deliver) -> None:
        def done(request: ov.InferRequest, index: int) -> None:
            deliver(index, request.get_output_tensor().data.copy(), self.room.release)

        self.queue.set_callback(done)

    def submit(self, index: int, read: Callable[[memoryview], bool]) -> bool:
        self.room.acquire()
        frame = np.empty(self.shape, np.uint8)
        if not read(memoryview(frame).cast("B")):
            return False
        self.queue.start_async({0: frame}, index)
        return True

    def finish(self) -> None:
        self.queue.wait_all()
