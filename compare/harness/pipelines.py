"""Whole videos: ours against a pipeline round the fastest rivals, and against framelift."""

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from harness import children, engines, paths
from harness.clips import Clip, probe, psnr
from harness.engines import THREADS
from harness.install import say
from harness.models import Model


@dataclass
class Run:
    """A program on a clip."""

    name: str
    wall_times: list[float] = field(default_factory=list)
    """Seconds from start to end, round by round."""
    share: list[float] = field(default_factory=list)
    """Of ours alone: how much of that time the engine would need by itself."""
    result: str = ""
    psnr: float | None = None
    """Decibels between this result and ours: that both did the same work."""
    failure: str | None = None

    @property
    def wall(self) -> float:
        return median(self.wall_times) if self.wall_times else float("inf")

    def ratios(self, ours: "Run") -> list[float]:
        """How many times longer than ours, round by round."""
        return [mine / our for mine, our in zip(self.wall_times, ours.wall_times, strict=False)]


@dataclass(frozen=True)
class Program:
    """A rival's command, without the clip; programs of one family are settings, of which the fastest goes on."""

    name: str
    family: str
    module: str
    settings: dict[str, object]

    def command(self, model: Model, clip: Clip, result: Path) -> list[children.Argument]:
        task = {
            "stem": str(model.stem),
            "model": model.name,
            "depth": model.depth,
            "clip": str(clip.path),
            "result": str(result),
            "width": clip.size[0],
            "height": clip.size[1],
            "rate": clip.rate,
            "threads": THREADS,
            **self.settings,
        }
        return [paths.PYTHON, "-m", self.module, json.dumps(task)]


PROGRAMS = [
    Program(f"FFmpeg and ncnn, {THREADS} × 1 thread", "pipe", "rivals.pipeline", {"engine": "ncnn"}),
    Program("FFmpeg and OpenVINO, throughput hint", "pipe", "rivals.pipeline", {"engine": "openvino"}),
    Program("framelift, OpenVINO, tiles of 256", "framelift", "rivals.framelift", {"tile": 256}),
    Program("framelift, OpenVINO, whole frames", "framelift", "rivals.framelift", {"tile": 0}),
]


def hold(model: Model, clip: Clip, upscaled: Path, rounds: int) -> list[Run]:
    """Runs all once, then ours and the fastest of each family round by round. Ours comes first in the list."""
    ours = Run(engines.OURS)
    runs = [ours, *(Run(program.name) for program in PROGRAMS)]
    going = list(zip(PROGRAMS, runs[1:], strict=True))
    for number in range(rounds):
        say(f"  round {number + 1} of {rounds}")
        our_result = fresh("ours") / "result.mp4"
        up: list[children.Argument] = [upscaled, "up", "--model", model.argument, "--output", our_result, clip.path]
        finish(ours, up, our_result, clip)
        if ours.failure:
            break
        ours.share.append(engine_seconds(upscaled, model, clip) / ours.wall_times[-1])
        for program, run in going:
            result = fresh("rival") / "result.mp4"
            finish(run, program.command(model, clip, result), result, clip)
            if number == 0 and not run.failure:
                run.psnr = psnr(result, our_result)
        going = fastest(going)
    return runs


def fresh(name: str) -> Path:
    """An empty folder: unfinished work of an earlier run must not shorten this one."""
    folder = paths.WORK / "videos" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def finish(run: Run, command: list[children.Argument], result: Path, clip: Clip) -> None:
    """Runs a program on a clip and looks at what it made."""
    begin = time.perf_counter()
    try:
        children.run(command, paths.WORK / "pipeline.log")
        wall = time.perf_counter() - begin
        size, frames = probe(result)
        if (size, frames) != ((4 * clip.size[0], 4 * clip.size[1]), clip.frames):
            raise RuntimeError(f"the result is {size[0]}×{size[1]} with {frames} frames")
        run.result = f"{result.stat().st_size / 1e6:.1f} MB"
        run.wall_times.append(wall)
        say(f"    {run.name}: {wall:.1f} s")
    except (RuntimeError, OSError) as error:
        run.failure = str(error)
        say(f"    {run.name}: {error}")


def fastest(going: list[tuple[Program, Run]]) -> list[tuple[Program, Run]]:
    """The best of each family that still works."""
    best: dict[str, tuple[Program, Run]] = {}
    for program, run in going:
        if not run.failure and (program.family not in best or run.wall < best[program.family][1].wall):
            best[program.family] = (program, run)
    return list(best.values())


def engine_seconds(upscaled: Path, model: Model, clip: Clip) -> float:
    """What our engine alone needs for the clip's frames."""
    return clip.frames * engines.bench(upscaled, model, clip.size, 2.0)["ms_per_frame"] / 1000
