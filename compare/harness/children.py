"""Processes that are certain to end with this one."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

running: list[subprocess.Popen] = []
Argument = str | Path


def start(command: Sequence[Argument], **options: Any) -> subprocess.Popen:
    """Starts a program at the head of a group of its own, so that its children end with it."""
    child = subprocess.Popen([str(part) for part in command], text=True, start_new_session=True, **options)
    running.append(child)
    return child


def run(command: Sequence[Argument], log: Path) -> str:
    """Runs a program to its end and returns what it wrote to stdout; stderr goes to `log`.

    RuntimeError with the last line of its complaint if it fails.
    """
    with log.open("w") as errors:
        child = start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        output, _ = child.communicate()
    running.remove(child)
    if child.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} ended with {child.returncode}: {last_line(log)}")
    return output


def last_line(log: Path) -> str:
    """The end of a complaint."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "no message"


def stop(child: subprocess.Popen) -> None:
    """Ends a program and its children at once, stopped ones too."""
    if child in running:
        running.remove(child)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()


def stop_all() -> None:
    """Ends everything that still runs."""
    for child in running.copy():
        stop(child)


def pause(child: subprocess.Popen) -> None:
    """Keeps an idle program's waiting threads off the processors."""
    os.killpg(child.pid, signal.SIGSTOP)


def resume(child: subprocess.Popen) -> None:
    """Lets it go on."""
    os.killpg(child.pid, signal.SIGCONT)
