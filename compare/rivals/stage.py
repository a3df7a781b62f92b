"""What a pipeline asks of an engine."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Protocol

import numpy as np

Deliver = Callable[[int, np.ndarray, Callable[[], None]], None]
"""Takes the index of a frame, its pixels, and what to call when they are no longer needed."""


class Stage(Protocol):
    """An engine with frames in flight."""

    def start(self, deliver: Deliver) -> None:
        """Says where results go."""

    def submit(self, index: int, read: Callable[[memoryview], bool]) -> bool:
        """Waits for room, reads a frame into it and starts on it; whether there was a frame."""

    def finish(self) -> None:
        """Waits until all frames are delivered."""


def give_up(error: BaseException | None) -> None:
    """Ends all processes of the pipeline, which the driver starts in a group of their own."""
    traceback.print_exception(error, file=sys.stderr)
    sys.stderr.flush()
    os.killpg(0, signal.SIGKILL)
