"""Engines against each other on one model and size: each setting is tried alone, the best go into the rounds."""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from harness import engines, paths, picture
from harness.engines import Case, Engine, OurEngine, RivalEngine
from harness.install import say

CLOSE = 1.08
"""A setting so many times slower than its rival's best one goes into the rounds too: one try is not exact."""
TRY_SECONDS = 0.1
"""A try is one frame, or one for each core, after another one that allocates."""
MEMORY_SHARE = 0.7
"""Engines stay loaded between rounds while they fit into this much of the memory that is free."""


@dataclass
class Entry:
    """What was found out about an engine in a setting."""

    name: str
    label: str
    version: str = ""
    trial_ms: float | None = None
    """Alone, one run."""
    peak_memory: int | None = None
    psnr: float | None = None
    rounds_ms: list[float] = field(default_factory=list)
    failure: str | None = None

    @property
    def ms(self) -> float:
        """Milliseconds a frame, the median of the rounds if there were any."""
        return median(self.rounds_ms) if self.rounds_ms else self.trial_ms or float("inf")

    def ratios(self, ours: "Entry") -> list[float]:
        """How many times longer a frame took than ours, round by round."""
        return [mine / our for mine, our in zip(self.rounds_ms, ours.rounds_ms, strict=False)]


def hold(case: Case, upscaled: Path, rounds: int, seconds: float) -> list[Entry]:
    """Tries all, then lets the best go round by round. Ours comes first in the list."""
    picture.generate(case.size).tofile(case.picture)
    reference = make_reference(case)
    candidates: list[Engine] = [OurEngine(upscaled, case)]
    candidates += [RivalEngine(setting, case) for setting in engines.SETTINGS]
    entries = [try_alone(engine, case, reference) for engine in candidates]
    if reference:
        reference.unlink()
    best: dict[str, float] = {}
    for entry in entries:
        best[entry.name] = min(best.get(entry.name, float("inf")), entry.ms)
    chosen = [
        (engine, entry)
        for engine, entry in zip(candidates, entries, strict=True)
        if not entry.failure and entry.ms <= CLOSE * best[entry.name]
    ]
    if not entries[0].failure:
        go_round(chosen, rounds, seconds)
    return entries


def make_reference(case: Case) -> Path | None:
    """The result of PyTorch as it is; nothing if there is no PyTorch."""
    reference = RivalEngine(engines.Setting("torch", "reference"), case)
    path = paths.WORK / "reference.f32"
    try:
        reference.start()
        reference.output(path)
    except RuntimeError as error:
        say(f"no PSNR, since there is no reference: {error}")
        return None
    finally:
        reference.close()
    return path


def try_alone(engine: Engine, case: Case, reference: Path | None) -> Entry:
    """Two frames in fresh processes: memory, result, and roughly the time."""
    entry = Entry(engine.name, engine.label)
    try:
        engine.start()
        entry.version = engine.version
        entry.trial_ms = engine.measure(TRY_SECONDS)
        entry.peak_memory = engine.peak_memory()
        if reference:
            result = paths.WORK / "result.f32"
            engine.output(result)
            entry.psnr = picture.psnr(result, reference)
            result.unlink()
        say(f"  {engine.name}, {engine.label}: {entry.trial_ms:.0f} ms")
    except (RuntimeError, ValueError, KeyError) as error:
        entry.failure = str(error)
        say(f"  {engine.name}, {engine.label}: {error}")
    finally:
        engine.close()
    return entry


def go_round(chosen: list[tuple[Engine, Entry]], rounds: int, seconds: float) -> None:
    """Each engine in turn, one at a time, the first one another in each round."""
    needed = sum(entry.peak_memory or 0 for _, entry in chosen)
    stay = needed < MEMORY_SHARE * free_memory()
    try:
        for number in range(rounds):
            say(f"  round {number + 1} of {rounds}")
            first = number % len(chosen)
            for engine, entry in chosen[first:] + chosen[:first]:
                if entry.failure:
                    continue
                try:
                    if number == 0 or not stay:
                        engine.start()
                    entry.rounds_ms.append(engine.measure(seconds))
                except RuntimeError as error:
                    entry.failure = str(error)
                if entry.failure or not stay:
                    engine.close()
    finally:
        for engine, _ in chosen:
            engine.close()


def free_memory() -> int:
    """Bytes that can be had without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
