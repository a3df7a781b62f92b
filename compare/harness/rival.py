"""The driver's end of a rival's process; the other end is `rivals/protocol.py`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from harness import children, paths


class RivalProcess:
    """A process that loads a model and then runs frames on command. RuntimeError when it fails."""

    def __init__(self, rival: str, task: dict[str, Any], number: int) -> None:
        self.log = paths.WORK / "logs" / f"{rival}-{number}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command: list[children.Argument] = [paths.PYTHON, "-m", f"rivals.{rival}", json.dumps(task)]
        threads = {"OMP_NUM_THREADS": str(task["threads"]), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        caches = {"TORCHINDUCTOR_CACHE_DIR": str(paths.WORK / "inductor")}
        with self.log.open("w") as errors:
            self.child = children.start(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=1,
                env={**os.environ, **threads, **caches},
            )
        self.at_once = 1

    def wait_until_ready(self) -> str:
        """Waits until it has loaded; its version."""
        ready = self.answer()
        self.at_once = int(ready["at_once"])
        return str(ready["version"])

    def begin(self, frames: int) -> None:
        """Lets it run so many frames."""
        self.say(f"run {frames}")

    def seconds(self) -> float:
        """Waits for the end of the run; the wall time that it took."""
        return float(self.answer()["seconds"])

    def write_output(self, path: Path) -> None:
        """Lets it write its result for the picture."""
        self.say(f"output {path}")
        self.answer()

    def peak_memory(self) -> int:
        """The most bytes that it ever had resident."""
        for line in Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("the process has ended")

    def say(self, line: str) -> None:
        try:
            print(line, file=self.child.stdin, flush=True)
        except BrokenPipeError:
            raise RuntimeError(self.ended()) from None

    def answer(self) -> dict[str, Any]:
        line = self.child.stdout.readline() if self.child.stdout else ""
        if not line:
            raise RuntimeError(self.ended())
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def ended(self) -> str:
        code = self.child.wait()
        cause = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        return f"{cause}: {children.last_line(self.log)}"
