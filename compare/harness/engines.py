"""The engines that are compared, each in the settings that are tried."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness import children, paths
from harness.models import Model
from harness.options import Size
from harness.rival import RivalProcess

THREADS = len(os.sched_getaffinity(0))
OURS = "upscaled"


@dataclass(frozen=True)
class Case:
    """A model and the size of its input."""

    model: Model
    size: Size
    picture: Path

    @property
    def size_text(self) -> str:
        return f"{self.size[0]}x{self.size[1]}"


@dataclass(frozen=True)
class Setting:
    """A rival in one of its settings."""

    rival: str
    mode: str = ""
    one_frame_a_core: bool = False
    """One process of one thread a core, each with frames of its own."""

    @property
    def label(self) -> str:
        """The setting in words."""
        shape = f"{THREADS} × 1 thread" if self.one_frame_a_core else f"1 × {THREADS} threads"
        return f"{MODES[self.mode]}, {shape}" if self.mode else shape


MODES = {
    "latency": "latency hint",
    "throughput": "throughput hint",
    "compile": "torch.compile, frozen, channels-last",
    "script": "TorchScript, channels-last",
    "eager": "eager, channels-last",
    "reference": "eager",
}
TITLES = {"ncnn": "ncnn", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "torch": "PyTorch"}
SETTINGS = [
    Setting("ncnn"),
    Setting("ncnn", one_frame_a_core=True),
    Setting("openvino", "latency"),
    Setting("openvino", "throughput"),
    Setting("onnxruntime"),
    Setting("onnxruntime", one_frame_a_core=True),
    Setting("torch", "compile"),
    Setting("torch", "compile", one_frame_a_core=True),
    Setting("torch", "script"),
    Setting("torch", "script", one_frame_a_core=True),
    Setting("torch", "eager"),
]


class Engine(Protocol):
    """Something that computes frames."""

    name: str
    label: str
    version: str

    def start(self) -> None:
        """Loads, and finds out roughly what a frame takes."""

    def measure(self, seconds: float) -> float:
        """Milliseconds a frame at full load, over at least about so many seconds."""

    def peak_memory(self) -> int:
        """Bytes, of all processes together, so far."""

    def output(self, path: Path) -> None:
        """Writes the result for the case's picture: planar RGB of float32."""

    def close(self) -> None:
        """Ends it."""


class RivalEngine:
    """A rival in long-lived processes, which are stopped while they have nothing to do."""

    def __init__(self, setting: Setting, case: Case) -> None:
        self.setting, self.case = setting, case
        self.name, self.label, self.version = TITLES[setting.rival], setting.label, ""
        self.processes: list[RivalProcess] = []
        self.frame_seconds = 0.0

    def start(self) -> None:
        threads = 1 if self.setting.one_frame_a_core else THREADS
        task = {
            "stem": str(self.case.model.stem),
            "width": self.case.size[0],
            "height": self.case.size[1],
            "picture": str(self.case.picture),
            "mode": self.setting.mode,
            "threads": threads,
        }
        count = THREADS if self.setting.one_frame_a_core else 1
        self.processes = [RivalProcess(self.setting.rival, task, number) for number in range(count)]
        self.version = [process.wait_until_ready() for process in self.processes][0]
        # The first frames also allocate, so they tell the time roughly, which is what is wanted.
        first = [seconds / frames for frames, seconds in self.run(0)]
        self.frame_seconds = max(first)
        self.pause()

    def run(self, seconds: float) -> list[tuple[int, float]]:
        """Frames and seconds of each process, all at work at the same time."""
        at_once = self.processes[0].at_once
        wanted = seconds / self.frame_seconds if self.frame_seconds else 1
        frames = max(1, round(wanted / at_once)) * at_once
        for process in self.processes:
            process.begin(frames)
        return [(frames, process.seconds()) for process in self.processes]

    def measure(self, seconds: float) -> float:
        for process in self.processes:
            children.resume(process.child)
        rate = sum(frames / taken for frames, taken in self.run(seconds))
        self.pause()
        return 1000 / rate

    def pause(self) -> None:
        for process in self.processes:
            children.pause(process.child)

    def peak_memory(self) -> int:
        return sum(process.peak_memory() for process in self.processes)

    def output(self, path: Path) -> None:
        children.resume(self.processes[0].child)
        self.processes[0].write_output(path)
        children.pause(self.processes[0].child)

    def close(self) -> None:
        for process in self.processes:
            children.stop(process.child)
        self.processes = []


class OurEngine:
    """Our engine, by the program's own measurement, which starts afresh each time."""

    name, label = OURS, f"{THREADS} threads"

    def __init__(self, upscaled: Path, case: Case) -> None:
        self.upscaled, self.case = upscaled, case
        self.version = program_version(upscaled)
        self.last: dict[str, float] = {}

    def start(self) -> None:
        """Nothing stays loaded."""

    def measure(self, seconds: float) -> float:
        self.last = bench(self.upscaled, self.case.model, self.case.size, seconds)
        return self.last["ms_per_frame"]

    def peak_memory(self) -> int:
        return int(self.last["peak_rss_bytes"])

    def output(self, path: Path) -> None:
        model = self.case.model
        name = model.name if model.built_in else model.stem
        raw = paths.cargo_target() / "release" / "examples" / "raw"
        children.run([raw, name, self.case.size_text, self.case.picture, path], paths.WORK / "ours.log")

    def close(self) -> None:
        """Nothing stays loaded."""


def bench(upscaled: Path, model: Model, size: Size, seconds: float) -> dict[str, float]:
    """What `upscaled bench` says of a model and a size of input. RuntimeError if it counts another work than we do."""
    command: list[children.Argument] = [upscaled, "bench", "--model", model.argument, "--size", f"{size[0]}x{size[1]}"]
    command += ["--threads", str(THREADS), "--engine", "cpu", "--seconds", str(seconds), "--json"]
    report = json.loads(children.run(command, paths.WORK / "ours.log").strip().splitlines()[-1])
    counted, ours = report["gflops"] * report["ms_per_frame"] / 1e3, model.flops(size) / 1e9
    if abs(counted / ours - 1) > 0.01:
        raise RuntimeError(f"`upscaled bench` counts {counted:.2f} GFLOP a frame instead of {ours:.2f}")
    return report


def program_version(upscaled: Path) -> str:
    """The version that a program of ours says it has."""
    return children.run([upscaled, "--version"], paths.WORK / "ours.log").split()[-1]
