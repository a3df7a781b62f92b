"""What the figures were measured on."""

import os
import platform
import subprocess
from pathlib import Path


def describe() -> str:
    """Processor, cores, memory, system: one line."""
    information = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in information if line.startswith("model name")]
    flags = next((line.split(":", 1)[1].split() for line in information if line.startswith("flags")), [])
    wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores = len(os.sched_getaffinity(0))
    processor = names[0] if names else platform.machine()
    return f"{processor} ({wide}), {cores} cores, {memory:.0f} GiB, {system()}, Linux {platform.release()}"


def system() -> str:
    """The distribution's name."""
    return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")


def load() -> float:
    """How many programs wanted to run in the last minute, on average."""
    return os.getloadavg()[0]


def ffmpeg_version() -> str:
    """The version of the FFmpeg that rivals' pipelines use."""
    try:
        done = subprocess.run(["ffmpeg", "-version"], text=True, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "absent"
    return done.stdout.split()[2]
