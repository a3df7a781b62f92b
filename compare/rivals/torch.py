"""PyTorch: as it is (`reference`), in its usual tuned forms (`eager`, `script`) and compiled (`compile`)."""

import numpy as np
import torch
from torch._inductor import config as inductor

from rivals import nets
from rivals.protocol import Task, serve


class Torch:
    """A network and its input."""

    version = torch.__version__
    at_once = 1

    def __init__(self, task: Task) -> None:
        torch.set_num_threads(task.threads)
        torch.set_grad_enabled(False)
        self.picture = torch.from_numpy(task.load_picture())
        self.net = nets.load(task.stem)
        if task.mode == "reference":
            return
        self.picture = self.picture.to(memory_format=torch.channels_last)
        self.net = self.net.to(memory_format=torch.channels_last)
        if task.mode == "script":
            traced = torch.jit.trace(self.net, self.picture)
            self.net = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
        elif task.mode == "compile":
            inductor.freezing = True
            self.net = torch.compile(self.net, dynamic=False)
        # Compilation happens at the first frame (TorchScript: the second) and is no part of a frame's time.
        self.run(2 if task.mode == "script" else 1)

    def run(self, frames: int) -> None:
        for _ in range(frames):
            self.net(self.picture)

    def output(self) -> np.ndarray:
        return self.net(self.picture)[0].contiguous().numpy()


if __name__ == "__main__":
    serve(Torch)
