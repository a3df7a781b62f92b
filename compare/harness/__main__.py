"""Inside the environment: converts, measures, reports."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from harness import children, clips, contest, convert, models, options, paths, pipelines
from harness.engines import Case
from harness.install import Failure, say
from harness.report import Report


def main() -> None:
    asked = options.parse(sys.argv[1:])
    # Both end the program by way of `finally`, so that no child is left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    upscaled = asked.upscaled or paths.cargo_target() / "release" / "upscaled"
    try:
        compare(asked, upscaled)
    except (Failure, RuntimeError) as failure:
        sys.exit(f"error: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        children.stop_all()


def compare(asked: options.Options, upscaled: Path) -> None:
    """All that is asked for; the report is written after each part."""
    report = Report(asked, sys.argv[1:], commit())
    if paths.FAILED_INSTALLS.exists():
        failed = json.loads(paths.FAILED_INSTALLS.read_text())
        report.notes += [f"{name} could not be installed: {message}" for name, message in failed.items()]
    chosen = [models.ALL[name] for name in asked.models]
    for model in chosen:
        convert.prepare(model)
    if asked.only != "pipelines":
        for name, size in asked.cases:
            case = Case(models.ALL[name], size, paths.WORK / "picture.f32")
            say(f"{name}, {case.size_text}")
            report.contests.append((case, contest.hold(case, upscaled, asked.rounds, asked.seconds)))
            report.write()
    if asked.only != "engines":
        videos(report, [model for model in chosen if model.compact], upscaled)
    report.write()
    say(f"written: {paths.RESULTS}, {paths.RAW}")


def videos(report: Report, chosen: list[models.Model], upscaled: Path) -> None:
    """The second part, for the models that are light enough for whole videos."""
    try:
        cuts = clips.cut(report.options.clip_frames)
    except RuntimeError as failure:
        report.notes.append(f"whole videos: {failure}")
        return
    for model in chosen:
        for clip in cuts[:1] if report.options.quick else cuts:
            say(f"{model.name}, {clip.name}")
            runs = pipelines.hold(model, clip, upscaled, report.options.pipeline_rounds)
            report.pipelines.append((model, clip, runs))
            report.write()


def commit() -> str:
    """Which state of the project is measured."""
    git = ["git", "-C", str(paths.PROJECT), "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(git, text=True, capture_output=True)
    return done.stdout.strip() if done.returncode == 0 else "unknown commit"


main()
