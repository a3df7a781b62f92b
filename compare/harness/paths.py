"""Where things are."""

import os
from pathlib import Path

COMPARE = Path(__file__).resolve().parent.parent
PROJECT = COMPARE.parent
WORK = PROJECT / "target" / "compare"
VENV = WORK / "venv"
PYTHON = VENV / "bin" / "python"
FAILED_INSTALLS = WORK / "failed-installs.json"
RAW = WORK / "raw.json"
RESULTS = COMPARE / "RESULTS.md"


def cargo_target() -> Path:
    """The folder that cargo builds into."""
    return Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))


def clips() -> Path:
    """The folder of real clips, which need not exist."""
    data = os.environ.get("UPSCALED_TEST_DATA")
    return (Path(data) if data else PROJECT.parent / "shared") / "clips" / "public"
