"""ncnn in several processes of one thread, which share memory with the pipeline."""

import mmap
import multiprocessing
import threading
from collections.abc import Callable

import ncnn
import numpy as np

from rivals.ncnn import infer, load_net
from rivals.stage import Deliver, give_up

STOP = -1


class NcnnStage:
    """Workers, and slots of shared memory for frames in flight: one for each worker and some to read and write."""

    def __init__(self, task: dict) -> None:
        self.width, self.height, workers = task["width"], task["height"], task["threads"]
        samples = 3 * self.width * self.height
        fork = multiprocessing.get_context("fork")
        self.slots = [(mmap.mmap(-1, samples), mmap.mmap(-1, 16 * samples)) for _ in range(2 * workers + 2)]
        self.free = threading.Semaphore(len(self.slots))
        self.unused = list(range(len(self.slots)))
        self.wanted, self.done = fork.SimpleQueue(), fork.SimpleQueue()
        self.workers = [fork.Process(target=self.work, args=(task["stem"],), daemon=True) for _ in range(workers)]
        for worker in self.workers:
            worker.start()

    def start(self, deliver: Deliver) -> None:
        self.collector = threading.Thread(target=self.collect, args=(deliver,))
        self.collector.start()

    def submit(self, index: int, read: Callable[[memoryview], bool]) -> bool:
        self.free.acquire()
        slot = self.unused.pop()
        if not read(memoryview(self.slots[slot][0])):
            return False
        self.wanted.put((index, slot))
        return True

    def collect(self, deliver: Deliver) -> None:
        """Hands results on until every worker has stopped."""
        left = len(self.workers)
        while left:
            index, slot = self.done.get()
            if index == STOP:
                left -= 1
                continue

            def release(slot: int = slot) -> None:
                self.unused.append(slot)
                self.free.release()

            deliver(index, self.slots[slot][1], release)

    def finish(self) -> None:
        for _ in self.workers:
            self.wanted.put((STOP, 0))
        self.collector.join()

    def work(self, stem: str) -> None:
        """A worker's life."""
        try:
            self.upscale_all(stem)
        except Exception as error:
            give_up(error)

    def upscale_all(self, stem: str) -> None:
        """Frame after frame, until told to stop."""
        net = load_net(stem, 1)
        kind = ncnn.Mat.PixelType.PIXEL_RGB
        while True:
            index, slot = self.wanted.get()
            if index == STOP:
                self.done.put((STOP, 0))
                return
            pixels = np.frombuffer(self.slots[slot][0], np.uint8).reshape(self.height, self.width, 3)
            picture = ncnn.Mat.from_pixels(pixels, kind, self.width, self.height)
            picture.substract_mean_normalize([], [1 / 255] * 3)
            planes = np.array(infer(net, picture), copy=False)
            np.multiply(planes, 255, out=planes)
            np.rint(planes, out=planes)
            np.clip(planes, 0, 255, out=planes)
            result = np.frombuffer(self.slots[slot][1], np.uint8).reshape(4 * self.height, 4 * self.width, 3)
            for plane in range(3):
                np.copyto(result[:, :, plane], planes[plane], casting="unsafe")
            self.done.put((index, slot))
