"""RESULTS.md and the raw numbers."""

import json
import math
import shlex
from dataclasses import asdict, dataclass, field
from datetime import date
from statistics import median

from harness import contest, machine, paths
from harness.clips import Clip
from harness.engines import OURS, Case
from harness.models import Model
from harness.options import Options
from harness.pipelines import Run


@dataclass
class Report:
    """All that was measured so far."""

    options: Options
    arguments: list[str]
    commit: str
    load_before: float = field(default_factory=machine.load)
    contests: list[tuple[Case, list[contest.Entry]]] = field(default_factory=list)
    pipelines: list[tuple[Model, Clip, list[Run]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def write(self) -> None:
        """Writes both files; called after each part, so that nothing measured is lost."""
        parts = [self.head()]
        if self.contests:
            parts.append(ENGINES)
            parts += [self.contest(case, entries) for case, entries in self.contests]
        if self.pipelines:
            parts.append(PIPELINES)
            parts += [pipeline(model, clip, runs) for model, clip, runs in self.pipelines]
        if self.notes:
            parts.append("## Left out\n\n" + "\n".join(f"- {note}" for note in self.notes))
        paths.RESULTS.write_text("\n\n".join(parts) + "\n")
        paths.RAW.write_text(json.dumps(self.raw(), indent=1))

    def head(self) -> str:
        """Where, when, what and how."""
        command = shlex.join(["compare/run", *self.arguments])
        return f"""# Results
{QUICK if self.options.quick else ""}
Written by `{command}` on {date.today().isoformat()}; how it is measured: [README.md](README.md).

- Machine: {machine.describe()}; load before the start {self.load_before:.1f}
- {", ".join(self.versions())}"""

    def versions(self) -> list[str]:
        """Each program with its version."""
        known = {}
        for _, entries in self.contests:
            known.update({entry.name: entry.version for entry in entries if entry.version})
        known[OURS] = f"{known.get(OURS, '')} ({self.commit})".strip()
        if self.pipelines:
            known["FFmpeg of the rivals' pipelines"] = machine.ffmpeg_version()
        return [f"{name} {version}" for name, version in sorted(known.items())]

    def contest(self, case: Case, entries: list[contest.Entry]) -> str:
        """A model and size: the best setting of each engine, then all that were tried."""
        flops = case.model.flops(case.size)
        ours = entries[0]
        best: dict[str, contest.Entry] = {}
        for entry in entries:
            current = best.get(entry.name)
            if current is None or rank(entry) < rank(current):
                best[entry.name] = entry
        lines = [
            f"### {case.model.name}, {case.size_text} ({case.model.title}; {flops / 1e9:.1f} GFLOP a frame)",
            "",
            "| engine | setting | ms a frame | useful GFLOP/s | time, ours = 1 | peak memory | PSNR to PyTorch |",
            "|---|---|---:|---:|---:|---:|---:|",
        ]
        for entry in sorted(best.values(), key=rank):
            if entry.failure:
                lines.append(f"| {entry.name} | failed: {cell(entry.failure)} | | | | | |")
                continue
            ratio = "1" if entry is ours else spread(entry.ratios(ours))
            lines.append(
                f"| {entry.name} | {entry.label} | {entry.ms:.1f} | {flops / entry.ms / 1e6:.0f} | {ratio} "
                f"| {megabytes(entry.peak_memory)} | {decibels(entry.psnr)} |"
            )
        tried = [f"{e.name} {e.label} {e.trial_ms:.0f}" for e in entries if e.trial_ms is not None]
        failed = [f"{e.name} {e.label}: {e.failure}" for e in entries if e.failure and best[e.name] is not e]
        lines += ["", f"Each setting alone, one try, ms a frame: {'; '.join(tried)}."]
        if failed:
            lines.append(f"Failed: {'; '.join(failed)}.")
        return "\n".join(lines)

    def raw(self) -> dict[str, object]:
        """Everything, for programs."""
        return {
            "machine": machine.describe(),
            "arguments": self.arguments,
            "commit": self.commit,
            "versions": self.versions(),
            "engines": [
                {
                    "model": case.model.name,
                    "size": case.size_text,
                    "flops": case.model.flops(case.size),
                    "entries": [{**asdict(entry), "psnr": finite(entry.psnr)} for entry in entries],
                }
                for case, entries in self.contests
            ],
            "pipelines": [
                {"model": model.name, "clip": clip.name, "frames": clip.frames, "runs": [asdict(run) for run in runs]}
                for model, clip, runs in self.pipelines
            ],
            "notes": self.notes,
        }


QUICK = "\n**Made with `--quick`: this shows that the comparison works, and is no result.**\n"

ENGINES = """## Engines

Single precision, the same weights, all cores. Times are medians over rounds in which the engines take turns; ratios are
taken round by round (median, least to most)."""

PIPELINES = """## Whole videos

Four times as wide and high, libx264 with CRF 16 and preset veryfast, from start to end of the program."""


def rank(entry: contest.Entry) -> tuple[bool, bool, float]:
    """Order: those that went round by round, then those only tried, then failures; the fast ones first."""
    return entry.failure is not None, not entry.rounds_ms, entry.ms


def pipeline(model: Model, clip: Clip, runs: list[Run]) -> str:
    """A model and a clip."""
    ours = runs[0]
    lines = [
        f"### {model.name}, {clip.name}: {clip.frames} frames of {clip.size[0]}x{clip.size[1]}",
        "",
        "| program | seconds | frames/s | time, ours = 1 | runs | result | PSNR to our result |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for run in runs:
        if not run.wall_times:
            lines.append(f"| {run.name} | {cell('failed: ' + run.failure if run.failure else 'not run')} | | | | | |")
            continue
        ratio = "1" if run is ours else spread(run.ratios(ours))
        apart = "" if run.psnr is None else f"{run.psnr:.1f} dB"
        lines.append(
            f"| {run.name} | {run.wall:.1f} | {clip.frames / run.wall:.2f} | {ratio} | {len(run.wall_times)} "
            f"| {run.result} | {apart} |"
        )
    if ours.share:
        share = f"{median(ours.share):.0%}"
        lines += ["", f"Our engine alone, at the pace of `upscaled bench`, would take {share} of our time."]
    return "\n".join(lines)


def spread(ratios: list[float]) -> str:
    """Median, least and most."""
    if not ratios:
        return ""
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def megabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.0f} MB"


def decibels(value: float | None) -> str:
    if value is None:
        return ""
    return "equal" if math.isinf(value) else f"{value:.0f} dB"


def finite(value: float | None) -> float | None:
    """JSON knows no infinity."""
    return None if value is None or math.isinf(value) else value


def cell(text: str) -> str:
    """Text that cannot break a table."""
    return text.replace("|", "/").replace("\n", " ")
