"""What one would write in an afternoon round the fastest engines, and do well: FFmpeg decodes into a pipe, the engine
works on several frames at once, FFmpeg encodes from a pipe; reading, upscaling and writing overlap."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np

from rivals.stage import Stage, give_up


class Writer:
    """Puts frames in order and writes them, in a thread of its own."""

    def __init__(self, sink: subprocess.Popen) -> None:
        self.sink = sink
        self.waiting: dict[int, tuple[np.ndarray, Callable[[], None]]] = {}
        self.changed = threading.Condition()
        self.ended = False
        self.next = 0
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def deliver(self, index: int, pixels: np.ndarray, release: Callable[[], None]) -> None:
        with self.changed:
            self.waiting[index] = (pixels, release)
            self.changed.notify()

    def work(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.next in self.waiting or self.ended)
                if self.next not in self.waiting:
                    return
                pixels, release = self.waiting.pop(self.next)
            # A pipe may take less than it is given.
            left = memoryview(pixels).cast("B")
            while left:
                left = left[self.sink.stdin.write(left) :]
            left.release()
            release()
            self.next += 1

    def close(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify()
        self.thread.join()
        self.sink.stdin.close()


def main() -> None:
    # A thread that fails must not leave the others waiting for it.
    threading.excepthook = lambda failure: give_up(failure.exc_value)
    task = json.loads(sys.argv[1])
    width, height = task["width"], task["height"]
    ffmpeg = ["ffmpeg", "-v", "error", "-y"]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    if task["engine"] == "ncnn":
        from rivals.pipeline_ncnn import NcnnStage as Engine
    else:
        from rivals.pipeline_openvino import OpenVinoStage as Engine
    # Before threads and FFmpeg: ncnn's workers are forked.
    stage: Stage = Engine(task)
    source = subprocess.Popen([*ffmpeg, "-i", task["clip"], *raw, "-"], stdout=subprocess.PIPE, bufsize=0)
    enlarged = ["-s", f"{4 * width}x{4 * height}", "-r", task["rate"], "-i", "-"]
    encoder = ["-c:v", "libx264", "-crf", "16", "-preset", "veryfast", "-pix_fmt", "yuv420p", task["result"]]
    sink = subprocess.Popen([*ffmpeg, *raw, *enlarged, *encoder], stdin=subprocess.PIPE, bufsize=0)
    writer = Writer(sink)
    stage.start(writer.deliver)

    def read(room: memoryview) -> bool:
        filled = 0
        while filled < len(room):
            count = source.stdout.readinto(room[filled:])
            if not count:
                return False
            filled += count
        return True

    index = 0
    while stage.submit(index, read):
        index += 1
    stage.finish()
    writer.close()
    sys.exit(source.wait() or sink.wait())


if __name__ == "__main__":
    main()
