"""What the driver and a rival's process say to each other: a line a command on stdin, a line of JSON each on stdout.

    run N          runs N frames and answers {"seconds": wall time}
    output FILE    runs a frame, writes it as planar RGB of float32, answers {"written": FILE}

After loading, the process says {"version": …, "at_once": frames that it works on together}; at any time {"error": …}.
"""

import ctypes
import faulthandler
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Task:
    """What a process is started for."""

    stem: str
    """Path of the model's files without their endings."""
    width: int
    height: int
    picture: str
    mode: str
    threads: int

    def load_picture(self) -> np.ndarray:
        """The input, 1×3×height×width."""
        return np.fromfile(self.picture, "<f4").reshape(1, 3, self.height, self.width)


class Rival(Protocol):
    """A loaded engine."""

    version: str
    at_once: int

    def run(self, frames: int) -> None:
        """Runs so many frames."""

    def output(self) -> np.ndarray:
        """The result for the picture, planes first."""


def serve(load: Callable[[Task], Rival]) -> None:
    """Loads and answers until stdin ends."""
    # Libraries print to stdout as they like: the answers go through a copy, and fd 1 becomes stderr.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    faulthandler.enable()
    parent_death_signal = 1
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)

    def answer(**fields: object) -> None:
        print(json.dumps(fields), file=answers)

    try:
        rival = load(Task(**json.loads(sys.argv[1])))
        answer(version=rival.version, at_once=rival.at_once)
        for line in sys.stdin:
            command, argument = line.split(maxsplit=1)
            if command == "run":
                begin = time.perf_counter()
                rival.run(int(argument))
                answer(seconds=time.perf_counter() - begin)
            else:
                path = argument.strip()
                np.ascontiguousarray(rival.output(), "<f4").tofile(path)
                answer(written=path)
    except Exception as error:  # whatever goes wrong is the driver's to report
        lines = str(error).strip().splitlines()
        answer(error=f"{type(error).__name__}: {lines[0] if lines else ''}")
        sys.exit(1)
