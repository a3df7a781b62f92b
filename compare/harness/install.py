"""Environment and programs. Runs before the environment exists: standard library only."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from harness import paths

REQUIREMENTS = paths.COMPARE / "requirements.txt"


class Failure(Exception):
    """Something without which nothing can be compared, with its remedy."""


def install_rivals() -> None:
    """Makes the virtual environment unless it is there with these very versions."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = paths.VENV / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say(f"installing the rivals into {paths.VENV}: some gigabytes, minutes")
    shutil.rmtree(paths.VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", paths.VENV]).returncode != 0:
        raise Failure("no virtual environment could be made: install python3-venv")
    failed = {}
    if message := pip("install", "-r", str(REQUIREMENTS)):
        say(f"not all could be installed at once ({message}): one by one")
        for requirement in requirements():
            if message := pip("install", requirement):
                failed[requirement.split("==")[0]] = message
                say(f"{requirement} could not be installed: {message}; remove {paths.VENV} to try again")
    if "numpy" in failed:
        raise Failure(f"NumPy could not be installed: {failed['numpy']}; check the network connection")
    paths.FAILED_INSTALLS.write_text(json.dumps(failed))
    stamp.write_text(wanted)


def requirements() -> list[str]:
    """The pinned packages."""
    lines = (line.strip() for line in REQUIREMENTS.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def pip(*arguments: str) -> str | None:
    """Runs pip in the environment; the last line of its complaint if it fails."""
    command: list[str | Path] = [paths.PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return lines[-1] if lines else f"pip ended with {done.returncode}"


def build_own_programs() -> None:
    """Builds what is compared with the rivals, as it is released."""
    if shutil.which("cargo") is None:
        raise Failure("cargo was not found: run scripts/install-packages build")
    say("building our programs")
    cargo: list[str | Path] = [
        "cargo",
        "build",
        "--quiet",
        "--release",
        "--manifest-path",
        paths.PROJECT / "Cargo.toml",
    ]
    for part in (["-p", "upscaled", "-p", "worker", "--bins"], ["-p", "engine", "--example", "raw"]):
        if subprocess.run([*cargo, *part]).returncode != 0:
            raise Failure("our programs could not be built: see cargo's message above")


def say(message: str) -> None:
    """Tells the person at the terminal."""
    print(message, file=sys.stderr, flush=True)
